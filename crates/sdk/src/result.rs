//! What a turn came to.

use std::time::{Duration, SystemTime};

use openai_codex_types::{
    AgentMessageThreadItem, CodexErrorInfo, MessagePhase, ThreadId, ThreadItem, ThreadTokenUsage,
    TurnError, TurnId, TurnStatus,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::connection::{Sign, TurnSummary};

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
///     println!("{} tokens", usage.last.total_tokens);
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
    /// The tokens that were used, by this turn and by the thread.
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
        let turn: Value = serde_json::from_str(turn.get()).unwrap_or_default();
        let error = Some(&turn["error"])
            .filter(|error| !error.is_null())
            .map(|error| {
                serde_json::from_str(&error.to_string()).unwrap_or_else(|_| {
                    TurnError::new(
                        error["message"]
                            .as_str()
                            .unwrap_or("the server gave no message"),
                    )
                })
            });
        Self {
            status: match turn["status"].as_str() {
                Some(status) => TurnStatus::from(status),
                None if error.is_some() => TurnStatus::Failed,
                None => TurnStatus::Completed,
            },
            error,
            started_at: turn["startedAt"].as_i64(),
            completed_at: turn["completedAt"].as_i64(),
            duration_ms: turn["durationMs"].as_i64(),
        }
    }
}

/// An item, kept as it came if it does not have its form.
fn item(raw: &RawValue) -> ThreadItem {
    decoded(raw).unwrap_or_else(|| {
        ThreadItem::Unrecognized(serde_json::from_str(raw.get()).unwrap_or_default())
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
        .map(text)
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
