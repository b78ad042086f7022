//! The difference of two messages, for people.

use std::fmt::Write;

use serde_json::Value;

/// How many differences are shown.
const SHOWN: usize = 12;

/// How many characters of a value are shown.
const WIDTH: usize = 160;

/// Each place where two values differ, with what is expected there (`-`) and what is (`+`).
pub(crate) fn difference(expected: &Value, got: &Value) -> String {
    let mut found = Vec::new();
    collect(Some(expected), Some(got), &mut String::new(), &mut found);
    let mut text = String::new();
    for (path, expected, got) in found.iter().take(SHOWN) {
        let path = if path.is_empty() { "the message" } else { path };
        text += &format!("  {path}\n");
        for (sign, value) in [('-', expected), ('+', got)] {
            if let Some(value) = value {
                text += &format!("    {sign} {}\n", short(value));
            }
        }
    }
    if found.len() > SHOWN {
        text += &format!("  … and {} more differences\n", found.len() - SHOWN);
    }
    text
}

type Found<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn collect<'a>(
    expected: Option<&'a Value>,
    got: Option<&'a Value>,
    path: &mut String,
    found: &mut Vec<Found<'a>>,
) {
    let before = path.len();
    match (expected, got) {
        (Some(Value::Object(expected)), Some(Value::Object(got))) => {
            let added = got.keys().filter(|name| !expected.contains_key(*name));
            for name in expected.keys().chain(added) {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                collect(expected.get(name), got.get(name), path, found);
                path.truncate(before);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(got))) => {
            for index in 0..expected.len().max(got.len()) {
                // Writing to a string does not fail.
                let _ = write!(path, "[{index}]");
                collect(expected.get(index), got.get(index), path, found);
                path.truncate(before);
            }
        }
        (expected, got) if expected == got => {}
        (expected, got) => found.push((path.clone(), expected, got)),
    }
}

/// A value on one line, cut where it is long.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_difference_is_told_with_its_place() {
        let expected = json!({"method": "m", "params": {"a": [1, 2], "b": "x", "same": {"x": 1}}});
        let got = json!({"method": "m", "params": {"a": [1, 3, 4], "c": null, "same": {"x": 1}}});
        assert_eq!(
            difference(&expected, &got),
            "  params.a[1]\n    - 2\n    + 3\n  params.a[2]\n    + 4\n  \
             params.b\n    - \"x\"\n  params.c\n    + null\n"
        );
        assert_eq!(difference(&got, &got), "");
    }

    #[test]
    fn long_values_and_long_lists_are_cut() {
        let expected = json!({"list": vec![0; 40], "text": "ä".repeat(500)});
        let got = json!({"list": vec![1; 40], "text": "b"});
        let text = difference(&expected, &got);
        assert!(text.ends_with("  … and 29 more differences\n"), "{text}");
        assert!(short(&expected["text"]).ends_with('…'));
    }
}
