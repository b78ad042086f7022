//! Objects, and the types of their members.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::read::{doc, string_literals};
use super::{Hint, Lowering};
use crate::codegen::model::{Field, Kind, Struct, Ty};
use crate::codegen::names;
use crate::schema::{At, branches, is_null, is_null_allowed, reference, requires, types};

/// A type with what the schema says about null.
pub(super) struct Lowered {
    pub(super) ty: Ty,
    pub(super) nullable: bool,
    /// Null by itself, and null as a reference to something nullable: absent and null differ.
    twice: bool,
}

impl Lowered {
    /// As an element of a list or a map.
    fn element(self) -> Box<Ty> {
        Box::new(match (self.nullable, self.ty) {
            // Any JSON is null as well.
            (false, ty) | (true, ty @ Ty::Value) => ty,
            (true, ty) => Ty::Nullable(Box::new(ty)),
        })
    }
}

impl Lowering<'_> {
    pub(super) fn record(&mut self, name: &str, schema: &Value, at: &At) -> Result<Struct> {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten() {
            if !name.as_str().is_some_and(|it| properties.contains_key(it)) {
                return Err(at.child("required").error(format!("{name} is no property")));
            }
        }
        let mut fields = Vec::new();
        for (wire, property) in properties {
            let at = at.child("properties").child(wire);
            fields.push(self.field(name, wire, property, requires(schema, wire), &at)?);
        }
        // Ids first: they are the positional arguments of `new`.
        fields.sort_by_key(|field| (rank(&field.ty), field.kind != Kind::Required));
        distinct(fields.iter().map(|field| &field.name), at)?;
        let open = matches!(
            schema.get("additionalProperties"),
            Some(Value::Bool(true) | Value::Object(_))
        );
        if open && fields.iter().any(|field| field.name == "rest") {
            return Err(at.error("an open object with a member called `rest`"));
        }
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
        property: &Value,
        required: bool,
        at: &At,
    ) -> Result<Field> {
        let part = names::pascal(wire);
        let name = names::field(wire);
        if !names::is_field_name(&name) {
            return Err(at.error(format!("gives no usable name ({name}); name it in a fixup")));
        }
        let hint = Hint {
            name: format!("{owner}{part}"),
            owner,
            part: &part,
        };
        let mut lowered = self.ty(property, &hint, at)?;
        if let Some(id) = property
            .get("x-type")
            .and_then(Value::as_str)
            .map(annotated)
            .or_else(|| id_by_name(wire))
        {
            retype(&mut lowered.ty, &id);
        }
        let default = property.get("default").filter(|default| !default.is_null());
        let kind = if property.get("x-three-state").is_some() || (lowered.twice && !required) {
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
            alias: property
                .get("x-alias")
                .and_then(Value::as_str)
                .map(str::to_owned),
            name,
            kind,
            ty: lowered.ty,
            doc: doc(property),
            experimental: !self.stable.has_member(&self.context, wire),
            outlined: property.get("x-outlined").is_some(),
            absent_means: default.cloned(),
        })
    }

    /// The type of a member, list element or map value.
    pub(super) fn ty(&mut self, schema: &Value, hint: &Hint<'_>, at: &At) -> Result<Lowered> {
        let plain = |ty| Lowered {
            ty,
            nullable: false,
            twice: false,
        };
        if let Some(name) = reference(schema) {
            return Ok(plain(self.named(name)));
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return match all.as_slice() {
                [only] => self.ty(only, hint, &at.child("allOf").child(0)),
                _ => Err(at.error("`allOf` of several schemas is not supported")),
            };
        }
        if let Some(branches) = branches(schema)
            && branches.iter().any(is_null)
        {
            return self.nullable_union(schema, branches, hint, at);
        }
        let ty = if string_literals(schema).is_some() || branches(schema).is_some() {
            self.hoist(schema, hint, at)?
        } else {
            self.typed(schema, hint, at)?
        };
        Ok(Lowered {
            nullable: is_null_allowed(schema),
            ..plain(ty)
        })
    }

    /// A choice of which null is one.
    fn nullable_union(
        &mut self,
        schema: &Value,
        branches: &[Value],
        hint: &Hint<'_>,
        at: &At,
    ) -> Result<Lowered> {
        let others: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let inner = match others.as_slice() {
            [] => return Err(at.error("a choice of nothing but null is not supported")),
            [one] => self.ty(one, hint, at)?,
            several => {
                let union = json!({"oneOf": several, "description": doc(schema)});
                self.ty(&union, hint, at)?
            }
        };
        Ok(Lowered {
            ty: inner.ty,
            nullable: true,
            twice: inner.nullable,
        })
    }

    /// What a schema says by `type`.
    fn typed(&mut self, schema: &Value, hint: &Hint<'_>, at: &At) -> Result<Ty> {
        let types: Vec<_> = types(schema)
            .into_iter()
            .filter(|name| *name != "null")
            .collect();
        Ok(match types.as_slice() {
            [] if is_null_allowed(schema) => {
                return Err(at.error("a member that is always null is not supported"));
            }
            [] => Ty::Value,
            ["string"] => Ty::String,
            ["boolean"] => Ty::Bool,
            ["number"] => Ty::Float,
            ["integer"] => Ty::Int(integer(schema, at)?),
            ["array"] => match schema.get("items") {
                Some(items) => Ty::List(self.ty(items, hint, &at.child("items"))?.element()),
                None => Ty::List(Box::new(Ty::Value)),
            },
            ["object"] if schema.get("properties").is_some() => self.hoist(schema, hint, at)?,
            ["object"] => match schema.get("additionalProperties") {
                Some(values @ Value::Object(_)) => {
                    let values = self.ty(values, hint, &at.child("additionalProperties"))?;
                    match *values.element() {
                        Ty::Value => Ty::Object,
                        value => Ty::Map(Box::new(value)),
                    }
                }
                _ => Ty::Object,
            },
            several => {
                return Err(at.error(format!(
                    "a choice of JSON types ({}) is not supported",
                    several.join(", ")
                )));
            }
        })
    }
}

/// Checks that the parts of a type have names of their own.
pub(super) fn distinct<'a>(all: impl Iterator<Item = &'a String>, at: &At) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in all {
        if !seen.insert(name) {
            return Err(at.error(format!(
                "two of its parts would be called {name}; rename one in a fixup"
            )));
        }
    }
    Ok(())
}

fn integer(schema: &Value, at: &At) -> Result<&'static str> {
    match schema.get("format").and_then(Value::as_str) {
        Some("int8" | "int16" | "int32") => Ok("i32"),
        None | Some("int64" | "int") => Ok("i64"),
        Some("uint8" | "uint16") => Ok("u16"),
        Some("uint32") => Ok("u32"),
        // `uint` is the runtime's `usize`, which is 64 bits wherever it runs.
        Some("uint" | "uint64") => Ok("u64"),
        Some(other) => Err(at.error(format!("the integer format `{other}` is not supported"))),
    }
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
