//! Which default values can be written in Rust.

use anyhow::Result;
use serde_json::Value;

use super::model::{Kind, Model, Shape, Ty};
use crate::schema::At;

/// Refuses the first default that emission could not write.
pub(crate) fn check(model: &Model) -> Result<()> {
    for (name, ty) in &model.types {
        let Shape::Struct(record) = &ty.shape else {
            continue;
        };
        for field in &record.fields {
            let default = match &field.kind {
                Kind::Default(value) => Some(value),
                _ => field.absent_before.as_ref().map(|older| &older.value),
            };
            if let Some(value) = default
                && !is_supported(model, &field.ty, value)
            {
                return Err(At::definition("defaults", name)
                    .child("properties")
                    .child(&field.wire)
                    .error(format!("the default {value} is not supported")));
            }
        }
    }
    Ok(())
}

fn is_supported(model: &Model, ty: &Ty, value: &Value) -> bool {
    match (ty, value) {
        (Ty::Bool, Value::Bool(_))
        | (Ty::Int(_) | Ty::Float, Value::Number(_))
        | (Ty::String, Value::String(_)) => true,
        (Ty::List(inner), Value::Array(it)) => {
            it.iter().all(|value| is_supported(model, inner, value))
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
