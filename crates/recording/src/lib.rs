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
//! [secrets](openai_codex_wire::redact). A line that was no message is
//! `{"dir":…,"t":…,"unreadable":LENGTH}`. The last line says who hung up, or, as
//! `{"cut":"why","t":…}`, why the rest is not there. The first and the last line may be missing.
//!
//! [`Encoder`] and [`Recording`] are pure functions over text, for who does the writing and brings
//! the clock; a [`Writer`] does it all.

mod encode;
mod file;
mod parse;
mod writer;

pub use encode::{DEFAULT_LIMIT, Encoder};
pub use file::create_file;
pub use openai_codex_wire::Direction;
pub use parse::{Entry, Payload, Recording, RecordingError};
pub use writer::{EndedEarly, Writer};
