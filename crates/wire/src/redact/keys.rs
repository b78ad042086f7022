//! Private keys: PEM, OpenSSH, SSH2, PGP.

use super::find::{Found, run_back};

const KEY: &[u8] = b"PRIVATE KEY";

/// What is before `PRIVATE KEY`, behind it, and before the last line.
const FORMS: [[&[u8]; 3]; 2] = [
    [b"-----BEGIN", b"-----", b"-----END"],
    [b"---- BEGIN", b" ----", b"---- END"],
];

/// How long the first line of a key is at most.
const MAX_LINE: usize = 64;

/// What is between the first and the last line of a private key, whatever its kind.
pub(super) fn find(text: &[u8], found: &mut Found) {
    let mut from = 0;
    while let Some(at) = position(&text[from..], KEY).map(|at| from + at) {
        let before = from;
        from = at + KEY.len();
        let line = run_back(&text[before..at], MAX_LINE, |byte| byte != b'\n');
        let line = &text[at - line..at];
        let rest = &text[from..];
        let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest);
        let mut forms = FORMS.iter();
        let form = forms.find(|[begin, ..]| position(line, begin).is_some());
        let body = form.and_then(|[_, dashes, end]| Some((rest.strip_prefix(*dashes)?, end)));
        let Some((body, end)) = body else {
            continue;
        };
        let begin = text.len() - body.len();
        let end = position(body, end).map_or(text.len(), |at| begin + at);
        found.push(begin..end);
        from = end;
    }
}

/// Where a text has another one.
pub(super) fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    let (first, rest) = part.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if text[from..].starts_with(rest) {
            return Some(from - 1);
        }
    }
    None
}
