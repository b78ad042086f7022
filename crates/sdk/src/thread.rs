//! A thread: a conversation with the agent.

use std::fmt;
use std::sync::Arc;

use openai_codex_types::{
    ApprovalsReviewer, AskForApproval, ReasoningEffort, SandboxPolicy, ThreadCompactStartParams,
    ThreadForkResponse, ThreadId, ThreadReadParams, ThreadReadResponse, ThreadResumeResponse,
    ThreadSetNameParams, ThreadStartResponse, TurnId,
};
#[cfg(feature = "schemars")]
use {schemars::JsonSchema, serde::de::DeserializeOwned};

use crate::approval::WorkspaceOverrides;
use crate::codex::Codex;
use crate::error::Result;
use crate::event::EventStream;
use crate::handler::ThreadHooks;
use crate::input::TurnInput;
use crate::run::{Run, StartTurn};
#[cfg(feature = "schemars")]
use crate::structured::RunAs;
use crate::turn::TurnHandle;

/// A thread: a conversation with the agent. Clones are the same thread, and
/// keep the runtime running.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().cwd("/src/project").await?;
/// let first = thread.run("What does this project do?").await?;
/// let second = thread.run("Which part of it would you test first?").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Thread {
    codex: Codex,
    id: ThreadId,
    info: Option<Arc<ThreadInfo>>,
    /// Kept in the client as long as there is a handle.
    hooks: Option<Arc<ThreadHooks>>,
}

impl Thread {
    pub(crate) fn new(codex: Codex, id: ThreadId, info: Option<ThreadInfo>) -> Self {
        Self {
            codex,
            id,
            info: info.map(Arc::new),
            hooks: None,
        }
    }

    pub(crate) fn with_hooks(mut self, hooks: Option<Arc<ThreadHooks>>) -> Self {
        self.hooks = hooks;
        self
    }

    /// The thread's id.
    pub fn id(&self) -> &ThreadId {
        &self.id
    }

    /// What the server answered when the thread was started, resumed or forked:
    /// the settings that were in effect then. `None` for a handle made by
    /// [`Codex::thread`] or [`Codex::thread_unarchive`].
    pub fn info(&self) -> Option<&ThreadInfo> {
        self.info.as_deref()
    }

    /// Runs a turn (`turn/start`) to its end: await it for a
    /// [`TurnResult`](crate::TurnResult).
    ///
    /// While another turn of the thread is active, the input joins that turn, which
    /// keeps the settings that it began with: see [`TurnHandle::joined`].
    pub fn run(&self, input: impl Into<TurnInput>) -> Run {
        Run::new(self.clone(), input.into())
    }

    /// Runs a turn whose answer is a value of a type of yours: await it for a
    /// [`Structured`](crate::Structured).
    ///
    /// The model is held to the strict JSON schema of the type: objects are
    /// closed, and every field is required; an `Option` may be null, and doc
    /// comments become descriptions. What has no strict schema, such as a map or
    /// a [`serde_json::Value`], is an error that names the field, before
    /// anything is sent.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use openai_codex::schemars::{self, JsonSchema};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Review {
    ///     /// In one sentence.
    ///     summary: String,
    ///     issues: Vec<Issue>,
    /// }
    ///
    /// #[derive(Deserialize, JsonSchema)]
    /// struct Issue {
    ///     file: String,
    ///     line: Option<u32>,
    /// }
    ///
    /// let review = thread.run_as::<Review>("Review the diff.").await?;
    /// for issue in &review.value.issues {
    ///     println!("{}:{:?}", issue.file, issue.line);
    /// }
    /// println!("{:?}", review.turn.usage);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "schemars")]
    pub fn run_as<T: JsonSchema + DeserializeOwned>(
        &self,
        input: impl Into<TurnInput>,
    ) -> RunAs<T> {
        RunAs::new(self.clone(), input.into())
    }

    /// Starts a turn (`turn/start`): await it for a [`TurnHandle`], to stream
    /// its events, steer or interrupt it.
    pub fn turn(&self, input: impl Into<TurnInput>) -> StartTurn {
        StartTurn::new(self.clone(), input.into())
    }

    /// A handle on a turn that somebody else started. Its events come from now
    /// on; its result is complete.
    pub fn turn_handle(&self, id: impl Into<TurnId>) -> TurnHandle {
        TurnHandle::attach(self.clone(), id.into())
    }

    /// Reads what is stored of the thread (`thread/read`).
    ///
    /// # Errors
    ///
    /// As [`Codex::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn read(&self, include_turns: bool) -> Result<ThreadReadResponse> {
        let params = ThreadReadParams::new(&self.id).include_turns(include_turns);
        self.codex.call(params).await
    }

    /// Names the thread (`thread/name/set`).
    ///
    /// # Errors
    ///
    /// As [`Codex::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn set_name(&self, name: impl Into<String>) -> Result<()> {
        self.codex
            .call(ThreadSetNameParams::new(&self.id, name))
            .await
            .map(drop)
    }

    /// Begins to compact the thread's history (`thread/compact/start`). It is a
    /// turn of its own, whose events [`events`](Self::events) shows. Until it has
    /// completed, the server starts no other turn ("ActiveTurnNotSteerable").
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let mut events = thread.events(); // before, lest its end be missed
    /// thread.compact().await?;
    /// while let Some(event) = events.next().await {
    ///     if event?.method() == "turn/completed" {
    ///         break;
    ///     }
    /// }
    /// let result = thread.run("Go on.").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Codex::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn compact(&self) -> Result<()> {
        self.codex
            .call(ThreadCompactStartParams::new(&self.id))
            .await
            .map(drop)
    }

    /// Everything that carries this thread's id, from now on, whoever started
    /// it: turns, compaction, reviews. Sub-agents have threads of their own.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.codex.connection().thread_events(&self.id))
    }

    /// What its own configuration says of the workspace-write mode, as far as this
    /// client gave it.
    pub(crate) fn workspace(&self) -> Option<&WorkspaceOverrides> {
        self.hooks.as_ref()?.workspace()
    }

    pub(crate) fn codex(&self) -> &Codex {
        &self.codex
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The settings of a thread that are in effect.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().await?;
/// if let Some(info) = thread.info() {
///     println!("{} in {}, sandbox {:?}", info.model, info.cwd, info.sandbox);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ThreadInfo {
    /// The thread as it is stored.
    pub thread: openai_codex_types::Thread,
    /// The model.
    pub model: String,
    /// Who provides it.
    pub model_provider: String,
    /// How hard it thinks.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// The service tier; `None` and `default` are the standard one. 0.163.0 also tells
    /// `None` where the model lacks the tier that was asked for.
    pub service_tier: Option<String>,
    /// The working directory.
    pub cwd: String,
    /// What needs approval.
    pub approval_policy: AskForApproval,
    /// Who approves.
    pub approvals_reviewer: ApprovalsReviewer,
    /// Where commands and edits may reach.
    pub sandbox: SandboxPolicy,
}

macro_rules! info_from {
    ($($response:ty),*) => {$(
        impl From<$response> for ThreadInfo {
            fn from(response: $response) -> Self {
                Self {
                    thread: response.thread,
                    model: response.model,
                    model_provider: response.model_provider,
                    reasoning_effort: response.reasoning_effort,
                    service_tier: response.service_tier,
                    cwd: response.cwd.into(),
                    approval_policy: response.approval_policy,
                    approvals_reviewer: response.approvals_reviewer,
                    sandbox: response.sandbox,
                }
            }
        }
    )*};
}

info_from!(
    ThreadStartResponse,
    ThreadResumeResponse,
    ThreadForkResponse
);
