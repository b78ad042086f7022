//! From JSON schema to the model: one function per shape.
//!
//! A general schema-to-Rust converter was tried first. On this schema it names
//! variants `Variant0`, closes every string enum, flattens unions into structs
//! and reports no locations; with unions and enums taken over, what it had left
//! to do was the table in [`Lowering::ty`]. So that table is here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Map, Value};

use super::model::{
    Field, JsonType, Keyed, Kind, Literal, Owner, Shape, StringEnum, Struct, Tagged, TaggedKind,
    Ty, Type, Untagged, UntaggedMember,
};
use super::names;
use crate::schema::stable::Stable;
use crate::schema::{At, Definitions, branches, literal, reference, requires, string_values};

const PASS: &str = "lower";

/// Lowers `roots` and whatever they reach.
pub(crate) fn lower(
    definitions: &Definitions,
    stable: &Stable,
    roots: impl IntoIterator<Item = String>,
) -> Result<BTreeMap<String, Type>> {
    let mut lowering = Lowering {
        definitions,
        stable,
        types: BTreeMap::new(),
        waiting: roots.into_iter().collect(),
        seen: BTreeSet::new(),
        context: String::new(),
    };
    while let Some(name) = lowering.waiting.pop() {
        if lowering.seen.insert(name.clone()) {
            lowering.definition(&name)?;
        }
    }
    Ok(lowering.types)
}

struct Lowering<'a> {
    definitions: &'a Definitions,
    stable: &'a Stable,
    types: BTreeMap<String, Type>,
    waiting: Vec<String>,
    seen: BTreeSet<String>,
    /// The definition that is being lowered.
    context: String,
}

/// A type with what the schema says about null.
struct Lowered {
    ty: Ty,
    nullable: bool,
    twice: bool,
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
        name.clone_into(&mut self.context);
        let shape = self.shape(name, schema, &at)?;
        self.insert(name, schema, shape, None, &at)
    }

    fn insert(
        &mut self,
        name: &str,
        schema: &Value,
        shape: Shape,
        owner: Option<Owner>,
        at: &At,
    ) -> Result<()> {
        let ty = Type {
            doc: doc(schema),
            shape,
            experimental: owner.is_none() && !self.stable.has_definition(name),
            owner,
        };
        match self.types.insert(name.to_owned(), ty) {
            None => Ok(()),
            Some(_) => Err(at.error(format!("needs the name {name}, which another type has"))),
        }
    }

    fn shape(&mut self, name: &str, schema: &Value, at: &At) -> Result<Shape> {
        if let Some(values) = string_literals(schema) {
            return self.string_enum(values, at).map(Shape::StringEnum);
        }
        if let Some(branches) = branches(schema) {
            if let Some(tag) = tag_of(branches) {
                return self
                    .tagged(name, schema, branches, &tag, at)
                    .map(Shape::Tagged);
            }
            if branches
                .iter()
                .all(|branch| string_literals(branch).is_some() || only_key(branch).is_some())
            {
                return self.keyed(name, branches, at).map(Shape::Keyed);
            }
            return self.untagged(name, branches, at).map(Shape::Untagged);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.record(name, schema, at).map(Shape::Struct),
            Some("string") => Ok(Shape::StringNewtype),
            other => Err(at.error(format!(
                "is neither object, string, enum nor union (type {})",
                other.unwrap_or("none")
            ))),
        }
    }

    fn string_enum(&self, values: Vec<(String, Option<String>)>, at: &At) -> Result<StringEnum> {
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

    fn tagged(
        &mut self,
        name: &str,
        schema: &Value,
        branches: &[Value],
        tag: &str,
        at: &At,
    ) -> Result<Tagged> {
        let mut kinds = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let at = at
                .child(if schema.get("oneOf").is_some() {
                    "oneOf"
                } else {
                    "anyOf"
                })
                .child(index);
            let wire = literal(&branch["properties"][tag])
                .expect("tag_of found a literal in every branch");
            let literal = literal_of(
                wire.to_owned(),
                doc(branch),
                branch.get("x-name").and_then(Value::as_str),
                &at,
            )?;
            let body = with_shared(branch, schema, tag, &at)?;
            let record = self.record(&format!("{}{name}", literal.name), &body, &at)?;
            let payload = if record.fields.is_empty() {
                None
            } else {
                let payload = format!("{}{name}", literal.name);
                let owner = Owner {
                    definition: name.to_owned(),
                    part: literal.name.clone(),
                };
                self.insert(&payload, branch, Shape::Struct(record), Some(owner), &at)?;
                Some(payload)
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

    fn keyed(&mut self, name: &str, branches: &[Value], at: &At) -> Result<Keyed> {
        let (mut units, mut keys) = (Vec::new(), Vec::new());
        for branch in branches {
            if let Some(values) = string_literals(branch) {
                for (wire, doc) in values {
                    units.push(literal_of(wire, doc, None, at)?);
                }
            } else if let Some((key, inner)) = only_key(branch) {
                let at = at.child(key);
                let literal = literal_of(
                    key.to_owned(),
                    doc(branch).or_else(|| doc(inner)),
                    None,
                    &at,
                )?;
                let hint = Hint {
                    name: format!("{}{name}", literal.name),
                    owner: name,
                    part: &literal.name,
                };
                let lowered = self.ty(inner, &hint, &at)?;
                if lowered.nullable {
                    return Err(at.error("a nullable value of a one-key object is not supported"));
                }
                keys.push((literal, lowered.ty));
            }
        }
        distinct(
            units
                .iter()
                .chain(keys.iter().map(|(literal, _)| literal))
                .map(|it| &it.name),
            at,
        )?;
        Ok(Keyed { units, keys })
    }

    fn untagged(&mut self, name: &str, branches: &[Value], at: &At) -> Result<Untagged> {
        let mut members = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            let at = at.child("anyOf").child(index);
            let member = match branch.get("x-name").and_then(Value::as_str) {
                Some(given) => given.to_owned(),
                None => member_name(name, branch, branches)
                    .ok_or_else(|| at.error("has no tag, title or shape to name it by"))?,
            };
            let hint = Hint {
                name: format!("{member}{name}"),
                owner: name,
                part: &member,
            };
            let lowered = self.ty(branch, &hint, &at)?;
            let json = self.json_type(&lowered.ty, &at)?;
            members.push(UntaggedMember {
                name: member,
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

    fn json_type(&self, ty: &Ty, at: &At) -> Result<JsonType> {
        Ok(match ty {
            Ty::String | Ty::Secret | Ty::Wire(_) => JsonType::String,
            Ty::Bool => JsonType::Boolean,
            Ty::Int(_) | Ty::Float => JsonType::Number,
            Ty::List(_) => JsonType::Array,
            Ty::Map(_) | Ty::Object => JsonType::Object,
            Ty::Value => return Err(at.error("a member that takes anything hides those after it")),
            Ty::Named(name) => {
                let schema = self.definitions.get(name);
                match schema
                    .and_then(|schema| schema.get("type"))
                    .and_then(Value::as_str)
                {
                    Some("string") => JsonType::String,
                    _ => JsonType::Object,
                }
            }
        })
    }

    fn record(&mut self, name: &str, schema: &Value, at: &At) -> Result<Struct> {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        for required in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if !required
                .as_str()
                .is_some_and(|it| properties.contains_key(it))
            {
                return Err(at
                    .child("required")
                    .error(format!("{required} is no property")));
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
                (false, _, Some(default)) => Kind::Default(default.clone()),
                (false, _, None) => Kind::Optional,
            }
        };
        Ok(Field {
            wire: wire.to_owned(),
            alias: property
                .get("x-alias")
                .and_then(Value::as_str)
                .map(str::to_owned),
            name: names::field(wire),
            kind,
            ty: lowered.ty,
            doc: doc(property),
            experimental: !self.stable.has_member(&self.context, wire),
        })
    }

    /// The type of a member, list element or map value.
    fn ty(&mut self, schema: &Value, hint: &Hint<'_>, at: &At) -> Result<Lowered> {
        let plain = |ty| {
            Ok(Lowered {
                ty,
                nullable: false,
                twice: false,
            })
        };
        let schema = match schema {
            Value::Bool(true) => return plain(Ty::Value),
            Value::Object(object) => object,
            other => return Err(at.error(format!("expected a schema, found {other}"))),
        };
        if let Some(name) = reference(&Value::Object(schema.clone())) {
            return plain(self.named(name));
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return match all.as_slice() {
                [only] => self.ty(only, hint, &at.child("allOf/0")),
                _ => Err(at.error("`allOf` of several schemas is not supported")),
            };
        }
        for union in ["anyOf", "oneOf"] {
            if let Some([inner, null]) = schema
                .get(union)
                .and_then(Value::as_array)
                .map(Vec::as_slice)
                && null.get("type").is_some_and(|it| it == "null")
            {
                let inner = self.ty(inner, hint, &at.child(union).child(0))?;
                return Ok(Lowered {
                    ty: inner.ty,
                    nullable: true,
                    twice: inner.nullable,
                });
            }
        }
        let (json, nullable) = json_types(schema, at)?;
        let value = Value::Object(schema.clone());
        let ty = if string_literals(&value).is_some() || branches(&value).is_some() {
            self.hoist(&value, hint, at)?
        } else {
            match json.as_deref() {
                None => Ty::Value,
                Some("string") => Ty::String,
                Some("boolean") => Ty::Bool,
                Some("number") => Ty::Float,
                Some("integer") => Ty::Int(integer(schema, at)?),
                Some("array") => match schema.get("items") {
                    Some(items) => {
                        let items = self.ty(items, hint, &at.child("items"))?;
                        if items.nullable {
                            return Err(at.error("a list of nullable elements is not supported"));
                        }
                        Ty::List(Box::new(items.ty))
                    }
                    None => Ty::List(Box::new(Ty::Value)),
                },
                Some("object") if schema.contains_key("properties") => {
                    self.hoist(&value, hint, at)?
                }
                Some("object") => match schema.get("additionalProperties") {
                    Some(values @ Value::Object(_)) => {
                        let values = self.ty(values, hint, &at.child("additionalProperties"))?;
                        match (values.ty, values.nullable) {
                            (Ty::Value, _) => Ty::Object,
                            (ty, false) => Ty::Map(Box::new(ty)),
                            // A map with null values keeps them as they are.
                            (_, true) => Ty::Object,
                        }
                    }
                    _ => Ty::Object,
                },
                Some(other) => {
                    return Err(at.error(format!("the type `{other}` is not supported here")));
                }
            }
        };
        Ok(Lowered {
            ty,
            nullable,
            twice: false,
        })
    }

    fn named(&mut self, name: &str) -> Ty {
        match name {
            "RequestId" => Ty::Wire("RequestId"),
            "ThreadId" => Ty::Wire("ThreadId"),
            _ => {
                self.waiting.push(name.to_owned());
                Ty::Named(name.to_owned())
            }
        }
    }

    /// Gives an inline schema a name and a place among the types.
    fn hoist(&mut self, schema: &Value, hint: &Hint<'_>, at: &At) -> Result<Ty> {
        let shape = self.shape(&hint.name, schema, at)?;
        let owner = Owner {
            definition: hint.owner.to_owned(),
            part: hint.part.to_owned(),
        };
        self.insert(&hint.name, schema, shape, Some(owner), at)?;
        Ok(Ty::Named(hint.name.clone()))
    }
}

/// The name that an inline schema would get.
struct Hint<'a> {
    name: String,
    owner: &'a str,
    part: &'a str,
}

fn doc(schema: &Value) -> Option<String> {
    schema
        .get("description")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

/// Strings and their descriptions, if the schema is nothing but a choice of them.
fn string_literals(schema: &Value) -> Option<Vec<(String, Option<String>)>> {
    if let Some(values) = string_values(schema) {
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
        all.extend(string_literals(branch)?);
    }
    (!all.is_empty()).then_some(all)
}

/// The member that has one string in every branch.
fn tag_of(branches: &[Value]) -> Option<String> {
    let first = branches.first()?.get("properties")?.as_object()?;
    first
        .keys()
        .find(|member| {
            branches.iter().all(|branch| {
                requires(branch, member)
                    && branch["properties"]
                        .get(*member)
                        .and_then(literal)
                        .is_some()
            })
        })
        .cloned()
}

/// The key and value of an object that must have exactly that key.
fn only_key(branch: &Value) -> Option<(&str, &Value)> {
    let properties = branch.get("properties")?.as_object()?;
    let (key, value) = properties.iter().next()?;
    (properties.len() == 1 && requires(branch, key)).then_some((key, value))
}

/// A kind's own members, those that stand beside the union, and those of a
/// choice within the kind (an image's `url` or `fileId`), which become optional.
fn with_shared(branch: &Value, union: &Value, tag: &str, at: &At) -> Result<Value> {
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for source in [union, branch] {
        for (name, property) in source
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            properties.insert(name.clone(), property.clone());
        }
        required.extend(
            source
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .cloned(),
        );
    }
    for choice in branches(branch).into_iter().flatten() {
        let choices = choice.get("properties").and_then(Value::as_object);
        for (name, property) in
            choices.ok_or_else(|| at.error("a choice within a kind must be of objects"))?
        {
            properties.insert(name.clone(), property.clone());
        }
    }
    properties.remove(tag);
    required.retain(|name| name != tag);
    let mut body = Map::new();
    body.insert("properties".to_owned(), Value::Object(properties));
    body.insert("required".to_owned(), Value::Array(required));
    if let Some(open) = branch.get("additionalProperties") {
        body.insert("additionalProperties".to_owned(), open.clone());
    }
    Ok(Value::Object(body))
}

/// A name for a member without a tag: what its type's name has of its own, or its shape.
fn member_name(union: &str, branch: &Value, all: &[Value]) -> Option<String> {
    if let Some(name) = reference(branch) {
        let own = own_part(union, name);
        return names::is_type_name(&own).then_some(own);
    }
    match branch.get("type").and_then(Value::as_str)? {
        "string" => Some("String".to_owned()),
        "integer" | "number" => Some("Number".to_owned()),
        "boolean" => Some("Boolean".to_owned()),
        "array" => Some("Array".to_owned()),
        "object" => {
            let mine = branch
                .get("required")?
                .as_array()?
                .iter()
                .filter_map(Value::as_str);
            let mut own =
                mine.filter(|name| all.iter().filter(|other| requires(other, name)).count() == 1);
            own.next().map(names::pascal)
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
    Ok(Literal { wire, name, doc })
}

fn distinct<'a>(all: impl Iterator<Item = &'a String>, at: &At) -> Result<()> {
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

/// The JSON type that is not null, and whether null is allowed as well.
fn json_types(schema: &Map<String, Value>, at: &At) -> Result<(Option<String>, bool)> {
    let names: Vec<&str> = match schema.get("type") {
        None => return Ok((None, false)),
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        Some(other) => return Err(at.error(format!("`type` is {other}"))),
    };
    let nullable = names.contains(&"null");
    let others: Vec<&str> = names.into_iter().filter(|name| *name != "null").collect();
    match others.as_slice() {
        [one] => Ok((Some((*one).to_owned()), nullable)),
        _ => Err(at.error(format!(
            "a choice of JSON types ({}) is not supported",
            others.join(", ")
        ))),
    }
}

fn integer(schema: &Map<String, Value>, at: &At) -> Result<&'static str> {
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
