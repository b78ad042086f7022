//! A message in a few words.

use serde_json::Value;

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

fn item(item: &Value) -> String {
    let kind = item["type"].as_str().unwrap_or("?");
    let words = ["text", "command", "tool", "query", "status"];
    let words = words.iter().filter_map(|name| item[*name].as_str());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
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
                    value => format!("{name}: {value}"),
                });
            members.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
