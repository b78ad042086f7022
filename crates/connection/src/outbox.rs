//! Whole messages on their way to the server.

use std::collections::VecDeque;

use tokio::sync::OwnedSemaphorePermit;

/// How much is written at once.
const BATCH_BYTES: usize = 64 * 1024;

/// How many urgent messages may wait. They have no slot to wait for, so more
/// than this can only mean that the server asks and asks but does not read.
const MAX_URGENT: usize = 4 * 1024;

/// The queue before the writer. An ordinary message holds one of a number of
/// slots until it is written; an urgent one needs none and goes first.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    urgent: VecDeque<String>,
    ordinary: VecDeque<(String, OwnedSemaphorePermit)>,
    /// Nothing more will be queued.
    closing: bool,
}

/// What to write next.
pub(crate) struct Batch {
    pub frames: Vec<String>,
    /// Given back when the frames are written.
    slots: Vec<OwnedSemaphorePermit>,
    /// There is nothing left, and nothing more will come.
    pub is_last: bool,
}

impl Outbox {
    /// Queues a message; one without a slot is urgent. Returns whether there
    /// was room.
    pub(crate) fn queue(&mut self, frame: String, slot: Option<OwnedSemaphorePermit>) -> bool {
        match slot {
            Some(slot) => self.ordinary.push_back((frame, slot)),
            None if self.urgent.len() == MAX_URGENT => return false,
            None => self.urgent.push_back(frame),
        }
        true
    }

    pub(crate) fn close(&mut self) {
        self.closing = true;
    }

    pub(crate) fn take(&mut self) -> Batch {
        let mut batch = Batch {
            frames: Vec::new(),
            slots: Vec::new(),
            is_last: false,
        };
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let frame = match self.urgent.pop_front() {
                Some(frame) => frame,
                None => match self.ordinary.pop_front() {
                    Some((frame, slot)) => {
                        batch.slots.push(slot);
                        frame
                    }
                    None => {
                        batch.is_last = self.closing;
                        break;
                    }
                },
            };
            bytes += frame.len();
            batch.frames.push(frame);
        }
        batch
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.urgent.len() + self.ordinary.len()
    }
}

impl Batch {
    /// The frames are written: others may be queued.
    pub(crate) fn written(self) {
        drop(self.slots);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn urgent_messages_go_first_and_slots_come_back_when_written() {
        let slots = Arc::new(Semaphore::new(2));
        let mut outbox = Outbox::default();
        for frame in ["a", "b"] {
            let slot = Arc::clone(&slots).try_acquire_owned().unwrap();
            outbox.queue(frame.into(), Some(slot));
        }
        assert!(outbox.queue("u".into(), None));
        let batch = outbox.take();
        assert_eq!(batch.frames, ["u", "a", "b"]);
        assert!(!batch.is_last);
        assert_eq!(slots.available_permits(), 0);
        batch.written();
        assert_eq!(slots.available_permits(), 2);
    }

    #[test]
    fn the_last_batch_follows_everything_queued() {
        let slots = Arc::new(Semaphore::new(1));
        let mut outbox = Outbox::default();
        let slot = Arc::clone(&slots).try_acquire_owned().unwrap();
        outbox.queue("x".repeat(BATCH_BYTES), Some(slot));
        outbox.queue("y".repeat(BATCH_BYTES), None);
        outbox.close();
        assert!(outbox.take().frames[0].starts_with('y'));
        assert!(outbox.take().frames[0].starts_with('x'));
        let last = outbox.take();
        assert!(last.is_last && last.frames.is_empty());
    }

    #[test]
    fn urgent_messages_are_bounded() {
        let mut outbox = Outbox::default();
        for _ in 0..MAX_URGENT {
            assert!(outbox.queue(String::new(), None));
        }
        assert!(!outbox.queue(String::new(), None));
        assert_eq!(outbox.len(), MAX_URGENT);
    }
}
