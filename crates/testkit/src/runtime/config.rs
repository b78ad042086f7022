//! Writes a `config.toml` from dotted keys.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde_json::Value;

/// The settings of a test home: dotted keys, so that a later setting replaces an earlier one
/// whatever table it is in, and text that is appended as it is.
#[derive(Clone, Default)]
pub(crate) struct Config {
    settings: BTreeMap<String, Value>,
    extra: String,
}

/// Names only: the values may be secrets.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.settings.keys()).finish()
    }
}

impl Config {
    /// The settings with which a turn runs against the provider at `base_url` and nothing else.
    pub(crate) fn for_provider(base_url: &str) -> Self {
        let mut config = Config::default();
        let provider = |key| format!("model_providers.mock_provider.{key}");
        let settings: [(String, Value); 14] = [
            ("model".into(), "mock-model".into()),
            ("model_provider".into(), "mock_provider".into()),
            ("approval_policy".into(), "never".into()),
            ("sandbox_mode".into(), "read-only".into()),
            ("check_for_update_on_startup".into(), false.into()),
            (provider("name"), "Mock provider".into()),
            (provider("base_url"), base_url.into()),
            (provider("wire_api"), "responses".into()),
            (provider("request_max_retries"), 0.into()),
            (provider("stream_max_retries"), 0.into()),
            // Each of these would go to the network by itself.
            ("features.plugins".into(), false.into()),
            ("features.remote_plugin".into(), false.into()),
            ("features.apps".into(), false.into()),
            ("analytics.enabled".into(), false.into()),
        ];
        for (key, value) in settings {
            config.set(key, value);
        }
        config
    }

    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.settings.insert(key.into(), value.into());
    }

    pub(crate) fn append(&mut self, toml: &str) {
        self.extra.push_str(toml);
        self.extra.push('\n');
    }

    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        // A dotted key is valid before the first table header only, so the extra text goes last.
        for (key, value) in &self.settings {
            if !value.is_null() {
                text += key;
                text += " = ";
                render_value(&mut text, value);
                text.push('\n');
            }
        }
        text + &self.extra
    }
}

/// A key or a part of a dotted one, quoted where TOML asks for it.
pub(crate) fn key(part: &str) -> String {
    let bare = !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if bare {
        part.to_owned()
    } else {
        let mut quoted = String::new();
        render_string(&mut quoted, part);
        quoted
    }
}

fn render_value(out: &mut String, value: &Value) {
    match value {
        // TOML has no null; in a list or a table it can only be left out.
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::String(text) => render_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for item in items.iter().filter(|item| !item.is_null()) {
                render_value(out, item);
                out.push_str(", ");
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            let members = members.iter().filter(|(_, value)| !value.is_null());
            for (index, (name, value)) in members.enumerate() {
                // Unlike a list, an inline table allows no trailing comma.
                out.push_str(if index == 0 { " " } else { ", " });
                out.push_str(&key(name));
                out.push_str(" = ");
                render_value(out, value);
            }
            out.push_str(" }");
        }
    }
}

fn render_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => {
                write!(out, "\\u{:04X}", u32::from(control)).expect("a String takes all writes");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_later_setting_replaces_an_earlier_one() {
        let mut config = Config::for_provider("http://127.0.0.1:1/v1");
        config.set("features.apps", true);
        let text = config.render();
        assert!(text.contains("features.apps = true\n"), "{text}");
        assert!(!text.contains("features.apps = false"), "{text}");
    }

    #[test]
    fn values_become_toml() {
        let mut config = Config::default();
        config.set("text", "a \"b\"\\\n\u{7f}");
        config.set("list", json!([1, null, "x"]));
        config.set("table", json!({"a b": {"c": 1.5}, "d": null, "e": true}));
        config.append("[later]\nx = 1");
        assert_eq!(
            config.render(),
            "list = [1, \"x\", ]\n\
             table = { \"a b\" = { c = 1.5 }, e = true }\n\
             text = \"a \\\"b\\\"\\\\\\n\\u007F\"\n\
             [later]\nx = 1\n"
        );
    }
}
