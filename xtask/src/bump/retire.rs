//! What supported older runtimes still send, and the new one lacks.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::export::Export;
use crate::kept::{self, Version};
use crate::lock::Lock;
use crate::schema::load;
use crate::schema::normalise::flatten;

/// The unions of what the server sends.
const SENT: [&str; 2] = ["ServerRequest", "ServerNotification"];

/// `schema/retired.json` for a new schema; `None` if nothing is retired.
pub(super) fn retired(
    schema: &Path,
    lock: &Lock,
    pinned: &Export,
    new: &Value,
) -> Result<Option<Value>> {
    let oldest =
        Version::parse(&lock.oldest).with_context(|| format!("{} is no version", lock.oldest))?;
    let pin =
        Version::parse(&lock.version).with_context(|| format!("{} is no version", lock.version))?;
    let mut older = Vec::new();
    for (version, folder) in kept::others(schema)? {
        if version >= oldest && version < pin {
            older.push(load::load(&folder)?);
        }
    }
    older.push(pinned.bundle.clone());
    let known = flatten(new.clone())?;
    let mut unions: Map<String, Value> = Map::new();
    let mut types: Map<String, Value> = Map::new();
    // The newest form of each counts.
    for bundle in older.iter().rev() {
        for union in SENT {
            for message in branches(bundle, union) {
                let method = method(message);
                let has = |branches: &[Value]| branches.iter().any(|it| self::method(it) == method);
                let taken = unions.get(union).and_then(|it| it["oneOf"].as_array());
                if has(branches(new, union)) || taken.is_some_and(|it| has(it)) {
                    continue;
                }
                let all = unions.entry(union).or_insert_with(|| json!({"oneOf": []}));
                all["oneOf"]
                    .as_array_mut()
                    .context("it is a list")?
                    .push(message.clone());
                collect(message, bundle, &known, &mut types);
                // What answers it is referred to by its name alone.
                let params = message["properties"]["params"]["$ref"]
                    .as_str()
                    .unwrap_or_default();
                if let Some(stem) = params.strip_suffix("Params") {
                    collect(
                        &json!({"$ref": format!("{stem}Response")}),
                        bundle,
                        &known,
                        &mut types,
                    );
                }
            }
        }
    }
    if unions.is_empty() {
        return Ok(None);
    }
    unions.insert("v2".to_owned(), Value::Object(types));
    Ok(Some(json!({"definitions": unions})))
}

fn branches<'a>(bundle: &'a Value, union: &str) -> &'a [Value] {
    let branches = bundle["definitions"][union]["oneOf"].as_array();
    branches.map_or(&[], Vec::as_slice)
}

fn method(message: &Value) -> &Value {
    &message["properties"]["method"]["enum"][0]
}

/// Takes what a schema refers to, and what that refers to, unless the new schema has it.
fn collect(
    schema: &Value,
    bundle: &Value,
    known: &Map<String, Value>,
    types: &mut Map<String, Value>,
) {
    match schema {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            if let Some(name) = reference.and_then(|it| it.rsplit('/').next())
                && !known.contains_key(name)
                && !types.contains_key(name)
            {
                let definitions = &bundle["definitions"];
                let definition = [&definitions["v2"][name], &definitions[name]];
                if let Some(definition) = definition.into_iter().find(|it| !it.is_null()) {
                    types.insert(name.to_owned(), definition.clone());
                    collect(definition, bundle, known, types);
                }
            }
            members
                .values()
                .for_each(|it| collect(it, bundle, known, types));
        }
        Value::Array(all) => all.iter().for_each(|it| collect(it, bundle, known, types)),
        _ => {}
    }
}
