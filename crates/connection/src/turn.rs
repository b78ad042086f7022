//! A turn from the outside: its events, its summary, its interrupt.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openai_codex_wire::{ThreadId, TurnId};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::core::Core;
use super::effects::Effects;
use super::fold::TurnSummary;
use super::router::Known;
use super::subscription::Subscription;
use super::turn_log::{Progress, SubId};
use crate::error::{Error, Result};

/// A turn that a `turn/start` began or joined.
#[derive(Debug)]
pub struct StartedTurn {
    /// The turn.
    pub turn: TurnRef,
    /// Whether the turn was running already, so that it is not this caller's to
    /// interrupt. A turn that another client began at the same moment cannot be
    /// told from one's own.
    pub joined: bool,
}

/// A [`StartedTurn`] on its way to the caller. If it never arrives, a turn that
/// was begun is interrupted.
#[derive(Debug)]
pub(crate) struct UnclaimedTurn(Option<StartedTurn>);

impl UnclaimedTurn {
    pub(super) fn new(turn: StartedTurn) -> Self {
        Self(Some(turn))
    }

    pub(super) fn claim(mut self) -> StartedTurn {
        self.0.take().expect("a turn is claimed once")
    }
}

impl Drop for UnclaimedTurn {
    fn drop(&mut self) {
        if let Some(started) = self.0.take()
            && !started.joined
        {
            started.turn.interrupt_now();
        }
    }
}

/// Interest in a turn. While one lives, the turn's summary is kept; dropping it
/// detaches and does not interrupt.
pub struct TurnRef {
    core: Arc<Core>,
    thread: ThreadId,
    turn: TurnId,
    /// The subscription that has everything since this interest began. The first
    /// [`subscribe`](Self::subscribe) takes it.
    first: Option<SubId>,
    first_taken: AtomicBool,
}

impl TurnRef {
    /// For a turn that has been given a handle in the router.
    pub(super) fn new(
        core: Arc<Core>,
        thread: ThreadId,
        turn: TurnId,
        first: Option<SubId>,
    ) -> Self {
        Self {
            core,
            thread,
            turn,
            first,
            first_taken: AtomicBool::new(false),
        }
    }

    pub(super) fn attach(core: &Arc<Core>, thread: &ThreadId, turn: &TurnId) -> (Self, Known) {
        let mut fx = Effects::default();
        let (known, first) = core.lock().router.attach_turn(thread, turn, &mut fx);
        fx.run();
        let turn = Self::new(Arc::clone(core), thread.clone(), turn.clone(), Some(first));
        (turn, known)
    }

    /// The thread that the turn is of.
    pub fn thread_id(&self) -> &ThreadId {
        &self.thread
    }

    /// The id of the turn.
    pub fn id(&self) -> &TurnId {
        &self.turn
    }

    /// The events of the turn, up to `turn/completed`. The first subscription has
    /// them since this interest began, and so have others that are made before
    /// anything is read from it; later ones have them from now on.
    pub fn subscribe(&self) -> Subscription {
        let mut state = self.core.lock();
        let router = &mut state.router;
        let subscribed = match self.first {
            Some(first) if !self.first_taken.swap(true, Ordering::Relaxed) => {
                router.take_over(&self.thread, &self.turn, first)
            }
            first => router.subscribe_turn(&self.thread, &self.turn, first),
        };
        drop(state);
        Subscription::new(Arc::clone(&self.core), subscribed)
    }

    /// Waits for the turn to complete.
    ///
    /// # Errors
    ///
    /// When the connection fails before that, and when nothing will tell of the
    /// end of the turn because its thread is not followed any more.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe; waiting twice gives the same.
    pub async fn completed(&self) -> Result<TurnSummary> {
        self.ended(false).await
    }

    /// As [`completed`](Self::completed), but goes on waiting when no event will
    /// tell of the end: for those who also ask, and [`settle`](Self::settle) it.
    pub async fn completed_or_settled(&self) -> Result<TurnSummary> {
        self.ended(true).await
    }

    async fn ended(&self, asks: bool) -> Result<TurnSummary> {
        loop {
            let gone = || Error::closed("the turn is not followed any more");
            let (_, done) = self.progress().ok_or_else(gone)?;
            let mut done = std::pin::pin!(done.notified());
            // From here on no notice is missed.
            done.as_mut().enable();
            match self.progress() {
                Some((Progress::Complete, _)) => return Ok(self.summary()),
                Some((Progress::Lost(lost), _)) if !asks || lost.is_final() => {
                    return Err(lost.error());
                }
                _ => {}
            }
            if let Some(failure) = self.core.failure() {
                return Err(failure);
            }
            done.await;
        }
    }

    /// Whether events of the turn come, so that its end will be told.
    pub fn is_heard_of(&self) -> bool {
        self.core
            .lock()
            .router
            .is_heard_of(&self.thread, &self.turn)
    }

    /// The turn as far as it is known now.
    pub fn summary(&self) -> TurnSummary {
        let mut state = self.core.lock();
        let summary = state.router.summary(&self.thread, &self.turn);
        summary.map(|(summary, _)| summary).unwrap_or_default()
    }

    /// Ends a turn whose completion no event will tell of, with the `turn` that
    /// the server answered when it was asked. Does nothing if it has ended.
    pub fn settle(&self, turn: &RawValue) {
        self.core.settle_turn(&self.thread, &self.turn, turn);
    }

    /// Asks the server to interrupt the turn, without waiting for anything. For
    /// destructors.
    pub fn interrupt_now(&self) {
        self.core.interrupt_now(&self.thread, &self.turn);
    }

    fn progress(&self) -> Option<(Progress, Arc<Notify>)> {
        self.core.lock().router.progress(&self.thread, &self.turn)
    }
}

impl Drop for TurnRef {
    fn drop(&mut self) {
        let taken = self.first_taken.load(Ordering::Relaxed);
        let first = self.first.filter(|_| !taken);
        let mut fx = Effects::default();
        self.core
            .lock()
            .router
            .drop_handle(&self.thread, &self.turn, first, &mut fx);
        fx.run();
    }
}

impl fmt::Debug for TurnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnRef")
            .field("thread", &self.thread)
            .field("turn", &self.turn)
            .finish_non_exhaustive()
    }
}
