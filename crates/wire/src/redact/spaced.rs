//! Secrets that stand behind a name and a space: `machine h login me password …`, `setx TOKEN …`,
//! `ENV TOKEN …`, `npm config set _authToken …`, `IDENTIFIED BY '…'`.

use super::argument::is_after;
use super::assign::Read;
use super::find::{End, in_a_word, run, run_back};
use super::names::{Strength, strength};
use super::value::{self, is_reference};

/// How long a name is at most.
const MAX_NAME: usize = 64;

/// How many spaces there are at most between a name and its value.
const MAX_SPACES: usize = 32;

/// How far before a name the commands of its file may stand.
const FILE: usize = 512;

/// What stands before the name of a variable, and whether it begins its line.
const COMMANDS: [(&[u8], bool); 12] = [
    (b"setx", false),
    (b"setx /m", false),
    (b"setx /M", false),
    (b"SETX", false),
    (b"setenv", false),
    (b"ENV", true),
    (b"export", false),
    (b"-x", false),
    (b"-gx", false),
    (b"-xg", false),
    (b"-Ux", false),
    (b"-xU", false),
];

/// Programs whose `set` or `config` takes a name and a value.
const PROGRAMS: [&[u8]; 12] = [
    b"npm ",
    b"pnpm ",
    b"yarn ",
    b"aws configure",
    b"git config",
    b"pip config",
    b"conda config",
    b"bundle config",
    b"gcloud config",
    b"heroku config",
    b"pulumi config",
    b"snyk config",
];

/// The value behind the space that stands here.
pub(super) fn find(text: &[u8], at: usize, end: End) -> Option<Read> {
    let length = run_back(&text[..at], MAX_NAME, is_name);
    if length == 0 || length == MAX_NAME {
        return None;
    }
    let begin = at - length;
    let name = &text[begin..at];
    let value = at + run(&text[at..text.len().min(at + MAX_SPACES)], is_space);
    let said = &text[value..];
    if said.is_empty() || value == at {
        return None;
    }
    let before = &text[..begin - run_back(&text[..begin], MAX_SPACES, is_space)];
    let is_apart = before.len() < begin;
    // Words that are no names of variables.
    match name {
        b"password" | b"account" if in_netrc(text, begin) => return word(text, value, end),
        b"requirepass" | b"masterauth" if line(text, begin).is_empty() => {
            return word(text, value, end);
        }
        b"ConvertTo-SecureString" => {
            let option = run(said, |byte| byte != b'"' && byte != b'\'');
            let is_option = matches!(&said[..option], b"" | b"-String ");
            return if is_option {
                quoted(text, value + option)
            } else {
                None
            };
        }
        name if name.eq_ignore_ascii_case(b"password") && in_sql(text, begin) => {
            return quoted(text, value);
        }
        name if name.eq_ignore_ascii_case(b"by")
            && ends_with_word(
                &before.to_ascii_lowercase()[before.len().saturating_sub(16)..],
                b"identified",
            ) =>
        {
            return quoted(text, value);
        }
        _ => {}
    }
    if !is_apart {
        return None;
    }
    let is_config = [&b"set"[..], b"config", b"--global", b"--secret"]
        .iter()
        .any(|it| ends_with_word(before, it))
        && is_after(text, begin, &PROGRAMS);
    let mut commands = COMMANDS.iter();
    let command = commands.find(|(command, _)| ends_with_word(before, command));
    let is_known = match command {
        Some((command, true)) => line(text, before.len() - command.len()).is_empty(),
        Some(_) => true,
        None => is_config,
    };
    if !is_known {
        return None;
    }
    let named = String::from_utf8_lossy(name);
    let named = named.rsplit([':', '/']).next().unwrap_or(&named);
    if matches!(strength(named), Strength::None | Strength::Container) {
        return None;
    }
    let is_variable = !named.bytes().any(|byte| byte.is_ascii_lowercase());
    match command {
        // `ENV NAME a b` has all of its line.
        Some((b"ENV", _)) if is_variable && !b"\"'".contains(&text[value]) => {
            let line = value + run(said, |byte| byte != b'\n' && byte != b'\r');
            let is_value = said[..line - value]
                .iter()
                .any(|byte| !byte.is_ascii_whitespace());
            let is_plain = !is_reference(&said[..line - value]);
            let is_sign = b"=:[".contains(&text[value]);
            match is_value && is_plain && !is_sign {
                true => word(text, value, end).and_then(|_| Read::secret(value..line)),
                false => None,
            }
        }
        // In a sentence, a word follows.
        Some((b"export", _)) => {
            let read = word(text, value, end)?;
            let secret = read.secrets.clone()?;
            let is_open = end == End::Open && secret.end == text.len();
            let said = &text[secret];
            let is_odd = said.iter().skip(1).any(|byte| !byte.is_ascii_lowercase());
            (is_variable && (is_open || is_odd || said.len() >= 16)).then_some(read)
        }
        Some((b"setx" | b"SETX" | b"setenv", _)) | None => word(text, value, end),
        Some(_) => is_variable.then(|| word(text, value, end))?,
    }
}

/// A value that is a word, or quoted.
fn word(text: &[u8], value: usize, end: End) -> Option<Read> {
    let read = value::argument(text, value)?;
    let Some(secret) = &read.secrets else {
        return Some(read);
    };
    // A sign of an assignment, or the name of an option, is no value.
    let is_sign = b"=:,.;|&".contains(&text[value]) && end == End::Final;
    (!is_sign && !secret.is_empty()).then_some(read)
}

fn quoted(text: &[u8], value: usize) -> Option<Read> {
    match text.get(value) {
        Some(b'"' | b'\'') => value::quoted(text, value, |_| true),
        _ => None,
    }
}

/// Whether a `machine` or `default` of a netrc file stands before.
fn in_netrc(text: &[u8], begin: usize) -> bool {
    let from = begin.saturating_sub(FILE);
    let before = &text[from..begin];
    [&b"machine "[..], b"machine\t", b"default login "]
        .iter()
        .any(|word| {
            before.windows(word.len()).enumerate().any(|(at, part)| {
                let before = &text[..from + at];
                let before = &before[..before.len() - run_back(before, MAX_SPACES, is_space)];
                part == *word && before.last().is_none_or(|last| b"\n\r\"'".contains(last))
            })
        })
}

/// Whether a statement stands before that makes a user.
fn in_sql(text: &[u8], begin: usize) -> bool {
    let before = text[begin.saturating_sub(FILE / 2)..begin].to_ascii_lowercase();
    [&b"user "[..], b"role ", b"login "].iter().any(|word| {
        [&b"create "[..], b"alter ", b"set "].iter().any(|verb| {
            let mut words = before.windows(verb.len() + word.len());
            words.any(|part| part.starts_with(verb) && part.ends_with(word))
        })
    })
}

/// What stands before in the line.
fn line(text: &[u8], at: usize) -> &[u8] {
    let length = run_back(&text[..at], MAX_SPACES, |byte| byte != b'\n');
    let line = &text[at - length..at];
    &line[run(line, is_space)..]
}

fn ends_with_word(before: &[u8], word: &[u8]) -> bool {
    before.strip_suffix(word).is_some_and(|front| {
        !in_a_word(front) && front.last().is_none_or(|last| !b"_-.".contains(last))
    })
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
