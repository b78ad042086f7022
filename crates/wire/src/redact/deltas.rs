//! Secrets that come in pieces.

use std::collections::VecDeque;

use super::REDACTED;
use super::scrub::{is_token, secrets};

/// How many texts may be growing. Of more, the one that has not grown for the longest is forgotten.
const MAX_TEXTS: usize = 64;

/// How much of a word is kept: what tells that it is a secret is at its start.
const MAX_WORD: usize = 1024;

/// How much is kept of what is before it.
const BEFORE: usize = 16;

/// The last words of the texts that grow.
#[derive(Clone, Debug, Default)]
pub(super) struct Deltas(VecDeque<(String, String)>);

impl Deltas {
    /// The next piece of the text of this name without the rest of a secret that has begun before
    /// it. `None` if it has none.
    pub(super) fn next(&mut self, name: &str, piece: &str) -> Option<String> {
        let known = self.0.iter().position(|(known, _)| known == name);
        let tail = known.and_then(|index| self.0.remove(index));
        let tail = tail.map_or(String::new(), |(_, tail)| tail);
        let joined = format!("{tail}{piece}");
        let word = &joined[last_word(&joined)..];
        let end = boundary(word, MAX_WORD);
        self.0.push_back((name.to_owned(), word[..end].to_owned()));
        if self.0.len() > MAX_TEXTS {
            self.0.pop_front();
        }

        let mut out = String::new();
        let mut copied = tail.len();
        for secret in secrets(&joined) {
            if secret.end <= copied {
                continue;
            }
            // Said once, not for each piece.
            let told = || secrets(&tail).iter().any(|told| told.end == tail.len());
            if secret.start >= copied {
                out += &joined[copied..secret.start];
                out += REDACTED;
            } else if !told() {
                out += REDACTED;
            }
            copied = secret.end;
        }
        (copied > tail.len()).then(|| out + &joined[copied..])
    }
}

/// Where the word begins with which a text ends, or `Bearer` before it, and a little before.
fn last_word(text: &str) -> usize {
    let word = text.trim_end_matches(|c| is_token(c) || ":@?&%#".contains(c));
    let lead = ["Bearer ", "bearer "];
    let lead = lead.iter().find_map(|lead| word.strip_suffix(lead));
    let begin = lead.unwrap_or(word).len();
    boundary(text, begin.saturating_sub(BEFORE))
}

/// The last place up to `at` where a text may be cut.
fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
