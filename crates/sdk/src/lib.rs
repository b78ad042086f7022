//! Drive [OpenAI Codex](https://github.com/openai/codex) from Rust: threads, turns
//! and streaming events over `codex app-server`, typed.
//!
//! The SDK starts the real Codex runtime as a child process and speaks its
//! protocol. Its types are generated from the schema of the runtime that it is
//! pinned to: 0.163.x drives codex 0.163.
//!
//! ```no_run
//! use openai_codex::Codex;
//!
//! #[tokio::main]
//! async fn main() -> openai_codex::Result<()> {
//!     let codex = Codex::new().await?;
//!     let thread = codex.thread_start().model("gpt-5.4").await?;
//!     let result = thread.run("Say hello in one sentence.").await?;
//!     println!("{}", result.final_response.as_deref().unwrap_or("(no answer)"));
//!     codex.close().await
//! }
//! ```
//!
//! The program also depends on `tokio`, with its features `macros` and
//! `rt-multi-thread`; one that uses [`blocking`] does not.
//!
//! It needs a runtime: `cargo install openai-codex-runtime`, then
//! `openai-codex-runtime install`, or any `codex` 0.163 on the `PATH`.
//!
//! # The five things
//!
//! - A [`Codex`] is one runtime process. Clones share it.
//! - A [`Thread`] is a conversation: [start](Codex::thread_start),
//!   [resume](Codex::thread_resume), [fork](Codex::thread_fork) or
//!   [list](Codex::thread_list) them. Several run at once.
//! - A turn is one exchange in it: [`Thread::run`] for its result,
//!   [`Thread::turn`] for a [`TurnHandle`] to stream, steer and interrupt it.
//! - An [`Event`] is what happens meanwhile. Nothing is decoded until you ask.
//! - A [`TurnResult`] is what it came to.
//!
//! Options are setters, and every builder is awaited:
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
//! use openai_codex::{ApprovalMode, Sandbox};
//! use std::time::Duration;
//!
//! let thread = codex
//!     .thread_start()
//!     .cwd("/src/project")
//!     .sandbox(Sandbox::WorkspaceWrite)
//!     .approval_mode(ApprovalMode::DenyAll)
//!     .await?;
//! let result = thread
//!     .run("Make the tests faster.")
//!     .effort("high")
//!     .timeout(Duration::from_secs(1800))
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # Streaming
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! let turn = thread.turn("Explain the build.").await?;
//! let mut events = turn.stream();
//! while let Some(event) = events.next().await {
//!     if let Some(text) = event?.text_delta() {
//!         print!("{text}");
//!     }
//! }
//! let result = turn.run().await?; // complete, whatever became of the stream
//! # Ok(()) }
//! ```
//!
//! [`TurnHandle::steer`] says more while the agent works,
//! [`TurnHandle::interrupt`] stops it.
//!
//! # Your functions, your types
//!
//! A [`Tool`] is a function of yours that the model can call. [`Handlers`] answer
//! what the runtime asks: approvals, questions to the user, tokens. Nothing is
//! accepted by default.
#![cfg_attr(
    feature = "schemars",
    doc = r#"
```no_run
# async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
use openai_codex::schemars::{self, JsonSchema};
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Review {
    summary: String,
    issues: Vec<String>,
}

let thread = codex.thread_start().await?;
let review = thread.run_as::<Review>("Review the diff.").await?;
println!("{}: {} issues", review.value.summary, review.value.issues.len());
# Ok(()) }
```
"#
)]
//!
//! # When something goes wrong
//!
//! There is one [`Error`]. Its [`kind`](Error::kind) says what to do; a turn that
//! fails is an error that holds [what was done before](Error::turn_result).
//! Nothing hangs: requests have deadlines, and every wait ends when the connection
//! does, with the reason.
//!
//! # Read on
//!
//! - [`concepts`]: how it works and why, in chapters. [Questions and
//!   answers](concepts::faq), [coming from the Python
//!   SDK](concepts::coming_from_python).
//! - [`blocking`]: the same client without async.
//! - [`types`]: every type and method of the protocol; [`Codex::call`] and
//!   [`Codex::rpc`] send any of them.
//! - The examples beside the source, each of which runs offline:
//!   `cargo run --example chat -- --demo`.
//!
//! # Features
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `blocking` | yes | [`blocking`]; no crates |
//! | `record` | yes | [`CodexBuilder::record`]; no crates of others |
//! | `schemars` | yes | schemas of tools and answers out of Rust types; ten crates |
//! | `messages` | no | [`types::messages`]: any message by its method, for recorders and proxies |

mod approval;
#[cfg(feature = "blocking")]
pub mod blocking;
mod codex;
pub mod concepts;
mod config;
mod error;
mod event;
mod event_buffer;
mod handler;
mod input;
mod limit;
mod list;
mod locate;
mod login;
mod options;
mod overrides;
mod pages;
mod probe;
#[cfg(feature = "record")]
mod record;
mod result;
mod retry;
mod run;
mod start;
#[cfg(feature = "schemars")]
mod structured;
mod thread;
mod tool;
mod turn;
mod version;

#[doc(inline)]
pub use openai_codex_types as types;
pub use openai_codex_types::{SecretString, ThreadId, TurnId, TurnStatus};
#[cfg(feature = "schemars")]
pub use schemars;

pub use approval::{ApprovalMode, Sandbox};
pub use codex::{Codex, Rpc};
pub use config::CodexBuilder;
pub use error::{Error, ErrorKind, Result, RpcError, RpcErrorKind};
pub use event::{Event, EventStream, TurnStream};
pub use event_buffer::EventBuffer;
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

// The examples of README.md compile, those of a default build.
#[cfg(all(doctest, feature = "schemars"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
