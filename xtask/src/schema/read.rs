//! What a typed schema says, read without deciding anything.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::Result;
use schemars::schema::{InstanceType, ObjectValidation, Schema, SchemaObject, SingleOrVec};
use serde_json::Value;

use super::At;

/// Definitions by name, flat: what `$ref` points to.
pub(crate) type Definitions = BTreeMap<String, SchemaObject>;

/// A schema; `true` is one that says nothing.
pub(crate) fn object(schema: &Schema) -> &SchemaObject {
    static ANY: LazyLock<SchemaObject> = LazyLock::new(SchemaObject::default);
    match schema {
        Schema::Object(schema) => schema,
        Schema::Bool(_) => &ANY,
    }
}

/// The same, to be changed.
pub(crate) fn object_mut(schema: &mut Schema) -> &mut SchemaObject {
    if let Schema::Bool(_) = schema {
        *schema = Schema::Object(SchemaObject::default());
    }
    match schema {
        Schema::Object(schema) => schema,
        Schema::Bool(_) => unreachable!("it was made an object above"),
    }
}

/// A property of an object.
pub(crate) fn property<'a>(schema: &'a SchemaObject, name: &str) -> Option<&'a SchemaObject> {
    schema.object.as_ref()?.properties.get(name).map(object)
}

/// The same, to be changed.
pub(crate) fn property_mut<'a>(
    schema: &'a mut SchemaObject,
    name: &str,
) -> Option<&'a mut SchemaObject> {
    let properties = &mut schema.object.as_mut()?.properties;
    properties.get_mut(name).map(object_mut)
}

/// The definition that a `$ref` names.
pub(crate) fn reference(schema: &SchemaObject) -> Option<&str> {
    schema.reference.as_deref()?.strip_prefix("#/definitions/")
}

/// The branches of a union, with its keyword.
pub(crate) fn union(schema: &SchemaObject) -> Option<(&'static str, &[Schema])> {
    let choice = schema.subschemas.as_deref()?;
    let one = choice.one_of.as_deref().map(|all| ("oneOf", all));
    one.or(choice.any_of.as_deref().map(|all| ("anyOf", all)))
}

/// The branches of a union.
pub(crate) fn branches(schema: &SchemaObject) -> Option<&[Schema]> {
    union(schema).map(|(_, all)| all)
}

/// The same, to be changed.
pub(crate) fn branches_mut(schema: &mut SchemaObject) -> Option<&mut Vec<Schema>> {
    let choice = schema.subschemas.as_deref_mut()?;
    choice.one_of.as_mut().or(choice.any_of.as_mut())
}

/// The JSON types that it names.
pub(crate) fn types(schema: &SchemaObject) -> &[InstanceType] {
    match &schema.instance_type {
        Some(SingleOrVec::Single(one)) => std::slice::from_ref(one),
        Some(SingleOrVec::Vec(several)) => several,
        None => &[],
    }
}

/// Whether a schema itself, without its branches, allows null.
pub(crate) fn is_null_allowed(schema: &SchemaObject) -> bool {
    types(schema).contains(&InstanceType::Null)
}

/// Whether a schema allows nothing but null.
pub(crate) fn is_null(schema: &SchemaObject) -> bool {
    types(schema) == [InstanceType::Null]
}

/// What an annotation of a fixup says.
pub(crate) fn mark<'a>(schema: &'a SchemaObject, name: &str) -> Option<&'a str> {
    schema.extensions.get(name)?.as_str()
}

/// Its description.
pub(crate) fn doc(schema: &SchemaObject) -> Option<String> {
    schema.metadata.as_ref()?.description.clone()
}

/// The only string that a schema allows.
pub(crate) fn literal(schema: &SchemaObject) -> Option<&str> {
    match schema.enum_values.as_deref()? {
        [Value::String(only)] => Some(only),
        _ => None,
    }
}

/// Strings and their descriptions, if the schema is nothing but a choice of them.
pub(crate) fn string_literals(schema: &SchemaObject) -> Option<Vec<(String, Option<String>)>> {
    if let Some(values) = &schema.enum_values {
        let values: Option<Vec<&str>> = (values.iter().filter(|value| !value.is_null()))
            .map(Value::as_str)
            .collect();
        let values = values?;
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
        all.extend(string_literals(object(branch))?);
    }
    (!all.is_empty()).then_some(all)
}

/// The member that has one string in every branch.
pub(crate) fn tag_of(branches: &[Schema]) -> Option<&str> {
    let first = object(branches.first()?).object.as_ref()?;
    let is_tag = |name: &&String| {
        branches
            .iter()
            .all(|it| kind_of(object(it), name).is_some())
    };
    first.properties.keys().find(is_tag).map(String::as_str)
}

/// The kind that a branch of a tagged union is for.
pub(crate) fn kind_of<'a>(branch: &'a SchemaObject, tag: &str) -> Option<&'a str> {
    let members = branch
        .object
        .as_ref()
        .filter(|it| it.required.contains(tag))?;
    literal(object(members.properties.get(tag)?))
}

/// Whether the branches are strings and objects with one key.
pub(crate) fn is_keyed(branches: &[Schema]) -> bool {
    let mut all = branches.iter().map(object);
    all.all(|it| string_literals(it).is_some() || only_key(it).is_some())
}

/// The key and value of an object that must have exactly that key.
pub(crate) fn only_key(branch: &SchemaObject) -> Option<(&str, &Schema)> {
    let members = branch.object.as_ref()?;
    let (key, value) = members.properties.first_key_value()?;
    (members.properties.len() == 1 && members.required.contains(key)).then_some((key, value))
}

/// A kind's own members, those that stand beside the union, and those of a
/// choice within the kind (an image's `url` or `fileId`), which become optional.
pub(crate) fn with_shared(
    branch: &SchemaObject,
    union: &SchemaObject,
    tag: &str,
    at: &At,
) -> Result<ObjectValidation> {
    let mut all = union.object.as_deref().cloned().unwrap_or_default();
    if let Some(own) = branch.object.as_deref().cloned() {
        all.properties.extend(own.properties);
        all.required.extend(own.required);
        all.additional_properties = own.additional_properties.or(all.additional_properties);
    }
    for choice in branches(branch).into_iter().flatten() {
        let choice = object(choice).object.as_deref().cloned();
        let choice = choice
            .ok_or_else(|| at.error("a choice within a kind must be of objects with members"))?;
        for (name, member) in choice.properties {
            if all
                .properties
                .insert(name.clone(), member.clone())
                .is_some_and(|other| other != member)
            {
                return Err(at.error(format!("two different members `{name}`")));
            }
        }
    }
    all.properties.remove(tag);
    all.required.remove(tag);
    Ok(all)
}

/// Calls `check` for every schema within `schema`, itself first.
pub(crate) fn visit(
    schema: &SchemaObject,
    at: &At,
    check: &mut dyn FnMut(&SchemaObject, &At) -> Result<()>,
) -> Result<()> {
    check(schema, at)?;
    let mut inner: Vec<(At, &Schema)> = Vec::new();
    if let Some(it) = schema.object.as_deref() {
        inner.extend(
            it.properties
                .iter()
                .map(|(name, it)| (at.child("properties").child(name), it)),
        );
        inner.extend(
            it.additional_properties
                .as_deref()
                .map(|it| (at.child("additionalProperties"), it)),
        );
    }
    if let Some(SingleOrVec::Single(items)) =
        schema.array.as_deref().and_then(|it| it.items.as_ref())
    {
        inner.push((at.child("items"), items));
    }
    if let Some(it) = schema.subschemas.as_deref() {
        for (keyword, all) in [
            ("oneOf", &it.one_of),
            ("anyOf", &it.any_of),
            ("allOf", &it.all_of),
        ] {
            let all = all.iter().flatten().enumerate();
            inner.extend(all.map(|(index, it)| (at.child(keyword).child(index), it)));
        }
    }
    for (at, it) in inner {
        match it {
            Schema::Object(it) => visit(it, &at, check)?,
            Schema::Bool(true) => {}
            Schema::Bool(false) if at.to_string().ends_with("/additionalProperties") => {}
            Schema::Bool(false) => return Err(at.error("expected a schema, found false")),
        }
    }
    Ok(())
}
