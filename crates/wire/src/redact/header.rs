//! Secrets in headers: credentials and cookies.

use super::REDACTED;
use super::assign::Read;
use super::find::{End, run, run_back};
use super::value::{MAX_LINE, Place, WORDS, is_reference, quoted};

/// The credentials of an `Authorization`. The scheme stays where one is given. Credentials that are
/// quoted or named are all of the rest of the line, up to the quote that the header is in.
pub(super) fn authorization(
    text: &[u8],
    value: usize,
    outer: Option<u8>,
    place: &Place,
) -> Option<Read> {
    /// Schemes whose credentials are one word.
    const ONE: [&str; 9] = [
        "bearer",
        "basic",
        "token",
        "apikey",
        "api-key",
        "bot",
        "negotiate",
        "ntlm",
        "key",
    ];
    /// Schemes whose credentials are a list.
    const LIST: [&str; 5] = ["digest", "aws4-hmac-sha256", "hawk", "oauth", "signature"];

    let quote = text
        .get(value)
        .copied()
        .filter(|byte| b"\"'`".contains(byte));
    let begin = value + usize::from(quote.is_some());
    let ends = |byte: u8| match quote {
        Some(quote) => byte == quote || byte == b'\n',
        None => b"\"'`\r\n\\".contains(&byte),
    };
    let most = &text[begin..text.len().min(begin + MAX_LINE)];
    let line = begin + run(most, |byte| !ends(byte));
    let word_at =
        |from: usize| from..from + run(&text[from..line], |byte| !byte.is_ascii_whitespace());
    let first = word_at(begin);
    if first.is_empty() || text[begin..].starts_with(REDACTED.as_bytes()) {
        return Read::nothing(begin);
    }
    let spaces = run(&text[first.end..line], |byte| b" \t".contains(&byte));
    let second = word_at(first.end + spaces);
    let scheme = String::from_utf8_lossy(&text[first.clone()]).to_ascii_lowercase();
    if text[second.clone()].starts_with(REDACTED.as_bytes()) {
        return Read::nothing(second.end);
    }
    // Quoted, or with names: `token="…"`.
    let said = &text[second.clone()];
    let bare = &said[..said.len() - run_back(said, 2, |byte| byte == b'=')];
    let closes = |byte: &u8| b"\"'`".contains(byte) && Some(*byte) != quote.or(outer);
    let has_name = bare.len() < said.len();
    let is_cut = second.end == line
        && match &text[line..] {
            [b'\\', byte, ..] => (outer.is_some() || has_name) && b"\"'`".contains(byte),
            [byte, ..] => closes(byte),
            [] => false,
        };
    let is_quoted = is_cut && (said.is_empty() || has_name);
    let is_named = bare.contains(&b'=') || is_quoted;
    let is_odd = said.first() == Some(&b'<') && said.iter().any(u8::is_ascii_digit);
    let is_list = LIST.contains(&scheme.as_str()) && !said.is_empty();
    let is_scheme = scheme.len() < 24
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !WORDS.contains(&scheme.as_str());
    let is_unknown = is_scheme
        && place.is_colon
        && !ONE.contains(&scheme.as_str())
        && !said.is_empty()
        && !is_reference(said);
    if is_scheme && (is_list || is_named || is_odd || is_unknown) {
        return Read::secret(second.start..end_of_header(text, second.start, quote.or(outer)));
    }
    // Of a sentence.
    let credentials = &text[second.clone()];
    let spare = credentials.iter().rev();
    let spare = spare.take_while(|byte| b".,;)]}".contains(byte)).count();
    let second = second.start..second.end - spare;
    if ONE.contains(&scheme.as_str()) {
        return match second.is_empty() || is_reference(&text[second.clone()]) {
            true => Read::nothing(first.end),
            false => Read::secret(second),
        };
    }
    let is_open = place.end == End::Open
        && first.end == text.len()
        && !ONE.iter().chain(&LIST).any(|it| it.starts_with(&scheme));
    let is_long = |said: &[u8]| said.len() >= 16 || said.iter().any(u8::is_ascii_digit);
    if quote.is_some() || place.is_member {
        Read::secret(begin..line)
    } else if is_open || is_long(&text[first.clone()]) {
        Read::secret(first)
    } else {
        Read::nothing(first.end)
    }
}

/// Where a header ends: with its line, or with the quote that it is in.
fn end_of_header(text: &[u8], from: usize, quote: Option<u8>) -> usize {
    let most = &text[from..text.len().min(from + MAX_LINE)];
    let mut end = 0;
    while let Some(byte) = most.get(end) {
        let is_end = match byte {
            b'\r' | b'\n' => true,
            b'\\' => most.get(end + 1).is_some_and(|next| b"rn".contains(next)),
            byte => Some(*byte) == quote,
        };
        if is_end {
            break;
        }
        end += if *byte == b'\\' { 2 } else { 1 };
    }
    from + end.min(most.len())
}

/// The values of `Cookie: …`.
pub(super) fn cookies(text: &[u8], value: usize) -> Option<Read> {
    if let Some(b'"' | b'\'') = text.get(value) {
        return quoted(text, value, |_| true);
    }
    let most = &text[value.min(text.len())..text.len().min(value + MAX_LINE)];
    let line = value + run(most, |byte| !b"\"'`\r\n\\".contains(&byte));
    match text[value..line].contains(&b'=') {
        true => Read::secret(value..line),
        false => None,
    }
}
