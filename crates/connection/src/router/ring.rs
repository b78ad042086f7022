//! Subscribers that all see the same.

use std::sync::Arc;

use crate::effects::Effects;
use crate::event::RawEvent;
use crate::queue::{End, Limits, Mailbox, Overflow, Queue};
use crate::turn_log::SubId;

/// Subscribers that all see the same, and what came before the first of them.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) early: Option<Queue>,
    pub(super) subscribers: Vec<(SubId, Arc<Mailbox>)>,
}

impl Ring {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            early: Some(Queue::new(limits, Overflow::DropOldest)),
            subscribers: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, event: &Arc<RawEvent>, fx: &mut Effects) {
        if let Some(early) = &mut self.early {
            early.push(event);
        }
        for (_, mailbox) in &self.subscribers {
            fx.wake(mailbox.lock().push(event));
        }
    }

    /// Takes over the events of a turn that turned out to be nobody's, and word
    /// of those that were not kept.
    pub(super) fn adopt(&mut self, unclaimed: &Queue, fx: &mut Effects) {
        for item in unclaimed.items() {
            self.skip(item.skipped_before);
            self.push(&item.event, fx);
        }
        self.skip(unclaimed.skipped());
    }

    fn skip(&mut self, skipped: u64) {
        if let Some(early) = &mut self.early {
            early.skip(skipped);
        }
        for (_, mailbox) in &self.subscribers {
            mailbox.lock().skip(skipped);
        }
    }

    pub(super) fn fail(&mut self, fx: &mut Effects) {
        if let Some(early) = &mut self.early {
            early.end(End::Failed);
        }
        for (_, mailbox) in &self.subscribers {
            fx.wake(mailbox.lock().end(End::Failed));
        }
    }
}
