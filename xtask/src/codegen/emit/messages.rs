//! `messages.rs`: any message by its method, behind a feature.

use std::fmt::Write;

use super::Header;
use crate::codegen::docs;
use crate::codegen::model::{Model, Request};

/// The file.
pub(crate) fn file(model: &Model, header: &Header<'_>) -> String {
    let mut out = String::new();
    header.write(&mut out);
    out.push_str("//! Any message by its method: for recorders, proxies and test tools.\n//!\n//! Each enum decodes the `params` or the `result` alone, and serializes to equal JSON.\n\n");
    out.push_str("use openai_codex_wire::{UnrecognizedMessage, messages};\n\npub use crate::notifications::ServerNotification;\n\n");
    enumeration(
        &mut out,
        "AnyClientRequest",
        "The parameters of any request that the client sends.",
        &model.requests,
        |it| (&it.params, it.takes_null),
    );
    enumeration(
        &mut out,
        "AnyClientResponse",
        "The server's answer to any request that the client sends.",
        &model.requests,
        |it| (&it.response, false),
    );
    enumeration(
        &mut out,
        "AnyServerRequest",
        "The parameters of any request that the server sends.",
        &model.server_requests,
        |it| (&it.params, it.takes_null),
    );
    enumeration(
        &mut out,
        "AnyServerResponse",
        "The client's answer to any request that the server sends.",
        &model.server_requests,
        |it| (&it.response, false),
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn enumeration(
    out: &mut String,
    name: &str,
    about: &str,
    requests: &[Request],
    payload: fn(&Request) -> (&String, bool),
) {
    let _ = writeln!(
        out,
        "/// {about}\n#[derive(Clone, Debug, PartialEq)]\n#[non_exhaustive]\npub enum {name} {{"
    );
    for request in requests {
        docs::comment(out, "    ", None, &format!("`{}`.", request.method));
        let _ = writeln!(
            out,
            "    {}(Box<crate::{}>),",
            request.variant(),
            payload(request).0
        );
    }
    out.push_str("    /// A method that this version does not have, with its payload as it came.\n    Unrecognized(UnrecognizedMessage),\n}\n\n");
    let _ = writeln!(out, "messages! {{ {name} {{");
    for request in requests {
        let null = if payload(request).1 { " or_null" } else { "" };
        let _ = writeln!(out, "    {} {:?}{null},", request.variant(), request.method);
    }
    out.push_str("} }\n\n");
}
