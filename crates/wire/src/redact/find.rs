//! Finds secrets inside of texts by what they look like.
//!
//! Over bytes: every place where a secret begins or ends is ASCII, so no character is cut.

use std::ops::Range;

use super::{REDACTED, assign, base64, keys, layers, structure, tokens, url};

/// Where secrets are.
pub(super) type Found = Vec<Range<usize>>;

/// Whether more of a text is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This is all of it.
    Final,
    /// It grows: what may become a secret at its end is one.
    Open,
}

/// How often what is encoded is decoded.
const LAYERS: usize = 5;

/// How deep Base64 is looked into.
const DEPTH: usize = 3;

/// How much may be decoded from Base64 for each byte of a text, and for a short one.
const DECODED: usize = 8;
const DECODED_AT_LEAST: usize = 4096;

/// What may still be looked into of the Base64 in a text.
pub(super) struct Budget {
    pub(super) depth: usize,
    /// Shared by all depths. When it is spent, Base64 is taken for a secret.
    pub(super) bytes: usize,
}

/// Where the secrets in a text are, in order and apart from each other. Takes time in proportion to
/// the text.
pub(super) fn secrets(text: &[u8], end: End) -> Found {
    let mut budget = Budget {
        depth: DEPTH,
        bytes: DECODED_AT_LEAST.max(DECODED * text.len()),
    };
    within(text, end, &mut budget)
}

pub(super) fn within(text: &[u8], end: End, budget: &mut Budget) -> Found {
    let mut found = Found::new();
    plainly(text, end, budget, &mut found);
    // What is written as `\"token\"` or `%22token%22`, however often.
    let mut layer = layers::decode(text);
    for _ in 0..LAYERS {
        let Some(decoded) = layer else { break };
        let mut inside = Found::new();
        plainly(&decoded.text, end, budget, &mut inside);
        found.extend(inside.into_iter().map(|secret| decoded.origin(secret)));
        layer = decoded.decode();
    }
    tidy(text, found)
}

/// What can be seen without decoding.
fn plainly(text: &[u8], end: End, budget: &mut Budget, found: &mut Found) {
    tokens::find(text, end, found);
    assign::find(text, end, found);
    keys::find(text, found);
    structure::find(text, found);
    url::find(text, end, found);
    if budget.depth > 0 {
        budget.depth -= 1;
        base64::find(text, budget, found);
        budget.depth += 1;
    }
}

/// In order, apart from each other, and without what is hidden already.
fn tidy(text: &[u8], mut found: Found) -> Found {
    found.retain(|secret| {
        let is_hidden = || {
            let said = &text[secret.clone()];
            said.len() <= REDACTED.len()
                && text[secret.start.saturating_sub(REDACTED.len())..]
                    .windows(REDACTED.len())
                    .take(REDACTED.len() + 1)
                    .enumerate()
                    .any(|(index, marker)| {
                        let start = secret.start.saturating_sub(REDACTED.len()) + index;
                        marker == REDACTED.as_bytes()
                            && start <= secret.start
                            && secret.end <= start + REDACTED.len()
                    })
        };
        !secret.is_empty() && !is_hidden()
    });
    found.sort_by_key(|secret| secret.start);
    found.dedup_by(|later, earlier| {
        let overlap = later.start <= earlier.end;
        if overlap {
            earlier.end = earlier.end.max(later.end);
        }
        overlap
    });
    found
}

/// A text whose secrets are replaced.
pub(super) fn without(text: &[u8], secrets: &[Range<usize>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut copied = 0;
    for secret in secrets {
        out.extend_from_slice(&text[copied..secret.start]);
        out.extend_from_slice(REDACTED.as_bytes());
        copied = secret.end;
    }
    out.extend_from_slice(&text[copied..]);
    out
}

pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.~+/=".contains(&byte)
}

/// How many bytes from the first on are such.
pub(super) fn run(text: &[u8], is: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| is(**byte)).count()
}

/// How many bytes from the last on are such, at most so many.
pub(super) fn run_back(text: &[u8], most: usize, is: impl Fn(u8) -> bool) -> usize {
    let back = text.iter().rev().take(most);
    back.take_while(|byte| is(**byte)).count()
}

/// Whether what follows goes on with a word, rather than with what only looks like one.
pub(super) fn in_a_word(before: &[u8]) -> bool {
    let Some((last, front)) = before.split_last() else {
        return false;
    };
    if !last.is_ascii_alphanumeric() {
        return false;
    }
    // In the text itself: `\n` of code or of JSON within it, `\x1b`, `\u001b`, `%3D`.
    let escape = |lead: &[u8], digits: usize| {
        before.len() > digits && {
            let (front, escaped) = before.split_at(before.len() - digits);
            front.ends_with(lead) && escaped.iter().all(u8::is_ascii_hexdigit)
        }
    };
    let escaped =
        front.ends_with(b"\\") || escape(b"\\x", 2) || escape(b"\\u", 4) || escape(b"%", 2);
    // Of a terminal's colours: `[1;32m`.
    let parameters = run_back(front, 32, |byte| byte.is_ascii_digit() || byte == b';');
    let coloured = front[..front.len() - parameters].ends_with(b"[");
    !escaped && !coloured
}
