//! Which handler answers which request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use openai_codex_connection::{Dispatcher, RawEvent, Reply, ServerCall, refusal};
use openai_codex_types::{
    DynamicToolCallParams, PROTOCOL, ServerRequest, ThreadId, ThreadReadParams,
};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;

use super::origins::{Heard, Origin};
use super::threads::{Owner, Starting, ThreadHooks, Threads};
use super::{Answering, HandlerContext, HandlerError, Handlers};
use crate::codex::WeakCodex;
use crate::error::{Result, RpcError};
use crate::result::{member, members};
use crate::tool::{Tool, ToolOutput, Toolbox};

/// How long the server may take to say where a thread comes from.
const ASKING: Duration = Duration::from_secs(5);

/// So many threads, each of which comes from the next one, are asked about a request.
const GENERATIONS: usize = 64;

/// What answers the server: the handlers of the client and of its threads.
pub(crate) struct Registry(Arc<Shared>);

struct Shared {
    client: Handlers,
    /// The client, as soon as there is one: a request may come before.
    codex: watch::Sender<Option<WeakCodex>>,
    threads: Arc<Threads>,
}

impl Registry {
    pub(crate) fn new(client: Handlers) -> Self {
        Self(Arc::new(Shared {
            client,
            codex: watch::Sender::new(None),
            threads: Threads::new(),
        }))
    }

    /// Says whose requests these are.
    pub(crate) fn set_codex(&self, codex: WeakCodex) {
        self.0.codex.send_replace(Some(codex));
    }

    /// Whether approvals are answered, by the client or by the thread.
    pub(crate) fn approve(&self, thread: Option<&ThreadId>) -> bool {
        let mut line =
            std::iter::successors(thread.cloned(), |it| match self.0.threads.origin(it) {
                Some(Origin::From(from)) => Some(from),
                Some(Origin::Itself) | None => None,
            });
        let mut hooks = line
            .by_ref()
            .take(GENERATIONS)
            .filter_map(|it| self.hooks(&it));
        self.0.client.approve() || hooks.any(|hooks| hooks.handlers.approve())
    }

    /// What a thread has of its own.
    pub(crate) fn hooks(&self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        self.0.threads.hooks(thread)
    }

    /// Says that a thread is on its way: this one, if that can be known already.
    pub(crate) fn starting(
        &self,
        thread: Option<&ThreadId>,
        hooks: Option<Arc<ThreadHooks>>,
    ) -> Starting {
        self.0.threads.starting(thread, hooks)
    }
}

impl Dispatcher for Registry {
    fn dispatch(&self, call: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(Arc::clone(&self.0).answer(call))
    }

    fn hear(&self, event: &RawEvent) {
        if let Some(heard) = Heard::in_event(event) {
            self.0.threads.hear(heard);
        }
    }
}

impl Shared {
    /// The answer of the thread that it is about, or of the nearest one that this comes
    /// from and that has one; else of the client. What a thread refuses is refused to
    /// whoever works for it, so that the client is not asked if there may be such a thread.
    async fn answer(self: Arc<Self>, call: ServerCall) -> Reply {
        let Some(codex) = self.codex().await else {
            // The connection is ending, and nobody reads this.
            return Err(rpc_error("the client is gone".to_owned()));
        };
        let mut next = call.thread.clone();
        let request = Request {
            cx: HandlerContext {
                codex,
                thread_id: call.thread,
                turn_id: call.turn,
                request_id: call.id,
                cancelled: call.cancelled,
            },
            method: call.method,
            params: call.params,
        };
        let mut generations = 0..GENERATIONS;
        while let Some(thread) = next {
            match self.threads.owner(&thread, &request.method).await {
                Owner::Thread(hooks) => {
                    if let Some(reply) = request.call_tool(&hooks.tools).await {
                        return reply;
                    }
                    if let Some(reply) = request.handle(&hooks.handlers).await {
                        return reply;
                    }
                }
                Owner::Nobody => {}
                Owner::Unknown(why) => return request.refuse(why),
            }
            if !self.threads.any_answer(&request.method) {
                break;
            }
            next = match self.origin(&thread, &request.cx.codex).await {
                Some(Origin::Itself) => None,
                Some(Origin::From(_)) if generations.next().is_none() => {
                    return request.refuse("its thread comes from too many others");
                }
                Some(Origin::From(from)) => Some(from),
                None => {
                    return request.refuse(
                        "it cannot be learnt which thread its thread works for, and a thread has \
                         handlers of its own",
                    );
                }
            };
        }
        let reply = request.handle(&self.client).await;
        reply.unwrap_or_else(|| request.refuse("no handler is set for it"))
    }

    /// Where a thread comes from. The server is asked if it has not said it.
    async fn origin(&self, thread: &ThreadId, codex: &crate::Codex) -> Option<Origin> {
        if let Some(known) = self.threads.origin(thread) {
            return Some(known);
        }
        let asking = codex.call(ThreadReadParams::new(thread.clone()));
        let asked = match tokio::time::timeout(ASKING, asking).await {
            Ok(Ok(answer)) if answer.thread.id == *thread => self.threads.learn(&answer.thread),
            Ok(Ok(_)) => None,
            Ok(Err(error)) => {
                tracing::debug!(%thread, %error, "where a thread comes from was not answered");
                None
            }
            Err(_) => None,
        };
        // It may have been said meanwhile.
        asked.or_else(|| self.threads.origin(thread))
    }

    async fn codex(&self) -> Option<crate::Codex> {
        let mut codex = self.codex.subscribe();
        let codex = codex.wait_for(Option::is_some).await.ok()?;
        codex.as_ref()?.guest()
    }
}

/// A request of the server's, with what its handler gets to know.
struct Request {
    cx: HandlerContext,
    method: Box<str>,
    params: Box<RawValue>,
}

/// Why there is no answer.
enum Failure {
    Error(HandlerError),
    Panicked,
    TimedOut(Duration),
}

impl Request {
    /// The answer of a handler, unless there is none for this.
    async fn handle(&self, handlers: &Handlers) -> Option<Reply> {
        let answering: Pin<Box<dyn Future<Output = _> + Send>> =
            if let Some(run) = handlers.by_method.get(&*self.method) {
                let (run, params, cx) = (Arc::clone(run), self.params.clone(), self.cx.clone());
                Box::pin(async move { run(&params, cx).await })
            } else if let Some(run) = &handlers.fallback
                && PROTOCOL.server_request(&self.method).is_none()
            {
                let (run, params, cx) = (Arc::clone(run), self.params.clone(), self.cx.clone());
                let method = self.method.clone();
                Box::pin(async move { run(&method, &params, cx).await })
            } else {
                return None;
            };
        let answering: Answering = answering;
        match guarded(answering, handlers.timeout).await {
            Ok(answer) => Some(Ok(answer)),
            Err(Failure::Error(error)) if error.is_not_handled() => None,
            Err(failure) => Some(Err(self.refused(&failure))),
        }
    }

    /// The answer of a tool, unless this is not for one of these.
    async fn call_tool(&self, tools: &Toolbox) -> Option<Reply> {
        if &*self.method != DynamicToolCallParams::METHOD {
            return None;
        }
        let call = openai_codex_wire::decode::<DynamicToolCallParams>(
            DynamicToolCallParams::METHOD,
            self.params.get(),
        );
        let output = match call {
            Ok(call) => {
                let tool = tools.find(call.namespace.as_deref(), &call.tool)?;
                self.run(tool, call).await
            }
            Err(error) => {
                // Which tool it is for can be read all the same.
                let members = members(&self.params);
                let (namespace, name) = (
                    member::<String>(&members, "namespace"),
                    member::<String>(&members, "tool")?,
                );
                let tool = tools.find(namespace.as_deref(), &name)?;
                let reason = match error.reason().contains("recursion limit") {
                    true => "the arguments are nested too deeply to be read; nest them less",
                    false => error.reason(),
                };
                let failure = Failure::Error(HandlerError::new(reason));
                self.log(&failure, tool.name(), "a tool call cannot be read");
                ToolOutput::failure(reason)
            }
        };
        let response = to_raw_value(&output.into_wire());
        Some(response.or_else(|_| refusal(&PROTOCOL, &self.method)))
    }

    /// Runs a tool. Whatever goes wrong is told to the model.
    async fn run(&self, tool: &Tool, call: DynamicToolCallParams) -> ToolOutput {
        let (run, cx) = (tool.run(), self.cx.clone());
        let running = Box::pin(async move { run(call.arguments, cx).await });
        guarded(running, tool.time_limit())
            .await
            .unwrap_or_else(|failure| {
                self.log(&failure, tool.name(), "a tool call failed");
                ToolOutput::failure(failure.reason("tool"))
            })
    }

    fn refused(&self, failure: &Failure) -> RpcError {
        self.log(failure, "", "refusing a request of the server's");
        rpc_error(failure.reason("handler"))
    }

    fn refuse(&self, why: &str) -> Reply {
        tracing::warn!(
            method = &*self.method,
            thread = self.cx.thread_id.as_deref(),
            turn = self.cx.turn_id.as_deref(),
            "refusing a request of the server's: {why}"
        );
        refusal(&PROTOCOL, &self.method)
    }

    /// What went wrong. What it says may quote a command, a prompt or arguments,
    /// so that it is not for logs that everybody keeps.
    fn log(&self, failure: &Failure, tool: &str, what: &str) {
        tracing::warn!(
            method = &*self.method,
            tool = (!tool.is_empty()).then_some(tool),
            thread = self.cx.thread_id.as_deref(),
            turn = self.cx.turn_id.as_deref(),
            failure = failure.kind(),
            "{what}"
        );
        tracing::debug!(
            method = &*self.method,
            reason = failure.reason("handler or tool"),
            "{what}"
        );
    }
}

impl Failure {
    fn kind(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Panicked => "panic",
            Self::TimedOut(_) => "timeout",
        }
    }

    fn reason(&self, who: &str) -> String {
        match self {
            Self::Error(error) => error.message().to_owned(),
            Self::Panicked => format!("the {who} panicked"),
            Self::TimedOut(limit) => format!("the {who} did not answer within {limit:?}"),
        }
    }
}

/// Runs what is the user's, so that it can neither panic nor take too long.
async fn guarded<T>(
    work: Pin<Box<dyn Future<Output = Result<T, HandlerError>> + Send>>,
    timeout: Option<Duration>,
) -> Result<T, Failure> {
    let mut work = work;
    let caught = std::future::poll_fn(|cx| {
        // It is never polled again after a panic.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(done.map_err(Failure::Error)),
            Err(_) => Poll::Ready(Err(Failure::Panicked)),
        }
    });
    let caught = pin!(caught);
    match timeout {
        None => caught.await,
        Some(limit) => match tokio::time::timeout(limit, caught).await {
            Ok(done) => done,
            Err(_) => Err(Failure::TimedOut(limit)),
        },
    }
}

fn rpc_error(message: String) -> RpcError {
    RpcError::new(-32603, message)
}
