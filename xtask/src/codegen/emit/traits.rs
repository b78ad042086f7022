//! What ties methods to types: the traits, their tables and the wrapper methods.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::docs::Doc;
use super::{ident, protocol};
use crate::codegen::docs::{EXPERIMENTAL, code};
use crate::codegen::facts::Facts;
use crate::codegen::layout::{self, MODULES, Module};
use crate::codegen::model::{Model, Notification, Request, TypeName};
use crate::codegen::scopes;

/// What ties the parameters of a message to its method, by their type: it stands beside the type.
pub(super) fn by_type(model: &Model, facts: &Facts) -> BTreeMap<TypeName, TokenStream> {
    let requests = (model.requests.iter()).map(|it| (&it.params, request("ClientRequest", it)));
    let server_requests =
        (model.server_requests.iter()).map(|it| (&it.params, request("ServerRequest", it)));
    let notifications =
        (model.notifications.iter()).map(|it| (&it.params, notification(model, facts, it)));
    let client_notifications =
        (model.client_notifications.iter()).map(|it| (&it.params, client_notification(it)));
    let all = requests.chain(server_requests).chain(notifications);
    let mut by_type: BTreeMap<TypeName, TokenStream> = BTreeMap::new();
    for (ty, tokens) in all.chain(client_notifications) {
        by_type.entry(ty.clone()).or_default().extend(tokens);
    }
    by_type
}

fn request(name: &str, it: &Request) -> TokenStream {
    let absent = (!it.sends_params && name == "ClientRequest").then(|| {
        quote!(
            const SENDS_PARAMS: bool = false;
        )
    });
    let (name, params, response) = (ident(name), &it.params, &it.response);
    let (method, stability) = (&it.method, stability(it.experimental));
    quote! {
        impl #name for #params {
            const METHOD: &'static str = #method;
            #absent
            const STABILITY: Stability = #stability;
            type Response = crate::#response;
        }
    }
}

fn client_notification(it: &Notification) -> TokenStream {
    let (params, method) = (&it.params, &it.method);
    let absent = (!it.sends_params).then(|| {
        quote!(
            const SENDS_PARAMS: bool = false;
        )
    });
    quote! {
        impl ClientNotification for #params {
            const METHOD: &'static str = #method;
            #absent
        }
    }
}

/// `server_requests.rs`.
pub(super) fn server_requests() -> TokenStream {
    quote! {
        //! The requests that the server sends, as data. Their types are `ServerRequest`s.
        pub use openai_codex_wire::ServerRequestSpec;
        pub use crate::protocol::SERVER_REQUESTS;
    }
}

/// `notifications.rs`.
pub(super) fn notifications(model: &Model) -> TokenStream {
    let variants = model.notifications.iter().map(|it| {
        let doc = Doc::marked(
            it.doc.as_deref(),
            &format!("{}.", code(&it.method)),
            it.experimental,
        )
        .experimental(it.experimental);
        let (name, params) = (&it.variant, &it.params);
        let payload = if it.boxed {
            quote!(Box<crate::#params>)
        } else {
            quote!(crate::#params)
        };
        quote!(#doc #name(#payload))
    });
    let names: Vec<&Ident> = model.notifications.iter().map(|it| &it.variant).collect();
    let wires = model.notifications.iter().map(|it| &it.method);
    quote! {
        //! The notifications that the server sends, all of them in one enum.
        pub use openai_codex_wire::NotificationSpec;
        use openai_codex_wire::{Notification, Scope, messages};
        pub use crate::protocol::NOTIFICATIONS;

        /// What is known of a notification; `None` for a method that this version does not have.
        pub fn lookup(method: &str) -> Option<&'static NotificationSpec> {
            crate::PROTOCOL.notification(method)
        }

        /// Any notification that the server sends, by its method.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum ServerNotification {
            #(#variants,)*
            /// A method that this version does not have, with its params as they came.
            Unrecognized(openai_codex_wire::UnrecognizedMessage),
        }

        messages! { ServerNotification { #(#names #wires,)* } }

        impl ServerNotification {
            /// The ids by which it is routed.
            pub fn scope(&self) -> Scope<'_> {
                match self {
                    #(Self::#names(it) => it.scope(),)*
                    Self::Unrecognized(it) => it.scope(),
                }
            }
        }
    }
}

fn notification(model: &Model, facts: &Facts, it: &Notification) -> TokenStream {
    let (params, method, tier) = (&it.params, &it.method, protocol::tier(it, facts));
    let scope = scopes::of(model, &it.params);
    let rest = (scope.len() < 4).then(|| quote!(..Scope::default()));
    let ids = scope.iter().map(|id| {
        let slot = ident(id.slot);
        let expression = &id.expression;
        quote!(#slot: #expression)
    });
    let scope = if scope.is_empty() {
        quote!(Scope::default())
    } else {
        quote!(Scope { #(#ids,)* #rest })
    };
    quote! {
        impl Notification for #params {
            const METHOD: &'static str = #method;
            const TIER: Tier = #tier;
            fn scope(&self) -> Scope<'_> {
                #scope
            }
        }
    }
}

/// `methods.rs`.
pub(super) fn methods(model: &Model) -> TokenStream {
    let (domains, wrappers) = (domains(model), in_order(model).map(|it| wrapper(it, false)));
    quote! {
        //! One function per wire method, for whatever can call.
        use std::future::Future;
        pub use openai_codex_wire::MethodSpec;
        use openai_codex_wire::Call;
        pub use crate::blocking_methods::BlockingMethods;
        pub use crate::protocol::METHODS;

        /// One function per method of the wire, for everything that implements [`Call`].
        ///
        /// Each sends its parameters and awaits the typed response.
        ///
        #domains
        pub trait Methods: Call { #(#wrappers)* }

        impl<T: Call + ?Sized> Methods for T {}
    }
}

/// `blocking_methods.rs`.
pub(super) fn blocking_methods(model: &Model) -> TokenStream {
    let (domains, wrappers) = (domains(model), in_order(model).map(|it| wrapper(it, true)));
    quote! {
        //! One function per wire method, for whatever can call and wait.
        use openai_codex_wire::BlockingCall;

        /// One function per method of the wire, for everything that implements [`BlockingCall`].
        ///
        /// Each sends its parameters and waits for the typed response.
        ///
        #domains
        pub trait BlockingMethods: BlockingCall { #(#wrappers)* }

        impl<T: BlockingCall + ?Sized> BlockingMethods for T {}
    }
}

/// The requests of a model by domain, in the order of the domains.
fn by_domain(model: &Model) -> impl Iterator<Item = (&'static Module, Vec<&Request>)> {
    MODULES.iter().filter_map(|module| {
        let is_its = |it: &&Request| layout::of_method(&it.method) == module.name;
        let requests: Vec<_> = model.requests.iter().filter(is_its).collect();
        (!requests.is_empty()).then_some((module, requests))
    })
}

fn in_order(model: &Model) -> impl Iterator<Item = &Request> {
    by_domain(model).flat_map(|(_, requests)| requests)
}

/// A table of the domains with their functions.
fn domains(model: &Model) -> Doc {
    let mut lines = vec!["| domain | functions |".to_owned(), "|---|---|".to_owned()];
    for (module, requests) in by_domain(model) {
        let functions = requests
            .iter()
            .map(|it| format!("[`{0}`](Self::{0})", it.function));
        let functions = functions.collect::<Vec<_>>().join(", ");
        lines.push(format!("| {} | {functions} |", module.about));
    }
    Doc::new(None, &lines.join("\n"))
}

fn wrapper(it: &Request, blocking: bool) -> TokenStream {
    let sends = format!("Sends {}.", code(&it.method));
    let doc = Doc::marked(it.doc.as_deref(), &sends, it.experimental)
        .and(it.doc.is_some().then_some(&sends))
        .and(it.experimental.then_some(EXPERIMENTAL));
    let name = &it.function;
    let (params, response) = (&it.params, &it.response);
    let result = quote!(Result<crate::#response, Self::Error>);
    let result = if blocking {
        result
    } else {
        quote!(impl Future<Output = #result> + Send)
    };
    let (argument, value) = if it.sends_params {
        (Some(quote!(, params: crate::#params)), quote!(params))
    } else {
        (None, quote!(crate::#params::new()))
    };
    quote! {
        #doc
        fn #name(&self #argument) -> #result {
            self.call(#value)
        }
    }
}

fn stability(experimental: bool) -> TokenStream {
    if experimental {
        quote!(Stability::Experimental)
    } else {
        quote!(Stability::Stable)
    }
}
