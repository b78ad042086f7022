//! Base64: what is in it, and what hides in it.

use super::find::{Budget, End, Found, run, within};

/// Shorter ones hold nothing that could be told from a word.
const SHORTEST: usize = 20;

/// From here on a line of Base64 may go on in the next one.
const LINE: usize = 60;

/// Runs of Base64 that have secrets in them.
pub(super) fn find(text: &[u8], budget: &mut Budget, found: &mut Found) {
    let mut at = 0;
    while at < text.len() {
        let begin = at + run(&text[at..], |byte| !is_digit(byte));
        let mut end = begin + run(&text[begin..], is_digit);
        let mut line = end - begin;
        // Wrapped, as mails and keys are.
        while line >= LINE {
            let rest = &text[end..];
            let wrap = usize::from(rest.starts_with(b"\r")) + 1;
            if rest.get(wrap - 1) != Some(&b'\n') {
                break;
            }
            line = run(&rest[wrap..], is_digit);
            if line == 0 {
                break;
            }
            end += wrap + line;
        }
        at = end.max(at + 1);
        if end - begin < SHORTEST {
            continue;
        }
        let padding = run(&text[end..], |byte| byte == b'=').min(2);
        let contents = decode(&text[begin..end]).filter(|contents| is_text(contents));
        let is_secret = contents.is_some_and(|contents| {
            let rest = budget.bytes.checked_sub(contents.len());
            budget.bytes = rest.unwrap_or(0);
            rest.is_none() || !within(&contents, End::Final, budget).is_empty()
        });
        if is_secret {
            found.push(begin..end + padding);
        }
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}

/// Whether these are mostly characters, rather than a word or a picture that was decoded.
fn is_text(contents: &[u8]) -> bool {
    let sample = &contents[..contents.len().min(4096)];
    let odd = |byte: &&u8| !(byte.is_ascii_graphic() || b" \t\r\n".contains(byte));
    sample.iter().filter(odd).count() * 8 <= sample.len()
}

/// The bytes of a text in Base64, of either alphabet.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

/// Bytes as a text in Base64.
pub(super) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index)) as usize & 63];
            out.push(if index <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}
