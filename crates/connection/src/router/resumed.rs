//! What the server says of a thread: its state, and that of its turns.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use openai_codex_wire::envelope::string_member;
use openai_codex_wire::{Protocol, ThreadId, TurnId};
use serde_json::value::RawValue;

use crate::event::RawEvent;
use crate::signs::Sign;

/// A thread that was resumed, and is followed from now on.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(super) thread: ThreadId,
    /// The turns that run.
    pub(super) running: Vec<TurnId>,
    /// The turns that have ended, with an event that says how.
    pub(super) ended: Vec<(TurnId, Arc<RawEvent>)>,
    /// Whether a turn runs that is not among the listed ones: the caller can ask
    /// for an answer without turns.
    pub(super) is_busy: bool,
}

impl Resumed {
    /// Reads the `result` of `thread/resume`. Turns that `is_of_interest` does
    /// not want are not looked into.
    pub(crate) fn of(
        protocol: &Protocol,
        result: &str,
        is_of_interest: impl Fn(&ThreadId, &TurnId) -> bool,
    ) -> Option<Self> {
        let thread = members(result).remove("thread")?.get();
        let id = ThreadId::from(&*string_member(thread, "id")?);
        let thread = members(thread);
        let mut resumed = Self {
            thread: id,
            running: Vec::new(),
            ended: Vec::new(),
            is_busy: false,
        };
        let turns = thread.get("turns").map_or("[]", |turns| turns.get());
        let turns: Vec<&RawValue> = serde_json::from_str(turns).unwrap_or_default();
        for turn in turns {
            let Some(id) = string_member(turn.get(), "id") else {
                continue;
            };
            let id = TurnId::from(&*id);
            match string_member(turn.get(), "status").as_deref() {
                Some("inProgress") => resumed.running.push(id),
                Some(_) if is_of_interest(&resumed.thread, &id) => {
                    let completion = RawEvent::completion(protocol, &resumed.thread, &id, turn);
                    let ended = completion.map(|event| (id, Arc::new(event)));
                    resumed.ended.extend(ended);
                }
                _ => {}
            }
        }
        resumed.is_busy = resumed.running.is_empty()
            && thread.get("status").is_some_and(|status| {
                string_member(status.get(), "type").as_deref() == Some("active")
            });
        Some(resumed)
    }
}

/// Whether a `thread/status/changed` says that the thread was unloaded.
pub(super) fn is_not_loaded(event: &RawEvent) -> bool {
    has_status(event, "notLoaded")
}

/// Whether a `thread/status/changed` says that a turn runs, as it does again when
/// that one begins to wait for an answer.
pub(super) fn is_active(event: &RawEvent) -> bool {
    has_status(event, "active")
}

/// What a `thread/status/changed` says of the end of the thread's turns.
pub(super) fn sign_of_status(event: &RawEvent) -> Option<Sign> {
    if has_status(event, "systemError") {
        Some(Sign::SystemError)
    } else {
        has_status(event, "idle").then_some(Sign::Idle)
    }
}

/// Whether an `error` says that the server does not try again.
pub(super) fn is_final_error(event: &RawEvent) -> bool {
    let members = members(event.params());
    members
        .get("willRetry")
        .is_some_and(|it| it.get() == "false")
}

/// The turn out of a list of turns, if that says that it has ended.
pub(crate) fn stored_end<'a>(listed: &'a str, turn: &TurnId) -> Option<&'a RawValue> {
    let turns = members(listed).remove("data")?.get();
    let turns: Vec<&RawValue> = serde_json::from_str(turns).unwrap_or_default();
    turns.into_iter().find(|stored| {
        let member = |name| string_member(stored.get(), name);
        member("id").as_deref() == Some(turn.as_str())
            && member("status").is_some_and(|status| status != "inProgress")
    })
}

fn has_status(event: &RawEvent, status: &str) -> bool {
    // Most say something else, and need not be taken apart.
    event.params().contains(status)
        && members(event.params())
            .get("status")
            .is_some_and(|it| string_member(it.get(), "type").as_deref() == Some(status))
}

fn members(object: &str) -> HashMap<Cow<'_, str>, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use openai_codex_types::PROTOCOL;

    use super::*;

    #[test]
    fn the_turns_of_a_resumed_thread_are_told_apart() {
        let result = r#"{"model":"m","thread":{"id":"t","status":{"type":"active"},"turns":[
            {"id":"a","status":"completed"},{"id":"b","status":"inProgress"},
            {"id":"c","status":"failed"},7,{"status":"inProgress"}]}}"#;
        let resumed = Resumed::of(&PROTOCOL, result, |thread, turn| {
            *thread == "t" && *turn == "c"
        })
        .unwrap();
        assert_eq!(resumed.thread, "t");
        assert_eq!(resumed.running, ["b"]);
        assert!(!resumed.is_busy);
        let [(turn, completion)] = &resumed.ended[..] else {
            panic!("{resumed:?}")
        };
        assert_eq!(*turn, "c");
        assert_eq!(completion.turn_id(), Some("c"));
    }

    #[test]
    fn a_running_turn_that_is_not_listed_is_known_to_be_there() {
        let busy =
            |json: &str| Resumed::of(&PROTOCOL, json, |_, _| true).map(|resumed| resumed.is_busy);
        assert_eq!(
            busy(r#"{"thread":{"id":"t","status":{"type":"active"},"turns":[]}}"#),
            Some(true)
        );
        assert_eq!(
            busy(r#"{"thread":{"id":"t","status":{"type":"idle"}}}"#),
            Some(false)
        );
        assert_eq!(busy(r#"{"thread":7}"#), None);
        assert_eq!(busy("null"), None);
    }

    #[test]
    fn only_a_turn_that_is_listed_as_ended_is_believed() {
        let listed = r#"{"data":[7,{"id":"a","status":"inProgress"},{"status":"completed"},
            {"id":"b","status":"failed"},{"id":"c"}]}"#;
        let end = |turn: &str| stored_end(listed, &turn.into()).map(RawValue::get);
        assert_eq!(end("b"), Some(r#"{"id":"b","status":"failed"}"#));
        for turn in ["a", "c", "d"] {
            assert_eq!(end(turn), None);
        }
        for listed in ["null", r#"{"data":7}"#, "{}"] {
            assert!(stored_end(listed, &"b".into()).is_none());
        }
    }
}
