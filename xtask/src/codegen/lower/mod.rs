//! From JSON schema to the model.
//!
//! typify knows which Rust type a JSON type is ([`types`]); what the protocol's types look like
//! is decided here: their shapes, their names, and which parts get a name of their own.
//!
//! | schema | type |
//! |---|---|
//! | strings out of a list | string enum |
//! | union of objects of which one member has one string each | tagged |
//! | union of strings and objects with one key | keyed |
//! | any other union | untagged |
//! | object | struct |
//! | string | newtype |

mod fields;
mod types;
mod unions;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemars::schema::{InstanceType, SchemaObject};

use super::model::{Owner, Shape, Type, TypeName};
use super::names;
use crate::schema::At;
use crate::schema::read::{self, Definitions, branches, is_null_allowed};
use crate::schema::stable::Stable;

const PASS: &str = "lower";

/// Lowers `roots` and whatever they reach.
pub(crate) fn lower(
    definitions: &Definitions,
    stable: &Stable,
    roots: impl IntoIterator<Item = String>,
) -> Result<BTreeMap<TypeName, Type>> {
    let mut lowering = Lowering {
        definitions,
        stable,
        types: BTreeMap::new(),
        waiting: roots.into_iter().collect(),
        seen: BTreeSet::new(),
        context: String::new(),
        rust: types::Types::new(),
    };
    while let Some(name) = lowering.waiting.pop() {
        if !["RequestId", "ThreadId"].contains(&name.as_str()) && lowering.seen.insert(name.clone())
        {
            lowering.definition(&name)?;
        }
    }
    Ok(lowering.types)
}

struct Lowering<'a> {
    definitions: &'a Definitions,
    stable: &'a Stable,
    types: BTreeMap<TypeName, Type>,
    waiting: Vec<String>,
    seen: BTreeSet<String>,
    /// The definition that is being lowered.
    context: String,
    rust: types::Types,
}

/// The name that an inline schema would get.
struct Hint<'a> {
    name: String,
    owner: &'a str,
    part: &'a str,
}

impl Lowering<'_> {
    fn definition(&mut self, name: &str) -> Result<()> {
        let at = At::definition(PASS, name);
        let schema = self
            .definitions
            .get(name)
            .ok_or_else(|| at.error("is missing"))?;
        if !names::is_type_name(name) {
            return Err(at.error("is no name for a type"));
        }
        if is_null_allowed(schema) {
            return Err(at.error("a definition that may be null is not supported"));
        }
        name.clone_into(&mut self.context);
        let shape = self.shape(name, schema, &at)?;
        self.insert(name, schema, shape, None, &at)
    }

    fn insert(
        &mut self,
        name: &str,
        schema: &SchemaObject,
        shape: Shape,
        owner: Option<Owner>,
        at: &At,
    ) -> Result<()> {
        let ty = Type {
            doc: read::doc(schema),
            shape,
            experimental: owner.is_none() && !self.stable.has_definition(name),
            owner,
        };
        match self.types.insert(TypeName::new(name), ty) {
            None => Ok(()),
            Some(_) => Err(at.error(format!("needs the name {name}, which another type has"))),
        }
    }

    fn shape(&mut self, name: &str, schema: &SchemaObject, at: &At) -> Result<Shape> {
        if let Some(values) = read::string_literals(schema) {
            return self.string_enum(values, at).map(Shape::StringEnum);
        }
        if let Some(branches) = branches(schema) {
            if let Some(tag) = read::tag_of(branches) {
                return self.tagged(name, schema, tag, at).map(Shape::Tagged);
            }
            if schema.object.is_some() {
                return Err(at.error("members beside a union without a tag are not supported"));
            }
            if read::is_keyed(branches) {
                return self.keyed(name, schema, at).map(Shape::Keyed);
            }
            return self
                .untagged(name, schema, branches, at)
                .map(Shape::Untagged);
        }
        match read::types(schema) {
            [InstanceType::Object] => {
                let members = schema.object.as_deref().cloned().unwrap_or_default();
                self.record(name, &members, at).map(Shape::Struct)
            }
            [InstanceType::String] => Ok(Shape::StringNewtype),
            other => Err(at.error(format!(
                "is neither object, string, enum nor union (type {other:?})"
            ))),
        }
    }

    /// Gives an inline schema a name and a place among the types.
    fn hoist(&mut self, schema: &SchemaObject, hint: &Hint<'_>, at: &At) -> Result<String> {
        let shape = self.shape(&hint.name, schema, at)?;
        let owner = Owner {
            definition: TypeName::new(hint.owner),
            part: hint.part.to_owned(),
        };
        self.insert(&hint.name, schema, shape, Some(owner), at)?;
        Ok(hint.name.clone())
    }
}
