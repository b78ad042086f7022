//! Tools and structured answers: Rust types that the model fills in.
//!
//! Both come from a type that implements [`JsonSchema`](crate::schemars::JsonSchema):
//! its fields, their doc comments and its enums are what the model reads.
//!
//! # Tools
//!
//! A [`Tool`](crate::Tool) is a function of your program that the model can call.
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
//! use openai_codex::schemars::{self, JsonSchema};
//! use openai_codex::{HandlerError, Tool, ToolOutput};
//!
//! #[derive(serde::Deserialize, JsonSchema)]
//! struct ChartArgs {
//!     /// A date such as 2026-11-21.
//!     day: String,
//! }
//!
//! let chart = Tool::new("chart", "The load of a day", |args: ChartArgs, _cx| async move {
//!     if args.day.len() != 10 {
//!         return Err(HandlerError::new("the day must look like 2026-11-21"));
//!     }
//!     let png = std::fs::read(format!("charts/{}.png", args.day))?;
//!     Ok(ToolOutput::text("The load:").and_image("image/png", png))
//! });
//! let thread = codex.thread_start().tool(chart).await?;
//! # Ok(()) }
//! ```
//!
//! - **The model reads what it returns**: text, JSON, images or a mix, and errors
//!   too. Arguments that do not fit are answered with what is wrong and with the
//!   schema; a panic and a [`timeout`](crate::Tool::timeout) are told as well. The
//!   turn goes on in each case.
//! - **No approval is asked.** Tools run in your process, with your rights: check
//!   what the model asks of them.
//! - Calls run on tasks of their own, may call the client, and learn by
//!   [`cancelled`](crate::HandlerContext::cancelled) that their turn is over. Calls
//!   may come at the same time, those of one turn too where the model makes several in
//!   one answer (runtime 0.171.0; 0.163.0 asks for these one after the other).
//! - **A thread keeps the tools that it was started with.** The runtime stores them:
//!   after a resume and in a fork the model still has them, and there is no way to
//!   change them. In a new process, give them to
//!   [`thread_resume`](crate::ThreadResume::tool) again, to answer the calls.
//! - Names are checked before anything is sent, also against the runtime's own tools,
//!   such as `exec_command`, which would hide yours. A
//!   [`namespace`](crate::Tool::namespace) keeps equal names apart.
//!
//! # Structured answers
//!
//! [`Thread::run_as`](crate::Thread::run_as) gives the answer as a value, with the
//! turn beside it. The model is held to the *strict* schema of the type, in which
//! objects are closed and every field is required.
//!
//! | in Rust | for the model |
//! |---|---|
//! | `Option<T>` | required, and may be null |
//! | `#[serde(default)]` | required |
//! | an enum | one of its variants |
//! | a struct with `#[serde(flatten)]` | part of its parent |
//! | a map, a tuple, a set, `serde_json::Value`, a flattened enum | nothing: an error that names the field, before anything is sent |
//! | an answer that is no struct | nothing: wrap it into one |
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! use openai_codex::ErrorKind;
//! use openai_codex::schemars::{self, JsonSchema};
//!
//! #[derive(serde::Deserialize, JsonSchema)]
//! struct Verdict {
//!     ready: bool,
//!     /// Null if it is ready.
//!     reason: Option<String>,
//! }
//!
//! match thread.run_as::<Verdict>("Can this be merged?").await {
//!     Ok(verdict) => println!("{}, {:?}", verdict.value.ready, verdict.turn.usage),
//!     // The model did not keep to the schema: what it said is still there.
//!     Err(error) if error.kind() == ErrorKind::Decode => {
//!         let turn = error.turn_result().expect("a turn that answered");
//!         println!("{}", turn.final_response.as_deref().unwrap_or("(no answer)"));
//!     }
//!     Err(error) => return Err(error),
//! }
//! # Ok(()) }
//! ```
//!
//! To stream such a turn, start it with
//! [`output_schema_of`](crate::StartTurn::output_schema_of), and read its answer with
//! [`TurnHandle::run_as`](crate::TurnHandle::run_as). A schema of your own goes to
//! `output_schema`, which every turn has; without the feature `schemars` that is the
//! only way.
