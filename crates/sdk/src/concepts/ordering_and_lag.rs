//! Ordering and lag: which events come, in what order, and what if you are too
//! slow.
//!
//! # Three places to listen
//!
//! | stream | what it has |
//! |---|---|
//! | [`TurnHandle::stream`](crate::TurnHandle::stream) | one turn, up to and including `turn/completed`, then `None` |
//! | [`Thread::events`](crate::Thread::events) | all that carries the thread's id, from now on, whoever started it |
//! | [`Codex::events`](crate::Codex::events) | what concerns no thread (accounts, configuration warnings, models), and turns that nobody watches |
//!
//! Every subscriber has its own place: two streams of one turn both get every
//! event. Each sees the events in the order in which the server sent them. The
//! first stream of a turn that you started begins with the first event, even if
//! that came before the server had answered `turn/start`, as it often does. A
//! stream that comes later begins when it is made. The first `Codex::events`
//! has everything from the first byte on.
//!
//! # What a turn looks like
//!
//! `turn/started`, then per item `item/started`, its deltas, `item/completed`;
//! `thread/tokenUsage/updated`; and last `turn/completed`. Trust the pairs, and
//! not what is between them:
//!
//! - After a broken connection to the model, an item may start again under the
//!   same id: forget its deltas on `item/started`.
//! - After an interrupt, items that were started are never completed.
//! - The first output of a command is not in its deltas; its `item/completed`
//!   has all of it.
//! - Sub-agents have threads of their own, whose events come under their own id.
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! use openai_codex::types::ServerNotification;
//!
//! let turn = thread.turn("Run the tests.").await?;
//! let mut events = turn.stream();
//! while let Some(event) = events.next().await {
//!     let event = event?;
//!     if event.skipped_before() > 0 {
//!         println!("… {} events were left out …", event.skipped_before()); // we were too slow
//!     }
//!     match event.decode()? {
//!         ServerNotification::ItemStarted(started) => println!("{}", started.item.kind()),
//!         ServerNotification::Unrecognized(_) => {} // newer than this SDK
//!         _ => {}
//!     }
//! }
//! let result = turn.run().await?; // complete, whatever became of the stream
//! # Ok(()) }
//! ```
//!
//! # Lag
//!
//! The connection never waits for a subscriber, so a slow one holds up nobody:
//! neither the agent, nor other streams, nor requests. What it has not read waits
//! in memory, within the bounds of
//! [`EventBuffer`](crate::EventBuffer):
//!
//! 1. Past 4,096 events or 4 MiB, **best-effort** events are skipped: output of
//!    commands as it appears, progress, status. That goes on until half of what waits
//!    has been read; then the next event says how many were left out, by
//!    [`skipped_before`](crate::Event::skipped_before), or the last event of the turn
//!    does. A loop that does not ask goes on. Who wants an error in that place, of kind
//!    [`Lagged { skipped }`](crate::ErrorKind::Lagged), asks for
//!    [`lag_as_errors`](crate::TurnStream::lag_as_errors).
//! 2. **Lossless** events are kept beyond that: `turn/started` and
//!    `turn/completed`, `item/started` and `item/completed`, the deltas of
//!    messages, plans and reasoning, token usage, errors.
//! 3. Past 65,536 events or 64 MiB, not even those can be kept. A turn's stream
//!    then ends with `Lagged`, because a transcript with a hole is none. The
//!    streams of a thread and of the connection drop their oldest events instead,
//!    and say how many.
//!
//! **Results cannot lag.** [`run`](crate::TurnHandle::run) does not read a stream:
//! its items and usage are kept apart, as they arrive. If all you want is the
//! result, use [`Thread::run`](crate::Thread::run), which keeps no events at all.
//!
//! # Decoding
//!
//! Nothing is decoded until you ask: [`method`](crate::Event::method),
//! [`text_delta`](crate::Event::text_delta) and the ids are free of it.
//! [`decode`](crate::Event::decode) reads the whole payload on your task.
//! [`raw`](crate::Event::raw) is the message as it came.
