//! What can go wrong, and what the caller can do about it.

mod reason;
mod rpc;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openai_codex_types::{CodexErrorInfo, PROTOCOL, RUNTIME_VERSION, TurnStatus};
use openai_codex_wire::redact;
use serde_json::value::RawValue;

pub use self::rpc::{RpcError, RpcErrorKind};
use crate::result::TurnResult;

/// The result of whatever talks to Codex.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of an undecodable text an error keeps.
const EVIDENCE: usize = 2048;

/// Why something did not work.
///
/// One word wide. [`kind`](Self::kind) says what to do about it, the predicates
/// answer the usual questions, and the rest is evidence. Its text is one line that says what
/// failed, why, where, and what to do about it, without what looks like a secret;
/// [`source`](StdError::source) has the error behind it all the same.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::ErrorKind;
///
/// match thread.run("Do the work.").await {
///     Ok(result) => println!("{:?}", result.final_response),
///     Err(error) if error.is_overloaded() => println!("later"),
///     Err(error) if error.kind() == ErrorKind::Turn => {
///         let items = error.turn_result().map_or(0, |partial| partial.items.len());
///         println!("{error}; {items} items were done before");
///     }
///     Err(error) => return Err(error),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    method: Option<Cow<'static, str>>,
    rpc: Option<RpcError>,
    raw: Option<Arc<str>>,
    stderr_tail: Option<Arc<str>>,
    turn: Option<Arc<TurnResult>>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The sort of an [`Error`].
///
/// ```
/// use openai_codex::{ErrorKind, RpcErrorKind};
///
/// fn advice(kind: ErrorKind) -> &'static str {
///     match kind {
///         ErrorKind::Launch => "install the runtime",
///         ErrorKind::Rpc(RpcErrorKind::Overloaded) => "try again later",
///         ErrorKind::Lagged { .. } => "read on",
///         _ => "tell the user",
///     }
/// }
/// assert_eq!(advice(ErrorKind::Lagged { skipped: 3 }), "read on");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The runtime could not be found or started.
    Launch,
    /// The runtime started, but the first exchange with it failed.
    Handshake,
    /// The connection is gone, for the reason that every waiter is given.
    Closed,
    /// The server answered with an error.
    Rpc(RpcErrorKind),
    /// What the server sent does not fit the type that was asked for.
    Decode,
    /// The turn failed, or its thread is gone and its end is not told.
    Turn,
    /// This subscriber was too slow, and events were left out.
    Lagged {
        /// How many.
        skipped: u64,
    },
    /// The time allowed was over.
    Timeout,
    /// The caller asked for something that cannot be sent.
    InvalidInput,
}

impl Error {
    /// What sort of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The wire method that was called, where there was one.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// The server's own words, if it answered with an error.
    pub fn rpc(&self) -> Option<&RpcError> {
        self.0.rpc.as_ref()
    }

    /// The beginning of the text that could not be decoded, at most 2 KiB, without
    /// what looks like a secret. Not kept for methods that may carry keys or tokens.
    pub fn raw(&self) -> Option<&str> {
        self.0.raw.as_deref()
    }

    /// The newest lines of the runtime's stderr, if it exited, without what looks like a secret.
    pub fn stderr_tail(&self) -> Option<&str> {
        self.0.stderr_tail.as_deref()
    }

    /// What there is of a turn that failed, timed out or was cut off: its items
    /// and usage so far.
    pub fn turn_result(&self) -> Option<&TurnResult> {
        self.0.turn.as_deref()
    }

    /// Why a turn failed, in the server's terms.
    pub fn codex_error_info(&self) -> Option<&CodexErrorInfo> {
        self.turn_result()?.codex_error_info()
    }

    /// Whether the server, or the model, had too much to do.
    pub fn is_overloaded(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Rpc(RpcErrorKind::Overloaded))
            || self.0.rpc.as_ref().is_some_and(RpcError::says_overloaded)
            || self.codex_error_info() == Some(&CodexErrorInfo::ServerOverloaded)
    }

    /// Whether the server says that the thread is not there: it was never stored (as an ephemeral
    /// one, or one without a turn), is archived or deleted, or its id can be none. Then it helps to
    /// start another one, or to [unarchive](crate::Codex::thread_unarchive) it.
    ///
    /// The server has no code of its own for that, so this goes by its words, as 0.133.0 to
    /// 0.171.0 have them. A thread whose file is damaged is there.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex, id: &str) -> openai_codex::Result<()> {
    /// let thread = match codex.thread_resume(id).await {
    ///     Err(error) if error.is_thread_missing() => codex.thread_start().await?,
    ///     resumed => resumed?,
    /// };
    /// # Ok(()) }
    /// ```
    pub fn is_thread_missing(&self) -> bool {
        self.0.rpc.as_ref().is_some_and(RpcError::says_missing)
    }

    /// Whether the thread is busy with what takes no input: a compaction or a review runs, or it
    /// is being unloaded. When that has ended, the same request works.
    ///
    /// By the server's words, as [`is_thread_missing`](Self::is_thread_missing).
    pub fn is_thread_busy(&self) -> bool {
        self.0.rpc.as_ref().is_some_and(RpcError::says_busy)
            || matches!(
                self.codex_error_info(),
                Some(CodexErrorInfo::ActiveTurnNotSteerable { .. })
            )
    }

    /// Whether the model's provider refused because nobody is logged in, or not any more.
    pub fn is_not_logged_in(&self) -> bool {
        self.0
            .rpc
            .as_ref()
            .is_some_and(RpcError::says_not_logged_in)
            || match self.codex_error_info() {
                Some(CodexErrorInfo::Unauthorized) => true,
                Some(CodexErrorInfo::HttpConnectionFailed(failed)) => {
                    failed.http_status_code == Some(401)
                }
                _ => false,
            }
            || self
                .turn_result()
                .and_then(|turn| turn.error.as_ref())
                .is_some_and(|error| rpc::says_not_logged_in(&error.message))
    }

    /// Whether the turn that this is about ended interrupted, as one does that
    /// ran into its timeout.
    pub fn is_interrupted(&self) -> bool {
        self.turn_result()
            .is_some_and(|turn| turn.status == TurnStatus::Interrupted)
    }

    /// Whether the same request can succeed if it is sent again later.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Rpc(RpcErrorKind::Overloaded) => true,
            ErrorKind::Rpc(RpcErrorKind::RetryLimit) => false,
            ErrorKind::Rpc(
                RpcErrorKind::Parse
                | RpcErrorKind::InvalidRequest
                | RpcErrorKind::MethodNotFound
                | RpcErrorKind::InvalidParams
                | RpcErrorKind::Internal
                | RpcErrorKind::Other(_),
            ) => self.is_overloaded() || self.is_thread_busy(),
            // A timeout says nothing about whether the request took effect.
            ErrorKind::Turn => self.is_overloaded(),
            ErrorKind::Timeout
            | ErrorKind::Launch
            | ErrorKind::Handshake
            | ErrorKind::Closed
            | ErrorKind::Decode
            | ErrorKind::Lagged { .. }
            | ErrorKind::InvalidInput => false,
        }
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.0.kind == ErrorKind::Closed
    }

    /// Whether the time allowed was over.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// An error without secrets in what it says, wherever that came from.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = match message.into() {
            Cow::Owned(message) => redact::text(&message).into_owned().into(),
            ours => ours,
        };
        Self(Box::new(Inner {
            kind,
            message,
            method: None,
            rpc: None,
            raw: None,
            stderr_tail: None,
            turn: None,
            source: None,
        }))
    }

    pub(crate) fn closed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Closed, message)
    }

    pub(crate) fn answered(method: impl Into<Cow<'static, str>>, rpc: RpcError) -> Self {
        let message = rpc.told();
        let mut error = Self::new(ErrorKind::Rpc(rpc.kind()), message).with_method(method);
        error.0.rpc = Some(rpc);
        error
    }

    /// Takes out of the server's words what they repeat of the params of a method
    /// that may carry keys or tokens.
    pub(crate) fn without_echo(mut self, method: &str, params: Option<&RawValue>) -> Self {
        if let (Some(rpc), Some(params)) = (&mut self.0.rpc, params)
            && may_hold_secrets(method)
        {
            rpc.forget(params);
            self.0.message = rpc.told().into();
        }
        self
    }

    pub(crate) fn turn_failed(turn: TurnResult) -> Self {
        let message = match &turn.error {
            Some(error) => format!("the turn failed: {}", error.message),
            None => "the turn failed, and the server gave no reason".to_owned(),
        };
        let mut error = Self::new(ErrorKind::Turn, message).with_turn_result(turn);
        if error.is_not_logged_in() {
            let said = &error.0.message;
            error.0.message = format!(
                "{said}; log in first, by Codex::login_api_key, login_chatgpt or \
                 login_chatgpt_device_code"
            )
            .into();
        }
        error
    }

    pub(crate) fn with_turn_result(mut self, turn: TurnResult) -> Self {
        self.0.turn = Some(Arc::new(turn));
        self
    }

    pub(crate) fn timed_out(method: impl Into<Cow<'static, str>>, after: Duration) -> Self {
        let message = format!(
            "no answer within {after:?}; the runtime may still act on it, so check before sending \
             it again, or allow more time by CodexBuilder::request_timeout"
        );
        Self::new(ErrorKind::Timeout, message).with_method(method)
    }

    /// So many lines were skipped meanwhile, one of which may have been what is waited for.
    pub(crate) fn after_skipping(mut self, lines: u64, last: &str) -> Self {
        let said = match lines {
            0 => return self,
            1 => format!(
                "a line was skipped meanwhile, which is no message and begins with {last:?}"
            ),
            _ => format!(
                "{lines} lines were skipped meanwhile, which are no messages; the last one begins \
                 with {last:?}"
            ),
        };
        let said = said.replace("; ", ", ");
        self.0.message = reason::with(&self.0.message, &said).into();
        self
    }

    pub(crate) fn lagged(skipped: u64) -> Self {
        let message = format!(
            "{skipped} events were left out because this subscriber did not keep up; read faster \
             or enlarge the buffer by CodexBuilder::event_buffer"
        );
        Self::new(ErrorKind::Lagged { skipped }, message)
    }

    pub(crate) fn undecodable(
        method: impl Into<Cow<'static, str>>,
        raw: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let method = method.into();
        let is_secret = may_hold_secrets(&method);
        let what = match reason::is_too_deep(&source.to_string()) {
            true => "what the server sent is nested too deeply to be read",
            false => "what the server sent does not fit the expected type",
        };
        let evidence_is = match is_secret {
            true => "its text is not kept, since keys or tokens may be in it",
            false => "Error::raw has the beginning of it",
        };
        let mut error = Self::new(ErrorKind::Decode, format!("{what}; {evidence_is}"))
            .with_method(method)
            .with_source(source);
        error.0.raw = (!is_secret).then(|| evidence(raw));
        error
    }

    /// Names the program, which may be another one than the user thinks.
    pub(crate) fn started_as(mut self, program: &Path) -> Self {
        let message = format!(
            "{}; the program is {}: check that it is a codex, and which one",
            self.0.message,
            program.display()
        );
        self.0.message = redact::text(&message).into_owned().into();
        self
    }

    /// What cannot be decoded may be so because the runtime is not the one that the types are of.
    pub(crate) fn sent_by(mut self, version: Option<&str>) -> Self {
        if let Some(version) = version.filter(|version| *version != RUNTIME_VERSION) {
            let message = format!(
                "{}; the runtime is codex {version}, and this version of openai-codex is made for \
                 {RUNTIME_VERSION}: use that one, or the version of openai-codex for the other",
                self.0.message
            );
            self.0.message = redact::text(&message).into_owned().into();
        }
        self
    }

    /// The agent's answer is not of the type that was asked for.
    #[cfg(feature = "schemars")]
    pub(crate) fn unfit_answer(text: &str, source: serde_json::Error) -> Self {
        let place = reason::member_at(text, source.line(), source.column());
        let what = match place.is_empty() {
            true => "the answer".to_owned(),
            false => format!("`{place}` of the answer"),
        };
        let message = format!(
            "{what} does not have the form that was asked for; ask again, or read the text in the \
             turn's final_response"
        );
        let mut error = Self::new(ErrorKind::Decode, message).with_source(source);
        error.0.raw = Some(evidence(text));
        error
    }

    pub(crate) fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_method(mut self, method: impl Into<Cow<'static, str>>) -> Self {
        self.0.method = Some(method.into());
        self
    }

    /// Keeps the error behind this one, and tells what it says in the line of this one if that
    /// does not already.
    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        let said = reason::told(&source);
        let said = redact::text(&said);
        if !said.is_empty() && !self.0.message.contains(&*said) {
            self.0.message = reason::with(&self.0.message, &said).into();
        }
        self.keeping(source)
    }

    /// Keeps an error that adds nothing to the reason.
    pub(crate) fn keeping(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn with_stderr_tail(mut self, tail: &str) -> Self {
        self.0.stderr_tail = Some(redact::text(tail).into());
        self
    }

    /// The same error for the next of several waiters.
    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(method) = &self.0.method {
            write!(f, "{method}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind)
            .field("message", &self.0.message);
        if let Some(method) = &self.0.method {
            out.field("method", method);
        }
        if let Some(tail) = &self.0.stderr_tail {
            out.field("stderr_tail", tail);
        }
        if let Some(source) = &self.0.source {
            // It may quote what was sent or answered.
            let source = format!("{source:?}");
            out.field("source", &format_args!("{}", redact::text(&source)));
        }
        out.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + 'static) = self.0.source.as_deref()?;
        Some(source)
    }
}

/// Whether what a method carries must not be kept as evidence: keys, tokens and the like. A
/// line that is no message has no method, and only itself to show.
fn may_hold_secrets(method: &str) -> bool {
    !method.is_empty() && PROTOCOL.is_secret(method)
}

/// What an error keeps of a text, without its secrets.
fn evidence(text: &str) -> Arc<str> {
    // Further than is kept, so that none is cut in two before it is found.
    let said = redact::text(cut(text, 2 * EVIDENCE));
    cut(&said, EVIDENCE).into()
}

/// At most `limit` bytes from the beginning of `text`.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
