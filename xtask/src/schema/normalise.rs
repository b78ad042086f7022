//! From the bundle to flat definitions.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

use super::fixups::response_by_rule;
use super::{At, Definitions, branches_mut, method_of, params_of, reference, walk_mut};
use crate::codegen::names;

const PASS: &str = "normalise";

/// Lifts `definitions.v2.*` to the top, rewrites references and refuses two
/// different definitions of one name.
pub(crate) fn flatten(bundle: Value) -> Result<Definitions> {
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
            let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
            let end = piece.find(|c| !is_of_name(c)).unwrap_or(piece.len());
            told += FLAT;
            if self.nested.contains(&piece[..end]) {
                told += "v2/";
            }
            told += piece;
        }
        told
    }
}

/// A type that a message was given for itself.
pub(crate) struct OwnType {
    pub(crate) name: String,
    pub(crate) copy_of: String,
}

/// Gives every message a type of its own for what it carries.
///
/// `METHOD` is a constant of that type, so two methods with one type
/// (`environment/connected`, `environment/disconnected`) need two. The copies
/// are named after their methods, as the others are.
///
/// Returns them by method.
pub(crate) fn one_type_per_message(
    definitions: &mut Definitions,
) -> Result<BTreeMap<String, OwnType>> {
    let mut renamed = BTreeMap::new();
    for (union, suffix) in [
        ("ClientRequest", "Params"),
        ("ServerRequest", "Params"),
        ("ServerNotification", "Notification"),
    ] {
        one_type_per_message_of(definitions, union, suffix, &mut renamed)?;
    }
    Ok(renamed)
}

fn one_type_per_message_of(
    definitions: &mut Definitions,
    union: &str,
    suffix: &str,
    renamed: &mut BTreeMap<String, OwnType>,
) -> Result<()> {
    let at = At::definition(PASS, union);
    // That one is missing, or is no union, the pass that lists the messages says.
    let Some(mut messages) = definitions.remove(union) else {
        return Ok(());
    };
    let all = branches_mut(&mut messages).ok_or_else(|| at.error("is not a union"))?;
    let carried = |branch: &Value| params_of(branch).and_then(reference).map(str::to_owned);
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for payload in all.iter().filter_map(carried) {
        *users.entry(payload).or_default() += 1;
    }
    for branch in all {
        let (Some(payload), Some(method)) = (carried(branch), method_of(branch)) else {
            continue;
        };
        let name = format!("{}{suffix}", names::pascal(method));
        if users[&payload] == 1 || name == payload {
            continue;
        }
        let at = At::definition(PASS, &payload);
        let schema = definitions
            .get(&payload)
            .ok_or_else(|| at.error("is missing"))?
            .clone();
        let method = method.to_owned();
        if definitions.insert(name.clone(), schema).is_some() {
            return Err(at.error(format!(
                "`{method}` needs a type of its own, and {name} exists already"
            )));
        }
        let response = response_by_rule(branch).filter(|it| definitions.contains_key(it));
        if let (Some(response), Some(branch)) = (response, branch.as_object_mut()) {
            branch.entry("x-response").or_insert(response.into());
        }
        if let Some(params) = branch.pointer_mut("/properties/params/$ref") {
            *params = format!("#/definitions/{name}").into();
        }
        let copy_of = payload;
        renamed.insert(method, OwnType { name, copy_of });
    }
    definitions.insert(union.to_owned(), messages);
    Ok(())
}
