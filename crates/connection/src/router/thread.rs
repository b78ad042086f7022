//! What is known of a thread's turns.

use std::sync::Arc;

use openai_codex_wire::{Role, TurnId};

use super::id_map::IdMap;
use super::resumed::{Resumed, is_final_error, sign_of_status};
use super::{OtherName, Settled, StartId};
use crate::effects::Effects;
use crate::event::RawEvent;
use crate::queue::{End, Limits, Mailbox, Overflow, Queue};
use crate::signs::Sign;
use crate::turn_log::{Lost, SubId, TurnLog};

/// How many running turns are remembered per thread. The server runs one; more
/// are turns whose end was never told.
const ACTIVE_TURNS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Thread {
    pub(super) turns: IdMap<TurnId, TurnLog>,
    /// Turns that have begun and not ended, as far as was heard.
    pub(super) active: Vec<TurnId>,
    /// The turn of which `turn/started` was heard and nothing else. It may be the other
    /// name of one: the `turn/started` of a review has an id of its own (0.163.0 to 0.171.0).
    begun_only: Option<TurnId>,
    /// Whether the server said that a turn is running, but not which.
    pub(super) is_busy: bool,
    pub(super) starts: Vec<Start>,
    pub(super) subscribers: Vec<(SubId, Arc<Mailbox>)>,
}

/// A `turn/start` on its way.
#[derive(Debug)]
pub(super) struct Start {
    id: StartId,
    /// Who is to get the turn's events from here on, whichever turn it will be.
    pub(super) subscription: Option<SubId>,
    /// The turns that ran already: the start joins one of these or begins its own.
    known: Vec<TurnId>,
    /// Whether some turn ran already whose id was not told.
    was_busy: bool,
    /// Nobody waits for it any more. The response may never come, so nothing may
    /// be kept for its sake.
    abandoned: bool,
    /// Whether the next start waits for the response if this is abandoned.
    holds_up: bool,
}

impl Thread {
    pub(super) fn open(&mut self, id: StartId, subscription: Option<SubId>, limits: Limits) {
        let mut known = self.active.clone();
        for (turn, log) in self.turns.iter_mut() {
            if let Some(subscription) = subscription {
                log.subscribe(subscription, limits);
            }
            if log.is_owned() && !known.contains(turn) {
                known.push(turn.clone());
            }
        }
        self.starts.push(Start {
            id,
            subscription,
            known,
            was_busy: self.is_busy,
            abandoned: false,
            holds_up: true,
        });
    }

    pub(super) fn abandon(&mut self, id: StartId) {
        let Some(start) = self.starts.iter_mut().find(|start| start.id == id) else {
            return;
        };
        start.abandoned = true;
        if let Some(subscription) = start.subscription.take() {
            for log in self.turns.values_mut() {
                log.unsubscribe(subscription);
            }
        }
    }

    pub(super) fn take_start(&mut self, id: StartId) -> Option<Start> {
        let at = self.starts.iter().position(|start| start.id == id)?;
        Some(self.starts.remove(at))
    }

    /// Whether a start is on its way that somebody waits for.
    pub(super) fn awaits_response(&self) -> bool {
        self.starts.iter().any(|start| !start.abandoned)
    }

    /// Whether the response to a start is to come that nobody waits for.
    pub(super) fn is_held_up(&self) -> bool {
        let holds_up = |start: &Start| start.abandoned && start.holds_up;
        self.starts.iter().any(holds_up)
    }

    pub(super) fn hold_up_no_longer(&mut self) {
        for start in self.starts.iter_mut().filter(|start| start.abandoned) {
            start.holds_up = false;
        }
    }

    /// The response to a start has come. `finished` says whether the end of its
    /// turn was seen, even if nothing of it was kept.
    pub(super) fn settle(
        &mut self,
        start: &Start,
        turn: Option<&TurnId>,
        keep: bool,
        finished: bool,
        limits: Limits,
    ) -> Option<Settled> {
        if let Some(subscription) = start.subscription {
            for (id, log) in self.turns.iter_mut() {
                if turn != Some(id) || !keep {
                    log.unsubscribe(subscription);
                }
            }
        }
        let turn = turn?;
        let log = self.log(turn, limits);
        let ran_before = start.known.contains(turn)
            || start.was_busy && !log.fold.has_started()
            || log.fold.is_foreign();
        let joined = ran_before || log.claimed;
        log.claimed = true;
        // Starting a turn subscribes to its thread.
        log.find_again();
        if keep {
            log.unclaimed = None;
            log.handles += 1;
            if let Some(subscription) = start.subscription
                && log.mailbox(subscription).is_none()
            {
                log.subscribe(subscription, limits);
            }
        }
        if !finished && !log.fold.is_complete() {
            self.add_active(turn.clone());
        }
        Some(Settled {
            joined,
            subscription: start.subscription.filter(|_| keep),
        })
    }

    /// Whether the end of a turn will be told, or was.
    pub(super) fn is_followed(&self, turn: &TurnId) -> bool {
        let log = self.turns.get(turn);
        self.active.contains(turn) || log.is_some_and(|log| log.is_followed())
    }

    /// Whether `turn/started` was heard of a turn.
    pub(super) fn has_begun(&self, turn: &TurnId) -> bool {
        let log = self.turns.get(turn);
        log.is_some_and(|log| log.fold.has_events())
    }

    /// What a turn that the server says is the one that runs is to another, of which nothing
    /// is heard as if it had ended.
    pub(super) fn other_name(&self, name: &TurnId) -> OtherName {
        let log = self.turns.get(name);
        if log.is_some_and(|log| log.claimed || log.is_owned()) {
            return OtherName::No;
        }
        if self.begun_only.as_ref() == Some(name) && !self.awaits_response() {
            OtherName::Yes
        } else if self.active.contains(name) && self.begun_only.as_ref() != Some(name) {
            OtherName::No
        } else {
            OtherName::NotYet
        }
    }

    /// A completion whose turn cannot be read must not leave the only turn that
    /// it can mean waiting for ever.
    pub(super) fn only_turn(&self) -> Option<String> {
        let only = self.turns.keys().next().filter(|_| self.turns.len() == 1)?;
        Some(only.as_str().to_owned())
    }

    /// Delivers an event to a turn. Returns whether somebody owns that turn.
    pub(super) fn route(
        &mut self,
        id: &str,
        event: &Arc<RawEvent>,
        limits: Limits,
        fx: &mut Effects,
    ) -> bool {
        match event.role() {
            Some(Role::TurnStarted) => {
                self.is_busy = false;
                self.add_active(id.into());
                self.begun_only = Some(id.into());
            }
            Some(Role::TurnCompleted) => {
                self.is_busy = false;
                let has_begun = self.active.iter().any(|active| active == id);
                self.active.retain(|active| active != id);
                // The server runs one turn: if this had another name, that goes with it.
                let is_name = |begun: &mut TurnId| *begun == *id || !has_begun;
                if let Some(name) = self.begun_only.take_if(is_name) {
                    self.active.retain(|active| *active != name);
                }
            }
            _ => {
                self.begun_only.take_if(|begun| begun == id);
            }
        }
        // Keeps what comes of a turn, because a start may turn out to have begun it.
        if self.awaits_response() && !self.turns.contains_key(id) {
            let log = self.log(&id.into(), limits);
            log.unclaimed = Some(Box::new(Queue::new(limits, Overflow::DropOldest)));
        }
        match self.turns.get_mut(id) {
            Some(log) => {
                log.push(event, fx);
                log.unclaimed.is_some() || log.is_owned()
            }
            None => false,
        }
    }

    /// Notes in the turns what an event says of their end beside a completion. Each sign
    /// that is new gets a number of `number`.
    pub(super) fn note_signs(
        &mut self,
        event: &RawEvent,
        mut number: impl FnMut(&TurnId) -> Option<u64>,
    ) {
        match event.role() {
            Some(Role::TurnError) if is_final_error(event) => {
                let Some(turn) = event.turn_id().map(TurnId::from) else {
                    return;
                };
                if let Some(log) = self.turns.get_mut(&turn) {
                    log.note(Sign::Error, || number(&turn));
                }
            }
            Some(Role::ThreadStatus) => {
                let sign = sign_of_status(event);
                for (turn, log) in self.turns.iter_mut() {
                    match sign {
                        Some(sign) if log.is_followed() => log.note(sign, || number(turn)),
                        Some(_) => {}
                        None => log.is_at_work(),
                    }
                }
            }
            _ => {}
        }
    }

    /// Nothing more is heard of the turns that run.
    pub(super) fn lose(&mut self, lost: Lost, fx: &mut Effects) {
        self.active.clear();
        self.begun_only = None;
        self.is_busy = false;
        for log in self.turns.values_mut() {
            log.lose(lost, fx);
        }
    }

    /// The thread is followed from now on.
    pub(super) fn resume(&mut self, resumed: &Resumed, fx: &mut Effects) {
        self.is_busy = resumed.is_busy;
        for turn in &resumed.running {
            self.add_active(turn.clone());
            if let Some(log) = self.turns.get_mut(turn) {
                log.find_again();
            }
        }
        for (turn, completion) in &resumed.ended {
            if let Some(log) = self.turns.get_mut(turn)
                && log.is_lost()
            {
                log.find_again();
                log.push(completion, fx);
            }
        }
    }

    /// Ends every wait, because the connection failed.
    pub(super) fn fail(&mut self, fx: &mut Effects) {
        let starts = std::mem::take(&mut self.starts);
        self.active.clear();
        self.begun_only = None;
        self.is_busy = false;
        for log in self.turns.values_mut() {
            for subscription in starts.iter().filter_map(|start| start.subscription) {
                log.unsubscribe(subscription);
            }
            log.fail(fx);
        }
        for (_, mailbox) in &self.subscribers {
            fx.wake(mailbox.lock().end(End::Failed));
        }
    }

    /// The log of a turn. A new one is followed by every start that is open,
    /// since any of them may turn out to have begun or joined it.
    pub(super) fn log(&mut self, id: &TurnId, limits: Limits) -> &mut TurnLog {
        let starts = &self.starts;
        self.turns.get_or_insert_with(id, || {
            let mut log = TurnLog::default();
            for subscription in starts.iter().filter_map(|start| start.subscription) {
                log.subscribe(subscription, limits);
            }
            log
        })
    }

    fn add_active(&mut self, turn: TurnId) {
        if !self.active.contains(&turn) {
            if self.active.len() == ACTIVE_TURNS {
                self.active.remove(0);
            }
            self.active.push(turn);
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.turns.is_empty()
            && self.active.is_empty()
            && !self.is_busy
            && self.starts.is_empty()
            && self.subscribers.is_empty()
    }
}
