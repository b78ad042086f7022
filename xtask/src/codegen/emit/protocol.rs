//! `protocol.rs`: the tables of specs, and the functions that look into them.

use std::collections::{BTreeMap, BTreeSet};

use openai_codex_wire::Role;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::docs::Doc;
use super::import_for;
use crate::codegen::facts::{Facts, has_secret};
use crate::codegen::model::{Model, Notification, Request, Shape};
use crate::methods_file::{Effect, Entry, Tier};

/// How the table is asked, where the runtime has these methods.
const EXAMPLE: &str = "
```
use openai_codex_types::{ClientRequest, PROTOCOL, ThreadReadParams};

let spec = PROTOCOL.request(ThreadReadParams::METHOD).unwrap();
assert_eq!((spec.method, spec.response), (\"thread/read\", \"ThreadReadResponse\"));
```";

/// The file.
pub(super) fn file(model: &Model, facts: &Facts) -> TokenStream {
    let methods = |all: &[Request]| all.iter().map(|it| it.method.clone()).collect::<Vec<_>>();
    let notifications: Vec<_> = (model.notifications.iter())
        .map(|it| it.method.clone())
        .collect();
    let requests = lookup(
        "request",
        "MethodSpec",
        "METHODS",
        &methods(&model.requests),
    );
    let server_requests = lookup(
        "server_request",
        "ServerRequestSpec",
        "SERVER_REQUESTS",
        &methods(&model.server_requests),
    );
    let notifications = lookup(
        "notification",
        "NotificationSpec",
        "NOTIFICATIONS",
        &notifications,
    );
    let requests_with = facts.requests.iter();
    let requests_with = requests_with.map(|(method, fact)| (method, fact.decided.role()));
    let notifications_with = facts.notifications.iter();
    let notifications_with = notifications_with.map(|(method, fact)| (method, fact.decided.role()));
    let roles = requests_with
        .chain(notifications_with)
        .filter_map(|(method, role)| {
            let role = variant(role?);
            Some(quote!(Role::#role => Some(#method)))
        });
    let request_specs: Vec<_> = requests_of(model, facts).collect();
    let notification_specs: Vec<_> = notifications_of(model, facts).collect();
    let server_request_specs: Vec<_> = server_requests_of(model, facts).collect();
    let all = [&request_specs, &notification_specs, &server_request_specs];
    let has = |method: &str| model.requests.iter().any(|it| it.method == method);
    let example = has("thread/read").then(|| Doc::text(EXAMPLE));
    let secrets: Vec<_> = secrets(model).collect();
    let method_secrets = (!secrets.is_empty()).then(|| quote!(MethodSecrets,));
    let members = import_for(all.into_iter().flatten());
    quote! {
        //! The protocol as data: what is known of a method beside its types.
        use openai_codex_wire::redact::{#method_secrets SecretTable};
        use openai_codex_wire::{MethodSpec, NotificationSpec, Protocol, Role, ServerRequestSpec};
        #members

        /// Every request that the client can send, sorted by method.
        pub static METHODS: &[MethodSpec] = &[#(#request_specs,)*];

        /// Every notification that the server sends, sorted by method.
        pub static NOTIFICATIONS: &[NotificationSpec] = &[#(#notification_specs,)*];

        /// Every request that the server sends, sorted by method.
        pub static SERVER_REQUESTS: &[ServerRequestSpec] = &[#(#server_request_specs,)*];

        /// The members that are secret in the messages of a method, for redaction.
        pub static SECRETS: SecretTable<'static> = SecretTable { methods: &[#(#secrets,)*] };

        /// What is known of every method, and which one has a role.
        #example
        pub static PROTOCOL: Protocol = Protocol::new(request, notification, server_request, role);

        #requests
        #notifications
        #server_requests

        fn role(role: Role) -> Option<&'static str> {
            match role {
                #(#roles,)*
                _ => None,
            }
        }
    }
}

/// The secret members of each message that has some, in either direction.
fn secrets(model: &Model) -> impl Iterator<Item = TokenStream> + '_ {
    let requests = model.requests.iter().chain(&model.server_requests);
    let requests = requests.map(|it| (&it.method, vec![&it.params, &it.response]));
    let notifications = model
        .notifications
        .iter()
        .map(|it| (&it.method, vec![&it.params]));
    requests.chain(notifications).filter_map(|(method, types)| {
        let shapes = model.reachable(types).into_iter();
        let shapes = shapes.filter_map(|name| Some(&model.types.get(name)?.shape));
        let fields = shapes.filter_map(|shape| match shape {
            Shape::Struct(record) => Some(&record.fields),
            _ => None,
        });
        let secret = fields.flatten().filter(|field| has_secret(&field.ty));
        let members: BTreeSet<&String> = secret.map(|field| &field.wire).collect();
        let members = members.into_iter();
        (members.len() > 0)
            .then(|| quote!(MethodSecrets { method: #method, members: &[#(#members),*] }))
    })
}

/// The specs of the requests that the client sends, sorted by method as the model is.
fn requests_of<'a>(model: &'a Model, facts: &'a Facts) -> impl Iterator<Item = TokenStream> + 'a {
    model.requests.iter().map(|it| {
        let fact = &facts.requests[&it.method];
        let new = new("MethodSpec", it);
        let reads = (fact.decided.effect == Effect::Reads).then(|| quote!(.reads()));
        let waits = fact.decided.waits.as_ref().map(|why| quote!(.waits(#why)));
        let urgent = fact.decided.urgent.then(|| quote!(.urgent()));
        let marks = marks(it.experimental, &fact.decided, fact.since.as_deref());
        let members = fact.newer_members.iter();
        let members = members.map(|(name, since)| quote!(MemberSpec::new(#name, #since)));
        let members =
            (!fact.newer_members.is_empty()).then(|| quote!(.newer_members(&[#(#members),*])));
        quote!(#new #reads #waits #urgent #marks #members)
    })
}

/// The specs of the notifications.
fn notifications_of<'a>(
    model: &'a Model,
    facts: &'a Facts,
) -> impl Iterator<Item = TokenStream> + 'a {
    model.notifications.iter().map(|it| {
        let fact = &facts.notifications[&it.method];
        let (method, params) = (&it.method, &*it.params);
        let lossless = (fact.decided.tier == Tier::Lossless).then(|| quote!(.lossless()));
        let needed = fact.decided.needed.then(|| quote!(.needed()));
        let marks = marks(it.experimental, &fact.decided, fact.since.as_deref());
        quote!(NotificationSpec::new(#method, #params) #lossless #needed #marks)
    })
}

/// The specs of the requests that the server sends.
fn server_requests_of<'a>(
    model: &'a Model,
    facts: &'a Facts,
) -> impl Iterator<Item = TokenStream> + 'a {
    model.server_requests.iter().map(|it| {
        let fact = &facts.server_requests[&it.method];
        let new = new("ServerRequestSpec", it);
        let refusal = fact.decided.refusal.0.as_ref();
        let refusal = refusal.map(|json| quote!(.refusal(#json)));
        let marks = marks(it.experimental, &fact.decided, fact.since.as_deref());
        quote!(#new #refusal #marks)
    })
}

/// What may happen to a notification, for its trait.
pub(super) fn tier(it: &Notification, facts: &Facts) -> TokenStream {
    match facts.notifications[&it.method].decided.tier {
        Tier::Lossless => quote!(Tier::Lossless),
        Tier::BestEffort => quote!(Tier::BestEffort),
    }
}

fn new(spec: &str, it: &Request) -> TokenStream {
    let spec = format_ident!("{spec}");
    let (method, params, response) = (&it.method, &*it.params, &*it.response);
    quote!(#spec::new(#method, #params, #response))
}

fn marks(is_experimental: bool, decided: &impl Entry, since: Option<&str>) -> TokenStream {
    let experimental = is_experimental.then(|| quote!(.experimental()));
    let secret = decided.is_secret().then(|| quote!(.secret()));
    let role = decided.role().map(|role| {
        let role = variant(role);
        quote!(.role(Role::#role))
    });
    let since = since.map(|version| quote!(.since(#version)));
    quote!(#experimental #secret #role #since)
}

fn variant(role: Role) -> Ident {
    let name = format!("{role:?}");
    format_ident!("{name}")
}

/// A function from a method to its entry of a table: by its length, then by its letters.
fn lookup(name: &str, spec: &str, table: &str, methods: &[String]) -> TokenStream {
    let (name, spec, table) = (
        format_ident!("{name}"),
        format_ident!("{spec}"),
        format_ident!("{table}"),
    );
    let mut by_length: BTreeMap<usize, Vec<TokenStream>> = BTreeMap::new();
    for (index, method) in methods.iter().enumerate() {
        let index = Literal::usize_unsuffixed(index);
        let arm = quote!(#method => #index);
        by_length.entry(method.len()).or_default().push(arm);
    }
    let lengths = by_length.iter().map(|(length, arms)| {
        let length = Literal::usize_unsuffixed(*length);
        quote! {
            #length => match method {
                #(#arms,)*
                _ => return None,
            }
        }
    });
    quote! {
        fn #name(method: &str) -> Option<&'static #spec> {
            let index = match method.len() {
                #(#lengths)*
                _ => return None,
            };
            Some(&#table[index])
        }
    }
}
