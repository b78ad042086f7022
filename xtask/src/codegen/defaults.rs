//! Which default values can be written in Rust.

use anyhow::Result;
use serde_json::{Number, Value};

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
        | (Ty::Float, Value::Number(_))
        | (Ty::String, Value::String(_)) => true,
        (Ty::Int(name), Value::Number(it)) => fits(name, it),
        (Ty::List(inner), Value::Array(it)) => {
            it.iter().all(|value| is_supported(model, inner, value))
        }
        (Ty::Map(_) | Ty::Object, Value::Object(it)) => it.is_empty(),
        (Ty::Named(name), Value::String(text)) => match model.types.get(name).map(|ty| &ty.shape) {
            // One that is closed knows no other values.
            Some(Shape::StringEnum(it)) => {
                !it.closed || it.values.iter().any(|value| value.wire == *text)
            }
            Some(Shape::Keyed(it)) => it.units.iter().any(|unit| unit.wire == *text),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a number is a value of an integer type.
fn fits(name: &str, number: &Number) -> bool {
    let number = number
        .as_i64()
        .map(i128::from)
        .or(number.as_u64().map(i128::from));
    let (least, most) = match name {
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" => (0, u64::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    };
    number.is_some_and(|number| (least..=most).contains(&number))
}
