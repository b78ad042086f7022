//! One text for one schema: sorted keys, and lists without order sorted.

use serde_json::Value;

/// The canonical form of an exported bundle.
pub(crate) fn canonicalise(mut bundle: Value) -> Value {
    sort(&mut bundle, false);
    bundle
}

/// The text of a canonical schema.
pub(crate) fn render(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a JSON value always serializes");
    text.push('\n');
    text
}

/// The text of a canonical schema that is kept for comparison: a line for each definition.
pub(crate) fn render_lines(schema: &Value) -> String {
    fn members(value: &Value, depth: usize, text: &mut String) {
        match value {
            Value::Object(all) if depth > 0 && !all.is_empty() => {
                for (index, (key, member)) in all.iter().enumerate() {
                    *text += if index == 0 { "{\n" } else { ",\n" };
                    // The second version's definitions stand one level further in.
                    let inner = match key.as_str() {
                        "definitions" => 1,
                        "v2" => depth,
                        _ => 0,
                    };
                    *text += &format!("{}:", Value::from(key.as_str()));
                    members(member, inner, text);
                }
                *text += "\n}";
            }
            other => *text += &other.to_string(),
        }
    }
    let mut text = String::new();
    members(schema, 1, &mut text);
    text + "\n"
}

/// `serde_json` keeps the keys of an object sorted; of the lists only `required` has no order.
fn sort(value: &mut Value, is_properties: bool) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let (false, "required", Value::Array(names)) =
                    (is_properties, key.as_str(), &mut *member)
                {
                    names.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
                }
                sort(member, key == "properties" && !is_properties);
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| sort(member, false)),
        _ => {}
    }
}
