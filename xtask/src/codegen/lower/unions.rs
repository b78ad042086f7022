//! Enums and unions.

use std::collections::BTreeSet;

use anyhow::Result;
use schemars::schema::{InstanceType, Schema, SchemaObject};

use super::{Hint, Lowering};
use crate::codegen::model::{
    JsonType, Keyed, Owner, Shape, StringEnum, Tagged, TaggedKind, Ty, TypeName, Untagged,
    UntaggedMember,
};
use crate::codegen::names;
use crate::schema::At;
use crate::schema::read::{self, branches, doc, mark, object, reference, types};

/// The variant that keeps what is not known.
const OPEN: &[&str] = &["Unrecognized"];

impl Lowering<'_> {
    pub(super) fn string_enum(
        &mut self,
        values: Vec<(String, Option<String>)>,
        at: &At,
    ) -> Result<StringEnum> {
        let mut parts = self.parts(OPEN);
        let mut wires = BTreeSet::new();
        let values = values
            .into_iter()
            .filter(|(wire, _)| wires.insert(wire.clone()))
            .map(|(wire, doc)| parts.literal(wire, doc, None, at))
            .collect::<Result<Vec<_>>>()?;
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
        let mut literals = Vec::new();
        let mut wires = BTreeSet::new();
        let mut parts = self.parts(OPEN);
        for (at, branch) in each(schema, at) {
            let wire =
                read::kind_of(branch, tag).ok_or_else(|| at.error(format!("has no `{tag}`")))?;
            let repeated = format!("a second branch for the {tag} `{wire}`");
            if !wires.insert(wire) {
                parts.left_out(&repeated, &at)?;
                continue;
            }
            let literal = parts.literal(wire.to_owned(), doc(branch), given_name(branch), &at)?;
            literals.push((at, branch, literal));
        }
        let mut kinds = Vec::new();
        for (at, branch, literal) in literals {
            let payload = names::joined(&literal.name.to_string(), name);
            let payload = self.inline_name(payload, &at);
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
        Ok(Tagged {
            tag: tag.to_owned(),
            kinds,
            closed: false,
        })
    }

    pub(super) fn keyed(&mut self, name: &str, schema: &SchemaObject, at: &At) -> Result<Keyed> {
        let (mut units, mut with_value, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let mut parts = self.parts(OPEN);
        for (at, branch) in each(schema, at) {
            if let Some(values) = read::string_literals(branch) {
                for (wire, doc) in values {
                    units.push(parts.literal(wire, doc, None, &at)?);
                }
            } else if let Some((key, inner)) = read::only_key(branch) {
                let at = at.child("properties").child(key);
                let inner = object(inner);
                let docs = doc(branch).or_else(|| doc(inner));
                let literal = parts.literal(key.to_owned(), docs, None, &at)?;
                with_value.push((literal, inner, at));
            }
        }
        for (literal, inner, at) in with_value {
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
        Ok(Keyed { units, keys })
    }

    pub(super) fn untagged(
        &mut self,
        name: &str,
        schema: &SchemaObject,
        branches: &[Schema],
        at: &At,
    ) -> Result<Untagged> {
        let mut names = Vec::new();
        let mut parts = self.parts(OPEN);
        for (at, branch) in each(schema, at) {
            let member = match given_name(branch) {
                Some(given) => given.to_owned(),
                None => member_name(name, branch, branches)
                    .ok_or_else(|| at.error("has no tag, title or shape to name it by"))?,
            };
            names.push(parts.variant(&member, Some(&member), &at)?);
        }
        let mut members: Vec<UntaggedMember> = Vec::new();
        for ((at, branch), rust) in each(schema, at).zip(names) {
            let member = rust.to_string();
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
                name: rust,
                ty: lowered.ty,
                json,
                doc: doc(branch),
            });
        }
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
            Ty::Value | Ty::Boxed(_) | Ty::Nullable(_) | Ty::Wire(_) => {
                return Err(at.error("a member that takes several JSON types is not supported"));
            }
        })
    }

    /// The JSON type that all values of a schema have.
    fn json_type_of(&self, schema: &SchemaObject, at: &At) -> Result<JsonType> {
        let mut found = Vec::new();
        self.json_types_of(schema, &mut BTreeSet::new(), &mut found, at)?;
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(at.error("a member that is a choice of nothing but itself")),
            _ => Err(at.error("a member that takes several JSON types is not supported")),
        }
    }

    fn json_types_of<'s>(
        &'s self,
        schema: &'s SchemaObject,
        seen: &mut BTreeSet<&'s str>,
        found: &mut Vec<JsonType>,
        at: &At,
    ) -> Result<()> {
        if let Some(name) = reference(schema) {
            let definition = self.definitions.get(name);
            let definition =
                definition.ok_or_else(|| at.error(format!("{name} is no definition")))?;
            if seen.insert(name) {
                self.json_types_of(definition, seen, found, at)?;
            }
            return Ok(());
        }
        if let (None, Some(branches)) = (read::string_literals(schema), branches(schema)) {
            for branch in branches {
                self.json_types_of(object(branch), seen, found, at)?;
            }
            return Ok(());
        }
        let json = match types(schema) {
            _ if read::string_literals(schema).is_some() => JsonType::String,
            [InstanceType::String] => JsonType::String,
            [InstanceType::Object] => JsonType::Object,
            other => {
                return Err(at.error(format!("a member of the type {other:?} is not supported")));
            }
        };
        if !found.contains(&json) {
            found.push(json);
        }
        Ok(())
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
