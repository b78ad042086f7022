//! The schema that the root of a schema stands for.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};

/// The same schema, with what its root refers to in the root's place: a newtype of a struct is
/// written as a reference to that struct. A description of the root's own stays. A root that
/// refers to itself, or to nothing, stays as it is.
pub(crate) fn rooted(schema: &Value) -> Cow<'_, Value> {
    let Some(root) = schema.as_object().filter(|it| it.contains_key("$ref")) else {
        return Cow::Borrowed(schema);
    };
    let mut seen = HashSet::new();
    let mut description = None;
    let mut at = root;
    while let Some(target) = at.get("$ref").and_then(Value::as_str) {
        description = description.or_else(|| at.get("description"));
        let followed = if seen.insert(target) {
            find(schema, target)
        } else {
            None
        };
        let Some(next) = followed else {
            return Cow::Borrowed(schema);
        };
        at = next;
    }
    let mut out = at.clone();
    // What the schema says as a whole; the rest of the root only repeats the reference.
    for key in ["$schema", "$defs", "title"] {
        if let Some(value) = root.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(description) = description {
        out.insert("description".to_owned(), description.clone());
    }
    Cow::Owned(Value::Object(out))
}

/// What a reference such as `#/$defs/Inner` points at.
fn find<'a>(schema: &'a Value, reference: &str) -> Option<&'a Map<String, Value>> {
    let pointer = reference.strip_prefix('#')?;
    let found = schema.pointer(pointer).or_else(|| {
        // Names that are no plain words are written as in a URL.
        schema.pointer(&percent_decoded(pointer)?)
    });
    found?.as_object()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(16 * digit(high)? + digit(low)?).ok()?);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}
