//! Whom a message concerns, read from its raw `params`.
//!
//! The ids are found by the names that the protocol gives them everywhere, not
//! by method, so that messages newer than this crate are routed as well.

use std::borrow::Cow;

use crate::envelope::PeekError;
use crate::scanner::Scanner;

/// The ids that say whom a message concerns. Absent, null and wrongly typed
/// ones are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeIds<'a> {
    /// `threadId`, `thread.id` or the legacy `conversationId`.
    pub thread_id: Option<Cow<'a, str>>,
    /// `turnId` or `turn.id`.
    pub turn_id: Option<Cow<'a, str>>,
    /// `itemId` or `item.id`.
    pub item_id: Option<Cow<'a, str>>,
    /// `loginId`.
    pub login_id: Option<Cow<'a, str>>,
}

/// Reads the ids out of `params`, and stops as soon as it has the thread, the
/// turn and the item.
///
/// ```
/// let ids = openai_codex_wire::scope::ids(r#"{"threadId":"t","turn":{"id":"u"}}"#);
/// assert_eq!(ids.thread_id.as_deref(), Some("t"));
/// assert_eq!(ids.turn_id.as_deref(), Some("u"));
/// ```
pub fn ids(params: &str) -> ScopeIds<'_> {
    let mut ids = ScopeIds::default();
    let mut scanner = Scanner::new(params);
    // What stands before a fault still counts: an id that routes is better
    // than none.
    let _ = scanner.members(|scanner, key| {
        ids.visit(scanner, key)?;
        Ok(!ids.is_full())
    });
    ids
}

/// The value that comes next and, if it is an object, its ids.
pub(crate) fn scan<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, ScopeIds<'a>), PeekError> {
    let mut ids = ScopeIds::default();
    if scanner.peek_byte() != Some(b'{') {
        return Ok((scanner.value()?, ids));
    }
    let start = scanner.position();
    scanner.members(|scanner, key| ids.visit(scanner, key).map(|()| true))?;
    Ok((scanner.since(start), ids))
}

impl<'a> ScopeIds<'a> {
    /// Whether none of the ids is there.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn is_full(&self) -> bool {
        self.thread_id.is_some() && self.turn_id.is_some() && self.item_id.is_some()
    }

    /// Consumes the value of one member of `params`.
    fn visit(&mut self, scanner: &mut Scanner<'a>, key: &str) -> Result<(), PeekError> {
        let (id, nested) = match key {
            "threadId" => (&mut self.thread_id, false),
            "turnId" => (&mut self.turn_id, false),
            "itemId" => (&mut self.item_id, false),
            "loginId" => (&mut self.login_id, false),
            "thread" => (&mut self.thread_id, true),
            "turn" => (&mut self.turn_id, true),
            "item" => (&mut self.item_id, true),
            // Older than `threadId`, and it yields to it.
            "conversationId" if self.thread_id.is_none() => (&mut self.thread_id, false),
            _ => return scanner.value().map(drop),
        };
        let found = if nested {
            nested_id(scanner)?
        } else {
            string(scanner)?
        };
        // A plain id beats a nested one, whichever comes first.
        if found.is_some() && (!nested || id.is_none()) {
            *id = found;
        }
        Ok(())
    }
}

fn nested_id<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, PeekError> {
    if scanner.peek_byte() != Some(b'{') {
        scanner.value()?;
        return Ok(None);
    }
    let mut id = None;
    scanner.members(|scanner, key| {
        match key {
            "id" => id = string(scanner)?,
            _ => {
                scanner.value()?;
            }
        }
        Ok(true)
    })?;
    Ok(id)
}

fn string<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, PeekError> {
    if scanner.peek_byte() == Some(b'"') {
        return Ok(Some(scanner.string()?.text()));
    }
    scanner.value()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(params: &str, thread: &str, turn: &str, item: &str, login: &str) {
        let id = |text: &'static str| Some(Cow::Borrowed(text)).filter(|text| !text.is_empty());
        let leak = |text: &str| id(Box::leak(text.to_owned().into_boxed_str()));
        let expected = ScopeIds {
            thread_id: leak(thread),
            turn_id: leak(turn),
            item_id: leak(item),
            login_id: leak(login),
        };
        assert_eq!(ids(params), expected);
    }

    #[test]
    fn ids_are_found_by_name_in_any_order() {
        check(
            r#"{"threadId":"t","turnId":"u","itemId":"i","delta":"x"}"#,
            "t",
            "u",
            "i",
            "",
        );
        check(
            r#"{"item":{"content":[{"id":"no"}],"id":"i"},"threadId":"t","turnId":"u"}"#,
            "t",
            "u",
            "i",
            "",
        );
        check(
            r#"{"threadId":"t","turn":{"items":[{"id":"no"}],"id":"u"}}"#,
            "t",
            "u",
            "",
            "",
        );
        check(
            r#"{"thread":{"id":"t","turns":[{"id":"no"}]}}"#,
            "t",
            "",
            "",
            "",
        );
        check(r#"{"conversationId":"t","callId":"c"}"#, "t", "", "", "");
        check(r#"{"loginId":"l","success":true}"#, "", "", "", "l");
    }

    #[test]
    fn plain_ids_win_over_nested_and_legacy_ones() {
        check(r#"{"thread":{"id":"no"},"threadId":"t"}"#, "t", "", "", "");
        check(r#"{"threadId":"t","thread":{"id":"no"}}"#, "t", "", "", "");
        check(r#"{"threadId":"t","conversationId":"no"}"#, "t", "", "", "");
        check(r#"{"conversationId":"no","threadId":"t"}"#, "t", "", "", "");
    }

    #[test]
    fn null_and_wrongly_typed_ids_are_absent() {
        check(r#"{"threadId":"t","turnId":null}"#, "t", "", "", "");
        check(
            r#"{"threadId":7,"turnId":{"id":"x"},"turn":"u","item":[1]}"#,
            "",
            "",
            "",
            "",
        );
        check(r#"{"turn":{"id":7}}"#, "", "", "", "");
        check("null", "", "", "", "");
        check("[]", "", "", "", "");
        check("", "", "", "", "");
    }

    #[test]
    fn escapes_in_ids_are_resolved() {
        check(r#"{"\u0074hreadId":"t\u0031"}"#, "t1", "", "", "");
    }

    #[test]
    fn reading_stops_when_the_ids_are_complete() {
        check(
            r#"{"threadId":"t","turnId":"u","itemId":"i", broken"#,
            "t",
            "u",
            "i",
            "",
        );
    }
}
