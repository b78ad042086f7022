//! A thread: a conversation with the agent.

use std::sync::Arc;

use openai_codex_types::{ThreadId, ThreadReadResponse, TurnId};
#[cfg(feature = "schemars")]
use {schemars::JsonSchema, serde::de::DeserializeOwned};

use super::event::EventStream;
#[cfg(feature = "schemars")]
use super::run::RunAs;
use super::run::{Run, StartTurn};
use super::runtime::Client;
use super::turn::TurnHandle;
use crate::error::Result;
use crate::input::TurnInput;
use crate::thread::ThreadInfo;

/// A thread: a conversation with the agent. See [`crate::Thread`].
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().cwd("/src/project").send()?;
/// let result = thread.run("What does this project do?").send()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Thread {
    inner: crate::Thread,
    client: Arc<Client>,
}

impl Thread {
    pub(super) fn new(inner: crate::Thread, client: Arc<Client>) -> Self {
        Self { inner, client }
    }

    /// The thread's id.
    pub fn id(&self) -> &ThreadId {
        self.inner.id()
    }

    /// The settings that are in effect, if the server told them.
    pub fn info(&self) -> Option<&ThreadInfo> {
        self.inner.info()
    }

    /// Runs a turn to its end.
    pub fn run(&self, input: impl Into<TurnInput>) -> Run {
        Run::new(self.inner.run(input), Arc::clone(&self.client))
    }

    /// Runs a turn whose answer is a value of a type of yours: see
    /// [`crate::Thread::run_as`].
    #[cfg(feature = "schemars")]
    pub fn run_as<T: JsonSchema + DeserializeOwned>(
        &self,
        input: impl Into<TurnInput>,
    ) -> RunAs<T> {
        RunAs::new(self.inner.run_as(input), Arc::clone(&self.client))
    }

    /// Starts a turn (`turn/start`).
    pub fn turn(&self, input: impl Into<TurnInput>) -> StartTurn {
        StartTurn::new(self.inner.turn(input), Arc::clone(&self.client))
    }

    /// A handle on a turn that somebody else started.
    pub fn turn_handle(&self, id: impl Into<TurnId>) -> TurnHandle {
        TurnHandle::new(self.inner.turn_handle(id), Arc::clone(&self.client))
    }

    /// Reads what is stored of the thread (`thread/read`).
    ///
    /// # Errors
    ///
    /// As [`Codex::call`](super::Codex::call).
    pub fn read(&self, include_turns: bool) -> Result<ThreadReadResponse> {
        self.client.wait(self.inner.read(include_turns))
    }

    /// Names the thread (`thread/name/set`).
    ///
    /// # Errors
    ///
    /// As [`Codex::call`](super::Codex::call).
    pub fn set_name(&self, name: impl Into<String>) -> Result<()> {
        self.client.wait(self.inner.set_name(name))
    }

    /// Begins to compact the thread's history (`thread/compact/start`).
    ///
    /// # Errors
    ///
    /// As [`Codex::call`](super::Codex::call).
    pub fn compact(&self) -> Result<()> {
        self.client.wait(self.inner.compact())
    }

    /// Everything that carries this thread's id, from now on.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.inner.events(), Arc::clone(&self.client))
    }
}
