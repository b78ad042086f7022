//! From the bundle to flat definitions.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{At, Definitions, branches, literal, reference, walk_mut};
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

/// Gives every notification a payload type of its own.
///
/// `METHOD` is a constant of the payload's type, so two methods with one type
/// (`environment/connected`, `environment/disconnected`) need two. The copies
/// are named after their methods, as the other notifications are.
pub(crate) fn one_type_per_notification(definitions: &mut Definitions) -> Result<Vec<String>> {
    let at = At::definition(PASS, "ServerNotification");
    let union = definitions
        .get("ServerNotification")
        .ok_or_else(|| at.error("is missing"))?;
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for branch in branches(union).ok_or_else(|| at.error("is not a union"))? {
        let properties = &branch["properties"];
        if let (Some(method), Some(payload)) = (
            literal(&properties["method"]),
            reference(&properties["params"]),
        ) {
            users
                .entry(payload.to_owned())
                .or_default()
                .push(method.to_owned());
        }
    }
    let mut renamed = BTreeMap::new();
    for (payload, methods) in users.into_iter().filter(|(_, methods)| methods.len() > 1) {
        for method in methods {
            let name = format!("{}Notification", names::pascal(&method));
            if definitions.contains_key(&name) {
                return Err(At::definition(PASS, &payload).error(format!(
                    "`{method}` needs a type of its own, and {name} exists already"
                )));
            }
            let copy = definitions[&payload].clone();
            definitions.insert(name.clone(), copy);
            renamed.insert(method, name);
        }
    }
    for branch in definitions["ServerNotification"]["oneOf"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let method = literal(&branch["properties"]["method"]).map(str::to_owned);
        if let Some(name) = method.and_then(|method| renamed.get(&method)) {
            branch["properties"]["params"]["$ref"] = format!("#/definitions/{name}").into();
        }
    }
    Ok(renamed
        .into_iter()
        .map(|(method, name)| format!("{method} -> {name}"))
        .collect())
}
