//! One turn, for as long as somebody is interested in it.

use std::sync::Arc;

use tokio::sync::Notify;

use super::effects::Effects;
use super::event::RawEvent;
use super::fold::Fold;
use super::kind::Kind;
use super::queue::{End, Limits, Mailbox, Overflow, Queue};

/// The number of a subscription, unique within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubId(pub(super) u64);

/// The events of a turn that its subscribers have not read, and its summary.
///
/// Each subscriber has a queue of its own over shared events, so that one that
/// lags costs the others nothing.
#[derive(Debug)]
pub(crate) struct TurnLog {
    pub(super) fold: Fold,
    pub(super) mailboxes: Vec<(SubId, Arc<Mailbox>)>,
    /// Handles that may still ask for the summary or subscribe.
    pub(super) handles: usize,
    /// Whether the response to a start of ours named this turn.
    pub(super) claimed: bool,
    /// What came while it was not clear whose turn this is.
    pub(super) unclaimed: Option<Queue>,
    pub(super) done: Arc<Notify>,
}

impl TurnLog {
    pub(super) fn new(fold: Fold) -> Self {
        Self {
            fold,
            mailboxes: Vec::new(),
            handles: 0,
            claimed: false,
            unclaimed: None,
            done: Arc::default(),
        }
    }

    pub(super) fn subscribe(&mut self, id: SubId, limits: Limits) -> Arc<Mailbox> {
        let mut queue = Queue::new(limits, Overflow::End);
        if self.fold.is_complete() {
            queue.end(End::Complete);
        }
        self.add(id, queue)
    }

    /// Subscribes with what waits for `other`, if that has not been read yet.
    pub(super) fn subscribe_like(
        &mut self,
        id: SubId,
        other: SubId,
        limits: Limits,
    ) -> Arc<Mailbox> {
        let untouched = self
            .mailbox(other)
            .and_then(|mailbox| mailbox.lock().copy_if_untouched());
        match untouched {
            Some(queue) => self.add(id, queue),
            None => self.subscribe(id, limits),
        }
    }

    fn add(&mut self, id: SubId, queue: Queue) -> Arc<Mailbox> {
        let mailbox = Mailbox::new(queue);
        self.mailboxes.push((id, Arc::clone(&mailbox)));
        mailbox
    }

    pub(super) fn unsubscribe(&mut self, id: SubId) {
        self.mailboxes.retain(|(other, _)| *other != id);
    }

    pub(super) fn mailbox(&self, id: SubId) -> Option<&Arc<Mailbox>> {
        let found = self.mailboxes.iter().find(|(other, _)| *other == id);
        found.map(|(_, mailbox)| mailbox)
    }

    pub(super) fn push(&mut self, kind: Kind, event: &Arc<RawEvent>, fx: &mut Effects) {
        let was_complete = self.fold.is_complete();
        self.fold.apply(kind, event);
        for (_, mailbox) in &self.mailboxes {
            fx.wake(mailbox.lock().push(event));
        }
        if let Some(unclaimed) = &mut self.unclaimed {
            unclaimed.push(event);
        }
        if !was_complete && self.fold.is_complete() {
            for (_, mailbox) in &self.mailboxes {
                fx.wake(mailbox.lock().end(End::Complete));
            }
            fx.notify(&self.done);
        }
    }

    /// Whether somebody gets this turn's events.
    pub(super) fn is_owned(&self) -> bool {
        self.handles > 0 || !self.mailboxes.is_empty()
    }

    /// Ends every wait, because the connection failed.
    pub(super) fn fail(&mut self, fx: &mut Effects) {
        for (_, mailbox) in &self.mailboxes {
            fx.wake(mailbox.lock().end(End::Failed));
        }
        fx.notify(&self.done);
    }
}
