//! What the runtime asked of the model, with typed access.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// How the runtime marks text that it puts into user messages by itself.
///
/// Seen with 0.163.0; a mark that is missing here shows up as one more user text.
const INJECTED: [&str; 6] = [
    "<environment_context>",
    "<user_instructions>",
    "<turn_aborted>",
    "<skill>",
    "# AGENTS.md instructions",
    // What a compaction puts in the place of the conversation.
    "Another language model started to solve this problem",
];

/// The header in which the runtime says on whose behalf it asks, as JSON.
const METADATA: &str = "x-codex-turn-metadata";

/// One request that the model got: headers and body of a `POST /v1/responses`.
///
/// Cloning is cheap. `Debug` shows a summary, with credentials struck out.
#[derive(Clone)]
pub struct ModelRequest(Arc<Inner>);

struct Inner {
    number: usize,
    round: usize,
    headers: Vec<(String, String)>,
    body: Value,
    size: usize,
    metadata: Value,
}

/// A tool that the model was offered.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OfferedTool<'a> {
    /// The name by which the model calls it; the type for built-in tools without a name.
    pub name: &'a str,
    /// The namespace it is offered in, if any.
    pub namespace: Option<&'a str>,
    /// What the model is told about it.
    pub description: &'a str,
    /// The JSON schema of its arguments; null where it has none.
    pub parameters: &'a Value,
}

/// The result of a tool call, as the model was told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FunctionOutput<'a> {
    /// The call that it answers.
    pub call_id: &'a str,
    /// The output as it was sent: a string, or a list of content items.
    pub output: &'a Value,
}

impl FunctionOutput<'_> {
    /// The text of the output, content items joined.
    pub fn text(&self) -> String {
        match self.output {
            Value::String(text) => text.clone(),
            other => content_texts(other).collect(),
        }
    }
}

impl ModelRequest {
    pub(crate) fn new(headers: Vec<(String, String)>, body: Value, size: usize) -> Self {
        let metadata = headers
            .iter()
            .find(|(name, _)| name == METADATA)
            .and_then(|(_, value)| serde_json::from_str(value).ok())
            .unwrap_or(Value::Null);
        ModelRequest(Arc::new(Inner {
            number: 0,
            round: 1,
            headers,
            body,
            size,
            metadata,
        }))
    }

    /// Gives the request its place among the others. Before it is shared.
    pub(crate) fn placed(self, number: usize, round: usize) -> Self {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => ModelRequest(Arc::new(Inner {
                number,
                round,
                ..inner
            })),
            Err(shared) => ModelRequest(shared),
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.0.size
    }

    /// Which request of this model it is, from 1.
    pub fn number(&self) -> usize {
        self.0.number
    }

    /// Which request of its turn it is, from 1: the second usually carries the first tool's output.
    pub fn round(&self) -> usize {
        self.0.round
    }

    /// A header by its name, whatever the case. `authorization` too: tests of logins need it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The whole body.
    pub fn body(&self) -> &Value {
        &self.0.body
    }

    /// The thread that asks.
    pub fn thread_id(&self) -> Option<&str> {
        self.header("thread-id")
            .or_else(|| self.metadata("thread_id"))
    }

    /// The session that asks.
    pub fn session_id(&self) -> Option<&str> {
        self.header("session-id")
            .or_else(|| self.metadata("session_id"))
    }

    /// The turn that asks.
    pub fn turn_id(&self) -> Option<&str> {
        self.metadata("turn_id")
    }

    /// What the runtime asks for, in its own words: `turn`, `compaction`, …
    pub fn kind(&self) -> Option<&str> {
        self.metadata("request_kind")
    }

    /// What kind of sub-agent asks, in the runtime's own words; `None` for a thread of the client.
    /// The reviewer of [`is_review`](Self::is_review) is one.
    pub fn subagent_kind(&self) -> Option<&str> {
        self.metadata("subagent_kind")
    }

    /// The thread whose sub-agent asks.
    pub fn parent_thread_id(&self) -> Option<&str> {
        self.metadata("parent_thread_id")
    }

    /// Whether the runtime's own reviewer asks, which decides on approvals under `auto_review`.
    pub fn is_review(&self) -> bool {
        self.subagent_kind() == Some("guardian")
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.0.metadata[key].as_str()
    }

    /// The model that was asked for.
    pub fn model(&self) -> Option<&str> {
        self.0.body["model"].as_str()
    }

    /// The conversation so far: messages, tool calls and their outputs, as sent.
    pub fn input(&self) -> &[Value] {
        self.0.body["input"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The texts of each message of a role (`user`, `developer`, `assistant`), one entry a message.
    pub fn messages(&self, role: &str) -> Vec<String> {
        self.input()
            .iter()
            .filter(|item| item["type"] == "message" && item["role"] == role)
            .map(|item| content_texts(&item["content"]).collect())
            .collect()
    }

    /// What the user said, in order: the texts of the user messages without what the runtime adds
    /// by itself (environment, instructions, skills, notes of aborted turns).
    pub fn user_texts(&self) -> Vec<&str> {
        self.input()
            .iter()
            .filter(|item| item["type"] == "message" && item["role"] == "user")
            .flat_map(|item| content_texts(&item["content"]))
            .filter(|text| !INJECTED.iter().any(|mark| text.starts_with(mark)))
            .collect()
    }

    /// What the user said last.
    pub fn last_user_text(&self) -> Option<&str> {
        self.user_texts().pop()
    }

    /// The tools that were offered, those of namespaces included.
    pub fn tools(&self) -> Vec<OfferedTool<'_>> {
        let mut tools = Vec::new();
        for tool in array(&self.0.body["tools"]) {
            match (tool["name"].as_str(), tool["type"].as_str()) {
                (Some(namespace), Some("namespace")) => tools.extend(
                    array(&tool["tools"])
                        .iter()
                        .map(|tool| offered(tool, Some(namespace))),
                ),
                _ => tools.push(offered(tool, None)),
            }
        }
        tools
    }

    /// One offered tool by its name.
    pub fn tool(&self, name: &str) -> Option<OfferedTool<'_>> {
        self.tools().into_iter().find(|tool| tool.name == name)
    }

    /// The JSON schema that the answer must follow (`text.format.schema`).
    pub fn output_schema(&self) -> Option<&Value> {
        self.0.body.pointer("/text/format/schema")
    }

    /// The outputs of all tool calls so far.
    pub fn function_outputs(&self) -> Vec<FunctionOutput<'_>> {
        self.input()
            .iter()
            .filter(|item| {
                item["type"]
                    .as_str()
                    .is_some_and(|kind| kind.ends_with("_call_output"))
            })
            .map(|item| FunctionOutput {
                call_id: item["call_id"].as_str().unwrap_or_default(),
                output: &item["output"],
            })
            .collect()
    }

    /// The URLs of the images in the conversation; those of local files are data URLs.
    pub fn image_urls(&self) -> Vec<&str> {
        self.input()
            .iter()
            .flat_map(|item| array(&item["content"]).iter().chain(array(&item["output"])))
            .filter(|part| part["type"] == "input_image")
            .filter_map(|part| part["image_url"].as_str())
            .collect()
    }

    /// For messages: what the request is about, in half a line, without its content.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("request {} (round {}", self.number(), self.round());
        let about = [
            ("thread", self.thread_id()),
            ("kind", self.kind()),
            ("sub-agent", self.subagent_kind()),
        ];
        for (name, value) in about {
            if let Some(value) = value {
                text += &format!(", {name} {value}");
            }
        }
        if let Some(said) = self.last_user_text() {
            text += &format!(", last user text {:?}", shortened(said));
        }
        if let Some(kind) = self.input().last().and_then(|item| item["type"].as_str()) {
            text += &format!(", last input item {kind}");
        }
        text + ")"
    }
}

impl fmt::Debug for ModelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Headers<'a>(&'a [(String, String)]);
        impl fmt::Debug for Headers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_map()
                    .entries(self.0.iter().map(|(name, value)| {
                        (
                            name,
                            if is_secret(name) {
                                "[redacted]"
                            } else {
                                value.as_str()
                            },
                        )
                    }))
                    .finish()
            }
        }
        f.debug_struct("ModelRequest")
            .field("number", &self.number())
            .field("round", &self.round())
            .field("kind", &self.kind())
            .field("thread_id", &self.thread_id())
            .field("turn_id", &self.turn_id())
            .field("model", &self.model())
            .field("headers", &Headers(&self.0.headers))
            .field("user_texts", &self.user_texts())
            .field("input_items", &self.input().len())
            .field("bytes", &self.0.size)
            .finish_non_exhaustive()
    }
}

/// Headers that carry credentials, or what may be one.
fn is_secret(header: &str) -> bool {
    [
        "authorization",
        "cookie",
        "token",
        "api-key",
        "apikey",
        "secret",
        "account",
        "attestation",
    ]
    .iter()
    .any(|word| header.contains(word))
}

fn offered<'a>(tool: &'a Value, namespace: Option<&'a str>) -> OfferedTool<'a> {
    OfferedTool {
        name: tool["name"]
            .as_str()
            .or(tool["type"].as_str())
            .unwrap_or_default(),
        namespace,
        description: tool["description"].as_str().unwrap_or_default(),
        parameters: &tool["parameters"],
    }
}

/// The texts among the content items of a message or an output.
fn content_texts(content: &Value) -> impl Iterator<Item = &str> {
    array(content)
        .iter()
        .filter_map(|part| part["text"].as_str())
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The first 80 characters.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
