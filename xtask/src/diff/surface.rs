//! What a schema offers, without how it says it: methods, and the members and variants of types.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemars::schema::{InstanceType, Schema, SchemaObject, SingleOrVec};

use crate::schema::At;
use crate::schema::fixups::RESPONSES;
use crate::schema::messages::{MESSAGES, method_of, params_name, params_of, response_by_rule};
use crate::schema::read::{
    Definitions, branches, is_null, is_null_allowed, kind_of, literal, object, only_key, reference,
    string_literals, tag_of, types, visit, with_shared,
};
use crate::schema::stable::Stable;

/// The union that a method stands in, and its name.
pub(super) type MethodKey = (&'static str, String);

/// Everything that two schemas are compared by.
pub(crate) struct Surface {
    pub(super) methods: BTreeMap<MethodKey, Method>,
    pub(super) types: BTreeMap<String, Shape>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Method {
    pub(super) params: Option<String>,
    pub(super) response: Option<String>,
    /// `None` where no schema says it.
    pub(super) is_stable: Option<bool>,
}

/// A definition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// What it is as a whole: a record, a choice of strings, a union, or another type.
    pub(super) form: String,
    /// By name; those of a kind of a union as `kind.member`.
    pub(super) members: BTreeMap<String, Member>,
    /// Strings, kinds, keys or untagged types, by name.
    pub(super) variants: BTreeMap<String, Variant>,
    pub(super) way: Way,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// Without null.
    pub(super) ty: String,
    pub(super) is_nullable: bool,
    pub(super) is_required: bool,
    pub(super) is_stable: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variant {
    /// What stands behind it, if that has no members of its own.
    pub(super) ty: Option<String>,
    pub(super) is_stable: Option<bool>,
}

/// Who writes a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) is_sent: bool,
    pub(super) is_received: bool,
}

impl Surface {
    /// The surface of flat definitions; `stable` tells what is not experimental.
    pub(crate) fn of(definitions: &Definitions, stable: Option<&Stable>) -> Result<Self> {
        let methods = methods(definitions, stable);
        let ways = ways(definitions, &methods)?;
        let mut types = BTreeMap::new();
        for (name, schema) in definitions {
            if !MESSAGES.contains(&name.as_str()) {
                let mut shape = Shape::of(name, schema, stable)?;
                shape.way = ways.get(name).copied().unwrap_or_default();
                types.insert(name.clone(), shape);
            }
        }
        Ok(Self { methods, types })
    }
}

fn methods(definitions: &Definitions, stable: Option<&Stable>) -> BTreeMap<MethodKey, Method> {
    let mut methods = BTreeMap::new();
    for union in MESSAGES {
        let messages = definitions.get(*union).and_then(branches);
        for message in messages.into_iter().flatten().map(object) {
            let Some(method) = method_of(message) else {
                continue;
            };
            let params = params_of(message).and_then(params_name);
            let reviewed = RESPONSES.iter().find(|(it, _)| *it == method);
            let response = reviewed
                .map(|(_, response)| (*response).to_owned())
                .or_else(|| response_by_rule(message));
            let it = Method {
                params: params.map(str::to_owned),
                response: response.filter(|it| definitions.contains_key(it)),
                is_stable: stable.map(|it| it.has_method(method)),
            };
            methods.insert((*union, method.to_owned()), it);
        }
    }
    methods
}

/// Who writes each definition: whatever is within what a side writes.
fn ways(
    definitions: &Definitions,
    methods: &BTreeMap<MethodKey, Method>,
) -> Result<BTreeMap<String, Way>> {
    let sent = Way {
        is_sent: true,
        is_received: false,
    };
    let received = Way {
        is_sent: false,
        is_received: true,
    };
    let mut open: Vec<(String, Way)> = Vec::new();
    for ((union, _), method) in methods {
        let (asks, answers) = match *union {
            "ClientRequest" | "ClientNotification" => (sent, received),
            _ => (received, sent),
        };
        open.extend(method.params.clone().map(|it| (it, asks)));
        open.extend(method.response.clone().map(|it| (it, answers)));
    }
    // Responses that no rule pairs with a request.
    let paired: BTreeSet<_> = open.iter().map(|(name, _)| name.clone()).collect();
    let unpaired = definitions.keys().filter(|it| it.ends_with("Response"));
    let unpaired = unpaired.filter(|it| !paired.contains(*it));
    open.extend(unpaired.map(|it| (it.clone(), received)));

    let mut ways: BTreeMap<String, Way> = BTreeMap::new();
    while let Some((name, way)) = open.pop() {
        let (Some(schema), known) = (
            definitions.get(&name),
            ways.entry(name.clone()).or_default(),
        ) else {
            continue;
        };
        let both = Way {
            is_sent: known.is_sent || way.is_sent,
            is_received: known.is_received || way.is_received,
        };
        if *known == both {
            continue;
        }
        *known = both;
        visit(schema, &At::definition("diff", &name), &mut |inner, _| {
            open.extend(reference(inner).map(|it| (it.to_owned(), way)));
            Ok(())
        })?;
    }
    Ok(ways)
}

impl Shape {
    fn of(name: &str, schema: &SchemaObject, stable: Option<&Stable>) -> Result<Self> {
        let mut shape = Self {
            form: String::new(),
            members: BTreeMap::new(),
            variants: BTreeMap::new(),
            way: Way::default(),
        };
        let at = At::definition("diff", name);
        let is_kind_stable = |kind: &str| stable.map(|it| it.has_kind(name, kind));
        shape.form = if let Some(values) = string_literals(schema) {
            for (value, _) in values {
                let it = Variant {
                    ty: None,
                    is_stable: None,
                };
                shape.variants.insert(value, it);
            }
            "a choice of strings".to_owned()
        } else if let Some(all) = branches(schema) {
            if let Some(tag) = tag_of(all) {
                for branch in all.iter().map(object) {
                    let kind = kind_of(branch, tag).unwrap_or_default();
                    let members = with_shared(branch, schema, tag, &at)?;
                    let prefix = format!("{kind}.");
                    shape.add_members(name, &prefix, &members, stable);
                    let it = Variant {
                        ty: None,
                        is_stable: is_kind_stable(kind),
                    };
                    shape.variants.insert(kind.to_owned(), it);
                }
                format!("a union by `{tag}`")
            } else {
                for branch in all.iter().map(object) {
                    for (variant, ty) in untagged(branch) {
                        let it = Variant {
                            ty,
                            is_stable: None,
                        };
                        shape.variants.insert(variant, it);
                    }
                }
                "a union without a tag".to_owned()
            }
        } else if let Some(members) = schema
            .object
            .as_deref()
            .filter(|it| !it.properties.is_empty())
        {
            shape.add_members(name, "", members, stable);
            "a record".to_owned()
        } else {
            // An object without members is a record that may get some.
            match text(schema).as_str() {
                "{}" => "a record".to_owned(),
                other => other.to_owned(),
            }
        };
        Ok(shape)
    }

    fn add_members(
        &mut self,
        definition: &str,
        prefix: &str,
        members: &schemars::schema::ObjectValidation,
        stable: Option<&Stable>,
    ) {
        for (name, schema) in &members.properties {
            let schema = object(schema);
            let member = Member {
                ty: text(schema),
                is_nullable: takes_null(schema),
                is_required: members.required.contains(name),
                is_stable: stable.map(|it| it.has_member(definition, name)),
            };
            self.members.insert(format!("{prefix}{name}"), member);
        }
    }
}

/// The variants that a branch of a union without a tag stands for: strings, a key, or a type.
fn untagged(branch: &SchemaObject) -> Vec<(String, Option<String>)> {
    if let Some(values) = string_literals(branch) {
        return values.into_iter().map(|(it, _)| (it, None)).collect();
    }
    match only_key(branch) {
        Some((key, value)) => vec![(key.to_owned(), Some(or_null(object(value))))],
        None => vec![(or_null(branch), None)],
    }
}

/// Whether null is a value.
fn takes_null(schema: &SchemaObject) -> bool {
    let of_branch = || branches(schema).into_iter().flatten().map(object);
    is_null_allowed(schema) || of_branch().any(is_null)
}

fn or_null(schema: &SchemaObject) -> String {
    match takes_null(schema) {
        true if is_null(schema) => "null".to_owned(),
        true => format!("{} | null", text(schema)),
        false => text(schema),
    }
}

/// A schema in a few words, without null and without what is said for people.
fn text(schema: &SchemaObject) -> String {
    if let Some(name) = reference(schema) {
        return name.to_owned();
    }
    if let Some([only]) = schema
        .subschemas
        .as_ref()
        .and_then(|it| it.all_of.as_deref())
    {
        return text(object(only));
    }
    if let Some(only) = literal(schema) {
        return format!("{only:?}");
    }
    if let Some(values) = &schema.enum_values {
        let values = values.iter().filter(|it| !it.is_null());
        return joined(values.map(ToString::to_string));
    }
    if let Some(all) = branches(schema) {
        let all = all.iter().map(object).filter(|it| !is_null(it));
        let mut text = joined(all.map(text));
        if let Some(members) = members(schema) {
            text = format!("{members} & ({text})");
        }
        return text;
    }
    let types = types(schema).iter();
    let types: Vec<_> = types.filter(|it| **it != InstanceType::Null).collect();
    match types.as_slice() {
        [] if schema.object.is_none() => "any".to_owned(),
        [InstanceType::Array] => match schema.array.as_ref().and_then(|it| it.items.as_ref()) {
            Some(SingleOrVec::Single(items)) => format!("[{}]", or_null(object(items))),
            _ => "[any]".to_owned(),
        },
        [] | [InstanceType::Object] => members(schema).unwrap_or_else(|| map(schema)),
        several => {
            let format = schema.format.as_ref();
            let format = format.map(|it| format!(" ({it})")).unwrap_or_default();
            joined(several.iter().map(|it| match it {
                InstanceType::Boolean => "boolean".to_owned(),
                InstanceType::Integer => format!("integer{format}"),
                InstanceType::Number => format!("number{format}"),
                InstanceType::String => format!("string{format}"),
                InstanceType::Array => "[any]".to_owned(),
                _ => map(schema),
            }))
        }
    }
}

/// The members of an object, if the schema names some.
fn members(schema: &SchemaObject) -> Option<String> {
    let it = schema.object.as_deref()?;
    let members = it.properties.iter().map(|(name, member)| {
        let mark = if it.required.contains(name) { "" } else { "?" };
        format!("{name}{mark}: {}", or_null(object(member)))
    });
    let members: Vec<_> = members.collect();
    (!members.is_empty()).then(|| format!("{{{}}}", members.join(", ")))
}

/// An object of which no member is named.
fn map(schema: &SchemaObject) -> String {
    let values = schema.object.as_deref();
    match values.and_then(|it| it.additional_properties.as_deref()) {
        Some(Schema::Object(values)) => format!("{{*: {}}}", or_null(values)),
        Some(Schema::Bool(true)) => "{*: any}".to_owned(),
        _ => "{}".to_owned(),
    }
}

fn joined(all: impl Iterator<Item = String>) -> String {
    all.collect::<Vec<_>>().join(" | ")
}
