//! What is known of each method beside its types: as decided in `schema/methods.toml`, and since
//! when there is what.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::model::{Model, Shape, Ty, TypeName};
use crate::history::{Before, History, NOTIFICATIONS, REQUESTS, SERVER_REQUESTS};
use crate::methods_file::{
    Entry, MethodsFile, NotificationEntry, PATH, RequestEntry, Section, ServerRequestEntry,
};

/// The facts of every message that the model has, by method.
pub(crate) struct Facts {
    pub(crate) requests: BTreeMap<String, Fact<RequestEntry>>,
    pub(crate) notifications: BTreeMap<String, Fact<NotificationEntry>>,
    pub(crate) server_requests: BTreeMap<String, Fact<ServerRequestEntry>>,
}

/// The facts of one message.
pub(crate) struct Fact<T> {
    pub(crate) decided: T,
    pub(crate) since: Option<String>,
    /// The members of its params that came after it, with their versions.
    pub(crate) newer_members: Vec<(String, String)>,
}

/// A message of the model: its method, and the types that it carries.
type Message<'a> = (&'a str, Vec<&'a TypeName>);

/// Puts together what is known of the model's methods.
///
/// # Errors
/// If the file and the schema do not fit, and `strict` says that they must; else that is reported.
pub(crate) fn of(
    model: &Model,
    file: &MethodsFile,
    history: &History,
    version: &str,
    strict: bool,
    report: &mut Vec<String>,
) -> Result<Facts> {
    let before = history.before(version);
    if before.is_none() {
        report.push(format!(
            "since when there is what is not known, for `{version}` is no version"
        ));
    }
    let secrets = secrets(model);
    let mut unfit = Vec::new();
    let mut gather = Gather {
        before: &before,
        secrets: &secrets,
        unfit: &mut unfit,
    };
    let requests =
        (model.requests.iter()).map(|it| (it.method.as_str(), vec![&it.params, &it.response]));
    let mut requests = gather.facts(&file.requests, REQUESTS, requests.collect());
    let notifications =
        (model.notifications.iter()).map(|it| (it.method.as_str(), vec![&it.params]));
    let notifications = gather.facts(&file.notifications, NOTIFICATIONS, notifications.collect());
    let server_requests = (model.server_requests.iter())
        .map(|it| (it.method.as_str(), vec![&it.params, &it.response]));
    let server_requests = gather.facts(
        &file.server_requests,
        SERVER_REQUESTS,
        server_requests.collect(),
    );
    if let Some(before) = &before {
        for request in &model.requests {
            if let Some(fact) = requests.get_mut(&request.method) {
                fact.newer_members = newer_members(model, &request.params, |member| {
                    let since = before.member(&request.method, member);
                    since.filter(|since| Some(*since) != fact.since.as_deref())
                });
            }
        }
    }
    if strict && !unfit.is_empty() {
        bail!("{PATH} does not fit the schema:\n  {}", unfit.join("\n  "));
    }
    report.extend(unfit);
    Ok(Facts {
        requests,
        notifications,
        server_requests,
    })
}

struct Gather<'a> {
    before: &'a Option<Before<'a>>,
    secrets: &'a BTreeSet<&'a TypeName>,
    unfit: &'a mut Vec<String>,
}

impl Gather<'_> {
    fn facts<T: Entry + Clone>(
        &mut self,
        section: &Section<T>,
        union: &'static str,
        messages: Vec<Message<'_>>,
    ) -> BTreeMap<String, Fact<T>> {
        let methods: Vec<_> = messages.iter().map(|(method, _)| *method).collect();
        self.unfit.extend(section.differences(&methods));
        let mut facts = BTreeMap::new();
        for (method, types) in messages {
            let decided = section.get(method).cloned().unwrap_or(T::CAREFUL);
            if !decided.is_secret() && types.iter().any(|it| self.secrets.contains(it)) {
                let place = section.place(method);
                self.unfit.push(format!(
                    "{place}: `{method}` has a member that is a secret; add: secret = true"
                ));
            }
            let since = self.before.as_ref().and_then(|it| it.method(union, method));
            let fact = Fact {
                decided,
                since: since.map(str::to_owned),
                newer_members: Vec::new(),
            };
            facts.insert(method.to_owned(), fact);
        }
        facts
    }
}

/// The members of params that are younger than their method, with what `since` says of each.
fn newer_members<'a>(
    model: &Model,
    params: &str,
    since: impl Fn(&str) -> Option<&'a str>,
) -> Vec<(String, String)> {
    let Some(Shape::Struct(record)) = model.types.get(params).map(|ty| &ty.shape) else {
        return Vec::new();
    };
    let fields = record.fields.iter().map(|field| &field.wire);
    let mut members: Vec<_> = fields
        .filter_map(|name| Some((name.clone(), since(name)?.to_owned())))
        .collect();
    members.sort();
    members
}

/// The types with a secret somewhere in them.
fn secrets(model: &Model) -> BTreeSet<&TypeName> {
    let is_secret = |name: &TypeName| match model.types.get(name).map(|ty| &ty.shape) {
        Some(Shape::Struct(record)) => record.fields.iter().any(|field| has_secret(&field.ty)),
        Some(Shape::Keyed(keyed)) => keyed.keys.iter().any(|(_, ty)| has_secret(ty)),
        Some(Shape::Untagged(union)) => union.members.iter().any(|it| has_secret(&it.ty)),
        _ => false,
    };
    let names = model.types.keys();
    names
        .filter(|name| model.reachable([*name]).into_iter().any(is_secret))
        .collect()
}

/// Whether a member of this type is a secret.
pub(crate) fn has_secret(ty: &Ty) -> bool {
    match ty {
        Ty::Secret => true,
        Ty::List(inner) | Ty::Map(inner) | Ty::Nullable(inner) | Ty::Boxed(inner) => {
            has_secret(inner)
        }
        _ => false,
    }
}
