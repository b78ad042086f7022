//! Required members that older runtimes do not send, by comparing their exports with the pin's.

use std::path::Path;

use anyhow::{Context, Result, bail};
use schemars::schema::SchemaObject;

use super::fixups::{ABSENT_BEFORE, AbsentBefore};
use super::messages::MESSAGES;
use super::read::{Definitions, branches, is_null, is_null_allowed, object};
use super::{At, load, normalise, vocabulary};

/// A runtime that is older than the pin.
struct Older {
    version: String,
    definitions: Definitions,
}

/// Fails for the first difference between what the exports in `schema/runtimes/` say and the
/// `absent_before` fixup, with the entry to write.
pub(crate) fn check(folder: &Path, pin: &str, definitions: &Definitions) -> Result<()> {
    let older = read(folder, pin)?;
    let mut needed: Vec<(String, String, String)> = Vec::new();
    for (index, runtime) in older.iter().enumerate() {
        let next = older.get(index + 1).map_or(pin, |it| &it.version);
        for (definition, member) in missing(definitions, &runtime.definitions) {
            needed.retain(|(other, name, _)| (other, name) != (&definition, &member));
            needed.push((definition, member, next.to_owned()));
        }
    }
    for (definition, member, version) in &needed {
        let is_it = |it: &&AbsentBefore| it.definition == definition && it.member == member;
        let entry = ABSENT_BEFORE.iter().find(is_it);
        if entry.is_none_or(|it| it.version != version) {
            let at = At::definition("absent before", definition);
            return Err(at.child("properties").child(member).error(format!(
                "runtimes before {version} do not send this required member; decide what that \
                 means, in ABSENT_BEFORE of xtask/src/schema/fixups.rs: AbsentBefore {{ definition: \
                 {definition:?}, member: {member:?}, version: {version:?}, means: \"\" }}"
            )));
        }
    }
    let is_needed = |it: &AbsentBefore| {
        needed
            .iter()
            .any(|(definition, member, _)| it.definition == definition && it.member == member)
    };
    if let Some(it) = ABSENT_BEFORE.iter().find(|it| !is_needed(it)) {
        let at = At::definition("absent before", it.definition);
        return Err(at.child("properties").child(it.member).error(
            "every runtime in schema/runtimes/ sends this; take it out of ABSENT_BEFORE in \
             xtask/src/schema/fixups.rs",
        ));
    }
    Ok(())
}

/// The runtimes before the pin, oldest first.
fn read(folder: &Path, pin: &str) -> Result<Vec<Older>> {
    let folder = folder.join("runtimes");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let pin = numbers(pin).with_context(|| format!("{pin} is no version"))?;
    let mut older = Vec::new();
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let version = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some(order) = numbers(&version) else {
            bail!("{} is not named after a version", path.display());
        };
        if order < pin {
            let definitions = vocabulary::read(&normalise::flatten(load::load(&path)?)?)
                .with_context(|| format!("in {}", path.display()))?;
            older.push((
                order,
                Older {
                    version,
                    definitions,
                },
            ));
        }
    }
    older.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(older.into_iter().map(|(_, it)| it).collect())
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version
        .split('.')
        .map(|number| number.parse().ok())
        .collect()
}

/// Definitions and members that the pin requires and an older runtime does not, null aside.
fn missing(pin: &Definitions, older: &Definitions) -> Vec<(String, String)> {
    let mut missing = Vec::new();
    for (name, schema) in pin
        .iter()
        .filter(|(name, _)| !MESSAGES.contains(&name.as_str()))
    {
        let (Some(now), Some(before)) = (&schema.object, older.get(name)) else {
            continue;
        };
        let Some(before) = &before.object else {
            continue;
        };
        for member in now
            .required
            .iter()
            .filter(|it| !before.required.contains(*it))
        {
            if now
                .properties
                .get(member)
                .map(object)
                .is_some_and(|it| !takes_null(it))
            {
                missing.push((name.clone(), member.clone()));
            }
        }
    }
    missing
}

/// Whether null is a value, so that absence can be it.
fn takes_null(schema: &SchemaObject) -> bool {
    let of_branch = || {
        branches(schema)
            .into_iter()
            .flatten()
            .map(object)
            .any(is_null)
    };
    is_null_allowed(schema) || of_branch()
}
