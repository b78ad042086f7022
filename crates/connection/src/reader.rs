//! The task that reads, and what it does with each message.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openai_codex_wire::envelope::{Message, PeekError, peek, repair_surrogates};
use openai_codex_wire::{Protocol, RequestId, Role, ThreadId, TurnId, scope};
use tokio::sync::oneshot;

use super::core::{Core, State};
use super::effects::Effects;
use super::event::RawEvent;
use super::pending::{Answer, Follow, StartAnswer, StartWaiter, Waiter};
use super::request::found_instead;
use super::router::{OtherName, Over, Resumed};
use super::turn::{StartedTurn, TurnRef, UnclaimedTurn};
use super::turn_log::Lost;
use crate::error::RpcError;
use crate::transport::{FrameSource, SourceError};

/// After so long the reader lets other tasks have a turn, even if the source
/// always has more. Subscribers that are woken less often take more at a time.
const BURST: Duration = Duration::from_millis(1);

/// After so many messages it looks at the clock.
const BETWEEN_LOOKS: u32 = 64;

/// Reads until the source ends.
pub(super) async fn read(
    core: &Arc<Core>,
    mut source: impl FrameSource,
) -> Result<(), SourceError> {
    let mut batch = Batch::default();
    let mut burst = (0, Instant::now());
    loop {
        // What is at hand is taken in as one: one passage of the lock, one waking of each who waits.
        if !source.has_next() {
            core.route(&mut batch);
        }
        let line = match source.next().await {
            Ok(Some(line)) => line,
            end => {
                core.route(&mut batch);
                return end.map(drop);
            }
        };
        core.receive(line, &mut batch);
        burst.0 += 1;
        if burst.0 % BETWEEN_LOOKS == 0 {
            core.route(&mut batch);
            if burst.1.elapsed() >= BURST {
                tokio::task::yield_now().await;
                burst = (0, Instant::now());
            }
        }
    }
}

/// Events that were read and are not routed yet, and whom to wake for them.
#[derive(Default)]
pub(super) struct Batch {
    events: Vec<Arc<RawEvent>>,
    fx: Effects,
}

/// What is left to do for events that were routed, without the lock.
#[derive(Default)]
struct Routed {
    /// Who waited for an interrupt of a turn that has ended.
    interrupts: Vec<oneshot::Sender<Answer>>,
    /// The interrupts that were queued, of which turns.
    queued: Vec<(Option<bool>, ThreadId, TurnId)>,
    to_watch: bool,
    is_over: bool,
}

impl Core {
    /// Takes one message in.
    pub(super) fn receive(self: &Arc<Self>, line: &[u8], batch: &mut Batch) {
        let line = match std::str::from_utf8(line) {
            Ok(line) => Cow::Borrowed(line),
            Err(_) => {
                self.count_malformed();
                tracing::warn!(bytes = line.len(), "a line of the server's is not UTF-8");
                String::from_utf8_lossy(line)
            }
        };
        match peek(&line) {
            Ok(message) => self.dispatch(&line, message, batch),
            Err(PeekError::LoneSurrogate) => {
                let repaired = repair_surrogates(&line);
                match peek(&repaired) {
                    Ok(message) => self.dispatch(&repaired, message, batch),
                    Err(error) => self.receive_malformed(&line, &error, batch),
                }
            }
            // A blank line says nothing and asks for nothing.
            Err(_) if line.trim().is_empty() => {}
            Err(error) => self.receive_malformed(&line, &error, batch),
        }
    }

    fn receive_malformed(&self, line: &str, error: &PeekError, batch: &mut Batch) {
        self.count_malformed();
        self.skipped(line);
        tracing::warn!(bytes = line.len(), %error, "a line of the server's is no message");
        let event = RawEvent::malformed_line(line, &error.to_string());
        batch.events.push(Arc::new(event));
    }

    fn dispatch(self: &Arc<Self>, line: &str, message: Message<'_>, batch: &mut Batch) {
        match message {
            Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            } => {
                // Looked up here, once: whoever asks about it later has it.
                let spec = self.protocol().notification(&method);
                let event =
                    RawEvent::notification(line, &method, params, &scope, emitted_at_ms, spec);
                self.dispatcher.hear(&event);
                batch.events.push(Arc::new(event));
            }
            Message::Response { id, outcome } => {
                self.route(batch);
                self.respond(&id, outcome, &mut batch.fx);
            }
            Message::Request {
                id,
                method,
                params,
                scope,
            } => {
                self.route(batch);
                self.accept(id, &method, params, &scope);
            }
        }
    }

    /// Delivers what was read, in its order.
    pub(super) fn route(self: &Arc<Self>, batch: &mut Batch) {
        if batch.events.is_empty() {
            return;
        }
        let mut routed = Routed::default();
        let mut guard = self.lock();
        let state = &mut *guard;
        for event in batch.events.drain(..) {
            // After the failure there is nobody left to route to.
            if state.failure.is_none() {
                self.route_one(state, &event, &mut batch.fx, &mut routed);
            }
        }
        drop(guard);
        batch.fx.run();
        if routed.to_watch {
            self.watch_signs();
        }
        for tx in routed.interrupts {
            // Whoever does not wait any more need not be told.
            let _ = tx.send(Answer::TurnEnded);
        }
        for (queued, thread, turn) in routed.queued {
            self.interrupt_queued(queued, &thread, &turn);
        }
        if routed.is_over {
            self.given_up.notify_waiters();
        }
    }

    fn route_one(
        &self,
        state: &mut State,
        event: &Arc<RawEvent>,
        fx: &mut Effects,
        routed: &mut Routed,
    ) {
        let over = state.router.route(event, fx);
        let noted = state.router.take_noted();
        if !noted.is_empty() {
            routed.to_watch |= state.signs.add(noted, tokio::time::Instant::now());
        }
        if event.role() == Some(Role::RequestResolved) {
            state.server_requests.withdraw_resolved(event, fx);
        }
        routed.is_over |= over != Over::Nothing;
        match over {
            Over::Nothing => {}
            Over::Turn(thread, turn) => {
                state.server_requests.withdraw_turn(&thread, &turn, fx);
                let interrupts = state.pending.take_interrupts(&thread, Some(&turn));
                routed.interrupts.extend(interrupts);
            }
            Over::Thread(thread) => {
                state.server_requests.withdraw_thread(&thread, fx);
                let interrupts = state.pending.take_interrupts(&thread, None);
                routed.interrupts.extend(interrupts);
            }
            Over::Doomed(thread, turn) => {
                let queued = self.queue_interrupt(state, &thread, &turn);
                routed.queued.push((queued, thread, turn));
            }
            Over::Renamed(thread, turn, name) => {
                let queued = self.queue_interrupt_as(state, &thread, &turn, &name, true);
                routed.queued.push((queued, thread, turn));
            }
        }
    }

    fn respond(self: &Arc<Self>, id: &RequestId, outcome: Result<&str, &str>, fx: &mut Effects) {
        let mut state = self.lock();
        let (waiter, _owed) = match id {
            RequestId::Integer(id) => (state.pending.remove(*id), state.pending.take_owed(*id)),
            RequestId::String(_) => (None, None),
        };
        match waiter {
            None => {
                drop(state);
                self.ignore_response(id);
            }
            Some(Waiter::Interrupt {
                thread,
                turn,
                tx: None,
            }) => {
                let queued = self.interrupt_answered(&mut state, &thread, &turn, outcome.err());
                drop(state);
                self.interrupt_queued(queued, &thread, &turn);
                self.given_up.notify_waiters();
            }
            Some(Waiter::Call(tx) | Waiter::Interrupt { tx: Some(tx), .. }) => {
                drop(state);
                // Whoever does not wait any more need not be told.
                let _ = tx.send(answer(outcome));
            }
            Some(Waiter::Follow { what, tx }) => {
                if let Ok(result) = outcome {
                    follow(self.protocol(), &mut state, &what, result, fx);
                }
                drop(state);
                fx.run();
                self.given_up.notify_waiters();
                // Whoever does not wait any more need not be told.
                let _ = tx.send(answer(outcome));
            }
            Some(Waiter::Start(waiter)) => {
                let turn = outcome.ok().and_then(|result| {
                    let ids = scope::ids(result);
                    ids.turn_id.as_deref().map(TurnId::from)
                });
                let settled = state.router.settle_start(
                    &waiter.thread,
                    waiter.start,
                    turn.as_ref(),
                    waiter.tx.is_some(),
                    fx,
                );
                let given_up = match (&waiter.tx, &settled, &turn) {
                    (None, Some(settled), Some(turn)) if !settled.joined => {
                        self.queue_interrupt(&mut state, &waiter.thread, turn)
                    }
                    _ => None,
                };
                drop(state);
                fx.run();
                let StartWaiter { thread, tx, .. } = waiter;
                let started = settled
                    .zip(turn)
                    .map(|(settled, turn)| (settled, thread, turn));
                match (tx, started) {
                    (Some(tx), Some((settled, thread, turn))) => {
                        let turn =
                            TurnRef::new(Arc::clone(self), thread, turn, settled.subscription);
                        let started = UnclaimedTurn::new(StartedTurn {
                            turn,
                            joined: settled.joined,
                        });
                        // A caller that went away meanwhile leaves the turn
                        // unclaimed, which interrupts it.
                        drop(tx.send(StartAnswer::Started(started)));
                    }
                    (Some(tx), None) => {
                        // Whoever does not wait any more need not be told.
                        drop(tx.send(StartAnswer::Other(answer(outcome))));
                    }
                    (None, started) => {
                        if let Some((_, thread, turn)) = started {
                            self.interrupt_queued(given_up, &thread, &turn);
                        }
                        self.given_up.notify_waiters();
                    }
                }
            }
        }
    }

    /// The server answered an interrupt that nobody waits for. Returns what was queued if
    /// it is asked again.
    fn interrupt_answered(
        &self,
        state: &mut State,
        thread: &ThreadId,
        turn: &TurnId,
        refused: Option<&str>,
    ) -> Option<bool> {
        let name = refused.and_then(|raw| found_instead(&RpcError::parse(raw)));
        if let Some(name) = name {
            match state.router.other_name(thread, turn, &name) {
                OtherName::Yes if state.router.doomed.is_renamed(thread, turn) => {
                    return self.queue_interrupt_as(state, thread, turn, &name, true);
                }
                OtherName::NotYet => {
                    state.router.doomed.may_begin_as(thread, turn, name);
                    return None;
                }
                _ => {}
            }
        }
        let doomed = &mut state.router.doomed;
        if doomed.answered(thread, turn, refused.is_none()) {
            self.queue_interrupt(state, thread, turn)
        } else {
            None
        }
    }

    fn ignore_response(&self, id: &RequestId) {
        match id {
            RequestId::Integer(number) if self.was_sent(*number) => {
                tracing::debug!(%id, "discarding a late or repeated response");
            }
            _ => tracing::warn!(%id, "discarding a response to nothing that was asked"),
        }
    }
}

/// What an answer means for the threads that are followed, before the next line
/// is read.
fn follow(protocol: &Protocol, state: &mut State, what: &Follow, result: &str, fx: &mut Effects) {
    let State {
        router, pending, ..
    } = state;
    match what {
        Follow::Unsubscribe(thread) => {
            router.lose_thread(thread, Lost::Unsubscribed, fx);
            pending.forget_interrupts(thread);
        }
        Follow::Resume => {
            let resumed = Resumed::of(protocol, result, |thread, turn| {
                router.has_lost(thread, turn)
            });
            if let Some(resumed) = resumed {
                router.resume_thread(&resumed, fx);
            }
        }
    }
}

fn answer(outcome: Result<&str, &str>) -> Answer {
    match outcome {
        Ok(result) => Answer::Result(result.into()),
        Err(error) => Answer::Error(error.into()),
    }
}
