//! Secrets that are arguments: `--password …`, `curl -u user:…`, `.header("X-Api-Key", "…")`.

use super::assign::Read;
use super::find::run;
use super::keys::position;
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
    // Of `mysql -pPASSWORD`, the rest of the word.
    if let [b'p', rest @ ..] = name
        && !rest.is_empty()
        && text[..until].ends_with(&[b"-p", rest].concat())
        && !text[..until - name.len()].ends_with(b"--")
        && is_after(text, at, &ATTACHED)
    {
        return value::argument(text, until - rest.len());
    }
    if !is_secret_flag(name) && !is_short(name, &text[at.saturating_sub(COMMAND)..at]) {
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
    } else if matches!(text.get(value), Some(b' ' | b'\t')) {
        value += spaces(&text[value..]);
    } else {
        return None;
    }
    value::argument(text, value)
}

/// Spaces, and the end of a line that goes on: ` \\`.
fn spaces(text: &[u8]) -> usize {
    let is_space = |byte: u8| byte == b' ' || byte == b'\t';
    let first = run(&text[..text.len().min(MAX_SPACES)], is_space);
    let rest = &text[first..];
    let line = if rest.starts_with(b"\\\n") {
        2
    } else if rest.starts_with(b"\\\r\n") {
        3
    } else {
        return first;
    };
    let rest = &rest[line..];
    first + line + run(&rest[..rest.len().min(MAX_SPACES)], is_space)
}

/// Programs with a short option that takes a password, and the option.
const SHORT: [(&[u8], &[u8]); 19] = [
    (b"sshpass", b"p"),
    (b"docker login", b"p"),
    (b"podman login", b"p"),
    (b"nerdctl login", b"p"),
    (b"buildah login", b"p"),
    (b"skopeo login", b"p"),
    (b"helm login", b"p"),
    (b"crane login", b"p"),
    (b"oras login", b"p"),
    (b"oc login", b"p"),
    (b"az login", b"p"),
    (b"twine upload", b"p"),
    (b"mongosh", b"p"),
    (b"mongodump", b"p"),
    (b"mongorestore", b"p"),
    (b"redis-cli", b"a"),
    (b"sqlcmd", b"P"),
    (b"mosquitto_", b"P"),
    (b"ldap", b"w"),
];

/// Programs that take a password in the word of `-p`.
const ATTACHED: [&[u8]; 5] = [b"mysql", b"mariadb", b"sshpass", b"7z a", b"7z x"];

/// Whether an option takes a secret of the program before it.
pub(super) fn is_short(name: &[u8], before: &[u8]) -> bool {
    name.len() == 1
        && SHORT
            .iter()
            .any(|(program, option)| *option == name && has_words(before, program))
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
    let front = text[..at].strip_suffix(b"-")?;
    let is_apart = |front: &[u8]| {
        front
            .last()
            .is_some_and(|last| last.is_ascii_whitespace() || b"\"'".contains(last))
    };
    let is_long = rest.starts_with(b"user") && front.ends_with(b"-");
    if !is_long && !is_apart(front) {
        return None;
    }
    let name = if is_long { 4 } else { 1 };
    let between = match &rest[name..] {
        // `-uuser:password`, though not `-user`.
        [b' ' | b'=', ..] => 1,
        [quote @ (b'"' | b'\''), b',', rest @ ..] => {
            let spaces = run(&rest[..rest.len().min(MAX_SPACES)], |byte| {
                byte.is_ascii_whitespace()
            });
            if rest.get(spaces) != Some(quote) {
                return None;
            }
            2 + spaces
        }
        [] => return None,
        _ if is_long => return None,
        _ => 0,
    };
    if !is_after(text, at, &[b"curl", b"http ", b"wget"]) {
        return None;
    }
    let value = at + name + between;
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
pub(super) fn is_after(text: &[u8], at: usize, programs: &[&[u8]]) -> bool {
    let before = &text[at.saturating_sub(COMMAND)..at];
    programs.iter().any(|program| has_words(before, program))
}

/// Whether these words stand in a text one behind the other, not necessarily at once: they may be
/// items of a list, with options between.
fn has_words(text: &[u8], words: &[u8]) -> bool {
    let mut rest = text;
    words.split(|byte| *byte == b' ').all(|word| {
        let found = position(rest, word);
        rest = found.map_or(rest, |at| &rest[at + word.len()..]);
        found.is_some() || word.is_empty()
    })
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
