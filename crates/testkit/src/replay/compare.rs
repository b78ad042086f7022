//! Whether a message is the one that was recorded.

use openai_codex_wire::redact::redact;
use serde_json::Value;

use crate::normalise::Normaliser;

/// How messages are compared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) lenient: bool,
    pub(crate) ignored: Vec<String>,
    pub(crate) normaliser: Option<Normaliser>,
}

impl Comparison {
    /// What of a message is compared. Answers to secret questions have to be redacted before.
    pub(crate) fn view(&self, message: &Value) -> Value {
        // What was recorded is redacted, so what comes has to be as well.
        let redacted = redact(&message.to_string());
        let mut view: Value = redacted
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        if view.get("method").is_some() {
            // The client's own id.
            remove(&mut view, "/id");
            if view.get("params").is_some_and(Value::is_null) {
                remove(&mut view, "/params");
            }
        }
        if view["method"] == "initialize" {
            // A client may be newer than its recording.
            remove(&mut view, "/params/clientInfo/version");
        }
        for pointer in &self.ignored {
            remove(&mut view, pointer);
        }
        match &self.normaliser {
            Some(normaliser) => normaliser.clone().json(&view),
            None => view,
        }
    }

    /// Whether a message may stand for the recorded one; both as they are compared.
    pub(crate) fn accepts(&self, expected: &Value, got: &Value) -> bool {
        expected == got
            || self.lenient
                && expected.get("method") == got.get("method")
                && expected.get("id") == got.get("id")
                && same_shape(expected, got)
    }
}

fn remove(message: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    if let Some(Value::Object(members)) = message.pointer_mut(parent) {
        members.remove(&name);
    }
}

/// Whether all that is expected is there, in the same types. More may be there.
fn same_shape(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Null, _) | (_, Value::Null) => true,
        (Value::Object(expected), Value::Object(got)) => {
            expected.iter().all(|(name, value)| match got.get(name) {
                Some(got) => same_shape(value, got),
                None => value.is_null(),
            })
        }
        (Value::Array(expected), Value::Array(got)) => match (expected.first(), got.first()) {
            (Some(expected), Some(got)) => same_shape(expected, got),
            _ => true,
        },
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => true,
        _ => false,
    }
}

/// The ids that a client sent in the place of others: `(recorded, sent)`.
pub(crate) fn renamed(expected: &Value, got: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (name, value) in expected {
                let Some(other) = got.get(name) else { continue };
                match (value, other) {
                    (Value::String(old), Value::String(new)) => {
                        let is_id = name == "id" || name.ends_with("Id");
                        if is_id && old != new && !old.is_empty() {
                            found.push((old.clone(), new.clone()));
                        }
                    }
                    _ => found.extend(renamed(value, other)),
                }
            }
        }
        (Value::Array(expected), Value::Array(got)) => {
            let pairs = expected.iter().zip(got);
            found.extend(pairs.flat_map(|(expected, got)| renamed(expected, got)));
        }
        _ => {}
    }
    found
}
