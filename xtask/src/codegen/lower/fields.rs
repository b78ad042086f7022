//! Objects, and the types of their members.

use anyhow::Result;
use proc_macro2::Ident;
use schemars::schema::{ObjectValidation, Schema, SchemaObject, SingleOrVec};

use super::{Hint, Lowering, types};
use crate::codegen::model::{AbsentBefore, Field, Kind, Struct, Ty};
use crate::codegen::names;
use crate::schema::At;
use crate::schema::read::{
    self, doc, is_null, is_null_allowed, mark, object, reference, string_literals,
};

/// A type with what the schema says about null.
pub(super) struct Lowered {
    pub(super) ty: Ty,
    pub(super) nullable: bool,
    /// Null by itself, and null as a reference to something nullable: absent and null differ.
    twice: bool,
}

/// As many as the table of a record has bits to count them by.
const MEMBERS: usize = 128;

impl Lowering<'_> {
    pub(super) fn record(
        &mut self,
        name: &str,
        members: &ObjectValidation,
        at: &At,
    ) -> Result<Struct> {
        if let Some(name) = members
            .required
            .iter()
            .find(|it| !members.properties.contains_key(*it))
        {
            return Err(at
                .child("required")
                .error(format!("\"{name}\" is no property")));
        }
        let open = members
            .additional_properties
            .as_deref()
            .is_some_and(|it| *it != Schema::Bool(false));
        // An open object keeps what the schema does not name in `rest`.
        let mut parts = self.parts(if open { &["rest"] } else { &[] });
        let names = (members.properties.keys())
            .map(|wire| parts.field(wire, &at.child("properties").child(wire)))
            .collect::<Result<Vec<_>>>()?;
        if names.len() > MEMBERS {
            return Err(at.error(format!("more than {MEMBERS} members are not supported")));
        }
        let mut fields = Vec::new();
        for ((wire, property), rust) in members.properties.iter().zip(names) {
            let at = at.child("properties").child(wire);
            let required = members.required.contains(wire);
            fields.push(self.field(name, wire, rust, object(property), required, &at)?);
        }
        // Ids first: they are the positional arguments of `new`.
        fields.sort_by_key(|field| (rank(&field.ty), field.kind != Kind::Required));
        Ok(Struct {
            fields,
            open,
            ..Struct::default()
        })
    }

    fn field(
        &mut self,
        owner: &str,
        wire: &str,
        name: Ident,
        property: &SchemaObject,
        required: bool,
        at: &At,
    ) -> Result<Field> {
        let part = names::pascal(wire);
        let hint = Hint {
            name: format!("{owner}{part}"),
            owner,
            part: &part,
        };
        let mut lowered = self.ty(property, &hint, at)?;
        if let Some(id) = mark(property, "x-type")
            .map(annotated)
            .or_else(|| id_by_name(wire))
        {
            retype(&mut lowered.ty, &id);
        }
        let default = property
            .metadata
            .as_ref()
            .and_then(|it| it.default.as_ref())
            .filter(|it| !it.is_null());
        let kind =
            if property.extensions.contains_key("x-three-state") || (lowered.twice && !required) {
                Kind::ThreeState
            } else {
                match (required, lowered.nullable, default) {
                    (true, false, _) => Kind::Required,
                    (true, true, _) => Kind::Nullable,
                    (false, false, Some(default)) => Kind::Default(default.clone()),
                    // With null allowed, null is not the default: it must stay null.
                    (false, _, _) => Kind::Optional,
                }
            };
        Ok(Field {
            wire: wire.to_owned(),
            alias: mark(property, "x-alias").map(str::to_owned),
            name,
            kind,
            ty: lowered.ty,
            doc: doc(property),
            experimental: !self.stable.has_member(&self.context, wire),
            outlined: property.extensions.contains_key("x-outlined"),
            absent_means: default.cloned(),
            absent_before: absent_before(property),
        })
    }

    /// The type of a member, list element or map value.
    pub(super) fn ty(
        &mut self,
        schema: &SchemaObject,
        hint: &Hint<'_>,
        at: &At,
    ) -> Result<Lowered> {
        let (schema, twice) = self.without_inline(schema, hint, at)?;
        Ok(match self.rust.ty(schema, at)? {
            Ty::Nullable(ty) => Lowered {
                ty: *ty,
                nullable: true,
                twice,
            },
            ty => Lowered {
                ty,
                nullable: false,
                twice,
            },
        })
    }

    /// A schema with types of their own for the parts that want a name, and whether it says null twice.
    fn without_inline(
        &mut self,
        schema: &SchemaObject,
        hint: &Hint<'_>,
        at: &At,
    ) -> Result<(SchemaObject, bool)> {
        if let Some(name) = reference(schema) {
            self.waiting.push(name.to_owned());
            return Ok((types::named(name), false));
        }
        let all_of = schema
            .subschemas
            .as_ref()
            .and_then(|it| it.all_of.as_deref());
        if let Some([only]) = all_of {
            return self.without_inline(object(only), hint, &at.child("allOf").child(0));
        }
        if let Some(branches) = read::branches(schema)
            && branches.iter().map(object).any(is_null)
        {
            let mut union = schema.clone();
            let others: Vec<&Schema> = branches
                .iter()
                .filter(|branch| !is_null(object(branch)))
                .collect();
            let inner = match others.as_slice() {
                [] => return Err(at.error("a choice of nothing but null is not supported")),
                [one] => object(one),
                several => {
                    union.subschemas().one_of =
                        Some(several.iter().map(|it| (*it).clone()).collect());
                    &union
                }
            };
            let (inner, _) = self.without_inline(inner, hint, at)?;
            let twice = read::branches(&inner).is_some() || is_null_allowed(&inner);
            return Ok((if twice { inner } else { types::or_null(inner) }, twice));
        }
        let has_members = schema
            .object
            .as_ref()
            .is_some_and(|it| !it.properties.is_empty());
        if string_literals(schema).is_some() || read::branches(schema).is_some() || has_members {
            let named = types::named(&self.hoist(schema, hint, at)?);
            return Ok((
                if is_null_allowed(schema) {
                    types::or_null(named)
                } else {
                    named
                },
                false,
            ));
        }
        let mut schema = schema.clone();
        let items = match schema.array.as_mut().and_then(|it| it.items.as_mut()) {
            Some(SingleOrVec::Single(items)) => Some(("items", items)),
            _ => None,
        };
        let values = schema
            .object
            .as_mut()
            .and_then(|it| it.additional_properties.as_mut());
        for (keyword, inner) in items
            .into_iter()
            .chain(values.map(|it| ("additionalProperties", it)))
        {
            if let Schema::Object(it) = &mut **inner {
                *it = self.without_inline(it, hint, &at.child(keyword))?.0;
            }
        }
        Ok((schema, false))
    }
}

/// What a fixup says of a member that older runtimes do not send.
fn absent_before(property: &SchemaObject) -> Option<AbsentBefore> {
    let mark = property.extensions.get("x-absent-before")?;
    Some(AbsentBefore {
        version: mark["version"].as_str()?.to_owned(),
        value: mark["value"].clone(),
    })
}

/// The order of positional arguments.
fn rank(ty: &Ty) -> u8 {
    match ty {
        Ty::Wire("ThreadId") => 0,
        Ty::Wire("TurnId") => 1,
        Ty::Wire("ItemId") => 2,
        Ty::Wire(_) => 3,
        _ => 4,
    }
}

/// The type that a fixup says.
fn annotated(annotation: &str) -> Ty {
    match annotation {
        "thread" => Ty::Wire("ThreadId"),
        "turn" => Ty::Wire("TurnId"),
        "item" => Ty::Wire("ItemId"),
        _ => Ty::Secret,
    }
}

fn id_by_name(wire: &str) -> Option<Ty> {
    let name = names::snake(wire);
    let has =
        |id: &str| name == id || name.ends_with(&format!("_{id}")) || name == format!("{id}s");
    if has("thread_id") || name == "conversation_id" {
        Some(Ty::Wire("ThreadId"))
    } else if has("turn_id") {
        Some(Ty::Wire("TurnId"))
    } else if has("item_id") {
        Some(Ty::Wire("ItemId"))
    } else if name == "login_id" {
        Some(Ty::Wire("LoginId"))
    } else {
        None
    }
}

/// Gives a string, or a list of strings, its more exact type.
fn retype(ty: &mut Ty, exact: &Ty) {
    match ty {
        Ty::String => *ty = exact.clone(),
        Ty::List(inner) => retype(inner, exact),
        _ => {}
    }
}
