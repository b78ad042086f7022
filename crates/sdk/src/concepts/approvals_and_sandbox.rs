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
//! # Sub-agents, reviews and forks
//!
//! An agent may start others (`spawn_agent`), which have threads and ids of their own. **The
//! handlers of a thread answer for those that come from it**: sub-agents, their own
//! sub-agents, reviews, and forks, whoever made them. The request's thread is asked first,
//! then the one that it comes from, and so on; the client last. So a thread that declines
//! cannot be got around by a sub-agent, and one that accepts need not be repeated for it.
//!
//! - [`HandlerContext::thread_id`](crate::HandlerContext::thread_id) is the sub-agent's own.
//! - The server says where a thread comes from, or is asked. **If it cannot say, the request
//!   is refused** as soon as any thread of the client has handlers of its own, with a warning:
//!   the client's handlers cannot know what that thread would have refused.
//! - A fork with handlers of its own asks the original for what these do not answer.
//! - Questions to the user and calls of the client's tools come from the thread itself alone:
//!   0.163.0 has neither for sub-agents. Of a runtime that has, they are answered like the rest.
//!
//! # Rules
//!
//! A [`CommandRule`](crate::CommandRule) approves the harmless and the usual, so that
//! a person is asked about the rest. This one is recommended to begin with:
//!
//! ```no_run
//! use openai_codex::{CommandRule, Handlers};
//!
//! let reading = CommandRule::any_of([
//!     CommandRule::read_only(),
//!     CommandRule::git_read().without_pager(),
//! ]);
//! let rule = reading
//!     .and(CommandRule::inside("/src/project"))
//!     .and_lists();
//! let handlers = Handlers::new().command_approval(rule.or_decline());
//! ```
//!
//! It approves what only reads, in the project: `rg -n foo src`, `git status`,
//! `git diff`, `sed -n '1,80p' src/lib.rs`, `ls | head`, `cd src && wc -l ./*.rs`,
//! `find . -name '*.rs'`. Of fifty ordinary lines it approves 46 with
//! zsh and 47 with bash, and none of more than four hundred hostile ones; both lists
//! are in the tests of `openai-codex-policy`.
//!
//! - What a shell could read in two ways is not approved by any rule, and neither is a
//!   request that asks for more than a command. It is read as the shell that the
//!   request names reads it, with whatever options you have set in it.
//! - Programs are known by the options with which they read. `rg --pre`, `find -exec`,
//!   `sort -o`, `sed -i`, `git diff --output` are not among them.
//! - [`git_read`](crate::CommandRule::git_read) reads in a repository that you trust:
//!   the one around the folder of `inside`, as long as its configuration names no
//!   program. Other rules for git do not look at the configuration: make the folder a
//!   repository before the agent can. `without_pager` says that `git log` opens no pager on a terminal, in which
//!   the agent could type commands: the runtime sets `GIT_PAGER=cat` for what it runs.
//! - `cargo metadata`, `cargo --version` and `make -n` are **not** reading. cargo starts
//!   what `build.rustc` in a `.cargo/config.toml` names, rustup what a
//!   `rust-toolchain.toml` does, and make what `$(shell …)` says, and the agent may
//!   write all of them. The same goes for `npm`, `go`, `pytest`, `just` and `direnv`.
//!
//! Add what your project needs, as narrowly as it can be said:
//!
//! ```no_run
//! use openai_codex::CommandRule;
//!
//! let rule = CommandRule::any_of([
//!     CommandRule::read_only(),
//!     CommandRule::git_read().without_pager(),
//!     CommandRule::words(["make", "check"]),
//!     CommandRule::words(["cargo", "test", "**"]).without_options(["--config", "-Z"]),
//! ])
//! .and(CommandRule::inside("/src/project"))
//! .and_lists();
//! ```
//!
//! **Beware of `**` in [`words`](crate::CommandRule::words)**, and of `*` where an option
//! has its value: most programs can write and start others by some option, and
//! `make check` runs what the agent wrote into the makefile. What is approved runs
//! outside of the sandbox.
//!
//! ## What a rule cannot know
//!
//! - Whether `ls` is the `ls` that you mean: your `PATH`, and the functions, aliases and
//!   `CDPATH` of your shell's start-up files count, and so does what your own
//!   configuration of git or `rg` (`RIPGREP_CONFIG_PATH`) names.
//!   Global aliases of zsh (`alias -g`, in `.zshenv` too) change arguments as well.
//! - What happens between the approval and the start: a folder may become a link, a
//!   file appear that a pattern fits.
//! - What a program finds by itself: the files that a list names, the links in folders
//!   that it walks (those options of `grep`, `rg`, `find` and `ls` are refused).
//! - What the links are on another machine, if commands run there.
//!
//! # What this is not
//!
//! The sandbox holds for what the agent runs. Your own [tools](crate::Tool) run in
//! your process, with your rights: check what the model asks of them.
