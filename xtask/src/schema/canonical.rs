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
