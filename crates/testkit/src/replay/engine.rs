//! The replay as a state machine: lines in, actions out, no I/O.

use std::collections::HashMap;
use std::time::Duration;

use openai_codex_recording::{Direction, Entry, Recording};
use openai_codex_wire::RequestId;
use openai_codex_wire::envelope::Message;
use openai_codex_wire::redact::Redactor;
use serde_json::{Value, json};

use super::Comparison;
use super::compare::renamed;
use super::diff::{difference, short};

/// The code of the error that answers a request which was not recorded.
const NOT_RECORDED: i64 = -32099;

/// The longest line of the client's; the server's own limit is no lower.
const MAX_LINE: usize = 128 * 1024 * 1024;

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Write(Vec<u8>),
    Delay(Duration),
    /// Wait for the client. `owed` says whether it still has something to send.
    Read {
        owed: bool,
    },
    HangUp,
}

#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) comparison: Comparison,
    pub(crate) paced: bool,
    name: String,
    entries: Vec<Entry>,
    /// Of the client's entries, the messages; null for the server's.
    expected: Vec<Value>,
    /// The same as they are compared, once they have been.
    views: Vec<Option<Value>>,
    /// Of each answer of the client's to a request of the server's, the entries of both.
    answers: Vec<(usize, usize)>,
    /// Knows which answers are secret, from what was written and what came.
    redactor: Redactor,
    /// Which of the client's messages have come.
    taken: Vec<bool>,
    /// The first of the client's messages that has not come.
    open_from: usize,
    cursor: usize,
    /// The entry before which it has paused already.
    paused: Option<usize>,
    /// The server hung up at the end, or what it said then is missing.
    hangs_up: bool,
    /// Why the rest is missing.
    cut: Option<String>,
    /// The ids of the client's requests: as recorded, as sent.
    ids: HashMap<RequestId, Value>,
    /// Other ids that the client sent in the place of recorded ones.
    renamed: Vec<(String, String)>,
    partial: Vec<u8>,
    failure: Option<String>,
    /// The answer that tells the client of the failure.
    last_words: Option<Vec<u8>>,
}

impl Engine {
    pub(crate) fn new(recording: Recording, name: String) -> Self {
        let ended_by = recording.ended.map(|(by, _)| by);
        let entries: Vec<Entry> = recording
            .entries
            .into_iter()
            .filter(|entry| entry.message().is_some())
            .collect();
        // A recording that was not made by a recorder may hold secrets.
        let mut redactor = Redactor::new();
        let expected = entries.iter().map(|entry| {
            let redacted = redactor.redact(entry.direction, entry.json().unwrap_or_default());
            match (entry.direction, redacted) {
                (Direction::ToServer, Ok(json)) => {
                    // As its text where it is nested too deeply.
                    serde_json::from_str(&json).unwrap_or(Value::String(json))
                }
                _ => Value::Null,
            }
        });
        let mut engine = Self {
            comparison: Comparison::default(),
            paced: false,
            name,
            expected: expected.collect(),
            views: vec![None; entries.len()],
            answers: answers(&entries),
            redactor: Redactor::new(),
            taken: vec![false; entries.len()],
            entries,
            open_from: 0,
            cursor: 0,
            paused: None,
            hangs_up: ended_by == Some(Direction::ToClient) || recording.cut.is_some(),
            cut: recording.cut,
            ids: HashMap::new(),
            renamed: Vec::new(),
            partial: Vec::new(),
            failure: None,
            last_words: None,
        };
        engine.skip_taken();
        engine
    }

    fn skip_taken(&mut self) {
        let is_open = |index: &usize| {
            self.entries[*index].direction == Direction::ToServer && !self.taken[*index]
        };
        let mut rest = self.open_from..self.entries.len();
        self.open_from = rest.find(is_open).unwrap_or(self.entries.len());
    }

    /// What to do next.
    pub(crate) fn next(&mut self) -> Action {
        if self.failure.is_some() {
            return self.last_words.take().map_or(Action::HangUp, Action::Write);
        }
        while let Some(entry) = self.entries.get(self.cursor) {
            if entry.direction == Direction::ToServer {
                if !self.taken[self.cursor] {
                    return Action::Read { owed: true };
                }
                self.cursor += 1;
                continue;
            }
            if self.paced && self.paused != Some(self.cursor) {
                self.paused = Some(self.cursor);
                let before = self
                    .cursor
                    .checked_sub(1)
                    .map_or(Duration::ZERO, |index| self.entries[index].at);
                let pause = entry.at.saturating_sub(before);
                if !pause.is_zero() {
                    return Action::Delay(pause);
                }
            }
            let line = self.line(entry);
            self.cursor += 1;
            // It only has to know of it.
            drop(self.redactor.redact(Direction::ToClient, &line));
            return Action::Write(line.into_bytes());
        }
        if self.hangs_up {
            return Action::HangUp;
        }
        Action::Read { owed: false }
    }

    /// A message of the server's, with the client's ids.
    fn line(&self, entry: &Entry) -> String {
        let json = entry.json().unwrap_or_default();
        let mut line = match entry.message() {
            Some(Message::Response { id, outcome }) => {
                let id = self.ids.get(&id).cloned().unwrap_or_else(|| id_json(&id));
                match outcome {
                    Ok(result) => format!("{{\"id\":{id},\"result\":{result}}}"),
                    Err(error) => format!("{{\"id\":{id},\"error\":{error}}}"),
                }
            }
            _ => json.to_owned(),
        };
        for (old, new) in &self.renamed {
            line = line.replace(&json!(old).to_string(), &json!(new).to_string());
        }
        line.push('\n');
        line
    }

    /// Takes in what the client sent.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                self.receive_line(&line);
            } else if self.partial.len() > MAX_LINE {
                self.partial = Vec::new();
                let failure = || format!("the client sent a line of more than {MAX_LINE} bytes");
                self.failure.get_or_insert_with(failure);
            }
        }
    }

    fn receive_line(&mut self, line: &[u8]) {
        if self.failure.is_some() || line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice(line) {
            Ok(message) => self.take(&message),
            Err(error) => {
                // Not what they are: what cannot be read cannot be redacted.
                let length = line.len();
                self.failure = Some(format!(
                    "the client sent what is no JSON ({error}), {length} bytes"
                ));
            }
        }
    }

    /// Finds the recorded message that this one is.
    fn take(&mut self, message: &Value) {
        let redacted = self
            .redactor
            .redact(Direction::ToServer, &message.to_string());
        let redacted = match redacted {
            Ok(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            // Nothing recorded is that.
            Err(error) => Value::String(format!("what cannot be read: {error}")),
        };
        let got = self.comparison.view(&redacted);
        let mut candidates = self.candidates();
        for index in &candidates {
            let view = &mut self.views[*index];
            if view.is_none() {
                *view = Some(self.comparison.view(&self.expected[*index]));
            }
        }
        let view = |index: &usize| self.views[*index].as_ref().unwrap_or(&Value::Null);
        // An equal one first, which matters where others would do.
        let found = candidates
            .iter()
            .find(|index| *view(index) == got)
            .or_else(|| {
                candidates
                    .iter()
                    .find(|index| self.comparison.accepts(view(index), &got))
            });
        let Some(&index) = found else {
            // What is most like it, to compare with.
            let method = &message["method"];
            candidates.sort_by_key(|index| {
                let expected = &self.expected[*index];
                let other = method.is_null() && expected["id"] != message["id"];
                (expected["method"] != *method, other)
            });
            let failure = self.mismatch(candidates.first().copied(), message, &got);
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                let error = json!({"code": NOT_RECORDED, "message": failure});
                let mut words = json!({"id": id, "error": error}).to_string().into_bytes();
                words.push(b'\n');
                self.last_words = Some(words);
            }
            self.failure = Some(failure);
            return;
        };
        self.taken[index] = true;
        self.skip_taken();
        if let (Some(Message::Request { id, .. }), Some(sent)) =
            (self.entries[index].message(), message.get("id"))
        {
            self.ids.insert(id, sent.clone());
        }
        if self.comparison.lenient {
            for rename in renamed(&self.expected[index]["params"], &message["params"]) {
                if !self.renamed.contains(&rename) {
                    self.renamed.push(rename);
                }
            }
        }
    }

    /// The messages that may come now: the next one of the client's, those that were on their way
    /// before it was answered, and the answers to what the server has asked, as a client may think
    /// about several questions at once.
    fn candidates(&self) -> Vec<usize> {
        let mut open = (self.open_from..self.entries.len()).filter(|index| {
            self.entries[*index].direction == Direction::ToServer && !self.taken[*index]
        });
        let Some(first) = open.next() else {
            return Vec::new();
        };
        let end = if self.comparison.lenient {
            self.entries.len()
        } else {
            self.settled(first)
        };
        let answers = self.answers.iter().filter(|(answer, question)| {
            *question < self.cursor && *answer >= end && !self.taken[*answer]
        });
        std::iter::once(first)
            .chain(open.take_while(|index| *index < end))
            .chain(answers.map(|(answer, _)| *answer))
            .collect()
    }

    /// The entry with which the server answers this one, or the next it says where there is none.
    fn settled(&self, index: usize) -> usize {
        let asked = match self.entries[index].message() {
            Some(Message::Request { id, .. }) => Some(id),
            _ => None,
        };
        let later = (index + 1..self.entries.len())
            .filter(|later| self.entries[*later].direction == Direction::ToClient)
            .find(|later| match (&asked, self.entries[*later].message()) {
                (Some(asked), Some(Message::Response { id, .. })) => *asked == id,
                (Some(_), _) => false,
                (None, _) => true,
            });
        later.unwrap_or(self.entries.len())
    }

    fn mismatch(&self, expected: Option<usize>, message: &Value, got: &Value) -> String {
        let Some(index) = expected else {
            let cut = self.cut.as_ref();
            let cut = cut.map_or(String::new(), |why| {
                format!(", of which the rest is missing ({why})")
            });
            return format!(
                "the client sent {} after everything that it sent in {}{cut}: {}",
                title(message),
                self.name,
                short(got)
            );
        };
        let expected = &self.expected[index];
        let place = self.place(index);
        let (wanted, sent) = (title(expected), title(message));
        let view = self.comparison.view(expected);
        if wanted == sent {
            let difference = difference(&view, got);
            format!(
                "the client's {sent} is not the recorded one, {place} (-: recorded, +: sent):\n{difference}"
            )
        } else {
            format!(
                "the client sent {sent}, but {wanted} comes next, {place}:\n  - {}\n  + {}\n",
                short(&view),
                short(got)
            )
        }
    }

    fn place(&self, index: usize) -> String {
        format!("line {} of {}", self.entries[index].line, self.name)
    }

    /// The client did not send what it owes in time.
    pub(crate) fn give_up(&mut self, after: Duration) {
        if self.failure.is_none()
            && let Err(left) = self.leftovers()
        {
            self.failure = Some(format!("within {} s {left}", after.as_secs()));
        }
    }

    /// Why it hangs up, unless the recorded server did.
    pub(crate) fn reason(&self) -> Option<String> {
        let cut = || {
            let why = self.cut.as_ref()?;
            Some(format!("the rest of {} is missing: {why}", self.name))
        };
        self.failure.clone().or_else(cut)
    }

    /// What the client did wrong.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Whether all went as recorded, once that is known.
    pub(crate) fn outcome(&self) -> Option<Result<(), String>> {
        match (&self.failure, self.leftovers()) {
            (Some(failure), _) => Some(Err(failure.clone())),
            (None, Ok(())) => Some(Ok(())),
            (None, Err(_)) => None,
        }
    }

    /// Whether all went as recorded, as of now.
    pub(crate) fn leftovers(&self) -> Result<(), String> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.expected.get(self.open_from) {
            None => Ok(()),
            Some(message) => Err(format!(
                "the client did not send {}, {}",
                title(message),
                self.place(self.open_from)
            )),
        }
    }
}

/// The client's answers to the server's requests, with these.
fn answers(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut asked = HashMap::new();
    let mut answers = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match (entry.direction, entry.message()) {
            (Direction::ToClient, Some(Message::Request { id, .. })) => {
                asked.insert(id, index);
            }
            (Direction::ToServer, Some(Message::Response { id, .. })) => {
                answers.extend(asked.remove(&id).map(|question| (index, question)));
            }
            _ => {}
        }
    }
    answers
}

fn id_json(id: &RequestId) -> Value {
    match id {
        RequestId::Integer(id) => json!(id),
        RequestId::String(id) => json!(id),
    }
}

/// What a failure calls a message.
fn title(message: &Value) -> String {
    match (message["method"].as_str(), message.get("id")) {
        (Some(method), _) => method.to_owned(),
        (None, Some(id)) => format!("the answer to the server's request {id}"),
        (None, None) => "what is no message".to_owned(),
    }
}
