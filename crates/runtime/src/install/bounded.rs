//! Reading no more than was agreed on: [`Bounded`].

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// How many bytes may still be read, shared by the reader and whoever sets the bound.
pub(crate) type Left = Rc<Cell<u64>>;

/// A reader that fails where it would give more bytes than are left.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    inner: R,
    left: Left,
}

impl<R: Read> Bounded<R> {
    /// A reader that gives nothing before the bound is set.
    pub(crate) fn new(inner: R) -> (Self, Left) {
        let left = Left::default();
        let reader = Self {
            inner,
            left: Rc::clone(&left),
        };
        (reader, left)
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let left = self.left.get();
        if left == 0 {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other("holds more than was published")),
            };
        }
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_an_end_or_an_error_but_never_passed() {
        let (mut reader, left) = Bounded::new(&b"abcdef"[..]);
        left.set(4);
        let mut four = [0; 4];
        reader.read_exact(&mut four).expect("as agreed");
        assert_eq!(&four, b"abcd");
        assert!(reader.read(&mut four).is_err(), "there is more");

        let (mut reader, left) = Bounded::new(&b"abcd"[..]);
        left.set(4);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).expect("all of it is wanted");
        assert_eq!(all, b"abcd");
        assert_eq!(left.get(), 0);
    }
}
