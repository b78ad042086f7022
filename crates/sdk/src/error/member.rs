//! Which member of a JSON text is at fault.

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
