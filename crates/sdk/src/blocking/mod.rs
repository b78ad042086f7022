//! The same client for programs without an async runtime.
//!
//! Every type and function of the crate is here under its own name; what is
//! awaited there is [`send`](ThreadStart::send) here for a builder and a plain
//! call for the rest, and streams are iterators. Types that do no I/O
//! ([`Event`](crate::Event), [`TurnResult`](crate::TurnResult),
//! [`Error`](crate::Error), inputs, modes) are the same ones.
//!
//! ```no_run
//! use openai_codex::blocking::Codex;
//!
//! fn main() -> openai_codex::Result<()> {
//!     let codex = Codex::new()?;
//!     let thread = codex.thread_start().model("gpt-5.4").send()?;
//!     let result = thread.run("Say hello in one sentence.").send()?;
//!     println!("{}", result.final_response.as_deref().unwrap_or("(no answer)"));
//!     codex.close()
//! }
//! ```
//!
//! Each [`Codex`] has one thread of its own that talks to the runtime; the
//! client behind it is the async one, so that everything said there of ordering,
//! lag, timeouts and errors holds here.
//!
//! [Handlers](crate::Handlers) and [tools](crate::Tool) are the async ones as well:
//! they run on that thread while a call waits, so whatever takes long in them
//! belongs on a thread of its own.
//!
//! **Inside an async runtime** every call that would block is an error of kind
//! `InvalidInput` and not a panic. Use the async [`Codex`](crate::Codex) there, or a
//! thread that may wait: one of your own, or of `tokio::task::spawn_blocking`.
//! Dropping is possible anywhere.

mod codex;
mod config;
mod event;
mod list;
mod login;
mod options;
mod retry;
mod run;
mod runtime;
mod start;
mod thread;
mod turn;

pub use codex::{Codex, Rpc};
pub use config::CodexBuilder;
pub use event::{EventStream, TurnStream};
pub use list::{Models, ThreadList, ThreadListStream};
pub use login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
pub use retry::retry_on_overload;
#[cfg(feature = "schemars")]
pub use run::RunAs;
pub use run::{Run, StartTurn};
pub use start::{ThreadFork, ThreadResume, ThreadStart};
pub use thread::Thread;
pub use turn::TurnHandle;
