//! The ids by which a notification is routed.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::model::{Kind, Model, Shape, Ty};

/// An expression for one id of a scope, over `self`.
pub(crate) struct Scope {
    pub(crate) slot: &'static str,
    pub(crate) expression: TokenStream,
}

/// Slots, with the members that fill them in the order of preference.
const SLOTS: &[(&str, &[&str])] = &[
    ("thread_id", &["threadId", "thread.id", "conversationId"]),
    ("turn_id", &["turnId", "turn.id"]),
    ("item_id", &["itemId", "item.id"]),
    ("login_id", &["loginId"]),
];

/// The scope of a payload type.
pub(crate) fn of(model: &Model, payload: &str) -> Vec<Scope> {
    SLOTS
        .iter()
        .filter_map(|(slot, paths)| {
            let expression = paths
                .iter()
                .find_map(|path| expression(model, payload, path))?;
            Some(Scope { slot, expression })
        })
        .collect()
}

fn expression(model: &Model, payload: &str, path: &str) -> Option<TokenStream> {
    let (first, second) = match path.split_once('.') {
        Some((first, second)) => (first, Some(second)),
        None => (path, None),
    };
    let Shape::Struct(record) = &model.types.get(payload)?.shape else {
        return None;
    };
    let field = record.fields.iter().find(|field| field.wire == first)?;
    let name = format_ident!("{}", field.name);
    match (second, &field.ty) {
        (None, ty) if ty.is_text() => Some(match field.kind {
            Kind::Required => quote!(Some(&self.#name)),
            Kind::Nullable | Kind::Optional => quote!(self.#name.as_deref()),
            _ => return None,
        }),
        (Some(member), Ty::Named(inner)) if field.kind == Kind::Required => {
            match &model.types.get(inner)?.shape {
                Shape::Struct(inner) => {
                    let inner = inner
                        .fields
                        .iter()
                        .find(|field| field.wire == member && field.kind == Kind::Required)
                        .filter(|field| field.ty.is_text())?;
                    let inner = format_ident!("{}", inner.name);
                    Some(quote!(Some(&self.#name.#inner)))
                }
                // The id of an item is in whichever kind of item it is.
                Shape::Tagged(_) if member == "id" => Some(quote!(self.#name.id())),
                _ => None,
            }
        }
        _ => None,
    }
}
