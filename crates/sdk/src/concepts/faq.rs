//! Questions and answers.
//!
//! # Do I need Python, or Node?
//!
//! No. `openai-codex-runtime install` fetches the runtime through `uv`, `pip` or
//! `npm`, whichever is there. Without any of them, put a `codex` binary on the `PATH`
//! or name it in `CODEX_BIN`.
//!
//! # Which binary is used?
//!
//! The first of: [`codex_bin`](crate::CodexBuilder::codex_bin); `$CODEX_BIN`; the
//! pinned one in the cache; `codex` on the `PATH`, if its version will do. If there
//! is none, the error names each place.
//!
//! # Does it work offline?
//!
//! The SDK does. The agent needs its model. For tests and demos, a
//! [scripted one](super::testing) will do.
//!
//! # How do I log in?
//!
//! Once per `CODEX_HOME`, by [`login_api_key`](crate::Codex::login_api_key),
//! [`login_chatgpt`](crate::Codex::login_chatgpt) or
//! [`login_chatgpt_device_code`](crate::Codex::login_chatgpt_device_code), or with
//! `codex login`. The runtime keeps it.
//!
//! # Why does a turn not end?
//!
//! Mostly the agent is still at work. Look at its events. A model that cannot be
//! reached is retried for ever: watch for the event `error` with `will_retry`, and set
//! a [`timeout`](crate::Run::timeout). Approvals never hold a turn up for lack of a
//! handler, but a handler that waits for a person does.
//!
//! # How many turns at once?
//!
//! As many threads as you like, one turn each. 64 requests may be unanswered at a
//! time ([`max_in_flight`](crate::CodexBuilder::max_in_flight)); further ones wait.
//!
//! # One client or many?
//!
//! One, and clones of it: they share the process. A second client is a second
//! process, for another `CODEX_HOME` or another environment.
//!
//! # Do I need tokio?
//!
//! A [`Codex`](crate::Codex) is made inside of a tokio runtime with I/O and time. What
//! it gives may be awaited by any executor, as long as that runtime lives.
//! [`blocking`](crate::blocking) needs none at all.
//!
//! # Why is the client closed in my second test?
//!
//! Each `#[tokio::test]` has a runtime of its own, and a client ends with the one that
//! it was made in. Make one per test; it takes a tenth of a second.
//!
//! # Why is `final_response` `None`?
//!
//! The agent ended the turn without a message, or with commentary alone. The `items`
//! have everything.
//!
//! # How do I send a field that has no setter?
//!
//! By `params`, which every builder has:
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! let result = thread
//!     .run("Hello.")
//!     .params(|params| params.client_user_message_id("m-1"))
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # How do I call a method that has no function here?
//!
//! Every method of the protocol has: [`Codex::rpc`](crate::Codex::rpc) with the trait
//! [`Methods`](crate::types::Methods) in scope, or [`Codex::call`](crate::Codex::call)
//! with its params.
//!
//! ```no_run
//! # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
//! use openai_codex::types::{Methods, ThreadLoadedListParams};
//!
//! let loaded = codex.rpc().thread_loaded_list(ThreadLoadedListParams::new()).await?;
//! # Ok(()) }
//! ```
//!
//! # How do I set a field to null?
//!
//! Where the protocol tells null from absent there is a setter for it, such as
//! [`clear_service_tier`](crate::ThreadStart::clear_service_tier).
//!
//! # How do I send a picture?
//!
//! `InputItem::local_image("path.png")`, or `InputItem::image` with a data URL. Links
//! to the web are refused.
//!
//! # How do I see what happens on the wire?
//!
//! [`CodexBuilder::record`](crate::CodexBuilder::record) writes it to a file.
//!
//! # What is logged?
//!
//! The crate speaks by `tracing`: spans `codex`, `thread`, `turn` and `request` with
//! their ids; warnings for what was refused, skipped or not understood. The runtime's
//! own log is on its stderr, of which an error keeps
//! [the newest lines](crate::Error::stderr_tail) and the file that the variable
//! `OPENAI_CODEX_STDERR` names all; set `RUST_LOG` for it by
//! [`env`](crate::CodexBuilder::env).
//!
//! # Which platforms?
//!
//! Whatever the runtime is packaged for; Linux is what the tests run on.
