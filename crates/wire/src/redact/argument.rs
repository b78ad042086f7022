//! Secrets that are arguments: `--password …`, `curl -u user:…`, `.header("X-Api-Key", "…")`.

use super::assign::Read;
use super::find::run;
use super::names::{Strength, plain, strength};
use super::value;

/// How long a name is at most.
const MAX_NAME: usize = 64;

/// How many spaces there are at most between a name and its value.
const MAX_SPACES: usize = 32;

/// How far before an option its program may stand.
const COMMAND: usize = 256;

/// The value of `--password …`, and of `"--password", "…"`.
pub(super) fn flag(text: &[u8], at: usize) -> Option<Read> {
    let is_first =
        at == 0 || text[at - 1].is_ascii_whitespace() || b"\"'`([".contains(&text[at - 1]);
    if !is_first {
        return None;
    }
    let name = at + run(&text[at..], |byte| byte == b'-').min(2);
    let most = &text[name..text.len().min(name + MAX_NAME)];
    let until = name
        + run(most, |byte| {
            byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
        });
    let name = &text[name..until];
    let is_short =
        name == b"p" && is_after(text, at, &[b"sshpass", b"docker login", b"podman login"]);
    if !is_secret_flag(name) && !is_short {
        return None;
    }
    let mut value = until;
    if let Some(quote @ (b'"' | b'\'')) = text.get(value) {
        // In a list of arguments.
        value += 1;
        value += run(&text[value..], |byte| byte == b' ').min(1);
        if text.get(value) != Some(&b',') {
            return None;
        }
        value += 1;
        value += run(&text[value..text.len().min(value + MAX_SPACES)], |byte| {
            byte.is_ascii_whitespace()
        });
        if text.get(value) != Some(quote) {
            return None;
        }
    } else if text.get(value) == Some(&b' ') {
        value += 1;
    } else {
        return None;
    }
    value::argument(text, value)
}

/// Whether an option takes a secret.
pub(super) fn is_secret_flag(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name);
    let plain = plain(&name);
    !name.is_empty()
        && plain != "authorization"
        && (plain == "pass" || !matches!(strength(&name), Strength::None | Strength::Container))
}

/// The value of `curl -u user:password`.
pub(super) fn user_of_curl(text: &[u8], at: usize) -> Option<Read> {
    let rest = &text[at..];
    let is_short = rest.starts_with(b"u ") && text[..at].ends_with(b" -");
    let is_long = rest.starts_with(b"user ") && text[..at].ends_with(b"-");
    if !is_short && !is_long {
        return None;
    }
    if !is_after(text, at, &[b"curl", b"http ", b"wget"]) {
        return None;
    }
    let value = at + if is_short { 2 } else { 5 };
    let quotes = run(&text[value..], |byte| b"\"'".contains(&byte)).min(1);
    let begin = value + quotes;
    let end = begin
        + run(&text[begin..], |byte| {
            !byte.is_ascii_whitespace() && !b"\"'\\".contains(&byte)
        });
    match text[begin..end].contains(&b':') {
        true => Read::secret(begin..end),
        false => Read::nothing(end),
    }
}

/// Whether one of these programs stands before an option.
fn is_after(text: &[u8], at: usize, programs: &[&[u8]]) -> bool {
    let before = &text[at.saturating_sub(COMMAND)..at];
    let mut programs = programs.iter();
    programs.any(|program| before.windows(program.len()).any(|part| part == *program))
}

/// The second argument of `header("X-Api-Key", "…")`.
pub(super) fn of_a_call(text: &[u8], at: usize) -> Option<Read> {
    let quote = text.get(at + 1).filter(|byte| b"\"'".contains(byte))?;
    let name = at + 2;
    let most = &text[name..text.len().min(name + MAX_NAME)];
    let until = name
        + run(most, |byte| {
            byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
        });
    let spaces = match &text[until..] {
        [first, b',', rest @ ..] if first == quote => {
            run(&rest[..rest.len().min(MAX_SPACES)], |byte| {
                byte.is_ascii_whitespace()
            })
        }
        _ => return None,
    };
    let value = until + 2 + spaces;
    let strength = strength(&String::from_utf8_lossy(&text[name..until]));
    let is_quoted = text.get(value).is_some_and(|byte| b"\"'".contains(byte));
    if !is_quoted || matches!(strength, Strength::None | Strength::Container) {
        return None;
    }
    value::argument(text, value)
}
