//! Reads a recording.

use std::fmt;
use std::time::Duration;

use openai_codex_wire::envelope::{Message, PeekError, peek, string_member};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Direction;

/// A recording that was read.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Who recorded it.
    pub by: Option<String>,
    /// The version of the protocol that the recorder was written for.
    pub protocol: Option<String>,
    /// The messages, in their order.
    pub entries: Vec<Entry>,
    /// Who hung up first, as the sender in this direction.
    pub ended: Option<(Direction, Duration)>,
    /// Why the rest is not there.
    pub cut: Option<String>,
}

/// A message of a recording.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The number of its line, from 1.
    pub line: usize,
    /// Which way it went.
    pub direction: Direction,
    /// When, since the recording began.
    pub at: Duration,
    /// What it was.
    pub payload: Payload,
}

/// What went over the wire.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A message, without its secrets.
    Message(Box<RawValue>),
    /// So many bytes that were no message.
    Unreadable(u64),
}

impl Entry {
    /// The message's JSON, `None` for what was no message.
    pub fn json(&self) -> Option<&str> {
        match &self.payload {
            Payload::Message(raw) => Some(raw.get()),
            Payload::Unreadable(_) => None,
        }
    }

    /// What the message is, in slices of its JSON; `None` for what was no message.
    pub fn message(&self) -> Option<Message<'_>> {
        self.peek().and_then(Result::ok)
    }

    /// As [`message`](Self::message), with the reason why it is none.
    pub fn peek(&self) -> Option<Result<Message<'_>, PeekError>> {
        self.json().map(peek)
    }
}

impl Recording {
    /// Reads a recording.
    ///
    /// Also one without a header, and one that broke off in the middle of its last line, which then
    /// is [cut](Self::cut). Members that it does not know are ignored.
    ///
    /// ```
    /// use openai_codex_recording::Recording;
    ///
    /// let text = r#"{"dir":"c2s","t":0.1,"msg":{"method":"initialized"}}"#;
    /// assert_eq!(Recording::parse(text).unwrap().entries.len(), 1);
    /// assert_eq!(Recording::parse("{}").unwrap_err().line(), 1);
    /// ```
    ///
    /// # Errors
    /// When a line is none of a recording: the error has its number and the reason.
    pub fn parse(text: &str) -> Result<Self, RecordingError> {
        let mut recording = Self::default();
        // Some editors put it there.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.split_inclusive('\n').enumerate().peekable();
        while let Some((index, line)) = lines.next() {
            let number = index + 1;
            if line.trim().is_empty() {
                continue;
            }
            recording.add_line(number, line, lines.peek().is_none())?;
        }
        Ok(recording)
    }

    /// Reads one more line, for whoever has no room for all of them and takes out of
    /// [`entries`](Self::entries) what has come.
    ///
    /// `number` counts the lines from 1. `is_last` says that nothing follows, so that this line may
    /// have been broken off.
    ///
    /// ```
    /// use openai_codex_recording::Recording;
    ///
    /// let mut recording = Recording::default();
    /// let line = r#"{"dir":"c2s","t":0.1,"msg":{"method":"initialized"}}"#;
    /// recording.add_line(1, line, true).unwrap();
    /// assert_eq!(recording.entries.drain(..).count(), 1);
    /// ```
    ///
    /// # Errors
    /// When it is none of a recording: the error has its number and the reason.
    pub fn add_line(
        &mut self,
        number: usize,
        line: &str,
        is_last: bool,
    ) -> Result<(), RecordingError> {
        let Err(reason) = self.add(number, line) else {
            return Ok(());
        };
        // Who recorded was killed, or the disk was full.
        if is_last && number > 1 && is_unfinished(line) {
            self.cut = Some(format!("line {number} breaks off"));
            return Ok(());
        }
        Err(RecordingError {
            line: number,
            reason,
        })
    }

    /// The runtime's version as it said itself, in its answer to `initialize`.
    pub fn runtime_version(&self) -> Option<String> {
        self.entries.iter().find_map(|entry| {
            let Message::Response {
                outcome: Ok(result),
                ..
            } = entry.message()?
            else {
                return None;
            };
            let agent = string_member(result, "userAgent")?;
            let (_, version) = agent.split_once('/')?;
            version.split_whitespace().next().map(str::to_owned)
        })
    }

    fn add(&mut self, number: usize, text: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(text).map_err(|error| reason(&error))?;
        let at = || seconds(line.t);
        if let Some(version) = line.recording {
            if version != 1 {
                return Err(format!(
                    "recordings of version {version} are not understood"
                ));
            }
            self.by = line.by;
            self.protocol = line.protocol;
        } else if let Some(ended) = &line.end {
            let by = match ended.as_str() {
                "client" => Direction::ToServer,
                "server" => Direction::ToClient,
                other => return Err(format!("`end` is `client` or `server`, not `{other}`")),
            };
            self.ended = Some((by, at()?));
        } else if let Some(why) = line.cut {
            self.cut = Some(why);
        } else {
            let direction = match line.dir.as_deref() {
                Some("c2s") => Direction::ToServer,
                Some("s2c") => Direction::ToClient,
                _ => return Err("`dir` is missing, which is `c2s` or `s2c`".to_owned()),
            };
            let payload = match (line.msg, line.unreadable) {
                (Some(message), _) => Payload::Message(message),
                (None, Some(length)) => Payload::Unreadable(length),
                (None, None) => return Err("the message is missing, `msg`".to_owned()),
            };
            self.entries.push(Entry {
                line: number,
                direction,
                at: at()?,
                payload,
            });
        }
        Ok(())
    }
}

/// Whether a line has no end and is the beginning of an object.
fn is_unfinished(line: &str) -> bool {
    let parsed = serde_json::from_str::<serde::de::IgnoredAny>(line);
    line.starts_with('{') && !line.ends_with('\n') && parsed.is_err_and(|error| error.is_eof())
}

/// The reason without the number of the line, which to serde_json is always the first.
fn reason(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = error.to_string();
    match reason.strip_suffix(&place) {
        Some(what) => format!("{what} at column {}", error.column()),
        None => reason,
    }
}

fn seconds(t: Option<f64>) -> Result<Duration, String> {
    let t = t.unwrap_or_default();
    Duration::try_from_secs_f64(t).map_err(|_| format!("`t` is no time in seconds: {t}"))
}

/// What a line can have.
#[derive(Default)]
struct Line {
    recording: Option<u64>,
    by: Option<String>,
    protocol: Option<String>,
    dir: Option<String>,
    t: Option<f64>,
    msg: Option<Box<RawValue>>,
    unreadable: Option<u64>,
    end: Option<String>,
    cut: Option<String>,
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a line of a recording")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut line = Line::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "recording" => line.recording = Some(map.next_value()?),
                        "by" => line.by = map.next_value()?,
                        "protocol" => line.protocol = map.next_value()?,
                        "dir" => line.dir = Some(map.next_value()?),
                        "t" => line.t = Some(map.next_value()?),
                        "msg" => line.msg = Some(map.next_value()?),
                        "unreadable" => line.unreadable = Some(map.next_value()?),
                        "end" => line.end = Some(map.next_value()?),
                        "cut" => line.cut = Some(map.next_value()?),
                        _ => drop(map.next_value::<Value>()?),
                    }
                }
                Ok(line)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Why a text is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingError {
    line: usize,
    reason: String,
}

impl RecordingError {
    /// The number of the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} is none of a recording: {}",
            self.line, self.reason
        )
    }
}

impl std::error::Error for RecordingError {}
