//! What a turn came to.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use openai_codex_types::{
    AgentMessageThreadItem, CodexErrorInfo, MessagePhase, ThreadId, ThreadItem, ThreadTokenUsage,
    TurnError, TurnId, TurnStatus,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use openai_codex_connection::{Sign, TurnSummary};

/// What a turn came to.
///
/// Of a turn that failed, timed out or was cut off, it holds what came before:
/// see [`Error::turn_result`](crate::Error::turn_result).
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::types::ThreadItem;
///
/// let result = thread.run("Fix the test.").await?;
/// for item in &result.items {
///     if let ThreadItem::FileChange(change) = item {
///         println!("{} files changed", change.changes.len());
///     }
/// }
/// println!("{:?} in {:?}", result.final_response, result.duration);
/// if let Some(usage) = &result.usage {
///     println!("{} tokens in this thread so far", usage.total.total_tokens);
///     println!("{} of them in the last request to the model", usage.last.total_tokens);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnResult {
    /// The turn's id.
    pub id: TurnId,
    /// The thread's id.
    pub thread_id: ThreadId,
    /// How it ended: `Completed`, `Interrupted` or `Failed`; `InProgress` if its
    /// end is not known.
    pub status: TurnStatus,
    /// Why it failed.
    pub error: Option<TurnError>,
    /// When it started, to the second.
    pub started_at: Option<SystemTime>,
    /// When it ended, to the second.
    pub completed_at: Option<SystemTime>,
    /// How long it took, to the millisecond.
    pub duration: Option<Duration>,
    /// What the agent answered: its last message of phase `final_answer`, else
    /// the last without a phase. Commentary never counts. An empty message is
    /// `Some("")`.
    pub final_response: Option<String>,
    /// Every completed item, in order.
    pub items: Vec<ThreadItem>,
    /// The tokens as the runtime told them last: `last` is the last request to the model, of
    /// which a turn with tools makes several, and `total` the whole thread, earlier turns
    /// included. Neither is this turn's own use.
    pub usage: Option<ThreadTokenUsage>,
}

impl TurnResult {
    /// Why the turn failed, in the server's terms.
    pub fn codex_error_info(&self) -> Option<&CodexErrorInfo> {
        self.error.as_ref()?.codex_error_info.as_ref()
    }

    /// A result out of what the reader kept. `earlier` are the items from before
    /// it listened, if there were any.
    pub(crate) fn of(
        thread_id: &ThreadId,
        id: &TurnId,
        summary: &TurnSummary,
        earlier: Option<Vec<ThreadItem>>,
    ) -> Self {
        let mut turn = summary.turn().map(Ended::of).unwrap_or_default();
        if summary.failed().is_some() {
            turn.status = TurnStatus::Failed;
        }
        let mut items: Vec<ThreadItem> = summary
            .items()
            .filter_map(|(_, raw)| raw.map(item))
            .collect();
        if let Some(earlier) = earlier {
            items = merge(earlier, items);
        }
        let reported = || {
            (turn.status == TurnStatus::Failed)
                .then(|| summary.error().and_then(decoded))
                .flatten()
        };
        let in_trouble = || {
            let is_it = summary.failed() == Some(Sign::SystemError);
            is_it.then(|| TurnError::new("the server says that its thread is in a system error"))
        };
        Self {
            id: id.clone(),
            thread_id: thread_id.clone(),
            error: turn.error.or_else(reported).or_else(in_trouble),
            status: turn.status,
            started_at: turn.started_at.and_then(seconds),
            completed_at: turn.completed_at.and_then(seconds),
            duration: turn
                .duration_ms
                .and_then(|ms| u64::try_from(ms).ok())
                .map(Duration::from_millis),
            final_response: final_response(&items),
            items,
            usage: summary.usage().and_then(decoded),
        }
    }
}

/// The parts of `turn/completed` that a result is made of.
struct Ended {
    status: TurnStatus,
    error: Option<TurnError>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    duration_ms: Option<i64>,
}

impl Default for Ended {
    fn default() -> Self {
        Self {
            status: TurnStatus::InProgress,
            error: None,
            started_at: None,
            completed_at: None,
            duration_ms: None,
        }
    }
}

impl Ended {
    /// Reads the `turn` of `turn/completed` member by member, and not its items:
    /// a turn that has ended must not look as if it had not because one of its
    /// items cannot be read.
    fn of(turn: &RawValue) -> Self {
        let turn = members(turn);
        let error = turn
            .get("error")
            .filter(|error| error.get() != "null")
            .map(|error| {
                serde_json::from_str(error.get()).unwrap_or_else(|_| {
                    let message = member::<String>(&members(error), "message");
                    TurnError::new(message.as_deref().unwrap_or("the server gave no message"))
                })
            });
        Self {
            status: match member::<String>(&turn, "status") {
                Some(status) => TurnStatus::from(&*status),
                None if error.is_some() => TurnStatus::Failed,
                None => TurnStatus::Completed,
            },
            error,
            started_at: member(&turn, "startedAt"),
            completed_at: member(&turn, "completedAt"),
            duration_ms: member(&turn, "durationMs"),
        }
    }
}

/// The members of an object, each as its text, however deep it is; none of what is no object.
pub(crate) fn members(object: &RawValue) -> BTreeMap<String, &RawValue> {
    match serde_json::from_str(object.get()) {
        Ok(members) => members,
        Err(error) => {
            tracing::warn!(%error, "a part of a message is no object");
            BTreeMap::new()
        }
    }
}

/// A member, if it is there and of that type.
pub(crate) fn member<T: DeserializeOwned>(
    members: &BTreeMap<String, &RawValue>,
    name: &str,
) -> Option<T> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// An item, kept as it came if it does not have its form: as its text where it cannot be read.
fn item(raw: &RawValue) -> ThreadItem {
    decoded(raw).unwrap_or_else(|| {
        let value = serde_json::from_str(raw.get()).unwrap_or_else(|error| {
            // Nested too deeply, for it is JSON: its text is all that can be kept of it.
            tracing::warn!(%error, "an item cannot be read; its text is kept");
            Value::String(raw.get().to_owned())
        });
        ThreadItem::Unrecognized(value)
    })
}

fn decoded<T: DeserializeOwned>(raw: &RawValue) -> Option<T> {
    match openai_codex_wire::decode("a part of a turn", raw.get()) {
        Ok(part) => Some(part),
        Err(error) => {
            tracing::warn!(%error, "a part of a turn does not have its form");
            None
        }
    }
}

/// What the server keeps of a turn, with what came since in its place.
fn merge(earlier: Vec<ThreadItem>, seen: Vec<ThreadItem>) -> Vec<ThreadItem> {
    let mut merged = earlier;
    for item in seen {
        let same = merged
            .iter()
            .position(|other| other.id().is_some() && other.id() == item.id());
        match same {
            Some(at) => merged[at] = item,
            None => merged.push(item),
        }
    }
    merged
}

fn final_response(items: &[ThreadItem]) -> Option<String> {
    let messages = || {
        items.iter().rev().filter_map(|item| match item {
            ThreadItem::AgentMessage(message) => Some(message),
            _ => None,
        })
    };
    let text = |message: &AgentMessageThreadItem| message.text.clone();
    messages()
        .find(|message| message.phase == Some(MessagePhase::FinalAnswer))
        .or_else(|| messages().find(|message| message.phase.is_none()))
        .map(|message| text(message))
}

fn seconds(unix: i64) -> Option<SystemTime> {
    let seconds = Duration::from_secs(u64::try_from(unix).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(messages: &[(&str, Option<&str>)]) -> Option<String> {
        let items: Vec<ThreadItem> = messages
            .iter()
            .map(|(text, phase)| {
                let mut message = AgentMessageThreadItem::new("i", *text);
                message.phase = phase.map(MessagePhase::from);
                message.into()
            })
            .collect();
        final_response(&items)
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn an_item_that_is_too_deep_is_kept_as_its_text() {
        for depth in [120, 126, 127, 128, 500] {
            let json = format!(
                r#"{{"type":"mcpToolCall","id":"i","deep":{}{}}}"#,
                "[".repeat(depth),
                "]".repeat(depth)
            );
            match item(&raw(&json)) {
                ThreadItem::Unrecognized(Value::String(text)) => assert_eq!(text, json),
                ThreadItem::Unrecognized(value) => {
                    // Its members may be in another order.
                    assert_eq!(value.to_string().len(), json.len());
                    assert_eq!(value["id"], "i");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_turn_with_an_item_that_is_too_deep_has_ended_as_it_did() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let ended = Ended::of(&raw(&format!(
            r#"{{"status":"failed","items":[{deep}],"error":{{"message":"no such model","x":{deep}}},"startedAt":7,"durationMs":null}}"#
        )));
        assert_eq!(ended.status, TurnStatus::Failed);
        assert_eq!(ended.error.unwrap().message, "no such model");
        assert_eq!((ended.started_at, ended.duration_ms), (Some(7), None));
    }

    #[test]
    fn the_final_response_follows_the_phases() {
        assert_eq!(messages(&[]), None);
        assert_eq!(messages(&[("a", None), ("b", None)]).as_deref(), Some("b"));
        assert_eq!(messages(&[("a", None), ("", None)]).as_deref(), Some(""));
        assert_eq!(messages(&[("a", Some("commentary"))]), None);
        assert_eq!(messages(&[("a", Some("partial_answer"))]), None);
        assert_eq!(
            messages(&[
                ("a", Some("final_answer")),
                ("b", None),
                ("c", Some("commentary"))
            ])
            .as_deref(),
            Some("a")
        );
        assert_eq!(
            messages(&[("a", None), ("b", Some("from a newer server"))]).as_deref(),
            Some("a")
        );
    }
}
