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
