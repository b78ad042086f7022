//! How much may wait for one subscriber.

use openai_codex_connection::Limits;

/// How much may wait for one subscriber before events are left out.
///
/// Past the soft limits, best-effort events (output deltas, progress) are
/// skipped, and [counted](crate::Event::skipped_before). Past the hard limits, not even
/// lossless ones (completed items, message deltas) can be kept, and that one
/// subscription to a turn ends with an error of kind `Lagged`; those of a thread or of the
/// connection lose their oldest events. Nothing else is disturbed.
///
/// ```
/// use openai_codex::{Codex, EventBuffer};
///
/// let builder = Codex::builder().event_buffer(EventBuffer::new().events(50_000).bytes(32 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventBuffer(Limits);

impl Default for EventBuffer {
    /// 4,096 events and 4 MiB; hard limits 65,536 events and 64 MiB.
    fn default() -> Self {
        Self(Limits::default())
    }
}

impl EventBuffer {
    /// The default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Past this many events, best-effort ones are skipped.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.0.events = events;
        self.0.hard_events = self.0.hard_events.max(events);
        self
    }

    /// Past this many bytes, best-effort events are skipped.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.0.bytes = bytes;
        self.0.hard_bytes = self.0.hard_bytes.max(bytes);
        self
    }

    /// The most events that are kept, lossless ones included.
    #[must_use]
    pub fn hard_events(mut self, events: usize) -> Self {
        self.0.hard_events = events;
        self.0.events = self.0.events.min(events);
        self
    }

    /// The most bytes that are kept, lossless events included.
    #[must_use]
    pub fn hard_bytes(mut self, bytes: usize) -> Self {
        self.0.hard_bytes = bytes;
        self.0.bytes = self.0.bytes.min(bytes);
        self
    }

    pub(crate) fn limits(self) -> Limits {
        self.0
    }
}
