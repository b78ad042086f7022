//! Lines of bounded length.

use std::io::{self, BufRead, Read};

/// Longer lines are left out: a message of pictures may be as long as the file.
pub(super) const LONGEST: u64 = 8 * 1024 * 1024;

pub(super) enum Line<'a> {
    /// Its number, and the line with its end.
    Whole(usize, &'a str),
    /// Its number, and its bytes.
    TooLong(usize, u64),
}

pub(super) struct Lines<R> {
    from: R,
    number: usize,
    buffer: Vec<u8>,
    text: String,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            number: 0,
            buffer: Vec::new(),
            text: String::new(),
        }
    }

    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.buffer.clear();
            let limit = LONGEST + 1;
            let read = self
                .from
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let length = u64::try_from(read).unwrap_or(u64::MAX);
            if length == limit && !self.buffer.ends_with(b"\n") {
                let rest = skip_line(&mut self.from)?;
                return Ok(Some(Line::TooLong(self.number, length + rest)));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        self.text.clear();
        // Some editors put it there.
        let bytes = self.buffer.strip_prefix("\u{feff}".as_bytes());
        self.text += &String::from_utf8_lossy(bytes.unwrap_or(&self.buffer));
        Ok(Some(Line::Whole(self.number, &self.text)))
    }
}

/// Reads to the end of the line and keeps nothing; tells how much that was.
fn skip_line(from: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = from.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        from.consume(used);
        skipped += u64::try_from(used).unwrap_or(u64::MAX);
        if end.is_some() || used == 0 {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_counted() {
        let long = "x".repeat(usize::try_from(LONGEST).unwrap() + 10);
        let text = format!("\u{feff}one\n\n{long}\ntwo");
        let mut lines = Lines::new(text.as_bytes());
        assert!(matches!(
            lines.next().unwrap(),
            Some(Line::Whole(1, "one\n"))
        ));
        let bytes = u64::try_from(long.len()).unwrap() + 1;
        assert!(matches!(lines.next().unwrap(), Some(Line::TooLong(3, b)) if b == bytes));
        assert!(matches!(lines.next().unwrap(), Some(Line::Whole(4, "two"))));
        assert!(lines.next().unwrap().is_none());
    }
}
