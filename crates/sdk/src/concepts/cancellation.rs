//! Cancellation: what happens to what you drop, and how to stop the agent.
//!
//! | you drop | what happens |
//! |---|---|
//! | the future of [`Thread::run`](crate::Thread::run) | the turn is interrupted, if this call started it; a turn that it joined goes on |
//! | the future of [`Thread::turn`](crate::Thread::turn) | nothing if it was not sent; else the turn that it started is interrupted |
//! | a [`TurnHandle`](crate::TurnHandle) | nothing: the turn goes on. [`interrupt_on_drop`](crate::TurnHandle::interrupt_on_drop) changes that |
//! | the future of [`TurnHandle::run`](crate::TurnHandle::run) | nothing; call it again |
//! | a stream | nothing |
//! | the future of [`Codex::call`](crate::Codex::call) | the answer is thrown away; the server may act all the same |
//! | the future of [`Codex::close`](crate::Codex::close) | the ending goes on |
//! | the last clone of everything | the runtime ends, and leaves no process behind |
//!
//! The next turn of the thread may be started at once: it is a turn of its own, and not
//! one that is interrupted with what you dropped.
//!
//! `next()` of every stream is cancel safe, so it can stand in a `select!`: an
//! event that was not returned was not taken.
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread, stop: impl Future<Output = ()>) -> openai_codex::Result<()> {
//! let turn = thread.turn("Refactor everything.").await?;
//! let mut events = turn.stream();
//! let mut stop = std::pin::pin!(stop);
//! loop {
//!     tokio::select! {
//!         event = events.next() => match event {
//!             Some(event) => print!("{}", event?.text_delta().unwrap_or_default()),
//!             None => break,
//!         },
//!         () = &mut stop => {
//!             turn.interrupt().await?;
//!             break;
//!         }
//!     }
//! }
//! let result = turn.run().await?; // status Interrupted, with the items so far
//! # Ok(()) }
//! ```
//!
//! # Interrupting
//!
//! [`interrupt`](crate::TurnHandle::interrupt) asks the runtime to stop the turn. It
//! then ends with status `Interrupted`, which is no error. To interrupt a turn
//! that has ended, or to do so twice, does nothing. A command that the agent was
//! running may live on as a background terminal until the runtime ends.
//!
//! A review has two ids: one in the answer to `review/start`, by which
//! [`Thread::turn_handle`](crate::Thread::turn_handle) gives its handle, and one in
//! `turn/started`, by which alone the runtime interrupts it. The handle knows:
//! `interrupt`, `interrupt_on_drop` and time limits stop the review. A turn that is known
//! as anybody's is not interrupted instead.
//!
//! # Time limits
//!
//! - [`timeout`](crate::Run::timeout) of a turn: it is interrupted, and you get an
//!   error of kind `Timeout` whose [`turn_result`](crate::Error::turn_result) holds
//!   what there is. A turn has no limit by default.
//! - [`request_timeout`](crate::CodexBuilder::request_timeout), 60 seconds: how long
//!   the server may take to answer a single request. It is not about turns, whose
//!   request is answered at their start. Requests that wait for a person, a command
//!   or the network by their nature (`command/exec`, `mcpServer/tool/call` and a few
//!   more) have none.
//! - Any other limit is yours: `tokio::time::timeout` around a future does what the
//!   table says.
//!
//! # When the connection ends
//!
//! Nothing hangs. Whatever waits gets an error of kind
//! [`Closed`](crate::ErrorKind::Closed) with the reason, and so does everything that
//! is called later. [`Codex::closed`](crate::Codex::closed) resolves with it.
//!
//! Nor does a turn hang whose end the runtime tells in another way than by its completion:
//! see [threads and turns](super::threads_and_turns#the-result).
