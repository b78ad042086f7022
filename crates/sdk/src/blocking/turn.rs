//! A turn: its events, its result, its steering wheel.

use std::sync::Arc;

use openai_codex_types::{ThreadId, TurnId, TurnSteerResponse};

use super::event::TurnStream;
use super::runtime::Client;
use crate::error::Result;
use crate::input::Input;
use crate::result::TurnResult;
#[cfg(feature = "schemars")]
use crate::structured::Structured;

/// A turn that was started or joined, or that somebody else started. See
/// [`crate::TurnHandle`].
///
/// ```no_run
/// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
/// let turn = thread.turn("Explain the build.").send()?;
/// for event in turn.stream() {
///     if let Some(text) = event?.text_delta() {
///         print!("{text}");
///     }
/// }
/// let result = turn.run()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct TurnHandle {
    inner: crate::TurnHandle,
    client: Arc<Client>,
}

impl TurnHandle {
    pub(super) fn new(inner: crate::TurnHandle, client: Arc<Client>) -> Self {
        Self { inner, client }
    }

    /// The turn's id.
    pub fn id(&self) -> &TurnId {
        self.inner.id()
    }

    /// The thread's id.
    pub fn thread_id(&self) -> &ThreadId {
        self.inner.thread_id()
    }

    /// Whether the turn was not begun by the call that gave this handle: see
    /// [`joined`](crate::TurnHandle::joined) of the async one.
    pub fn joined(&self) -> bool {
        self.inner.joined()
    }

    /// The turn's events up to `turn/completed`.
    pub fn stream(&self) -> TurnStream {
        TurnStream::new(self.inner.stream(), Arc::clone(&self.client))
    }

    /// Waits for the turn to end: before, during or after streaming, and as often
    /// as you like.
    ///
    /// # Errors
    ///
    /// As [`run`](crate::TurnHandle::run) of the async one.
    pub fn run(&self) -> Result<TurnResult> {
        self.client.wait(self.inner.run())
    }

    /// Waits for the turn to end, and reads its answer.
    ///
    /// # Errors
    ///
    /// As [`run_as`](crate::TurnHandle::run_as) of the async one.
    #[cfg(feature = "schemars")]
    pub fn run_as<T: serde::de::DeserializeOwned>(&self) -> Result<Structured<T>> {
        self.client.wait(self.inner.run_as())
    }

    /// Says more to the agent while it works (`turn/steer`).
    ///
    /// # Errors
    ///
    /// As [`steer`](crate::TurnHandle::steer) of the async one.
    pub fn steer(&self, input: impl Into<Input>) -> Result<TurnSteerResponse> {
        self.client.wait(self.inner.steer(input))
    }

    /// Interrupts the turn (`turn/interrupt`). Does nothing if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`](super::Codex::call).
    pub fn interrupt(&self) -> Result<()> {
        self.client.wait(self.inner.interrupt())
    }

    /// Whether dropping this handle interrupts the turn.
    #[must_use]
    pub fn interrupt_on_drop(mut self, yes: bool) -> Self {
        self.inner = self.inner.interrupt_on_drop(yes);
        self
    }
}
