//! Testing: your agent on the real runtime, with a scripted model.
//!
//! What makes an agent hard to test is the model. The package
//! `openai-codex-testkit` replaces it and keeps the rest, threads, tools,
//! approvals, sandbox: without account, network or luck.
//!
//! ```toml
//! [dev-dependencies]
//! openai-codex-testkit = "0.163"
//! ```
//!
//! ```
//! use openai_codex::{ApprovalMode, Codex, Decision, Handlers};
//! use openai_codex_testkit::{MockModel, TestRuntime};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = MockModel::start()?;
//! model.shell_escalated("rm -r build", "May I clean up?"); // its first response
//! model.say("Then I will not.");                            // its second
//!
//! let runtime = TestRuntime::new(&model)?;
//! let codex = Codex::builder()
//!     .codex_bin(runtime.binary())
//!     .envs(runtime.env())
//!     .cwd(runtime.workspace())
//!     .handlers(Handlers::new().command_approval(|_, _| async { Decision::Decline }))
//!     .await?;
//!
//! let thread = codex.thread_start().approval_mode(ApprovalMode::Ask).await?;
//! let result = thread.run("Clean up.").await?;
//!
//! assert_eq!(result.final_response.as_deref(), Some("Then I will not."));
//! assert_eq!(model.requests()[0].last_user_text(), Some("Clean up."));
//! model.assert_finished(); // every response was asked for, and no other
//! # codex.close().await?;
//! # Ok(()) }
//! ```
//!
//! The runtime is `$CODEX_BIN` or else the pinned one, which the kit installs when
//! it is needed first.
//!
//! # What happens during a turn
//!
//! A `Gate` stops the model at a place, so that nothing depends on timing:
//!
//! ```no_run
//! # use openai_codex_testkit::{Gate, MockModel};
//! # async fn example(thread: openai_codex::Thread, model: MockModel) -> openai_codex::Result<()> {
//! let gate = Gate::new();
//! model.deltas(["I am about to"]).waits_for(&gate);
//!
//! let turn = thread.turn("Go.").await?;
//! gate.reached().await; // the model is in the middle of its answer
//! turn.interrupt().await?;
//! assert_eq!(turn.run().await?.status, openai_codex::TurnStatus::Interrupted);
//! # Ok(()) }
//! ```
//!
//! # What the real runtime does too rarely
//!
//! `FakeServer` is an app-server in memory that says line by line what you tell it
//! to; connect to it by [`connect_with`](crate::CodexBuilder::connect_with):
//!
//! ```no_run
//! # async fn example() -> openai_codex::Result<()> {
//! use openai_codex::Codex;
//! use openai_codex_testkit::FakeServer;
//! use serde_json::json;
//!
//! let server = FakeServer::new();
//! server.expect("account/read").reply(json!({"requiresOpenaiAuth": false}));
//! let (read, write) = server.connect();
//! let codex = Codex::builder().connect_with(read, write).await?;
//! assert!(codex.account().await?.account.is_none());
//! # Ok(()) }
//! ```
//!
//! # A session that happened
//!
//! [`CodexBuilder::record`](crate::CodexBuilder::record) keeps a session in a file,
//! without its secrets. The kit's `Replay` plays it back as a server, without a
//! runtime, the same every time; and `codex-testkit show` prints it.
