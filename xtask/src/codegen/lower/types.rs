//! The Rust type of a member: typify knows.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use anyhow::Result;
use schemars::schema::{InstanceType, SchemaObject};
use schemars::visit::{Visitor, visit_schema_object};
use serde_json::json;
use typify::{TypeDetails, TypeId, TypeSpace, TypeSpaceSettings, UnknownPolicy};

use crate::codegen::model::{Ty, TypeName};
use crate::schema::{At, read};

/// The types that typify has made so far.
pub(super) struct Types(TypeSpace);

/// How a schema names a type that is there already.
pub(super) fn named(name: &str) -> SchemaObject {
    let ty = json!({"crate": "crate", "version": "*", "path": format!("crate::{name}")});
    SchemaObject {
        extensions: [("x-rust-type".to_owned(), ty)].into(),
        ..Default::default()
    }
}

/// A schema that allows null as well.
pub(super) fn or_null(schema: SchemaObject) -> SchemaObject {
    let null = SchemaObject {
        instance_type: Some(InstanceType::Null.into()),
        ..Default::default()
    };
    let mut choice = SchemaObject::default();
    choice.subschemas().any_of = Some(vec![schema.into(), null.into()]);
    choice
}

impl Types {
    pub(super) fn new() -> Self {
        let mut settings = TypeSpaceSettings::default();
        settings.with_unknown_crates(UnknownPolicy::Allow);
        Self(TypeSpace::new(&settings))
    }

    /// The type of a schema without inline parts.
    pub(super) fn ty(&mut self, mut schema: SchemaObject, at: &At) -> Result<Ty> {
        Plain.visit_schema_object(&mut schema);
        let schema = schema.into();
        // On what it does not support, typify panics as often as it returns an error.
        let id = quietly(|| self.0.add_type(&schema))
            .map_err(|words| at.error(format!("typify does not support it: {words}")))?
            .map_err(|error| at.error(format!("typify does not support it: {error}")))?;
        self.read(&id, at)
    }

    fn read(&self, id: &TypeId, at: &At) -> Result<Ty> {
        let ty = self.0.get_type(id).map_err(|error| at.error(error))?;
        let inner = |id: &TypeId| self.read(id, at).map(Box::new);
        Ok(match ty.details() {
            TypeDetails::String => Ty::String,
            TypeDetails::Vec(id) => Ty::List(inner(&id)?),
            TypeDetails::Map(_, id) => match *inner(&id)? {
                Ty::Value => Ty::Object,
                value => Ty::Map(Box::new(value)),
            },
            // Any JSON is null as well.
            TypeDetails::Option(id) => match *inner(&id)? {
                Ty::Value => Ty::Value,
                value => Ty::Nullable(Box::new(value)),
            },
            TypeDetails::Builtin(name) => match name.trim_start_matches("::").rsplit("::").next() {
                Some("bool") => Ty::Bool,
                Some("f32" | "f64") => Ty::Float,
                Some("i8" | "i16" | "i32") => Ty::Int("i32"),
                Some("i64") => Ty::Int("i64"),
                Some("u8" | "u16") => Ty::Int("u16"),
                Some("u32") => Ty::Int("u32"),
                Some("u64") => Ty::Int("u64"),
                Some("Value") => Ty::Value,
                Some("RequestId") => Ty::Wire("RequestId"),
                Some("ThreadId") => Ty::Wire("ThreadId"),
                Some(name) => Ty::Named(TypeName::new(name)),
                None => return Err(at.error("is a type without a name")),
            },
            _ => return Err(at.error(format!("typify makes {} of it", ty.ident()))),
        })
    }
}

thread_local! {
    /// Whether a panic of this thread is caught and told as an error.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// What `call` returns, or the words with which it panicked, which are printed nowhere else.
fn quietly<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_CAUGHT.get() {
                hook(panic);
            }
        }));
    });
    IS_CAUGHT.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    IS_CAUGHT.set(false);
    result.map_err(|panic| words_of(&*panic))
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked without a word").to_owned()
}

/// Without what types do not enforce: a newer server may send what it forbids.
struct Plain;

impl Visitor for Plain {
    fn visit_schema_object(&mut self, schema: &mut SchemaObject) {
        (
            schema.number,
            schema.string,
            schema.enum_values,
            schema.metadata,
        ) = (None, None, None, None);
        if let Some(array) = &mut schema.array {
            (array.max_items, array.min_items, array.unique_items) = (None, None, None);
        }
        let is_string = read::types(schema).contains(&InstanceType::String);
        schema.format =
            schema
                .format
                .take()
                .filter(|_| !is_string)
                .map(|format| match format.as_str() {
                    // The runtime's `usize`, which is 64 bits wherever it runs.
                    "uint" => "uint64".to_owned(),
                    "int" => "int64".to_owned(),
                    _ => format,
                });
        visit_schema_object(self, schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let text = "no such luck";
        assert_eq!(quietly(|| 1), Ok(1));
        assert_eq!(
            quietly(|| -> u8 { panic!("no luck") }),
            Err("no luck".to_owned())
        );
        assert_eq!(quietly(|| -> u8 { panic!("{text}") }), Err(text.to_owned()));
    }

    #[test]
    fn what_typify_cannot_convert_is_refused_with_the_place() {
        // Refused by the vocabulary before it comes here.
        let schema = serde_json::from_value(json!({"type": ["string", "integer"]})).unwrap();
        let error = Types::new()
            .ty(schema, &At::definition("lower", "Odd"))
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("/definitions/Odd (lower): typify "),
            "{error}"
        );
    }
}
