//! Errors and retry: what can go wrong, what is left of it, what to try again.
//!
//! There is one [`Error`](crate::Error). Its [`kind`](crate::Error::kind) says what
//! to do:
//!
//! | [`ErrorKind`](crate::ErrorKind) | what happened | what to do |
//! |---|---|---|
//! | `Launch` | no runtime was found, or it did not start | the message says where it was looked for, and what installs it |
//! | `Handshake` | it started and did not answer as it should | [`stderr_tail`](crate::Error::stderr_tail); is it another version? |
//! | `Closed` | the connection is gone | start a new client and resume the thread |
//! | `Rpc` | the server answered with an error | [`rpc`](crate::Error::rpc) has its code and words |
//! | `Turn` | the turn failed | [`codex_error_info`](crate::Error::codex_error_info), [`turn_result`](crate::Error::turn_result) |
//! | `Timeout` | the time allowed was over | it may have taken effect all the same |
//! | `Decode` | something did not have its form | [`raw`](crate::Error::raw) has its beginning |
//! | `Lagged` | this subscriber was so slow that not even lossless events could be kept | [read faster](super::ordering_and_lag) |
//! | `InvalidInput` | it cannot be sent as it is | nothing was sent, except where a resumed thread [ignored](crate::ThreadResume) what was asked for |
//!
//! Its text is one line with what failed, why, where and what to do, so that
//! `eprintln!("{error}")` is enough; `source()` has the error behind it.
//!
//! | predicate | when |
//! |---|---|
//! | [`is_thread_missing`](crate::Error::is_thread_missing) | the thread was never stored, is archived, or its id can be none |
//! | [`is_thread_busy`](crate::Error::is_thread_busy) | a compaction or a review runs in it: the same works later |
//! | [`is_not_logged_in`](crate::Error::is_not_logged_in) | the model's provider answered 401 |
//! | [`is_overloaded`](crate::Error::is_overloaded) | the server or the model has too much to do |
//!
//! # A turn that fails
//!
//! It is an `Err`, so that `?` does not pass over it, and it holds what was done
//! before:
//!
//! ```
//! # use openai_codex::Codex;
//! # use openai_codex_testkit::{MockModel, TestRuntime};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let model = MockModel::start()?;
//! # model.usage_limit_reached();
//! # let runtime = TestRuntime::new(&model)?;
//! # let builder = Codex::builder().codex_bin(runtime.binary()).envs(runtime.env());
//! # let codex = builder.cwd(runtime.workspace()).await?;
//! # let thread = codex.thread_start().await?;
//! use openai_codex::ErrorKind;
//! use openai_codex::types::CodexErrorInfo;
//!
//! let error = thread.run("Do all the work.").await.unwrap_err();
//!
//! assert_eq!(error.kind(), ErrorKind::Turn);
//! assert_eq!(error.codex_error_info(), Some(&CodexErrorInfo::UsageLimitExceeded));
//! let partial = error.turn_result().expect("a failed turn has a result");
//! println!("{error}; {} items were done before", partial.items.len());
//! # codex.close().await?;
//! # Ok(()) }
//! ```
//!
//! | the model | `codex_error_info` |
//! |---|---|
//! | has too much to do | `ServerOverloaded` |
//! | says that your limit is used up | `UsageLimitExceeded` |
//! | answers 429 otherwise | `ResponseTooManyFailedAttempts` or `RateLimitExceeded` |
//! | has no room for the conversation | `ContextWindowExceeded`: compact it or start anew |
//! | answers 401, 403, 404, 413 or 503 | `HttpConnectionFailed` with the status |
//! | answers 500 | `InternalServerError` |
//! | breaks off | `Other`, or a form with `Response…` in its name |
//!
//! An event `error` with `will_retry` is progress and no failure: the runtime
//! tries again by itself. A model that refuses connections is retried for ever;
//! give such turns a [`timeout`](crate::Run::timeout).
//!
//! An `error` without `will_retry`, or a thread in the state `systemError`, is a failure
//! even if the turn is not completed: the runtime has three seconds for its
//! `turn/completed`, which then counts. After them, [`run`](crate::TurnHandle::run) and
//! the last item of a [`stream`](crate::TurnHandle::stream) are that `Err`, with the reason
//! and the items so far. A completion that comes later is told to the events of the
//! thread, and to whoever asks the handle again.
//!
//! # Trying again
//!
//! Besides a thread that is busy, only overload is worth it, and only for what may happen twice.
//!
//! - Requests that **only read** (`thread/list`, `model/list`, `account/read` …)
//!   are tried three times by themselves. Nothing that changes anything ever is.
//! - For the rest there is [`retry_on_overload`](crate::retry_on_overload). It calls
//!   your closure again while [`is_overloaded`](crate::Error::is_overloaded), with
//!   growing pauses, within a budget. With a turn in it, each attempt is a turn of
//!   its own: the thread remembers your words as often.
//!
//! ```no_run
//! # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
//! use std::time::Duration;
//! use openai_codex::{RetryPolicy, retry_on_overload};
//!
//! let policy = RetryPolicy::new().max_attempts(5).budget(Some(Duration::from_secs(120)));
//! let result = retry_on_overload(policy, || async { thread.run("Summarise the diff.").await }).await?;
//! # Ok(()) }
//! ```
//!
//! After a `Timeout`, look before you repeat: [`Thread::read`](crate::Thread::read)
//! tells what became of it.
//!
//! # What errors do not say
//!
//! API keys and tokens are in no `Debug`, `Display` or log line of this crate, and
//! what the user says is in no error's text. The server's own words are passed on as
//! they are; [`raw`](crate::Error::raw) and a [`TurnResult`](crate::TurnResult) hold
//! what was said, so think before you log those.
