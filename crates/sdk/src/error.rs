//! What can go wrong, and what the caller can do about it.

#[cfg(feature = "schemars")]
mod member;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use openai_codex_types::{CodexErrorInfo, PROTOCOL, RUNTIME_VERSION, TurnStatus};
use serde_json::value::RawValue;

use openai_codex_connection::{Error as Base, ErrorKind as BaseKind, says_not_logged_in};
pub use openai_codex_connection::{RpcError, RpcErrorKind};

use crate::result::TurnResult;

/// The result of whatever talks to Codex.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
    /// All but what only turns have.
    base: Base,
    turn: Option<Arc<TurnResult>>,
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

impl ErrorKind {
    fn of(kind: BaseKind) -> Self {
        match kind {
            BaseKind::Launch => Self::Launch,
            BaseKind::Handshake => Self::Handshake,
            BaseKind::Closed => Self::Closed,
            BaseKind::Rpc(kind) => Self::Rpc(kind),
            BaseKind::Decode => Self::Decode,
            BaseKind::Turn => Self::Turn,
            BaseKind::Lagged { skipped } => Self::Lagged { skipped },
            BaseKind::Timeout => Self::Timeout,
            BaseKind::InvalidInput => Self::InvalidInput,
        }
    }

    fn base(self) -> BaseKind {
        match self {
            Self::Launch => BaseKind::Launch,
            Self::Handshake => BaseKind::Handshake,
            Self::Closed => BaseKind::Closed,
            Self::Rpc(kind) => BaseKind::Rpc(kind),
            Self::Decode => BaseKind::Decode,
            Self::Turn => BaseKind::Turn,
            Self::Lagged { skipped } => BaseKind::Lagged { skipped },
            Self::Timeout => BaseKind::Timeout,
            Self::InvalidInput => BaseKind::InvalidInput,
        }
    }
}

impl From<Base> for Error {
    fn from(base: Base) -> Self {
        Self(Box::new(Inner { base, turn: None }))
    }
}

impl Error {
    /// What sort of error this is.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(self.0.base.kind())
    }

    /// The wire method that was called, where there was one.
    pub fn method(&self) -> Option<&str> {
        self.0.base.method()
    }

    /// The server's own words, if it answered with an error.
    ///
    /// ```no_run
    /// # fn example(error: openai_codex::Error) {
    /// if let Some(rpc) = error.rpc() {
    ///     println!("{} {} {:?}", rpc.code, rpc.message, rpc.data);
    /// }
    /// # }
    /// ```
    pub fn rpc(&self) -> Option<&RpcError> {
        self.0.base.rpc()
    }

    /// The beginning of the text that could not be decoded, at most 2 KiB, without
    /// what looks like a secret. Not kept for methods that may carry keys or tokens.
    pub fn raw(&self) -> Option<&str> {
        self.0.base.raw()
    }

    /// The newest lines of the runtime's stderr, if it exited, without what looks like a secret.
    pub fn stderr_tail(&self) -> Option<&str> {
        self.0.base.stderr_tail()
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
        matches!(self.kind(), ErrorKind::Rpc(RpcErrorKind::Overloaded))
            || self.rpc().is_some_and(RpcError::says_overloaded)
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
        self.rpc().is_some_and(RpcError::says_missing)
    }

    /// Whether the thread is busy with what takes no input: a compaction or a review runs, or it
    /// is being unloaded. When that has ended, the same request works.
    ///
    /// By the server's words, as [`is_thread_missing`](Self::is_thread_missing).
    pub fn is_thread_busy(&self) -> bool {
        self.rpc().is_some_and(RpcError::says_busy)
            || matches!(
                self.codex_error_info(),
                Some(CodexErrorInfo::ActiveTurnNotSteerable { .. })
            )
    }

    /// Whether the model's provider refused because nobody is logged in, or not any more.
    pub fn is_not_logged_in(&self) -> bool {
        self.rpc().is_some_and(RpcError::says_not_logged_in)
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
                .is_some_and(|error| says_not_logged_in(&error.message))
    }

    /// Whether the turn that this is about ended interrupted, as one does that
    /// ran into its timeout.
    pub fn is_interrupted(&self) -> bool {
        self.turn_result()
            .is_some_and(|turn| turn.status == TurnStatus::Interrupted)
    }

    /// Whether the same request can succeed if it is sent again later.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Rpc(RpcErrorKind::Overloaded) => true,
            ErrorKind::Rpc(RpcErrorKind::RetryLimit) => false,
            ErrorKind::Rpc(
                RpcErrorKind::Parse
                | RpcErrorKind::InvalidRequest
                | RpcErrorKind::MethodNotFound
                | RpcErrorKind::InvalidParams
                | RpcErrorKind::Internal
                | RpcErrorKind::Other(_)
                | _,
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
        self.kind() == ErrorKind::Closed
    }

    /// Whether the time allowed was over.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// An error without secrets in what it says, wherever that came from.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Base::new(kind.base(), message).into()
    }

    #[cfg(test)]
    pub(crate) fn answered(method: impl Into<Cow<'static, str>>, rpc: RpcError) -> Self {
        Base::answered(method, rpc).into()
    }

    /// Takes out of the server's words what they repeat of the params of a method
    /// that may carry keys or tokens.
    pub(crate) fn without_echo(self, method: &str, params: Option<&RawValue>) -> Self {
        match params.filter(|_| may_hold_secrets(method)) {
            Some(params) => self.map(|base| base.without_echo(params)),
            None => self,
        }
    }

    pub(crate) fn turn_failed(turn: TurnResult) -> Self {
        let message = match &turn.error {
            Some(error) => format!("the turn failed: {}", error.message),
            None => "the turn failed, and the server gave no reason".to_owned(),
        };
        let error = Self::new(ErrorKind::Turn, message).with_turn_result(turn);
        if !error.is_not_logged_in() {
            return error;
        }
        error.map(|base| {
            let message = format!(
                "{}; log in first, by Codex::login_api_key, login_chatgpt or \
                 login_chatgpt_device_code",
                base.message()
            );
            base.saying(message)
        })
    }

    pub(crate) fn with_turn_result(mut self, turn: TurnResult) -> Self {
        self.0.turn = Some(Arc::new(turn));
        self
    }

    pub(crate) fn undecodable(
        method: impl Into<Cow<'static, str>>,
        raw: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let method = method.into();
        let is_secret = may_hold_secrets(&method);
        Base::undecodable(method, raw, is_secret, source).into()
    }

    /// What cannot be decoded may be so because the runtime is not the one that the types are of.
    pub(crate) fn sent_by(self, version: Option<&str>) -> Self {
        let Some(version) = version.filter(|version| *version != RUNTIME_VERSION) else {
            return self;
        };
        self.map(|base| {
            let message = format!(
                "{}; the runtime is codex {version}, and this version of openai-codex is made for \
                 {RUNTIME_VERSION}: use that one, or the version of openai-codex for the other",
                base.message()
            );
            base.saying(message)
        })
    }

    /// The agent's answer is not of the type that was asked for.
    #[cfg(feature = "schemars")]
    pub(crate) fn unfit_answer(text: &str, source: serde_json::Error) -> Self {
        let place = member::member_at(text, source.line(), source.column());
        let what = match place.is_empty() {
            true => "the answer".to_owned(),
            false => format!("`{place}` of the answer"),
        };
        let message = format!(
            "{what} does not have the form that was asked for; ask again, or read the text in the \
             turn's final_response"
        );
        let error = Self::new(ErrorKind::Decode, message).with_source(source);
        error.map(|base| base.with_raw(text))
    }

    pub(crate) fn into_kind(self, kind: ErrorKind) -> Self {
        self.map(|base| base.into_kind(kind.base()))
    }

    pub(crate) fn with_method(self, method: impl Into<Cow<'static, str>>) -> Self {
        self.map(|base| base.with_method(method))
    }

    /// Keeps the error behind this one, and tells what it says in the line of this one if that
    /// does not already.
    pub(crate) fn with_source(self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.map(|base| base.with_source(source))
    }

    fn map(self, change: impl FnOnce(Base) -> Base) -> Self {
        let Inner { base, turn } = *self.0;
        let base = change(base);
        Self(Box::new(Inner { base, turn }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.base.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.base, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.base.source()
    }
}

/// Whether what a method carries must not be kept as evidence: keys, tokens and the like. A
/// line that is no message has no method, and only itself to show.
fn may_hold_secrets(method: &str) -> bool {
    !method.is_empty() && PROTOCOL.is_secret(method)
}

#[cfg(test)]
mod tests;
