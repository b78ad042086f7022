//! Secrets that have a name before them: `API_KEY=…`, `password: …`, `X-Api-Key: …`, `--token …`,
//! `"token": "…"`, `<password>…`.

use std::ops::Range;

use super::argument;
use super::find::{End, Found, run, run_back};
use super::header;
use super::names::{Strength, is_secret_name, is_value, names_another, plain, strength};
use super::pieces;
use super::spaced;
use super::value::{self, Place};

/// How long a name is at most.
const MAX_NAME: usize = 64;

/// How many spaces there are at most around what is between a name and its value.
const MAX_SPACES: usize = 32;

/// How many words a name has at most.
const MAX_WORDS: usize = 3;

pub(super) fn find(text: &[u8], end: End, found: &mut Found) {
    let mut from = 0;
    let mut at = 0;
    while at < text.len() {
        let read = match text[at] {
            b'=' | b':' => assigned(text, from, at, end),
            b'>' => in_a_tag(text, from, at, end),
            b'-' => argument::flag(text, at),
            b'u' => argument::user_of_curl(text, at),
            b' ' | b'\t' => spaced::find(text, at, end),
            b'(' => argument::of_a_call(text, at),
            _ => None,
        };
        match read {
            Some(Read { secrets, until }) => {
                found.extend(secrets);
                at = until.max(at + 1);
                from = at;
            }
            None => at += 1,
        }
    }
}

/// What was read behind a name.
pub(super) struct Read {
    pub(super) secrets: Option<Range<usize>>,
    /// How far.
    pub(super) until: usize,
}

impl Read {
    pub(super) fn secret(secret: Range<usize>) -> Option<Self> {
        let until = secret.end;
        let secrets = Some(secret);
        Some(Self { secrets, until })
    }

    pub(super) fn nothing(until: usize) -> Option<Self> {
        let secrets = None;
        Some(Self { secrets, until })
    }
}

/// The value behind a `=` or a `:`.
fn assigned(text: &[u8], from: usize, at: usize, end: End) -> Option<Read> {
    let (name, is_quoted, begin) = name_before(text, from, at)?;
    let named = strength_of(&name, &text[from..begin]);
    let (name, strength) = match named {
        Some(named) => named,
        None if is_value(&name) && is_named_before(&text[from..begin]) => (name, Strength::Strong),
        None => return None,
    };
    if strength == Strength::Container {
        return None;
    }
    let is_colon = text[at] == b':';
    // A path: `cat: /etc/passwd: no such file`.
    if is_colon && begin > 0 && b"/\\".contains(&text[begin - 1]) {
        return None;
    }
    // `==`, `:=`, `=>`, `::`.
    let signs = at + run(&text[at..], |byte| b"=:>~".contains(&byte)).min(3);
    if text[at..].starts_with(b"::") || text[at..].starts_with(b"://") {
        return None;
    }
    let place = Place {
        is_colon,
        is_spaced: begin_of_value(text, signs) > signs || text[..at].ends_with(b" "),
        is_variable: name.starts_with('-') || !name.bytes().any(|byte| byte.is_ascii_lowercase()),
        is_member: is_quoted,
        strength,
        end,
    };
    let plain = plain(&name);
    let value = begin_of_value(text, signs);
    // A comparison or a map of some language: only what is quoted is a value there.
    let is_operator = signs - at > 1 && !text[at..].starts_with(b":=");
    if is_operator && !text.get(value).is_some_and(|byte| b"\"'`".contains(byte)) {
        return None;
    }
    if matches!(plain.as_str(), "authorization" | "proxyauthorization") {
        let outer = begin.checked_sub(1).map(|at| text[at]);
        let is_escaped = begin > 1 && text[begin - 2] == b'\\';
        let outer = outer.filter(|byte| b"\"'`".contains(byte) && !is_quoted && !is_escaped);
        return header::authorization(text, value, outer, &place);
    }
    if is_colon && plain.ends_with("cookie") {
        return header::cookies(text, value);
    }
    if is_colon && matches!(text.get(value), Some(b'|' | b'>')) {
        return pieces::block(text, begin, value, &place);
    }
    let begun = match !is_colon && !place.is_spaced {
        true => pieces::begun_bare(text, value),
        false => None,
    };
    let read = begun.or_else(|| value::read(text, value, &name, &place))?;
    // A member of JSON has its value in one piece.
    Some(match is_quoted && is_colon {
        true => read,
        false => pieces::with_pieces(text, value, read),
    })
}

/// Where a value begins: behind spaces, and, of a member of JSON, behind line ends.
fn begin_of_value(text: &[u8], from: usize) -> usize {
    let most = &text[from..text.len().min(from + MAX_SPACES)];
    let spaces = run(most, |byte| b" \t".contains(&byte));
    let ends = run(most, |byte| byte.is_ascii_whitespace());
    match text.get(from + ends) {
        Some(b'"') => from + ends,
        _ => from + spaces,
    }
}

/// The name that ends before here, whether it is quoted, and where it begins.
fn name_before(text: &[u8], from: usize, at: usize) -> Option<(String, bool, usize)> {
    let mut before = &text[from..at];
    let spaces = run_back(before, MAX_SPACES, |byte| b" \t\r\n".contains(&byte));
    before = &before[..before.len() - spaces];
    // `**Password:**`, `env["TOKEN"]`.
    while let Some(b'*' | b']') = before.last() {
        before = &before[..before.len() - 1];
    }
    let quote = before.last().copied().filter(|byte| b"\"'`".contains(byte));
    let is_quoted = quote.is_some();
    let length = match quote {
        Some(quote) => {
            before = &before[..before.len() - 1];
            run_back(before, MAX_NAME, |byte| byte != quote && byte != b'\n')
        }
        // What is on another line is no name of this.
        None if text[from + before.len()..at].contains(&b'\n') => 0,
        None => run_back(before, MAX_NAME, is_name),
    };
    let begin = before.len() - length;
    let name = String::from_utf8_lossy(&before[begin..]).into_owned();
    (length > 0).then_some((name, is_quoted, from + begin))
}

/// Whether the line before is the name of a secret: `name: API_KEY`, and then `value: …`.
fn is_named_before(before: &[u8]) -> bool {
    let space = |byte: u8| byte.is_ascii_whitespace() || b"-,".contains(&byte);
    let quote = |byte: u8| b"\"'".contains(&byte);
    let mut before = &before[..before.len() - run_back(before, MAX_SPACES, space)];
    before = &before[..before.len() - run_back(before, 1, quote)];
    let length = run_back(before, MAX_NAME, is_name);
    let (front, name) = before.split_at(before.len() - length);
    let front = &front[..front.len() - run_back(front, 1, quote)];
    let front = &front[..front.len() - run_back(front, 2, |byte| b" \t".contains(&byte))];
    let Some((b':' | b'=', front)) = front.split_last() else {
        return false;
    };
    let length = run_back(front, MAX_NAME, is_name);
    let member = String::from_utf8_lossy(&front[front.len() - length..]);
    names_another(&member) && is_secret_name(&String::from_utf8_lossy(name))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte)
}

/// A name, or the last words of one, that says that there is a secret.
fn strength_of(name: &str, before: &[u8]) -> Option<(String, Strength)> {
    let mut name = name.to_owned();
    let mut before = before;
    for words in 1..=MAX_WORDS {
        let strength = strength(&name);
        if strength != Strength::None {
            return Some((name, strength));
        }
        let Some(front) = before.strip_suffix(b" ") else {
            break;
        };
        let length = run_back(front, MAX_NAME, |byte| byte.is_ascii_alphabetic());
        if length == 0 || words == MAX_WORDS {
            break;
        }
        let word = String::from_utf8_lossy(&front[front.len() - length..]);
        name = format!("{word} {name}");
        before = &front[..front.len() - length];
    }
    None
}

/// The text of `<password>…</password>`.
fn in_a_tag(text: &[u8], from: usize, at: usize, end: End) -> Option<Read> {
    let length = run_back(&text[from..at], MAX_NAME, is_name);
    let begin = at - length;
    if length == 0 || begin == 0 || text[begin - 1] != b'<' {
        return None;
    }
    let name = String::from_utf8_lossy(&text[begin..at]);
    if matches!(strength(&name), Strength::None | Strength::Container) {
        return None;
    }
    let value = at + 1;
    let until = value + run(&text[value..], |byte| byte != b'<');
    let is_open = end == End::Open && b"</".starts_with(&text[until..]);
    let is_tag = is_open || text[until..].starts_with(b"</");
    let secrets =
        (is_tag && !text[value..until].iter().all(u8::is_ascii_whitespace)).then_some(value..until);
    Some(Read { secrets, until })
}
