//! What ties methods to types: the traits, their tables and the wrapper methods.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::docs::Doc;
use super::{ident, import_for, protocol};
use crate::codegen::docs::{EXPERIMENTAL, code};
use crate::codegen::facts::Facts;
use crate::codegen::model::{Model, Notification, Request};
use crate::codegen::scopes;

/// `requests.rs`.
pub(super) fn requests(model: &Model) -> TokenStream {
    let requests = model
        .requests
        .iter()
        .map(|it| implement("ClientRequest", it));
    let notifications = model.client_notifications.iter().map(|it| {
        let (params, method) = (&it.params, &it.method);
        let absent = (!it.sends_params).then(|| {
            quote!(
                const SENDS_PARAMS: bool = false;
            )
        });
        quote! {
            impl ClientNotification for crate::#params {
                const METHOD: &'static str = #method;
                #absent
            }
        }
    });
    quote! {
        //! The requests that the client sends: parameters tied to method and response.
        use openai_codex_wire::{ClientNotification, ClientRequest, Stability};
        #(#requests)*
        #(#notifications)*
    }
}

/// `server_requests.rs`.
pub(super) fn server_requests(model: &Model, facts: &Facts) -> TokenStream {
    let specs = protocol::server_requests(model, facts);
    let requests = model
        .server_requests
        .iter()
        .map(|it| implement("ServerRequest", it));
    quote! {
        //! The requests that the server sends, and their answers.
        pub use openai_codex_wire::ServerRequestSpec;
        use openai_codex_wire::{ServerRequest, Stability};
        /// Every request that the server sends, sorted by method.
        pub static SERVER_REQUESTS: &[ServerRequestSpec] = &[#(#specs,)*];
        #(#requests)*
    }
}

fn implement(name: &str, it: &Request) -> TokenStream {
    let absent = (!it.sends_params && name == "ClientRequest").then(|| {
        quote!(
            const SENDS_PARAMS: bool = false;
        )
    });
    let (name, params, response) = (ident(name), &it.params, &it.response);
    let (method, stability) = (&it.method, stability(it.experimental));
    quote! {
        impl #name for crate::#params {
            const METHOD: &'static str = #method;
            #absent
            const STABILITY: Stability = #stability;
            type Response = crate::#response;
        }
    }
}

/// `notifications.rs`.
pub(super) fn notifications(model: &Model, facts: &Facts) -> TokenStream {
    let specs: Vec<_> = protocol::notifications(model, facts).collect();
    let used = import_for(&specs);
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
    let scopes = model.notifications.iter().map(|it| scope(model, facts, it));
    quote! {
        //! The notifications that the server sends: scope, delivery tier, and all of them in one enum.
        pub use openai_codex_wire::NotificationSpec;
        use openai_codex_wire::{Notification, Scope, Tier, messages};
        #used

        /// Every notification that the server sends, sorted by method.
        pub static NOTIFICATIONS: &[NotificationSpec] = &[#(#specs,)*];

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

        #(#scopes)*
    }
}

fn scope(model: &Model, facts: &Facts, it: &Notification) -> TokenStream {
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
        impl Notification for crate::#params {
            const METHOD: &'static str = #method;
            const TIER: Tier = #tier;
            fn scope(&self) -> Scope<'_> {
                #scope
            }
        }
    }
}

/// `methods.rs`.
pub(super) fn methods(model: &Model, facts: &Facts) -> TokenStream {
    let specs: Vec<_> = protocol::requests(model, facts).collect();
    let used = import_for(&specs);
    let awaiting = model.requests.iter().map(|it| wrapper(it, false));
    let blocking = model.requests.iter().map(|it| wrapper(it, true));
    quote! {
        //! One function per wire method, for whatever can call, and the table of all methods.
        use std::future::Future;
        pub use openai_codex_wire::MethodSpec;
        use openai_codex_wire::{BlockingCall, Call};
        #used

        /// Every request that the client can send, sorted by method.
        pub static METHODS: &[MethodSpec] = &[#(#specs,)*];

        /// One function per method of the wire, for everything that implements [`Call`].
        ///
        /// Each sends its parameters and awaits the typed response.
        pub trait Methods: Call { #(#awaiting)* }

        impl<T: Call + ?Sized> Methods for T {}

        /// One function per method of the wire, for everything that implements [`BlockingCall`].
        ///
        /// Each sends its parameters and waits for the typed response.
        pub trait BlockingMethods: BlockingCall { #(#blocking)* }

        impl<T: BlockingCall + ?Sized> BlockingMethods for T {}
    }
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
