//! The reviewed list of the SDK's options, against the schema.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::public_api::{Item, Kind};

/// The list, beside the schema.
const FILE: &str = "options.toml";

/// What is decided about the fields of some params.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    params: String,
    builders: Vec<String>,
    #[serde(default)]
    same: Vec<String>,
    #[serde(default)]
    renamed: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    own: Vec<String>,
    /// Setters that only one of the builders has, with or without a wire field.
    #[serde(default)]
    only: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    left: Vec<String>,
}

/// Fails with every field that nobody has decided about, and with every one that
/// is listed and has left the schema.
pub(crate) fn check(folder: &Path, bundle: &Value) -> Result<()> {
    let differences = differences(&read(folder)?, bundle);
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "schema/{FILE} does not fit the schema:\n  {}",
        differences.join("\n  ")
    )
}

/// The fields of each params that a text of the file does not decide about.
pub(crate) fn undecided(text: &str, bundle: &Value) -> Result<Vec<(String, Vec<String>)>> {
    let lists: BTreeMap<String, Reviewed> =
        toml::from_str(text).with_context(|| format!("{FILE} has another form"))?;
    let definitions = &bundle["definitions"];
    let mut undecided = Vec::new();
    for list in lists.values() {
        let definition = [&definitions["v2"][&list.params], &definitions[&list.params]];
        let fields = definition
            .into_iter()
            .find_map(|it| it["properties"].as_object());
        let listed = list.fields();
        let fields = fields.into_iter().flatten().map(|(name, _)| name.clone());
        let new: Vec<_> = fields.filter(|it| !listed.contains(it)).collect();
        if !new.is_empty() {
            undecided.push((list.params.clone(), new));
        }
    }
    Ok(undecided)
}

fn read(folder: &Path) -> Result<BTreeMap<String, Reviewed>> {
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} has another form", path.display()))
}

fn differences(lists: &BTreeMap<String, Reviewed>, bundle: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for list in lists.values() {
        let params = &list.params;
        let definitions = &bundle["definitions"];
        let definition = [&definitions["v2"][params], &definitions[params]]
            .into_iter()
            .find_map(|definition| definition["properties"].as_object());
        let Some(fields) = definition else {
            differences.push(format!("{params} is not in the schema"));
            continue;
        };
        let fields: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        let listed = list.fields();
        for lost in listed
            .iter()
            .filter(|field| !fields.contains(field.as_str()))
        {
            differences.push(format!("{params}.{lost} has left the schema"));
        }
        for new in fields.iter().filter(|field| !listed.contains(**field)) {
            differences.push(format!(
                "{params}.{new} is new: make it an option, or leave it"
            ));
        }
    }
    differences
}

/// Fails with every setter that is public and not listed, and the other way round.
pub(crate) fn check_setters(surface: &[Item]) -> Result<()> {
    let differences = setters(&read(&crate::root().join("schema"))?, surface);
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "schema/{FILE} does not fit the builders:\n  {}",
        differences.join("\n  ")
    )
}

fn setters(lists: &BTreeMap<String, Reviewed>, surface: &[Item]) -> Vec<String> {
    let mut differences = Vec::new();
    for list in lists.values() {
        for builder in &list.builders {
            let item = surface.iter().find(|item| item.path == *builder);
            let Some(Kind::Type { functions, .. }) = item.map(|item| &item.kind) else {
                differences.push(format!("{builder} is not public"));
                continue;
            };
            let public: BTreeSet<&str> = (functions.iter())
                .map(|function| function.name.as_str())
                .filter(|name| !matches!(*name, "send" | "params" | "stream"))
                .collect();
            let listed: BTreeSet<&str> = (list.same.iter())
                .chain(list.renamed.keys())
                .chain(&list.own)
                .chain(list.only.get(builder).into_iter().flatten())
                .map(String::as_str)
                .collect();
            let unlisted = public.difference(&listed);
            differences.extend(unlisted.map(|name| format!("{builder}::{name} is not listed")));
            let lost = listed.difference(&public);
            differences
                .extend(lost.map(|name| format!("{builder}::{name} is listed, and no setter")));
        }
    }
    differences
}

impl Reviewed {
    /// Every wire field that is decided about.
    fn fields(&self) -> BTreeSet<String> {
        let same = self.same.iter().map(|setter| camel(setter));
        let renamed = self.renamed.values().flatten().cloned();
        same.chain(renamed)
            .chain(self.left.iter().cloned())
            .collect()
    }
}

/// `model_provider` on the wire: `modelProvider`.
fn camel(setter: &str) -> String {
    let mut words = setter.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(word.len().min(1));
        camel += &first.to_ascii_uppercase();
        camel += rest;
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public_api::surface;
    use crate::schema::load;

    fn pinned() -> (BTreeMap<String, Reviewed>, Value) {
        let folder = crate::root().join("schema");
        (read(&folder).unwrap(), load::load(&folder).unwrap())
    }

    #[test]
    fn every_field_of_the_pinned_schema_is_decided_about() {
        let (lists, bundle) = pinned();
        assert_eq!(differences(&lists, &bundle), [""; 0]);
    }

    #[test]
    fn a_new_field_becomes_no_option_and_a_lost_one_is_named() {
        let (lists, mut bundle) = pinned();
        let fields = bundle["definitions"]["v2"]["ThreadStartParams"]["properties"]
            .as_object_mut()
            .unwrap();
        let lost = fields.remove("serviceTier").unwrap();
        fields.insert("shinyNewThing".to_owned(), lost);
        assert_eq!(
            differences(&lists, &bundle),
            [
                "ThreadStartParams.serviceTier has left the schema",
                "ThreadStartParams.shinyNewThing is new: make it an option, or leave it",
            ]
        );
    }

    #[test]
    fn a_setter_that_is_not_listed_is_named() {
        let (mut lists, _) = pinned();
        let list = lists.get_mut("model-list").unwrap();
        list.own.push("imagined".to_owned());
        let surface = surface().unwrap();
        assert_eq!(
            setters(&lists, &surface),
            ["Models::imagined is listed, and no setter"]
        );
        lists.get_mut("model-list").unwrap().own.clear();
        lists.get_mut("model-list").unwrap().same.clear();
        assert_eq!(
            setters(&lists, &surface),
            ["Models::include_hidden is not listed"]
        );
    }
}
