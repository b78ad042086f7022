//! What the tasks and the handles of a connection share.

use std::borrow::Cow;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openai_codex_wire::{Protocol, Role, ThreadId, TurnId, redact};
use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::dispatch::{Dispatcher, ServerRequests};
use super::effects::Effects;
use super::options::ConnectionOptions;
use super::outbox::Outbox;
use super::pending::{Pending, Waiter};
use super::router::Router;
use super::signs::Signs;
use super::supervisor::Happened;
use crate::error::{Error, ErrorKind};
use crate::process::{ChildProcess, StderrTail};

/// How many ordinary messages may wait for the writer.
const QUEUE_SLOTS: usize = 128;

/// How a request to interrupt a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The server took it; the turn will complete with status `interrupted`.
    Accepted,
    /// The turn had ended already.
    Finished,
}

/// The state of a connection, and what wakes its tasks.
pub(crate) struct Core {
    state: Mutex<State>,
    next_id: AtomicI64,
    pub(super) options: ConnectionOptions,
    pub(super) dispatcher: Arc<dyn Dispatcher>,
    /// Permits for ordinary and for long-running requests.
    pub(super) in_flight: Arc<Semaphore>,
    pub(super) long_running: Arc<Semaphore>,
    pub(super) slots: Arc<Semaphore>,
    /// Something was queued, or the queue was closed.
    pub(super) outbox_ready: Notify,
    /// The failure was latched.
    failed: Notify,
    /// A turn that was given up may not hold up its thread any more.
    pub(super) given_up: Notify,
    malformed: AtomicU64,
    skipped: Mutex<Skipped>,
    pub(super) child: Option<Child>,
    supervisor: mpsc::Sender<Happened>,
    end_requested: AtomicBool,
    finished: watch::Sender<bool>,
    /// What drives the connection, and timers for those who are polled elsewhere.
    pub(super) runtime: Handle,
    /// What the connection's own tasks run in.
    pub(super) span: tracing::Span,
}

/// The number of the next connection of this process.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// The child process at the other end.
pub(crate) struct Child {
    pub(super) process: ChildProcess,
    pub(super) stderr: StderrTail,
    /// Whether it is gone, and with what status.
    pub(super) exit: watch::Receiver<Option<Exit>>,
}

/// A child that is gone, with its status if that could be learnt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit(pub(super) Option<ExitStatus>);

/// Everything that is behind the one lock.
pub(crate) struct State {
    pub(super) failure: Option<Error>,
    pub(super) pending: Pending,
    pub(super) router: Router,
    pub(super) signs: Signs,
    pub(super) outbox: Outbox,
    pub(super) server_requests: ServerRequests,
}

impl Core {
    pub(super) fn new(
        runtime: Handle,
        options: ConnectionOptions,
        dispatcher: Arc<dyn Dispatcher>,
        child: Option<Child>,
        supervisor: mpsc::Sender<Happened>,
    ) -> Self {
        let permits = options.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            state: Mutex::new(State {
                failure: None,
                pending: Pending::default(),
                router: Router::new(options.limits),
                signs: Signs::default(),
                outbox: Outbox::default(),
                server_requests: ServerRequests::default(),
            }),
            next_id: AtomicI64::new(1),
            in_flight: Arc::new(Semaphore::new(permits)),
            long_running: Arc::new(Semaphore::new(permits)),
            slots: Arc::new(Semaphore::new(QUEUE_SLOTS)),
            options,
            dispatcher,
            outbox_ready: Notify::new(),
            failed: Notify::new(),
            given_up: Notify::new(),
            malformed: AtomicU64::new(0),
            skipped: Mutex::default(),
            child,
            supervisor,
            end_requested: AtomicBool::new(false),
            finished: watch::channel(false).0,
            runtime,
            // It lives as long as the connection, so that it is nobody's child: a
            // request that opened a pooled client would never end.
            span: tracing::info_span!(
                parent: None,
                "codex",
                connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed),
                runtime = tracing::field::Empty,
            ),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock panics; if it did, going on with what is there
        // would still be better than failing everyone.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the lock is held, which it must not be when others are woken.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.state.try_lock().is_err()
    }

    /// What there is to know of methods.
    pub(super) fn protocol(&self) -> &'static Protocol {
        self.options.protocol
    }

    /// The method that has a role.
    pub(super) fn method(&self, role: Role) -> Result<&'static str, Error> {
        self.protocol().method(role).ok_or_else(|| {
            let message = format!("the protocol of this connection has no method for {role}");
            Error::new(ErrorKind::InvalidInput, message)
        })
    }

    pub(super) fn failure(&self) -> Option<Error> {
        self.lock().failure.clone()
    }

    /// Latches the reason for which the connection is gone, if it is the first,
    /// and ends every wait with it.
    pub(super) fn fail(&self, error: Error) {
        let mut fx = Effects::default();
        let mut state = self.lock();
        if state.failure.is_some() {
            return;
        }
        tracing::debug!(parent: &self.span, reason = %error, "connection ended");
        let waiters = state.pending.take_all();
        let owed = state.pending.take_all_owed();
        let requests = state.server_requests.take_all();
        state.router.fail(&mut fx);
        state.signs.clear();
        state.outbox.close();
        state.failure = Some(error.clone());
        drop(state);

        self.in_flight.close();
        self.long_running.close();
        self.slots.close();
        drop(owed);
        for waiter in waiters {
            waiter.fail(&error);
        }
        for request in requests {
            request.close();
        }
        fx.run();
        self.failed.notify_waiters();
        self.given_up.notify_waiters();
        self.outbox_ready.notify_one();
    }

    pub(super) async fn closed(&self) -> Error {
        let mut failed = std::pin::pin!(self.failed.notified());
        // From here on no notice is missed.
        failed.as_mut().enable();
        if let Some(error) = self.failure() {
            return error;
        }
        failed.await;
        self.failure()
            .unwrap_or_else(|| Error::closed("the connection is closed"))
    }

    /// Begins to end the tasks and the child, without waiting. The failure has
    /// been latched before.
    pub(super) fn request_end(&self) {
        // Once, because the channel has room for each sign once.
        if !self.end_requested.swap(true, Ordering::Relaxed) {
            // A supervisor that is gone has nothing left to end.
            let _ = self.supervisor.try_send(Happened::EndRequested);
        }
        if let Some(child) = &self.child {
            child.process.end();
        }
    }

    /// Waits until the child is reaped and the tasks are done.
    pub(super) async fn ended(&self) {
        let mut finished = self.finished.subscribe();
        // Errors mean that the sender is gone, and so is what it would tell of.
        let Some(child) = &self.child else {
            let _ = finished.wait_for(|finished| *finished).await;
            return;
        };
        let _ = child.exit.clone().wait_for(Option::is_some).await;
        // The tasks end when the child does. If the runtime that drives them is
        // not polled, there is no use in waiting.
        if Handle::try_current().is_ok() {
            let tasks = finished.wait_for(|finished| *finished);
            let _ = tokio::time::timeout(Duration::from_secs(1), tasks).await;
        }
    }

    /// The tasks are done.
    pub(super) fn set_finished(&self) {
        self.finished.send_replace(true);
    }

    pub(super) fn new_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a request with this id was ever sent.
    pub(super) fn was_sent(&self, id: i64) -> bool {
        (1..self.next_id.load(Ordering::Relaxed)).contains(&id)
    }

    pub(super) fn count_malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    /// A line that is no message was skipped.
    pub(super) fn skipped(&self, line: &str) {
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.count += 1;
        skipped.last = beginning(line);
    }

    /// How many lines were skipped so far, and how the last one begins, without secrets.
    pub(super) fn skipped_lines(&self) -> Skipped {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.clone()
    }

    /// How many lines of the server's could not be understood.
    #[cfg(test)]
    pub(super) fn malformed_lines(&self) -> u64 {
        self.malformed.load(Ordering::Relaxed)
    }

    /// Registers a waiter and queues its request in one step. `waiter` may find
    /// that there is nothing to wait for; then nothing is sent.
    pub(super) fn submit(
        &self,
        method: &str,
        params: Option<&RawValue>,
        slot: Option<OwnedSemaphorePermit>,
        waiter: impl FnOnce(&mut State) -> Option<Waiter>,
    ) -> Result<Option<i64>, Error> {
        let id = self.new_id();
        let frame = encode(Some(id), method, params);
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        let Some(waiter) = waiter(&mut state) else {
            return Ok(None);
        };
        state.pending.insert(id, waiter);
        let queued = state.outbox.queue(frame, slot);
        drop(state);
        tracing::trace!(method, id, "request");
        self.queued(queued);
        Ok(Some(id))
    }

    /// Queues a message that nothing waits for. Without a slot it goes first.
    pub(super) fn send(&self, frame: String, slot: Option<OwnedSemaphorePermit>) {
        let mut state = self.lock();
        if state.failure.is_some() {
            return;
        }
        let queued = state.outbox.queue(frame, slot);
        drop(state);
        self.queued(queued);
    }

    /// Wakes the writer. Nothing may hold the lock.
    pub(super) fn queued(&self, there_was_room: bool) {
        if there_was_room {
            self.outbox_ready.notify_one();
        } else {
            let reason = "the server does not read what it is sent; thousands of answers to its \
                          own requests wait";
            self.fail(Error::closed(reason));
            self.request_end();
        }
    }

    /// Interrupts a turn without waiting for anything, and again when it has begun
    /// if the server refuses because it has not. For destructors.
    pub(super) fn interrupt_now(&self, thread: &ThreadId, turn: &TurnId) {
        let queued = self.queue_interrupt(&mut self.lock(), thread, turn);
        self.interrupt_queued(queued, thread, turn);
    }

    /// The part of [`interrupt_now`](Self::interrupt_now) under the lock: so it is
    /// queued before any start that finds the thread free.
    pub(super) fn queue_interrupt(
        &self,
        state: &mut State,
        thread: &ThreadId,
        turn: &TurnId,
    ) -> Option<bool> {
        // There is nobody to tell that the connection is gone.
        if state.failure.is_some() {
            return None;
        }
        let is_told = state.router.doom(thread, turn)?;
        self.queue_interrupt_as(state, thread, turn, turn, is_told)
    }

    /// Queues the interrupt of a turn by a name, which is its id or its other one.
    pub(super) fn queue_interrupt_as(
        &self,
        state: &mut State,
        thread: &ThreadId,
        turn: &TurnId,
        name: &TurnId,
        is_told: bool,
    ) -> Option<bool> {
        let method = self.protocol().method(Role::TurnInterrupt)?;
        let id = self.new_id();
        if is_told {
            let (thread, turn) = (thread.clone(), turn.clone());
            let tx = None;
            let waiter = Waiter::Interrupt { thread, turn, tx };
            state.pending.insert(id, waiter);
        }
        let params = turn_params(thread, name);
        let frame = encode(Some(id), method, Some(&params));
        Some(state.outbox.queue(frame, None))
    }

    /// The part that is done without the lock.
    pub(super) fn interrupt_queued(&self, queued: Option<bool>, thread: &ThreadId, turn: &TurnId) {
        if let Some(there_was_room) = queued {
            tracing::debug!(%thread, %turn, "interrupting a turn that nobody waits for");
            self.queued(there_was_room);
        }
    }
}

/// What was read and is no message.
#[derive(Clone, Debug, Default)]
pub(super) struct Skipped {
    pub(super) count: u64,
    pub(super) last: String,
}

/// The beginning of a line, without what looks like a secret.
fn beginning(line: &str) -> String {
    // Further than is shown, so that no secret is cut in two before it is found.
    let start: String = line.chars().take(1024).collect();
    let shown = redact::text(&start);
    shown
        .chars()
        .take(100)
        .filter(|c| !c.is_control())
        .collect()
}

/// `{"threadId":…,"turnId":…}`.
pub(super) fn turn_params(thread: &ThreadId, turn: &TurnId) -> Box<RawValue> {
    let params = format!(
        "{{\"threadId\":{},\"turnId\":{}}}",
        json_string(thread),
        json_string(turn)
    );
    RawValue::from_string(params).expect("two strings in an object are JSON")
}

/// A message in one line.
pub(super) fn encode(id: Option<i64>, method: &str, params: Option<&RawValue>) -> String {
    let params = params.map(|params| one_line(params.get()));
    let mut frame =
        String::with_capacity(64 + method.len() + params.as_ref().map_or(0, |p| p.len()));
    frame.push('{');
    if let Some(id) = id {
        frame.push_str("\"id\":");
        frame.push_str(&id.to_string());
        frame.push(',');
    }
    frame.push_str("\"method\":");
    frame.push_str(&json_string(method));
    if let Some(params) = params {
        frame.push_str(",\"params\":");
        frame.push_str(&params);
    }
    frame.push('}');
    frame
}

/// Raw JSON as it may stand in a line. Outside of strings a line break is white
/// space, and inside of them JSON has none.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        Cow::Owned(json.replace(['\n', '\r'], " "))
    } else {
        Cow::Borrowed(json)
    }
}

pub(super) fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_its_params_look_like() {
        let params: Box<RawValue> = serde_json::from_str("{\r\n\"a\":\n\"b\\n\"}").unwrap();
        assert_eq!(
            encode(Some(7), "x/\"y\"", Some(&params)),
            r#"{"id":7,"method":"x/\"y\"","params":{  "a": "b\n"}}"#
        );
        assert_eq!(
            encode(None, "initialized", None),
            r#"{"method":"initialized"}"#
        );
    }
}
