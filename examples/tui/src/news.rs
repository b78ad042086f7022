//! What the agent and the screen tell each other.

use openai_codex::types::{FileUpdateChange, PatchChangeKind, ThreadItem, UserInput};
use openai_codex::{ThreadId, TurnId};
use tokio::sync::oneshot;

/// How many bytes are kept of a command's output.
const OUTPUT: usize = 16 * 1024;

/// What happens.
#[derive(Debug)]
pub enum News {
    /// The stored threads, newest first.
    Threads(Vec<Listed>),
    /// A thread is open, with what was said in it.
    Opened(ThreadId, Vec<Entry>),
    /// A turn has begun.
    Began(TurnId),
    /// More of a message.
    Delta(String, String),
    /// An item has begun or ended.
    Item(Entry),
    /// Something to be known, such as that the model is asked again.
    Remark(String),
    /// All that the turn has changed so far.
    Diff(String),
    /// The agent asks.
    Asked(Question),
    /// Nobody waits any more for the answer to a question.
    Settled,
    /// The turn is over; what to say of it.
    Ended(Option<String>),
    /// The thread cannot be opened; why. The next message starts a new one.
    NotOpened(String),
    /// Something else went wrong.
    Problem(String),
}

/// What the user wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    List,
    Open(ThreadId),
    /// The next message starts a thread.
    New,
    Say(String),
    Interrupt(TurnId),
    Quit,
}

#[derive(Clone, Debug)]
pub struct Listed {
    pub id: ThreadId,
    pub title: String,
}

/// A question that waits for its answer. Dropped without one, it is refused.
#[derive(Debug)]
pub struct Question {
    pub what: String,
    pub reason: Option<String>,
    pub answer: oneshot::Sender<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Agent,
    Command,
    Patch,
    Tool,
    Note,
}

/// An item on the screen.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub kind: Kind,
    pub text: String,
    pub output: String,
    /// Only the end of the output is kept.
    pub is_cut: bool,
}

impl Entry {
    /// A remark of this program.
    pub fn note(text: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            kind: Kind::Note,
            text: text.into(),
            output: String::new(),
            is_cut: false,
        }
    }

    /// What is shown of an item, if it is one that is shown.
    pub fn of(item: &ThreadItem) -> Option<Self> {
        let mut is_cut = false;
        let (id, kind, text, output) = match item {
            ThreadItem::UserMessage(message) => {
                let texts = message.content.iter().filter_map(|input| match input {
                    UserInput::Text(text) => Some(text.text.as_str()),
                    _ => None,
                });
                (&message.id, Kind::User, texts.collect(), String::new())
            }
            ThreadItem::AgentMessage(message) => (
                &message.id,
                Kind::Agent,
                message.text.clone(),
                String::new(),
            ),
            ThreadItem::CommandExecution(command) => {
                let text = match command.exit_code {
                    Some(0) | None => command.command.clone(),
                    Some(code) => format!("{}  (exit {code})", command.command),
                };
                let all = command.aggregated_output.as_deref().unwrap_or_default();
                let output = end_of(all).to_owned();
                is_cut = output.len() < all.len();
                (&command.id, Kind::Command, text, output)
            }
            ThreadItem::FileChange(patch) => {
                let paths = patch.changes.iter().map(|change| change.path.as_str());
                let diffs = patch.changes.iter().map(diff);
                let text = paths.collect::<Vec<_>>().join(", ");
                (&patch.id, Kind::Patch, text, diffs.collect())
            }
            ThreadItem::McpToolCall(call) => {
                let text = format!("{} {}", call.server, call.tool);
                (&call.id, Kind::Tool, text, String::new())
            }
            _ => return None,
        };
        Some(Self {
            id: id.to_string(),
            kind,
            text,
            output,
            is_cut,
        })
    }
}

/// What is kept of a command's output.
fn end_of(output: &str) -> &str {
    let from = output.len().saturating_sub(OUTPUT);
    let from = (from..=output.len()).find(|at| output.is_char_boundary(*at));
    from.and_then(|from| output.get(from..)).unwrap_or_default()
}

/// As a diff also where the runtime gives the lines of the file: if it is new, or deleted.
fn diff(change: &FileUpdateChange) -> String {
    let sign = match change.kind {
        PatchChangeKind::Add => "+",
        PatchChangeKind::Delete => "-",
        _ => return change.diff.clone(),
    };
    let lines = change.diff.lines();
    lines.map(|line| format!("{sign}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_output_is_kept() {
        assert_eq!(end_of("short"), "short");
        let long = format!("{}é{}", "a".repeat(9), "b".repeat(OUTPUT - 1));
        assert_eq!(end_of(&long), "b".repeat(OUTPUT - 1));
    }
}
