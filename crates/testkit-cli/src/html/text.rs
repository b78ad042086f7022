//! Text of bounded length: its beginning and its end.

use std::collections::VecDeque;

const HEAD: usize = 12 * 1024;
const TAIL: usize = 4 * 1024;

/// A text that grows, of which the middle is left out once it is too long.
#[derive(Debug, Default)]
pub(super) struct Text {
    head: String,
    /// What came after the head was full.
    tail: VecDeque<char>,
    tail_bytes: usize,
    left_out: u64,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let mut new = Self::default();
        new.push(text);
        new
    }

    pub(super) fn push(&mut self, text: &str) {
        let mut rest = text;
        if self.tail.is_empty() {
            let room = HEAD.saturating_sub(self.head.len());
            let end = boundary(text, room);
            self.head += &text[..end];
            rest = &text[end..];
        }
        // Of what is much too long, only the end is looked at.
        let skip = match rest.len() > TAIL {
            true => boundary(rest, rest.len() - TAIL),
            false => 0,
        };
        if skip > 0 {
            self.left_out += bytes(skip) + bytes(self.tail_bytes);
            self.tail.clear();
            self.tail_bytes = 0;
        }
        for c in rest[skip..].chars() {
            self.tail.push_back(c);
            self.tail_bytes += c.len_utf8();
        }
        while self.tail_bytes > TAIL {
            let Some(c) = self.tail.pop_front() else {
                break;
            };
            self.tail_bytes -= c.len_utf8();
            self.left_out += bytes(c.len_utf8());
        }
    }

    /// How much room it takes.
    pub(super) fn kept(&self) -> usize {
        self.head.len() + self.tail_bytes
    }

    /// The beginning, how many bytes are missing, and the end.
    pub(super) fn parts(&self) -> (&str, u64, String) {
        (&self.head, self.left_out, self.tail.iter().collect())
    }
}

/// The last boundary of a character up to here.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_is_counted_only() {
        for piece in [1, 1000, 100_000] {
            let whole = "aü→𝄞".repeat(25_000);
            let mut text = Text::default();
            let mut rest = whole.as_str();
            while !rest.is_empty() {
                let end = boundary(rest, piece.max(4));
                text.push(&rest[..end]);
                rest = &rest[end..];
            }
            let (head, left_out, tail) = text.parts();
            assert!(whole.starts_with(head) && whole.ends_with(&tail) && !tail.is_empty());
            assert_eq!(
                bytes(head.len() + tail.len()) + left_out,
                bytes(whole.len())
            );
            assert!(text.kept() <= HEAD + TAIL);
        }
    }
}
