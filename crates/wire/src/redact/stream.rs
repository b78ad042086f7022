//! Secrets that come in pieces.

use std::collections::HashMap;

use super::REDACTED;
use super::find::{End, is_token, run, secrets};

/// How many texts may be growing. Of more, those that have not grown for the longest are forgotten.
const MAX_TEXTS: usize = 4096;

/// How much is kept of a text: what says that there is a secret stands before it.
const WINDOW: usize = 1024;

/// How much is kept of a secret's beginning and of its end.
const HEAD: usize = 64;
const TAIL: usize = 32;

/// Texts that grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams {
    texts: HashMap<String, Growing>,
    clock: u64,
}

#[derive(Clone, Debug, Default)]
struct Growing {
    /// What the text ends with.
    tail: Vec<u8>,
    /// It ends within a secret, of which was told already.
    is_within: bool,
    used: u64,
}

impl Streams {
    /// The next piece of the text of this name without the secrets in it, those included that have
    /// begun before it. `None` if it has none.
    pub(super) fn next(&mut self, name: &str, piece: &[u8]) -> Option<Vec<u8>> {
        self.clock += 1;
        if self.texts.len() >= MAX_TEXTS && !self.texts.contains_key(name) {
            let mut used: Vec<u64> = self.texts.values().map(|text| text.used).collect();
            used.sort_unstable();
            let oldest = used[used.len() / 4];
            self.texts.retain(|_, text| text.used > oldest);
        }
        let text = self.texts.entry(name.to_owned()).or_default();
        text.used = self.clock;
        text.next(piece)
    }
}

impl Growing {
    fn next(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        if piece.is_empty() {
            return None;
        }
        let old = self.tail.len();
        let mut joined = std::mem::take(&mut self.tail);
        joined.extend_from_slice(piece);
        let mut found = secrets(&joined, End::Open);
        // What is kept may not be enough to know the last one again: then the rest of its word
        // belongs to it.
        let is_known = found.iter().any(|secret| {
            let ends = |end: usize| joined[end..old].iter().all(u8::is_ascii_whitespace);
            secret.start < old && (secret.end >= old || ends(secret.end))
        });
        let rest = match self.is_within && !is_known {
            true => run(piece, is_token),
            false => 0,
        };
        found.retain(|secret| secret.end > old);
        let mut copied = old + rest;
        let mut out = Vec::new();
        for secret in &found {
            if secret.end <= copied {
                continue;
            }
            if secret.start >= copied {
                out.extend_from_slice(&joined[copied..secret.start]);
                out.extend_from_slice(REDACTED.as_bytes());
            } else if !self.is_within {
                // Told once, not for each piece.
                out.extend_from_slice(REDACTED.as_bytes());
            }
            copied = secret.end;
        }
        let is_changed = copied > old;
        out.extend_from_slice(&joined[copied..]);
        self.is_within = copied == joined.len() && is_changed;
        self.keep(joined, found.last().map(|last| last.start));
        is_changed.then_some(out)
    }

    /// Keeps what the next piece needs.
    fn keep(&mut self, mut joined: Vec<u8>, last: Option<usize>) {
        if let Some(start) = last.filter(|_| self.is_within) {
            let to = joined.len().saturating_sub(TAIL);
            // Not behind a line end: what follows would seem to begin a line.
            let head = (start + HEAD).min(joined.len());
            let from = head + run(&joined[head..], |byte| byte.is_ascii_whitespace()) + 1;
            if from < to {
                joined.drain(from..to);
            }
        }
        if joined.len() > WINDOW {
            let from = joined.len() - WINDOW;
            // At the beginning of a word, so that none seems to begin within another.
            let spaces = joined[from..joined.len() - WINDOW / 4].iter();
            let space = spaces.clone().position(|byte| byte.is_ascii_whitespace());
            match space {
                Some(space) => drop(joined.drain(..from + space)),
                None => {
                    joined.drain(..from);
                    joined[0] = b'x';
                }
            }
        }
        self.tail = joined;
    }
}
