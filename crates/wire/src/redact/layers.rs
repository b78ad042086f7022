//! Texts within texts: what is escaped by `\`, `%` or `&`, and where it was.

use std::ops::Range;

/// A text without its escapes.
pub(super) struct Layer {
    pub(super) text: Vec<u8>,
    /// For each byte, and for the end, where it was in the text that it was taken from.
    origins: Vec<u32>,
}

impl Layer {
    /// Where a part was in the outermost text.
    pub(super) fn origin(&self, part: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.origins.get(index).map_or(0, |origin| *origin as usize);
        at(part.start)..at(part.end)
    }

    /// What is within this text.
    pub(super) fn decode(&self) -> Option<Self> {
        let mut inner = decode(&self.text)?;
        for origin in &mut inner.origins {
            *origin = self.origins[*origin as usize];
        }
        Some(inner)
    }
}

/// A text without the outermost of its escapes; `None` if it has none.
pub(super) fn decode(text: &[u8]) -> Option<Layer> {
    // Places are kept small: one for each byte is much.
    if u32::try_from(text.len()).is_err() {
        return None;
    }
    let first = (0..text.len()).find(|at| escape(&text[*at..]).is_some())?;
    let mut layer = Layer {
        text: text[..first].to_vec(),
        origins: (0..first as u32).collect(),
    };
    layer.text.reserve(text.len() - first);
    layer.origins.reserve(text.len() - first + 1);
    let mut at = first;
    while at < text.len() {
        let (byte, length) = escape(&text[at..]).unwrap_or((text[at], 1));
        layer.text.push(byte);
        layer.origins.push(at as u32);
        at += length;
    }
    layer.origins.push(text.len() as u32);
    Some(layer)
}

/// What an escape at the beginning stands for, and how long it is.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let hex = |from: usize, to: usize| {
        let digits = std::str::from_utf8(text.get(from..to)?).ok()?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    // What is not ASCII neither begins nor ends a secret.
    let ascii = |code: u32| u8::try_from(code).unwrap_or(b'?');
    /// Of HTML and XML.
    const ENTITIES: [(&[u8], u8); 6] = [
        (b"&quot;", b'"'),
        (b"&#34;", b'"'),
        (b"&#39;", b'\''),
        (b"&apos;", b'\''),
        (b"&amp;", b'&'),
        (b"&#x27;", b'\''),
    ];
    match text {
        [b'&', ..] => {
            let mut entities = ENTITIES.iter();
            let found = entities.find(|(entity, _)| text.starts_with(entity));
            found.map(|(entity, byte)| (*byte, entity.len()))
        }
        [b'%', _, _, ..] => Some((ascii(hex(1, 3)?), 3)),
        [b'\\', b'u', ..] => Some((ascii(hex(2, 6)?), 6)),
        [b'\\', b'x', ..] => Some((ascii(hex(2, 4)?), 4)),
        [b'\\', b'n', ..] => Some((b'\n', 2)),
        [b'\\', b't', ..] => Some((b'\t', 2)),
        [b'\\', b'r', ..] => Some((b'\r', 2)),
        [b'\\', byte @ (b'"' | b'\'' | b'\\' | b'/' | b'`'), ..] => Some((*byte, 2)),
        _ => None,
    }
}
