//! Writes the lines of a recording.

use std::fmt::Write;
use std::time::Duration;

use openai_codex_wire::redact::{Redactor, SecretTable};
use serde_json::json;

use crate::Direction;

/// How large a recording grows unless told otherwise: 256 MiB.
pub const DEFAULT_LIMIT: u64 = 256 * 1024 * 1024;

/// The lines of one recording, from its header to its end, each with its line end.
///
/// Secrets are [redacted](openai_codex_wire::redact). A recording that would exceed its limit ends with a line
/// that says so, and has nothing after it.
///
/// ```
/// use std::time::Duration;
/// use openai_codex_recording::{DEFAULT_LIMIT, Direction, Encoder};
///
/// let mut encoder = Encoder::new(DEFAULT_LIMIT);
/// let mut text = encoder.header("my-proxy 1.0", "0.163.0");
/// text += &encoder.message(Direction::ToServer, Duration::from_millis(2), br#"{"method":"initialized"}"#);
/// assert!(text.ends_with("{\"dir\":\"c2s\",\"t\":0.002000,\"msg\":{\"method\":\"initialized\"}}\n"));
/// ```
#[derive(Debug)]
pub struct Encoder {
    redactor: Redactor,
    left: u64,
    limit: u64,
    over: bool,
}

impl Encoder {
    /// Begins a recording of so many bytes at most, but for a line that says that it was cut.
    pub fn new(limit: u64) -> Self {
        Self {
            redactor: Redactor::new(),
            left: limit,
            limit,
            over: false,
        }
    }

    /// With what the protocol says of secrets, besides what the redaction finds by itself.
    #[must_use]
    pub fn secrets(mut self, table: SecretTable<'static>) -> Self {
        self.redactor = Redactor::with_table(table);
        self
    }

    /// The first line: who records, and which version of the protocol it was written for.
    pub fn header(&mut self, by: &str, protocol: &str) -> String {
        let (by, protocol) = (json!(by), json!(protocol));
        self.line(format!(
            "{{\"recording\":1,\"by\":{by},\"protocol\":{protocol}}}"
        ))
    }

    /// The line of a message; empty once the recording is over.
    pub fn message(&mut self, direction: Direction, at: Duration, message: &[u8]) -> String {
        if self.over || message.trim_ascii().is_empty() {
            return String::new();
        }
        let redacted = std::str::from_utf8(message)
            .ok()
            .and_then(|text| self.redactor.redact(direction, text).ok());
        let mut line = format!("{{\"dir\":\"{direction}\",\"t\":{:.6},", at.as_secs_f64());
        // Writing to a string does not fail.
        let _ = match redacted {
            Some(message) => write!(line, "\"msg\":{message}}}"),
            // What cannot be read cannot be redacted.
            None => write!(line, "\"unreadable\":{}}}", message.len()),
        };
        if u64::try_from(line.len()).unwrap_or(u64::MAX) >= self.left {
            let limit = self.limit;
            return self.cut(
                at,
                &format!("the recording reached its limit of {limit} bytes"),
            );
        }
        self.line(line)
    }

    /// The last line: who hung up first, as the sender in this direction.
    pub fn end(&mut self, by: Direction, at: Duration) -> String {
        self.last(format!(
            "{{\"end\":\"{}\",\"t\":{:.6}}}",
            by.sender(),
            at.as_secs_f64()
        ))
    }

    /// The last line of a recording that is not complete: why it is not.
    pub fn cut(&mut self, at: Duration, why: &str) -> String {
        let why = json!(why);
        self.last(format!("{{\"cut\":{why},\"t\":{:.6}}}", at.as_secs_f64()))
    }

    /// Whether the last line was written, and nothing more will be.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn last(&mut self, line: String) -> String {
        if self.over {
            return String::new();
        }
        self.over = true;
        self.line(line)
    }

    fn line(&mut self, mut line: String) -> String {
        line.push('\n');
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(length);
        line
    }
}
