//! One notification, as it came.

use std::fmt;

use openai_codex_wire::Tier;
use openai_codex_wire::scope::ScopeIds;

/// What an event weighs beside its text, for the bounds in bytes.
const OVERHEAD: usize = 160;

/// A notification of the server's, shared by all who get it. It keeps its line
/// and knows where the parts lie; nobody has decoded it yet.
///
/// A line that is no message of the protocol is an event as well, so that it
/// can be seen: it has no method and [`malformed`](Self::malformed) says why.
pub(crate) struct RawEvent {
    line: Box<str>,
    parts: Parts,
    tier: Tier,
    /// Unix milliseconds.
    emitted_at_ms: Option<i64>,
    malformed: Option<Box<str>>,
}

#[derive(Default)]
struct Parts {
    method: Part,
    params: Part,
    thread: Part,
    turn: Part,
}

/// A piece of the line, or text that does not stand there literally.
#[derive(Default)]
enum Part {
    #[default]
    Absent,
    At {
        start: u32,
        length: u32,
    },
    Owned(Box<str>),
}

impl Part {
    /// A piece that was cut out of the line is found again by its address; any
    /// other (an id that had escapes) is copied.
    fn of(line: &str, piece: Option<&str>) -> Self {
        let Some(piece) = piece else {
            return Self::Absent;
        };
        let start = (piece.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        let end = start.wrapping_add(piece.len());
        let at = u32::try_from(start)
            .ok()
            .zip(u32::try_from(piece.len()).ok());
        match at {
            Some((start, length)) if line.get(start as usize..end) == Some(piece) => {
                Self::At { start, length }
            }
            _ => Self::Owned(piece.into()),
        }
    }

    fn text<'a>(&'a self, line: &'a str) -> Option<&'a str> {
        match self {
            Self::Absent => None,
            Self::At { start, length } => line.get(*start as usize..)?.get(..*length as usize),
            Self::Owned(text) => Some(text),
        }
    }
}

impl RawEvent {
    /// A notification whose pieces were cut out of `line`.
    pub(crate) fn notification(
        line: &str,
        method: &str,
        params: Option<&str>,
        scope: &ScopeIds<'_>,
        emitted_at_ms: Option<i64>,
        tier: Tier,
    ) -> Self {
        let parts = Parts {
            method: Part::of(line, Some(method)),
            params: Part::of(line, params),
            thread: Part::of(line, scope.thread_id.as_deref()),
            turn: Part::of(line, scope.turn_id.as_deref()),
        };
        Self {
            line: line.into(),
            parts,
            tier,
            emitted_at_ms,
            malformed: None,
        }
    }

    /// A line that is no message, for `reason`.
    pub(crate) fn malformed_line(line: &str, reason: &str) -> Self {
        Self {
            line: line.into(),
            parts: Parts::default(),
            tier: Tier::Lossless,
            emitted_at_ms: None,
            malformed: Some(reason.into()),
        }
    }

    /// The method on the wire; empty for a malformed line.
    pub(crate) fn method(&self) -> &str {
        self.parts.method.text(&self.line).unwrap_or_default()
    }

    /// The raw JSON of `params`; `null` where there are none.
    pub(crate) fn params(&self) -> &str {
        self.parts.params.text(&self.line).unwrap_or("null")
    }

    /// The whole line.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    pub(crate) fn thread_id(&self) -> Option<&str> {
        self.parts.thread.text(&self.line)
    }

    pub(crate) fn turn_id(&self) -> Option<&str> {
        self.parts.turn.text(&self.line)
    }

    /// When the server emitted it, in Unix milliseconds.
    pub(crate) fn emitted_at_ms(&self) -> Option<i64> {
        self.emitted_at_ms
    }

    pub(crate) fn tier(&self) -> Tier {
        self.tier
    }

    /// Why the line is no message, if it is none.
    pub(crate) fn malformed(&self) -> Option<&str> {
        self.malformed.as_deref()
    }

    /// What it counts for in the bounds.
    pub(crate) fn weight(&self) -> usize {
        self.line.len() + OVERHEAD
    }
}

/// Without the payload, which may hold a prompt.
impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawEvent")
            .field("method", &self.method())
            .field("thread_id", &self.thread_id())
            .field("turn_id", &self.turn_id())
            .field("bytes", &self.line.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use openai_codex_wire::envelope::{Message, peek};

    use super::*;

    fn event(line: &str) -> RawEvent {
        match peek(line) {
            Ok(Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            }) => RawEvent::notification(
                line,
                &method,
                params,
                &scope,
                emitted_at_ms,
                Tier::BestEffort,
            ),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_event_knows_its_parts() {
        let event = event(
            r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u"}},"emittedAtMs":5}"#,
        );
        assert_eq!(event.method(), "turn/started");
        assert_eq!(event.params(), r#"{"threadId":"t","turn":{"id":"u"}}"#);
        assert_eq!(event.thread_id(), Some("t"));
        assert_eq!(event.turn_id(), Some("u"));
        assert_eq!(event.emitted_at_ms(), Some(5));
    }

    #[test]
    fn escaped_and_absent_parts_work_too() {
        let event = event(r#"{"method":"a\u002fb","params":{"threadId":"t\u0031"}}"#);
        assert_eq!(event.method(), "a/b");
        assert_eq!(event.thread_id(), Some("t1"));
        assert_eq!(event.turn_id(), None);
        let event = self::event(r#"{"method":"x"}"#);
        assert_eq!(event.params(), "null");
    }
}
