//! The unions of messages: one branch a method.

use schemars::schema::SchemaObject;

use super::read::{branches, literal, object, property, reference};

/// The definitions that are such a union.
pub(crate) const MESSAGES: &[&str] = &[
    "ClientRequest",
    "ServerRequest",
    "ServerNotification",
    "ClientNotification",
];

/// Whether a fixup leaves a message out.
pub(crate) fn is_left_out(message: &SchemaObject) -> bool {
    message.extensions.contains_key("x-left-out")
}

/// The method of a message.
pub(crate) fn method_of(message: &SchemaObject) -> Option<&str> {
    literal(property(message, "method")?)
}

/// The parameters of a message.
pub(crate) fn params_of(message: &SchemaObject) -> Option<&SchemaObject> {
    property(message, "params")
}

/// The definition of parameters, which may be null instead.
pub(crate) fn params_name(params: &SchemaObject) -> Option<&str> {
    let of_branch = || branches(params)?.iter().map(object).find_map(reference);
    reference(params).or_else(of_branch)
}

/// The response that a request's parameters pair with by the rule `XParams` -> `XResponse`.
pub(crate) fn response_by_rule(request: &SchemaObject) -> Option<String> {
    let name = params_name(params_of(request)?)?;
    let stem = name.strip_suffix("Params")?;
    Some(format!("{stem}Response"))
}
