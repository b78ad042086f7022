//! The Rust SDK for OpenAI Codex: threads, turns and streaming events over
//! `codex app-server`.

mod approval;
#[cfg(feature = "blocking")]
pub mod blocking;
mod codex;
mod config;
#[allow(dead_code, unused_imports)]
mod connection;
mod error;
mod event;
mod handler;
mod input;
mod list;
mod locate;
mod login;
mod options;
#[allow(dead_code, unused_imports)]
mod process;
mod result;
mod retry;
mod run;
mod start;
#[cfg(feature = "schemars")]
mod structured;
mod thread;
mod tool;
#[allow(dead_code, unused_imports)]
mod transport;
mod turn;
mod version;

pub use openai_codex_types as types;
pub use openai_codex_types::{SecretString, ThreadId, TurnId, TurnStatus};
#[cfg(feature = "schemars")]
pub use schemars;

pub use approval::{ApprovalMode, Sandbox};
pub use codex::{Codex, Rpc};
pub use config::{CodexBuilder, EventBuffer};
pub use error::{Error, ErrorKind, Result, RpcError, RpcErrorKind};
pub use event::{Event, EventStream, TurnStream};
pub use handler::{
    CommandDecision, CommandLine, CommandRule, Decision, ElicitationAnswer, HandlerContext,
    HandlerError, Handlers, IntoAnswer, PermissionGrant, ServerRequestHandler, UserInputAnswers,
};
pub use input::{ExternalMessage, Input, InputItem, TurnInput};
pub use list::{Models, ThreadList, ThreadListStream};
pub use login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
pub use result::TurnResult;
pub use retry::{RetryPolicy, retry_on_overload};
pub use run::{Run, StartTurn};
pub use start::{ThreadFork, ThreadResume, ThreadStart};
#[cfg(feature = "schemars")]
pub use structured::{RunAs, Structured};
pub use thread::{Thread, ThreadInfo};
pub use tool::{IntoToolOutput, Tool, ToolOutput};
pub use turn::TurnHandle;
pub use version::VersionPolicy;

/// What most programs want.
pub mod prelude {
    pub use crate::{
        ApprovalMode, Codex, Error, ErrorKind, Event, InputItem, Result, Sandbox, Thread,
        TurnHandle, TurnResult, TurnStatus,
    };
}

// The examples of README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
