//! Requests of the client's, from the call to the answer.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use openai_codex_wire::{MethodSpec, Role, ThreadId, TurnId};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;
use tracing::Instrument;

use super::Connection;
use super::core::{Core, Interrupted, encode, turn_params};
use super::options::Deadline;
use super::pending::{Answer, Follow, StartAnswer, StartWaiter, Waiter};
use super::router::OtherName;
use super::turn::StartedTurn;
use crate::error::{Error, Result, RpcError};

impl Connection {
    /// Sends a request and awaits its `result`.
    ///
    /// # Errors
    ///
    /// When the server answers with an error, when the deadline passes, and when
    /// the connection is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping this before the request is queued sends nothing; after that the
    /// server may still act on it, and its answer is discarded.
    pub async fn request(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: Option<&RawValue>,
        deadline: Deadline,
    ) -> Result<Box<RawValue>> {
        let core = self.core();
        let method = method.into();
        let spec = core.protocol().request(&method);
        let limit = deadline.limit(spec, core.options.request_timeout);
        let span = request_span(&method, None);
        within(core, limit, &method, async {
            let admission = core.admit(spec).await?;
            let (tx, rx) = oneshot::channel();
            let id = core.submit(&method, params, admission.slot, |_| {
                let role = spec.and_then(|spec| spec.role);
                Some(match role.and_then(|role| Follow::of(role, params)) {
                    Some(what) => Waiter::Follow { what, tx },
                    None => Waiter::Call(tx),
                })
            })?;
            span.record("id", id);
            let answer = core.answer(id, admission.permit, rx).await?;
            decode(core, &method, answer)
        })
        .instrument(span.clone())
        .await
        .map_err(|error| error.with_method(method))
    }

    /// Sends a notification. Returns when it is queued.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    pub async fn notify(&self, method: &str, params: Option<&RawValue>) -> Result<()> {
        let core = self.core();
        let slot = core.slot().await?;
        core.send(encode(None, method, params), Some(slot));
        Ok(())
    }

    /// Sends `turn/start` and returns the turn, with every event since this was
    /// sent. With `events`, they are kept for [`TurnRef::subscribe`]; without,
    /// only the summary is.
    ///
    /// [`TurnRef::subscribe`]: super::TurnRef::subscribe
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request), and when the answer names no turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping this before the request is queued sends nothing. After that, the
    /// turn is interrupted as soon as its response comes, unless the request
    /// only joined a turn that was running.
    pub async fn start_turn(
        &self,
        thread: &ThreadId,
        params: &RawValue,
        events: bool,
        deadline: Deadline,
    ) -> Result<StartedTurn> {
        let core = self.core();
        let method = core.method(Role::TurnStart)?;
        let spec = core.protocol().request(method);
        let limit = deadline.limit(spec, core.options.request_timeout);
        let span = request_span(method, Some(thread));
        within(core, limit, method, async {
            core.thread_is_free(thread).await;
            let admission = core.admit(spec).await?;
            let (tx, rx) = oneshot::channel();
            let id = core.submit(method, Some(params), admission.slot, |state| {
                Some(Waiter::Start(StartWaiter {
                    thread: thread.clone(),
                    start: state.router.open_start(thread, events),
                    tx: Some(tx),
                }))
            })?;
            span.record("id", id);
            let mut guard = Guard::new(core, id, admission.permit, true);
            let answer = rx.await.map_err(|_| core.gone())?;
            guard.id = None;
            match answer {
                StartAnswer::Started(unclaimed) => Ok(unclaimed.claim()),
                StartAnswer::Other(answer) => Err(match decode(core, method, answer) {
                    Ok(raw) => no_turn(core, method, raw.get()),
                    Err(error) => error,
                }),
            }
        })
        .instrument(span.clone())
        .await
        .map_err(|error| error.with_method(method))
    }

    /// Interrupts a turn. Resolves when the server has taken it, or when the
    /// turn ends, whichever comes first; at once if it has ended.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    ///
    /// # Cancel safety
    ///
    /// As [`request`](Self::request).
    pub async fn interrupt(
        &self,
        thread: &ThreadId,
        turn: &TurnId,
        deadline: Deadline,
    ) -> Result<Interrupted> {
        let core = self.core();
        let method = core.method(Role::TurnInterrupt)?;
        let spec = core.protocol().request(method);
        let limit = deadline.limit(spec, core.options.request_timeout);
        let params = turn_params(thread, turn);
        let span = request_span(method, Some(thread));
        within(core, limit, method, async {
            for attempt in 1.. {
                // Asked before: by the time of the answer it may have begun.
                let was_to_begin = core.lock().router.is_to_begin(thread, turn);
                match self.interrupt_once(method, thread, turn, &params).await {
                    Err(error) if is_not_active(&error) => {
                        let name = error.rpc().and_then(found_instead);
                        if let Some(name) = name.filter(|_| !was_to_begin)
                            && self.is_other_name(thread, turn, &name).await
                        {
                            let params = turn_params(thread, &name);
                            let again = self.interrupt_once(method, thread, turn, &params).await;
                            let is_over = core.lock().router.has_finished(thread, turn);
                            return match again {
                                Err(error) if is_over && is_not_active(&error) => {
                                    Ok(Interrupted::Finished)
                                }
                                again => again,
                            };
                        }
                        let router = &core.lock().router;
                        let again = was_to_begin
                            && !router.has_finished(thread, turn)
                            && !router.has_lost(thread, turn);
                        if attempt > ATTEMPTS || !again {
                            // 0.169 answers this where 0.163.0 does not answer.
                            return match error.rpc() {
                                Some(rpc) if rpc.message.contains("no active turn") => {
                                    Ok(Interrupted::Finished)
                                }
                                _ if router.has_finished(thread, turn) => Ok(Interrupted::Finished),
                                _ => Err(error),
                            };
                        }
                    }
                    other => return other,
                }
                tokio::time::sleep(PAUSE).await;
            }
            unreachable!("the last attempt returns")
        })
        .instrument(span)
        .await
        .map_err(|error| error.with_method(method))
    }

    /// Whether the turn that the server says is running is this one by its other name,
    /// which its `turn/started` may be about to tell.
    async fn is_other_name(&self, thread: &ThreadId, turn: &TurnId, name: &TurnId) -> bool {
        for _ in 0..LOOKS {
            let is_it = self.core().lock().router.other_name(thread, turn, name);
            match is_it {
                OtherName::Yes => return true,
                OtherName::No => return false,
                OtherName::NotYet => tokio::time::sleep(PAUSE).await,
            }
        }
        false
    }

    /// Asks to interrupt what `params` name, which is the turn, and awaits the answer or
    /// the end of the turn.
    async fn interrupt_once(
        &self,
        method: &'static str,
        thread: &ThreadId,
        turn: &TurnId,
        params: &RawValue,
    ) -> Result<Interrupted> {
        let core = self.core();
        if core.lock().router.has_failed(thread, turn) {
            // It is over as far as is known, and 0.163.0 may not answer for it.
            core.interrupt_now(thread, turn);
            return Ok(Interrupted::Finished);
        }
        let (tx, rx) = oneshot::channel();
        // Asked and registered under one lock, so that the end of the turn
        // is either seen here or answers the waiter.
        let id = core.submit(method, Some(params), None, |state| {
            (!state.router.has_finished(thread, turn)).then(|| Waiter::Interrupt {
                thread: thread.clone(),
                turn: turn.clone(),
                tx: Some(tx),
            })
        })?;
        tracing::Span::current().record("id", id);
        if id.is_none() {
            return Ok(Interrupted::Finished);
        }
        match core.answer(id, None, rx).await? {
            Answer::TurnEnded => Ok(Interrupted::Finished),
            answer => decode(core, method, answer).map(|_| Interrupted::Accepted),
        }
    }
}

/// How long a start waits for one on the same thread that was given up before it. It
/// takes milliseconds, unless the server does not answer.
const GIVING_UP: Duration = Duration::from_secs(5);

/// How often, and after what pauses, a turn is interrupted that the server has
/// promised but not begun: 0.163.0 begins a turn that is started while another one
/// is being interrupted only when that has ended, and refuses to interrupt it before.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// How often, with the same pauses, it is looked whether a turn that the server says is
/// running has begun.
const LOOKS: u32 = 20;

/// The turn that the server says is running, where it refuses to interrupt another:
/// "expected active turn id A but found B" (0.163.0 to 0.171.0).
pub(super) fn found_instead(error: &RpcError) -> Option<TurnId> {
    let (_, rest) = error.message.split_once("expected active turn id")?;
    let (_, found) = rest.split_once("but found")?;
    let found = found.trim().trim_matches(['`', '"', '\'', '.']);
    (!found.is_empty()).then(|| found.into())
}

/// Whether the server says that it is not this turn that runs.
fn is_not_active(error: &Error) -> bool {
    let says = |text| error.rpc().is_some_and(|rpc| rpc.message.contains(text));
    says("no active turn") || says("expected active turn id")
}

/// What a request needs before it may be queued.
struct Admission {
    permit: Option<OwnedSemaphorePermit>,
    slot: Option<OwnedSemaphorePermit>,
}

impl Core {
    /// Waits for an in-flight permit and for a place in the queue, unless the method is urgent.
    async fn admit(&self, spec: Option<&MethodSpec>) -> Result<Admission> {
        if spec.is_some_and(|spec| spec.urgent) {
            return Ok(Admission {
                permit: None,
                slot: None,
            });
        }
        // What may take all day has in-flight permits of its own.
        let permits = if spec.is_some_and(|spec| spec.waits.is_some()) {
            &self.long_running
        } else {
            &self.in_flight
        };
        let mut acquired = pin!(Arc::clone(permits).acquire_owned());
        let mut look_again = Instant::now();
        let permit = loop {
            match tokio::time::timeout_at(look_again, &mut acquired).await {
                Ok(permit) => break permit.map_err(|_| self.gone())?,
                Err(_) => {
                    let (overdue, next) = self.lock().pending.take_overdue();
                    drop(overdue);
                    look_again = next;
                }
            }
        };
        Ok(Admission {
            permit: Some(permit),
            slot: Some(self.slot().await?),
        })
    }

    /// Waits until every turn of the thread that was given up before its start was
    /// answered is really being interrupted: a start that overtook the interrupt would
    /// join such a turn and end with it.
    async fn thread_is_free(&self, thread: &ThreadId) {
        let free = async {
            loop {
                let mut given_up = pin!(self.given_up.notified());
                // From here on no notice is missed.
                given_up.as_mut().enable();
                if !self.lock().router.is_held_up(thread) {
                    return;
                }
                given_up.await;
            }
        };
        if tokio::time::timeout(GIVING_UP, free).await.is_err() {
            tracing::debug!(%thread, "a turn that was given up is not answered; starting the next");
            self.lock().router.hold_up_no_longer(thread);
        }
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| self.gone())
    }

    /// Awaits an answer; dropped before it comes, it takes the waiter away.
    async fn answer(
        &self,
        id: Option<i64>,
        permit: Option<OwnedSemaphorePermit>,
        rx: oneshot::Receiver<Answer>,
    ) -> Result<Answer> {
        let mut guard = Guard::new(self, id, permit, false);
        let answer = rx.await.map_err(|_| self.gone())?;
        guard.id = None;
        Ok(answer)
    }

    /// Why the connection is gone, which it is.
    pub(super) fn gone(&self) -> Error {
        self.failure()
            .unwrap_or_else(|| Error::closed("the connection is closed"))
    }

    /// Nobody waits for the answer to a start any more.
    fn abandon_start(&self, id: i64, permit: Option<OwnedSemaphorePermit>) {
        let mut fx = super::effects::Effects::default();
        let mut state = self.lock();
        let [abandoned, forgotten] = state.pending.abandon_start(id);
        let answered = match abandoned {
            Some((thread, start)) => {
                state.router.abandon_start(&thread, start, &mut fx);
                state.pending.owe_some(id, permit)
            }
            None => permit,
        };
        if let Some((thread, start)) = forgotten {
            state
                .router
                .settle_start(&thread, start, None, false, &mut fx);
        }
        drop(state);
        drop(answered);
        fx.run();
        self.given_up.notify_waiters();
    }
}

/// Takes a waiter away when its caller goes.
struct Guard<'a> {
    core: &'a Core,
    id: Option<i64>,
    /// What counts against the requests in flight, until the server has answered.
    permit: Option<OwnedSemaphorePermit>,
    is_start: bool,
}

impl<'a> Guard<'a> {
    fn new(
        core: &'a Core,
        id: Option<i64>,
        permit: Option<OwnedSemaphorePermit>,
        is_start: bool,
    ) -> Self {
        Self {
            core,
            id,
            permit,
            is_start,
        }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let permit = self.permit.take();
        if self.is_start {
            self.core.abandon_start(id, permit);
            return;
        }
        let mut state = self.core.lock();
        let waiter = state.pending.remove(id);
        let answered = match waiter {
            Some(_) => state.pending.owe_some(id, permit),
            None => permit,
        };
        drop(state);
        drop((waiter, answered));
    }
}

/// What a request runs in: inside of whatever the caller is in.
fn request_span(method: &str, thread: Option<&ThreadId>) -> tracing::Span {
    tracing::debug_span!(
        "request",
        method,
        id = tracing::field::Empty,
        thread = thread.map(ThreadId::as_str)
    )
}

async fn within<T>(
    core: &Core,
    limit: Option<Duration>,
    method: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let before = core.skipped_lines().count;
    match limit {
        None => work.await,
        Some(limit) => match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => {
                tracing::debug!(method, ?limit, "request timed out");
                let skipped = core.skipped_lines();
                let error = Error::timed_out(method.to_owned(), limit);
                Err(error.after_skipping(skipped.count - before, &skipped.last))
            }
        },
    }
}

fn decode(core: &Core, method: &str, answer: Answer) -> Result<Box<RawValue>> {
    match answer {
        Answer::Result(raw) => {
            raw_value(raw).map_err(|(raw, error)| undecodable(core, method.to_owned(), &raw, error))
        }
        Answer::Error(raw) => Err(Error::answered(method.to_owned(), RpcError::parse(&raw))),
        Answer::Failed(error) => Err(error),
        Answer::TurnEnded => Err(Error::closed("the turn ended")),
    }
}

/// Checks raw JSON, and hands it back if it is none.
pub(super) fn raw_value(raw: Box<str>) -> Result<Box<RawValue>, (String, serde_json::Error)> {
    serde_json::from_str::<&RawValue>(&raw)
        .map(ToOwned::to_owned)
        .map_err(|error| (raw.into_string(), error))
}

fn no_turn(core: &Core, method: &'static str, raw: &str) -> Error {
    let error = <serde_json::Error as serde::de::Error>::custom("missing field `turn.id`");
    undecodable(core, method, raw, error)
}

fn undecodable(
    core: &Core,
    method: impl Into<Cow<'static, str>>,
    raw: &str,
    error: serde_json::Error,
) -> Error {
    let method = method.into();
    let is_secret = core.protocol().is_secret(&method);
    Error::undecodable(method, raw, is_secret, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_that_is_found_instead_is_read_out_of_the_refusal() {
        let found = |message: &str| {
            let raw = serde_json::json!({"code": -32600, "message": message}).to_string();
            found_instead(&RpcError::parse(&raw))
        };
        let b = "01a22dd9-ac2a-7500-8afd-f527afe39c19";
        for message in [
            format!("expected active turn id 01a22dd9-abdb-71d2-98a1-a65b2a3eb276 but found {b}"),
            format!("expected active turn id `A` but found `{b}`"),
        ] {
            assert_eq!(found(&message), Some(b.into()));
        }
        for message in [
            "no active turn to interrupt",
            "expected active turn id A but found ",
        ] {
            assert_eq!(found(message), None);
        }
    }
}
