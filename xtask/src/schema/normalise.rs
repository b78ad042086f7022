//! From the bundle to flat definitions.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

use super::{At, Definitions, branches, branches_mut, method_of, params_of, reference, walk_mut};
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

/// A type that a notification was given for itself.
pub(crate) struct OwnType {
    pub(crate) name: String,
    pub(crate) copy_of: String,
}

/// Gives every notification a payload type of its own.
///
/// `METHOD` is a constant of the payload's type, so two methods with one type
/// (`environment/connected`, `environment/disconnected`) need two. The copies
/// are named after their methods, as the other notifications are.
///
/// Returns them by method.
pub(crate) fn one_type_per_notification(
    definitions: &mut Definitions,
) -> Result<BTreeMap<String, OwnType>> {
    let at = At::definition(PASS, "ServerNotification");
    let union = definitions
        .get("ServerNotification")
        .ok_or_else(|| at.error("is missing"))?;
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for branch in branches(union).ok_or_else(|| at.error("is not a union"))? {
        if let (Some(method), Some(payload)) =
            (method_of(branch), params_of(branch).and_then(reference))
        {
            users
                .entry(payload.to_owned())
                .or_default()
                .insert(method.to_owned());
        }
    }
    let mut renamed = BTreeMap::new();
    for (payload, methods) in users.into_iter().filter(|(_, methods)| methods.len() > 1) {
        let at = At::definition(PASS, &payload);
        let schema = definitions
            .get(&payload)
            .ok_or_else(|| at.error("is missing"))?
            .clone();
        for method in methods {
            let name = format!("{}Notification", names::pascal(&method));
            if definitions.contains_key(&name) {
                return Err(at.error(format!(
                    "`{method}` needs a type of its own, and {name} exists already"
                )));
            }
            definitions.insert(name.clone(), schema.clone());
            renamed.insert(
                method,
                OwnType {
                    name,
                    copy_of: payload.clone(),
                },
            );
        }
    }
    for branch in definitions
        .get_mut("ServerNotification")
        .and_then(branches_mut)
        .into_iter()
        .flatten()
    {
        let own = method_of(branch).and_then(|method| renamed.get(method));
        if let Some(OwnType { name, .. }) = own
            && let Some(params) = branch.pointer_mut("/properties/params/$ref")
        {
            *params = format!("#/definitions/{name}").into();
        }
    }
    Ok(renamed)
}
