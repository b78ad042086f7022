//! A walk over JSON text that builds nothing.

use std::borrow::Cow;

use crate::envelope::PeekError;
use crate::surrogates::{Surrogate, surrogate};

/// A string of the line, still with its escapes.
pub(crate) struct Text<'a> {
    inner: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The text that the string stands for.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.inner);
        }
        match serde_json::from_str(&format!("\"{}\"", self.inner)) {
            Ok(text) => Cow::Owned(text),
            // An escape that JSON does not know: the decoder of the payload
            // reports it, and here the text as sent is the best there is.
            Err(_) => Cow::Borrowed(self.inner),
        }
    }
}

/// Walks JSON text without building anything.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn malformed(&self, reason: &'static str) -> PeekError {
        PeekError::Malformed {
            offset: self.at,
            reason,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The next byte that is not white space.
    #[inline]
    pub(crate) fn peek_byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    pub(crate) fn end(&mut self) -> Result<(), PeekError> {
        match self.peek_byte() {
            None => Ok(()),
            Some(_) => Err(self.malformed("text follows the object")),
        }
    }

    /// Visits the members of the object that comes next. The visitor consumes
    /// the value of each, and says whether to go on.
    #[inline]
    pub(crate) fn members(
        &mut self,
        mut visit: impl FnMut(&mut Self, &str) -> Result<bool, PeekError>,
    ) -> Result<(), PeekError> {
        if self.peek_byte() != Some(b'{') {
            return Err(self.malformed("expected an object"));
        }
        self.at += 1;
        if self.peek_byte() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.string()?;
            if self.peek_byte() != Some(b':') {
                return Err(self.malformed("expected a colon"));
            }
            self.at += 1;
            self.peek_byte();
            let go_on = if key.escaped {
                visit(self, &key.text())?
            } else {
                visit(self, key.inner)?
            };
            if !go_on {
                return Ok(());
            }
            match self.peek_byte() {
                Some(b',') => {
                    self.at += 1;
                    self.peek_byte();
                }
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.malformed("expected a comma or the end of the object")),
            }
        }
    }

    /// The string that comes next.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Text<'a>, PeekError> {
        if self.peek_byte() != Some(b'"') {
            return Err(self.malformed("expected a string"));
        }
        let start = self.at + 1;
        let escaped = self.skip_string()?;
        Ok(Text {
            inner: &self.text[start..self.at - 1],
            escaped,
        })
    }

    /// The raw text of the value that comes next.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<&'a str, PeekError> {
        let first = self.peek_byte();
        let start = self.at;
        match first {
            Some(b'"') => {
                self.skip_string()?;
            }
            Some(b'{' | b'[') => self.skip_nested()?,
            _ => self.skip_scalar()?,
        }
        Ok(&self.text[start..self.at])
    }

    fn skip_scalar(&mut self) -> Result<(), PeekError> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'))
            .unwrap_or(rest.len());
        let plausible = matches!(&rest[..length], b"true" | b"false" | b"null")
            || matches!(rest.first(), Some(b'-' | b'0'..=b'9'));
        if !plausible {
            return Err(self.malformed("expected a value"));
        }
        self.at += length;
        Ok(())
    }

    fn skip_nested(&mut self) -> Result<(), PeekError> {
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.skip_string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return Err(self.malformed("the line ends inside a value")),
            }
            self.at += 1;
        }
    }

    /// Passes over the string that begins here, and says whether it has escapes.
    #[inline]
    fn skip_string(&mut self) -> Result<bool, PeekError> {
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        self.at += 1;
        loop {
            self.at += find_stop(&bytes[self.at..])
                .ok_or_else(|| self.malformed("the line ends inside a string"))?;
            if bytes[self.at] == b'"' {
                self.at += 1;
                return Ok(escaped);
            }
            escaped = true;
            self.at += match surrogate(&bytes[self.at..]) {
                Surrogate::None => 2,
                Surrogate::Pair => 12,
                Surrogate::Lone => return Err(PeekError::LoneSurrogate),
            };
            if self.at > bytes.len() {
                self.at = bytes.len();
                return Err(self.malformed("the line ends inside a string"));
            }
        }
    }
}

/// The first quote or backslash. Eight bytes at a time, without the call and
/// the set-up of a vectorised search: most strings of the protocol are shorter
/// than what that takes to pay.
#[inline]
fn find_stop(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = LOW << 7;
    /// Sets the high bit of each byte that is zero. A borrow can set it above
    /// such a byte, too, which does not matter for finding the first.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(LOW) & !word & HIGH
    }

    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = zeros(word ^ (LOW * b'"' as u64)) | zeros(word ^ (LOW * b'\\' as u64));
        if stops != 0 {
            return Some(8 * index + (stops.trailing_zeros() / 8) as usize);
        }
    }
    let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(8 * words.len() + stop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_string_is_found_wherever_it_is() {
        for before in 0..40 {
            for stop in ["\"", "\\n\"", "\u{e9}\"", "!\"", "#\"", "[\"", "]\""] {
                let text = format!("{}{stop}\\\"{}", "\u{a2}".repeat(before), "x".repeat(20));
                let expected = text.bytes().position(|byte| matches!(byte, b'"' | b'\\'));
                assert_eq!(find_stop(text.as_bytes()), expected, "{text}");
            }
            assert_eq!(find_stop("\u{a2}".repeat(before).as_bytes()), None);
        }
    }
}
