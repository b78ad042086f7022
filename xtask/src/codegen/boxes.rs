//! Which payloads stand behind a `Box`.
//!
//! A union is as large as its largest payload, so large ones are boxed. That
//! is part of the API, so `schema/manifest.toml` decides; the estimate here
//! only finds what the manifest has not decided yet.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Field, Kind, Model, Shape, Ty, TypeName};

/// A payload past this many bytes wants a box.
const LIMIT: usize = 160;

/// The union of all notifications, which is no definition of its own here.
pub(crate) const NOTIFICATIONS: &str = "ServerNotification";

/// Boxes what `listed` says and what is too large.
///
/// Returns the payloads that are too large and not listed, and the listed ones that do not exist.
pub(crate) fn apply(model: &mut Model, listed: &BTreeSet<String>) -> (Vec<String>, Vec<String>) {
    let mut sizes = Sizes {
        model,
        known: BTreeMap::new(),
    };
    let mut large = BTreeSet::new();
    let mut existing = BTreeSet::new();
    let payloads: Vec<(String, TypeName)> = model
        .types
        .iter()
        .filter_map(|(name, ty)| match &ty.shape {
            Shape::Tagged(union) => Some((name, union)),
            _ => None,
        })
        .flat_map(|(name, union)| {
            union.kinds.iter().filter_map(move |kind| {
                Some((
                    format!("{name}::{}", kind.literal.name),
                    kind.payload.clone()?,
                ))
            })
        })
        .chain(model.notifications.iter().map(|it| {
            (
                format!("{NOTIFICATIONS}::{}", it.variant),
                it.params.clone(),
            )
        }))
        .collect();
    for (path, payload) in payloads {
        if sizes.of(&payload) > LIMIT {
            large.insert(path.clone());
        }
        existing.insert(path);
    }
    let boxed: BTreeSet<String> = large.union(listed).cloned().collect();
    for (name, ty) in &mut model.types {
        if let Shape::Tagged(union) = &mut ty.shape {
            for kind in &mut union.kinds {
                kind.boxed = kind.payload.is_some()
                    && boxed.contains(&format!("{name}::{}", kind.literal.name));
            }
        }
    }
    for notification in &mut model.notifications {
        notification.boxed = boxed.contains(&format!("{NOTIFICATIONS}::{}", notification.variant));
    }
    (
        large.difference(listed).cloned().collect(),
        listed.difference(&existing).cloned().collect(),
    )
}

/// Estimated sizes on a 64-bit machine.
struct Sizes<'a> {
    model: &'a Model,
    known: BTreeMap<String, usize>,
}

impl Sizes<'_> {
    fn of(&mut self, name: &str) -> usize {
        if let Some(size) = self.known.get(name) {
            return *size;
        }
        // A type within itself stands behind a pointer somewhere; the guess only ends the recursion.
        self.known.insert(name.to_owned(), 24);
        let size = match self.model.types.get(name).map(|ty| &ty.shape) {
            None | Some(Shape::StringNewtype | Shape::StringEnum(_)) => 24,
            Some(Shape::Struct(it)) => {
                it.fields
                    .iter()
                    .map(|field| self.field(field))
                    .sum::<usize>()
                    + 24 * usize::from(it.open)
            }
            Some(Shape::Tagged(it)) => {
                let payloads: Vec<_> = it
                    .kinds
                    .iter()
                    .filter_map(|kind| kind.payload.clone())
                    .collect();
                8 + payloads
                    .iter()
                    .map(|payload| self.of(payload).min(LIMIT))
                    .max()
                    .unwrap_or(0)
                    .max(32)
            }
            Some(Shape::Keyed(it)) => {
                8 + it
                    .keys
                    .iter()
                    .map(|(_, ty)| self.ty(ty))
                    .max()
                    .unwrap_or(0)
                    .max(32)
            }
            Some(Shape::Untagged(it)) => {
                8 + it
                    .members
                    .iter()
                    .map(|member| self.ty(&member.ty))
                    .max()
                    .unwrap_or(0)
                    .max(32)
            }
        };
        let size = size.next_multiple_of(8);
        self.known.insert(name.to_owned(), size);
        size
    }

    fn field(&mut self, field: &Field) -> usize {
        let size = self.ty(&field.ty);
        let bare = matches!(field.ty, Ty::Int(_) | Ty::Float | Ty::Bool);
        match field.kind {
            Kind::Required | Kind::Default(_) => size,
            _ if bare && field.ty != Ty::Bool => size * 2,
            _ => size,
        }
    }

    fn ty(&mut self, ty: &Ty) -> usize {
        match ty {
            Ty::Bool => 1,
            Ty::Int("i32" | "u32") => 4,
            Ty::Int("u16") => 2,
            Ty::Int(_) | Ty::Float => 8,
            Ty::Wire(_) => 16,
            Ty::Value => 32,
            Ty::String | Ty::Object | Ty::Secret | Ty::List(_) | Ty::Map(_) => 24,
            Ty::Nullable(inner) => self.ty(inner),
            Ty::Boxed(_) => 8,
            Ty::Named(name) => self.of(name),
        }
    }
}
