//! Required members that older runtimes do not send, by comparing their exports with the pin's.

use std::path::Path;

use anyhow::{Context, Result, bail};
use schemars::schema::SchemaObject;

use super::fixups::{ABSENT_BEFORE, AbsentBefore, member_place};
use super::messages::MESSAGES;
use super::read::{Definitions, branches, is_null, is_null_allowed, kind_of, object, tag_of};
use super::{load, normalise, vocabulary};
use crate::kept::{self, Version};

/// A runtime that is older than the pin.
struct Older {
    version: String,
    definitions: Definitions,
}

/// Fails for the first difference between what the exports in `schema/runtimes/` say and the
/// `absent_before` fixup, with the entry to write.
pub(crate) fn check(folder: &Path, pin: &str, definitions: &Definitions) -> Result<()> {
    let older = read(folder, pin)?;
    let mut needed: Vec<(Place, String)> = Vec::new();
    for (index, runtime) in older.iter().enumerate() {
        let next = older.get(index + 1).map_or(pin, |it| &it.version);
        for place in missing(definitions, &runtime.definitions) {
            needed.retain(|(other, _)| *other != place);
            needed.push((place, next.to_owned()));
        }
    }
    for (place, version) in &needed {
        let entry = ABSENT_BEFORE.iter().find(|it| Place::of(it) == *place);
        if entry.is_none_or(|it| it.version != version) {
            let Place {
                definition,
                kind,
                member,
            } = place;
            bail!(
                "{place} (absent before): runtimes before {version} do not send this required member; decide what that \
                 means, in ABSENT_BEFORE of xtask/src/schema/fixups.rs: AbsentBefore {{ definition: \
                 {definition:?}, kind: {kind:?}, member: {member:?}, version: {version:?}, means: \"\" }}"
            );
        }
    }
    for place in ABSENT_BEFORE.iter().map(Place::of) {
        if !needed.iter().any(|(it, _)| *it == place) {
            bail!(
                "{place} (absent before): every runtime in schema/runtimes/ sends this; take it out of ABSENT_BEFORE in \
                 xtask/src/schema/fixups.rs"
            );
        }
    }
    Ok(())
}

/// A member of a definition, or of a kind of one.
#[derive(Debug, PartialEq)]
struct Place {
    definition: String,
    kind: Option<String>,
    member: String,
}

impl Place {
    fn of(it: &AbsentBefore) -> Self {
        Self {
            definition: it.definition.to_owned(),
            kind: it.kind.map(str::to_owned),
            member: it.member.to_owned(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&member_place(
            &self.definition,
            self.kind.as_deref(),
            &self.member,
        ))
    }
}

/// The runtimes before the pin, oldest first.
fn read(folder: &Path, pin: &str) -> Result<Vec<Older>> {
    let pin = Version::parse(pin).with_context(|| format!("{pin} is no version"))?;
    let older = kept::others(folder)?.into_iter();
    older
        .filter(|(version, _)| *version < pin)
        .map(|(version, path)| {
            let definitions = vocabulary::read(&normalise::flatten(load::load(&path)?)?)
                .with_context(|| format!("in {}", path.display()))?;
            Ok(Older {
                version: version.text().to_owned(),
                definitions,
            })
        })
        .collect()
}

/// Members that the pin requires and an older runtime does not, null aside.
fn missing(pin: &Definitions, older: &Definitions) -> Vec<Place> {
    let mut missing = Vec::new();
    let definitions = pin.iter();
    for (name, now) in definitions.filter(|(name, _)| !MESSAGES.contains(&name.as_str())) {
        let Some(before) = older.get(name) else {
            continue;
        };
        let mut compare = |kind: Option<&str>, now: &SchemaObject, before: &SchemaObject| {
            let members = newly_required(now, before).into_iter();
            missing.extend(members.map(|member| Place {
                definition: name.clone(),
                kind: kind.map(str::to_owned),
                member,
            }));
        };
        compare(None, now, before);
        let (now, before) = (branches(now), branches(before));
        let (Some(now), Some(before)) = (now, before) else {
            continue;
        };
        let Some(tag) = tag_of(now) else { continue };
        for kind in now.iter().map(object) {
            let name = kind_of(kind, tag);
            let same = |it: &&SchemaObject| kind_of(it, tag) == name;
            if let Some(before) = before.iter().map(object).find(same) {
                compare(name, kind, before);
            }
        }
    }
    missing
}

/// The required members that were not.
fn newly_required(now: &SchemaObject, before: &SchemaObject) -> Vec<String> {
    let (Some(now), Some(before)) = (&now.object, &before.object) else {
        return Vec::new();
    };
    let new = now
        .required
        .iter()
        .filter(|it| !before.required.contains(*it));
    let new = new.filter(|member| {
        let schema = now.properties.get(*member).map(object);
        schema.is_some_and(|it| !takes_null(it))
    });
    new.cloned().collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definitions(bundle: serde_json::Value) -> Definitions {
        vocabulary::read(&normalise::flatten(json!({"definitions": bundle})).unwrap()).unwrap()
    }

    fn item(required: &[&str]) -> Definitions {
        let members = json!({
            "type": {"type": "string", "enum": ["a"]}, "x": {"type": "string"}, "y": {"type": ["string", "null"]},
        });
        definitions(json!({
            "Item": {"oneOf": [{"type": "object", "properties": members, "required": required}]},
            "Plain": {"type": "object", "properties": {"x": {"type": "string"}}, "required": &required[1..2]},
        }))
    }

    #[test]
    fn members_of_kinds_are_missed_as_well() {
        let place = |definition: &str, kind: Option<&str>| Place {
            definition: definition.to_owned(),
            kind: kind.map(str::to_owned),
            member: "x".to_owned(),
        };
        let missing = missing(&item(&["type", "x", "y"]), &item(&["type", "z"]));
        // What may be null is null where it is absent.
        assert_eq!(missing, [place("Item", Some("a")), place("Plain", None)]);
        assert_eq!(
            missing[0].to_string(),
            "/definitions/Item/oneOf `a`, member x"
        );
    }
}
