//! Turns whose end is told by something else than their completion.

use openai_codex_wire::{ThreadId, TurnId};

use super::Router;
use crate::effects::Effects;
use crate::signs::{Noted, Sign};
use crate::turn_log::{Lost, Progress};

/// Whether a turn is another by its other name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherName {
    Yes,
    /// Nothing was heard of it, so it may turn out to be.
    NotYet,
    /// It is somebody's, or is known by more than its `turn/started`.
    No,
}

impl Router {
    /// Whether the turn that the server says is running, instead of `turn`, is that turn by
    /// its other name: a review has one in the answer, and one in `turn/started` alone.
    pub(crate) fn other_name(&self, thread: &ThreadId, turn: &TurnId, name: &TurnId) -> OtherName {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        let has_own = log.is_some_and(|log| log.fold.has_started());
        if has_own || turn == name || self.has_finished(thread, turn) {
            return OtherName::No;
        }
        state.map_or(OtherName::NotYet, |state| state.other_name(name))
    }

    /// The signs of an end that were seen since this was asked.
    pub(crate) fn take_noted(&mut self) -> Vec<Noted> {
        std::mem::take(&mut self.noted)
    }

    /// Takes a sign whose time of grace is over, if its turn still runs and nothing else
    /// was seen since.
    pub(crate) fn take_sign(&mut self, noted: &Noted) -> Option<Sign> {
        let log = self.turn(&noted.thread, &noted.turn)?;
        let (sign, number) = log.sign?;
        if number != noted.number {
            return None;
        }
        log.sign = None;
        (log.progress() == Progress::Running).then_some(sign)
    }

    /// Ends a turn that failed and whose completion did not come.
    pub(crate) fn fail_turn(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        sign: Sign,
        fx: &mut Effects,
    ) {
        self.doomed.forget(thread, Some(turn));
        if let Some(state) = self.threads.get_mut(thread)
            && let Some(log) = state.turns.get_mut(turn)
        {
            state.active.retain(|active| active != turn);
            log.lose(Lost::Failed(sign), fx);
        }
    }

    /// Whether a turn failed, and its completion did not come.
    pub(crate) fn has_failed(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(|log| log.failed().is_some())
    }
}
