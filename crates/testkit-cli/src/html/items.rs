//! The items of turns: messages, thoughts, commands, patches and tools.

use std::collections::HashMap;

use serde_json::Value;

use super::card::{Card, Kind, Part, Tone};
use super::clock::Time;
use super::collect::Moment;
use super::session::{Place, Session};
use super::text::Text;

/// More open items than these are told of when they end.
const OPEN: usize = 10_000;
/// How many files of a patch are shown.
const FILES: usize = 50;

/// What comes in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delta {
    Prose,
    Thought,
    Output,
    /// What was typed into a command that runs.
    Input,
}

pub(super) fn delta_kind(method: &str) -> Option<Delta> {
    match method {
        "item/agentMessage/delta" | "item/plan/delta" => Some(Delta::Prose),
        "item/reasoning/summaryTextDelta" | "item/reasoning/textDelta" => Some(Delta::Thought),
        "item/commandExecution/outputDelta" | "item/fileChange/outputDelta" => Some(Delta::Output),
        "item/commandExecution/terminalInteraction" => Some(Delta::Input),
        _ => None,
    }
}

#[derive(Default)]
pub(super) struct Items {
    open: HashMap<(Option<usize>, String), Open>,
}

struct Open {
    place: Option<Place>,
    time: Option<Time>,
}

impl Items {
    pub(super) fn item(
        &mut self,
        session: &mut Session,
        turn: Option<usize>,
        item: &Value,
        is_done: bool,
        moment: Moment,
    ) {
        let key = (turn, item["id"].as_str().unwrap_or_default().to_owned());
        let mut card = card(item, moment);
        if !is_done {
            self.open(session, key, card, time(item), moment);
            return;
        }
        card.to = Some(moment.at);
        let Some(open) = self.open.remove(&key) else {
            session.add(turn, card);
            return;
        };
        if let (Some(turn), Some(time)) = (turn, open.time) {
            session.turns[turn].clock.end(time, moment.at);
        }
        if let Some(place) = open.place {
            session.change(place, |told| {
                card.at = told.at;
                card.line = told.line;
                card.pieces = told.pieces;
                let typed = told
                    .facts
                    .drain(..)
                    .filter(|fact| fact.starts_with("typed: "));
                card.facts.extend(typed);
                // What only came in pieces.
                if card.parts.is_empty() {
                    card.parts = std::mem::take(&mut told.parts);
                }
                *told = card;
            });
        }
    }

    pub(super) fn delta(
        &mut self,
        session: &mut Session,
        turn: Option<usize>,
        item: &str,
        kind: Delta,
        text: &str,
        moment: Moment,
    ) {
        let key = (turn, item.to_owned());
        if !self.open.contains_key(&key) {
            // Its beginning was before the recording's.
            let (kind, title, time) = match kind {
                Delta::Prose => (Kind::Agent, "Agent", Time::Model),
                Delta::Thought => (Kind::Thought, "Thoughts", Time::Model),
                Delta::Output | Delta::Input => (Kind::Command, "A command", Time::Tool),
            };
            let card = Card::new(moment.at, moment.line, kind, title);
            self.open(session, key.clone(), card, Some(time), moment);
        }
        let Some(place) = self.open.get(&key).and_then(|open| open.place) else {
            return;
        };
        session.change(place, |card| {
            if kind == Delta::Input {
                return card.fact(&format!("typed: {}", text.trim_end()));
            }
            card.pieces += 1;
            match card.parts.last_mut() {
                Some(Part::Prose(told) | Part::Output(told) | Part::Folded(_, told)) => {
                    told.push(text);
                }
                _ => {
                    let text = Text::new(text);
                    card.parts.push(match kind {
                        Delta::Prose => Part::Prose(text),
                        Delta::Thought => Part::Folded("show", text),
                        Delta::Output | Delta::Input => Part::Output(text),
                    });
                }
            }
        });
    }

    fn open(
        &mut self,
        session: &mut Session,
        key: (Option<usize>, String),
        card: Card,
        time: Option<Time>,
        moment: Moment,
    ) {
        if self.open.len() >= OPEN || self.open.contains_key(&key) {
            return;
        }
        if let (Some(turn), Some(time)) = (key.0, time) {
            session.turns[turn].clock.begin(time, moment.at);
        }
        let place = session.add(key.0, card);
        self.open.insert(key, Open { place, time });
    }
}

fn time(item: &Value) -> Option<Time> {
    match item["type"].as_str()? {
        "agentMessage" | "reasoning" | "plan" | "contextCompaction" => Some(Time::Model),
        "userMessage" | "enteredReviewMode" | "exitedReviewMode" => None,
        _ => Some(Time::Tool),
    }
}

fn card(item: &Value, moment: Moment) -> Card {
    let text = |name: &str| item[name].as_str().unwrap_or_default();
    let new = |kind, title: &str| Card::new(moment.at, moment.line, kind, title);
    match text("type") {
        "userMessage" => new(Kind::User, "User").prose(&content(&item["content"])),
        "agentMessage" => {
            let mut card = new(Kind::Agent, "Agent").prose(text("text"));
            card.fact(text("phase"));
            card
        }
        "plan" => new(Kind::Agent, "Plan").prose(text("text")),
        "reasoning" => {
            let thoughts = [&item["summary"], &item["content"]].map(content);
            let thoughts = thoughts.join("\n\n");
            new(Kind::Thought, "Thoughts").folded("show", thoughts.trim())
        }
        "commandExecution" => {
            let command = text("command");
            let mut card = new(Kind::Command, command);
            if card.title.len() < command.len() {
                card = card.folded("the whole command", command);
            }
            card.mark = Some(match (text("status"), item["exitCode"].as_i64()) {
                ("inProgress", _) => (Tone::Open, "not ended".to_owned()),
                ("declined", _) => (Tone::Bad, "refused".to_owned()),
                (_, Some(0)) => (Tone::Good, "exit 0".to_owned()),
                (_, Some(code)) => (Tone::Bad, format!("exit {code}")),
                (status, None) => status_mark(status),
            });
            card.fact(text("cwd"));
            let output = text("aggregatedOutput");
            match output.is_empty() {
                true => card,
                false => card.part(Part::Output(Text::new(output))),
            }
        }
        "fileChange" => patch(item, new(Kind::Patch, "Patch")),
        "mcpToolCall" => {
            let name = format!("{} · {}", text("server"), text("tool"));
            let mut card = new(Kind::Tool, &name).folded("arguments", &json(&item["arguments"]));
            card.fact(item["error"]["message"].as_str().unwrap_or_default());
            card.with_status(item)
                .prose(&content(&item["result"]["content"]))
        }
        "dynamicToolCall" => new(Kind::Tool, text("tool"))
            .folded("arguments", &json(&item["arguments"]))
            .with_status(item)
            .prose(&content(&item["contentItems"])),
        "collabAgentToolCall" => new(Kind::Tool, &format!("Sub-agent · {}", text("tool")))
            .with_status(item)
            .prose(text("prompt")),
        "webSearch" => new(Kind::Tool, &format!("Web search: {}", text("query"))),
        "contextCompaction" => new(Kind::Note, "The history was compacted"),
        "enteredReviewMode" => new(Kind::Note, "A review begins").prose(text("review")),
        "exitedReviewMode" => new(Kind::Agent, "Review").prose(text("review")),
        other => new(Kind::Note, if other.is_empty() { "an item" } else { other })
            .with_status(item)
            .folded("the item", &json(item)),
    }
}

fn patch(item: &Value, mut card: Card) -> Card {
    let changes = item["changes"].as_array().map_or(&[][..], Vec::as_slice);
    let count = changes.len();
    card.title = match count {
        1 => "Patch of a file".to_owned(),
        _ => format!("Patch of {count} files"),
    };
    for change in changes.iter().take(FILES) {
        let diff = change["diff"].as_str().unwrap_or_default();
        let kind = change["kind"]["type"].as_str().unwrap_or_default();
        // These have the file's lines, and no diff.
        let sign = match kind {
            "add" => "+",
            "delete" => "-",
            _ => "",
        };
        let mut text = Text::default();
        for line in diff.split_inclusive('\n') {
            text.push(sign);
            text.push(line);
        }
        let path = change["path"].as_str().unwrap_or("?");
        let moved = change["kind"]["move_path"].as_str();
        let name = match moved {
            Some(to) => format!("{kind} {path} → {to}"),
            None => format!("{kind} {path}"),
        };
        card.parts.push(Part::Diff(super::card::short(&name), text));
    }
    if count > FILES {
        card.fact(&format!("{} more files", count - FILES));
    }
    card.with_status(item)
}

impl Card {
    fn prose(self, text: &str) -> Self {
        match text.is_empty() {
            true => self,
            false => self.part(Part::Prose(Text::new(text))),
        }
    }

    fn folded(self, name: &'static str, text: &str) -> Self {
        match text.is_empty() {
            true => self,
            false => self.part(Part::Folded(name, Text::new(text))),
        }
    }

    fn with_status(mut self, item: &Value) -> Self {
        self.mark = item["status"].as_str().map(status_mark);
        self
    }
}

fn status_mark(status: &str) -> (Tone, String) {
    match status {
        "completed" => (Tone::Good, "completed".to_owned()),
        "inProgress" => (Tone::Open, "not ended".to_owned()),
        "declined" => (Tone::Bad, "refused".to_owned()),
        other => (Tone::Bad, super::card::short(other)),
    }
}

/// The texts of a list, and in brackets what is no text.
fn content(list: &Value) -> String {
    let parts = list.as_array().into_iter().flatten().map(|part| {
        let text = part.as_str().or(part["text"].as_str()).map(str::to_owned);
        text.unwrap_or_else(|| {
            let kind = part["type"].as_str().unwrap_or("?");
            let what = ["path", "name", "url"].map(|name| part[name].as_str());
            // A picture's URL may be the picture.
            let what = what
                .into_iter()
                .flatten()
                .find(|it| !it.starts_with("data:"));
            match what {
                Some(what) => format!("[{kind}: {what}]"),
                None => format!("[{kind}]"),
            }
        })
    });
    parts.collect::<Vec<_>>().join("\n")
}

pub(super) fn json(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}
