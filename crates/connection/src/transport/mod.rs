//! How whole messages get from and to a server.
//!
//! A connection is generic over these two traits, so a transport that has
//! frames of its own needs no lines.

mod lines;
mod stdio;
mod tap;

use std::fmt;
use std::future::Future;
use std::io;

pub(crate) use lines::{LineReader, LineWriter};
pub(crate) use stdio::spawn;
pub use tap::Tap;
pub(crate) use tap::Tapped;

/// Where messages come from.
pub trait FrameSource: Send + 'static {
    /// The next message, or `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<&[u8]>, SourceError>> + Send;

    /// Whether the next message is at hand, so that [`next`](Self::next) gives it without waiting.
    /// A source that cannot tell says no.
    fn has_next(&mut self) -> bool {
        false
    }
}

/// Where messages go to.
pub trait FrameSink: Send + 'static {
    /// Sends whole messages, in order.
    fn send(&mut self, frames: &[String]) -> impl Future<Output = io::Result<()>> + Send;

    /// Tells the server that no more will come.
    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// Why no more messages come.
#[derive(Debug)]
pub enum SourceError {
    /// Reading failed.
    Io(io::Error),
    /// A message is longer than allowed.
    TooLong {
        /// How many bytes are allowed.
        limit: usize,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("reading failed"),
            Self::TooLong { limit } => write!(f, "a message is longer than {limit} bytes"),
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::TooLong { .. } => None,
        }
    }
}
