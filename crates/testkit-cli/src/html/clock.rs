//! What a turn's time was spent on.

use std::time::Duration;

/// More changes than these are counted in the totals only.
const SPANS: usize = 5_000;

/// The kinds of time, the later ones first where several are open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Nothing is open: the model was asked and says nothing yet, or is asked again.
    Waiting,
    /// A message or its thoughts are coming.
    Model,
    /// A command, a patch or another tool runs.
    Tool,
    /// The client is asked something.
    Approval,
}

impl Time {
    pub(super) const ALL: [Self; 4] = [Self::Waiting, Self::Model, Self::Tool, Self::Approval];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Approval => "approval",
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Waiting => 0,
            Self::Model => 1,
            Self::Tool => 2,
            Self::Approval => 3,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) time: Time,
    pub(super) from: Duration,
    pub(super) to: Duration,
}

#[derive(Debug)]
pub(super) struct Clock {
    open: [u64; 4],
    now: Time,
    since: Duration,
    spans: Vec<Span>,
    totals: [Duration; 4],
    is_over: bool,
}

impl Clock {
    pub(super) fn new(at: Duration) -> Self {
        Self {
            open: [0; 4],
            now: Time::Waiting,
            since: at,
            spans: Vec::new(),
            totals: [Duration::ZERO; 4],
            is_over: false,
        }
    }

    /// It ran before anything was heard of it.
    pub(super) fn begins(&mut self, at: Duration) {
        let Some(first) = self.spans.first() else {
            self.since = self.since.min(at);
            return;
        };
        let to = first.from;
        self.totals[Time::Waiting.index()] += to.saturating_sub(at);
        self.spans.insert(
            0,
            Span {
                time: Time::Waiting,
                from: at.min(to),
                to,
            },
        );
    }

    pub(super) fn begin(&mut self, time: Time, at: Duration) {
        self.open[time.index()] += 1;
        self.change(at);
    }

    pub(super) fn end(&mut self, time: Time, at: Duration) {
        let open = &mut self.open[time.index()];
        *open = open.saturating_sub(1);
        self.change(at);
    }

    /// The turn is over, whatever is open.
    pub(super) fn stop(&mut self, at: Duration) {
        if !self.is_over {
            self.close(at);
            self.is_over = true;
        }
    }

    pub(super) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(super) fn total(&self, time: Time) -> Duration {
        self.totals[time.index()]
    }

    fn change(&mut self, at: Duration) {
        let open = |time: &Time| self.open[time.index()] > 0;
        let next = Time::ALL.into_iter().rev().find(open);
        let next = next.unwrap_or(Time::Waiting);
        if next != self.now && !self.is_over {
            self.close(at);
            self.now = next;
        }
    }

    fn close(&mut self, at: Duration) {
        let length = at.saturating_sub(self.since);
        self.totals[self.now.index()] += length;
        if length > Duration::ZERO && self.spans.len() < SPANS {
            self.spans.push(Span {
                time: self.now,
                from: self.since,
                to: at,
            });
        }
        self.since = at.max(self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_about_a_tool_is_time_of_approval() {
        let at = Duration::from_secs;
        let mut clock = Clock::new(at(0));
        clock.begin(Time::Model, at(2));
        clock.end(Time::Model, at(3));
        clock.begin(Time::Tool, at(3));
        clock.begin(Time::Approval, at(4));
        clock.end(Time::Approval, at(9));
        clock.end(Time::Tool, at(10));
        clock.stop(at(11));
        clock.stop(at(20));
        let seconds = Time::ALL.map(|time| clock.total(time).as_secs());
        assert_eq!(seconds, [3, 1, 2, 5]);
        let spans: Vec<_> = clock.spans().iter().map(|span| span.time.name()).collect();
        assert_eq!(
            spans,
            ["waiting", "model", "tool", "approval", "tool", "waiting"]
        );
    }
}
