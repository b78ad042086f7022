//! Messages told apart by their method.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{DecodeError, Scope};

/// A message whose method this version does not know, kept as it came.
#[derive(Clone, PartialEq)]
pub struct UnrecognizedMessage {
    method: String,
    payload: Value,
}

impl UnrecognizedMessage {
    /// Keeps the `params` or the `result` of a message.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn decode(method: &str, json: &str) -> Result<Self, DecodeError> {
        Ok(Self {
            method: method.to_owned(),
            payload: decode_payload(method, json)?,
        })
    }

    /// The method on the wire.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The `params` or the `result`.
    pub fn payload(&self) -> &Value {
        &self.payload
    }

    /// The ids by which it is routed, found by their usual names.
    pub fn scope(&self) -> Scope<'_> {
        let find = |paths: &[&str]| {
            let value = paths.iter().find_map(|path| self.payload.pointer(path));
            value.and_then(Value::as_str)
        };
        Scope {
            thread_id: find(&["/threadId", "/thread/id", "/conversationId"]),
            turn_id: find(&["/turnId", "/turn/id"]),
            item_id: find(&["/itemId", "/item/id"]),
            login_id: find(&["/loginId"]),
        }
    }
}

/// Prints the method alone: the payload may hold anything.
impl fmt::Debug for UnrecognizedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnrecognizedMessage")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Serialize for UnrecognizedMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.payload.serialize(serializer)
    }
}

/// Decodes a payload; a message without one may give an empty text.
#[doc(hidden)]
pub fn decode_payload<T: serde::de::DeserializeOwned>(
    method: &str,
    json: &str,
) -> Result<T, DecodeError> {
    crate::decode(method, if json.trim().is_empty() { "null" } else { json })
}

/// As [`decode_payload`], for a payload that may be null or missing: that is the one without members.
#[doc(hidden)]
pub fn decode_payload_or_null<T: serde::de::DeserializeOwned>(
    method: &str,
    json: &str,
) -> Result<T, DecodeError> {
    let text = json.trim();
    let is_null = text.is_empty() || text == "null";
    crate::decode(method, if is_null { "{}" } else { json })
}

/// Implements `decode`, `method` and `Serialize` for an enum over methods, with
/// a line `Variant "method",` for each and a variant
/// `Unrecognized(UnrecognizedMessage)` besides. `or_null` at the end of a line
/// says that the payload may be null instead of an object without members.
#[macro_export]
macro_rules! messages {
    (@decode $method:ident $json:ident) => { $crate::support::decode_payload($method, $json) };
    (@decode $method:ident $json:ident or_null) => { $crate::support::decode_payload_or_null($method, $json) };
    ($name:ident { $($variant:ident $method:literal $($null:ident)?,)* }) => {
        impl $name {
            /// Decodes the payload of a message of `method`.
            ///
            /// # Errors
            /// If the payload of a known method does not have its form: the error names the
            /// method and the member. An unknown method is kept in `Unrecognized`.
            pub fn decode(method: &str, json: &str) -> Result<Self, $crate::DecodeError> {
                match method {
                    $($method => $crate::messages!(@decode method json $($null)?).map(Self::$variant),)*
                    _ => $crate::UnrecognizedMessage::decode(method, json).map(Self::Unrecognized),
                }
            }

            /// The method on the wire.
            pub fn method(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $method,)*
                    Self::Unrecognized(message) => message.method(),
                }
            }
        }

        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(payload) => $crate::support::serde::Serialize::serialize(payload, serializer),)*
                    Self::Unrecognized(message) => $crate::support::serde::Serialize::serialize(message, serializer),
                }
            }
        }
    };
}
