//! The strict form of a JSON schema, which the model's output is held to.
//!
//! In that form every object is closed and requires all of its properties, and
//! only some keywords exist. What can be said in it without a change of meaning
//! is; annotations that it does not know are left out; anything else is an error
//! that names the field, so that nothing is promised that is not kept.

use std::fmt;

use serde_json::{Map, Value, json};

/// Why a schema has no strict form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotStrict {
    field: String,
    reason: String,
}

impl fmt::Display for NotStrict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.field.is_empty() {
            true => "the type itself",
            false => &self.field,
        };
        write!(f, "{field}: {}", self.reason)
    }
}

impl std::error::Error for NotStrict {}

/// Keywords that only tell of the value, or that the type checks anyway.
const DROPPED: &[&str] = &[
    "$schema",
    "$comment",
    "title",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Keywords that the strict form has.
const KEPT: &[&str] = &[
    "description",
    "type",
    "enum",
    "pattern",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
];

/// Formats of strings that the strict form has. Those of numbers only repeat
/// their Rust type.
const FORMATS: &[&str] = &[
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uuid",
];

/// The strict form of a whole schema.
pub(super) fn strict(schema: &Value) -> Result<Value, NotStrict> {
    let schema = &*super::root::rooted(schema);
    let root = schema.as_object();
    if root.is_none_or(|root| root.get("type") != Some(&json!("object"))) {
        return Err(not_strict(
            "",
            "the answer must be an object: wrap it into a struct",
        ));
    }
    convert(schema, "")
}

fn convert(schema: &Value, field: &str) -> Result<Value, NotStrict> {
    let Value::Object(schema) = schema else {
        return Err(not_strict(field, "it may be anything; give it a type"));
    };
    if let Some(target) = schema.get("$ref") {
        // Nothing may stand beside a reference.
        for key in schema
            .keys()
            .filter(|key| !matches!(key.as_str(), "$ref" | "description"))
        {
            if !DROPPED.contains(&key.as_str()) {
                return Err(unsupported(field, key));
            }
        }
        return Ok(json!({"$ref": target}));
    }
    let mut out = Map::new();
    for (key, value) in schema {
        match key.as_str() {
            "properties" | "required" | "additionalProperties" => {}
            "$defs" => {
                out.insert(key.clone(), definitions(value)?);
            }
            "items" => {
                out.insert(key.clone(), convert(value, &format!("{field}[]"))?);
            }
            // Of the variants of an enum at most one fits, so that both mean the same.
            "anyOf" | "oneOf" => {
                out.insert("anyOf".to_owned(), variants(value, field)?);
            }
            "const" => {
                out.insert("enum".to_owned(), json!([value]));
            }
            "format" => {
                if FORMATS.iter().any(|it| value == it) {
                    out.insert(key.clone(), value.clone());
                } else if schema.get("type").is_some_and(|it| mentions(it, "string")) {
                    return Err(not_strict(
                        field,
                        &format!("the format {value} is not supported; give it another type"),
                    ));
                }
            }
            key if DROPPED.contains(&key) => {}
            key if KEPT.contains(&key) => {
                out.insert(key.to_owned(), value.clone());
            }
            key => return Err(unsupported(field, key)),
        }
    }
    if schema.get("type").is_some_and(|it| mentions(it, "object")) {
        if out.contains_key("anyOf") {
            // Each would be closed, and so exclude what the other one requires.
            return Err(not_strict(
                field,
                "an enum cannot be flattened into a struct; give it a field of its own",
            ));
        }
        object(schema, &mut out, field)?;
    }
    if schema.get("type").is_some_and(|it| mentions(it, "array")) && !out.contains_key("items") {
        return Err(not_strict(
            field,
            "its items may be anything; give them a type",
        ));
    }
    if !["type", "enum", "anyOf"]
        .iter()
        .any(|key| out.contains_key(*key))
    {
        return Err(not_strict(field, "it may be anything; give it a type"));
    }
    Ok(Value::Object(out))
}

/// Closes an object and requires all of its properties. One that is optional in
/// Rust accepts null already; one with a default is then always given.
fn object(
    schema: &Map<String, Value>,
    out: &mut Map<String, Value>,
    field: &str,
) -> Result<(), NotStrict> {
    if !matches!(
        schema.get("additionalProperties"),
        None | Some(Value::Bool(false))
    ) {
        return Err(not_strict(
            field,
            "its keys are not known in advance; use a list of structs with a key and a value",
        ));
    }
    let mut properties = Map::new();
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let field = match field.is_empty() {
            true => name.clone(),
            false => format!("{field}.{name}"),
        };
        properties.insert(name.clone(), convert(property, &field)?);
    }
    let required: Vec<_> = properties.keys().cloned().collect();
    out.insert("properties".to_owned(), Value::Object(properties));
    out.insert("required".to_owned(), json!(required));
    out.insert("additionalProperties".to_owned(), json!(false));
    Ok(())
}

fn definitions(definitions: &Value) -> Result<Value, NotStrict> {
    let mut out = Map::new();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        out.insert(name.clone(), convert(definition, name)?);
    }
    Ok(Value::Object(out))
}

fn variants(variants: &Value, field: &str) -> Result<Value, NotStrict> {
    let variants = variants.as_array().into_iter().flatten();
    variants.map(|variant| convert(variant, field)).collect()
}

/// Whether a `type`, a word or a list of them, says this.
fn mentions(kind: &Value, word: &str) -> bool {
    kind == word
        || kind
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|it| it == word))
}

fn unsupported(field: &str, keyword: &str) -> NotStrict {
    not_strict(
        field,
        &format!("the keyword {keyword} is not supported; give it another type"),
    )
}

fn not_strict(field: &str, reason: &str) -> NotStrict {
    NotStrict {
        field: field.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;
