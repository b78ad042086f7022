//! Reading the definitions, and refusing what the generator would misunderstand.
//!
//! The passes that follow read the keywords that they know and look no
//! further. So here is said, once, which keywords there are, what form each
//! has and which may stand beside which; anything else is an error.

use anyhow::Result;
use schemars::schema::{InstanceType, SchemaObject, SingleOrVec};
use serde_json::{Map, Value};

use super::At;
use super::read::{Definitions, branches, is_null_allowed, reference, types, visit};

const PASS: &str = "vocabulary";

/// Keywords that mean nothing to a type and that schemars does not know.
const ASIDE: &[&str] = &["$schema"];

/// What may stand beside a keyword of the structure. The first keyword that a schema has decides.
const BESIDE: &[(&str, &[&str])] = &[
    ("$ref", &[]),
    ("allOf", &[]),
    (
        "oneOf",
        &["type", "properties", "required", "additionalProperties"],
    ),
    (
        "anyOf",
        &["type", "properties", "required", "additionalProperties"],
    ),
    ("enum", &["type"]),
    ("items", &["type"]),
    ("properties", &["type", "required", "additionalProperties"]),
    ("required", &["type", "additionalProperties"]),
    ("additionalProperties", &["type"]),
];

const FORMATS: &[(InstanceType, &[&str])] = &[
    (
        InstanceType::Integer,
        &[
            "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
        ],
    ),
    (InstanceType::Number, &["double", "float"]),
    (
        InstanceType::String,
        &[
            "byte",
            "date",
            "date-time",
            "duration",
            "email",
            "hostname",
            "ip",
            "ipv4",
            "ipv6",
            "partial-date-time",
            "regex",
            "time",
            "uri",
            "url",
            "uuid",
        ],
    ),
];

/// Reads flat definitions.
pub(crate) fn read(definitions: &Map<String, Value>) -> Result<Definitions> {
    let mut read = Definitions::new();
    for (name, schema) in definitions {
        let at = At::definition(PASS, name);
        match serde_json::from_value(schema.clone()) {
            Ok(schema) => drop(read.insert(name.clone(), schema)),
            Err(error) => return Err(innermost(schema, &at).unwrap_or_else(|| at.error(error))),
        }
    }
    for (name, schema) in &read {
        visit(
            schema,
            &At::definition(PASS, name),
            &mut |schema, at| match fault(schema, &read) {
                Some(fault) => Err(at.error(fault)),
                None => Ok(()),
            },
        )?;
    }
    Ok(read)
}

/// What is wrong with the innermost part that is no schema; schemars does not say where it failed.
fn innermost(schema: &Value, at: &At) -> Option<anyhow::Error> {
    let child = |keyword: &str| schema.get(keyword).map(|it| (at.child(keyword), it));
    let lists = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(child);
    let branches = lists.flat_map(|(at, list)| {
        let list = list.as_array().into_iter().flatten().enumerate();
        list.map(move |(index, it)| (at.child(index), it))
    });
    let members = child("properties").into_iter().flat_map(|(at, all)| {
        all.as_object()
            .into_iter()
            .flatten()
            .map(move |(name, it)| (at.child(name), it))
    });
    let single = ["items", "additionalProperties"]
        .into_iter()
        .filter_map(child);
    let mut inner = branches
        .chain(members)
        .chain(single.filter(|(_, it)| !it.is_boolean()));
    inner.find_map(|(at, it)| innermost(it, &at)).or_else(|| {
        let is_schema = |it: &Map<String, Value>| {
            serde_json::from_value::<SchemaObject>(it.clone().into()).is_ok()
        };
        let Some(object) = schema.as_object() else {
            return Some(at.error(format!("expected a schema, found {schema}")));
        };
        let without = |keyword: &str| {
            object
                .iter()
                .filter(|(it, _)| *it != keyword)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        let (keyword, value) = object
            .iter()
            .find(|(keyword, _)| !is_schema(object) && is_schema(&without(keyword)))?;
        Some(at.error(format!(
            "the generator does not know this form of `{keyword}`: {value}"
        )))
    })
}

fn fault(schema: &SchemaObject, definitions: &Definitions) -> Option<String> {
    let object = schema.object.clone().unwrap_or_default();
    let array = schema.array.clone().unwrap_or_default();
    let choice = schema.subschemas.clone().unwrap_or_default();
    let unknown = [
        ("const", schema.const_value.is_some()),
        ("not", choice.not.is_some()),
        ("if", choice.if_schema.is_some()),
        ("then", choice.then_schema.is_some()),
        ("else", choice.else_schema.is_some()),
        ("additionalItems", array.additional_items.is_some()),
        ("contains", array.contains.is_some()),
        ("patternProperties", !object.pattern_properties.is_empty()),
        ("propertyNames", object.property_names.is_some()),
        ("minProperties", object.min_properties.is_some()),
        ("maxProperties", object.max_properties.is_some()),
    ];
    let unknown = unknown
        .into_iter()
        .filter_map(|(keyword, is_there)| is_there.then_some(keyword));
    let strange = schema
        .extensions
        .keys()
        .map(String::as_str)
        .filter(|it| !ASIDE.contains(it));
    if let Some(keyword) = unknown.chain(strange).next() {
        return Some(format!(
            "the generator does not know the keyword `{keyword}`"
        ));
    }
    if matches!(array.items, Some(SingleOrVec::Vec(_))) {
        return Some("the generator does not know `items` that are a list".to_owned());
    }
    let structure = [
        ("$ref", schema.reference.is_some()),
        ("allOf", choice.all_of.is_some()),
        ("oneOf", choice.one_of.is_some()),
        ("anyOf", choice.any_of.is_some()),
        (
            "enum",
            schema.enum_values.is_some() && !is_of_integers(schema),
        ),
        ("items", array.items.is_some()),
        ("properties", !object.properties.is_empty()),
        ("required", !object.required.is_empty()),
        (
            "additionalProperties",
            object.additional_properties.is_some(),
        ),
        ("type", schema.instance_type.is_some()),
    ];
    let has = |wanted: &str| {
        structure
            .iter()
            .any(|(keyword, is_there)| *is_there && *keyword == wanted)
    };
    if let Some((first, beside)) = BESIDE.iter().find(|(keyword, _)| has(keyword)) {
        let fits = |keyword: &str| keyword == *first || beside.contains(&keyword);
        if let Some((stranger, _)) = structure.iter().find(|(keyword, it)| *it && !fits(keyword)) {
            return Some(format!("`{stranger}` beside `{first}` is not supported"));
        }
        let wanted = match *first {
            "enum" => InstanceType::String,
            "items" => InstanceType::Array,
            _ => InstanceType::Object,
        };
        let types = types(schema);
        let odd = types
            .iter()
            .find(|it| **it != wanted && **it != InstanceType::Null);
        if let (Some(odd), false) = (odd, ["$ref", "allOf"].contains(first)) {
            return Some(format!("`{first}` of the type {odd:?} is not supported"));
        }
    }
    let null = is_null_allowed(schema);
    if choice.all_of.is_some_and(|all| all.len() != 1) {
        return Some("`allOf` of several schemas is not supported".to_owned());
    }
    if branches(schema).is_some_and(<[_]>::is_empty) {
        return Some("a union of nothing".to_owned());
    }
    if branches(schema).is_some() && null {
        return Some("a union that allows null by its own type is not supported".to_owned());
    }
    let mut values = schema.enum_values.iter().flatten();
    let fits =
        |value: &Value| value.is_string() || (null && value.is_null()) || is_of_integers(schema);
    if let Some(odd) = values.find(|it| !fits(it)) {
        return Some(format!("the value {odd} of an enum is not supported"));
    }
    if let Some(format) = schema.format.as_deref() {
        let known = FORMATS
            .iter()
            .any(|(of, all)| types(schema).contains(of) && all.contains(&format));
        if !known {
            return Some(format!(
                "the format `{format}` of the type {:?} is not supported",
                types(schema)
            ));
        }
    }
    let target = schema.reference.as_deref()?;
    let is_there = reference(schema).is_some_and(|name| definitions.contains_key(name));
    (!is_there).then(|| format!("`{target}` points to no definition"))
}

/// Integers out of a list: validation, as a minimum is, so the type is the integer.
fn is_of_integers(schema: &SchemaObject) -> bool {
    types(schema) == [InstanceType::Integer]
        && schema.enum_values.iter().flatten().all(Value::is_i64)
}
