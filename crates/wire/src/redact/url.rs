//! Secrets in URLs: users, passwords and parameters.

use super::REDACTED;
use super::find::{End, Found, is_token, run, run_back};
use super::keys::position;
use super::names::is_secret_parameter;

/// How long the name of a parameter is at most.
const MAX_NAME: usize = 64;

/// How much of a URL is looked at.
const MAX_URL: usize = 1024;

/// How long a user and a password without a scheme are at most.
const MAX_USER: usize = 128;

/// What stands before a colon and is no user.
const NO_USERS: [&str; 30] = [
    "mailto",
    "email",
    "e-mail",
    "mail",
    "contact",
    "from",
    "to",
    "cc",
    "bcc",
    "by",
    "author",
    "authors",
    "maintainer",
    "reply-to",
    "sender",
    "recipient",
    "sip",
    "sips",
    "xmpp",
    "acct",
    "npm",
    "jsr",
    "link",
    "workspace",
    "patch",
    "portal",
    "catalog",
    "git",
    "committer",
    "owner",
];

pub(super) fn find(text: &[u8], end: End, found: &mut Found) {
    if position(text, b"://").is_some() {
        parameters(text, found);
        users(text, end, found);
    }
    bare_users(text, found);
}

/// The values of parameters such as `?code=…`.
fn parameters(text: &[u8], found: &mut Found) {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.~%".contains(&byte);
    let mut from = 0;
    while let Some(equals) = next(text, from, b'=') {
        let length = run_back(&text[from..equals], MAX_NAME, is_name);
        from = equals + 1;
        let begin = equals - length;
        let leads = begin.checked_sub(1).and_then(|at| text.get(at));
        if !leads.is_some_and(|lead| b"?&#;".contains(lead)) {
            continue;
        }
        let name = String::from_utf8_lossy(&text[begin..equals]);
        if !is_secret_parameter(&name) {
            continue;
        }
        let length = run(&text[from..], |byte| {
            is_token(byte) || b"%:".contains(&byte)
        });
        if length > 0 {
            found.push(from..from + length);
            from += length;
        }
    }
}

/// The user and the password of `https://user:password@host`.
fn users(text: &[u8], end: End, found: &mut Found) {
    let mut from = 0;
    while let Some(at) = position(&text[from..], b"://").map(|at| from + at) {
        let begin = at + 3;
        from = begin;
        let ends = |byte: u8| byte.is_ascii_whitespace() || b"\\\"'`<>".contains(&byte);
        let most = &text[begin..text.len().min(begin + MAX_URL)];
        let word = &most[..run(most, |byte| !ends(byte))];
        let authority = &word[..run(word, |byte| !b"/?#".contains(&byte))];
        // Looked at once, however many URLs are in it.
        from += authority.len();
        let colon = authority.iter().position(|byte| *byte == b':');
        let behind = colon.map_or(&b""[..], |colon| &authority[colon + 1..]);
        let is_port = behind.iter().all(u8::is_ascii_digit) || authority.starts_with(b"[");
        let length = match authority.iter().rposition(|byte| *byte == b'@') {
            Some(length) => length,
            None if is_port => continue,
            // A password may hold a `/` that should have been escaped, but a path may hold a
            // `/@scope/name`, and other URLs.
            None => {
                let path = &word[..position(word, b"/@").unwrap_or(word.len())];
                let path = &path[..position(path, b"://").unwrap_or(path.len())];
                match path.iter().rposition(|byte| *byte == b'@') {
                    Some(length) => length,
                    // The host may be still to come.
                    None if end == End::Open && begin + word.len() == text.len() => {
                        found.extend(colon.map(|colon| begin + colon + 1..text.len()));
                        continue;
                    }
                    None => continue,
                }
            }
        };
        // Everyone is `git` on a server of repositories.
        let user = &word[..length];
        if length > 0 && user != b"git" && user != REDACTED.as_bytes() {
            found.push(begin..begin + length);
            from = from.max(begin + length);
        }
    }
}

/// The same without a scheme: `user:password@host`.
fn bare_users(text: &[u8], found: &mut Found) {
    let is_part = |byte: u8| {
        !(byte.is_ascii_whitespace()
            || byte.is_ascii_control()
            || b"/\"'`<>()=,;\\@{}|".contains(&byte))
    };
    let mut from = 0;
    while let Some(at) = next(text, from, b'@') {
        let before = &text[from..at];
        from = at + 1;
        let part = &before[before.len() - run_back(before, MAX_USER, is_part)..];
        let Some(colon) = part.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (user, password) = (&part[..colon], &part[colon + 1..]);
        let is_user = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
        let known = |name: &&str| user.eq_ignore_ascii_case(name.as_bytes());
        if user.is_empty()
            || password.is_empty()
            || password.contains(&b'[')
            || !user.iter().all(is_user)
            || !user.iter().any(u8::is_ascii_alphabetic)
            || NO_USERS.iter().any(known)
            || !is_host(&text[from..])
        {
            continue;
        }
        found.push(at - part.len()..at);
    }
}

/// Whether the name of a host follows, rather than a version or a hash.
fn is_host(text: &[u8]) -> bool {
    let host = &text[..run(text, |byte| {
        byte.is_ascii_alphanumeric() || b".-_".contains(&byte)
    })
    .min(256)];
    let after = text.get(host.len());
    let Some(first) = host.first() else {
        return text.starts_with(b"[");
    };
    let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let is_address =
        host.iter().all(is_number) && host.iter().filter(|byte| **byte == b'.').count() == 3;
    let is_version =
        first.is_ascii_digit() || first == &b'v' && host.get(1).is_some_and(u8::is_ascii_digit);
    let is_label = [
        &b"sha256"[..],
        b"sha384",
        b"sha512",
        b"latest",
        b"next",
        b"main",
        b"master",
    ]
    .contains(&host);
    is_address || !(is_version || is_label || after == Some(&b'('))
}

/// Where a byte is next.
fn next(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    let at = text[from..].iter().position(|it| *it == byte)?;
    Some(from + at)
}
