//! The five kinds of messages, each decoded by its method.

use openai_codex_types::messages::{
    AnyClientRequest, AnyClientResponse, AnyServerRequest, AnyServerResponse, ServerNotification,
};
use serde_json::Value;

/// What kind of message a payload belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ClientRequest,
    ClientResponse,
    ServerRequest,
    ServerResponse,
    Notification,
}

/// What decoding gave: the JSON written back, and the debug text.
pub(crate) struct Decoded {
    pub(crate) json: Value,
    pub(crate) debug: String,
}

impl Kind {
    /// Decodes a payload and writes it back.
    pub(crate) fn decode(self, method: &str, json: &str) -> Result<Decoded, String> {
        macro_rules! through {
            ($ty:ty) => {{
                let message = <$ty>::decode(method, json).map_err(|error| error.to_string())?;
                assert_eq!(message.method(), method);
                let json = serde_json::to_string(&message).unwrap();
                Decoded {
                    json: serde_json::from_str(&json).unwrap(),
                    debug: format!("{message:?}"),
                }
            }};
        }
        Ok(match self {
            Self::ClientRequest => through!(AnyClientRequest),
            Self::ClientResponse => through!(AnyClientResponse),
            Self::ServerRequest => through!(AnyServerRequest),
            Self::ServerResponse => through!(AnyServerResponse),
            Self::Notification => through!(ServerNotification),
        })
    }
}
