//! What an answer repeats of what was sent.

use serde_json::Value;

use super::REDACTED;

/// No secret is shorter; words such as `apiKey` are.
const SHORTEST: usize = 8;

/// How many texts are looked for.
const MAX_TEXTS: usize = 256;

/// The texts of a message that may be repeated by the answer to it.
///
/// ```
/// use openai_codex_wire::redact::Echo;
///
/// let echo = Echo::of(r#"{"door":"north","code":"1815-1852"}"#);
/// assert_eq!(echo.remove_from("1815-1852 is no code"), "[redacted] is no code");
/// ```
#[derive(Debug)]
pub struct Echo(Vec<String>);

impl Echo {
    /// Of the params of a request, as JSON.
    pub fn of(params: &str) -> Self {
        let mut texts = Vec::new();
        match serde_json::from_str(params) {
            Ok(params) => strings(params, &mut texts),
            // Nested too deeply, which must not keep what is in it.
            Err(_) => literals(params, &mut texts),
        }
        // One may be a part of another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        texts.truncate(MAX_TEXTS);
        Self(texts)
    }

    /// Takes them out of a text.
    pub fn remove_from(&self, text: &str) -> String {
        let texts = self.0.iter();
        texts.fold(text.to_owned(), |said, text| said.replace(text, REDACTED))
    }

    /// Takes them out of all texts of a value.
    pub fn remove_from_value(&self, value: Value) -> Value {
        replaced(value, &|text| self.remove_from(text))
    }
}

/// A value without what `remove` takes out of its texts, member names included.
fn replaced(value: Value, remove: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(it) => Value::String(remove(&it)),
        Value::Array(values) => values.into_iter().map(|it| replaced(it, remove)).collect(),
        Value::Object(members) => (members.into_iter())
            .map(|(name, it)| (remove(&name), replaced(it, remove)))
            .collect(),
        other => other,
    }
}

/// Every text in JSON that cannot be read as a whole.
fn literals(json: &str, found: &mut Vec<String>) {
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let text = &rest[start..];
        let mut escaped = false;
        let end = text[1..].find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { return };
        let literal = &text[..end + 2];
        if let Ok(text) = serde_json::from_str(literal) {
            strings(Value::String(text), found);
        }
        rest = &text[end + 2..];
    }
}

/// Every text within a value that is long enough to be a secret.
fn strings(value: Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST => found.push(text),
        Value::Array(values) => values.into_iter().for_each(|it| strings(it, found)),
        Value::Object(members) => members.into_iter().for_each(|(_, it)| strings(it, found)),
        _ => {}
    }
}
