//! Which handler answers which request.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use openai_codex_types::server_requests::SERVER_REQUESTS;
use openai_codex_types::{DynamicToolCallParams, ServerRequest, ThreadId};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::watch;

use super::{Answering, HandlerContext, HandlerError, Handlers};
use crate::codex::WeakCodex;
use crate::connection::{Dispatcher, Reply, ServerCall, refusal, refuse};
use crate::error::{Result, RpcError};
use crate::tool::{Tool, ToolOutput, Toolbox};

/// From this many threads with handlers or tools on, those that nobody has a
/// handle on are forgotten, the oldest first.
const THREADS: usize = 1024;

/// What answers the server: the handlers of the client and of its threads.
pub(crate) struct Registry(Arc<Shared>);

struct Shared {
    client: Handlers,
    /// The client, as soon as there is one: a request may come before.
    codex: watch::Sender<Option<WeakCodex>>,
    threads: Mutex<Threads>,
    /// How many threads with hooks are being started. A request about a thread
    /// that is not known may concern one of these.
    starting: watch::Sender<usize>,
}

#[derive(Default)]
struct Threads {
    hooks: HashMap<ThreadId, (u64, Arc<ThreadHooks>)>,
    next: u64,
}

/// What a thread has of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThreadHooks {
    handlers: Handlers,
    tools: Toolbox,
}

impl ThreadHooks {
    /// Handlers and tools over those that are there. Nothing, if neither is given.
    pub(crate) fn over(
        before: Option<&Self>,
        handlers: Option<Handlers>,
        tools: Option<Toolbox>,
    ) -> Option<Arc<Self>> {
        if handlers.is_none() && tools.is_none() {
            return before.cloned().map(Arc::new);
        }
        let before = before.cloned().unwrap_or_default();
        Some(Arc::new(Self {
            handlers: handlers.unwrap_or(before.handlers),
            tools: tools.unwrap_or(before.tools),
        }))
    }
}

/// A thread that is being started, resumed or forked. Requests that may concern
/// it wait until this is gone.
pub(crate) struct Starting {
    shared: Arc<Shared>,
    hooks: Option<Arc<ThreadHooks>>,
}

impl Registry {
    pub(crate) fn new(client: Handlers) -> Self {
        Self(Arc::new(Shared {
            client,
            codex: watch::Sender::new(None),
            threads: Mutex::default(),
            starting: watch::Sender::new(0),
        }))
    }

    /// Says whose requests these are.
    pub(crate) fn set_codex(&self, codex: WeakCodex) {
        self.0.codex.send_replace(Some(codex));
    }

    /// Whether approvals are answered, by the client or by the thread.
    pub(crate) fn approve(&self, thread: Option<&ThreadId>) -> bool {
        let hooks = thread.and_then(|thread| self.hooks(thread));
        self.0.client.approve() || hooks.is_some_and(|hooks| hooks.handlers.approve())
    }

    /// What a thread has of its own.
    pub(crate) fn hooks(&self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        self.0.lock().get(thread)
    }

    /// Says that a thread with these hooks is on its way.
    pub(crate) fn starting(&self, hooks: Option<Arc<ThreadHooks>>) -> Starting {
        if hooks.is_some() {
            self.0.starting.send_modify(|threads| *threads += 1);
        }
        Starting {
            shared: Arc::clone(&self.0),
            hooks,
        }
    }
}

impl Starting {
    /// The thread is there.
    pub(crate) fn started(self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        let hooks = Arc::clone(self.hooks.as_ref()?);
        self.shared
            .lock()
            .insert(thread.clone(), Arc::clone(&hooks));
        Some(hooks)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.hooks.is_some() {
            self.shared.starting.send_modify(|threads| *threads -= 1);
        }
    }
}

impl Threads {
    fn get(&self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        self.hooks.get(thread).map(|(_, hooks)| Arc::clone(hooks))
    }

    fn insert(&mut self, thread: ThreadId, hooks: Arc<ThreadHooks>) {
        if self.hooks.len() >= THREADS {
            let unused = self
                .hooks
                .iter()
                .filter(|(_, (_, it))| Arc::strong_count(it) == 1);
            let oldest = unused.min_by_key(|(_, (age, _))| *age);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.hooks.remove(&oldest);
            }
        }
        self.next += 1;
        self.hooks.insert(thread, (self.next, hooks));
    }
}

impl Dispatcher for Registry {
    fn dispatch(&self, call: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(Arc::clone(&self.0).answer(call))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(self: Arc<Self>, call: ServerCall) -> Reply {
        let hooks = match &call.thread {
            Some(thread) => self.hooks(thread).await,
            None => None,
        };
        let Some(codex) = self.codex().await else {
            // The connection is ending, and nobody reads this.
            return Err(rpc_error("the client is gone".to_owned()));
        };
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
        if let Some(hooks) = &hooks
            && let Some(reply) = request.call_tool(&hooks.tools).await
        {
            return reply;
        }
        let levels = hooks
            .iter()
            .map(|hooks| &hooks.handlers)
            .chain([&self.client]);
        for handlers in levels {
            if let Some(reply) = request.handle(handlers).await {
                return reply;
            }
        }
        refuse(&request.method)
    }

    /// What the thread has of its own, which may be on its way.
    async fn hooks(&self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        let mut starting = self.starting.subscribe();
        loop {
            // In this order: a thread is known before it stops being started.
            let threads = *starting.borrow_and_update();
            if let Some(hooks) = self.lock().get(thread) {
                return Some(hooks);
            }
            if threads == 0 || starting.changed().await.is_err() {
                return None;
            }
        }
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
                && SERVER_REQUESTS
                    .iter()
                    .all(|known| *known.method != *self.method)
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
        let call: DynamicToolCallParams = serde_json::from_str(self.params.get()).ok()?;
        let tool = tools.find(call.namespace.as_deref(), &call.tool)?;
        let output = self.run(tool, call).await;
        let response = to_raw_value(&output.into_wire());
        Some(response.or_else(|_| refusal(&self.method)))
    }

    /// Runs a tool. Whatever goes wrong is told to the model.
    async fn run(&self, tool: &Tool, call: DynamicToolCallParams) -> ToolOutput {
        let (run, cx) = (tool.run(), self.cx.clone());
        let running = Box::pin(async move { run(call.arguments, cx).await });
        guarded(running, tool.time_limit())
            .await
            .unwrap_or_else(|failure| {
                let reason = failure.reason("tool");
                tracing::warn!(tool = tool.name(), reason, "a tool call failed");
                ToolOutput::failure(reason)
            })
    }

    fn refused(&self, failure: &Failure) -> RpcError {
        let reason = failure.reason("handler");
        tracing::warn!(
            method = &*self.method,
            thread = self.cx.thread_id.as_deref(),
            turn = self.cx.turn_id.as_deref(),
            reason,
            "refusing a request of the server's"
        );
        rpc_error(reason)
    }
}

impl Failure {
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
    RpcError {
        code: -32603,
        message,
        data: None,
    }
}
