//! Makes what differs from run to run the same.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::runtime::TestRuntime;

/// Puts placeholders where a session differs from run to run, so that the rest can be compared with
/// a snapshot.
///
/// | what | becomes |
/// |---|---|
/// | UUIDs anywhere; in members named `id` or `…Id`, whatever looks generated; the chunk ids in what a model is told of a command | `[id-1]`, `[id-2]`, … in the order in which they first appear: the same id, the same placeholder |
/// | numbers in members named `…At` or `…Ms`, RFC 3339 times, milliseconds since 1970 in texts, dates in paths | `[time]` |
/// | numbers in members named `duration…`, and the wall time in what a model is told of a command | `[duration]` |
/// | the size of the output in what a model is told of a command | `[count]` |
/// | [paths](Self::path) | the name that they were given |
/// | versions such as `0.163.0` | `[version]` |
/// | ports of loopback addresses | `127.0.0.1:[port]` |
///
/// Everything else is left as it is, and so is what is normalised already. A normaliser remembers
/// the ids that it has met: use one per snapshot, for all that is in it.
///
/// # Examples
/// ```
/// use openai_codex_testkit::Normaliser;
/// use serde_json::json;
///
/// let mut normaliser = Normaliser::new().path("/tmp/run-17/workspace", "[workspace]");
/// let item = json!({
///     "id": "01a1fd37-f37c-7f93-8b56-02031c937ab5",
///     "cwd": "/tmp/run-17/workspace/src",
///     "startedAt": 1795249664,
///     "text": "codex 0.163.0 says hello",
/// });
/// assert_eq!(
///     normaliser.json(&item),
///     json!({
///         "id": "[id-1]",
///         "cwd": "[workspace]/src",
///         "startedAt": "[time]",
///         "text": "codex [version] says hello",
///     })
/// );
/// assert_eq!(normaliser.text("in 01a1fd37-f37c-7f93-8b56-02031c937ab5"), "in [id-1]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Normaliser {
    /// Texts and what stands for them, longest first.
    names: Vec<(String, String)>,
    /// The number of each id.
    ids: HashMap<String, usize>,
}

impl Normaliser {
    /// A normaliser that knows no paths.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows the folders of a test runtime, as `[workspace]`, `[codex-home]` and `[test]` for what
    /// is beside them.
    pub fn of(runtime: &TestRuntime) -> Self {
        let mut normaliser = Self::new()
            .path(runtime.workspace(), "[workspace]")
            .path(runtime.home(), "[codex-home]");
        if let Some(root) = runtime.home().parent() {
            normaliser = normaliser.path(root, "[test]");
        }
        normaliser
    }

    /// Gives a folder or a file a name that stands for it, wherever it is mentioned.
    #[must_use]
    pub fn path(self, path: impl AsRef<Path>, name: &str) -> Self {
        self.replace(&path.as_ref().to_string_lossy(), name)
    }

    /// Gives any other text a name: the name of the machine, of the user.
    #[must_use]
    pub fn replace(mut self, text: &str, name: &str) -> Self {
        if !text.is_empty() {
            self.names.push((text.to_owned(), name.to_owned()));
            // So that of nested folders the inner one counts.
            self.names
                .sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        }
        self
    }

    /// Normalises a value with all that is in it.
    pub fn json(&mut self, value: &Value) -> Value {
        self.member("", value)
    }

    fn member(&mut self, name: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    // Ids are keys of maps as well.
                    let value = self.member(name, value);
                    (self.text(name), value)
                });
                Value::Object(members.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.member(name, item)).collect(),
            Value::Number(_) if is_duration(name) => "[duration]".into(),
            Value::Number(_) if is_time(name) => "[time]".into(),
            Value::String(text) if is_id(name) && looks_generated(text) => self.id(text).into(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    /// Normalises a text.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, name) in &self.names {
            text = text.replace(known, name);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let in_a_word = out.ends_with(|c: char| c.is_ascii_alphanumeric());
            let found = if in_a_word {
                None
            } else {
                self.placeholder(rest, &out)
            };
            let (length, placeholder) = found.unwrap_or_else(|| (c.len_utf8(), c.to_string()));
            out += &placeholder;
            rest = &rest[length..];
        }
        out
    }

    /// What `rest` begins with, if that differs from run to run: its length, and what stands for it.
    fn placeholder(&mut self, rest: &str, before: &str) -> Option<(usize, String)> {
        let starts = |pattern: &str| matches(rest, pattern).then_some(pattern.len());
        if let Some(length) = starts(UUID).filter(|length| ends_a_word(&rest[*length..])) {
            return Some((length, self.id(&rest[..length])));
        }
        for pattern in [
            "9999-99-99T99:99:99",
            "9999-99-99T99-99-99",
            "9999-99-99 99:99:99",
        ] {
            if let Some(length) = starts(pattern) {
                let more =
                    rest[length..].find(|c: char| !(c.is_ascii_digit() || ".:+".contains(c)));
                let mut length = more.map_or(rest.len(), |more| length + more);
                // A full stop ends a sentence.
                while rest[..length].ends_with(['.', ':', '+']) {
                    length -= 1;
                }
                length += usize::from(rest[length..].starts_with('Z'));
                return Some((length, "[time]".to_owned()));
            }
        }
        if let Some(length) = starts("1999999999999").filter(|length| ends_a_word(&rest[*length..]))
        {
            return Some((length, "[time]".to_owned()));
        }
        // What 0.163.0 tells a model before the output of a command or a tool.
        let line = |lead: &str, of: fn(&u8) -> bool| {
            let value = rest.strip_prefix(lead)?;
            let length = value.bytes().take_while(of).count();
            (length > 0).then_some((lead.len(), lead.len() + length))
        };
        let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        if let Some((lead, length)) = line("Chunk ID: ", u8::is_ascii_hexdigit) {
            let id = self.id(&rest[lead..length]);
            return Some((length, format!("{}{id}", &rest[..lead])));
        }
        for (lead, placeholder) in [
            ("Wall time: ", "[duration]"),
            ("Original token count: ", "[count]"),
        ] {
            if let Some((lead, length)) = line(lead, is_number) {
                return Some((length, format!("{}{placeholder}", &rest[..lead])));
            }
        }
        if before.ends_with('/')
            && let Some(length) = starts("9999/99/99/")
        {
            return Some((length, "[time]/".to_owned()));
        }
        for host in ["127.0.0.1:", "localhost:", "[::1]:"] {
            let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
            if let Some(port) = rest
                .strip_prefix(host)
                .map(digits)
                .filter(|digits| *digits > 0)
            {
                return Some((host.len() + port, format!("{host}[port]")));
            }
        }
        if before.ends_with('.') {
            return None;
        }
        version(rest).map(|length| (length, "[version]".to_owned()))
    }

    fn id(&mut self, id: &str) -> String {
        let next = self.ids.len() + 1;
        let number = self.ids.entry(id.to_owned()).or_insert(next);
        format!("[id-{number}]")
    }
}

const UUID: &str = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/// Whether a text begins as the pattern says: `9` for a digit, `f` for a hexadecimal one.
fn matches(text: &str, pattern: &str) -> bool {
    let mut chars = text.chars();
    pattern
        .chars()
        .all(|expected| match (expected, chars.next()) {
            ('9', Some(c)) => c.is_ascii_digit(),
            ('f', Some(c)) => c.is_ascii_hexdigit(),
            (expected, found) => found == Some(expected),
        })
}

fn ends_a_word(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
}

/// The length of the version that a text begins with: three numbers, no more, and what follows a
/// hyphen.
fn version(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text_after_v = text.strip_prefix('v').unwrap_or(text);
    let mut length = text.len() - text_after_v.len();
    for part in 0..3 {
        if part > 0 {
            text[length..].strip_prefix('.')?;
            length += 1;
        }
        let found = digits(&text[length..]);
        if found == 0 {
            return None;
        }
        length += found;
    }
    let rest = &text[length..];
    // An address has four.
    if rest.starts_with('.') && digits(&rest[1..]) > 0 {
        return None;
    }
    if let Some(tail) = rest.strip_prefix('-') {
        let tail = tail
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'.');
        let tail = tail.count();
        length += if tail > 0 { 1 + tail } else { 0 };
    }
    Some(length).filter(|length| ends_a_word(&text[*length..]))
}

fn is_id(name: &str) -> bool {
    matches!(name, "id" | "ids")
        || name.ends_with("Id")
        || name.ends_with("Ids")
        || name.ends_with("_id")
}

fn is_time(name: &str) -> bool {
    name.ends_with("At")
        || name.ends_with("Ms")
        || name.ends_with("_at")
        || name.ends_with("_ms")
        || name == "timestamp"
}

fn is_duration(name: &str) -> bool {
    name.starts_with("duration") || name.ends_with("DurationMs")
}

/// Whether an id differs from run to run, as `local` and `mock-model` do not.
fn looks_generated(id: &str) -> bool {
    const PREFIXES: [&str; 7] = ["msg_", "rs_", "resp_", "call_", "fc_", "ws_", "item_"];
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    matches(id, UUID)
        // Of a process.
        || !id.is_empty() && digits == id.len()
        || PREFIXES.iter().any(|prefix| id.starts_with(prefix))
        || id.len() >= 8 && digits >= 3 && !id.contains(['/', ' '])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_lose_what_differs_and_nothing_else() {
        for (text, expected) in [
            ("at 2026-11-21T08:27:44.123Z.", "at [time]."),
            ("at 2026-11-21T08:27:44+01:00", "at [time]"),
            (
                "/home/sessions/2026/11/21/rollout-2026-11-21T08-27-44-01a1fd37-f37c-7f93-8b56-02031c937ab5.jsonl",
                "/home/sessions/[time]/rollout-[time]-[id-1].jsonl",
            ),
            (
                "codex/0.163.0 (Linux 6.1.0-13; x)",
                "codex/[version] (Linux [version]; x)",
            ),
            (
                "v1.2.3, 1.2, 10.0.0.1, 1.2.3.4",
                "[version], 1.2, 10.0.0.1, 1.2.3.4",
            ),
            ("http://127.0.0.1:4711/v1", "http://127.0.0.1:[port]/v1"),
            ("127.0.0.1", "127.0.0.1"),
            (
                "{\"turn_started_at_unix_ms\":1795282301895,\"n\":2795282301895}",
                "{\"turn_started_at_unix_ms\":[time],\"n\":2795282301895}",
            ),
            (
                "Chunk ID: 09ad39\nWall time: 0.0021 seconds\nOriginal token count: 13\nOutput:\nWall time: none",
                "Chunk ID: [id-1]\nWall time: [duration] seconds\nOriginal token count: [count]\nOutput:\nWall time: none",
            ),
            ("[id-1] [time] ü", "[id-1] [time] ü"),
        ] {
            let mut normaliser = Normaliser::new();
            assert_eq!(normaliser.text(text), expected);
            assert_eq!(normaliser.text(expected), expected, "twice");
        }
    }

    #[test]
    fn the_same_id_has_the_same_placeholder() {
        let mut normaliser = Normaliser::new();
        let (a, b) = ("call_0a1b2c3d4e", "01a1fd37-f37c-7f93-8b56-02031c937ab5");
        let first =
            normaliser.json(&json!({"itemId": a, "turnIds": [b], "environmentId": "local"}));
        assert_eq!(
            first,
            json!({"itemId": "[id-1]", "turnIds": ["[id-2]"], "environmentId": "local"})
        );
        let later = normaliser.json(&json!({"states": {b: true}, "id": 3, "callId": a}));
        assert_eq!(
            later,
            json!({"states": {"[id-2]": true}, "id": 3, "callId": "[id-1]"})
        );
        let process = normaliser.json(&json!({"processId": "90028", "clientId": ""}));
        assert_eq!(process, json!({"processId": "[id-3]", "clientId": ""}));
    }

    #[test]
    fn of_nested_folders_the_inner_one_counts() {
        let mut normaliser = Normaliser::new()
            .path("/a", "[outer]")
            .path("/a/b", "[inner]");
        assert_eq!(normaliser.text("/a/b/c /a/x"), "[inner]/c [outer]/x");
    }
}
