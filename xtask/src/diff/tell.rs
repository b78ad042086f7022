//! The differences as text for people, as Markdown for the changelog, and as JSON.

use std::fmt::Write;

use anyhow::Result;
use serde_json::json;

use super::Side;
use super::compare::{Change, Kind, What, counted};

/// Each kind of thing, with the heading that it is told under.
const HEADINGS: &[(What, &str)] = &[
    (What::Request, "requests"),
    (What::ServerRequest, "requests of the server's"),
    (What::Notification, "notifications"),
    (What::ClientNotification, "notifications of the client's"),
    (What::Type, "types"),
    (What::Member, "members"),
    (What::Variant, "variants"),
];

/// Text for people.
pub(crate) fn text(old: &Side, new: &Side, changes: &[Change]) -> String {
    let mut out = format!("{} -> {}\n", old.name, new.name);
    let (was, is) = (Counts::of(old), Counts::of(new));
    for ((name, was), (_, is)) in was.each().into_iter().zip(is.each()) {
        let _ = writeln!(out, "  {name:<26} {was:>4} -> {is}");
    }
    if changes.is_empty() {
        out += "\nno differences\n";
        return out;
    }
    for (what, heading) in HEADINGS {
        let of_it: Vec<_> = changes.iter().filter(|it| it.what == *what).collect();
        if of_it.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{heading}");
        for it in of_it {
            let mark = if it.breaks_source { "!" } else { " " };
            let _ = writeln!(out, "{mark} {}", line(it));
        }
    }
    let source = changes.iter().filter(|it| it.breaks_source).count();
    let wire = changes.iter().filter(|it| it.breaks_wire).count();
    out.push('\n');
    let counts = counted(changes);
    for (what, heading) in HEADINGS {
        let of_it = counts.iter().filter(|((it, _), _)| it == what);
        let of_it: Vec<_> = of_it
            .map(|((_, kind), count)| format!("{count} {}", word(*kind)))
            .collect();
        if !of_it.is_empty() {
            let _ = writeln!(out, "{heading}: {}", of_it.join(", "));
        }
    }
    let _ = writeln!(
        out,
        "! {source} of {} changes break the source of callers, * {wire} break or weaken what was made from {}",
        changes.len(),
        old.name
    );
    out
}

fn line(it: &Change) -> String {
    let (sign, what) = match it.kind {
        Kind::Added => ("+", String::new()),
        Kind::Removed => ("-", String::new()),
        Kind::Renamed => (
            "~",
            format!(" was probably {}", it.from.as_deref().unwrap_or_default()),
        ),
        Kind::Retyped => (
            "~",
            format!(
                " was {}, is {}",
                it.from.as_deref().unwrap_or_default(),
                it.to.as_deref().unwrap_or_default()
            ),
        ),
        kind => ("~", format!(" is {} now", word(kind))),
    };
    let ty = match (it.kind, &it.to) {
        (Kind::Added | Kind::Removed, Some(ty)) => format!(": {ty}"),
        _ => String::new(),
    };
    let wire = if it.breaks_wire { "*" } else { "" };
    format!("{sign} {}{ty}{what}  [{wire}{}]", it.place, it.on_the_wire)
}

/// A list for the changelog: what callers see.
pub(crate) fn markdown(changes: &[Change]) -> String {
    let mut out = String::new();
    let mut list = |what: &[What], kind: Kind, head: &str| {
        let places = changes.iter();
        let places = places.filter(|it| it.kind == kind && what.contains(&it.what));
        let places: Vec<_> = places.map(|it| format!("`{}`", it.place)).collect();
        if !places.is_empty() {
            let _ = writeln!(out, "- {head}: {}.", places.join(", "));
        }
    };
    let methods = [
        What::Request,
        What::ServerRequest,
        What::Notification,
        What::ClientNotification,
    ];
    list(&methods, Kind::Added, "New methods");
    list(&methods, Kind::Removed, "Methods that went");
    list(&methods, Kind::Renamed, "Methods with another name");
    list(&methods, Kind::Stable, "Stable by now");
    list(&[What::Type], Kind::Removed, "Types that went");
    list(&[What::Type], Kind::Renamed, "Types with another name");
    list(&[What::Member], Kind::Removed, "Members that went");
    list(&[What::Member], Kind::Renamed, "Members with another name");
    list(&[What::Variant], Kind::Removed, "Variants that went");
    list(
        &[What::Type, What::Member, What::Variant],
        Kind::Retyped,
        "Of another type",
    );
    list(&[What::Member], Kind::Required, "Required by now");
    list(&[What::Member], Kind::Optional, "Optional by now");
    out
}

/// JSON for programs.
pub(crate) fn json(old: &Side, new: &Side, changes: &[Change]) -> Result<String> {
    let side = |side: &Side| {
        let counts = Counts::of(side).each();
        let counts: serde_json::Map<_, _> = counts
            .into_iter()
            .map(|(name, count)| (name.replace([' ', ','], "_"), json!(count)))
            .collect();
        json!({"name": side.name, "counts": counts})
    };
    let value = json!({
        "from": side(old),
        "to": side(new),
        "breaks_source": changes.iter().any(|it| it.breaks_source),
        "breaks_wire": changes.iter().any(|it| it.breaks_wire),
        "changes": changes,
    });
    Ok(serde_json::to_string_pretty(&value)?)
}

/// How many of each there are in a schema.
struct Counts {
    requests: usize,
    stable_requests: usize,
    server_requests: usize,
    notifications: usize,
    definitions: usize,
}

impl Counts {
    fn of(side: &Side) -> Self {
        let methods = &side.surface.methods;
        let of = |union: &str| methods.keys().filter(|it| it.0 == union).count();
        let stable = methods.iter().filter(|((union, _), method)| {
            *union == "ClientRequest" && method.is_stable == Some(true)
        });
        Self {
            requests: of("ClientRequest"),
            stable_requests: stable.count(),
            server_requests: of("ServerRequest"),
            notifications: of("ServerNotification"),
            definitions: side.definitions,
        }
    }

    fn each(&self) -> [(&'static str, usize); 5] {
        [
            ("requests", self.requests),
            ("stable requests", self.stable_requests),
            ("server requests", self.server_requests),
            ("notifications", self.notifications),
            ("definitions", self.definitions),
        ]
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "added",
        Kind::Removed => "removed",
        Kind::Renamed => "renamed",
        Kind::Retyped => "retyped",
        Kind::Required => "required",
        Kind::Optional => "optional",
        Kind::Stable => "stable",
        Kind::Experimental => "experimental",
    }
}
