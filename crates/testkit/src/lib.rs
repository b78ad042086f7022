//! Test Codex agents without an account, without a network and without luck.
//!
//! What makes an agent hard to test is the model: it costs money, it is far away, and it never
//! says the same thing twice. Everything else, the real Codex runtime with its threads, tools,
//! approvals and sandbox, runs on your machine in a tenth of a second. So this crate replaces the
//! model and keeps the rest:
//!
//! - [`MockModel`] is a model that says what your test tells it to, as often and as slowly as you
//!   like, fails in every way in which real ones fail, and remembers what it was asked.
//! - [`TestRuntime`] is the real, pinned Codex runtime over temporary folders, set up to ask that
//!   model and nobody else.
//! - [`FakeServer`] is an app-server in memory that does line by line what you say, for what the
//!   real one does too rarely, too fast, or never.
//! - [`Recorder`] keeps a session as a file, and [`Replay`] serves it as a test, without runtime,
//!   model or network. [`Normaliser`] makes snapshots of different runs equal.
//!
//! The chapter [Testing your agent](testing_your_agent) tests one from its happy path to its last
//! resort.
//!
//! None of them knows which client you use: the SDK `openai-codex`, a client of your own, or the
//! `codex` program itself as here.
//!
//! ```
//! use std::process::Command;
//!
//! use openai_codex_testkit::{MockModel, TestRuntime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = MockModel::start()?;
//! model.shell("echo hello > /dev/null"); // the model's first response: run a command
//! model.say("It said hello.");           // its second: talk about the output
//!
//! let runtime = TestRuntime::new(&model)?;
//! let output = Command::new(runtime.binary())
//!     .args(["exec", "--skip-git-repo-check", "Say hello."])
//!     .envs(runtime.env())
//!     .current_dir(runtime.workspace())
//!     .output()?;
//!
//! assert_eq!(String::from_utf8(output.stdout)?.trim(), "It said hello.");
//! let requests = model.requests();
//! assert_eq!(requests[0].last_user_text(), Some("Say hello."));
//! assert!(requests[1].function_outputs()[0].text().contains("exited with code 0"));
//! model.assert_finished();
//! # Ok(())
//! # }
//! ```
//!
//! # Scripting the model
//!
//! **One statement is one response**, and each request of the runtime takes one. A turn in which
//! the model calls a tool has two requests: the one that is answered with the call, and the one
//! that carries its output.
//!
//! ```
//! # use openai_codex_testkit::MockModel;
//! # use serde_json::json;
//! # fn main() -> Result<(), openai_codex_testkit::Error> {
//! # let model = MockModel::start()?;
//! // Messages: in one piece, streamed, with a phase, after some thought.
//! model.say("Hello.");
//! model.deltas(["Hel", "lo."]).usage(120, 100, 3, 0);
//! model.reason("They greet me.").commentary("Greeting back.").final_answer("Hello.");
//!
//! // Tools: the shell, a patch, your own; two calls at once.
//! model.shell("cargo test");
//! model.shell_escalated("rm -r target", "May I clean up?");
//! model.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch");
//! model.calls("weather", json!({"city": "Oslo"})).calls("weather", json!({"city": "Lima"}));
//! model.calls_in("mcp__docs", "search", json!({"words": "fjord"})); // of the MCP server `docs`
//!
//! // Failures.
//! model.fails(500);
//! model.overloaded();
//! model.usage_limit_reached();
//! model.deltas(["this breaks", " off"]).cuts_after(3);
//! # Ok(())
//! # }
//! ```
//!
//! # Several threads, and requests you cannot count
//!
//! Responses are taken in order. One that is made for particular requests with
//! [`MockModel::when`] goes before those; [`every_time`](Scripted::every_time) keeps it.
//!
//! ```
//! # use openai_codex_testkit::MockModel;
//! # fn main() -> Result<(), openai_codex_testkit::Error> {
//! # let model = MockModel::start()?;
//! model.when_user_says("and the other?").say("Fine too.");
//! model.when(|request| request.kind() == Some("compaction")).say("In short: …").every_time();
//! model.when_reviewing().denies("Not on a Friday.");
//! model.say("Everything else, in order.");
//! # Ok(())
//! # }
//! ```
//!
//! # Stopping time
//!
//! To test what happens *during* a turn (an interrupt, a second message, a lost connection) hold
//! the model at a [`Gate`]: no sleeping, no luck.
//!
//! ```
//! # use openai_codex_testkit::{Gate, MockModel};
//! # async fn test() -> Result<(), openai_codex_testkit::Error> {
//! # let model = MockModel::start()?;
//! let gate = Gate::new();
//! model.deltas(["I am about to"]).waits_for(&gate).deltas([" finish."]);
//! // … start the turn …
//! gate.reached().await; // or `blocking_reached()`
//! // … interrupt it, or let it go on:
//! gate.open();
//! # Ok(())
//! # }
//! ```
//!
//! Tokio's paused time is for [`FakeServer`] and [`Replay`]. A real runtime is a process of its own:
//! while a test with paused time waits for it, all timeouts of the test pass at once. A client that
//! has none (`request_timeout(None)` in the SDK) works all the same.
//!
//! # Recording and replaying
//!
//! The SDK records with `Codex::builder().record(path)`, any other client with a [`Recorder`] or
//! `codex-testkit record`. A recording has both directions, one message a line, without API keys,
//! tokens, auth URLs and environment variables. [`Replay::open`] makes it a server:
//! strict, so that every change of what the client sends is seen, as a difference; or
//! [lenient](Replay::lenient), for clients that say the same in other words.
//!
//! The program `codex-testkit` (`cargo install openai-codex-testkit-cli`) needs no code:
//!
//! | | |
//! |---|---|
//! | `codex-testkit record FILE` | stands where the app-server would, starts it, and records |
//! | `codex-testkit replay FILE` | is the app-server that was recorded |
//! | `codex-testkit show FILE` | prints a recording as a timeline, with colours |
//! | `codex-testkit check FILE…` | compares every message with the types of the protocol |
//!
//! # When a test fails
//!
//! - A request beyond the script fails its turn with an error that says which request it was, and
//!   which responses wait for others.
//! - [`MockModel::assert_finished`] names the requests without a response and, with file and line,
//!   the responses that were never asked for. It can also [run on
//!   drop](MockModelBuilder::verify_on_drop).
//! - A wait for something that does not happen panics after [`PATIENCE`], and says for what. A
//!   setup that fails is an [`Error`].
//! - A panicking test prints the last lines that the runtime wrote to stderr. In errors of the SDK
//!   they are too (`Error::stderr_tail`).
//! - `OPENAI_CODEX_TESTKIT_KEEP=1` keeps the runtime's folders and prints their place.
//!
//! # The environment
//!
//! | variable | effect |
//! |---|---|
//! | `CODEX_BIN` | the runtime to test with, instead of the pinned one |
//! | `OPENAI_CODEX_CACHE` | where the pinned runtime and the warm home are kept |
//! | `OPENAI_CODEX_TESTKIT_KEEP` | keeps the folders of each [`TestRuntime`] |

/// A chapter: an agent, and its tests from the happy path to a recorded session.
#[cfg(doc)]
#[cfg_attr(not(doctest), doc = include_str!("../docs/testing-your-agent.md"))]
pub mod testing_your_agent {}

mod background;
mod error;
mod fake;
mod gate;
mod model;
mod monitor;
mod normalise;
mod recorder;
mod replay;
mod runtime;

pub use crate::error::{Error, Result};
pub use crate::fake::{FakeRead, FakeServer, FakeWrite, Script};
pub use crate::gate::Gate;
pub use crate::model::{
    FunctionOutput, MockModel, MockModelBuilder, ModelRequest, OfferedTool, Reply, Scripted,
};
pub use crate::monitor::PATIENCE;
pub use crate::normalise::Normaliser;
pub use crate::recorder::{Recorded, Recorder};
pub use crate::replay::{Replay, ReplayRead, ReplayWrite};
pub use crate::runtime::{McpServer, TestRuntime, TestRuntimeBuilder};
