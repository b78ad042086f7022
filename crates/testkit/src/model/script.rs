//! What the model is to say and what it was asked: plain state, without I/O.

use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::model::reply::Reply;
use crate::model::request::ModelRequest;

/// Decides whether a reply answers a request.
pub(crate) type Matcher = dyn Fn(&ModelRequest) -> bool + Send + Sync;

/// How many of the newest problems are kept in words; all are counted.
const KEPT_PROBLEMS: usize = 16;

#[derive(Default)]
pub(crate) struct Script {
    /// Replies that wait to be asked for, and those that stay. As long as the test's script.
    entries: Vec<Entry>,
    scripted: usize,
    requests: VecDeque<ModelRequest>,
    total: usize,
    bytes: usize,
    limits: Limits,
    problems: VecDeque<String>,
    problem_count: usize,
}

/// How many requests are kept, and how many bytes of bodies; the oldest are forgotten first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) requests: usize,
    pub(crate) bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests: 1024,
            bytes: 256 << 20,
        }
    }
}

pub(crate) struct Entry {
    pub(crate) reply: Arc<Reply>,
    pub(crate) matcher: Option<Arc<Matcher>>,
    /// Stays after use.
    pub(crate) every_time: bool,
    /// Nobody minds when it is never asked for.
    pub(crate) optional: bool,
    /// Where the test scripted it.
    pub(crate) at: &'static Location<'static>,
    pub(crate) number: usize,
    pub(crate) uses: usize,
}

/// A reply that answers a request now.
pub(crate) struct Claim {
    pub(crate) reply: Arc<Reply>,
    /// Makes the ids of this response unlike those of all others.
    pub(crate) tag: String,
}

impl Script {
    pub(crate) fn new(limits: Limits) -> Self {
        Script {
            limits,
            ..Script::default()
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        self.scripted += 1;
        self.entries.push(Entry {
            number: self.scripted,
            ..entry
        });
    }

    /// Takes note of a request and gives it its place.
    pub(crate) fn record(&mut self, request: ModelRequest) -> ModelRequest {
        let same_turn = |other: &&ModelRequest| {
            request.turn_id().is_some() && other.turn_id() == request.turn_id()
        };
        // From the last of its turn, so that forgotten requests still count.
        let round = self
            .requests
            .iter()
            .rev()
            .find(same_turn)
            .map_or(1, |last| last.round() + 1);
        self.total += 1;
        self.bytes += request.size();
        let request = request.placed(self.total, round);
        self.requests.push_back(request.clone());
        while self.requests.len() > self.limits.requests
            || (self.bytes > self.limits.bytes && self.requests.len() > 1)
        {
            let forgotten = self.requests.pop_front();
            self.bytes -= forgotten.map_or(0, |request| request.size());
        }
        request
    }

    /// The replies for particular requests, in the order in which they were scripted. They are
    /// tried outside the lock, for a matcher is the test's own code.
    pub(crate) fn matchers(&self) -> Vec<(usize, Arc<Matcher>)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry.number, Arc::clone(entry.matcher.as_ref()?))))
            .collect()
    }

    /// Claims the reply of this number, or the next in order.
    pub(crate) fn claim(&mut self, number: Option<usize>) -> Option<Claim> {
        let index = self.entries.iter().position(|entry| match number {
            Some(number) => entry.number == number,
            None => entry.matcher.is_none(),
        })?;
        let entry = &mut self.entries[index];
        entry.uses += 1;
        let tag = match entry.uses {
            1 => entry.number.to_string(),
            uses => format!("{}r{uses}", entry.number),
        };
        let claim = Claim {
            reply: Arc::clone(&entry.reply),
            tag,
        };
        if !entry.every_time {
            self.entries.remove(index);
        }
        Some(claim)
    }

    /// Takes note that a request had no reply, and says so in words.
    pub(crate) fn ran_out(&mut self, request: &ModelRequest) -> String {
        let mut problem = format!(
            "the mock model's script ran out: no reply for {}; {} scripted",
            request.describe(),
            counted(self.scripted, "reply was", "replies were"),
        );
        let waiting: Vec<String> = self.entries.iter().map(Entry::to_string).collect();
        if waiting.is_empty() {
            problem += ", all used";
        } else {
            problem += &format!(
                "; these wait for requests that match: {}",
                waiting.join(", ")
            );
        }
        self.problem(problem.clone());
        problem
    }

    pub(crate) fn problem(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() == KEPT_PROBLEMS {
            self.problems.pop_front();
        }
        self.problems.push_back(problem);
    }

    pub(crate) fn requests(&self) -> Vec<ModelRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// What went against the script, in words.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let mut lines: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| entry.uses == 0 && !entry.optional)
            .map(|entry| format!("{entry} was never asked for"))
            .collect();
        let forgotten = self.problem_count - self.problems.len();
        if forgotten > 0 {
            lines.push(format!("{forgotten} earlier problems like the following"));
        }
        lines.extend(self.problems.iter().cloned());
        if lines.is_empty() {
            return Ok(());
        }
        let asked = counted(self.total, "request", "requests");
        Err(format!(
            "the mock model got {asked}, and:\n  {}",
            lines.join("\n  ")
        ))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = if self.matcher.is_some() {
            ", conditional"
        } else {
            ""
        };
        write!(
            f,
            "reply {} ({}{condition}; {})",
            self.number,
            self.reply.title(),
            self.at
        )
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(turn: &str, size: usize) -> ModelRequest {
        let metadata = json!({ "turn_id": turn }).to_string();
        ModelRequest::new(
            vec![("x-codex-turn-metadata".into(), metadata)],
            json!({}),
            size,
        )
    }

    fn entry(every_time: bool) -> Entry {
        Entry {
            reply: Arc::new(Reply::from("text")),
            matcher: None,
            every_time,
            optional: false,
            at: Location::caller(),
            number: 0,
            uses: 0,
        }
    }

    #[test]
    fn requests_beyond_the_limits_are_forgotten_from_the_oldest() {
        let mut script = Script::new(Limits {
            requests: 3,
            bytes: 10,
        });
        for size in [1, 1, 1, 1] {
            script.record(request("t", size));
        }
        let numbers = |script: &Script| -> Vec<usize> {
            script.requests().iter().map(ModelRequest::number).collect()
        };
        assert_eq!(numbers(&script), [2, 3, 4]);
        script.record(request("t", 9));
        assert_eq!(numbers(&script), [4, 5]);
        // The newest is kept whatever its size.
        script.record(request("t", 99));
        assert_eq!(numbers(&script), [6]);
        assert_eq!(script.total(), 6);
    }

    #[test]
    fn rounds_go_on_when_earlier_requests_are_forgotten() {
        let mut script = Script::new(Limits {
            requests: 1,
            bytes: 10,
        });
        let rounds = ["a", "a", "a", "b"].map(|turn| script.record(request(turn, 1)).round());
        assert_eq!(rounds, [1, 2, 3, 1]);
    }

    #[test]
    fn a_reply_is_used_once_and_one_for_every_time_stays() {
        let mut script = Script::default();
        script.add(entry(false));
        script.add(entry(true));
        let tags: Vec<String> = (0..3)
            .map(|_| script.claim(None).map(|claim| claim.tag).unwrap())
            .collect();
        assert_eq!(tags, ["1", "2", "2r2"]);
        assert_eq!(script.verdict(), Ok(()));
    }

    #[test]
    fn problems_are_counted_beyond_those_that_are_kept() {
        let mut script = Script::default();
        (0..20).for_each(|n| script.problem(format!("problem {n}")));
        let verdict = script.verdict().unwrap_err();
        assert!(verdict.contains("4 earlier problems"), "{verdict}");
        assert!(
            !verdict.contains("problem 3\n") && verdict.contains("problem 4\n"),
            "{verdict}"
        );
    }
}
