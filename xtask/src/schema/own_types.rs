//! A type of its own for what each message carries.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use schemars::schema::SchemaObject;

use super::At;
use super::messages::{method_of, params_of, response_by_rule};
use super::read::{Definitions, branches_mut, object, object_mut, property_mut, reference};
use crate::codegen::{names, numbered};

const PASS: &str = "own types";

/// A type that a message was given for itself.
pub(crate) struct OwnType {
    pub(crate) name: String,
    pub(crate) copy_of: String,
}

/// Gives every message a type of its own for what it carries.
///
/// `METHOD` is a constant of that type, so two methods with one type
/// (`environment/connected`, `environment/disconnected`) need two. The copies
/// are named after their methods, as the others are.
///
/// Returns them by method.
///
/// # Errors
/// If the name that a copy gets is taken, unless `lenient`: then it has a number.
pub(crate) fn one_per_message(
    definitions: &mut Definitions,
    lenient: bool,
) -> Result<BTreeMap<String, OwnType>> {
    let mut own = BTreeMap::new();
    for (union, suffix) in [
        ("ClientRequest", "Params"),
        ("ServerRequest", "Params"),
        ("ServerNotification", "Notification"),
    ] {
        one_per_message_of(definitions, union, suffix, lenient, &mut own)?;
    }
    Ok(own)
}

fn one_per_message_of(
    definitions: &mut Definitions,
    union: &str,
    suffix: &str,
    lenient: bool,
    own: &mut BTreeMap<String, OwnType>,
) -> Result<()> {
    let at = At::definition(PASS, union);
    // That one is missing, or is no union, the pass that lists the messages says.
    let Some(mut messages) = definitions.remove(union) else {
        return Ok(());
    };
    let all = branches_mut(&mut messages).ok_or_else(|| at.error("is not a union"))?;
    let carried =
        |message: &SchemaObject| params_of(message).and_then(reference).map(str::to_owned);
    let mut users: BTreeMap<String, usize> = BTreeMap::new();
    for payload in all.iter().map(object).filter_map(carried) {
        *users.entry(payload).or_default() += 1;
    }
    let (mut kept, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for message in all.iter_mut().map(object_mut) {
        let (Some(payload), Some(method)) = (carried(message), method_of(message)) else {
            continue;
        };
        let Some(mut name) = names::of_message(method, suffix, lenient) else {
            return Err(at.error(format!("{method:?} gives no usable name for its type")));
        };
        // What a method that is there twice is worth, the pass that lists the messages says.
        if !seen.insert(method.to_owned()) {
            continue;
        }
        // The one that the type is named after keeps it.
        if users[&payload] == 1 || (name == payload && kept.insert(payload.clone())) {
            continue;
        }
        let at = At::definition(PASS, &payload);
        let schema = definitions
            .get(&payload)
            .ok_or_else(|| at.error("is missing"))?
            .clone();
        let method = method.to_owned();
        if lenient && definitions.contains_key(&name) {
            name = numbered(&name, |name| !definitions.contains_key(name));
        }
        if definitions.insert(name.clone(), schema).is_some() {
            return Err(at.error(format!(
                "`{method}` needs a type of its own, and {name} exists already"
            )));
        }
        if let Some(response) = response_by_rule(message).filter(|it| definitions.contains_key(it))
        {
            let paired = message.extensions.entry("x-response".to_owned());
            paired.or_insert(response.into());
        }
        if let Some(params) = property_mut(message, "params") {
            params.reference = Some(format!("#/definitions/{name}"));
        }
        let copy_of = payload;
        own.insert(method, OwnType { name, copy_of });
    }
    definitions.insert(union.to_owned(), messages);
    Ok(())
}
