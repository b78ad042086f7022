//! What differs between two surfaces, and what that does to callers and on the wire.

use std::collections::BTreeMap;

use serde::Serialize;

use super::guess;
use super::surface::{Member, Method, Shape, Surface, Variant, Way};

/// A difference.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) what: What,
    /// Such as `turn/start`, `Turn.id`, `ThreadItem::imageGeneration.result`.
    pub(crate) place: String,
    /// What it was, or was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// What it is, or is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// Whether code that compiled no longer does.
    pub(crate) breaks_source: bool,
    /// Whether a client made from the old schema fails with the new runtime, or loses something.
    pub(crate) breaks_wire: bool,
    /// What happens on the wire.
    pub(crate) on_the_wire: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Added,
    Removed,
    /// Guessed.
    Renamed,
    Retyped,
    /// It was optional.
    Required,
    /// It was required.
    Optional,
    /// It was experimental.
    Stable,
    /// It was stable.
    Experimental,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    Request,
    Notification,
    ServerRequest,
    ClientNotification,
    Type,
    Member,
    Variant,
}

/// The differences, in the order of [`What`] and place.
pub(crate) fn changes(old: &Surface, new: &Surface) -> Vec<Change> {
    let mut changes = Vec::new();
    methods(old, new, &mut changes);
    let renamed = guess::types(old, new);
    for (name, was) in &old.types {
        match new.types.get(name) {
            Some(is) => shape(name, was, is, &mut changes),
            None => match renamed.iter().find(|(from, _)| from == name) {
                Some((from, to)) => {
                    let it = change(Kind::Renamed, What::Type, to, true, (false, NAME_ONLY));
                    changes.push(it.between(from, to));
                    shape(to, was, &new.types[to], &mut changes);
                }
                None => changes.push(change(
                    Kind::Removed,
                    What::Type,
                    name,
                    true,
                    (false, "no message has it any more"),
                )),
            },
        }
    }
    for name in new.types.keys().filter(|it| !old.types.contains_key(*it)) {
        if !renamed.iter().any(|(_, to)| to == name) {
            let on_wire = (false, "comes with what refers to it");
            changes.push(change(Kind::Added, What::Type, name, false, on_wire));
        }
    }
    changes.sort_by(|a, b| (a.what, &a.place, a.kind).cmp(&(b.what, &b.place, b.kind)));
    changes
}

const NAME_ONLY: &str = "nothing: types have no names there";

fn change(
    kind: Kind,
    what: What,
    place: &str,
    breaks_source: bool,
    (breaks_wire, on_the_wire): (bool, &'static str),
) -> Change {
    Change {
        kind,
        what,
        place: place.to_owned(),
        from: None,
        to: None,
        breaks_source,
        breaks_wire,
        on_the_wire,
    }
}

impl Change {
    fn between(mut self, from: impl ToString, to: impl ToString) -> Self {
        self.from = Some(from.to_string());
        self.to = Some(to.to_string());
        self
    }

    fn of(mut self, to: impl ToString) -> Self {
        self.to = Some(to.to_string());
        self
    }
}

fn methods(old: &Surface, new: &Surface, changes: &mut Vec<Change>) {
    let renamed = guess::methods(old, new);
    for ((union, method), was) in &old.methods {
        let what = what(union);
        let key = (*union, method.clone());
        let (name, is) = match new.methods.get(&key) {
            Some(is) => (method, is),
            None => match renamed.iter().find(|(from, _)| *from == key) {
                Some((_, to)) => {
                    let on_wire = (what == What::Request, gone(what));
                    let it = change(Kind::Renamed, what, &to.1, true, on_wire);
                    changes.push(it.between(method, &to.1));
                    (&to.1, &new.methods[to])
                }
                None => {
                    let on_wire = (what != What::ServerRequest, gone(what));
                    changes.push(change(Kind::Removed, what, method, true, on_wire));
                    continue;
                }
            },
        };
        if (&was.params, &was.response) != (&is.params, &is.response) {
            let on_wire = (false, "as its types differ");
            let it = change(Kind::Retyped, what, name, true, on_wire);
            changes.push(it.between(signature(was), signature(is)));
        }
        stability(what, name, was.is_stable, is.is_stable, changes);
    }
    for (key, is) in &new.methods {
        if !old.methods.contains_key(key) && !renamed.iter().any(|(_, to)| to == key) {
            let what = what(key.0);
            let on_wire = match what {
                What::Request | What::ClientNotification => "older runtimes refuse it",
                What::ServerRequest => "clients that do not know it refuse it",
                _ => "clients that do not know it keep it as it came",
            };
            let it = change(Kind::Added, what, &key.1, false, (false, on_wire));
            changes.push(it.of(signature(is)));
        }
    }
}

fn what(union: &str) -> What {
    match union {
        "ClientRequest" => What::Request,
        "ServerRequest" => What::ServerRequest,
        "ClientNotification" => What::ClientNotification,
        _ => What::Notification,
    }
}

fn gone(what: What) -> &'static str {
    match what {
        What::Request | What::ClientNotification => "the runtime refuses it",
        What::ServerRequest => "it is not asked any more; older runtimes still ask",
        _ => "it does not come any more; older runtimes still send it",
    }
}

fn signature(method: &Method) -> String {
    let params = method.params.as_deref().unwrap_or("nothing");
    match &method.response {
        Some(response) => format!("{params} -> {response}"),
        None => params.to_owned(),
    }
}

fn shape(name: &str, was: &Shape, is: &Shape, changes: &mut Vec<Change>) {
    if was.form != is.form {
        let it = change(Kind::Retyped, What::Type, name, true, other_form(is.way));
        changes.push(it.between(&was.form, &is.form));
        return;
    }
    variants(name, was, is, changes);
    let is_union = !is.variants.is_empty();
    let place = |member: &str| match is_union {
        true => format!("{name}::{member}"),
        false => format!("{name}.{member}"),
    };
    // Those of a variant that came or went are told by it.
    let tells = |member: &str, other: &Shape| {
        let kind = member.split_once('.').filter(|_| is_union);
        kind.is_none_or(|(kind, _)| other.variants.contains_key(kind))
    };
    let renamed = guess::members(was, is);
    for (member, before) in &was.members {
        match is.members.get(member) {
            Some(after) => one_member(&place(member), before, after, is.way, changes),
            None if !tells(member, is) => {}
            None => match renamed.iter().find(|(from, _)| from == member) {
                Some((from, to)) => {
                    let on_wire = gone_member(before, is.way);
                    let it = change(Kind::Renamed, What::Member, &place(to), true, on_wire);
                    changes.push(it.between(from, to));
                    one_member(&place(to), before, &is.members[to], is.way, changes);
                }
                None => changes.push(
                    change(
                        Kind::Removed,
                        What::Member,
                        &place(member),
                        true,
                        gone_member(before, is.way),
                    )
                    .of(described(before)),
                ),
            },
        }
    }
    for (member, after) in &is.members {
        let is_new = !was.members.contains_key(member) && tells(member, was);
        if is_new && !renamed.iter().any(|(_, to)| to == member) {
            // `new` takes one more.
            let is_argument = after.is_required && !after.is_nullable;
            let on_wire = match (after.is_required, is.way.is_sent, is.way.is_received) {
                (true, true, _) => (true, "a request without it is refused"),
                (false, true, _) => (false, "older runtimes ignore it"),
                (true, false, true) => (false, "older runtimes do not send it, so decoding fails"),
                _ => (false, "older runtimes do not send it"),
            };
            let it = change(
                Kind::Added,
                What::Member,
                &place(member),
                is_argument,
                on_wire,
            );
            changes.push(it.of(described(after)));
        }
    }
}

fn described(member: &Member) -> String {
    let null = if member.is_nullable { " | null" } else { "" };
    let optional = if member.is_required { "" } else { ", optional" };
    format!("{}{null}{optional}", member.ty)
}

fn gone_member(member: &Member, way: Way) -> (bool, &'static str) {
    match (way.is_sent, way.is_received) {
        (true, _) => (true, "it is ignored, or refused"),
        (false, true) if member.is_required && !member.is_nullable => (
            true,
            "it does not come any more, so old types do not decode",
        ),
        _ => (false, "it does not come any more"),
    }
}

fn other_form(way: Way) -> (bool, &'static str) {
    match (way.is_sent, way.is_received) {
        (true, true) => (true, "the other form is refused, and does not decode"),
        (true, false) => (true, "the other form is refused"),
        _ => (true, "old types do not decode it"),
    }
}

fn one_member(place: &str, was: &Member, is: &Member, way: Way, changes: &mut Vec<Change>) {
    let with_null = |it: &Member| match it.is_nullable {
        true => format!("{} | null", it.ty),
        false => it.ty.clone(),
    };
    // Of an optional member null means the same as absence.
    let takes_null = |it: &Member| it.is_nullable || !it.is_required;
    if was.ty != is.ty || (was.is_required == is.is_required && takes_null(was) != takes_null(is)) {
        let it = change(Kind::Retyped, What::Member, place, true, other_form(way));
        changes.push(it.between(with_null(was), with_null(is)));
    }
    match (was.is_required, is.is_required) {
        (false, true) => {
            let on_wire = match way.is_sent {
                true => (true, "a request without it is refused"),
                false => (false, "older runtimes may leave it out, so decoding fails"),
            };
            changes.push(change(Kind::Required, What::Member, place, true, on_wire));
        }
        (true, false) => {
            let on_wire = match way.is_received {
                true => (
                    !was.is_nullable,
                    "it may be missing, so old types do not decode",
                ),
                false => (false, "it may be left out; older runtimes refuse that"),
            };
            changes.push(change(Kind::Optional, What::Member, place, true, on_wire));
        }
        _ => {}
    }
    stability(What::Member, place, was.is_stable, is.is_stable, changes);
}

fn variants(name: &str, was: &Shape, is: &Shape, changes: &mut Vec<Change>) {
    let place = |variant: &str| format!("{name}::{variant}");
    let renamed = guess::variants(was, is);
    for (variant, before) in &was.variants {
        let on_wire = match is.way.is_sent {
            true => (true, "it is refused"),
            false => (false, "it does not come any more"),
        };
        match is.variants.get(variant) {
            Some(after) => one_variant(&place(variant), before, after, is.way, changes),
            None => match renamed.iter().find(|(from, _)| from == variant) {
                Some((from, to)) => {
                    let it = change(Kind::Renamed, What::Variant, &place(to), true, on_wire);
                    changes.push(it.between(from, to));
                }
                None => {
                    let it = change(Kind::Removed, What::Variant, &place(variant), true, on_wire);
                    changes.push(it);
                }
            },
        }
    }
    for (variant, after) in &is.variants {
        let is_new = !was.variants.contains_key(variant);
        if is_new && !renamed.iter().any(|(_, to)| to == variant) {
            let on_wire = match is.way.is_received {
                true => (false, "clients that do not know it keep it as it came"),
                false => (false, "older runtimes refuse it"),
            };
            let mut it = change(Kind::Added, What::Variant, &place(variant), false, on_wire);
            it.to = after.ty.clone();
            changes.push(it);
        }
    }
}

fn one_variant(place: &str, was: &Variant, is: &Variant, way: Way, changes: &mut Vec<Change>) {
    if was.ty != is.ty {
        let text = |it: &Variant| it.ty.clone().unwrap_or_else(|| "nothing".to_owned());
        let it = change(Kind::Retyped, What::Variant, place, true, other_form(way));
        changes.push(it.between(text(was), text(is)));
    }
    stability(What::Variant, place, was.is_stable, is.is_stable, changes);
}

fn stability(
    what: What,
    place: &str,
    was: Option<bool>,
    is: Option<bool>,
    changes: &mut Vec<Change>,
) {
    let (kind, on_wire) = match (was, is) {
        (Some(false), Some(true)) => (
            Kind::Stable,
            (false, "it needs no `experimentalApi` any more"),
        ),
        (Some(true), Some(false)) => (Kind::Experimental, (true, "it needs `experimentalApi`")),
        _ => return,
    };
    changes.push(change(kind, what, place, false, on_wire));
}

/// How many changes there are of each.
pub(crate) fn counted(changes: &[Change]) -> BTreeMap<(What, Kind), usize> {
    let mut counts = BTreeMap::new();
    for it in changes {
        *counts.entry((it.what, it.kind)).or_default() += 1;
    }
    counts
}
