//! A small MCP server for tests: one tool, `ask`, which asks the user for a name.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, stdin};

use serde_json::{Value, json};

fn main() {
    let mut call = Value::Null;
    for line in stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = message["id"].clone();
        match message["method"].as_str() {
            Some("initialize") => answer(
                &id,
                json!({
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "directory", "version": "1"},
                }),
            ),
            Some("tools/list") => answer(
                &id,
                json!({"tools": [{
                    "name": "ask",
                    "description": "asks the user",
                    "inputSchema": {"type": "object", "properties": {}},
                    "annotations": {"readOnlyHint": true},
                }]}),
            ),
            Some("tools/call") => {
                call = id;
                say(
                    json!({"jsonrpc": "2.0", "id": "name", "method": "elicitation/create", "params": {
                        "message": "Your name?",
                        "requestedSchema": {
                            "type": "object",
                            "properties": {"name": {"type": "string", "minLength": 2}},
                            "required": ["name"],
                        },
                    }}),
                );
            }
            Some("ping") => answer(&id, json!({})),
            Some(_) => {}
            // The answer to the elicitation.
            None => {
                let text = format!(
                    "{} {}",
                    message["result"]["action"], message["result"]["content"]
                );
                answer(&call, json!({"content": [{"type": "text", "text": text}]}));
            }
        }
    }
}

fn answer(id: &Value, result: Value) {
    say(json!({"jsonrpc": "2.0", "id": id, "result": result}));
}

fn say(message: Value) {
    println!("{message}");
}
