//! From the bundle to flat definitions.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::At;

const PASS: &str = "normalise";

/// Lifts `definitions.v2.*` to the top, rewrites references and refuses two
/// different definitions of one name.
pub(crate) fn flatten(bundle: Value) -> Result<Map<String, Value>> {
    let Some(Value::Object(mut definitions)) = bundle.get("definitions").cloned() else {
        bail!("/definitions ({PASS}): the bundle has no definitions");
    };
    if let Some(Value::Object(nested)) = definitions.remove("v2") {
        for (name, schema) in nested {
            match definitions.get(&name) {
                Some(other) if meaning(other) != meaning(&schema) => {
                    return Err(At::definition(PASS, &name).error(
                        "differs from the definition of the same name under /definitions/v2",
                    ));
                }
                Some(_) => {}
                None => {
                    definitions.insert(name, schema);
                }
            }
        }
    }
    for schema in definitions.values_mut() {
        walk_mut(schema, &mut |schema| {
            if let Some(Value::String(reference)) = schema.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/definitions/v2/")
            {
                *reference = format!("#/definitions/{name}");
            }
        });
    }
    Ok(definitions)
}

/// A schema without the annotations that differ between the two halves of the bundle.
fn meaning(schema: &Value) -> Value {
    let mut schema = schema.clone();
    walk_mut(&mut schema, &mut |schema| {
        if let Some(object) = schema.as_object_mut() {
            for annotation in ["$schema", "title", "description"] {
                object.remove(annotation);
            }
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                *reference = reference.replace("#/definitions/v2/", "#/definitions/");
            }
        }
    });
    schema
}

/// Where the definitions stand in the bundle that they were lifted from.
pub(crate) struct Places {
    nested: BTreeSet<String>,
}

impl Places {
    pub(crate) fn of(bundle: &Value) -> Self {
        let nested = bundle.pointer("/definitions/v2").and_then(Value::as_object);
        let is_above = |name: &String| bundle["definitions"].get(name).is_some();
        let nested = nested.into_iter().flat_map(|it| it.keys());
        Self {
            nested: nested.filter(|name| !is_above(name)).cloned().collect(),
        }
    }

    /// A text about flat definitions with the pointers that the bundle has.
    pub(crate) fn in_bundle(&self, text: &str) -> String {
        const FLAT: &str = "/definitions/";
        let mut pieces = text.split(FLAT);
        let mut told = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find('/').or_else(|| piece.find(" ("));
            let name = piece[..end.unwrap_or(piece.len())]
                .replace("~1", "/")
                .replace("~0", "~");
            told += FLAT;
            if self.nested.contains(&name) {
                told += "v2/";
            }
            told += piece;
        }
        told
    }
}

/// Calls `visit` for every schema within `schema`, itself first.
///
/// It follows the places where schemas stand, and never takes a map of
/// properties for a schema: a property may be called `pattern` or `enum`.
fn walk_mut(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    visit(schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    for (keyword, inner) in object {
        match keyword.as_str() {
            "properties" => {
                for property in inner
                    .as_object_mut()
                    .into_iter()
                    .flat_map(|it| it.values_mut())
                {
                    walk_mut(property, visit);
                }
            }
            "items" | "additionalProperties" if inner.is_object() => walk_mut(inner, visit),
            "oneOf" | "anyOf" | "allOf" => {
                for branch in inner.as_array_mut().into_iter().flatten() {
                    walk_mut(branch, visit);
                }
            }
            _ => {}
        }
    }
}
