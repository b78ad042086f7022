//! One notification, as it came.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use openai_codex_wire::envelope::{Message, peek, string_member};
use openai_codex_wire::scope::ScopeIds;
use openai_codex_wire::{NotificationSpec, Protocol, Role, ThreadId, Tier, TurnId};
use serde_json::value::RawValue;

use super::core::{json_string, one_line};

/// What an event weighs beside its text, for the bounds in bytes.
const OVERHEAD: usize = 160;

/// A notification of the server's, shared by all who get it. It keeps its line
/// and knows where the parts lie; nobody has decoded it yet.
///
/// A line that is no message of the protocol is an event as well, so that it
/// can be seen: it has no method and [`malformed`](Self::malformed) says why.
pub struct RawEvent {
    line: Box<str>,
    method: Span,
    params: Span,
    thread: Span,
    turn: Span,
    /// What is known of its method, if that is known.
    spec: Option<&'static NotificationSpec>,
    /// Unix milliseconds.
    emitted_at_ms: Option<i64>,
    /// What does not stand in the line literally.
    apart: Option<Box<Apart>>,
    /// The `delta` of `params`, if it has escapes and was asked for.
    delta: OnceLock<Box<str>>,
}

/// Parts that had escapes, and the reason why a line is malformed.
#[derive(Default)]
struct Apart {
    method: Option<Box<str>>,
    thread: Option<Box<str>>,
    turn: Option<Box<str>>,
    malformed: Option<Box<str>>,
}

/// A piece of the line.
#[derive(Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    const ABSENT: Self = Self {
        start: u32::MAX,
        end: u32::MAX,
    };

    /// A piece that was cut out of the line is found again by its address. Any
    /// other is absent.
    fn of(line: &str, piece: &str) -> Self {
        let start = (piece.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
        let end = start.wrapping_add(piece.len());
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) if start <= end && end as usize <= line.len() => {
                Self { start, end }
            }
            _ => Self::ABSENT,
        }
    }

    fn text(self, line: &str) -> Option<&str> {
        line.get(self.start as usize..self.end as usize)
    }
}

impl RawEvent {
    /// A notification whose pieces were cut out of `line`, with what is known of its method.
    #[expect(clippy::ptr_arg, reason = "whether it is borrowed is what is asked")]
    pub fn notification(
        line: &str,
        method: &Cow<'_, str>,
        params: Option<&str>,
        scope: &ScopeIds<'_>,
        emitted_at_ms: Option<i64>,
        spec: Option<&'static NotificationSpec>,
    ) -> Self {
        let mut apart = Apart::default();
        let mut any_apart = false;
        let mut part = |piece: Option<&Cow<'_, str>>, apart: &mut Option<Box<str>>| match piece {
            None => Span::ABSENT,
            Some(Cow::Borrowed(piece)) => Span::of(line, piece),
            Some(Cow::Owned(piece)) => {
                *apart = Some(piece.as_str().into());
                any_apart = true;
                Span::ABSENT
            }
        };
        let method_part = part(Some(method), &mut apart.method);
        let thread = part(scope.thread_id.as_ref(), &mut apart.thread);
        let turn = part(scope.turn_id.as_ref(), &mut apart.turn);
        Self {
            method: method_part,
            params: params.map_or(Span::ABSENT, |params| Span::of(line, params)),
            thread,
            turn,
            spec,
            emitted_at_ms,
            apart: any_apart.then(|| Box::new(apart)),
            delta: OnceLock::new(),
            line: line.into(),
        }
    }

    /// A line that is no message, for `reason`.
    pub fn malformed_line(line: &str, reason: &str) -> Self {
        Self {
            line: line.into(),
            method: Span::ABSENT,
            params: Span::ABSENT,
            thread: Span::ABSENT,
            turn: Span::ABSENT,
            spec: None,
            emitted_at_ms: None,
            apart: Some(Box::new(Apart {
                malformed: Some(reason.into()),
                ..Apart::default()
            })),
            delta: OnceLock::new(),
        }
    }

    /// The completion of a turn that no event told of, out of the `turn` that the
    /// server answered when it was asked.
    pub fn completion(
        protocol: &Protocol,
        thread: &ThreadId,
        turn: &TurnId,
        stored: &RawValue,
    ) -> Option<Self> {
        let method = protocol.method(Role::TurnCompleted)?;
        let line = format!(
            "{{\"method\":{},\"params\":{{\"threadId\":{},\"turnId\":{},\"turn\":{}}}}}",
            json_string(method),
            json_string(thread),
            json_string(turn),
            one_line(stored.get()),
        );
        match peek(&line) {
            Ok(Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            }) => Some(Self::notification(
                &line,
                &method,
                params,
                &scope,
                emitted_at_ms,
                protocol.notification(&method),
            )),
            _ => None,
        }
    }

    /// The method on the wire; empty for a malformed line.
    pub fn method(&self) -> &str {
        self.part(self.method, |apart| &apart.method)
            .unwrap_or_default()
    }

    /// The raw JSON of `params`; `null` where there are none.
    pub fn params(&self) -> &str {
        self.params.text(&self.line).unwrap_or("null")
    }

    /// The whole line.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The thread that it is about.
    pub fn thread_id(&self) -> Option<&str> {
        self.part(self.thread, |apart| &apart.thread)
    }

    /// The turn that it is about.
    pub fn turn_id(&self) -> Option<&str> {
        self.part(self.turn, |apart| &apart.turn)
    }

    fn part(&self, span: Span, apart: fn(&Apart) -> &Option<Box<str>>) -> Option<&str> {
        match &self.apart {
            None => span.text(&self.line),
            Some(parts) => apart(parts).as_deref().or(span.text(&self.line)),
        }
    }

    /// The `delta` of `params`, if it is text: read where it stands, and only
    /// copied if it has escapes.
    pub fn delta(&self) -> Option<&str> {
        if let Some(delta) = self.delta.get() {
            return Some(delta);
        }
        match string_member(self.params(), "delta")? {
            Cow::Borrowed(delta) => Some(delta),
            Cow::Owned(delta) => Some(self.delta.get_or_init(|| delta.into())),
        }
    }

    /// What it is to a connection.
    pub fn role(&self) -> Option<Role> {
        self.spec?.role
    }

    /// When the server emitted it, in Unix milliseconds.
    pub fn emitted_at_ms(&self) -> Option<i64> {
        self.emitted_at_ms
    }

    /// What may happen to it when a subscriber is slow.
    pub fn tier(&self) -> Tier {
        match self.spec {
            Some(spec) => spec.tier,
            // That the server sends what is no message must not be missed.
            None if self.malformed().is_some() => Tier::Lossless,
            None => Tier::BestEffort,
        }
    }

    /// Why the line is no message, if it is none.
    pub fn malformed(&self) -> Option<&str> {
        self.apart.as_ref()?.malformed.as_deref()
    }

    /// What it counts for in the bounds.
    pub fn weight(&self) -> usize {
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
    use super::*;

    fn event(line: &str) -> RawEvent {
        match peek(line) {
            Ok(Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            }) => RawEvent::notification(line, &method, params, &scope, emitted_at_ms, None),
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
        assert_eq!((event.thread_id(), event.malformed()), (None, None));
    }

    #[test]
    fn a_delta_is_read_with_and_without_escapes() {
        for (json, text) in [("a b", "a b"), ("", ""), ("a\\n\\u00e9", "a\n\u{e9}")] {
            let line = format!("{{\"method\":\"x\",\"params\":{{\"delta\":\"{json}\"}}}}");
            let event = event(&line);
            assert_eq!(event.delta(), Some(text));
            assert_eq!(event.delta(), Some(text));
        }
        assert_eq!(
            event(r#"{"method":"x","params":{"delta":7}}"#).delta(),
            None
        );
        assert_eq!(event(r#"{"method":"x"}"#).delta(), None);
    }
}
