//! Refusing what the generator would not understand, before it misunderstands it.
//!
//! The passes that follow read the keywords that they know and look no
//! further. So here is said, once, which keywords there are, what form each
//! has and which may stand beside which; anything else is an error.

use anyhow::Result;
use serde_json::{Map, Value};

use super::{At, Definitions, is_null_allowed, types, union_keyword, walk};

const PASS: &str = "vocabulary";

/// What stands under a keyword.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Anything,
    Text,
    /// The name of a JSON type, or a list of them.
    Type,
    /// A list of names.
    Names,
    /// A list of values.
    Values,
    Schema,
    SchemaOrFlag,
    /// Schemas by name.
    Members,
    /// A list of schemas.
    Branches,
}

/// The keywords that give a schema its meaning.
const STRUCTURE: &[(&str, Form)] = &[
    ("$ref", Form::Text),
    ("additionalProperties", Form::SchemaOrFlag),
    ("allOf", Form::Branches),
    ("anyOf", Form::Branches),
    ("enum", Form::Values),
    ("items", Form::Schema),
    ("oneOf", Form::Branches),
    ("properties", Form::Members),
    ("required", Form::Names),
    ("type", Form::Type),
];

/// The keywords that change nothing about the structure.
const ASIDE: &[(&str, Form)] = &[
    ("$schema", Form::Text),
    ("default", Form::Anything),
    ("description", Form::Text),
    ("format", Form::Text),
    ("title", Form::Text),
    // Validation: a newer server may send what they forbid, so types do not enforce them.
    ("maxItems", Form::Anything),
    ("maxLength", Form::Anything),
    ("maximum", Form::Anything),
    ("minItems", Form::Anything),
    ("minLength", Form::Anything),
    ("minimum", Form::Anything),
    ("pattern", Form::Anything),
    ("uniqueItems", Form::Anything),
    // Annotations.
    ("deprecated", Form::Anything),
    ("examples", Form::Anything),
    ("readOnly", Form::Anything),
    ("writeOnly", Form::Anything),
];

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

const TYPES: &[&str] = &[
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Formats with the type that they belong to. What is a string stays a string.
const FORMATS: &[(&str, &[&str])] = &[
    (
        "integer",
        &[
            "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
        ],
    ),
    ("number", &["double", "float"]),
    (
        "string",
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

/// Checks that every keyword, combination and reference is understood.
pub(crate) fn check(definitions: &Definitions) -> Result<()> {
    for (name, schema) in definitions {
        let mut first = None;
        walk(schema, &At::definition(PASS, name), &mut |schema, at| {
            if first.is_none() {
                first = fault(schema, definitions).map(|fault| at.error(fault));
            }
        });
        if let Some(error) = first {
            return Err(error);
        }
    }
    Ok(())
}

fn fault(schema: &Value, definitions: &Definitions) -> Option<String> {
    let object = match schema {
        Value::Bool(true) => return None,
        Value::Object(object) => object,
        other => return Some(format!("expected a schema, found {other}")),
    };
    for (keyword, value) in object {
        let known = STRUCTURE.iter().chain(ASIDE);
        let Some((_, form)) = known.into_iter().find(|(known, _)| known == keyword) else {
            return Some(format!(
                "the generator does not know the keyword `{keyword}`"
            ));
        };
        if !has_form(value, *form) {
            return Some(format!(
                "the generator does not know this form of `{keyword}`: {value}"
            ));
        }
    }
    combination(schema)
        .or_else(|| choice(schema))
        .or_else(|| format(schema))
        .or_else(|| dangling(object, definitions))
}

fn has_form(value: &Value, form: Form) -> bool {
    let all = |test: fn(&Value) -> bool| {
        value
            .as_array()
            .is_some_and(|values| !values.is_empty() && values.iter().all(test))
    };
    match form {
        Form::Anything => true,
        Form::Text => value.is_string(),
        Form::Type => is_type(value) || all(is_type),
        Form::Names => value
            .as_array()
            .is_some_and(|names| names.iter().all(Value::is_string)),
        Form::Values => all(|_| true),
        // What is within a schema is checked when it is visited itself.
        Form::Schema => value.is_object() || *value == Value::Bool(true),
        Form::SchemaOrFlag => value.is_object() || value.is_boolean(),
        Form::Members => value.is_object(),
        Form::Branches => all(Value::is_object),
    }
}

fn is_type(value: &Value) -> bool {
    value.as_str().is_some_and(|name| TYPES.contains(&name))
}

/// Keywords of which one would be overlooked for the other.
fn combination(schema: &Value) -> Option<String> {
    let object = schema.as_object()?;
    let (first, beside) = BESIDE
        .iter()
        .filter(|(keyword, _)| *keyword != "enum" || !is_of_integers(schema))
        .find(|(keyword, _)| object.contains_key(*keyword))?;
    let stranger = STRUCTURE
        .iter()
        .map(|(keyword, _)| *keyword)
        .filter(|keyword| object.contains_key(*keyword))
        .find(|keyword| keyword != first && !beside.contains(keyword));
    if let Some(stranger) = stranger {
        return Some(format!("`{stranger}` beside `{first}` is not supported"));
    }
    let types = types(schema);
    let wanted = match *first {
        "$ref" | "allOf" => return None,
        "enum" => "string",
        "items" => "array",
        _ => "object",
    };
    let fits = types.iter().all(|name| *name == wanted || *name == "null");
    (!fits).then(|| {
        format!(
            "`{first}` of the type {} is not supported",
            types.join(", ")
        )
    })
}

/// Integers out of a list: validation, as a minimum is, so the type is the integer.
fn is_of_integers(schema: &Value) -> bool {
    let values = schema.get("enum").and_then(Value::as_array);
    let all = |values: &Vec<Value>| values.iter().all(Value::is_i64);
    types(schema) == ["integer"] && values.is_some_and(all)
}

fn choice(schema: &Value) -> Option<String> {
    if let Some(all) = schema.get("allOf").and_then(Value::as_array)
        && all.len() != 1
    {
        return Some("`allOf` of several schemas is not supported".to_owned());
    }
    if union_keyword(schema).is_some() && is_null_allowed(schema) {
        return Some("a union that allows null by its own type is not supported".to_owned());
    }
    let values = schema.get("enum")?.as_array()?;
    if is_of_integers(schema) {
        return None;
    }
    let null = is_null_allowed(schema);
    let odd = values
        .iter()
        .find(|value| !(value.is_string() || (null && value.is_null())))?;
    Some(format!("the value {odd} of an enum is not supported"))
}

fn format(schema: &Value) -> Option<String> {
    let format = schema.get("format")?.as_str()?;
    let types = types(schema);
    let known = FORMATS
        .iter()
        .any(|(name, formats)| types.contains(name) && formats.contains(&format));
    (!known).then(|| {
        format!(
            "the format `{format}` of the type {} is not supported",
            types.join(", ")
        )
    })
}

fn dangling(object: &Map<String, Value>, definitions: &Definitions) -> Option<String> {
    let reference = object.get("$ref")?.as_str()?;
    match reference.strip_prefix("#/definitions/") {
        Some(name) if definitions.contains_key(name) => None,
        _ => Some(format!("`{reference}` points to no definition")),
    }
}
