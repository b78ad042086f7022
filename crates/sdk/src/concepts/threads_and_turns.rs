//! Threads and turns: what you talk to, and what comes of it.
//!
//! A [`Codex`](crate::Codex) is one runtime process. In it live **threads**,
//! conversations with the agent, any number at a time. You say something, the
//! agent thinks, runs commands, edits files and answers: that is a **turn**. A
//! turn is made of **items**: what you said, what it said, each command, each
//! patch.
//!
//! ```
//! # use openai_codex::Codex;
//! # use openai_codex_testkit::{MockModel, TestRuntime};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let model = MockModel::start()?;
//! # model.shell("ls");
//! # model.say("It is empty.");
//! # let runtime = TestRuntime::new(&model)?;
//! # let builder = Codex::builder().codex_bin(runtime.binary()).envs(runtime.env());
//! # let codex = builder.cwd(runtime.workspace()).await?;
//! use openai_codex::types::ThreadItem;
//!
//! let thread = codex.thread_start().await?;
//! let result = thread.run("What is in this folder?").await?;
//!
//! assert_eq!(result.final_response.as_deref(), Some("It is empty."));
//! for item in &result.items {
//!     if let ThreadItem::CommandExecution(command) = item {
//!         println!("it ran {} ({:?})", command.command, command.exit_code);
//!     }
//! }
//! # codex.close().await?;
//! # Ok(()) }
//! ```
//!
//! # Starting a turn
//!
//! - [`Thread::run`](crate::Thread::run) runs a turn to its end.
//! - [`Thread::turn`](crate::Thread::turn) starts one and gives a
//!   [`TurnHandle`](crate::TurnHandle): to [stream](crate::TurnHandle::stream) its
//!   events, to [steer](crate::TurnHandle::steer) and to
//!   [interrupt](crate::TurnHandle::interrupt) it, and to await its result.
#![cfg_attr(
    feature = "schemars",
    doc = "- [`Thread::run_as`](crate::Thread::run_as) has the agent answer in a type of yours."
)]
//!
//! **One turn at a time.** A thread has one active turn. To start another one
//! while it runs is to *join* it: your input goes to the active turn, and your
//! handle is one more on the same turn. Its result is complete, whoever started
//! it. The turn keeps the settings that it began with: what you set, be it a sandbox or a
//! model, holds from the next turn on, and a `tracing` warning says so
//! ([`joined`](crate::TurnHandle::joined) tells). Two threads run side by side and know nothing of each other.
//!
//! Reviews and compaction are turns that cannot be joined or steered; the
//! runtime refuses. A review is known by the id in the answer to `review/start`, although
//! its `turn/started` names another; [interrupting](super::cancellation#interrupting) it works.
//!
//! # The result
//!
//! [`TurnResult`](crate::TurnResult) holds every completed item in order, the
//! tokens of the thread (`usage.total`) and of the last request to the model
//! (`usage.last`), when it started and ended. Its `final_response` is the
//! last message that the agent marked as its final answer, or else the last one
//! without a mark. What it says in between, its *commentary*, never counts.
//!
//! A turn that [fails](super::errors_and_retry) is an `Err` that holds what was
//! done before. One that was interrupted is `Ok`, with that status.
//!
//! A turn has ended when its `turn/completed` says so. Where that does not come, other signs
//! count: a final error or the thread's state `systemError`, three seconds later; that the
//! thread is closed, archived or deleted; and where the thread only rests, what
//! `thread/turns/list` says of the turn when it is asked, once.
//!
//! # What is kept
//!
//! The runtime stores a thread in its home (`CODEX_HOME`) with its first turn.
//! From then on it can be resumed, by any process over that home:
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex, id: openai_codex::ThreadId) -> openai_codex::Result<()> {
//! let thread = codex.thread_resume(&id).await?; // go on with it
//! let other = codex.thread_fork(&id).await?; // a copy, to try something else
//! let same = codex.thread(&id); // a handle on one that is loaded here; sends nothing
//! # Ok(()) }
//! ```
//!
//! Before its first turn there is nothing to resume, fork or archive ("no
//! rollout found"). A thread that was started as
//! [`ephemeral`](crate::ThreadStart::ephemeral) is never stored.
//!
//! **Settings stay.** The model, the sandbox, the approval mode and whatever else
//! you give to a turn hold for later turns of the thread, for its forks, and after
//! a resume. Three do not: `output_schema`, `turn_service_tier` and `source` are
//! for one turn. Resuming sends nothing that you do not set; and what you set is
//! ignored by the runtime if the thread is loaded in it already, which
//! [`thread_resume`](crate::Codex::thread_resume) reports as an error.
//! [`Thread::info`](crate::Thread::info) says what was in effect when the thread
//! was started, resumed or forked.
//!
//! # When does the runtime end?
//!
//! With [`Codex::close`](crate::Codex::close), or when the last clone of the
//! client is dropped. Threads, turn handles and turn streams hold one;
//! [`EventStream`](crate::EventStream)s do not. A turn that still runs ends with
//! the runtime, and counts as interrupted when the thread is resumed.
