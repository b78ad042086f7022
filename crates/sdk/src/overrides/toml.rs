//! A value in TOML, as far as overrides have them: strings, numbers, booleans, arrays and inline
//! tables. Dates and strings of several lines are not read.

use openai_codex_types::JsonObject;
use serde_json::{Number, Value};

/// How deep a value may be nested.
const DEPTH: usize = 64;

/// Reads a value, and nothing behind it. What is no TOML and looks like none is a text, as the
/// runtime takes it too. `None` for what cannot be read.
pub(super) fn value(text: &str) -> Option<Value> {
    let text = text.trim();
    let mut reader = Reader { rest: text };
    match reader.value(DEPTH) {
        Some(value) if reader.rest.is_empty() => Some(value),
        _ if text.starts_with(['"', '\'', '[', '{']) || text.contains(['\n', '\r']) => None,
        _ => Some(Value::from(text)),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_spaces();
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            '"' | '\'' => self.string().map(Value::from),
            '[' => self.array(depth),
            '{' => self.table(depth),
            _ => {
                let end = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
                let word = &self.rest[..self.rest.find(end).unwrap_or(self.rest.len())];
                self.rest = &self.rest[word.len()..];
                scalar(word)
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        self.take('[')?;
        loop {
            if self.take(']').is_some() {
                return Some(Value::Array(values));
            }
            values.push(self.value(depth)?);
            if self.take(',').is_none() {
                self.take(']')?;
                return Some(Value::Array(values));
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut members = JsonObject::new();
        self.take('{')?;
        if self.take('}').is_some() {
            return Some(Value::Object(members));
        }
        loop {
            let path = self.path()?;
            self.take('=')?;
            let value = self.value(depth)?;
            insert(&mut members, &path, value)?;
            if self.take(',').is_none() {
                self.take('}')?;
                return Some(Value::Object(members));
            }
        }
    }

    /// The parts of a key.
    fn path(&mut self) -> Option<Vec<String>> {
        let mut path = Vec::new();
        loop {
            self.skip_spaces();
            path.push(match self.rest.chars().next()? {
                '"' | '\'' => self.string()?,
                _ => {
                    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    let key = &self.rest[..self.rest.find(|c| !is_key(c))?];
                    self.rest = &self.rest[key.len()..];
                    (!key.is_empty()).then(|| key.to_owned())?
                }
            });
            if self.take('.').is_none() {
                return Some(path);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let body = &self.rest[1..];
        let mut escaped = false;
        let end = body.find(|c| {
            let closes = c == quote && !escaped;
            escaped = quote == '"' && c == '\\' && !escaped;
            closes
        })?;
        let said = &body[..end];
        self.rest = &body[end + 1..];
        // One of several lines begins with three.
        if said.is_empty() && self.rest.starts_with(quote) || said.contains('\n') {
            return None;
        }
        match quote {
            '\'' => Some(said.to_owned()),
            // The escapes are those of JSON, and a few more that are not read.
            _ => serde_json::from_str(&format!("\"{}\"", said.replace('\t', "\\t"))).ok(),
        }
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(sign)?;
        self.skip_spaces();
        Some(())
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// Puts a value where a dotted key says. `None` if something else is there.
fn insert(members: &mut JsonObject, path: &[String], value: Value) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if rest.is_empty() {
        return members.insert(key.clone(), value).is_none().then_some(());
    }
    let inner = members
        .entry(key.clone())
        .or_insert_with(|| Value::Object(JsonObject::new()));
    insert(inner.as_object_mut()?, rest, value)
}

fn scalar(word: &str) -> Option<Value> {
    match word {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    let plain = word.replace('_', "");
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if let Ok(number) = plain.parse::<i64>() {
        return Some(number.into());
    }
    let is_float = plain.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-+.eE".contains(&byte));
    let float = plain.parse().ok().filter(|_| is_float);
    float.and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::value;

    #[test]
    fn values_are_read_as_toml_has_them() {
        for (text, expected) in [
            (r#" "a \"b\" \u00e9" "#, json!("a \"b\" é")),
            (r"'C:\x'", json!(r"C:\x")),
            ("1_000", json!(1000)),
            ("-2.5e3", json!(-2500.0)),
            ("true", json!(true)),
            ("[ 1, 'a', [], ]", json!([1, "a", []])),
            (
                "{ a = 1, b.c = 'x', \"d e\" = {}, b.f = [true] }",
                json!({"a": 1, "b": {"c": "x", "f": [true]}, "d e": {}}),
            ),
            ("{}", json!({})),
            ("plain text", json!("plain text")),
            ("gpt-5.4", json!("gpt-5.4")),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        let deep = "[".repeat(1000);
        for text in [
            "\"a",
            "'a",
            "{a=1",
            "{a=1,a=2}",
            "[1",
            "\"\"\"a\"\"\"",
            "\"a\"b",
            "\"\\x\"",
            "{a}",
            &deep,
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
