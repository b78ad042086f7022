//! Turns that are to be interrupted because nobody waits for them.

use std::collections::VecDeque;

use openai_codex_wire::{ThreadId, TurnId};

use crate::event::RawEvent;

/// How many are remembered. More are interrupted all the same, but once only.
const KEPT: usize = 256;

/// Turns that are to be interrupted and have not ended. The server refuses to
/// interrupt one that has not begun; then it is asked again.
#[derive(Debug, Default)]
pub(crate) struct Doomed(VecDeque<Turn>);

#[derive(Debug)]
struct Turn {
    thread: ThreadId,
    turn: TurnId,
    has_begun: bool,
    was_refused: bool,
    /// The other name by which it may begin, which the server told when it refused.
    name: Option<TurnId>,
    /// Whether the thread's next turn waits for this.
    holds_up: bool,
}

impl Doomed {
    /// Returns whether the answer to its interrupt is to be told.
    pub(super) fn add(&mut self, thread: &ThreadId, turn: &TurnId, has_begun: bool) -> bool {
        let has_room = self.0.len() < KEPT && self.find(thread, turn).is_none();
        if has_room {
            self.0.push_back(Turn {
                thread: thread.clone(),
                turn: turn.clone(),
                has_begun,
                was_refused: false,
                name: None,
                holds_up: true,
            });
        }
        has_room
    }

    /// The server answered an interrupt. Returns whether to ask again: if it
    /// refused, and the turn began meanwhile.
    pub(crate) fn answered(&mut self, thread: &ThreadId, turn: &TurnId, taken: bool) -> bool {
        let Some(at) = self.find(thread, turn) else {
            return false;
        };
        let began = self.0[at].has_begun;
        self.0[at].was_refused = true;
        if taken || began {
            self.0.remove(at);
        }
        !taken && began
    }

    /// The server refused, because the turn runs by another name. Returns whether to
    /// interrupt it by that: once.
    pub(crate) fn is_renamed(&mut self, thread: &ThreadId, turn: &TurnId) -> bool {
        let at = self.find(thread, turn);
        at.and_then(|at| self.0.remove(at)).is_some()
    }

    /// The server refused, because a turn runs of which nothing was heard yet: it may be
    /// this one by another name.
    pub(crate) fn may_begin_as(&mut self, thread: &ThreadId, turn: &TurnId, name: TurnId) {
        if let Some(at) = self.find(thread, turn) {
            self.0[at].was_refused = true;
            self.0[at].name = Some(name);
        }
    }

    /// A turn began. Returns it if it is to be interrupted now, and by which other name.
    pub(super) fn began(&mut self, event: &RawEvent) -> Option<(ThreadId, TurnId, Option<TurnId>)> {
        if self.0.is_empty() {
            return None;
        }
        let (thread, turn) = (event.thread_id()?.into(), event.turn_id()?.into());
        let has_name = |it: &Turn| it.thread == thread && it.name.as_ref() == Some(&turn);
        if let Some(at) = self.0.iter().position(has_name) {
            let it = self.0.remove(at)?;
            return Some((it.thread, it.turn, it.name));
        }
        let at = self.find(&thread, &turn)?;
        self.0[at].has_begun = true;
        if !self.0[at].was_refused {
            return None;
        }
        self.0.remove(at);
        Some((thread, turn, None))
    }

    /// Whether the server may not have begun a turn of the thread, so that it has not
    /// taken its interrupt either: what is started now would join it.
    pub(super) fn holds_up(&self, thread: &ThreadId) -> bool {
        let holds_up = |it: &Turn| it.holds_up && !it.has_begun && it.thread == *thread;
        self.0.iter().any(holds_up)
    }

    pub(super) fn hold_up_no_longer(&mut self, thread: &ThreadId) {
        for turn in self.0.iter_mut().filter(|it| it.thread == *thread) {
            turn.holds_up = false;
        }
    }

    /// A turn has ended, or every turn of the thread.
    pub(super) fn forget(&mut self, thread: &ThreadId, turn: Option<&TurnId>) {
        self.0.retain(|doomed| {
            doomed.thread != *thread || turn.is_some_and(|turn| doomed.turn != *turn)
        });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&self, thread: &ThreadId, turn: &TurnId) -> Option<usize> {
        let is_it = |doomed: &Turn| (&doomed.thread, &doomed.turn) == (thread, turn);
        self.0.iter().position(is_it)
    }
}
