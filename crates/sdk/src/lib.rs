//! The Rust SDK for OpenAI Codex: threads, turns and streaming events over
//! `codex app-server`.

// The public API is built on these; what it does not use yet goes or stays then.
#[allow(dead_code, unused_imports)]
mod connection;
mod error;
#[allow(dead_code, unused_imports)]
mod process;
#[allow(dead_code, unused_imports)]
mod transport;

pub use error::{Error, ErrorKind, Result, RpcError, RpcErrorKind};
