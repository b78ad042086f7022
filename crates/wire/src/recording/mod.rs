//! Recorded sessions: what a recording looks like, and what is kept out of it.
//!
//! A recording is a text of JSON objects, one a line:
//!
//! ```text
//! {"recording":1,"by":"openai-codex 0.163.0","protocol":"0.163.0"}
//! {"dir":"c2s","t":0.000213,"msg":{"id":1,"method":"initialize","params":{…}}}
//! {"dir":"s2c","t":0.046021,"msg":{"id":1,"result":{…}}}
//! {"end":"client","t":1.802240}
//! ```
//!
//! `dir` is `c2s` for what the client sent and `s2c` for what the server did, `t` is in seconds
//! since the recording began, and `msg` is the message as it was sent, but for its
//! [secrets](redact). A line that was no message is `{"dir":…,"t":…,"unreadable":LENGTH}`. The last
//! line says who hung up, or, as `{"cut":"why","t":…}`, why the rest is not there. The first and
//! the last line may be missing.
//!
//! Pure functions over text, but for [`create_file`]: who records does the writing, and brings the
//! clock.

mod deltas;
mod encode;
mod file;
mod parse;
mod redact;
mod scrub;

use std::fmt;

pub use encode::{DEFAULT_LIMIT, Encoder};
pub use file::create_file;
pub use parse::{Entry, Payload, Recording, RecordingError};
pub use redact::{REDACTED, Redactor, is_secret_name, redact};

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server, `c2s`.
    ToServer,
    /// From the server to the client, `s2c`.
    ToClient,
}

impl Direction {
    /// As it is written in a recording: `c2s` or `s2c`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToServer => "c2s",
            Self::ToClient => "s2c",
        }
    }

    /// Who sends in this direction: `client` or `server`.
    pub fn sender(self) -> &'static str {
        match self {
            Self::ToServer => "client",
            Self::ToClient => "server",
        }
    }

    /// The other way.
    pub fn reverse(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
