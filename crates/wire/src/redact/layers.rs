//! Texts within texts: what is escaped by `\`, `%` or `&`, or coloured for a terminal, and where it
//! was.

use std::ops::Range;

use super::find::run;

/// A text without its escapes.
pub(super) struct Layer {
    pub(super) text: Vec<u8>,
    /// For each byte, and for the end, where it was in the text that it was taken from.
    origins: Vec<u32>,
    /// The places in the text before which something was left out, and where that began.
    gaps: Vec<(u32, u32)>,
}

impl Layer {
    /// Where a part was in the outermost text.
    pub(super) fn origin(&self, part: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.origins.get(index).map_or(0, |origin| *origin as usize);
        let gap = self
            .gaps
            .binary_search_by_key(&part.end, |(place, _)| *place as usize);
        let end = gap.map_or_else(|_| at(part.end), |gap| self.gaps[gap].1 as usize);
        at(part.start)..end
    }

    /// What is within this text.
    pub(super) fn decode(&self) -> Option<Self> {
        let mut inner = decode(&self.text)?;
        let gaps = inner.gaps.iter().map(|(place, at)| {
            let origin = self.origin(*at as usize..*at as usize);
            (*place, origin.end as u32)
        });
        inner.gaps = gaps.collect();
        for (place, outer) in &self.gaps {
            // What was left out further out is so here, too.
            let place = inner.origins.partition_point(|origin| origin < place) as u32;
            if let Err(at) = inner.gaps.binary_search_by_key(&place, |(place, _)| *place) {
                inner.gaps.insert(at, (place, *outer));
            }
        }
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
        gaps: Vec::new(),
    };
    layer.text.reserve(text.len() - first);
    layer.origins.reserve(text.len() - first + 1);
    let mut at = first;
    while at < text.len() {
        let (byte, length) = escape(&text[at..]).unwrap_or((Some(text[at]), 1));
        match byte {
            Some(byte) => {
                layer.text.push(byte);
                layer.origins.push(at as u32);
            }
            None => {
                let place = layer.text.len() as u32;
                if layer.gaps.last().is_none_or(|(last, _)| *last < place) {
                    layer.gaps.push((place, at as u32));
                }
            }
        }
        at += length;
    }
    layer.origins.push(text.len() as u32);
    Some(layer)
}

/// What an escape at the beginning stands for, if anything, and how long it is.
fn escape(text: &[u8]) -> Option<(Option<u8>, usize)> {
    match text {
        [b'\x1b', ..] => Some((None, sequence(text))),
        _ => character(text).map(|(byte, length)| (Some(byte), length)),
    }
}

/// How long a sequence for a terminal is: of colours, of the cursor, of a title, of a link. One that
/// breaks off is all of the rest.
fn sequence(text: &[u8]) -> usize {
    /// How long one is at most.
    const MOST: usize = 512;
    let most = &text[..text.len().min(MOST)];
    match most.get(1) {
        Some(b'[') => {
            let inner = run(&most[2..], |byte| (0x20..0x40).contains(&byte));
            (2 + inner + 1).min(most.len())
        }
        Some(b']') => {
            let inner = run(&most[2..], |byte| !matches!(byte, 0x07 | 0x1b | b'\n'));
            let end = 2 + inner;
            match most.get(end) {
                Some(0x1b) if most.get(end + 1) == Some(&b'\\') => end + 2,
                Some(0x07) => end + 1,
                _ => end,
            }
        }
        Some(b'(' | b')') => most.len().min(3),
        Some(_) => 2,
        None => 1,
    }
}

/// What an escape of a character stands for, and how long it is.
fn character(text: &[u8]) -> Option<(u8, usize)> {
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
