//! Peeking at one line of the protocol: what it is, and where its parts lie.
//!
//! A client reads every message but understands only those that somebody asked
//! for. So the reader does not build a value tree: [`peek`] walks the line once,
//! finds the members of the envelope and the ids that route it, and hands out
//! slices of the line. Whoever wants the typed payload decodes the slice.
//!
//! The walk checks the shape that routing relies on (members, strings,
//! nesting); whether a slice is valid JSON in every detail is found by whoever
//! decodes it, and reported there with a reason.

use std::borrow::Cow;
use std::fmt;

use crate::RequestId;
use crate::scanner::Scanner;
use crate::scope::ScopeIds;
pub use crate::surrogates::repair_surrogates;

/// A message, as slices of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The sender wants an answer: the message has a `method` and an `id`.
    ///
    /// Each side numbers its own requests, so an `id` that equals one of ours
    /// does not make this a response.
    Request {
        /// The id to answer under.
        id: RequestId,
        /// The method on the wire.
        method: Cow<'a, str>,
        /// The raw JSON of `params`, where there are any.
        params: Option<&'a str>,
        /// Whom the message concerns.
        scope: ScopeIds<'a>,
    },
    /// The message has a `method` and no `id`.
    Notification {
        /// The method on the wire.
        method: Cow<'a, str>,
        /// The raw JSON of `params`, where there are any.
        params: Option<&'a str>,
        /// Whom the message concerns.
        scope: ScopeIds<'a>,
        /// When the server emitted it, in Unix milliseconds (since 0.154).
        emitted_at_ms: Option<i64>,
    },
    /// The message has an `id` and no `method`.
    Response {
        /// The id of the request that this answers.
        id: RequestId,
        /// The raw JSON of `result`, or of `error`. A response with neither
        /// counts as the result `null`, so that its waiter learns of it.
        outcome: Result<&'a str, &'a str>,
    },
}

/// Why a line is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeekError {
    /// A string has half of a UTF-16 surrogate pair in its escapes, which a
    /// model can emit. [`repair_surrogates`] mends the line.
    LoneSurrogate,
    /// The line is not a JSON object, or not one of the protocol.
    Malformed {
        /// How many bytes in.
        offset: usize,
        /// What was wrong there.
        reason: &'static str,
    },
}

impl fmt::Display for PeekError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoneSurrogate => f.write_str("a string escape has half of a surrogate pair"),
            Self::Malformed { offset, reason } => write!(f, "{reason} at byte {offset}"),
        }
    }
}

impl std::error::Error for PeekError {}

/// Finds out what a line is.
///
/// Members may come in any order; unknown ones are ignored, and of a repeated
/// one the last counts.
///
/// ```
/// use openai_codex_wire::envelope::{Message, peek};
///
/// let line = r#"{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u","itemId":"i","delta":"Hi"}}"#;
/// let Ok(Message::Notification { method, scope, .. }) = peek(line) else { panic!() };
/// assert_eq!(method, "item/agentMessage/delta");
/// assert_eq!(scope.turn_id.as_deref(), Some("u"));
/// ```
///
/// # Errors
///
/// When the line is no message of the protocol. See [`PeekError`].
pub fn peek(line: &str) -> Result<Message<'_>, PeekError> {
    let mut scanner = Scanner::new(line);
    let mut id = None;
    let mut method = None;
    let mut params = None;
    let mut scope = ScopeIds::default();
    let mut emitted_at_ms = None;
    let mut result = None;
    let mut error = None;

    scanner.members(|scanner, key| {
        match key {
            "method" => method = Some(scanner.string()?.text()),
            "params" => {
                let (raw, ids) = crate::scope::scan(scanner)?;
                params = Some(raw);
                scope = ids;
            }
            "emittedAtMs" => emitted_at_ms = scanner.value()?.parse().ok(),
            "id" => {
                id = match scanner.peek_byte() {
                    Some(b'"') => Some(RequestId::String(scanner.string()?.text().into_owned())),
                    _ => match scanner.value()? {
                        "null" => None,
                        number => {
                            Some(RequestId::Integer(number.parse().map_err(|_| {
                                scanner.malformed("the id is no 64-bit integer")
                            })?))
                        }
                    },
                }
            }
            "result" => result = Some(scanner.value()?),
            "error" => error = Some(scanner.value()?).filter(|raw| *raw != "null"),
            _ => {
                scanner.value()?;
            }
        }
        Ok(true)
    })?;
    scanner.end()?;

    match (method, id) {
        (Some(method), Some(id)) => Ok(Message::Request {
            id,
            method,
            params,
            scope,
        }),
        (Some(method), None) => Ok(Message::Notification {
            method,
            params,
            scope,
            emitted_at_ms,
        }),
        (None, Some(id)) => Ok(Message::Response {
            id,
            outcome: match (result, error) {
                (_, Some(error)) => Err(error),
                (Some(result), None) => Ok(result),
                (None, None) => Ok("null"),
            },
        }),
        (None, None) => Err(PeekError::Malformed {
            offset: 0,
            reason: "the object has neither a method nor an id",
        }),
    }
}

/// The string under a name in a JSON object, if there is one: a member of raw
/// `params`, without decoding the rest.
///
/// ```
/// use openai_codex_wire::envelope::string_member;
///
/// let params = r#"{"itemId":"i","delta":"Hi\n"}"#;
/// assert_eq!(string_member(params, "delta").as_deref(), Some("Hi\n"));
/// assert_eq!(string_member(params, "other"), None);
/// ```
pub fn string_member<'a>(object: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut scanner = Scanner::new(object);
    let mut found = None;
    // What stands before a fault still counts.
    let _ = scanner.members(|scanner, key| {
        if key == name {
            found = match scanner.peek_byte() {
                Some(b'"') => Some(scanner.string()?.text()),
                _ => None,
            };
            return Ok(false);
        }
        scanner.value()?;
        Ok(true)
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(line: &str) -> (String, Option<&str>, ScopeIds<'_>, Option<i64>) {
        match peek(line) {
            Ok(Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            }) => (method.into_owned(), params, scope, emitted_at_ms),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_notification_gives_its_parts() {
        let (method, params, scope, at) = notification(
            r#"{"method":"turn/started","params":{"threadId":"t","turn":{"id":"u","items":[]}},"emittedAtMs":17}"#,
        );
        assert_eq!(method, "turn/started");
        assert_eq!(
            params,
            Some(r#"{"threadId":"t","turn":{"id":"u","items":[]}}"#)
        );
        assert_eq!(scope.thread_id.as_deref(), Some("t"));
        assert_eq!(scope.turn_id.as_deref(), Some("u"));
        assert_eq!(at, Some(17));
    }

    #[test]
    fn the_order_of_members_and_white_space_do_not_matter() {
        let (method, params, scope, at) = notification(
            " { \"emittedAtMs\" : 17 ,\t\"jsonrpc\":\"2.0\", \"params\" : [ 1 , \"}\" ] , \"method\" : \"a\\/b\" } \r",
        );
        assert_eq!(method, "a/b");
        assert_eq!(params, Some("[ 1 , \"}\" ]"));
        assert_eq!(scope, ScopeIds::default());
        assert_eq!(at, Some(17));
    }

    #[test]
    fn a_method_with_an_id_is_a_request() {
        for (json, expected) in [
            ("0", RequestId::Integer(0)),
            ("-7", RequestId::Integer(-7)),
            ("\"a\\u0062\"", RequestId::String("ab".into())),
        ] {
            let line = format!(r#"{{"id":{json},"method":"m","params":{{"threadId":"t"}}}}"#);
            match peek(&line) {
                Ok(Message::Request { id, scope, .. }) => {
                    assert_eq!(id, expected);
                    assert_eq!(scope.thread_id.as_deref(), Some("t"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_response_gives_its_result_or_its_error() {
        for (line, expected) in [
            (r#"{"id":1,"result":{"a":[1,"]"]}}"#, Ok(r#"{"a":[1,"]"]}"#)),
            (r#"{"result":null,"id":1}"#, Ok("null")),
            (r#"{"error":{"code":1},"id":1}"#, Err(r#"{"code":1}"#)),
            (r#"{"id":1,"result":3,"error":null}"#, Ok("3")),
            (r#"{"id":1,"result":null,"error":"x"}"#, Err("\"x\"")),
            (r#"{"id":1}"#, Ok("null")),
        ] {
            let expected = Message::Response {
                id: RequestId::Integer(1),
                outcome: expected,
            };
            assert_eq!(peek(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_message_is_malformed() {
        for line in [
            "",
            "garbage",
            "[]",
            "7",
            "{}",
            "{\"id\":null}",
            "{\"id\":1.5,\"result\":1}",
            "{\"id\":18446744073709551616,\"result\":1}",
            "{\"method\":7}",
            "{\"method\":\"m\"",
            "{\"method\":\"m",
            "{\"method\":\"m\\",
            "{\"method\":\"m\",}",
            "{\"method\":\"m\" \"params\":1}",
            "{\"method\":\"m\"} x",
            "{\"method\":\"m\",\"params\":{\"a\":[}",
            "{\"method\":\"m\",\"params\":}",
            "{method:1}",
        ] {
            assert!(
                matches!(peek(line), Err(PeekError::Malformed { .. })),
                "{line}: {:?}",
                peek(line)
            );
        }
    }

    #[test]
    fn a_lone_surrogate_is_found_and_repaired() {
        for (json, text) in [
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\udE00x""#, "\u{fffd}x"),
            (r#""a\ud83d\ude00b\ud83d\n""#, "a😀b\u{fffd}\n"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
        ] {
            let line = format!(r#"{{"method":"m","params":{{"threadId":"t","delta":{json}}}}}"#);
            assert_eq!(peek(&line), Err(PeekError::LoneSurrogate), "{line}");
            let repaired = repair_surrogates(&line);
            let (_, params, ..) = notification(&repaired);
            let params: serde_json::Value = serde_json::from_str(params.unwrap()).unwrap();
            assert_eq!(params["delta"], text);
        }
    }

    #[test]
    fn a_whole_pair_and_an_escaped_backslash_are_left_alone() {
        for json in [
            r#""\ud83d\ude00""#,
            r#""\\ud83d""#,
            r#""\"\\""#,
            "\"日本\\u65e5\"",
        ] {
            let line = format!(r#"{{"method":"m","params":{json}}}"#);
            assert_eq!(notification(&line).1, Some(json));
            assert_eq!(repair_surrogates(&line), line);
        }
    }

    #[test]
    fn a_member_is_found_if_it_is_a_string() {
        for (object, expected) in [
            (r#"{"a":{"delta":"no"},"delta":"\u0041\n"}"#, Some("A\n")),
            (r#"{"delta":"x", broken"#, Some("x")),
            (r#"{"delta":7}"#, None),
            (r#"{"delta":null,"delta":"x"}"#, None),
            (r#"{"Delta":"x"}"#, None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(
                string_member(object, "delta").as_deref(),
                expected,
                "{object}"
            );
        }
    }

    /// Every cut of a real line is refused, and none panics.
    #[test]
    fn half_a_line_is_malformed() {
        let line = r#"{"method":"item/completed","params":{"item":{"type":"x","id":"i\n","v":[1,{"é":"\ud83d\ude00"}]},"threadId":"t"},"emittedAtMs":1}"#;
        assert!(peek(line).is_ok());
        for cut in (1..line.len()).filter(|cut| line.is_char_boundary(*cut)) {
            assert!(peek(&line[..cut]).is_err(), "{}", &line[..cut]);
            let _ = peek(&line[cut..]);
            let _ = repair_surrogates(&line[cut..]);
        }
    }
}
