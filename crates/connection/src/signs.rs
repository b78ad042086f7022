//! Signs that a turn has ended, beside its completion.
//!
//! The completion is one message, and it may never come. What else tells of the end is
//! noted in the turn's log, starts a time of grace in which the completion counts, and is
//! believed after it. Nobody waits for anything in here: the end is written into the log,
//! which all who wait read.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use openai_codex_wire::{Role, ThreadId, TurnId};
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::core::{Core, json_string};
use super::effects::Effects;
use super::event::RawEvent;
use super::options::Deadline;
use super::pending::Answer;
use super::router::stored_end;
use super::{Connection, Owner};

/// How long after a sign of the end of a turn its completion may take to come. The real
/// runtime sends it within milliseconds.
pub(super) const COMPLETION: Duration = Duration::from_secs(3);

/// How long the server may take to say what became of a turn whose thread rests.
const LOOK: Duration = Duration::from_secs(10);

/// What says that a turn has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Its thread rests. That alone proves nothing, and comes before every completion.
    Idle,
    /// Its thread is in the state `systemError`.
    SystemError,
    /// An `error` after which the server does not try again.
    Error,
}

impl Sign {
    /// Whether the turn is over, and need not be asked about.
    pub(super) fn is_final(self) -> bool {
        self != Self::Idle
    }
}

/// Which sign, of which turn.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) thread: ThreadId,
    pub(super) turn: TurnId,
    /// Tells it from later signs of the same turn.
    pub(super) number: u64,
}

/// The signs whose time of grace runs, oldest first: it is the same for all.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    waiting: VecDeque<(Instant, Noted)>,
    is_watched: bool,
}

impl Signs {
    /// Adds signs that were seen now. Returns whether somebody must begin to watch.
    pub(super) fn add(&mut self, noted: Vec<Noted>, now: Instant) -> bool {
        let until = now + COMPLETION;
        self.waiting.extend(noted.into_iter().map(|it| (until, it)));
        !self.waiting.is_empty() && !std::mem::replace(&mut self.is_watched, true)
    }

    /// The next sign whose time is over, or when to look again. With neither, nobody
    /// watches any more.
    fn next(&mut self, now: Instant) -> Result<Noted, Option<Instant>> {
        match self.waiting.front() {
            Some((until, _)) if *until > now => Err(Some(*until)),
            Some(_) => self.waiting.pop_front().map(|(_, it)| it).ok_or(None),
            None => {
                self.is_watched = false;
                Err(None)
            }
        }
    }

    /// The connection failed, which is the end of all.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Watches until no time of grace runs any more.
async fn watch(core: Weak<Core>) {
    while let Some(strong) = core.upgrade() {
        let Some(until) = strong.take_overdue_signs() else {
            return;
        };
        drop(strong);
        tokio::time::sleep_until(until).await;
    }
}

impl Core {
    /// Begins to watch the times of grace. The task ends with the last of them, or with
    /// the connection.
    pub(super) fn watch_signs(self: &Arc<Self>) {
        self.runtime.spawn(watch(Arc::downgrade(self)));
    }

    /// Does what is to be done about the signs whose time is over, and says when to look
    /// again.
    fn take_overdue_signs(self: &Arc<Self>) -> Option<Instant> {
        loop {
            let mut fx = Effects::default();
            let mut guard = self.lock();
            let state = &mut *guard;
            let noted = match state.signs.next(Instant::now()) {
                Ok(noted) => noted,
                Err(until) => return until,
            };
            let Some(sign) = state.router.take_sign(&noted) else {
                continue;
            };
            let Noted { thread, turn, .. } = noted;
            if !sign.is_final() {
                drop(guard);
                let look = look_once(Arc::clone(self), thread, turn);
                self.runtime.spawn(look);
                continue;
            }
            state.router.fail_turn(&thread, &turn, sign, &mut fx);
            state.server_requests.withdraw_turn(&thread, &turn, &mut fx);
            let interrupts = state.pending.take_interrupts(&thread, Some(&turn));
            drop(guard);
            tracing::warn!(%thread, %turn, ?sign, "a turn failed, and its completion did not come");
            fx.run();
            self.given_up.notify_waiters();
            for tx in interrupts {
                // Whoever does not wait any more need not be told.
                let _ = tx.send(Answer::TurnEnded);
            }
        }
    }

    /// Ends a turn whose completion no event will tell of, with the `turn` that the
    /// server answered when it was asked. Does nothing if it has ended.
    pub(super) fn settle_turn(&self, thread: &ThreadId, turn: &TurnId, stored: &RawValue) {
        let Some(event) = RawEvent::completion(self.protocol(), thread, turn, stored) else {
            return;
        };
        let mut fx = Effects::default();
        let mut state = self.lock();
        let event = Arc::new(event);
        state.router.settle_turn(thread, turn, &event, &mut fx);
        // The server does not answer those of a turn that is over.
        let interrupts = state.pending.take_interrupts(thread, Some(turn));
        drop(state);
        fx.run();
        for tx in interrupts {
            // Whoever does not wait any more need not be told.
            let _ = tx.send(Answer::TurnEnded);
        }
    }
}

/// Asks once what became of a turn whose thread rests, and believes a final status. Ends
/// with its deadline, or with the connection.
async fn look_once(core: Arc<Core>, thread: ThreadId, turn: TurnId) {
    let Ok(method) = core.method(Role::ThreadTurnsList) else {
        return;
    };
    let params = format!(
        "{{\"threadId\":{},\"sortDirection\":\"desc\"}}",
        json_string(&thread)
    );
    let params = RawValue::from_string(params).expect("an object of strings is JSON");
    // It must not keep open what it asks.
    let connection = Connection(Arc::new(Owner {
        core: Arc::clone(&core),
        ends: false,
    }));
    let listed = connection.request(method, Some(&params), Deadline::After(LOOK));
    match listed.await {
        Ok(listed) => {
            if let Some(stored) = stored_end(listed.get(), &turn) {
                core.settle_turn(&thread, &turn, stored);
            }
        }
        Err(error) => {
            tracing::debug!(%error, %turn, "the server does not tell what became of a turn");
        }
    }
}
