//! A value that goes on behind its quotes, or over several lines: `a'b'"c"`, `"a" + "b"`, blocks of
//! YAML.

use super::assign::Read;
use super::find::{run, run_back};
use super::names::Strength;
use super::value::{MAX_LINE, Place};

/// How far before a value its line is looked at.
const LINE: usize = 512;

/// How many pieces a value has at most.
const MAX_PIECES: usize = 64;

/// How much stands between two pieces at most: ` + `, ` \` and a line end with spaces.
const MAX_BETWEEN: usize = 64;

/// The same value with the pieces that follow it at once, as a shell joins them; and, behind a
/// quote, those that some language joins.
pub(super) fn with_pieces(text: &[u8], begin: usize, read: Read) -> Read {
    let Some(first) = read.secrets else {
        return read;
    };
    let mut end = first.end;
    let opened = begin < first.start;
    if opened {
        // Behind the quote that closes it.
        let quote = text[first.start - 1];
        let quotes = run(&text[end..], |byte| byte == quote).min(first.start - begin);
        if quotes == 0 {
            return Read {
                secrets: Some(first),
                until: read.until,
            };
        }
        end += quotes;
    } else if is_in_quotes(text, begin) {
        return Read {
            secrets: Some(first),
            until: read.until,
        };
    }
    let mut last = first.end;
    for _ in 0..MAX_PIECES {
        let Some(piece) = piece(text, end, opened) else {
            break;
        };
        (last, end) = piece;
    }
    Read {
        secrets: Some(first.start..last),
        until: read.until.max(last),
    }
}

/// The value of a shell that begins with a word and goes on with a quote: `a'b'"c"`.
pub(super) fn begun_bare(text: &[u8], begin: usize) -> Option<Read> {
    let length = run(&text[begin..text.len().min(begin + MAX_LINE)], is_word);
    let end = begin + length;
    let quote = text.get(end).filter(|byte| b"\"'".contains(byte))?;
    // `b'…'` and `f"…"` are literals of some languages.
    let is_literal = length == 1 && b"brfu".contains(&text[begin].to_ascii_lowercase());
    if length == 0 || is_literal || is_in_quotes(text, begin) {
        return None;
    }
    closing(text, end + 1, *quote)?;
    Read::secret(begin..end)
}

/// The piece that follows: where what it says ends, and where it is over.
fn piece(text: &[u8], at: usize, is_quoted: bool) -> Option<(usize, usize)> {
    match *text.get(at)? {
        quote @ (b'"' | b'\'') => {
            let end = closing(text, at + 1, quote)?;
            Some((end, end + 1))
        }
        // In front of the next quote of a shell.
        b'$' if matches!(text.get(at + 1), Some(b'"' | b'\'')) => piece(text, at + 1, is_quoted),
        b'\\' if text.get(at + 1) == Some(&b' ') => {
            let end = at + 2 + run(&text[at + 2..], is_word);
            Some((end, end))
        }
        byte if is_word(byte) => {
            let end = at + run(&text[at..], is_word);
            // `"a": …` and `"a".len()` are no pieces.
            let is_name = !is_quoted || text.get(end).is_none_or(|next| !b"(:".contains(next));
            is_name.then_some((end, end))
        }
        byte if is_quoted && (byte.is_ascii_whitespace() || b"+.&\\".contains(&byte)) => {
            let most = &text[at..text.len().min(at + MAX_BETWEEN)];
            let between = run(most, |byte| {
                byte.is_ascii_whitespace() || b"+.&\\".contains(&byte)
            });
            let signs = most[..between]
                .iter()
                .filter(|byte| b"+.&\\".contains(byte));
            let quote = *text.get(at + between)?;
            if signs.count() == 0 || !b"\"'".contains(&quote) {
                return None;
            }
            let end = closing(text, at + between + 1, quote)?;
            Some((end, end + 1))
        }
        _ => None,
    }
}

/// A character of a word that a shell joins to what is quoted before it.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./+=@%!#^~".contains(&byte)
}

/// Where a quote closes; the end of a text that breaks off.
fn closing(text: &[u8], begin: usize, quote: u8) -> Option<usize> {
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        match byte {
            byte if *byte == quote => return Some(end),
            b'\n' => return None,
            b'\\' => end += 2,
            _ => end += 1,
        }
        if end > begin + MAX_LINE {
            return None;
        }
    }
    Some(text.len())
}

/// Whether this stands within quotes that have opened before it in its line, so that the next one
/// closes them.
fn is_in_quotes(text: &[u8], at: usize) -> bool {
    let line = run_back(&text[..at], LINE, |byte| byte != b'\n');
    let mut open = None;
    let mut bytes = text[at - line..at].iter();
    while let Some(byte) = bytes.next() {
        match (byte, open) {
            (b'\\', _) => drop(bytes.next()),
            (b'"' | b'\'', None) => open = Some(*byte),
            (byte, Some(quote)) if *byte == quote => open = None,
            _ => {}
        }
    }
    open.is_some()
}

/// The lines of a block of YAML: `password: |`, and then what is further in than the name.
pub(super) fn block(text: &[u8], name: usize, value: usize, place: &Place) -> Option<Read> {
    let header = value + 1;
    let header = header + run(&text[header..], |byte| b"+-123456789".contains(&byte)).min(2);
    let blanks = run(&text[header..], |byte| b" \t\r".contains(&byte));
    let comment = match text.get(header + blanks) {
        Some(b'#') => run(&text[header + blanks..], |byte| byte != b'\n'),
        _ => 0,
    };
    let line = header + blanks + comment;
    if text.get(line).is_some_and(|byte| *byte != b'\n') {
        return None;
    }
    let before = run_back(&text[..name], LINE, |byte| byte != b'\n');
    let lead = &text[name - before..name];
    // `- name: |` is as far in as the name.
    if before == LINE || !lead.iter().all(|byte| b" -\"'?".contains(byte)) {
        return None;
    }
    let mut at = line;
    let mut end = None;
    let mut begin = None;
    let mut is_prose = false;
    while at < text.len() {
        // Behind the line end.
        at += 1;
        let indent = run(&text[at..], |byte| byte == b' ');
        let rest = &text[at + indent..];
        let length = run(rest, |byte| byte != b'\n');
        let said = &rest[..length - run_back(&rest[..length], 1, |byte| byte == b'\r')];
        if !said.is_empty() {
            if indent <= before {
                break;
            }
            begin = begin.or(Some(at + indent));
            end = Some(at + indent + said.len());
            is_prose |= said.contains(&b' ');
        }
        at += indent + length;
    }
    let (begin, end) = begin.zip(end)?;
    // Of an ambiguous name, words are more likely to be about a secret.
    if is_prose && place.strength != Strength::Strong {
        return Read::nothing(end);
    }
    // What grows goes on within the block.
    let until = match text[end..].iter().all(u8::is_ascii_whitespace) {
        true if place.is_open() => text.len(),
        _ => end,
    };
    Read::secret(begin..until)
}
