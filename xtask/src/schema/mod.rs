//! From the bundle that a runtime writes to definitions ready for lowering.

pub(crate) mod canonical;
pub(crate) mod fixups;
pub(crate) mod load;
pub(crate) mod normalise;
pub(crate) mod read;
pub(crate) mod stable;
pub(crate) mod vocabulary;

use serde_json::{Map, Value};

/// Definitions by name, flat: what `$ref` points to.
pub(crate) type Definitions = Map<String, Value>;

/// Where in the schema a pass stands, for errors.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pass: &'static str,
    pointer: String,
}

impl At {
    /// The definition `name`, as seen by `pass`.
    pub(crate) fn definition(pass: &'static str, name: &str) -> Self {
        Self {
            pass,
            pointer: format!("/definitions/{}", escape(name)),
        }
    }

    /// A member further in.
    pub(crate) fn child(&self, segment: impl ToString) -> Self {
        Self {
            pass: self.pass,
            pointer: format!("{}/{}", self.pointer, escape(&segment.to_string())),
        }
    }

    /// An error here.
    pub(crate) fn error(&self, message: impl std::fmt::Display) -> anyhow::Error {
        anyhow::anyhow!("{} ({}): {message}", self.pointer, self.pass)
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.pointer)
    }
}

fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// The definition that a `$ref` names.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

/// The definitions that are unions of messages: one branch a method.
pub(crate) const MESSAGES: &[&str] = &[
    "ClientRequest",
    "ServerRequest",
    "ServerNotification",
    "ClientNotification",
];

/// The keyword that makes a schema a union.
pub(crate) fn union_keyword(schema: &Value) -> Option<&'static str> {
    ["oneOf", "anyOf"]
        .into_iter()
        .find(|keyword| schema.get(keyword).is_some())
}

/// The branches of a union.
pub(crate) fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema.get(union_keyword(schema)?)?.as_array()
}

/// As [`branches`], to change them in place.
pub(crate) fn branches_mut(schema: &mut Value) -> Option<&mut Vec<Value>> {
    let keyword = union_keyword(schema)?;
    schema.get_mut(keyword)?.as_array_mut()
}

/// Whether a fixup leaves a branch of a union of messages out.
pub(crate) fn is_left_out(branch: &Value) -> bool {
    branch.get("x-left-out").is_some()
}

/// The method that a branch of a union of messages is for.
pub(crate) fn method_of(branch: &Value) -> Option<&str> {
    literal(branch.get("properties")?.get("method")?)
}

/// The parameters of a branch of a union of messages.
pub(crate) fn params_of(branch: &Value) -> Option<&Value> {
    branch.get("properties")?.get("params")
}

/// The only string that a schema allows.
pub(crate) fn literal(schema: &Value) -> Option<&str> {
    match schema.get("enum")?.as_array()?.as_slice() {
        [Value::String(only)] => Some(only),
        _ => None,
    }
}

/// The JSON types that a schema names.
pub(crate) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Whether a schema itself, without its branches, allows null.
pub(crate) fn is_null_allowed(schema: &Value) -> bool {
    types(schema).contains(&"null")
}

/// Whether a schema allows nothing but null.
pub(crate) fn is_null(schema: &Value) -> bool {
    types(schema) == ["null"]
}

/// Calls `visit` for every schema within `schema`, itself first.
///
/// It follows the places where schemas stand, and never takes a map of
/// properties for a schema: a property may be called `pattern` or `enum`.
pub(crate) fn walk<'a>(schema: &'a Value, at: &At, visit: &mut dyn FnMut(&'a Value, &At)) {
    visit(schema, at);
    let Some(object) = schema.as_object() else {
        return;
    };
    if let Some(properties) = object.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            walk(property, &at.child("properties").child(name), visit);
        }
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = object.get(keyword).filter(|inner| inner.is_object()) {
            walk(inner, &at.child(keyword), visit);
        }
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for (index, inner) in object
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            walk(inner, &at.child(keyword).child(index), visit);
        }
    }
}

/// As [`walk`], to change schemas in place.
pub(crate) fn walk_mut(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
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
