//! Which enums must refuse what they do not know.
//!
//! Enums are open: an unknown value is kept. But members of an untagged union
//! of objects are told apart by trying them, and an open enum would accept the
//! tag of another member. So whatever such a union reaches is closed, unless each
//! of its members requires what no other has; the outermost union itself stays open and keeps what fits none.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::model::{JsonType, Kind, Model, Shape, Ty, Untagged};

/// Whether members are told apart by trying them: not where each requires what no other has.
fn is_guessed(model: &Model, union: &Untagged) -> bool {
    let objects = union.members.iter();
    let objects = objects.filter(|member| member.json == JsonType::Object);
    let objects: Vec<_> = objects.map(|member| fields(model, &member.ty)).collect();
    let is_told = |at: usize| {
        objects[at].iter().any(|(name, is_required)| {
            let others = objects.iter().enumerate().filter(|(other, _)| *other != at);
            *is_required && others.flat_map(|(_, it)| it).all(|(it, _)| it != name)
        })
    };
    objects.len() >= 2 && !(0..objects.len()).all(is_told)
}

/// The members of a record, each with whether it must be there.
fn fields<'a>(model: &'a Model, ty: &Ty) -> Vec<(&'a str, bool)> {
    let Ty::Named(name) = ty else {
        return Vec::new();
    };
    match model.types.get(name).map(|it| &it.shape) {
        Some(Shape::Struct(record)) => {
            let fields = record.fields.iter();
            fields
                .map(|it| (it.wire.as_str(), it.kind == Kind::Required))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Closes the enums below untagged unions of objects.
pub(crate) fn close_below_untagged(model: &mut Model) -> Result<()> {
    let mut closed = BTreeSet::new();
    for ty in model.types.values() {
        if let Shape::Untagged(union) = &ty.shape
            && is_guessed(model, union)
        {
            closed.extend(model.reachable(ty.shape.mentions()).into_iter().cloned());
        }
    }
    for name in closed {
        match &mut model
            .types
            .get_mut(&name)
            .expect("reachable types exist")
            .shape
        {
            Shape::StringEnum(it) => it.closed = true,
            Shape::Tagged(it) => it.closed = true,
            Shape::Untagged(it) => it.closed = true,
            Shape::Keyed(_) => bail!(
                "/definitions/{name} (open): a union of strings and one-key objects below an untagged union is not supported"
            ),
            Shape::Struct(_) | Shape::StringNewtype => {}
        }
    }
    Ok(())
}
