//! Refusing what the generator would not understand, before it misunderstands it.

use anyhow::Result;
use serde_json::Value;

use super::{At, Definitions, walk};

const PASS: &str = "vocabulary";

/// Every keyword that some pass gives a meaning, or that has none for types.
const KNOWN: &[&str] = &[
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
    // Validation: a newer server may send what they forbid, so types do not enforce them.
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "uniqueItems",
    // Annotations.
    "deprecated",
    "examples",
    "readOnly",
    "writeOnly",
];

/// Checks that every keyword and every reference is understood.
pub(crate) fn check(definitions: &Definitions) -> Result<()> {
    for (name, schema) in definitions {
        let mut first = None;
        walk(schema, &At::definition(PASS, name), &mut |schema, at| {
            if first.is_none() {
                first = fault(schema, definitions).map(|fault| at.error(fault));
            }
        });
        if let Some(error) = first {
            return Err(error);
        }
    }
    Ok(())
}

fn fault(schema: &Value, definitions: &Definitions) -> Option<String> {
    let object = match schema {
        Value::Bool(true) => return None,
        Value::Object(object) => object,
        other => return Some(format!("expected a schema, found {other}")),
    };
    if let Some(keyword) = object
        .keys()
        .find(|keyword| !KNOWN.contains(&keyword.as_str()))
    {
        return Some(format!(
            "the generator does not know the keyword `{keyword}`"
        ));
    }
    let reference = object.get("$ref")?.as_str().unwrap_or_default();
    match reference.strip_prefix("#/definitions/") {
        Some(name) if definitions.contains_key(name) => None,
        _ => Some(format!("`{reference}` points to no definition")),
    }
}
