//! Decoding one message's payload, with an error that says where.

use std::error;
use std::fmt;

use serde::de::DeserializeOwned;

/// A payload that does not have the form that the schema gives it.
///
/// It names the method, the member (`turn.items`) and the reason. What the
/// payload says is left out, for it may be a prompt or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    method: String,
    reason: String,
}

impl DecodeError {
    /// An error of the payload of `method`.
    pub fn new(method: impl Into<String>, reason: &dyn fmt::Display) -> Self {
        Self {
            method: method.into(),
            reason: without_content(&reason.to_string()),
        }
    }

    /// The method whose payload it is.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Where and why: ``at turn: missing field `id` at line 1 column 12``.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot decode {}: {}", self.method, self.reason)
    }
}

impl error::Error for DecodeError {}

/// Decodes the payload of a message of `method`.
///
/// # Errors
/// [`DecodeError`], naming the method and the member that does not fit.
pub fn decode<T: DeserializeOwned>(method: &str, json: &str) -> Result<T, DecodeError> {
    serde_json::from_str(json).map_err(|error| DecodeError::new(method, &error))
}

/// serde quotes an unexpected string (``invalid type: string "…", expected …``);
/// this keeps the reason and drops the quotation.
fn without_content(reason: &str) -> String {
    let Some(start) = reason.find("string \"") else {
        return reason.to_owned();
    };
    let quoted = start + "string".len();
    match reason.rfind("\", expected") {
        Some(end) if end > quoted => format!("{}{}", &reason[..quoted], &reason[end + 1..]),
        _ => reason[..quoted].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_method_and_no_content() {
        let error = decode::<u32>("a/b", "\"sk-secret \\\" x\"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot decode a/b: invalid type: string, expected u32 at line 1 column 16"
        );
    }
}
