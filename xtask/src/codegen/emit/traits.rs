//! What ties methods to types: the traits, their tables and the wrapper methods.

use std::fmt::Write;

use super::Header;
use crate::codegen::docs::{self, EXPERIMENTAL};
use crate::codegen::model::{Model, Request};
use crate::codegen::{names, scopes};

/// `requests.rs`.
pub(crate) fn requests(model: &Model, header: &Header<'_>) -> String {
    let mut out = String::new();
    header.write(&mut out);
    out.push_str(
        "//! The requests that the client sends: parameters tied to method and response.\n\n",
    );
    out.push_str("use openai_codex_wire::{ClientNotification, ClientRequest, Stability};\n\n");
    for request in &model.requests {
        implement(&mut out, "ClientRequest", request);
    }
    for notification in &model.client_notifications {
        let _ = writeln!(
            out,
            "impl ClientNotification for crate::{} {{\n    const METHOD: &'static str = {:?};",
            notification.params, notification.method
        );
        if !notification.sends_params {
            out.push_str("    const SENDS_PARAMS: bool = false;\n");
        }
        out.push_str("}\n\n");
    }
    finish(out)
}

/// `server_requests.rs`.
pub(crate) fn server_requests(model: &Model, header: &Header<'_>) -> String {
    let mut out = String::new();
    header.write(&mut out);
    out.push_str("//! The requests that the server sends, and their answers.\n\n");
    out.push_str(
        "use openai_codex_wire::{ServerRequest, Stability};\n\nuse crate::methods::MethodSpec;\n\n",
    );
    out.push_str("/// Every request that the server sends, sorted by method.\npub static SERVER_REQUESTS: &[MethodSpec] = &[\n");
    for request in &model.server_requests {
        spec(&mut out, request);
    }
    out.push_str("];\n\n");
    for request in &model.server_requests {
        implement(&mut out, "ServerRequest", request);
    }
    finish(out)
}

fn implement(out: &mut String, name: &str, request: &Request) {
    let _ = writeln!(
        out,
        "impl {name} for crate::{} {{\n    const METHOD: &'static str = {:?};",
        request.params, request.method
    );
    if !request.sends_params && name == "ClientRequest" {
        out.push_str("    const SENDS_PARAMS: bool = false;\n");
    }
    let _ = writeln!(
        out,
        "    const STABILITY: Stability = Stability::{};",
        stability(request.experimental)
    );
    let _ = writeln!(
        out,
        "    type Response = crate::{};\n}}\n",
        request.response
    );
}

fn spec(out: &mut String, request: &Request) {
    let _ = writeln!(
        out,
        "    MethodSpec {{ method: {:?}, params: {:?}, response: {:?}, stability: Stability::{} }},",
        request.method,
        request.params,
        request.response,
        stability(request.experimental)
    );
}

/// `notifications.rs`.
pub(crate) fn notifications(model: &Model, header: &Header<'_>) -> String {
    let mut out = String::new();
    header.write(&mut out);
    out.push_str("//! The notifications that the server sends: scope, delivery tier, and all of them in one enum.\n\n");
    out.push_str("use openai_codex_wire::{Notification, Scope, Stability, Tier, messages};\n\n");
    out.push_str(
        "/// What is known of a notification by its method alone.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n#[non_exhaustive]\npub struct NotificationSpec {\n    /// The method on the wire.\n    pub method: &'static str,\n    /// The Rust type of its payload.\n    pub params: &'static str,\n    /// What may happen to it when a subscriber is slow.\n    pub tier: Tier,\n    /// Whether it belongs to the stable protocol.\n    pub stability: Stability,\n}\n\n",
    );
    out.push_str("/// Every notification that the server sends, sorted by method.\npub static NOTIFICATIONS: &[NotificationSpec] = &[\n");
    for it in &model.notifications {
        let _ = writeln!(
            out,
            "    NotificationSpec {{ method: {:?}, params: {:?}, tier: Tier::{}, stability: Stability::{} }},",
            it.method,
            it.params,
            tier(&it.method),
            stability(it.experimental)
        );
    }
    out.push_str("];\n\n/// What is known of a notification; `None` for a method that this version does not have.\npub fn lookup(method: &str) -> Option<&'static NotificationSpec> {\n    let index = NOTIFICATIONS.binary_search_by(|spec| spec.method.cmp(method)).ok()?;\n    Some(&NOTIFICATIONS[index])\n}\n\n");
    out.push_str("/// Any notification that the server sends, by its method.\n#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\npub enum ServerNotification {\n");
    for it in &model.notifications {
        let doc = docs::unmarked(it.doc.as_deref(), it.experimental);
        docs::comment(
            &mut out,
            "    ",
            doc.as_deref(),
            &format!("`{}`.", it.method),
        );
        if it.experimental {
            docs::paragraph(&mut out, "    ", EXPERIMENTAL);
        }
        let _ = match it.boxed {
            true => writeln!(out, "    {}(Box<crate::{}>),", it.variant(), it.params),
            false => writeln!(out, "    {}(crate::{}),", it.variant(), it.params),
        };
    }
    out.push_str("    /// A method that this version does not have, with its params as they came.\n    Unrecognized(openai_codex_wire::UnrecognizedMessage),\n}\n\n");
    out.push_str("messages! { ServerNotification {\n");
    for it in &model.notifications {
        let _ = writeln!(out, "    {} {:?},", it.variant(), it.method);
    }
    out.push_str("} }\n\nimpl ServerNotification {\n    /// The ids by which it is routed.\n    pub fn scope(&self) -> Scope<'_> {\n        match self {\n");
    for it in &model.notifications {
        let _ = writeln!(out, "            Self::{}(it) => it.scope(),", it.variant());
    }
    out.push_str("            Self::Unrecognized(it) => it.scope(),\n        }\n    }\n}\n\n");
    for it in &model.notifications {
        let _ = writeln!(
            out,
            "impl Notification for crate::{} {{\n    const METHOD: &'static str = {:?};\n    const TIER: Tier = Tier::{};\n\n    fn scope(&self) -> Scope<'_> {{",
            it.params,
            it.method,
            tier(&it.method)
        );
        let scope = scopes::of(model, &it.params);
        let members: Vec<_> = scope
            .iter()
            .map(|id| format!("{}: {}", id.slot, id.expression))
            .collect();
        let _ = match members.len() {
            0 => writeln!(out, "        Scope::default()"),
            4 => writeln!(out, "        Scope {{ {} }}", members.join(", ")),
            _ => writeln!(
                out,
                "        Scope {{ {}, ..Scope::default() }}",
                members.join(", ")
            ),
        };
        out.push_str("    }\n}\n\n");
    }
    finish(out)
}

/// `methods.rs`.
pub(crate) fn methods(model: &Model, header: &Header<'_>) -> String {
    let mut out = String::new();
    header.write(&mut out);
    out.push_str("//! One function per wire method, for whatever can call, and the table of all methods.\n\nuse std::future::Future;\n\nuse openai_codex_wire::{BlockingCall, Call, Stability};\n\n");
    out.push_str(
        "/// What is known of a request by its method alone.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\n#[non_exhaustive]\npub struct MethodSpec {\n    /// The method on the wire.\n    pub method: &'static str,\n    /// The Rust type of its parameters.\n    pub params: &'static str,\n    /// The Rust type of its response.\n    pub response: &'static str,\n    /// Whether it belongs to the stable protocol.\n    pub stability: Stability,\n}\n\n",
    );
    out.push_str("/// Every request that the client can send, sorted by method.\npub static METHODS: &[MethodSpec] = &[\n");
    for request in &model.requests {
        spec(&mut out, request);
    }
    out.push_str("];\n\n");
    for blocking in [false, true] {
        let (name, call) = if blocking {
            ("BlockingMethods", "BlockingCall")
        } else {
            ("Methods", "Call")
        };
        let how = if blocking { "waits for" } else { "awaits" };
        let _ = writeln!(
            out,
            "/// One function per method of the wire, for everything that implements [`{call}`].\n///\n/// Each sends its parameters and {how} the typed response.\npub trait {name}: {call} {{"
        );
        for request in &model.requests {
            wrapper(&mut out, request, blocking);
        }
        let _ = writeln!(out, "}}\n\nimpl<T: {call} + ?Sized> {name} for T {{}}\n");
    }
    finish(out)
}

fn wrapper(out: &mut String, request: &Request, blocking: bool) {
    let doc = docs::unmarked(request.doc.as_deref(), request.experimental);
    docs::comment(
        out,
        "    ",
        doc.as_deref(),
        &format!("Sends `{}`.", request.method),
    );
    if request.doc.is_some() {
        docs::paragraph(out, "    ", &format!("Sends `{}`.", request.method));
    }
    if request.experimental {
        docs::paragraph(out, "    ", EXPERIMENTAL);
    }
    let name = names::field(&request.method);
    let result = format!("Result<crate::{}, Self::Error>", request.response);
    let returns = if blocking {
        result
    } else {
        format!("impl Future<Output = {result}> + Send")
    };
    let (argument, value) = match request.sends_params {
        true => (
            format!(", params: crate::{}", request.params),
            "params".to_owned(),
        ),
        false => (String::new(), format!("crate::{}::new()", request.params)),
    };
    let _ = writeln!(
        out,
        "    fn {name}(&self{argument}) -> {returns} {{\n        self.call({value})\n    }}\n"
    );
}

fn tier(method: &str) -> &'static str {
    if scopes::is_lossless(method) {
        "Lossless"
    } else {
        "BestEffort"
    }
}

fn stability(experimental: bool) -> &'static str {
    if experimental {
        "Experimental"
    } else {
        "Stable"
    }
}

fn finish(mut out: String) -> String {
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
