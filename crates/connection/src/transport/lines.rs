//! One message a line.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{FrameSink, FrameSource, SourceError};

/// How much is asked for at a time, and kept between lines.
const CHUNK: usize = 64 * 1024;

/// A buffer that a long line made larger than this is given back after it.
const KEEP: usize = 1024 * 1024;

/// Reads lines of any length up to a limit.
pub(crate) struct LineReader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no line end.
    searched: usize,
    /// Where the next line ends, if that was looked for and found.
    end: Option<usize>,
    limit: usize,
    ended: bool,
}

impl<R: AsyncRead + Send + Unpin + 'static> LineReader<R> {
    /// Lines of more than `limit` bytes end the stream with an error.
    pub(crate) fn new(inner: R, limit: usize) -> Self {
        Self {
            inner,
            buffer: Vec::with_capacity(CHUNK),
            start: 0,
            searched: 0,
            end: None,
            limit,
            ended: false,
        }
    }

    /// Where the next line ends, if all of it is there.
    fn find_end(&mut self) -> Option<usize> {
        if self.end.is_none() {
            self.end = memchr(b'\n', &self.buffer[self.searched..]).map(|at| self.searched + at);
            self.searched = self.end.unwrap_or(self.buffer.len());
        }
        self.end
    }

    /// Makes room at the end of the buffer, at the cost of what was consumed.
    fn make_room(&mut self) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            if self.buffer.capacity() > KEEP {
                self.buffer = Vec::new();
            }
        } else if self.start > 0 && self.buffer.capacity() - self.buffer.len() < CHUNK {
            self.buffer.drain(..self.start);
        } else {
            self.buffer.reserve(CHUNK);
            return;
        }
        self.searched -= self.start;
        self.start = 0;
        self.buffer.reserve(CHUNK);
    }
}

/// A line without byte order marks at its start, with which some programs of Windows begin what
/// they write; JSON lets whoever reads it skip them (RFC 8259, 8.1).
fn without_mark(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix("\u{feff}".as_bytes()) {
        line = rest;
    }
    line
}

impl<R: AsyncRead + Send + Unpin + 'static> FrameSource for LineReader<R> {
    async fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
        loop {
            if let Some(end) = self.find_end() {
                let line = self.start..end;
                if line.len() > self.limit {
                    return Err(SourceError::TooLong { limit: self.limit });
                }
                self.start = line.end + 1;
                self.searched = self.start;
                self.end = None;
                return Ok(Some(without_mark(&self.buffer[line])));
            }
            if self.searched - self.start > self.limit {
                return Err(SourceError::TooLong { limit: self.limit });
            }
            if self.ended {
                // A last line without its end is for the caller to judge.
                let line = self.start..self.searched;
                self.start = self.searched;
                return Ok(Some(without_mark(&self.buffer[line])).filter(|line| !line.is_empty()));
            }
            self.make_room();
            match self.inner.read_buf(&mut self.buffer).await {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SourceError::Io(error)),
            }
        }
    }

    fn has_next(&mut self) -> bool {
        self.find_end().is_some()
    }
}

/// Writes lines.
pub(crate) struct LineWriter<W> {
    inner: W,
    buffer: Vec<u8>,
}

impl<W> LineWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            buffer: Vec::new(),
        }
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> FrameSink for LineWriter<W> {
    async fn send(&mut self, frames: &[String]) -> io::Result<()> {
        // One write for many small messages.
        self.buffer.clear();
        for frame in frames {
            self.buffer.extend_from_slice(frame.as_bytes());
            self.buffer.push(b'\n');
        }
        self.inner.write_all(&self.buffer).await?;
        if self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        self.inner.flush().await
    }

    async fn close(&mut self) -> io::Result<()> {
        self.inner.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: impl AsyncRead + Send + Unpin + 'static, limit: usize) -> Vec<String> {
        let mut reader = LineReader::new(input, limit);
        let mut lines = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(line)) => lines.push(String::from_utf8(line.to_vec()).unwrap()),
                Ok(None) => return lines,
                Err(error) => {
                    lines.push(error.to_string());
                    return lines;
                }
            }
        }
    }

    #[tokio::test]
    async fn lines_are_found_however_they_are_split() {
        let input = b"one\n\ntwo\r\n\xc3\xa9\nhalf";
        for size in 1..=input.len() {
            let mut mock = tokio::io::duplex(size);
            let write = async {
                mock.0.write_all(input).await.unwrap();
                drop(mock.0);
            };
            let ((), lines) = tokio::join!(write, lines(mock.1, 100));
            assert_eq!(lines, ["one", "", "two\r", "\u{e9}", "half"]);
        }
    }

    #[tokio::test]
    async fn byte_order_marks_before_a_line_are_skipped_and_within_it_kept() {
        let input = "\u{feff}one\n\u{feff}\u{feff}two\n\u{feff}\nt\u{feff}hree\n\u{feff}four";
        let found = lines(input.as_bytes(), 100).await;
        assert_eq!(found, ["one", "two", "", "t\u{feff}hree", "four"]);
    }

    #[tokio::test]
    async fn long_lines_pass_and_their_memory_is_given_back() {
        let (mut tx, rx) = tokio::io::duplex(CHUNK);
        let write = tokio::spawn(async move {
            for length in [10, 3 * KEEP, 10, 2 * CHUNK, 1] {
                let line = vec![b'x'; length];
                tx.write_all(&line).await.unwrap();
                tx.write_all(b"\n").await.unwrap();
            }
        });
        let mut reader = LineReader::new(rx, 4 * KEEP);
        let mut lengths = Vec::new();
        while let Some(line) = reader.next().await.unwrap() {
            lengths.push(line.len());
        }
        write.await.unwrap();
        assert_eq!(lengths, [10, 3 * KEEP, 10, 2 * CHUNK, 1]);
        assert!(
            reader.buffer.capacity() <= KEEP,
            "{}",
            reader.buffer.capacity()
        );
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_an_error_with_and_without_its_end() {
        let error = "a message is longer than 4 bytes";
        assert_eq!(lines(&b"1234\n12345\n1"[..], 4).await, ["1234", error]);
        assert_eq!(lines(&b"1234\n12345"[..], 4).await, ["1234", error]);
    }
}
