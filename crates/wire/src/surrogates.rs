//! Surrogates that stand alone: legal in JSON, but no Unicode text.

/// Replaces each half of a surrogate pair among a line's escapes by U+FFFD.
///
/// Everything else stays as it is, whole pairs included.
pub fn repair_surrogates(line: &str) -> String {
    let mut repaired = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let (keep, length) = match surrogate(escape.as_bytes()) {
            Surrogate::None => (
                true,
                1 + escape[1..].chars().next().map_or(0, char::len_utf8),
            ),
            Surrogate::Pair => (true, 12),
            Surrogate::Lone => (false, 6),
        };
        repaired.push_str(&rest[..at]);
        repaired.push_str(if keep { &escape[..length] } else { "\\ufffd" });
        rest = &escape[length..];
    }
    repaired.push_str(rest);
    repaired
}

pub(crate) enum Surrogate {
    None,
    Pair,
    Lone,
}

/// Judges the escape that `bytes` begins with.
pub(crate) fn surrogate(bytes: &[u8]) -> Surrogate {
    match hex_escape(bytes) {
        Some(0xD800..=0xDBFF) => match bytes.get(6..).and_then(hex_escape) {
            Some(0xDC00..=0xDFFF) => Surrogate::Pair,
            _ => Surrogate::Lone,
        },
        Some(0xDC00..=0xDFFF) => Surrogate::Lone,
        _ => Surrogate::None,
    }
}

fn hex_escape(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, digit| {
        Some(code << 4 | char::from(*digit).to_digit(16)? as u16)
    })
}
