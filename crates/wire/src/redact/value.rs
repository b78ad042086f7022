//! What stands behind the name of a secret: the secret, a reference to it, or a piece of code.

use super::REDACTED;
use super::assign::Read;
use super::find::{End, run};
use super::names::{Strength, is_count, plain, strength};
use super::pieces::with_pieces;

/// How much of a line is looked at for credentials that are more than a word.
pub(super) const MAX_LINE: usize = 4096;

/// What is known of the place of a value.
pub(super) struct Place {
    /// Behind a `:` rather than a `=`.
    pub(super) is_colon: bool,
    /// There are spaces around it.
    pub(super) is_spaced: bool,
    /// The name has no small letters.
    pub(super) is_variable: bool,
    /// The name is quoted.
    pub(super) is_member: bool,
    pub(super) strength: Strength,
    pub(super) end: End,
}

impl Place {
    /// Whether more of the text is to come.
    pub(super) fn is_open(&self) -> bool {
        self.end == End::Open
    }
}

/// Words that stand behind such a name and are no secret.
pub(super) const WORDS: [&str; 70] = [
    "a",
    "an",
    "and",
    "any",
    "are",
    "async",
    "await",
    "bool",
    "boolean",
    "bytes",
    "can",
    "cannot",
    "def",
    "does",
    "empty",
    "enter",
    "expired",
    "false",
    "field",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "has",
    "if",
    "in",
    "incorrect",
    "int",
    "integer",
    "invalid",
    "is",
    "it",
    "may",
    "missing",
    "must",
    "new",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "number",
    "object",
    "of",
    "on",
    "optional",
    "or",
    "please",
    "prompt",
    "require",
    "required",
    "reset",
    "self",
    "should",
    "str",
    "string",
    "that",
    "the",
    "this",
    "to",
    "too",
    "true",
    "undefined",
    "unset",
    "was",
    "will",
    "wrong",
    "yes",
    "your",
];

/// What an expression of code begins with that names a value.
const ROOTS: [&str; 30] = [
    "args", "cfg", "config", "context", "crate", "ctx", "data", "env", "event", "github", "inputs",
    "matrix", "opts", "options", "os", "params", "process", "props", "req", "request", "res",
    "response", "secrets", "self", "settings", "state", "std", "super", "this", "vars",
];

/// How the names of types end.
const TYPES: [&str; 12] = [
    "Auth",
    "Code",
    "Config",
    "Cookie",
    "Credential",
    "Credentials",
    "Key",
    "Secret",
    "Str",
    "String",
    "Token",
    "Type",
];

/// The value that begins here.
pub(super) fn read(text: &[u8], value: usize, name: &str, place: &Place) -> Option<Read> {
    let prefix = match text.get(value..value + 2) {
        // Of the literals of some languages.
        Some([b'b' | b'r' | b'f' | b'u' | b'@' | b'$', b'"' | b'\'']) => 1,
        // The rest of `**Password:** …`.
        Some(b"**") => 2 + run(&text[value + 2..], |byte| byte == b' ').min(1),
        _ => 0,
    };
    let value = value + prefix;
    if text[value..].starts_with(b"$(") {
        // The command has spaces.
        let most = &text[value..text.len().min(value + MAX_LINE)];
        let end = value + run(most, |byte| !b")\r\n".contains(&byte));
        if has_value(&text[value..end]) {
            return Read::secret(value..end);
        }
    }
    if text[value..].starts_with(REDACTED.as_bytes()) {
        return Read::nothing(value + REDACTED.len());
    }
    match text.get(value)? {
        b'[' if !place.is_member => list(text, value),
        // Of code, as Markdown has it.
        b'`' => quoted(text, value, |said| {
            is_likely(said, place) && !is_word_or_code(said, b"", 0, name, place)
        }),
        b'"' | b'\'' => {
            let is_counted = place.strength == Strength::Plural;
            quoted(text, value, |said| !(is_counted && is_count(said)))
        }
        // Of a member of JSON, only texts are secrets here: numbers count, and the rest is read as
        // what it is.
        _ if place.is_member && place.is_colon => None,
        _ => bare(text, value, name, place),
    }
}

/// A list that has texts in quotes, all of it.
fn list(text: &[u8], value: usize) -> Option<Read> {
    let begin = value + 1;
    let most = &text[begin..text.len().min(begin + MAX_LINE)];
    let end = begin + run(most, |byte| byte != b']');
    let said = &text[begin..end];
    let marker = &text[value..text.len().min(value + REDACTED.len())];
    match marker != REDACTED.as_bytes() && said.iter().any(|byte| b"\"'".contains(byte)) {
        true => Read::secret(begin..end),
        false => None,
    }
}

/// A value in quotes. One that is not closed ends with its line.
pub(super) fn quoted(text: &[u8], value: usize, is_secret: impl Fn(&[u8]) -> bool) -> Option<Read> {
    let quote = text[value];
    let is_triple = text[value..].starts_with(&[quote; 3]);
    let begin = value + if is_triple { 3 } else { 1 };
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        let closes = *byte == quote && (!is_triple || text[end..].starts_with(&[quote; 3]));
        if closes || *byte == b'\n' && !is_triple {
            break;
        }
        end += if *byte == b'\\' { 2 } else { 1 };
    }
    let end = end.min(text.len());
    // `\` may stand before a quote that is escaped itself.
    let said = &text[begin..end];
    let is_sign = !said
        .iter()
        .any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    match is_sign || is_reference(said) || said == REDACTED.as_bytes() || !is_secret(said) {
        true => Read::nothing(end),
        false => Read::secret(begin..end),
    }
}

/// A value without quotes.
fn bare(text: &[u8], begin: usize, name: &str, place: &Place) -> Option<Read> {
    let is_assigned = !place.is_colon && !place.is_spaced;
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        let rest = &text[end + 1..];
        let ends = match byte {
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' => true,
            b'&' | b'|' => is_assigned && (end > begin || !place.is_variable),
            b';' | b')' => {
                is_assigned
                    || rest
                        .first()
                        .is_none_or(|next| !next.is_ascii_alphanumeric())
            }
            b',' | b'}' | b']' => {
                rest.first()
                    .is_none_or(|next| !next.is_ascii_alphanumeric())
                    || more(rest)
            }
            byte => byte.is_ascii_whitespace() || byte.is_ascii_control(),
        };
        if ends {
            break;
        }
        end += 1;
    }
    let mut said = &text[begin..end];
    if place.is_spaced || place.is_colon {
        while let Some((b'.' | b',' | b';' | b'!' | b'?', front)) = said.split_last() {
            said = front;
        }
    }
    let until = begin + said.len();
    let typed = || typed(text, end, place);
    if said.is_empty() || text[begin..].starts_with(b"[") || text[begin..].starts_with(b"{") {
        return Read::nothing(begin);
    }
    // Code, or a value that begins with a sign.
    let signs = run(said, |byte| b"(*&!%".contains(&byte));
    let is_shell = place.is_variable && is_assigned;
    let is_value = |said: &[u8]| {
        let has = |is: fn(&u8) -> bool| said.iter().any(is);
        let is_type = std::str::from_utf8(said).is_ok_and(is_number_type);
        let is_odd = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        let is_open = place.end == End::Open && until == text.len();
        !is_type
            && match is_shell {
                true => said.len() > 3 && !said.contains(&b'='),
                false => is_open && !said.is_empty() || said.len() > 5 && is_odd,
            }
    };
    // `forward_pass: 0.123s`, `pwd: /home/me`.
    let plain = plain(name);
    let is_measure = plain.ends_with("pass")
        && said.first().is_some_and(u8::is_ascii_digit)
        && said
            .iter()
            .all(|byte| byte.is_ascii_digit() || b".,%ms".contains(byte));
    let is_folder = plain == "pwd" && b"/~.".contains(&said[0]);
    if !is_shell && (is_measure || is_folder) {
        return Read::nothing(until);
    }
    if is_reference(said) || signs > 0 && !is_value(&said[signs..]) {
        return typed().or_else(|| Read::nothing(until));
    }
    let is_count = place.strength == Strength::Plural && is_count(said);
    let is_open = place.end == End::Open && until == text.len() && !is_count;
    match is_word_or_code(said, text, end, name, place) || !(is_open || is_likely(said, place)) {
        true => typed().or_else(|| Read::nothing(until)),
        false => Read::secret(begin..until),
    }
}

/// Whether another assignment follows.
fn more(rest: &[u8]) -> bool {
    let name = run(&rest[..rest.len().min(64)], |byte| {
        byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
    });
    name > 0 && rest.get(name).is_some_and(|byte| b"=:".contains(byte))
}

/// The value behind the type of a variable: `token: &str = "…"`.
fn typed(text: &[u8], from: usize, place: &Place) -> Option<Read> {
    /// How long a type is at most.
    const MAX_TYPE: usize = 48;
    if !place.is_colon {
        return None;
    }
    let most = &text[from..text.len().min(from + MAX_TYPE)];
    let equals = most.iter().position(|byte| b"=\n".contains(byte))?;
    if most[equals] != b'=' {
        return None;
    }
    let value = from + equals + 1;
    let value = value + run(&text[value..], |byte| byte == b' ').min(8);
    match text.get(value)? {
        b'"' | b'\'' => quoted(text, value, |_| true),
        _ => None,
    }
}

/// Whether a text stands for a value that is elsewhere: `$TOKEN`, `${{ secrets.X }}`, `<token>`.
pub(super) fn is_reference(said: &[u8]) -> bool {
    let variable = |name: &[u8]| {
        !name.is_empty()
            && name
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
    };
    match said {
        [b'$', b'{' | b'(', ..] => !has_value(said),
        [b'$', name @ ..] if name.starts_with(b"env:") => true,
        [b'$', name @ ..] => variable(name),
        [b'%', name @ .., b'%'] => variable(name),
        [b'<', .., b'>'] | [b'{', b'{', ..] => true,
        _ => !said.is_empty() && said.iter().all(|byte| b"*.x".contains(byte)) && said.len() > 2,
    }
}

/// Whether a reference has a value beside it: `${TOKEN:-value}`, `${TOKEN}value`, `$(echo value)`.
fn has_value(said: &[u8]) -> bool {
    if let Some(command) = said.strip_prefix(b"$(") {
        let mut prints = [&b"echo "[..], b"printf "].into_iter();
        let printed = prints.find_map(|it| command.strip_prefix(it));
        let printed = printed.map(|said| &said[run(said, |byte| b" \"'".contains(&byte))..]);
        return printed.is_some_and(|said| !matches!(said, [] | [b'$' | b')' | b'-' | b'%', ..]));
    }
    let name = run(&said[2..], |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    });
    let rest = &said[2 + name..];
    let default = rest.strip_prefix(b":").unwrap_or(rest);
    if let Some((b'-' | b'=', default)) = default.split_first() {
        return name > 0 && !matches!(default, [] | [b'$' | b'}', ..]);
    }
    let rest = rest.strip_prefix(b"}").unwrap_or_default();
    let has = |is: fn(&u8) -> bool| rest.iter().any(is);
    let is_odd = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    !rest.contains(&b'$') && (is_odd || rest.first().is_some_and(u8::is_ascii_alphanumeric))
}

/// Whether a value is long or odd enough for its name.
fn is_likely(said: &[u8], place: &Place) -> bool {
    match place.strength {
        Strength::Strong => true,
        Strength::Plural | Strength::Weak => {
            let has_digit = said.iter().any(u8::is_ascii_digit);
            let letters = said.iter().all(u8::is_ascii_alphabetic);
            let is_assigned = !place.is_colon && !place.is_spaced;
            let counts = said.len() <= 4 || place.strength == Strength::Plural;
            if counts && !is_assigned && is_count(said) {
                false
            } else if place.is_variable && is_assigned {
                true
            } else {
                has_digit || said.len() >= if letters && !is_assigned { 12 } else { 8 }
            }
        }
        Strength::None | Strength::Container => false,
    }
}

/// Whether a value is a word of a sentence, or a piece of a program.
fn is_word_or_code(said: &[u8], text: &[u8], end: usize, name: &str, place: &Place) -> bool {
    let Ok(word) = std::str::from_utf8(said) else {
        return false;
    };
    let is_identifier = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    // A shell knows no code there.
    let is_shell = place.is_variable && !place.is_colon && !place.is_spaced;
    if WORDS.iter().any(|it| it.eq_ignore_ascii_case(word)) || is_number_type(word) {
        return true;
    }
    if is_shell {
        return false;
    }
    let head = word.split(['(', '[', '<']).next().unwrap_or(word);
    let is_path = |word: &str| {
        word.split(['.', ':', '?', '!'])
            .all(|part| part.is_empty() || is_identifier(part))
    };
    // `get_token()`, `Option<String>`, `keys[0]`.
    let opens = head.len() < word.len() || text.get(end) == Some(&b'<');
    if opens && !head.is_empty() && is_path(head) {
        return true;
    }
    let dotted = word.contains('.') || word.contains("::");
    let root = word.split(['.', ':', '?', '!']).next().unwrap_or(word);
    let names_one = || {
        word.rsplit('.')
            .next()
            .is_some_and(|last| strength(last) != Strength::None)
    };
    if dotted && is_path(word) && (ROOTS.contains(&root) || word.contains("::") || names_one()) {
        return true;
    }
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    if has_digit || !is_identifier(word) {
        return false;
    }
    // `password=password`, `api_key=settings_api_key`, `token: accessToken`.
    let has_parts =
        word.contains('_') || word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let is_named = has_parts && strength(word) != Strength::None;
    let is_type = place.is_colon
        && (TYPES.iter().any(|end| word.ends_with(end))
            || place.strength != Strength::Strong
                && word.starts_with(|c: char| c.is_ascii_uppercase())
                && has_parts);
    plain(word) == plain(name.rsplit('.').next().unwrap_or(name)) || is_named || is_type
}

/// `i64`, `usize`, `float32`.
fn is_number_type(word: &str) -> bool {
    let bits = word.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let name = &word[..word.len() - bits.len()];
    matches!(name, "i" | "u" | "f" | "int" | "uint" | "float")
        && matches!(bits, "8" | "16" | "32" | "64" | "128")
        || matches!(word, "usize" | "isize" | "char" | "impl" | "dyn")
}

/// The value of an option, which is a word of its own.
pub(super) fn argument(text: &[u8], value: usize) -> Option<Read> {
    if text[value..].starts_with(REDACTED.as_bytes()) {
        return None;
    }
    if let Some(b'"' | b'\'') = text.get(value) {
        let read = quoted(text, value, |_| true)?;
        return Some(with_pieces(text, value, read));
    }
    let ends = |byte: u8| byte.is_ascii_whitespace() || b"\"'`\\;|&<>".contains(&byte);
    let end = value + run(&text[value..], |byte| !ends(byte));
    let said = &text[value..end];
    // Of `--token TOKEN`, as a help text has it, and `--token is needed`.
    let is_capital = said
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || b"_-".contains(byte));
    let is_word = WORDS
        .iter()
        .any(|word| word.as_bytes().eq_ignore_ascii_case(said));
    let is_none = said.is_empty() || is_capital || is_word || is_reference(said);
    match is_none || b"-[(".contains(&said[0]) {
        true => None,
        false => Read::secret(value..end).map(|read| with_pieces(text, value, read)),
    }
}
