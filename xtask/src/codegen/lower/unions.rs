//! Enums and unions.

use std::collections::BTreeSet;

use anyhow::Result;
use quote::format_ident;
use schemars::schema::{InstanceType, Schema, SchemaObject};

use super::fields::distinct;
use super::{Hint, Lowering};
use crate::codegen::model::{
    JsonType, Keyed, Literal, Owner, Shape, StringEnum, Tagged, TaggedKind, Ty, TypeName, Untagged,
    UntaggedMember,
};
use crate::codegen::names;
use crate::schema::At;
use crate::schema::read::{self, branches, doc, mark, object, reference, types};

impl Lowering<'_> {
    pub(super) fn string_enum(
        &self,
        values: Vec<(String, Option<String>)>,
        at: &At,
    ) -> Result<StringEnum> {
        let values = values
            .into_iter()
            .map(|(wire, doc)| literal_of(wire, doc, None, at))
            .collect::<Result<Vec<_>>>()?;
        distinct(values.iter().map(|value| &value.name), at)?;
        Ok(StringEnum {
            values,
            closed: false,
        })
    }

    pub(super) fn tagged(
        &mut self,
        name: &str,
        schema: &SchemaObject,
        tag: &str,
        at: &At,
    ) -> Result<Tagged> {
        let mut kinds = Vec::new();
        let mut wires = BTreeSet::new();
        for (at, branch) in each(schema, at) {
            let wire =
                read::kind_of(branch, tag).ok_or_else(|| at.error(format!("has no `{tag}`")))?;
            if !wires.insert(wire) {
                return Err(at.error(format!("a second branch for the {tag} `{wire}`")));
            }
            let literal = literal_of(wire.to_owned(), doc(branch), given_name(branch), &at)?;
            let payload = names::joined(&literal.name.to_string(), name);
            let body = read::with_shared(branch, schema, tag, &at)?;
            let record = self.record(&payload, &body, &at)?;
            let payload = if record.fields.is_empty() && !record.open {
                None
            } else {
                let owner = Owner {
                    definition: TypeName::new(name),
                    part: literal.name.to_string(),
                };
                self.insert(&payload, branch, Shape::Struct(record), Some(owner), &at)?;
                Some(TypeName::new(payload))
            };
            let experimental =
                self.stable.has_definition(name) && !self.stable.has_kind(name, &literal.wire);
            kinds.push(TaggedKind {
                literal,
                payload,
                boxed: false,
                experimental,
            });
        }
        distinct(kinds.iter().map(|kind| &kind.literal.name), at)?;
        Ok(Tagged {
            tag: tag.to_owned(),
            kinds,
            closed: false,
        })
    }

    pub(super) fn keyed(&mut self, name: &str, schema: &SchemaObject, at: &At) -> Result<Keyed> {
        let (mut units, mut keys) = (Vec::new(), Vec::new());
        for (at, branch) in each(schema, at) {
            if let Some(values) = read::string_literals(branch) {
                for (wire, doc) in values {
                    units.push(literal_of(wire, doc, None, &at)?);
                }
            } else if let Some((key, inner)) = read::only_key(branch) {
                let at = at.child("properties").child(key);
                let inner = object(inner);
                let docs = doc(branch).or_else(|| doc(inner));
                let literal = literal_of(key.to_owned(), docs, None, &at)?;
                let part = literal.name.to_string();
                let hint = Hint {
                    name: names::joined(&part, name),
                    owner: name,
                    part: &part,
                };
                let lowered = self.ty(inner, &hint, &at)?;
                if lowered.nullable {
                    return Err(at.error("a nullable value of a one-key object is not supported"));
                }
                keys.push((literal, lowered.ty));
            }
        }
        let literals = units.iter().chain(keys.iter().map(|(literal, _)| literal));
        distinct(literals.map(|it| &it.name), at)?;
        Ok(Keyed { units, keys })
    }

    pub(super) fn untagged(
        &mut self,
        name: &str,
        schema: &SchemaObject,
        branches: &[Schema],
        at: &At,
    ) -> Result<Untagged> {
        let mut members: Vec<UntaggedMember> = Vec::new();
        for (at, branch) in each(schema, at) {
            let member = match given_name(branch) {
                Some(given) => given.to_owned(),
                None => member_name(name, branch, branches)
                    .ok_or_else(|| at.error("has no tag, title or shape to name it by"))?,
            };
            let hint = Hint {
                name: names::joined(&member, name),
                owner: name,
                part: &member,
            };
            let lowered = self.ty(branch, &hint, &at)?;
            if lowered.nullable {
                return Err(at.error("a nullable member without a tag is not supported"));
            }
            let json = self.json_type(branch, &lowered.ty, &at)?;
            let hidden = members.iter().any(|other| {
                other.json == json
                    && (json != JsonType::Object || matches!(other.ty, Ty::Object | Ty::Map(_)))
            });
            if hidden {
                return Err(at.error(format!(
                    "cannot be told from another member, which is a JSON {json:?} as well"
                )));
            }
            members.push(UntaggedMember {
                name: format_ident!("{member}"),
                ty: lowered.ty,
                json,
                doc: doc(branch),
            });
        }
        distinct(members.iter().map(|member| &member.name), at)?;
        Ok(Untagged {
            members,
            closed: false,
        })
    }

    /// The JSON type of a member without a tag.
    fn json_type(&self, schema: &SchemaObject, ty: &Ty, at: &At) -> Result<JsonType> {
        Ok(match ty {
            Ty::String | Ty::Secret => JsonType::String,
            Ty::Bool => JsonType::Boolean,
            Ty::Int(_) | Ty::Float => JsonType::Number,
            Ty::List(_) => JsonType::Array,
            Ty::Map(_) | Ty::Object => JsonType::Object,
            Ty::Wire("ThreadId" | "TurnId" | "ItemId" | "LoginId") => JsonType::String,
            Ty::Named(_) => return self.json_type_of(schema, at),
            Ty::Value | Ty::Nullable(_) | Ty::Wire(_) => {
                return Err(at.error("a member that takes several JSON types is not supported"));
            }
        })
    }

    /// The JSON type that all values of a schema have.
    fn json_type_of(&self, schema: &SchemaObject, at: &At) -> Result<JsonType> {
        if let Some(name) = reference(schema) {
            let definition = self.definitions.get(name);
            let definition =
                definition.ok_or_else(|| at.error(format!("{name} is no definition")))?;
            return self.json_type_of(definition, at);
        }
        if read::string_literals(schema).is_some() {
            return Ok(JsonType::String);
        }
        if let Some(branches) = branches(schema) {
            let mut all = Vec::new();
            for branch in branches {
                all.push(self.json_type_of(object(branch), at)?);
            }
            return match all.as_slice() {
                [first, others @ ..] if others.iter().all(|other| other == first) => Ok(*first),
                _ => Err(at.error("a member that takes several JSON types is not supported")),
            };
        }
        match types(schema) {
            [InstanceType::String] => Ok(JsonType::String),
            [InstanceType::Object] => Ok(JsonType::Object),
            other => Err(at.error(format!("a member of the type {other:?} is not supported"))),
        }
    }
}

/// The branches of a union, each with its place.
fn each<'a>(schema: &'a SchemaObject, at: &'a At) -> impl Iterator<Item = (At, &'a SchemaObject)> {
    let (keyword, branches) = read::union(schema).unwrap_or(("oneOf", &[]));
    (branches.iter().enumerate())
        .map(move |(index, it)| (at.child(keyword).child(index), object(it)))
}

/// The name that a fixup gives to a branch.
fn given_name(branch: &SchemaObject) -> Option<&str> {
    mark(branch, "x-name")
}

/// A name for a member without a tag: what its type's name has of its own, or its shape.
fn member_name(union: &str, branch: &SchemaObject, all: &[Schema]) -> Option<String> {
    if let Some(name) = reference(branch) {
        let own = own_part(union, name);
        return names::is_type_name(&own).then_some(own);
    }
    match types(branch) {
        [InstanceType::String] => Some("String".to_owned()),
        [InstanceType::Integer | InstanceType::Number] => Some("Number".to_owned()),
        [InstanceType::Boolean] => Some("Boolean".to_owned()),
        [InstanceType::Array] => Some("Array".to_owned()),
        [InstanceType::Object] => {
            let all: Vec<_> = all
                .iter()
                .filter_map(|it| object(it).object.as_ref())
                .collect();
            let is_own =
                |name: &&String| all.iter().filter(|it| it.required.contains(*name)).count() == 1;
            let mine = &branch.object.as_ref()?.required;
            mine.iter().find(is_own).map(|name| names::pascal(name))
        }
        _ => None,
    }
}

/// `name` without the words that it begins and ends with as `union` does.
fn own_part(union: &str, name: &str) -> String {
    let split =
        |text: &str| -> Vec<String> { names::snake(text).split('_').map(str::to_owned).collect() };
    let (union, name) = (split(union), split(name));
    let front = union.iter().zip(&name).take_while(|(a, b)| a == b).count();
    let back = union
        .iter()
        .rev()
        .zip(name.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let end = name.len().saturating_sub(back).max(front);
    names::pascal(&name[front.min(end)..end].join("_"))
}

fn literal_of(wire: String, doc: Option<String>, given: Option<&str>, at: &At) -> Result<Literal> {
    let name = given.map_or_else(|| names::pascal(&wire), str::to_owned);
    if !names::is_type_name(&name) || name == "Unrecognized" {
        return Err(at.error(format!(
            "\"{wire}\" gives no usable name ({name}); name it in a fixup"
        )));
    }
    let name = format_ident!("{name}");
    Ok(Literal { wire, name, doc })
}
