//! One turn, for as long as somebody is interested in it.

use std::sync::Arc;

use tokio::sync::Notify;

use super::effects::Effects;
use super::event::RawEvent;
use super::fold::Fold;
use super::queue::{End, Limits, Mailbox, Overflow, Queue};
use super::signs::Sign;
use crate::error::{Error, ErrorKind};

/// The number of a subscription, unique within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SubId(pub(super) u64);

/// Why nothing will tell of the end of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// This client unsubscribed from the thread.
    Unsubscribed,
    /// The server unloaded the thread.
    Closed,
    Archived,
    Deleted,
    /// It failed, as this says, and its completion did not come.
    Failed(Sign),
}

impl Lost {
    /// Whether the turn is over, so that there is nothing to ask about.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Failed(_))
    }

    pub(crate) fn error(self) -> Error {
        let message = match self {
            Self::Unsubscribed => {
                "this client unsubscribed from the thread while the turn was running, so its end \
                 is not told; resume the thread and ask again"
            }
            Self::Closed => {
                "the server closed the thread while the turn was running; resume the thread to \
                 see what became of it"
            }
            Self::Archived => {
                "the thread was archived while the turn was running; unarchive and resume it to \
                 see what became of it"
            }
            Self::Deleted => "the thread was deleted while the turn was running",
            Self::Failed(_) => "the turn failed, and the server did not complete it",
        };
        Error::new(ErrorKind::Turn, message)
    }
}

/// How far a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Complete,
    Lost(Lost),
}

/// The events of a turn that its subscribers have not read, and its summary.
///
/// Each subscriber has a queue of its own over shared events, so that one that
/// lags costs the others nothing.
#[derive(Debug, Default)]
pub(crate) struct TurnLog {
    pub(super) fold: Fold,
    pub(super) mailboxes: Vec<(SubId, Arc<Mailbox>)>,
    /// Handles that may still ask for the summary or subscribe.
    pub(super) handles: usize,
    /// Whether the response to a start of ours named this turn.
    pub(super) claimed: bool,
    /// What came while it was not clear whose turn this is. Seldom there, and not to be in the way
    /// of what every event looks at.
    pub(super) unclaimed: Option<Box<Queue>>,
    lost: Option<Lost>,
    /// What says that it has ended, and which number that has.
    pub(super) sign: Option<(Sign, u64)>,
    pub(super) done: Arc<Notify>,
}

impl TurnLog {
    /// Subscribes to what comes, whether or not it is known that anything will.
    pub(super) fn subscribe(&mut self, id: SubId, limits: Limits) -> Arc<Mailbox> {
        let mut queue = Queue::new(limits, Overflow::End);
        if self.fold.is_complete() {
            queue.end(End::Complete);
        }
        self.add(id, queue)
    }

    /// Subscribes with what waits for `like`, if that has not been read yet, and
    /// only if more will come.
    pub(super) fn subscribe_like(
        &mut self,
        id: SubId,
        like: Option<SubId>,
        limits: Limits,
    ) -> Arc<Mailbox> {
        let untouched = like
            .and_then(|like| self.mailbox(like))
            .and_then(|mailbox| mailbox.lock().copy_if_untouched());
        if let Some(queue) = untouched {
            return self.add(id, queue);
        }
        let lost = self.lost;
        let mailbox = self.subscribe(id, limits);
        if let Some(lost) = lost {
            mailbox.lock().end(End::Lost(lost));
        }
        mailbox
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

    pub(super) fn push(&mut self, event: &Arc<RawEvent>, fx: &mut Effects) {
        // It is heard of again, after a gap. What still comes of a turn that failed does
        // not bring it back.
        if !self.lost.is_some_and(Lost::is_final) {
            self.find_again();
        }
        let was_complete = self.fold.is_complete();
        self.fold.apply(event);
        let ends = !was_complete && self.fold.is_complete();
        for (_, mailbox) in &self.mailboxes {
            // With one lock: the end says by its last event how many were left out before it.
            let mut queue = mailbox.lock();
            fx.wake(queue.push(event));
            if ends {
                fx.wake(queue.end(End::Complete));
            }
        }
        if let Some(unclaimed) = &mut self.unclaimed {
            unclaimed.push(event);
        }
        if ends {
            fx.notify(&self.done);
        }
    }

    /// Whether somebody gets this turn's events.
    pub(super) fn is_owned(&self) -> bool {
        self.handles > 0 || !self.mailboxes.is_empty()
    }

    pub(super) fn progress(&self) -> Progress {
        match self.lost {
            _ if self.fold.is_complete() => Progress::Complete,
            Some(lost) => Progress::Lost(lost),
            None => Progress::Running,
        }
    }

    /// Whether the end of this turn will be told, or was.
    pub(super) fn is_followed(&self) -> bool {
        match self.progress() {
            Progress::Complete => true,
            Progress::Running => self.claimed || self.fold.has_events(),
            Progress::Lost(_) => false,
        }
    }

    /// What says that it failed, if its completion did not.
    pub(super) fn failed(&self) -> Option<Sign> {
        match self.progress() {
            Progress::Lost(Lost::Failed(sign)) => Some(sign),
            _ => None,
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.progress(), Progress::Lost(_))
    }

    /// Something says that the turn has ended. The first of two that say the same counts.
    pub(super) fn note(&mut self, sign: Sign, number: impl FnOnce() -> Option<u64>) {
        let is_known = |(known, _): (Sign, u64)| known.is_final() || !sign.is_final();
        if self.progress() == Progress::Running && !self.sign.is_some_and(is_known) {
            self.sign = number().map(|number| (sign, number));
        }
    }

    /// Its thread does not rest any more, and is not in trouble.
    pub(super) fn is_at_work(&mut self) {
        self.sign.take_if(|(sign, _)| *sign != Sign::Error);
    }

    /// Ends every wait, because nothing more is heard of this turn.
    pub(super) fn lose(&mut self, lost: Lost, fx: &mut Effects) {
        if self.progress() != Progress::Running {
            return;
        }
        self.lost = Some(lost);
        for (_, mailbox) in &self.mailboxes {
            fx.wake(mailbox.lock().end(End::Lost(lost)));
        }
        fx.notify(&self.done);
    }

    /// The turn is followed again. What it did meanwhile was missed.
    pub(super) fn find_again(&mut self) {
        match self.lost.take() {
            // Its events went on coming.
            None | Some(Lost::Failed(_)) => {}
            Some(_) => self.fold.mark_gap(),
        }
    }

    /// Ends every wait, because the connection failed.
    pub(super) fn fail(&mut self, fx: &mut Effects) {
        for (_, mailbox) in &self.mailboxes {
            fx.wake(mailbox.lock().end(End::Failed));
        }
        fx.notify(&self.done);
    }
}
