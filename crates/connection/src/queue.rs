//! What waits for one subscriber: bounded in events and in bytes, and never
//! short of an event without saying so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use openai_codex_wire::Tier;

use super::event::RawEvent;
use super::turn_log::Lost;

/// How much may wait for one subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Past this many events, best-effort ones are skipped.
    pub events: usize,
    /// Past this many bytes, best-effort events are skipped.
    pub bytes: usize,
    /// Past this many events, lossless ones cannot be kept either.
    pub hard_events: usize,
    /// Past this many bytes, lossless events cannot be kept either.
    pub hard_bytes: usize,
}

impl Default for Limits {
    /// Enough for a turn of 50,000 deltas that nobody reads before its end.
    fn default() -> Self {
        Self {
            events: 4 * 1024,
            bytes: 4 * 1024 * 1024,
            hard_events: 64 * 1024,
            hard_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What happens to a subscription that cannot keep a lossless event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// It ends: a transcript with a hole is none.
    End,
    /// It loses its oldest event: the newest says how things stand.
    DropOldest,
}

/// What a subscriber gets.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The event.
    pub event: Arc<RawEvent>,
    /// How many events were left out since the last one that says so, because this subscriber
    /// did not keep up.
    pub skipped_before: u64,
}

/// Why a subscription has no more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The turn is complete.
    Complete,
    /// The hard limit was reached; so many events were lost since.
    Overflow(u64),
    /// The turn goes on, but nothing more is heard of it.
    Lost(Lost),
    /// The connection failed.
    Failed,
}

/// A queue with its lock: the router puts in what the subscriber takes out,
/// without either waiting for what the other does elsewhere.
#[derive(Debug)]
pub(crate) struct Mailbox(Mutex<Queue>);

impl Mailbox {
    pub(crate) fn new(queue: Queue) -> Arc<Self> {
        Arc::new(Self(Mutex::new(queue)))
    }

    /// As [`Queue::take`]. Wakers are made and dropped without the lock, because
    /// that runs code that is not ours.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        batch: &mut VecDeque<Delivered>,
        limit: usize,
    ) -> Poll<Option<End>> {
        let mut waker = Some(cx.waker().clone());
        // The guard goes before `waker`, which may now be another.
        self.lock().take(&mut waker, batch, limit)
    }

    /// Taken after the connection's own lock, never before it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue of one subscriber.
#[derive(Debug)]
pub(crate) struct Queue {
    items: VecDeque<Delivered>,
    bytes: usize,
    /// Whether best-effort events are left out, until half of what waits has been read.
    is_skipping: bool,
    /// How many were left out that no event says yet.
    skipped: u64,
    limits: Limits,
    overflow: Overflow,
    end: Option<End>,
    /// Whether anything was taken out of it.
    touched: bool,
    waker: Option<Waker>,
}

impl Queue {
    pub(crate) fn new(limits: Limits, overflow: Overflow) -> Self {
        Self {
            items: VecDeque::new(),
            bytes: 0,
            is_skipping: false,
            skipped: 0,
            limits,
            overflow,
            end: None,
            touched: false,
            waker: None,
        }
    }

    /// A second queue with what waits in this one, if nothing was taken yet.
    pub(crate) fn copy_if_untouched(&self) -> Option<Self> {
        (!self.touched).then(|| Self {
            items: self.items.clone(),
            waker: None,
            ..*self
        })
    }

    /// Adds an event, within the limits. Returns whom to wake.
    pub(crate) fn push(&mut self, event: &Arc<RawEvent>) -> Option<Waker> {
        match &mut self.end {
            None => {}
            Some(End::Overflow(lost)) => {
                *lost += 1;
                return None;
            }
            Some(End::Complete | End::Lost(_) | End::Failed) => return None,
        }
        let weight = event.weight();
        let is_best_effort = event.tier() == Tier::BestEffort;
        let is_left_out = match self.overflow {
            Overflow::DropOldest => {
                self.make_room(weight);
                is_best_effort && self.is_over_soft(weight)
            }
            Overflow::End => {
                // A subscriber that lags is told once, and not about each event.
                self.is_skipping = is_best_effort && self.is_over_soft(weight)
                    || self.is_skipping && !self.is_half_empty();
                is_best_effort && self.is_skipping
            }
        };
        if is_left_out {
            self.skipped += 1;
            return None;
        }
        if self.is_over_hard(weight) {
            match self.overflow {
                // One event that is over the limit all by itself.
                Overflow::DropOldest => self.skipped += 1,
                Overflow::End => {
                    self.end = Some(End::Overflow(1 + std::mem::take(&mut self.skipped)))
                }
            }
            return self.waker.take();
        }
        let skipped_before = match self.is_skipping {
            true => 0,
            false => std::mem::take(&mut self.skipped),
        };
        self.bytes += weight;
        self.items.push_back(Delivered {
            event: Arc::clone(event),
            skipped_before,
        });
        self.waker.take()
    }

    /// Says that nothing more will come, and why, unless that was said before.
    /// Returns whom to wake.
    pub(crate) fn end(&mut self, end: End) -> Option<Waker> {
        // What was left out is said before the end, by the last event that is there.
        if self.end.is_none()
            && let Some(last) = self.items.back_mut()
        {
            last.skipped_before += std::mem::take(&mut self.skipped);
        }
        self.end.get_or_insert(end);
        self.waker.take()
    }

    /// Moves up to `limit` items into `batch`. At the end there is nothing to
    /// move and the reason is returned. While nothing has come yet, `waker` is
    /// exchanged for the one that is woken when something does.
    pub(crate) fn take(
        &mut self,
        waker: &mut Option<Waker>,
        batch: &mut VecDeque<Delivered>,
        limit: usize,
    ) -> Poll<Option<End>> {
        if !self.items.is_empty() {
            self.touched = true;
            for item in self.items.drain(..limit.min(self.items.len())) {
                self.bytes -= item.event.weight();
                batch.push_back(item);
            }
            if self.items.is_empty() && self.items.capacity() > 4 * limit {
                self.items = VecDeque::new();
            }
            return Poll::Ready(None);
        }
        if let Some(end) = self.end {
            return Poll::Ready(Some(end));
        }
        std::mem::swap(&mut self.waker, waker);
        Poll::Pending
    }

    /// Says that events were left out here.
    pub(crate) fn skip(&mut self, skipped: u64) {
        if self.end.is_none() {
            self.skipped += skipped;
        }
    }

    /// What waits, oldest first.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Delivered> {
        self.items.iter()
    }

    /// How many were left out after all that waits.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_over_soft(&self, weight: usize) -> bool {
        self.items.len() >= self.limits.events || self.bytes + weight > self.limits.bytes
    }

    fn is_over_hard(&self, weight: usize) -> bool {
        self.items.len() >= self.limits.hard_events || self.bytes + weight > self.limits.hard_bytes
    }

    fn is_half_empty(&self) -> bool {
        self.items.len() <= self.limits.events / 2 && self.bytes <= self.limits.bytes / 2
    }

    /// Lets the oldest events go: best-effort ones past the soft limit, any past the hard one.
    fn make_room(&mut self, weight: usize) {
        while let Some(oldest) = self.items.front()
            && (self.is_over_hard(weight)
                || self.is_over_soft(weight) && oldest.event.tier() == Tier::BestEffort)
        {
            let skipped = 1 + oldest.skipped_before;
            self.bytes -= oldest.event.weight();
            self.items.pop_front();
            match self.items.front_mut() {
                Some(next) => next.skipped_before += skipped,
                None => self.skipped += skipped,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        events: 3,
        bytes: 100_000,
        hard_events: 5,
        hard_bytes: 200_000,
    };

    /// An event named by its only letter or more. An upper-case one is lossless.
    fn event(name: &str) -> Arc<RawEvent> {
        let method = match name.starts_with(char::is_uppercase) {
            true => "item/agentMessage/delta",
            false => "thread/status/changed",
        };
        let scope = openai_codex_wire::scope::ScopeIds::default();
        let spec = openai_codex_types::PROTOCOL.notification(method);
        let method = method.into();
        Arc::new(RawEvent::notification(
            name, &method, None, &scope, None, spec,
        ))
    }

    fn filled(overflow: Overflow, events: &str) -> Queue {
        let mut queue = Queue::new(LIMITS, overflow);
        for name in events.split(' ') {
            queue.push(&event(name));
        }
        queue
    }

    fn shown(queue: &Queue) -> String {
        let mut shown = Vec::new();
        for item in &queue.items {
            if item.skipped_before > 0 {
                shown.push(format!("-{}", item.skipped_before));
            }
            shown.push(item.event.line().to_owned());
        }
        if queue.skipped > 0 {
            shown.push(format!("-{}", queue.skipped));
        }
        shown.join(" ")
    }

    #[test]
    fn best_effort_events_are_skipped_and_counted_where_they_were() {
        let mut queue = filled(Overflow::End, "a b c d e F g h");
        assert_eq!(shown(&queue), "a b c F -4");
        assert_eq!(queue.end, None);
        queue.end(End::Complete);
        assert_eq!(shown(&queue), "a b c -4 F");
    }

    #[test]
    fn one_overflow_is_one_gap_however_the_subscriber_reads() {
        let mut queue = filled(Overflow::End, "a b c d e");
        let mut batch = VecDeque::new();
        // Two wait still, which is more than half.
        assert!(queue.take(&mut None, &mut batch, 1).is_ready());
        queue.push(&event("f"));
        assert_eq!(shown(&queue), "b c -3");
        assert!(queue.take(&mut None, &mut batch, 1).is_ready());
        for name in ["g", "h", "i"] {
            queue.push(&event(name));
        }
        assert_eq!(shown(&queue), "c -3 g h -1");
    }

    #[test]
    fn an_event_that_is_too_large_never_ends_the_subscription_while_others_are_skipped() {
        let mut queue = filled(Overflow::End, "a b c d");
        let mut batch = VecDeque::new();
        assert!(queue.take(&mut None, &mut batch, 2).is_ready());
        queue.push(&event(&"x".repeat(250_000)));
        assert_eq!((queue.end, queue.skipped), (None, 2));
    }

    #[test]
    fn a_ring_says_at_its_oldest_event_what_went_before() {
        let mut queue = filled(Overflow::DropOldest, "a b c d");
        queue.skip(5);
        queue.push(&event("e"));
        assert_eq!(shown(&queue), "-2 c d -5 e");
    }

    #[test]
    fn past_the_hard_limit_the_subscription_ends_and_keeps_what_it_has() {
        let mut queue = filled(Overflow::End, "A B C D E F g");
        assert_eq!(shown(&queue), "A B C D E");
        assert_eq!(queue.end, Some(End::Overflow(2)));
        queue.end(End::Complete);
        assert_eq!(queue.end, Some(End::Overflow(2)));
    }

    #[test]
    fn a_ring_keeps_the_newest_and_prefers_what_is_lossless() {
        assert_eq!(
            shown(&filled(Overflow::DropOldest, "a b c d e")),
            "-2 c d e"
        );
        assert_eq!(
            shown(&filled(Overflow::DropOldest, "A b C d E")),
            "A b C -1 E"
        );
        assert_eq!(
            shown(&filled(Overflow::DropOldest, "A B C D E F G")),
            "-2 C D E F G"
        );
    }

    #[test]
    fn bytes_count_as_events_do() {
        let big = "X".repeat(90_000);
        let queue = filled(Overflow::End, &format!("{big} a {}", "y".repeat(90_000)));
        assert!(shown(&queue).ends_with("X a -1"));
        let queue = filled(Overflow::End, &format!("{big} {big} {big}"));
        assert_eq!(queue.end, Some(End::Overflow(1)));
        let huge = "X".repeat(300_000);
        let queue = filled(Overflow::DropOldest, &format!("A {huge} B"));
        assert_eq!(shown(&queue), "-2 B");
        assert!(queue.bytes() < 1000);
    }

    #[test]
    fn a_copy_is_made_until_the_first_item_is_taken() {
        let mut queue = filled(Overflow::End, "a b");
        let copy = queue.copy_if_untouched().unwrap();
        assert_eq!(shown(&copy), "a b");
        let mut batch = VecDeque::new();
        assert!(queue.take(&mut None, &mut batch, 1).is_ready());
        assert_eq!((batch.len(), queue.items.len()), (1, 1));
        assert!(queue.copy_if_untouched().is_none());
    }

    #[test]
    fn the_end_comes_after_the_last_item() {
        let mut queue = filled(Overflow::End, "a");
        queue.end(End::Complete);
        let mut batch = VecDeque::new();
        assert_eq!(queue.take(&mut None, &mut batch, 9), Poll::Ready(None));
        assert_eq!(
            queue.take(&mut None, &mut batch, 9),
            Poll::Ready(Some(End::Complete))
        );
    }
}
