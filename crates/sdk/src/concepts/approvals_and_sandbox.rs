//! Approvals and the sandbox: what the agent may do, and who decides.
//!
//! Two settings work together. The **sandbox** says what commands can reach. The
//! **approval mode** says what happens when the agent wants more than that.
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
//! use openai_codex::{ApprovalMode, Sandbox};
//!
//! let thread = codex
//!     .thread_start()
//!     .cwd("/src/project")
//!     .sandbox(Sandbox::WorkspaceWrite)
//!     .approval_mode(ApprovalMode::DenyAll)
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # The sandbox
//!
//! | [`Sandbox`](crate::Sandbox) | commands and edits |
//! |---|---|
//! | `ReadOnly` | read anything, write nothing |
//! | `WorkspaceWrite` | write in the working directory and in the configured writable roots; network as configured |
//! | `FullAccess` | whatever you can do |
//!
//! If you set none, the configuration decides. Given to a turn, it holds from
//! that turn on; `[sandbox_workspace_write]` of the configuration stays in force.
//!
//! # The approval mode
//!
//! | [`ApprovalMode`](crate::ApprovalMode) | what needs approval is |
//! |---|---|
//! | `AutoReview` | decided by a reviewer model of the runtime's. You are not asked |
//! | `DenyAll` | refused |
//! | `Ask` | asked of your [`Handlers`](crate::Handlers). Without one for approvals, it is an error before anything is sent |
//! | `Inherit` | decided as the configuration says |
//!
//! [`thread_start`](crate::Codex::thread_start) uses `AutoReview` unless you say
//! otherwise. Resuming, forking and turns send nothing unless you give a mode:
//! what is stored stays. Nothing is ever accepted by default.
//!
//! # Answering
//!
//! ```no_run
//! # async fn ask_a_person(_: &str) -> bool { false }
//! # async fn example() -> openai_codex::Result<()> {
//! use openai_codex::{ApprovalMode, Codex, Decision, Handlers};
//!
//! let handlers = Handlers::new()
//!     .command_approval(|request, cx| async move {
//!         let command = request.command.unwrap_or_default();
//!         tokio::select! {
//!             yes = ask_a_person(&command) => match yes {
//!                 true => Decision::Accept,
//!                 false => Decision::Decline, // the model is told, and goes on
//!             },
//!             // The turn ended meanwhile: take the dialog away.
//!             () = cx.cancelled() => Decision::Decline,
//!         }
//!     })
//!     .file_change_approval(|_request, _cx| async { Decision::Decline });
//!
//! let codex = Codex::builder().handlers(handlers).await?;
//! let thread = codex.thread_start().approval_mode(ApprovalMode::Ask).await?;
//! # Ok(()) }
//! ```
//!
//! - Handlers run on tasks of their own, so they may wait for a person and call the
//!   client. Those of a thread come before those of the client.
//! - **Every request is answered.** Without a handler, and when a handler fails or
//!   panics, the answer is a refusal or an error, with a `tracing` warning, and the
//!   turn goes on. `Decision::Cancel` interrupts it.
//! - `AcceptForSession` stops further questions of the same kind.
//! - Questions to the user, elicitations of MCP servers, permissions and tokens have
//!   handlers of their own: see [`Handlers`](crate::Handlers).
//! - The runtime asks MCP tools' approvals as elicitations.
//!
//! # Rules
//!
//! A [`CommandRule`](crate::CommandRule) approves the harmless and the usual, so that
//! a person is asked about the rest.
//!
//! ```no_run
//! use openai_codex::{CommandRule, Handlers};
//!
//! let rule = CommandRule::words(["cargo", "test", "**"])
//!     .or(CommandRule::read_only())
//!     .and(CommandRule::inside("/src/project"));
//! let handlers = Handlers::new().command_approval(rule.or_decline());
//! ```
//!
//! It understands single commands alone. What a shell would split, expand, redirect
//! or run in passing is not approved by any rule, and neither is a request that asks
//! for more than a command. What is approved runs outside of the sandbox.
//!
//! # What this is not
//!
//! The sandbox holds for what the agent runs. Your own [tools](crate::Tool) run in
//! your process, with your rights: check what the model asks of them.
