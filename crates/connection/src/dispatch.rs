//! Requests of the server's: each is answered, whatever happens.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use openai_codex_wire::scope::ScopeIds;
use openai_codex_wire::{Protocol, RequestId, ThreadId, TurnId};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::watch;
use tracing::Instrument;

use super::core::{Core, json_string, one_line};
use super::effects::Effects;
use super::event::RawEvent;
use super::request::raw_value;
use crate::error::RpcError;

/// How long a handler may go on after its request was withdrawn.
const GRACE: Duration = Duration::from_secs(5);

/// The answer to a request of the server's.
pub type Reply = Result<Box<RawValue>, RpcError>;

/// Answers the server's requests. Each runs on a task of its own, at most
/// `max_handlers` at a time, so it may take its time, call back into the
/// connection, and panic: the server gets an error then.
pub trait Dispatcher: Send + Sync + 'static {
    /// Answers one request. When it is withdrawn, `call.cancelled` says so and
    /// the answer does not matter; the future is dropped five seconds later, or
    /// at once when the connection is gone.
    fn dispatch(&self, call: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>>;

    /// Hears of each notification, before the next message is read: on the reader, so
    /// that it may neither wait nor take long.
    fn hear(&self, _event: &RawEvent) {}
}

/// A request of the server's.
pub struct ServerCall {
    /// The number that the answer goes to.
    pub id: RequestId,
    /// What is asked.
    pub method: Box<str>,
    /// `null` where there were none.
    pub params: Box<RawValue>,
    /// The thread that it is about, if its params name one.
    pub thread: Option<ThreadId>,
    /// The turn that it is about, if its params name one.
    pub turn: Option<TurnId>,
    /// Tells when nobody waits for the answer any more.
    pub cancelled: Cancelled,
}

/// Tells a handler that nobody waits for its answer any more.
#[derive(Clone)]
pub struct Cancelled(watch::Receiver<Wanted>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Yes,
    /// The server took the request back, or its turn is over.
    Withdrawn,
    /// The connection is gone.
    Closed,
}

impl Cancelled {
    /// Resolves when the request is withdrawn.
    pub async fn cancelled(&self) {
        self.ended().await;
    }

    /// Whether the request is withdrawn.
    pub fn is_cancelled(&self) -> bool {
        // The sender goes when the request has been answered.
        *self.0.borrow() != Wanted::Yes || self.0.has_changed().is_err()
    }

    async fn ended(&self) -> Wanted {
        let mut wanted = self.0.clone();
        let ended = wanted.wait_for(|wanted| *wanted != Wanted::Yes).await;
        // The sender goes when the request has been answered.
        ended.map_or(Wanted::Closed, |ended| *ended)
    }
}

/// The answer that grants nothing, with a warning: what the protocol says for the method,
/// else an error. The turn goes on in each case.
pub(crate) fn refuse(protocol: &Protocol, method: &str) -> Reply {
    tracing::warn!(
        method,
        "refusing a request of the server's: no handler is set for it"
    );
    refusal(protocol, method)
}

/// The answer that grants nothing: what the protocol says for the method, else an error.
pub fn refusal(protocol: &Protocol, method: &str) -> Reply {
    let spec = protocol.server_request(method);
    let answer = spec.and_then(|spec| RawValue::from_string(spec.refusal?.to_owned()).ok());
    answer.ok_or_else(|| {
        let message = format!("this client has no handler for {method}");
        rpc_error(-32601, &message)
    })
}

/// The server's requests that have no answer yet.
#[derive(Debug, Default)]
pub(crate) struct ServerRequests {
    open: HashMap<RequestId, OpenRequest>,
    next_generation: u64,
    /// How many handlers are at work, those included whose request was withdrawn.
    running: usize,
}

/// A request whose handler is at work.
#[derive(Debug)]
pub(crate) struct OpenRequest {
    thread: Option<ThreadId>,
    turn: Option<TurnId>,
    wanted: watch::Sender<Wanted>,
    /// Tells a request from a later one with the same id.
    generation: u64,
}

impl OpenRequest {
    /// Tells the handler that the connection is gone. Call it without the lock.
    pub(super) fn close(&self) {
        self.wanted.send_replace(Wanted::Closed);
    }

    /// Tells the handler that nobody waits. Call it without the lock.
    pub(super) fn withdraw(&self) {
        self.wanted.send_replace(Wanted::Withdrawn);
    }
}

impl ServerRequests {
    /// Adds a request whose handler is about to run.
    fn open(
        &mut self,
        id: &RequestId,
        thread: Option<ThreadId>,
        turn: Option<TurnId>,
        fx: &mut Effects,
    ) -> (u64, Cancelled) {
        self.next_generation += 1;
        self.running += 1;
        let (tx, rx) = watch::channel(Wanted::Yes);
        let open = OpenRequest {
            thread,
            turn,
            wanted: tx,
            generation: self.next_generation,
        };
        if let Some(replaced) = self.open.insert(id.clone(), open) {
            fx.withdraw(replaced);
        }
        (self.next_generation, Cancelled(rx))
    }

    /// Removes a request that is answered, unless the answer is not wanted any
    /// more. Drop it without the lock, because that wakes.
    fn settle(&mut self, id: &RequestId, generation: u64) -> Option<OpenRequest> {
        let current = self.open.get(id).map(|open| open.generation);
        (current == Some(generation)).then(|| self.open.remove(id))?
    }

    /// The turn is over, and with it its requests.
    pub(super) fn withdraw_turn(&mut self, thread: &ThreadId, turn: &TurnId, fx: &mut Effects) {
        self.withdraw(fx, |_, open| {
            open.turn.as_ref() == Some(turn)
                && open.thread.as_ref().is_none_or(|other| other == thread)
        });
    }

    /// The thread is gone, and with it its requests.
    pub(super) fn withdraw_thread(&mut self, thread: &ThreadId, fx: &mut Effects) {
        self.withdraw(fx, |_, open| open.thread.as_ref() == Some(thread));
    }

    /// The server does not need the answer any more.
    pub(super) fn withdraw_resolved(&mut self, event: &RawEvent, fx: &mut Effects) {
        if let Ok(Resolved(resolved)) = serde_json::from_str(event.params()) {
            self.withdraw(fx, |id, _| *id == resolved);
        }
    }

    fn withdraw(
        &mut self,
        fx: &mut Effects,
        mut matches: impl FnMut(&RequestId, &OpenRequest) -> bool,
    ) {
        for (_, open) in self.open.extract_if(|id, open| matches(id, open)) {
            fx.withdraw(open);
        }
    }

    pub(super) fn take_all(&mut self) -> Vec<OpenRequest> {
        self.open.drain().map(|(_, open)| open).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

/// The `requestId` of `serverRequest/resolved`.
struct Resolved(RequestId);

impl<'de> Deserialize<'de> for Resolved {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Resolved;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `requestId`")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Resolved, A::Error> {
                let mut id = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "requestId" {
                        id = Some(map.next_value()?);
                    } else {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                id.map(Resolved)
                    .ok_or_else(|| serde::de::Error::missing_field("requestId"))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Core {
    /// Hands a request of the server's to the dispatcher.
    pub(super) fn accept(
        self: &Arc<Self>,
        id: RequestId,
        method: &str,
        params: Option<&str>,
        scope: &ScopeIds<'_>,
    ) {
        let params = match raw_value(params.unwrap_or("null").into()) {
            Ok(params) => params,
            Err((_, error)) => {
                tracing::warn!(method, %error, "a request of the server's has undecodable params");
                return self.send(
                    encode_reply(
                        &id,
                        &Err(rpc_error(-32602, &format!("undecodable params: {error}"))),
                    ),
                    None,
                );
            }
        };
        let thread = scope.thread_id.as_deref().map(ThreadId::from);
        let turn = scope.turn_id.as_deref().map(TurnId::from);
        let mut state = self.lock();
        if state.failure.is_some() {
            return;
        }
        if state.server_requests.running >= self.options.max_handlers {
            drop(state);
            tracing::warn!(method, "too many requests of the server's at a time");
            return self.send(encode_reply(&id, &refuse(self.protocol(), method)), None);
        }
        let mut fx = Effects::default();
        let (generation, cancelled) =
            state
                .server_requests
                .open(&id, thread.clone(), turn.clone(), &mut fx);
        drop(state);
        fx.run();

        let answering = Answering {
            core: Arc::clone(self),
            id: id.clone(),
            generation,
            answered: false,
        };
        let span = tracing::debug_span!(
            parent: &self.span,
            "server_request",
            method,
            %id,
            thread = thread.as_ref().map(ThreadId::as_str),
            turn = turn.as_ref().map(TurnId::as_str),
        );
        let call = ServerCall {
            id,
            method: method.into(),
            params,
            thread,
            turn,
            cancelled: cancelled.clone(),
        };
        // The task ends with its handler, with the grace after a withdrawal, or
        // with the connection.
        tokio::spawn(answering.run(call, cancelled).instrument(span));
    }
}

/// The duty to answer: if the handler panics or is dropped, an error is sent.
struct Answering {
    core: Arc<Core>,
    id: RequestId,
    generation: u64,
    answered: bool,
}

impl Answering {
    async fn run(mut self, call: ServerCall, cancelled: Cancelled) {
        let dispatcher = Arc::clone(&self.core.dispatcher);
        let handler = async move { dispatcher.dispatch(call).await };
        let patience = async move {
            if cancelled.ended().await == Wanted::Withdrawn {
                tokio::time::sleep(GRACE).await;
            }
        };
        let (mut handler, mut patience) = (pin!(handler), pin!(patience));
        let reply = std::future::poll_fn(|cx| {
            if let Poll::Ready(reply) = handler.as_mut().poll(cx) {
                return Poll::Ready(Some(reply));
            }
            patience.as_mut().poll(cx).map(|()| None)
        })
        .await;
        self.answered = true;
        if let Some(reply) = reply {
            self.send(&reply);
        }
    }

    /// Sends an answer, unless nobody waits for it any more.
    fn send(&self, reply: &Reply) {
        let frame = encode_reply(&self.id, reply);
        let mut state = self.core.lock();
        if state.failure.is_some() {
            return;
        }
        let settled = state.server_requests.settle(&self.id, self.generation);
        let queued = settled.is_none() || state.outbox.queue(frame, None);
        drop(state);
        if settled.is_some() {
            self.core.queued(queued);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if !self.answered {
            self.send(&Err(rpc_error(-32603, "the handler panicked")));
        }
        self.core.lock().server_requests.running -= 1;
    }
}

fn rpc_error(code: i64, message: &str) -> RpcError {
    RpcError {
        code,
        message: message.to_owned(),
        data: None,
    }
}

fn encode_reply(id: &RequestId, reply: &Reply) -> String {
    let id = match id {
        RequestId::Integer(id) => id.to_string(),
        RequestId::String(id) => json_string(id),
    };
    match reply {
        Ok(result) => format!("{{\"id\":{id},\"result\":{}}}", one_line(result.get())),
        Err(error) => {
            let data = match &error.data {
                Some(data) => format!(",\"data\":{data}"),
                None => String::new(),
            };
            let message = json_string(&error.message);
            let code = error.code;
            format!("{{\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}{data}}}}}")
        }
    }
}
