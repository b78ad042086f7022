//! Items as the page shows them.

use openai_codex::types::{DynamicToolCallOutputContentItem, ThreadItem, UserInput};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct Told {
    id: String,
    kind: &'static str,
    text: String,
    output: Option<String>,
}

/// What the page shows of an item, if it is one that is shown.
pub(crate) fn told(item: &ThreadItem) -> Option<Told> {
    let (id, kind, text, output) = match item {
        ThreadItem::UserMessage(message) => {
            let texts = message.content.iter().filter_map(|input| match input {
                UserInput::Text(text) => Some(text.text.as_str()),
                _ => None,
            });
            (&message.id, "user", texts.collect(), None)
        }
        ThreadItem::AgentMessage(message) => (&message.id, "agent", message.text.clone(), None),
        ThreadItem::CommandExecution(command) => {
            let text = match command.exit_code {
                Some(0) | None => command.command.clone(),
                Some(code) => format!("{} (exit {code})", command.command),
            };
            (
                &command.id,
                "command",
                text,
                command.aggregated_output.clone(),
            )
        }
        ThreadItem::FileChange(patch) => {
            let paths = patch.changes.iter().map(|change| change.path.as_str());
            let diffs = patch.changes.iter().map(|change| change.diff.as_str());
            let text = paths.collect::<Vec<_>>().join(", ");
            (&patch.id, "patch", text, Some(diffs.collect()))
        }
        ThreadItem::DynamicToolCall(call) => {
            let outputs = call.content_items.iter().flatten();
            let outputs = outputs.filter_map(|output| match output {
                DynamicToolCallOutputContentItem::InputText(text) => Some(text.text.as_str()),
                _ => None,
            });
            let text = format!("{} {}", call.tool, call.arguments);
            (&call.id, "tool", text, Some(outputs.collect()))
        }
        _ => return None,
    };
    Some(Told {
        id: id.to_string(),
        kind,
        text,
        output: output.filter(|output: &String| !output.is_empty()),
    })
}
