//! The text of one type: its definition, its table, its constructor and setters.

use std::fmt::Write;

use serde_json::Value;

use crate::codegen::docs::{self, EXPERIMENTAL};
use crate::codegen::model::{
    Field, JsonType, Keyed, Kind, Literal, Model, Shape, StringEnum, Struct, Tagged, Ty, Type,
    Untagged,
};

/// Writes a type.
pub(crate) fn emit(out: &mut String, model: &Model, name: &str, ty: &Type, fallback_doc: &str) {
    let doc = docs::unmarked(ty.doc.as_deref(), ty.experimental);
    docs::comment(out, "", doc.as_deref(), fallback_doc);
    if ty.doc.is_some() && !fallback_doc.is_empty() {
        docs::paragraph(out, "", fallback_doc);
    }
    if ty.experimental {
        docs::paragraph(out, "", EXPERIMENTAL);
    }
    match &ty.shape {
        Shape::Struct(it) => record(out, model, name, it),
        Shape::StringEnum(it) => string_enum(out, name, it),
        Shape::Tagged(it) => tagged(out, model, name, it),
        Shape::Keyed(it) => keyed(out, name, it),
        Shape::Untagged(it) => untagged(out, name, it),
        Shape::StringNewtype => newtype(out, name),
    }
    out.push('\n');
}

/// The Rust type.
pub(crate) fn rust(ty: &Ty) -> String {
    match ty {
        Ty::String => "String".to_owned(),
        Ty::Bool => "bool".to_owned(),
        Ty::Int(name) => (*name).to_owned(),
        Ty::Float => "f64".to_owned(),
        Ty::Value => "Value".to_owned(),
        Ty::Object => "JsonObject".to_owned(),
        Ty::Secret => "SecretString".to_owned(),
        Ty::Wire(name) => (*name).to_owned(),
        Ty::Named(name) => name.clone(),
        Ty::List(inner) => format!("Vec<{}>", rust(inner)),
        Ty::Map(inner) => format!("BTreeMap<String, {}>", rust(inner)),
        Ty::Nullable(inner) => format!("Option<{}>", rust(inner)),
    }
}

fn field_type(field: &Field) -> String {
    let inner = rust(&field.ty);
    match field.kind {
        Kind::Required | Kind::Default(_) => inner,
        Kind::Nullable | Kind::Optional => format!("Option<{inner}>"),
        Kind::ThreeState => format!("Option<Option<{inner}>>"),
    }
}

fn record(out: &mut String, model: &Model, name: &str, record: &Struct) {
    // What the schema leaves open may hold anything.
    let outlined = record.open || record.fields.iter().any(|field| field.outlined);
    out.push_str(match outlined {
        true => "#[derive(Clone, PartialEq)]\n#[non_exhaustive]\n",
        false => "#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\n",
    });
    if record.fields.is_empty() && !record.open {
        let _ = writeln!(out, "pub struct {name} {{}}\n");
    } else {
        let _ = writeln!(out, "pub struct {name} {{");
        for field in &record.fields {
            let doc = docs::unmarked(field.doc.as_deref(), field.experimental);
            let fallback = docs::on_the_wire(&field.wire);
            docs::comment(out, "    ", doc.as_deref(), &fallback);
            if field.experimental {
                docs::paragraph(out, "    ", EXPERIMENTAL);
            }
            if field.kind == Kind::ThreeState {
                docs::paragraph(
                    out,
                    "    ",
                    "Absent (`None`), null (`Some(None)`) and a value are three things.",
                );
            }
            if let Some(value) = field.absent_means.as_ref() {
                docs::paragraph(out, "    ", &format!("Absent means `{value}`."));
            }
            let _ = writeln!(out, "    pub {}: {},", field.name, field_type(field));
        }
        if record.open {
            out.push_str(
                "    /// Members that the schema does not describe.\n    pub rest: JsonObject,\n",
            );
        }
        out.push_str("}\n\n");
    }
    if outlined {
        outline(out, name, record);
    }
    table(out, model, name, record);
    constructor(out, model, name, record);
}

/// `Debug`, where deriving it would tell too much.
fn outline(out: &mut String, name: &str, record: &Struct) {
    let _ = writeln!(out, "outline! {{ {name} {{");
    for field in &record.fields {
        let how = if field.outlined { "names" } else { "shown" };
        let plain = field.name.trim_start_matches("r#");
        let _ = writeln!(out, "    {} {plain:?} {how},", field.name);
    }
    if record.open {
        out.push_str("    rest \"rest\" names,\n");
    }
    out.push_str("} }\n\n");
}

fn table(out: &mut String, model: &Model, name: &str, record: &Struct) {
    if record.absent {
        let _ = writeln!(out, "no_params! {{ {name} }}\n");
        return;
    }
    let _ = writeln!(out, "record! {{ {name} {{");
    for (index, field) in record.fields.iter().enumerate() {
        let kind = match &field.kind {
            Kind::Required => "req".to_owned(),
            Kind::Nullable => "nul".to_owned(),
            Kind::Optional => "opt".to_owned(),
            Kind::ThreeState => "dbl".to_owned(),
            Kind::Default(value) => format!("def({})", default(model, &field.ty, value)),
        };
        let _ = writeln!(out, "    {index} {} {:?} {kind},", field.name, field.wire);
    }
    out.push('}');
    if record.open {
        out.push_str(" keeps rest");
    }
    let aliases: Vec<_> = (record.fields.iter().enumerate())
        .filter_map(|(of, field)| Some((of, &field.name, field.alias.as_ref()?)))
        .collect();
    if !aliases.is_empty() {
        out.push_str(" also {\n");
        for (index, (of, name, alias)) in aliases.into_iter().enumerate() {
            let index = record.fields.len() + index;
            let _ = writeln!(out, "    {index} {alias:?} is {of} {name},");
        }
        out.push('}');
    }
    out.push_str(" }\n\n");
}

fn default(model: &Model, ty: &Ty, value: &Value) -> String {
    match (ty, value) {
        (Ty::Bool, Value::Bool(it)) => it.to_string(),
        (Ty::Int(_), Value::Number(it)) => it.to_string(),
        (Ty::Float, Value::Number(it)) => format!("{it}f64"),
        (Ty::String, Value::String(it)) => format!("{it:?}.to_owned()"),
        (Ty::List(_), Value::Array(it)) if it.is_empty() => "Vec::new()".to_owned(),
        (Ty::List(inner), Value::Array(it)) => {
            let values: Vec<_> = it
                .iter()
                .map(|value| default(model, inner, value))
                .collect();
            format!("vec![{}]", values.join(", "))
        }
        (Ty::Map(_), Value::Object(it)) if it.is_empty() => "BTreeMap::new()".to_owned(),
        (Ty::Object, Value::Object(it)) if it.is_empty() => "JsonObject::new()".to_owned(),
        (Ty::Named(name), Value::String(text)) => {
            let literals = match model.types.get(name).map(|ty| &ty.shape) {
                Some(Shape::StringEnum(it)) => it.values.as_slice(),
                Some(Shape::Keyed(it)) => it.units.as_slice(),
                _ => &[],
            };
            match literals.iter().find(|literal| literal.wire == *text) {
                Some(literal) => format!("{name}::{}", literal.name),
                None => format!("{name}::from({text:?})"),
            }
        }
        // Anything else would have been refused by the check of defaults.
        _ => unreachable!("a default {value} for {ty:?}"),
    }
}

/// Whether the generator can write a default.
pub(crate) fn can_default(model: &Model, ty: &Ty, value: &Value) -> bool {
    match (ty, value) {
        (Ty::Bool, Value::Bool(_))
        | (Ty::Int(_) | Ty::Float, Value::Number(_))
        | (Ty::String, Value::String(_)) => true,
        (Ty::List(inner), Value::Array(it)) => {
            it.iter().all(|value| can_default(model, inner, value))
        }
        (Ty::Map(_) | Ty::Object, Value::Object(it)) => it.is_empty(),
        (Ty::Named(name), Value::String(text)) => match model.types.get(name).map(|ty| &ty.shape) {
            Some(Shape::StringEnum(_)) => true,
            Some(Shape::Keyed(it)) => it.units.iter().any(|unit| unit.wire == *text),
            _ => false,
        },
        _ => false,
    }
}

/// How a value of a type is taken as an argument, and turned into it.
fn argument(model: &Model, ty: &Ty, name: &str) -> (String, String) {
    let converts = match ty {
        Ty::String | Ty::Secret | Ty::Wire(_) | Ty::List(_) | Ty::Value => true,
        Ty::Named(named) => match model.types.get(named).map(|ty| &ty.shape) {
            Some(Shape::StringEnum(it)) => !it.closed,
            Some(Shape::StringNewtype) => true,
            _ => false,
        },
        _ => false,
    };
    match converts {
        true => (format!("impl Into<{}>", rust(ty)), format!("{name}.into()")),
        false => (rust(ty), name.to_owned()),
    }
}

fn constructor(out: &mut String, model: &Model, name: &str, record: &Struct) {
    let mut arguments = Vec::new();
    let mut members = Vec::new();
    for field in &record.fields {
        let (ty, value) = argument(model, &field.ty, &field.name);
        match &field.kind {
            Kind::Required => {
                arguments.push(format!("{}: {ty}", field.name));
                members.push(if value == field.name {
                    value
                } else {
                    format!("{}: {value}", field.name)
                });
            }
            Kind::Nullable => {
                arguments.push(format!("{}: {}", field.name, field_type(field)));
                members.push(field.name.clone());
            }
            Kind::Optional | Kind::ThreeState => members.push(format!("{}: None", field.name)),
            Kind::Default(value) => members.push(format!(
                "{}: {}",
                field.name,
                default(model, &field.ty, value)
            )),
        }
    }
    if record.open {
        members.push("rest: JsonObject::new()".to_owned());
    }
    let _ = writeln!(out, "impl {name} {{");
    out.push_str(if arguments.is_empty() {
        "    /// With nothing set.\n"
    } else {
        "    /// With what is required.\n"
    });
    if arguments.len() > 7 {
        out.push_str("    #[allow(clippy::too_many_arguments)]\n");
    }
    let _ = writeln!(out, "    pub fn new({}) -> Self {{", arguments.join(", "));
    let _ = writeln!(out, "        Self {{ {} }}", members.join(", "));
    out.push_str("    }\n");
    if record.setters {
        for field in record
            .fields
            .iter()
            .filter(|field| !matches!(field.kind, Kind::Required | Kind::Nullable))
        {
            setter(out, model, field);
        }
    }
    out.push_str("}\n\n");
    if arguments.is_empty() {
        let _ = writeln!(
            out,
            "impl Default for {name} {{\n    fn default() -> Self {{\n        Self::new()\n    }}\n}}\n"
        );
    }
}

fn setter(out: &mut String, model: &Model, field: &Field) {
    let name = &field.name;
    let plain = name.trim_start_matches("r#");
    let (ty, value) = argument(model, &field.ty, name);
    let value = match field.kind {
        Kind::Default(_) | Kind::Required | Kind::Nullable => value,
        Kind::Optional => format!("Some({value})"),
        Kind::ThreeState => format!("Some(Some({value}))"),
    };
    let _ = writeln!(out, "\n    /// Sets [`{plain}`](#structfield.{plain}).");
    let _ = writeln!(out, "    #[must_use]");
    let _ = writeln!(out, "    pub fn {name}(mut self, {name}: {ty}) -> Self {{");
    let _ = writeln!(out, "        self.{name} = {value};\n        self\n    }}");
    if field.kind == Kind::ThreeState {
        let _ = writeln!(
            out,
            "\n    /// Sends null for [`{plain}`](#structfield.{plain})."
        );
        let _ = writeln!(out, "    #[must_use]");
        let _ = writeln!(out, "    pub fn clear_{plain}(mut self) -> Self {{");
        let _ = writeln!(
            out,
            "        self.{name} = Some(None);\n        self\n    }}"
        );
    }
}

fn string_enum(out: &mut String, name: &str, it: &StringEnum) {
    out.push_str("#[derive(Clone, Debug, PartialEq, Eq, Hash)]\n#[non_exhaustive]\n");
    let _ = writeln!(out, "pub enum {name} {{");
    for value in &it.values {
        let fallback = docs::on_the_wire(&value.wire);
        docs::comment(out, "    ", value.doc.as_deref(), &fallback);
        let _ = writeln!(out, "    {},", value.name);
    }
    if !it.closed {
        out.push_str(
            "    /// A value that this version does not know.\n    Unrecognized(String),\n",
        );
    }
    let closed = if it.closed { " closed" } else { "" };
    let _ = writeln!(out, "}}\n\nstring_enum! {{ {name}{closed} {{");
    for value in &it.values {
        let _ = writeln!(out, "    {} {:?},", value.name, value.wire);
    }
    out.push_str("} }\n");
}

fn variant(out: &mut String, literal: &Literal, payload: Option<&str>) {
    let fallback = docs::on_the_wire(&literal.wire);
    docs::comment(out, "    ", literal.doc.as_deref(), &fallback);
    let _ = match payload {
        Some(payload) => writeln!(out, "    {}({payload}),", literal.name),
        None => writeln!(out, "    {},", literal.name),
    };
}

fn tagged(out: &mut String, model: &Model, name: &str, it: &Tagged) {
    out.push_str("#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\n");
    let _ = writeln!(out, "pub enum {name} {{");
    for kind in &it.kinds {
        let payload = kind.payload.as_ref().map(|payload| match kind.boxed {
            true => format!("Box<{payload}>"),
            false => payload.clone(),
        });
        let doc = docs::unmarked(kind.literal.doc.as_deref(), kind.experimental);
        let fallback = docs::on_the_wire(&kind.literal.wire);
        docs::comment(out, "    ", doc.as_deref(), &fallback);
        if kind.experimental {
            docs::paragraph(out, "    ", EXPERIMENTAL);
        }
        let _ = match payload {
            Some(payload) => writeln!(out, "    {}({payload}),", kind.literal.name),
            None => writeln!(out, "    {},", kind.literal.name),
        };
    }
    if !it.closed {
        let _ = writeln!(
            out,
            "    /// An object whose `{}` this version does not know, as it came.\n    Unrecognized(Value),",
            it.tag
        );
    }
    let closed = if it.closed { " closed" } else { "" };
    let _ = writeln!(out, "}}\n\ntagged! {{ {name}{closed} {:?} {{", it.tag);
    for (index, kind) in it.kinds.iter().enumerate() {
        let payload = kind
            .payload
            .as_ref()
            .map(|payload| format!(" {payload}"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "    {index} {} {:?}{payload},",
            kind.literal.name, kind.literal.wire
        );
    }
    out.push_str("} }\n");
    for kind in it.kinds.iter().filter(|_| !it.closed) {
        if let Some(payload) = &kind.payload {
            let value = if kind.boxed {
                "Box::new(payload)"
            } else {
                "payload"
            };
            let _ = writeln!(
                out,
                "\nimpl From<{payload}> for {name} {{\n    fn from(payload: {payload}) -> Self {{\n        Self::{}({value})\n    }}\n}}",
                kind.literal.name
            );
        }
    }
    if !it.closed && has_id(model, it) {
        let _ = writeln!(
            out,
            "\nimpl {name} {{\n    /// The `id` of whichever kind it is.\n    pub fn id(&self) -> Option<&str> {{\n        match self {{"
        );
        for kind in &it.kinds {
            let _ = writeln!(
                out,
                "            Self::{}(it) => Some(&it.id),",
                kind.literal.name
            );
        }
        out.push_str("            Self::Unrecognized(object) => object.get(\"id\").and_then(Value::as_str),\n        }\n    }\n}\n");
    }
}

/// Whether every kind has a required `id`.
fn has_id(model: &Model, it: &Tagged) -> bool {
    it.kinds.iter().all(|kind| {
        let payload = kind
            .payload
            .as_ref()
            .and_then(|payload| model.types.get(payload));
        matches!(payload.map(|ty| &ty.shape), Some(Shape::Struct(record))
            if record.fields.iter().any(|field| field.wire == "id" && field.kind == Kind::Required))
    })
}

fn keyed(out: &mut String, name: &str, it: &Keyed) {
    out.push_str("#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\n");
    let _ = writeln!(out, "pub enum {name} {{");
    for unit in &it.units {
        variant(out, unit, None);
    }
    for (literal, ty) in &it.keys {
        variant(out, literal, Some(&rust(ty)));
    }
    out.push_str("    /// A form that this version does not know, as it came.\n    Unrecognized(Value),\n}\n\n");
    let _ = writeln!(out, "keyed! {{ {name} {{");
    for unit in &it.units {
        let _ = writeln!(out, "    {} {:?},", unit.name, unit.wire);
    }
    out.push_str("} {\n");
    for (index, (literal, _)) in it.keys.iter().enumerate() {
        let _ = writeln!(out, "    {index} {} {:?},", literal.name, literal.wire);
    }
    out.push_str("} }\n");
}

fn untagged(out: &mut String, name: &str, it: &Untagged) {
    out.push_str("#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\n");
    let _ = writeln!(out, "pub enum {name} {{");
    for member in &it.members {
        let fallback = match member.json {
            JsonType::String => "A string.",
            JsonType::Number => "A number.",
            JsonType::Boolean => "A boolean.",
            JsonType::Array => "A list.",
            JsonType::Object => "An object.",
        };
        docs::comment(out, "    ", member.doc.as_deref(), fallback);
        let _ = writeln!(out, "    {}({}),", member.name, rust(&member.ty));
    }
    if !it.closed {
        out.push_str("    /// A form that this version does not know, as it came.\n    Unrecognized(Value),\n");
    }
    let closed = if it.closed { " closed" } else { "" };
    let _ = writeln!(out, "}}\n\nuntagged! {{ {name}{closed} {{");
    for member in &it.members {
        let _ = writeln!(out, "    {} {:?},", member.name, member.json);
    }
    out.push_str("} }\n");
    for member in &it.members {
        let single = it
            .members
            .iter()
            .filter(|other| other.ty == member.ty)
            .count()
            == 1;
        if single && member.ty == Ty::String {
            let _ = writeln!(
                out,
                "\nimpl From<&str> for {name} {{\n    fn from(text: &str) -> Self {{\n        Self::{}(text.to_owned())\n    }}\n}}",
                member.name
            );
        }
        if single && matches!(member.ty, Ty::String | Ty::List(_)) {
            let _ = writeln!(
                out,
                "\nimpl From<{ty}> for {name} {{\n    fn from(value: {ty}) -> Self {{\n        Self::{}(value)\n    }}\n}}",
                member.name,
                ty = rust(&member.ty)
            );
        }
    }
}

fn newtype(out: &mut String, name: &str) {
    out.push_str("#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n");
    let _ = writeln!(
        out,
        "pub struct {name}(pub String);\n\nstring_newtype! {{ {name} }}"
    );
}
