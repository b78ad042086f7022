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
pub(crate) mod parts;
mod types;
mod unions;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemars::schema::{InstanceType, SchemaObject};

use self::parts::Parts;
use super::model::{Owner, Shape, Type, TypeName};
use super::names;
use crate::schema::At;
use crate::schema::read::{self, Definitions, branches, is_null_allowed};
use crate::schema::stable::Stable;

const PASS: &str = "lower";

/// Lowers `roots` and whatever they reach.
///
/// With a `report`, a name that does not do is changed and said there; without one it is an error.
pub(crate) fn lower(
    definitions: &Definitions,
    stable: &Stable,
    roots: impl IntoIterator<Item = String>,
    report: Option<&mut Vec<String>>,
) -> Result<BTreeMap<TypeName, Type>> {
    let mut lowering = Lowering {
        definitions,
        stable,
        types: BTreeMap::new(),
        waiting: roots.into_iter().collect(),
        seen: BTreeSet::new(),
        context: String::new(),
        rust: types::Types::new(),
        report,
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
    report: Option<&'a mut Vec<String>>,
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
        if names::is_taken(name) {
            return Err(at.error("is a name that the generated code needs for another type"));
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

    /// The names of the parts of a type.
    fn parts(&mut self, reserved: &[&str]) -> Parts<'_> {
        Parts::new(reserved, self.report.as_deref_mut())
    }

    /// A name for a type that is no definition.
    fn inline_name(&mut self, name: String, at: &At) -> String {
        let is_free = |name: &str| {
            let is_known = self.definitions.contains_key(name) || self.types.contains_key(name);
            !is_known && !names::is_taken(name)
        };
        if is_free(&name) {
            return name;
        }
        let numbered = parts::numbered(&name, is_free);
        let Some(report) = &mut self.report else {
            // For the pin it stays, and is refused when the other type of that name comes.
            return name;
        };
        report.push(format!(
            "{at}: the name {name} is another type's, so it is called {numbered}"
        ));
        numbered
    }

    /// Gives an inline schema a name and a place among the types.
    fn hoist(&mut self, schema: &SchemaObject, hint: &Hint<'_>, at: &At) -> Result<String> {
        let name = self.inline_name(hint.name.clone(), at);
        let shape = self.shape(&name, schema, at)?;
        let owner = Owner {
            definition: TypeName::new(hint.owner),
            part: hint.part.to_owned(),
        };
        self.insert(&name, schema, shape, Some(owner), at)?;
        Ok(name)
    }
}
