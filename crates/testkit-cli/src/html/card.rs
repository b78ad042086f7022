//! What is told of one thing that happened.

use std::time::Duration;

use super::text::Text;

/// Names, states and other things of one line are cut here.
const LINE: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Agent,
    Thought,
    Command,
    Patch,
    Tool,
    Approval,
    Problem,
    Request,
    Note,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    Open,
}

#[derive(Debug)]
pub(super) enum Part {
    Prose(Text),
    Output(Text),
    /// A unified diff, or the lines of a new file.
    Diff(String, Text),
    /// Folded away under its name.
    Folded(&'static str, Text),
}

#[derive(Debug)]
pub(super) struct Card {
    pub(super) at: Duration,
    pub(super) to: Option<Duration>,
    pub(super) line: usize,
    pub(super) kind: Kind,
    pub(super) title: String,
    pub(super) mark: Option<(Tone, String)>,
    pub(super) facts: Vec<String>,
    pub(super) parts: Vec<Part>,
    /// How many deltas were joined.
    pub(super) pieces: u64,
}

impl Card {
    pub(super) fn new(at: Duration, line: usize, kind: Kind, title: &str) -> Self {
        Self {
            at,
            to: None,
            line,
            kind,
            title: short(title),
            mark: None,
            facts: Vec::new(),
            parts: Vec::new(),
            pieces: 0,
        }
    }

    pub(super) fn marked(mut self, tone: Tone, word: &str) -> Self {
        self.mark = Some((tone, short(word)));
        self
    }

    pub(super) fn fact(&mut self, fact: &str) {
        if !fact.is_empty() && self.facts.len() < 20 {
            self.facts.push(short(fact));
        }
    }

    pub(super) fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// How much room it takes.
    pub(super) fn size(&self) -> usize {
        let parts = self.parts.iter().map(|part| match part {
            Part::Prose(text) | Part::Output(text) | Part::Folded(_, text) => text.kept(),
            Part::Diff(path, text) => path.len() + text.kept(),
        });
        let facts = self.facts.iter().map(String::len);
        self.title.len() + parts.sum::<usize>() + facts.sum::<usize>()
    }
}

/// The beginning of what should be of one line.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
