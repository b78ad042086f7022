//! A message in a few words.

use serde_json::Value;

/// Longer objects and lists within a message are not told.
const NESTED: usize = 60;

/// What a request or a notification is about.
pub(crate) fn params(method: &str, params: &Value) -> String {
    let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str);
    let found = match method {
        "initialize" => text("/clientInfo/name").map(str::to_owned),
        "turn/start" | "turn/steer" => input(&params["input"]),
        "turn/completed" => {
            let error = text("/turn/error/message");
            let status = text("/turn/status").unwrap_or_default();
            Some(error.map_or_else(|| status.to_owned(), |error| format!("{status}: {error}")))
        }
        "item/started" | "item/completed" => Some(item(&params["item"])),
        "item/commandExecution/requestApproval" => text("/command").map(str::to_owned),
        "item/tool/requestUserInput" => Some(questions(&params["questions"])),
        "thread/started" => text("/thread/id").map(str::to_owned),
        "turn/started" => text("/turn/id").map(str::to_owned),
        "item/tool/call" => {
            let tool = text("/tool").unwrap_or_default();
            Some(format!("{tool} {}", params["arguments"]))
        }
        "error" => text("/error/message").map(str::to_owned),
        "thread/status/changed" => text("/status/type").map(str::to_owned),
        "thread/tokenUsage/updated" => params
            .pointer("/tokenUsage/total/totalTokens")
            .map(|tokens| format!("{tokens} tokens")),
        _ => text("/delta")
            .or(text("/message"))
            .or(text("/summary"))
            .map(str::to_owned),
    };
    found.unwrap_or_else(|| rest(params))
}

/// What was answered.
pub(crate) fn result(method: &str, result: &Value) -> String {
    let text = |pointer: &str| result.pointer(pointer).and_then(Value::as_str);
    let found = match method {
        "initialize" => text("/userAgent"),
        "thread/start" | "thread/resume" | "thread/fork" => text("/thread/id"),
        "turn/start" => text("/turn/id"),
        _ => text("/decision"),
    };
    found.map_or_else(|| rest(result), str::to_owned)
}

fn input(input: &Value) -> Option<String> {
    let parts = input.as_array()?.iter().map(|part| {
        let text = part["text"].as_str().map(str::to_owned);
        text.unwrap_or_else(|| format!("({})", part["type"].as_str().unwrap_or("?")))
    });
    Some(parts.collect::<Vec<_>>().join(" "))
}

fn questions(questions: &Value) -> String {
    let questions = questions.as_array().into_iter().flatten();
    let texts = questions.filter_map(|question| question["question"].as_str());
    texts.collect::<Vec<_>>().join(" · ")
}

fn item(item: &Value) -> String {
    let text = |name: &str| item[name].as_str().map(str::to_owned);
    let parts = |list: &str, name: &str| {
        let parts = item[list].as_array()?.iter();
        let texts = parts.filter_map(|part| part.as_str().or(part[name].as_str()));
        Some(texts.collect::<Vec<_>>().join(" "))
    };
    let words = [
        text("text"),
        // What the user said, a model thought, a patch touched.
        input(&item["content"]),
        parts("summary", ""),
        parts("changes", "path"),
        text("command"),
        text("server"),
        text("tool"),
        text("query"),
        text("review"),
        text("status"),
    ];
    let words: Vec<String> = words
        .into_iter()
        .flatten()
        .filter(|words| !words.is_empty())
        .collect();
    let kind = item["type"].as_str().unwrap_or("?");
    format!("{kind} {}", words.join(" · "))
        .trim_end()
        .to_owned()
}

/// What is left to say of a value: its members, without the ids by which it is routed.
fn rest(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(members) => {
            let members = members
                .iter()
                .filter(|(name, value)| {
                    !value.is_null() && !matches!(name.as_str(), "threadId" | "turnId")
                })
                .map(|(name, value)| match value {
                    Value::String(text) => format!("{name}: {text}"),
                    value => format!("{name}: {}", nested(value)),
                });
            members.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A value within another one, if there is room for it.
fn nested(value: &Value) -> String {
    let text = value.to_string();
    match value {
        Value::Object(_) if text.len() > NESTED => "{…}".to_owned(),
        Value::Array(items) if text.len() > NESTED => format!("[{} items]", items.len()),
        _ => text,
    }
}
