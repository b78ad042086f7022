//! Which enums must refuse what they do not know.
//!
//! Enums are open: an unknown value is kept. But members of an untagged union
//! of objects are told apart by trying them, and an open enum would accept the
//! tag of another member. So whatever such a union reaches is closed; the
//! outermost union itself stays open and keeps what fits none.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::model::{JsonType, Model, Shape};

/// Closes the enums below untagged unions of objects.
pub(crate) fn close_below_untagged(model: &mut Model) -> Result<()> {
    let mut closed = BTreeSet::new();
    for ty in model.types.values() {
        if let Shape::Untagged(union) = &ty.shape
            && union
                .members
                .iter()
                .filter(|member| member.json == JsonType::Object)
                .count()
                >= 2
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
