//! What a handler knows of the request beside its params.

use std::fmt;

use openai_codex_connection::Cancelled;
use openai_codex_types::{RequestId, ThreadId, TurnId};

use crate::codex::Codex;

/// What a [handler](crate::Handlers) or a [tool](crate::Tool) knows of the
/// request beside its params: whom it concerns, whether the answer is still
/// wanted, and a client to call.
///
/// ```
/// use openai_codex::{Decision, Handlers};
///
/// let handlers = Handlers::new().file_change_approval(|request, cx| async move {
///     println!("{:?} of {:?} asks about {}", cx.turn_id(), cx.thread_id(), request.item_id);
///     Decision::Decline
/// });
/// ```
#[derive(Clone)]
pub struct HandlerContext {
    pub(super) codex: Codex,
    pub(super) thread_id: Option<ThreadId>,
    pub(super) turn_id: Option<TurnId>,
    pub(super) request_id: RequestId,
    pub(super) cancelled: Cancelled,
}

impl HandlerContext {
    /// The client. Calling it from a handler is fine: handlers run on tasks of
    /// their own. Only do not wait for the turn that asks, as a `run` on its thread
    /// does: it goes on when the handler has answered.
    ///
    /// It does not keep the runtime running, so that a handler that takes its
    /// time cannot: when the last other clone is gone, its calls fail with
    /// [`ErrorKind::Closed`](crate::ErrorKind::Closed). The same holds for what
    /// is made from it.
    pub fn codex(&self) -> &Codex {
        &self.codex
    }

    /// The thread that the request is about. That of a sub-agent is its own, also where the
    /// handlers of the thread that it works for are asked.
    pub fn thread_id(&self) -> Option<&ThreadId> {
        self.thread_id.as_ref()
    }

    /// The turn that the request is about.
    pub fn turn_id(&self) -> Option<&TurnId> {
        self.turn_id.as_ref()
    }

    /// The request's id, in the server's numbering.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Resolves when nobody waits for the answer any more: the turn has ended,
    /// another client has answered, the server has taken the request back, or
    /// the connection is gone. The handler is dropped five seconds later, or at
    /// once when the connection is gone; what it answers is not sent.
    ///
    /// ```no_run
    /// # async fn ask_the_user() -> openai_codex::Decision { openai_codex::Decision::Decline }
    /// use openai_codex::{Decision, Handlers};
    ///
    /// let handlers = Handlers::new().command_approval(|request, cx| async move {
    ///     tokio::select! {
    ///         decision = ask_the_user() => decision,
    ///         () = cx.cancelled() => Decision::Decline, // take the dialog away
    ///     }
    /// });
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }
}

impl fmt::Debug for HandlerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerContext")
            .field("thread_id", &self.thread_id)
            .field("turn_id", &self.turn_id)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}
