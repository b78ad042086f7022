//! The reason in an error's one line.

use std::error::Error as StdError;

use openai_codex_wire::DecodeError;

/// How much of a reason is told.
const LONGEST: usize = 600;

/// What an error and those behind it say, in one line: each that says more than those before it.
pub(super) fn told(error: &(dyn StdError + 'static)) -> String {
    let mut told = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = one(error);
        if !said.is_empty() && !told.contains(&said) {
            if !told.is_empty() {
                told.push_str(": ");
            }
            told.push_str(&said);
        }
        next = error.source();
    }
    super::cut(&told, LONGEST).to_owned()
}

fn one(error: &(dyn StdError + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<DecodeError>() {
        // The method is told already.
        return plain(error.reason());
    }
    if error.is::<serde_json::Error>() {
        // serde quotes what it did not expect, which may be a prompt or a token.
        return plain(DecodeError::new("", &error).reason());
    }
    plain(&error.to_string())
}

/// One line, without what would move the cursor.
fn plain(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A message with its reason: after what failed, and before what to do about it.
pub(super) fn with(message: &str, reason: &str) -> String {
    match message.split_once("; ") {
        Some((what, remedy)) => format!("{what}: {reason}; {remedy}"),
        None => format!("{message}: {reason}"),
    }
}

/// Whether serde gave up because of the depth, which its words only hint at.
pub(super) fn is_too_deep(reason: &str) -> bool {
    reason.contains("recursion limit exceeded")
}

/// The member of a JSON text that is at a line and column as serde_json counts them, from 1:
/// `issues[2].severity`. Empty where that is the whole.
pub(super) fn member_at(json: &str, line: usize, column: usize) -> String {
    let start: usize = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let end = (start + column).min(json.len());
    let bytes = &json.as_bytes()[..end];
    let mut path: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => path.push(Step::Member(String::new())),
            b'[' => path.push(Step::Item(0)),
            // What ends here is at fault as a whole.
            b'}' | b']' if at + 1 < bytes.len() => drop(path.pop()),
            b',' if at + 1 < bytes.len() => match path.last_mut() {
                Some(Step::Item(index)) => *index += 1,
                Some(Step::Member(name)) => name.clear(),
                None => {}
            },
            b'"' => {
                let text = at + 1;
                at = text;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let text = String::from_utf8_lossy(&bytes[text..at.min(bytes.len())]);
                if let Some(Step::Member(name)) = path.last_mut()
                    && name.is_empty()
                {
                    *name = text.into_owned();
                }
            }
            _ => {}
        }
        at += 1;
    }
    if let Some(b'}' | b']') = bytes.last() {
        path.pop();
    }
    let mut out = String::new();
    for step in path {
        match step {
            Step::Member(name) => {
                if !out.is_empty() && !name.is_empty() {
                    out.push('.');
                }
                out.push_str(&name);
            }
            Step::Item(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

enum Step {
    Member(String),
    Item(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_stands_before_the_remedy() {
        assert_eq!(
            with("it failed; do that", "no disk"),
            "it failed: no disk; do that"
        );
        assert_eq!(with("it failed", "no disk"), "it failed: no disk");
    }

    #[test]
    fn the_member_at_fault_is_found_by_its_place() {
        #[derive(serde::Deserialize, Debug)]
        #[allow(dead_code)]
        struct Outer {
            name: String,
            inner: Vec<Inner>,
        }
        #[derive(serde::Deserialize, Debug)]
        #[allow(dead_code)]
        struct Inner {
            count: u8,
            note: Option<String>,
        }
        for (json, member) in [
            (
                r#"{"name":"a","inner":[{"count":1},{"count":"x"}]}"#,
                "inner[1].count",
            ),
            (
                r#"{"name":"a, \"b\": {[","inner":[{"count":300}]}"#,
                "inner[0].count",
            ),
            (
                "{\n \"name\": \"a\",\n \"inner\": [\n  {\"note\": 7, \"count\": 1}\n ]\n}",
                "inner[0].note",
            ),
            (r#"{"name":"a","inner":[{"note":"x"}]}"#, "inner[0]"),
            (r#"{"name":"a"}"#, ""),
            (r#"[]"#, ""),
            (r#"{"name":null,"inner":[]}"#, "name"),
        ] {
            let error = serde_json::from_str::<Outer>(json).unwrap_err();
            let found = member_at(json, error.line(), error.column());
            assert_eq!(found, member, "{json}: {error}");
        }
    }

    #[test]
    fn any_place_in_any_text_is_harmless() {
        for json in ["", "{", "\"é\\", "[{\"a\":[", "é\né", "]]}}", "{\"a\\"] {
            for line in 0..4 {
                for column in 0..10 {
                    member_at(json, line, column);
                }
            }
        }
    }
}
