//! A connection to an app-server: requests, events, and how it ends.
//!
//! ```text
//! caller ── request ──▶ Core (one lock: pending, router, outbox) ──▶ writer task ──▶ sink
//!    ▲                    ▲
//!    └── oneshot, queue ──┴── reader task ◀── source      supervisor task: why and how it ends
//! ```
//!
//! **Architecture invariants:** the reader awaits nothing but the source (and,
//! now and then, its turn). No lock is held across an `.await`; nothing of the
//! user's runs under it. Whatever is kept is bounded. Whatever waits ends: with
//! its answer, at its deadline, or with the one reason for which the connection
//! failed, which is kept for all who come later.
//!
//! Nothing in here depends on the generated types, nor knows a method by its name: it
//! deals in raw JSON, the ids that route, and the roles that the
//! [`Protocol`](openai_codex_wire::Protocol) that it is given tells of methods.

mod core;
mod dispatch;
mod effects;
mod error;
mod event;
mod fold;
mod handshake;
mod login;
mod options;
mod outbox;
mod pending;
mod process;
mod queue;
mod reader;
mod request;
mod router;
mod signs;
mod subscription;
mod supervisor;
mod transport;
mod turn;
mod turn_log;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use openai_codex_wire::{LoginId, ThreadId, TurnId};
use tokio::runtime::Handle;

pub use self::dispatch::{Cancelled, Dispatcher, Reply, ServerCall, refusal};
pub use self::error::{Error, ErrorKind, Result, RpcError, RpcErrorKind, says_not_logged_in};
pub use self::event::RawEvent;
pub use self::fold::TurnSummary;
pub use self::handshake::Handshake;
pub use self::login::LoginRef;
pub use self::options::{ConnectionOptions, Deadline};
pub use self::process::{LaunchOptions, Program};
pub use self::queue::{Delivered, Limits};
pub use self::router::Known;
pub use self::signs::Sign;
pub use self::subscription::Subscription;
pub use self::supervisor::current_runtime;
pub use self::transport::{FrameSink, FrameSource, SourceError, Tap};
pub use self::turn::{StartedTurn, TurnRef};

use self::core::Core;

/// A connection to an app-server. Clones share it; when the last one is dropped,
/// or after [`close`](Self::close), the server is told to end, and everything
/// that still waits gets an error.
///
/// What it gives, in raw JSON:
///
/// - [`launch`](Self::launch), [`connect`](Self::connect): from a child process
///   or from streams, with the handshake done;
/// - [`request`](Self::request): any method, answered with its `result`;
/// - [`start_turn`](Self::start_turn) → [`StartedTurn`]: `turn/start`, with
///   every event since the request, however it races with the response;
///   [`attach_turn`](Self::attach_turn): a turn that somebody else started.
///   Both give a [`TurnRef`]: its events, its summary, its interrupt;
/// - [`thread_events`](Self::thread_events), [`events`](Self::events): the
///   events of a thread, and those that no turn subscriber owns;
/// - [`login`](Self::login): the completion of a login attempt;
/// - [`close`](Self::close), [`closed`](Self::closed).
///
/// [`TurnRef`], [`Subscription`] and [`LoginRef`] do not keep the connection
/// open: hold a clone beside them where that is wanted.
#[derive(Clone)]
pub struct Connection(Arc<Owner>);

/// What the clones of a connection share. Its end is the connection's.
struct Owner {
    core: Arc<Core>,
    /// Whether the connection ends with this; it does not with a [guest](Connection::guest).
    ends: bool,
}

impl Connection {
    /// Everything that no turn subscriber owns. The first subscription has it
    /// from the first byte on, later ones from now on.
    pub fn events(&self) -> Subscription {
        let key = self.core().lock().router.subscribe_global();
        Subscription::new(Arc::clone(self.core()), key)
    }

    /// Everything that carries a thread's id, from now on, whoever started it.
    pub fn thread_events(&self, thread: &ThreadId) -> Subscription {
        let key = self.core().lock().router.subscribe_thread(thread);
        Subscription::new(Arc::clone(self.core()), key)
    }

    /// A turn that this connection did not start, from now on.
    ///
    /// When the turn is not [`Known::Followed`], it may have ended already, and
    /// then no event tells of it: ask the server, and hand its answer to
    /// [`TurnRef::settle`].
    pub fn attach_turn(&self, thread: &ThreadId, turn: &TurnId) -> (TurnRef, Known) {
        TurnRef::attach(self.core(), thread, turn)
    }

    /// A login attempt. A completion that came before this counts.
    pub fn login(&self, id: &LoginId) -> LoginRef {
        LoginRef::new(Arc::clone(self.core()), id)
    }

    /// Resolves when the connection is gone, with the reason.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn closed(&self) -> Error {
        self.core().closed().await
    }

    /// Ends the connection: no more calls are taken, what is queued is written,
    /// and the server is told that there will be no more. A child that does not
    /// exit then is terminated after two seconds, killed after four, and reaped
    /// in any case. Every waiter gets an error at once.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the ending goes on even if this is dropped.
    pub async fn close(&self) -> Result<()> {
        self.core()
            .fail(Error::closed("the connection was closed by close()"));
        self.core().request_end();
        self.core().ended().await;
        Ok(())
    }

    /// A handle that is as good as any other, but does not keep the connection
    /// open: for what runs on its behalf. It keeps the memory, so nothing that
    /// the connection itself holds may hold one.
    pub fn guest(&self) -> Self {
        Self(Arc::new(Owner {
            core: Arc::clone(self.core()),
            ends: false,
        }))
    }

    /// The tokio runtime that drives the connection, for work that must not depend
    /// on what polls it.
    pub fn runtime(&self) -> &Handle {
        &self.core().runtime
    }

    /// Awaits what needs timers, wherever that is polled: outside of any tokio runtime,
    /// the connection's lends its own.
    pub async fn lend_timers<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let is_outside = Handle::try_current().is_err();
            let _inside = is_outside.then(|| self.runtime().enter());
            future.as_mut().poll(cx)
        })
        .await
    }

    fn core(&self) -> &Arc<Core> {
        &self.0.core
    }
}

/// How much there is of what must not pile up.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.core().lock();
        f.debug_struct("Connection")
            .field("is_closed", &state.failure.is_some())
            .field("unanswered", &state.pending.len())
            .field("followed", &state.router.entries())
            .field("handlers", &state.server_requests.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if !self.ends {
            return;
        }
        let reason = "the connection was closed because its last handle was dropped";
        self.core.fail(Error::closed(reason));
        self.core.request_end();
    }
}
