//! The layer under the generated Codex app-server types: ids, the traits that
//! tie a method to its parameters and response, and the serde support that the
//! generated code is written in terms of.
//!
//! **Architecture invariant:** nothing here does I/O, spawns, locks or knows an
//! async runtime. Dependencies point one way: `wire ← types ← sdk`.

mod decode;
mod direction;
pub mod envelope;
mod ids;
mod message;
mod method;
mod protocol;
pub mod redact;
mod scanner;
pub mod scope;
mod secret;
#[doc(hidden)]
pub mod support;
mod surrogates;

pub use decode::{DecodeError, decode};
pub use direction::Direction;
pub use ids::{ItemId, LoginId, RequestId, ThreadId, TurnId};
pub use message::UnrecognizedMessage;
pub use method::{
    BlockingCall, Call, ClientNotification, ClientRequest, Notification, Scope, ServerRequest,
    Stability, Tier,
};
pub use protocol::{
    Effect, MemberSpec, MethodSpec, NotificationSpec, Protocol, Role, ServerRequestSpec,
};
pub use secret::SecretString;
