//! Finds secrets inside of texts by what they look like.

use std::borrow::Cow;
use std::ops::Range;

use super::{REDACTED, is_secret_name};
use crate::envelope::repair_surrogates;

/// What a secret begins with, how many characters follow at least, and whether one of them is a
/// dot.
const SHAPES: [(&str, usize, bool); 18] = [
    ("sk-", 16, false),
    ("eyJ", 24, true),
    ("Bearer ", 8, false),
    ("bearer ", 16, false),
    ("ghp_", 20, false),
    ("gho_", 20, false),
    ("ghs_", 20, false),
    ("ghu_", 20, false),
    ("ghr_", 20, false),
    ("github_pat_", 20, false),
    ("glpat-", 16, false),
    ("sk_live_", 16, false),
    ("rk_live_", 16, false),
    ("xoxb-", 16, false),
    ("xoxp-", 16, false),
    ("AIza", 30, false),
    ("AKIA", 16, false),
    ("ASIA", 16, false),
];

/// Parameters of URLs that are secrets in them, though not everywhere.
const PARAMETERS: [&str; 8] = [
    "code",
    "state",
    "key",
    "sig",
    "nonce",
    "codechallenge",
    "codeverifier",
    "session",
];

/// How the names of variables end that hold secrets, where they are set or printed.
const ASSIGNMENTS: [&str; 4] = ["TOKEN=", "KEY=", "SECRET=", "PASSWORD="];

/// What is around a private key, whatever its kind.
const PRIVATE_KEY: [&str; 3] = ["-----BEGIN", "PRIVATE KEY-----", "-----END"];

/// How long the name of a parameter or a variable is at most.
const MAX_NAME: usize = 64;

/// How many spaces there are at most around the colon of a member.
const MAX_SPACES: usize = 8;

/// Whether there can be anything to find in a message. Quick, for the many where there is not.
pub(super) fn may_need_scrub(message: &str) -> bool {
    // Some writers escape slashes.
    let starts = SHAPES.iter().map(|(start, ..)| start);
    starts
        .chain(&ASSIGNMENTS)
        // The last is of JSON within a string.
        .chain(&["://", ":\\/\\/", PRIVATE_KEY[1], "\\\""])
        .any(|part| message.contains(part))
}

/// A JSON string without what looks like a secret.
pub(super) fn scrub(raw: &str) -> Cow<'_, str> {
    let Some(text) = decode(raw) else {
        return Cow::Owned(format!("\"{REDACTED}\""));
    };
    let found = secrets(&text);
    if found.is_empty() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(encode(&without(&text, &found)))
}

/// What a JSON string says; half of a surrogate pair is replaced.
pub(super) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let text = serde_json::from_str(raw)
        .or_else(|_| serde_json::from_str(&repair_surrogates(raw)))
        .ok()?;
    Some(Cow::Owned(text))
}

pub(super) fn encode(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text whose secrets are replaced.
fn without(text: &str, secrets: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for secret in secrets {
        out.push_str(&text[copied..secret.start]);
        out.push_str(REDACTED);
        copied = secret.end;
    }
    out + &text[copied..]
}

/// Where the secrets in a text are, in order and apart from each other. Takes time in proportion to
/// the text.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (start, least, dotted) in SHAPES {
        find_shape(text, start, least, dotted, &mut found);
    }
    for end in ASSIGNMENTS {
        find_assignments(text, end, &mut found);
    }
    if text.contains(PRIVATE_KEY[1]) {
        find_private_keys(text, &mut found);
    }
    find_members(text, &mut found);
    if text.contains("://") {
        find_parameters(text, &mut found);
        find_userinfo(text, &mut found);
    }
    found.sort_by_key(|secret| secret.start);
    found.dedup_by(|later, earlier| {
        let overlap = later.start < earlier.end;
        if overlap {
            earlier.end = earlier.end.max(later.end);
        }
        overlap
    });
    found
}

pub(super) fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '=')
}

fn find_shape(text: &str, start: &str, least: usize, dotted: bool, found: &mut Vec<Range<usize>>) {
    // A run of characters is looked at once, however often the start is in it.
    let mut done = 0;
    for (at, _) in text.match_indices(start) {
        // `task-…` does not begin with `sk-`.
        if at < done || in_a_word(&text.as_bytes()[..at]) {
            continue;
        }
        let begin = at + start.len();
        let rest = &text[begin..];
        let run = &rest[..rest.find(|c| !is_token(c)).unwrap_or(rest.len())];
        done = begin + run.len();
        if run.len() < least || (dotted && !run.contains('.')) {
            continue;
        }
        // Of `Bearer …`, the first word is none.
        let from = if start.ends_with(' ') { begin } else { at };
        found.push(from..done);
    }
}

/// Whether what follows goes on with a word, rather than with what only looks like one.
fn in_a_word(before: &[u8]) -> bool {
    let Some((last, front)) = before.split_last() else {
        return false;
    };
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
    let is_parameter = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
    let parameters = front.iter().rev().take(32).take_while(is_parameter).count();
    let coloured = front[..front.len() - parameters].ends_with(b"[");
    last.is_ascii_alphanumeric() && !escaped && !coloured
}

/// The values of variables: `OPENAI_API_KEY=…`.
fn find_assignments(text: &str, end: &str, found: &mut Vec<Range<usize>>) {
    let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let mut done = 0;
    for (at, _) in text.match_indices(end) {
        let begin = at + end.len();
        let before = text.as_bytes()[..begin - 1].iter().rev().take(MAX_NAME);
        let length = before.take_while(|byte| is_name(byte)).count();
        if at < done || !is_secret_name(&text[begin - 1 - length..begin - 1]) {
            continue;
        }
        let rest = &text[begin..];
        done = begin + rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        if done > begin {
            found.push(begin..done);
        }
    }
}

/// What is between the first and the last line of a private key.
fn find_private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let [begin, key, end] = PRIVATE_KEY;
    let mut done = 0;
    for (at, _) in text.match_indices(key) {
        if at < done {
            continue;
        }
        let from = at + key.len();
        let before = text.as_bytes()[done..at].iter().rev().take(MAX_NAME);
        let line = before.take_while(|byte| **byte != b'\n').count();
        if !text.as_bytes()[at - line..at]
            .windows(begin.len())
            .any(|part| part == begin.as_bytes())
        {
            continue;
        }
        done = text[from..].find(end).map_or(text.len(), |at| from + at);
        if done > from {
            found.push(from..done);
        }
    }
}

/// The values of members such as `"refresh_token": "…"`, where a text is or has JSON.
fn find_members(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let skip_spaces = |at: usize| {
        let spaces = bytes[at..].iter().take(MAX_SPACES);
        at + spaces.take_while(|byte| **byte == b' ').count()
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let mut from = 0;
    while let Some(quote) = text[from..].find('"').map(|at| from + at) {
        let before = &bytes[from..quote];
        from = quote + 1;
        let colon = skip_spaces(from);
        if bytes.get(colon) != Some(&b':') {
            continue;
        }
        // Within two strings, quotes are escaped.
        let escapes = before.iter().rev().take(MAX_SPACES);
        let escapes = escapes.take_while(|byte| **byte == b'\\').count();
        let end = quote - escapes;
        let name = bytes[..end].iter().rev().take(MAX_NAME);
        let name = &text[end - name.take_while(|byte| is_name(byte)).count()..end];
        let value = skip_spaces(colon + 1) + escapes;
        if bytes.get(value) != Some(&b'"') || !is_secret_name(name) {
            continue;
        }
        let value = value + 1;
        let is_end = |at: usize| {
            let escaped = bytes[value..at].ends_with(b"\\");
            bytes[at] == b'\n' || bytes[at] == b'"' && (escapes > 0 || !escaped)
        };
        let end = (value..bytes.len()).find(|at| is_end(*at));
        from = end.unwrap_or(bytes.len());
        let secret = text[value..from].trim_end_matches('\\');
        if !matches!(secret, "" | REDACTED) {
            found.push(value..value + secret.len());
        }
    }
}

/// The values of parameters such as `?code=…`.
fn find_parameters(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.~%".contains(byte);
    let mut from = 0;
    while let Some(equals) = text[from..].find('=').map(|at| from + at) {
        let before = &bytes[from..equals];
        from = equals + 1;
        let length = before
            .iter()
            .rev()
            .take(MAX_NAME)
            .take_while(|byte| is_name(byte))
            .count();
        let begin = equals - length;
        if !bytes[..begin].ends_with(b"?")
            && !bytes[..begin].ends_with(b"&")
            && !bytes[..begin].ends_with(b"#")
        {
            continue;
        }
        let name = &text[begin..equals];
        let plain = name.replace(['_', '-'], "").to_ascii_lowercase();
        if !(is_secret_name(name) || PARAMETERS.contains(&plain.as_str())) {
            continue;
        }
        let value = &text[equals + 1..];
        let ends = |c: char| !(is_token(c) || c == '%' || c == ':');
        let length = value.find(ends).unwrap_or(value.len());
        if length > 0 {
            from += length;
            found.push(equals + 1..from);
        }
    }
}

/// The user and the password of `https://user:password@host`.
fn find_userinfo(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, lead) in text.match_indices("://") {
        let begin = at + lead.len();
        let rest = &text[begin..];
        let ends = |c: char| c.is_whitespace() || "/?#\\\"'`<>".contains(c);
        let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let Some(length) = authority.rfind('@') else {
            continue;
        };
        // Everyone is `git` on a server of repositories.
        if length > 0 && !matches!(&authority[..length], REDACTED | "git") {
            found.push(begin..begin + length);
        }
    }
}
