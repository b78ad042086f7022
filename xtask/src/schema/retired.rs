//! `schema/retired.json`: what supported older runtimes still send, and the pinned one's schema has no more.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::messages::MESSAGES;

/// The file, beside the schema; in the form of the schema. There is none if nothing is retired.
pub(crate) const FILE: &str = "retired.json";

/// Adds it to the bundle of the pinned runtime.
///
/// # Errors
/// For what is in the bundle again.
pub(crate) fn add(schema: &Path, bundle: &mut Value) -> Result<()> {
    let path = schema.join(FILE);
    if !path.is_file() {
        return Ok(());
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let retired: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    merge(&mut bundle["definitions"], &retired["definitions"])
}

/// Adds definitions, and messages to the unions of them.
pub(crate) fn merge(definitions: &mut Value, retired: &Value) -> Result<()> {
    let Some(retired) = retired.as_object() else {
        bail!("schema/{FILE} has no definitions");
    };
    for (name, it) in retired {
        if name == "v2" {
            merge(&mut definitions["v2"], it)?;
        } else if MESSAGES.contains(&name.as_str()) {
            let (Some(known), Some(more)) = (
                definitions[name]["oneOf"].as_array_mut(),
                it["oneOf"].as_array(),
            ) else {
                bail!("schema/{FILE}: {name} is no union of messages");
            };
            for message in more {
                let method = |it: &Value| it["properties"]["method"]["enum"][0].clone();
                if known.iter().any(|it| method(it) == method(message)) {
                    bail!(
                        "schema/{FILE}: {} is in the schema again; take it out there",
                        method(message)
                    );
                }
                known.push(message.clone());
            }
        } else if !definitions[name].is_null() {
            bail!("schema/{FILE}: {name} is in the schema again; take it out there");
        } else {
            definitions[name] = it.clone();
        }
    }
    Ok(())
}
