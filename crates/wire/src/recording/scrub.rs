//! Finds secrets inside of texts by what they look like.
//!
//! Works on JSON strings as they are written: no secret has a character that is escaped.

use std::borrow::Cow;

use super::redact::{REDACTED, is_secret_name};

/// What a secret begins with, how many characters follow at least, and whether one of them is a
/// dot.
const SHAPES: [(&str, usize, bool); 11] = [
    ("sk-", 16, false),
    ("eyJ", 24, true),
    ("Bearer ", 8, false),
    ("bearer ", 16, false),
    ("ghp_", 20, false),
    ("gho_", 20, false),
    ("ghs_", 20, false),
    ("github_pat_", 20, false),
    ("xoxb-", 16, false),
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

/// Whether there can be anything to find in a message. Quick, for the many where there is not.
pub(super) fn may_need_scrub(message: &str) -> bool {
    let starts = SHAPES.iter().map(|(start, ..)| start);
    message.contains("://")
        || starts
            .chain(&ASSIGNMENTS)
            .any(|found| message.contains(found))
}

/// A JSON string without what looks like a secret.
pub(super) fn scrub(raw: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(raw);
    for (start, least, dotted) in SHAPES {
        if let Some(clean) = without_shape(&text, start, least, dotted) {
            text = Cow::Owned(clean);
        }
    }
    if text.contains("://")
        && let Some(clean) = without_parameters(&text)
    {
        text = Cow::Owned(clean);
    }
    for end in ASSIGNMENTS {
        if let Some(clean) = without_assignment(&text, end) {
            text = Cow::Owned(clean);
        }
    }
    if let Some(clean) = without_user(&text) {
        text = Cow::Owned(clean);
    }
    text
}

/// Without the values of variables: `OPENAI_API_KEY=…`.
fn without_assignment(text: &str, end: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(end) {
        let value = at + end.len();
        let name = text[..value - 1]
            .rsplit(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
            .next()
            .unwrap_or_default();
        let length = text[value..]
            .find(|c: char| !is_token(c))
            .unwrap_or(text.len() - value);
        if at < copied || length == 0 || !is_secret_name(name) {
            continue;
        }
        out.push_str(&text[copied..value]);
        out.push_str(REDACTED);
        copied = value + length;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Without the passwords of URLs: `https://user:…@host`.
fn without_user(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices("://") {
        let host = at + 3;
        let rest = &text[host..];
        let length = rest
            .find(|c: char| c == '/' || c == '"' || c == '\\' || c.is_whitespace())
            .unwrap_or(rest.len());
        let Some(end) = rest[..length].rfind('@') else {
            continue;
        };
        let Some(colon) = rest[..end].find(':') else {
            continue;
        };
        out.push_str(&text[copied..host + colon + 1]);
        out.push_str(REDACTED);
        copied = host + end;
    }
    (copied > 0).then(|| out + &text[copied..])
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '=')
}

fn without_shape(text: &str, start: &str, least: usize, dotted: bool) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(start) {
        if at < copied {
            continue;
        }
        // `task-…` does not begin with `sk-`.
        let inside_a_word =
            text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) && !after_escape(&text[..at]);
        let rest = &text[at + start.len()..];
        let length = rest.find(|c| !is_token(c)).unwrap_or(rest.len());
        let found = &rest[..length];
        if inside_a_word || found.len() < least || (dotted && !found.contains('.')) {
            continue;
        }
        out.push_str(&text[copied..at]);
        // Of `Bearer …`, the first word is none.
        if start.ends_with(' ') {
            out.push_str(start);
        }
        out.push_str(REDACTED);
        copied = at + start.len() + length;
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// Whether the last character belongs to an escape such as `\n`.
fn after_escape(text: &str) -> bool {
    let mut back = text.chars().rev().skip(1);
    back.next() == Some('\\')
}

fn without_parameters(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut from = 0;
    while let Some(equals) = text[from..].find('=') {
        let equals = from + equals;
        from = equals + 1;
        let before = &text[copied..equals];
        let Some(begin) = before.rfind(['?', '&', '#']).map(|at| at + 1).or_else(
            // `&` may be written as an escape.
            || before.rfind("\\u0026").map(|at| at + 6),
        ) else {
            continue;
        };
        let name = &before[begin..];
        let plain = name.replace(['_', '-'], "").to_ascii_lowercase();
        if name.contains(|c: char| !is_token(c))
            || !(is_secret_name(name) || PARAMETERS.contains(&plain.as_str()))
        {
            continue;
        }
        let value = &text[equals + 1..];
        let ends = |c: char| !(is_token(c) || c == '%' || c == ':');
        let length = value.find(ends).unwrap_or(value.len());
        if length == 0 {
            continue;
        }
        out.push_str(&text[copied..=equals]);
        out.push_str(REDACTED);
        copied = equals + 1 + length;
        from = copied;
    }
    (copied > 0).then(|| out + &text[copied..])
}
