//! Compatibility: with other versions of the runtime.
//!
//! The types of this SDK are generated from the schema of **one** version of Codex,
//! [`types::RUNTIME_VERSION`](crate::types::RUNTIME_VERSION), and its own version
//! says which: SDK 0.N.x is made from codex 0.N. Install that one with
//! `openai-codex-runtime install`. Older ones are supported down to
//! [`types::OLDEST_RUNTIME`](crate::types::OLDEST_RUNTIME), and newer ones as far as they
//! are compatible.
//!
//! # Another version
//!
//! [`VersionPolicy`](crate::VersionPolicy) says what is acceptable:
//!
//! | policy | accepts |
//! |---|---|
//! | `Exact` | the pinned version alone; anything else is an error of the handshake |
//! | `Compatible`, the default | the oldest supported version and whatever is newer; an older one is an error of the handshake, one that tells no version is used with a warning |
//! | `Any` | everything, in silence |
//!
//! ```no_run
//! # async fn example() -> openai_codex::Result<()> {
//! use openai_codex::{Codex, VersionPolicy};
//!
//! let codex = Codex::builder().version_policy(VersionPolicy::Exact).await?;
//! println!("{:?}", codex.runtime_version());
//! # Ok(()) }
//! ```
//!
//! # What a newer runtime says
//!
//! It is kept, and never breaks what is known:
//!
//! - An unknown value of an enum, an unknown kind of item: `Unrecognized`, with what
//!   was sent; written back, it is the same.
//! - An unknown notification: [`Event::decode`](crate::Event::decode) gives
//!   `ServerNotification::Unrecognized`; [`Event::raw`](crate::Event::raw) is the
//!   message.
//! - An unknown request of the server's: refused, or answered by
//!   [`Handlers::fallback`](crate::Handlers::fallback).
//! - A method that this SDK does not know: [`Codex::call_raw`](crate::Codex::call_raw).
//!
//! So every enum needs a `_` arm, and the compiler reminds you.
//!
//! # What an older runtime does not know
//!
//! It ignores unknown options in silence. Those of starting, resuming, forking and
//! listing threads and of turns are refused before anything is sent, with the version
//! that they need: `source`, `turn_service_tier` and
//! [`ExternalMessage`](crate::ExternalMessage) need 0.151.0. Which they are is generated:
//! the exports of earlier runtimes are compared with that of the pinned one, and
//! [`MethodSpec::newer_members`](crate::types::MethodSpec) has the outcome. A build
//! without a version (`0.0.0`, from a checkout) is asked for its own schema, once, when
//! one of these is used first.
//!
//! # Experimental methods
//!
//! They are generated like all others and marked in their documentation. The
//! handshake asks for them by default;
//! [`experimental_api(false)`](crate::CodexBuilder::experimental_api) does not, and
//! the server then refuses them. They may change from one version to the next.
