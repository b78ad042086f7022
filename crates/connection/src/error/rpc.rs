//! What the server answers instead of a result.

use std::borrow::Cow;

use openai_codex_wire::redact::{self, Echo};
use serde_json::Value;
use serde_json::value::RawValue;

/// The sort of an error that the server answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RpcErrorKind {
    /// -32700.
    Parse,
    /// -32600, which 0.163.0 also answers to unknown methods and bad parameters.
    InvalidRequest,
    /// -32601.
    MethodNotFound,
    /// -32602.
    InvalidParams,
    /// -32603.
    Internal,
    /// The server has too much to do; trying again later can succeed.
    Overloaded,
    /// The server gave up after retrying by itself.
    RetryLimit,
    /// Any other code.
    Other(i64),
}

/// The error object of a JSON-RPC response.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RpcError {
    /// The number that the server gave.
    pub code: i64,
    /// The text that the server gave, without what looks like a secret.
    pub message: String,
    /// What else the server gave, likewise.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error to answer a request of the server's with.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// Reads the raw JSON of a response's `error` member, whatever it is. What looks like a secret
    /// is taken out.
    #[doc(hidden)]
    pub fn parse(raw: &str) -> Self {
        let mut error = Self::read(raw);
        if let Cow::Owned(message) = redact::text(&error.message) {
            error.message = message;
        }
        error.data = error.data.map(|data| redact::value(&data));
        error
    }

    fn read(raw: &str) -> Self {
        // No code or no message is not the protocol, but it still is an answer.
        let value: Value = serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.into()));
        let code = value["code"].as_i64().unwrap_or(0);
        match value {
            Value::Object(mut members) => Self {
                code,
                message: match members.remove("message") {
                    Some(Value::String(message)) => message,
                    _ => "the server gave no message".to_owned(),
                },
                data: members.remove("data").filter(|data| !data.is_null()),
            },
            other => Self {
                code,
                message: "the server's error is no JSON-RPC error object".to_owned(),
                data: Some(other),
            },
        }
    }

    /// What sort of error this is.
    pub fn kind(&self) -> RpcErrorKind {
        match self.code {
            -32700 => RpcErrorKind::Parse,
            -32600 => RpcErrorKind::InvalidRequest,
            -32601 => RpcErrorKind::MethodNotFound,
            -32602 => RpcErrorKind::InvalidParams,
            -32603 => RpcErrorKind::Internal,
            _ if self.says_retry_limit() => RpcErrorKind::RetryLimit,
            // QUIRK(0.163.0, crates/sdk/src/error/tests.rs::overload_is_recognised_with_and_without_data):
            // -32001 comes without data.
            -32001 => RpcErrorKind::Overloaded,
            -32099..=-32000 if self.says_overloaded() => RpcErrorKind::Overloaded,
            code => RpcErrorKind::Other(code),
        }
    }

    /// Takes out every text of `params` that is long enough to be a secret.
    pub(super) fn forget(&mut self, params: &RawValue) {
        let echo = Echo::of(params.get());
        self.message = echo.remove_from(&self.message);
        self.data = self.data.take().map(|data| echo.remove_from_value(data));
    }

    pub(super) fn told(&self) -> String {
        format!("the server answered {}: {}", self.code, self.message)
    }

    /// Whether the server's words are those for a thread that is not there.
    #[doc(hidden)]
    pub fn says_missing(&self) -> bool {
        says(&self.message, MISSING)
    }

    /// Whether the server's words, or its data, are those for a thread that is busy.
    #[doc(hidden)]
    pub fn says_busy(&self) -> bool {
        says(&self.message, BUSY) || self.data.as_ref().is_some_and(names_busy)
    }

    /// Whether the server's words are those for somebody who is not logged in.
    #[doc(hidden)]
    pub fn says_not_logged_in(&self) -> bool {
        says_not_logged_in(&self.message)
    }

    fn says_retry_limit(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains("retry limit") || message.contains("too many failed attempts")
    }

    /// Whether its data speaks of overload.
    #[doc(hidden)]
    pub fn says_overloaded(&self) -> bool {
        self.data.as_ref().is_some_and(overloaded)
    }
}

/// What 0.133.0 to 0.171.0 say of a thread that was never stored, or not any more, is archived,
/// or whose id can be none. The code is -32600 for all, as for much else.
const MISSING: &[&str] = &[
    "no rollout found",
    "thread not found",
    "thread not loaded",
    "is archived",
    "invalid thread id",
    "invalid session id",
];

/// What they say of a thread whose turn takes no input, or that is being unloaded.
const BUSY: &[&str] = &["activeturnnotsteerable", "cannot steer a ", "is closing"];

/// Whether a text says that the model's provider knows nobody by these credentials.
pub fn says_not_logged_in(text: &str) -> bool {
    says(
        text,
        &["401 unauthorized", "not logged in", "login required"],
    )
}

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    words.iter().any(|it| text.contains(it))
}

/// Whether error data names a turn that cannot be steered.
fn names_busy(data: &Value) -> bool {
    let is_word = |word: &str| {
        let word = word.replace('_', "");
        word.eq_ignore_ascii_case("activeTurnNotSteerable")
    };
    match data {
        Value::String(word) => is_word(word),
        Value::Array(values) => values.iter().any(names_busy),
        Value::Object(members) => {
            members.keys().any(|key| is_word(key)) || members.values().any(names_busy)
        }
        _ => false,
    }
}

/// Whether error data speaks of overload, in any of the forms of any version.
fn overloaded(data: &Value) -> bool {
    let is_word = |word: &str| {
        word.eq_ignore_ascii_case("server_overloaded")
            || word.eq_ignore_ascii_case("serverOverloaded")
    };
    match data {
        Value::String(word) => is_word(word),
        Value::Array(values) => values.iter().any(overloaded),
        Value::Object(members) => {
            members.keys().any(|key| is_word(key))
                || members.values().any(overloaded)
                || (members.get("retryable") == Some(&Value::Bool(true))
                    && members.get("reason").is_some_and(Value::is_string))
        }
        _ => false,
    }
}
