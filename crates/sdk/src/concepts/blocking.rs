//! Blocking: the same client for programs without an async runtime.
//!
//! [`crate::blocking`] has every type and function under its own name. It is on by
//! default (feature `blocking`) and brings no crate.
//!
//! | async | blocking |
//! |---|---|
//! | `Codex::new().await?` | `Codex::new()?` |
//! | `codex.thread_start().model("…").await?` | `codex.thread_start().model("…").send()?` |
//! | `thread.run("…").await?` | `thread.run("…").send()?` |
//! | `while let Some(event) = events.next().await` | `for event in turn.stream()` |
//! | `turn.interrupt().await?` | `turn.interrupt()?` |
//! | `codex.rpc()` with `types::Methods` | `codex.rpc()` with `types::BlockingMethods` |
//!
//! So: builders are sent by `.send()`, which the async ones have as well; other
//! calls just return. Inputs, results, events and errors are the same types.
//!
//! ```no_run
//! use openai_codex::blocking::Codex;
//!
//! fn main() -> openai_codex::Result<()> {
//!     let codex = Codex::new()?;
//!     let thread = codex.thread_start().send()?;
//!     let turn = thread.turn("Explain the build.").send()?;
//!     for event in turn.stream() {
//!         if let Some(text) = event?.text_delta() {
//!             print!("{text}");
//!         }
//!     }
//!     codex.close()
//! }
//! ```
//!
//! Handles can be used from several threads at once. A
//! [`Codex`](crate::blocking::Codex) and a [`Thread`](crate::blocking::Thread) are
//! cloned for that; a [`TurnHandle`](crate::blocking::TurnHandle) is shared by an `Arc`
//! or a reference, so that one thread, that of a Ctrl-C handler for instance, can
//! interrupt what another one reads:
//!
//! ```no_run
//! # fn ctrl_c() {}
//! # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
//! use std::sync::Arc;
//!
//! let turn = Arc::new(thread.turn("Refactor everything.").send()?);
//! let stopped = Arc::clone(&turn);
//! std::thread::spawn(move || {
//!     ctrl_c(); // waits for it
//!     stopped.interrupt()
//! });
//! for event in turn.stream() {
//!     print!("{}", event?.text_delta().unwrap_or_default());
//! }
//! println!("{:?}", turn.run()?.status);
//! # Ok(()) }
//! ```
//!
//! Each client has one thread of its own, and the async client on it. What is said
//! elsewhere of order, lag, time limits and errors holds.
//!
//! **Inside an async runtime** a call that would block is an error of kind
//! `InvalidInput`, and no panic. There, use the async client, or call it within
//! `tokio::task::spawn_blocking`, where waiting does no harm. Dropping is fine
//! anywhere.
