//! Message by message into a session.

use std::collections::HashMap;
use std::time::Duration;

use openai_codex_recording::{Direction, Entry, Payload, Recording, RecordingError};
use openai_codex_wire::envelope::{Message, repair_surrogates, string_member};
use openai_codex_wire::scope::ScopeIds;
use serde_json::Value;

use super::calls::Calls;
use super::card::{Card, Kind, Part, Tone};
use super::items::{self, Delta, Items};
use super::session::{Session, Usage};
use super::text::Text;
use crate::summary;

/// Longer ids are none of the runtime's.
const LONGEST_ID: usize = 200;

#[derive(Default)]
pub(super) struct Collector {
    session: Session,
    recording: Recording,
    items: Items,
    calls: Calls,
    /// The total of each thread, by which a repeated report is known.
    totals: HashMap<String, u64>,
}

/// When and where in the recording something was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: Duration,
    pub(super) line: usize,
}

impl Collector {
    pub(super) fn line(&mut self, number: usize, text: &str) -> Result<(), RecordingError> {
        self.recording
            .add_line(number, text, !text.ends_with('\n'))?;
        // Its answer to `initialize` is among the first.
        if self.session.runtime.is_none() && self.session.messages < 1_000 {
            self.session.runtime = self.recording.runtime_version();
        }
        if let Some(entry) = self.recording.entries.pop() {
            self.entry(&entry);
        }
        Ok(())
    }

    pub(super) fn too_long(&mut self, line: usize, bytes: u64) {
        self.session.messages += 1;
        self.session.left_out.long_lines += 1;
        self.session.left_out.long_bytes += bytes;
        let title = format!("A line of {bytes} bytes");
        let card =
            Card::new(self.session.last, line, Kind::Note, &title).marked(Tone::Plain, "left out");
        self.session.add(None, card);
    }

    pub(super) fn finish(mut self) -> Session {
        self.session.by = self.recording.by;
        self.session.cut = self.recording.cut;
        if let Some((by, at)) = self.recording.ended {
            self.session.ended = Some(by.sender());
            self.session.last = self.session.last.max(at);
        }
        let last = self.session.last;
        for turn in &mut self.session.turns {
            turn.clock.stop(last);
        }
        self.session
    }

    fn entry(&mut self, entry: &Entry) {
        let moment = Moment {
            at: entry.at,
            line: entry.line,
        };
        self.session.messages += 1;
        self.session.last = self.session.last.max(entry.at);
        let json = entry.json().unwrap_or_default();
        let repaired;
        let message = match entry.message() {
            Some(message) => Some(message),
            // Halves of surrogate pairs are legal in JSON, and no text.
            None => {
                repaired = repair_surrogates(json);
                openai_codex_wire::envelope::peek(&repaired).ok()
            }
        };
        match message {
            Some(Message::Notification {
                method,
                params,
                scope,
                ..
            }) => {
                let params = params.unwrap_or("null");
                if !self.delta(&method, params, &scope, moment) {
                    self.notification(&method, &value(params), moment);
                }
            }
            Some(Message::Request {
                id, method, params, ..
            }) => {
                let params = value(params.unwrap_or("null"));
                let turn = self.turn(&params, moment.at);
                let asked = (entry.direction, id);
                self.calls
                    .ask(&mut self.session, asked, &method, &params, turn, moment);
            }
            Some(Message::Response { id, outcome }) => {
                let outcome = outcome.map(value).map_err(value);
                let asked = (entry.direction.reverse(), id);
                self.calls
                    .answer(&mut self.session, &asked, outcome.as_ref(), moment);
            }
            None => self.unreadable(entry, moment),
        }
    }

    fn unreadable(&mut self, entry: &Entry, moment: Moment) {
        let from = match entry.direction {
            Direction::ToServer => "client",
            Direction::ToClient => "server",
        };
        let title = format!("What the {from} sent is no message");
        let mut card = Card::new(moment.at, moment.line, Kind::Problem, &title)
            .marked(Tone::Bad, "unreadable");
        match &entry.payload {
            Payload::Message(raw) => card = card.part(Part::Output(Text::new(raw.get()))),
            Payload::Unreadable(bytes) => card.fact(&format!("{bytes} bytes")),
        }
        self.session.add(None, card);
    }

    /// Joins what comes in pieces. Of these there are most, so they are read least.
    fn delta(&mut self, method: &str, params: &str, ids: &ScopeIds<'_>, moment: Moment) -> bool {
        let Some(kind) = items::delta_kind(method) else {
            return false;
        };
        let item = ids.item_id.as_deref().unwrap_or_default();
        if item.is_empty() || item.len() > LONGEST_ID {
            return false;
        }
        let name = match kind {
            Delta::Input => "stdin",
            _ => "delta",
        };
        let text = string_member(params, name).unwrap_or_default();
        let thread = ids.thread_id.as_deref().unwrap_or_default();
        let turn = self.turn_of(
            ids.turn_id.as_deref().unwrap_or_default(),
            thread,
            moment.at,
        );
        self.items
            .delta(&mut self.session, turn, item, kind, &text, moment);
        true
    }

    fn notification(&mut self, method: &str, params: &Value, moment: Moment) {
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
        match method {
            "item/started" | "item/completed" => {
                let turn = self.turn(params, moment.at);
                let is_done = method == "item/completed";
                let item = &params["item"];
                self.items
                    .item(&mut self.session, turn, item, is_done, moment);
            }
            "turn/started" => drop(self.turn(params, moment.at)),
            "turn/completed" => self.turn_completed(params, moment),
            "turn/diff/updated" => {
                if let (Some(turn), Some(diff)) = (self.turn(params, moment.at), text("/diff")) {
                    self.session.turns[turn].diff = Some(Text::new(diff));
                }
            }
            "thread/tokenUsage/updated" => self.usage(params, moment.at),
            "error" => {
                let retries = params["willRetry"].as_bool().unwrap_or_default();
                let word = if retries { "tried again" } else { "failed" };
                let title = text("/error/message").unwrap_or("an error without a message");
                let mut card = Card::new(moment.at, moment.line, Kind::Problem, title)
                    .marked(if retries { Tone::Open } else { Tone::Bad }, word);
                card.fact(text("/error/additionalDetails").unwrap_or_default());
                let turn = self.turn(params, moment.at);
                self.session.add(turn, card);
            }
            "warning" | "configWarning" | "deprecationNotice" | "guardianWarning" => {
                let title = text("/message").or(text("/summary")).unwrap_or(method);
                let mut card = Card::new(moment.at, moment.line, Kind::Note, title)
                    .marked(Tone::Open, "warning");
                card.fact(text("/details").unwrap_or_default());
                let turn = self.known_turn(params);
                self.session.add(turn, card);
            }
            "serverRequest/resolved" => {
                self.calls
                    .resolved(&mut self.session, &params["requestId"], moment.at);
            }
            "item/autoApprovalReview/completed" => {
                let status = text("/review/status").unwrap_or("?");
                let title = text("/action/command").or(text("/action/type"));
                let tone = if status == "approved" {
                    Tone::Good
                } else {
                    Tone::Bad
                };
                let mut card =
                    Card::new(moment.at, moment.line, Kind::Approval, title.unwrap_or("?"))
                        .marked(tone, &format!("{status} by the reviewer"));
                card.fact(text("/review/rationale").unwrap_or_default());
                let turn = self.turn(params, moment.at);
                self.session.add(turn, card);
            }
            "thread/name/updated"
            | "thread/goal/updated"
            | "thread/goal/cleared"
            | "thread/environment/disconnected" => {
                let mut card = Card::new(moment.at, moment.line, Kind::Note, method);
                card.fact(&summary::params(method, params));
                let turn = self.known_turn(params);
                self.session.add(turn, card);
            }
            _ => self.session.untold(method),
        }
    }

    fn turn_completed(&mut self, params: &Value, moment: Moment) {
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
        let Some(turn) = self.turn(params, moment.at) else {
            self.session.left_out.turns += 1;
            return;
        };
        let told = &mut self.session.turns[turn];
        told.to = Some(moment.at);
        told.status = super::card::short(text("/turn/status").unwrap_or("?"));
        told.clock.stop(moment.at);
        if let Some(error) = text("/turn/error/message") {
            let mut card = Card::new(moment.at, moment.line, Kind::Problem, error)
                .marked(Tone::Bad, "the turn failed");
            card.fact(text("/turn/error/additionalDetails").unwrap_or_default());
            self.session.add(Some(turn), card);
        }
    }

    fn usage(&mut self, params: &Value, at: Duration) {
        let count = |pointer: &str| params.pointer(pointer).and_then(Value::as_u64);
        let last = |name: &str| count(&format!("/tokenUsage/last/{name}")).unwrap_or_default();
        let total = count("/tokenUsage/total/totalTokens").unwrap_or_default();
        let thread = params["threadId"].as_str().unwrap_or_default();
        // A resumed thread says again what it has used.
        let known = self.totals.get(thread).copied();
        let is_repeated = known == Some(total);
        if !is_repeated && (known.is_some() || self.totals.len() < 10_000) {
            self.totals.insert(thread.to_owned(), total);
        }
        if is_repeated || last("totalTokens") == 0 {
            return self.session.untold("thread/tokenUsage/updated");
        }
        let (input, cached) = (last("inputTokens"), last("cachedInputTokens"));
        let (output, reasoning) = (last("outputTokens"), last("reasoningOutputTokens"));
        let usage = Usage {
            at,
            turn: self.known_turn(params),
            cached: cached.min(input),
            input: input.saturating_sub(cached),
            reasoning: reasoning.min(output),
            output: output.saturating_sub(reasoning),
        };
        self.session.use_tokens(usage);
    }

    /// The turn that a message names, which begins with it if it was unknown.
    fn turn(&mut self, params: &Value, at: Duration) -> Option<usize> {
        let id = params["turnId"].as_str().or(params["turn"]["id"].as_str());
        let thread = params["threadId"].as_str().unwrap_or_default();
        self.turn_of(id.unwrap_or_default(), thread, at)
    }

    fn turn_of(&mut self, id: &str, thread: &str, at: Duration) -> Option<usize> {
        if id.is_empty() || id.len() > LONGEST_ID {
            return None;
        }
        self.session.turn(id, thread, at)
    }

    fn known_turn(&self, params: &Value) -> Option<usize> {
        self.session.known_turn(params["turnId"].as_str()?)
    }
}

/// The JSON as a tree, or itself as text if it is none.
fn value(raw: &str) -> Value {
    serde_json::from_str(raw)
        .or_else(|_| serde_json::from_str(&repair_surrogates(raw)))
        .unwrap_or_else(|_| Value::String(raw.to_owned()))
}
