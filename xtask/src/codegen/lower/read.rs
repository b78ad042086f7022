//! What a schema says, read without deciding anything.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::schema::{At, branches, literal, requires, string_values};

/// Its description.
pub(super) fn doc(schema: &Value) -> Option<String> {
    schema
        .get("description")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// Strings and their descriptions, if the schema is nothing but a choice of them.
pub(super) fn string_literals(schema: &Value) -> Option<Vec<(String, Option<String>)>> {
    if let Some(values) = string_values(schema) {
        let own = (values.len() == 1).then(|| doc(schema)).flatten();
        return Some(
            values
                .into_iter()
                .map(|value| (value.to_owned(), own.clone()))
                .collect(),
        );
    }
    let mut all = Vec::new();
    for branch in branches(schema)? {
        all.extend(string_literals(branch)?);
    }
    (!all.is_empty()).then_some(all)
}

/// The member that has one string in every branch.
pub(super) fn tag_of(branches: &[Value]) -> Option<String> {
    let first = branches.first()?.get("properties")?.as_object()?;
    first
        .keys()
        .find(|member| {
            branches
                .iter()
                .all(|branch| requires(branch, member) && kind_of(branch, member).is_some())
        })
        .cloned()
}

/// The kind that a branch of a tagged union is for.
pub(super) fn kind_of<'a>(branch: &'a Value, tag: &str) -> Option<&'a str> {
    literal(branch.get("properties")?.get(tag)?)
}

/// Whether the branches are strings and objects with one key.
pub(super) fn is_keyed(branches: &[Value]) -> bool {
    branches
        .iter()
        .all(|branch| string_literals(branch).is_some() || only_key(branch).is_some())
}

/// The key and value of an object that must have exactly that key.
pub(super) fn only_key(branch: &Value) -> Option<(&str, &Value)> {
    let properties = branch.get("properties")?.as_object()?;
    let (key, value) = properties.iter().next()?;
    (properties.len() == 1 && requires(branch, key)).then_some((key, value))
}

/// A kind's own members, those that stand beside the union, and those of a
/// choice within the kind (an image's `url` or `fileId`), which become optional.
pub(super) fn with_shared(branch: &Value, union: &Value, tag: &str, at: &At) -> Result<Value> {
    let mut properties = Map::new();
    let mut required = BTreeSet::new();
    for source in [union, branch] {
        properties.extend(members(source).into_iter().flatten().map(owned));
        let names = source.get("required").and_then(Value::as_array);
        required.extend(
            names
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|name| *name != tag),
        );
    }
    for choice in branches(branch).into_iter().flatten() {
        let choices = members(choice)
            .ok_or_else(|| at.error("a choice within a kind must be of objects with members"))?;
        for (name, property) in choices {
            if properties
                .insert(name.clone(), property.clone())
                .is_some_and(|other| other != *property)
            {
                return Err(at.error(format!("two different members `{name}`")));
            }
        }
    }
    properties.remove(tag);
    let mut body = Map::new();
    body.insert("properties".to_owned(), Value::Object(properties));
    body.insert("required".to_owned(), required.into_iter().collect());
    let open = [branch, union]
        .into_iter()
        .find_map(|schema| schema.get("additionalProperties"));
    if let Some(open) = open {
        body.insert("additionalProperties".to_owned(), open.clone());
    }
    Ok(Value::Object(body))
}

fn members(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

fn owned((name, schema): (&String, &Value)) -> (String, Value) {
    (name.clone(), schema.clone())
}
