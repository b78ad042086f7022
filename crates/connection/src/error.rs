//! Why something did not work, as far as a connection knows.

mod reason;
mod rpc;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openai_codex_wire::redact;
use serde_json::value::RawValue;

pub use self::rpc::{RpcError, RpcErrorKind, says_not_logged_in};

/// The result of whatever a connection does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of an undecodable text an error keeps.
const EVIDENCE: usize = 2048;

/// Why something did not work: one word wide, its text one line without what looks like a secret.
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
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The sort of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The runtime could not be found or started.
    Launch,
    /// The runtime started, but the first exchange with it failed.
    Handshake,
    /// The connection is gone, for the reason that every waiter is given.
    Closed,
    /// The server answered with an error.
    Rpc(RpcErrorKind),
    /// What the server sent does not fit what was asked for.
    Decode,
    /// Nothing will tell of the end of a turn.
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

    /// What failed, why, and what to do about it, without the method.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The wire method that was called, where there was one.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// The server's own words, if it answered with an error.
    pub fn rpc(&self) -> Option<&RpcError> {
        self.0.rpc.as_ref()
    }

    /// The beginning of the text that could not be decoded, without what looks like a secret.
    pub fn raw(&self) -> Option<&str> {
        self.0.raw.as_deref()
    }

    /// The newest lines of the runtime's stderr, if it exited.
    pub fn stderr_tail(&self) -> Option<&str> {
        self.0.stderr_tail.as_deref()
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
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: without_secrets(message.into()),
            method: None,
            rpc: None,
            raw: None,
            stderr_tail: None,
            source: None,
        }))
    }

    /// The connection is gone.
    pub fn closed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Closed, message)
    }

    /// The server answered with an error.
    pub fn answered(method: impl Into<Cow<'static, str>>, rpc: RpcError) -> Self {
        let message = rpc.told();
        let mut error = Self::new(ErrorKind::Rpc(rpc.kind()), message).with_method(method);
        error.0.rpc = Some(rpc);
        error
    }

    /// Takes out of the server's words what they repeat of `params`, which may carry keys or
    /// tokens.
    pub fn without_echo(mut self, params: &RawValue) -> Self {
        if let Some(rpc) = &mut self.0.rpc {
            rpc.forget(params);
            self.0.message = rpc.told().into();
        }
        self
    }

    /// There was no answer in time.
    pub fn timed_out(method: impl Into<Cow<'static, str>>, after: Duration) -> Self {
        let message = format!(
            "no answer within {after:?}; the runtime may still act on it, so check before sending \
             it again, or allow more time by CodexBuilder::request_timeout"
        );
        Self::new(ErrorKind::Timeout, message).with_method(method)
    }

    /// So many lines were skipped meanwhile, one of which may have been what is waited for.
    pub fn after_skipping(mut self, lines: u64, last: &str) -> Self {
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

    /// A subscriber was too slow.
    pub fn lagged(skipped: u64) -> Self {
        let message = format!(
            "{skipped} events were left out because this subscriber did not keep up; read faster \
             or enlarge the buffer by CodexBuilder::event_buffer"
        );
        Self::new(ErrorKind::Lagged { skipped }, message)
    }

    /// What the server sent is not what was asked for. If it may carry keys or tokens, its text is
    /// not kept.
    pub fn undecodable(
        method: impl Into<Cow<'static, str>>,
        raw: &str,
        is_secret: bool,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        let what = match reason::is_too_deep(&source.to_string()) {
            true => "what the server sent is nested too deeply to be read",
            false => "what the server sent does not fit the expected type",
        };
        let evidence_is = match is_secret {
            true => "its text is not kept, since keys or tokens may be in it",
            false => "Error::raw has the beginning of it",
        };
        let error = Self::new(ErrorKind::Decode, format!("{what}; {evidence_is}"))
            .with_method(method)
            .with_source(source);
        if is_secret {
            error
        } else {
            error.with_raw(raw)
        }
    }

    /// Keeps the beginning of a text that could not be decoded.
    pub fn with_raw(mut self, raw: &str) -> Self {
        self.0.raw = Some(evidence(raw));
        self
    }

    /// Says something else instead.
    pub fn saying(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = without_secrets(message.into());
        self
    }

    /// Names the program, which may be another one than the user thinks.
    pub fn started_as(self, program: &Path) -> Self {
        let message = format!(
            "{}; the program is {}: check that it is a codex, and which one",
            self.0.message,
            program.display()
        );
        self.saying(message)
    }

    /// The same error as one of another sort.
    pub fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Names the method that was called.
    pub fn with_method(mut self, method: impl Into<Cow<'static, str>>) -> Self {
        self.0.method = Some(method.into());
        self
    }

    /// Keeps the error behind this one, and tells what it says in the line of this one if that
    /// does not already.
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        let said = reason::told(&source);
        let said = redact::text(&said);
        if !said.is_empty() && !self.0.message.contains(&*said) {
            self.0.message = reason::with(&self.0.message, &said).into();
        }
        self.keeping(source)
    }

    /// Keeps an error that adds nothing to the reason.
    pub fn keeping(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Keeps the newest lines of the runtime's stderr.
    pub fn with_stderr_tail(mut self, tail: &str) -> Self {
        self.0.stderr_tail = Some(redact::text(tail).into());
        self
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

fn without_secrets(message: Cow<'static, str>) -> Cow<'static, str> {
    match message {
        Cow::Owned(message) => redact::text(&message).into_owned().into(),
        ours => ours,
    }
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
