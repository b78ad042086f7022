//! Turns whose end is told by something else than their completion.

use openai_codex_wire::{ThreadId, TurnId};

use super::Router;
use crate::connection::effects::Effects;
use crate::connection::signs::{Noted, Sign};
use crate::connection::turn_log::{Lost, Progress};

impl Router {
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
