//! `thread/fork`.

use openai_codex_types::{ThreadForkParams as Params, ThreadId, ThreadSource};
use serde_json::Value;
use tracing::Instrument;

use crate::approval::{ApprovalMode, Sandbox, WorkspaceOverrides};
use crate::codex::Codex;
use crate::error::{Error, Result};
use crate::handler::{Handlers, ThreadHooks};
use crate::options::{awaitable, debug_by_names, setters};
use crate::thread::{Thread, ThreadInfo};
use crate::tool::{Tool, Toolbox};

/// Copies a thread into a new one (`thread/fork`) when it is awaited. The thread
/// must have had a turn.
///
/// Nothing is sent but what is set here; the copy has the settings of the
/// original.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_start().await?;
/// thread.run("Read the design documents.").await?;
/// let other = codex.thread_fork(thread.id()).ephemeral(true).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a thread is forked when this is awaited"]
pub struct ThreadFork {
    codex: Codex,
    params: Params,
    approval_mode: Option<ApprovalMode>,
    handlers: Option<Handlers>,
    tools: Vec<Tool>,
    invalid: Option<Error>,
}

impl ThreadFork {
    pub(crate) fn new(codex: Codex, id: ThreadId) -> Self {
        Self {
            codex,
            params: Params::new(id),
            approval_mode: None,
            handlers: None,
            tools: Vec::new(),
            invalid: None,
        }
    }

    fn draft(&mut self) -> (&mut Params, &mut Option<Error>) {
        (&mut self.params, &mut self.invalid)
    }

    /// Who decides what needs approval; as in the original by default.
    pub fn approval_mode(mut self, mode: ApprovalMode) -> Self {
        self.approval_mode = Some(mode);
        self
    }

    /// Answers to what the server asks about this thread, before those of the
    /// client.
    /// Those of the original answer what these do not; without this, all.
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = Some(handlers);
        self
    }

    /// Answers calls of a tool that the thread was started with: it has its tools
    /// from then, and neither more nor other ones. Without any, those that answer
    /// in this client stay.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Answers calls of tools that the thread was started with.
    pub fn tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// Where commands and edits may reach; as in the original by default.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.params.sandbox = Some(sandbox.mode());
        self
    }

    /// Whether the answer, `info().thread.turns`, holds the thread's turns, as it does
    /// unless this is set (`excludeTurns`). Leaving them out is faster for long threads.
    pub fn include_turns(mut self, yes: bool) -> Self {
        self.params.exclude_turns = Some(!yes);
        self
    }

    /// Asks for the standard service tier, whatever the original has: sends null.
    pub fn clear_service_tier(mut self) -> Self {
        self.params.service_tier = Some(None);
        self
    }

    setters! {
        opt base_instructions: String, "Replaces the instructions that the model gets before all else.";
        map config: Value, "Overrides settings of `config.toml`, by their dotted keys: `.config([(\"model_verbosity\", \"low\")])`. Takes any map or list of pairs, such as a `JsonObject`.";
        path cwd: String, "The working directory; that of the original by default.";
        opt developer_instructions: String, "Adds instructions of yours.";
        val ephemeral: bool, "Keeps the copy in memory alone.";
        opt model: String, "The model; that of the original by default.";
        opt model_provider: String, "Who provides the model, by its key in `config.toml`.";
        dbl service_tier: String, "The service tier, for this and later turns.";
        opt thread_source: ThreadSource, "Who the thread is for, for statistics.";
    }

    /// Forks the thread.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`]; `InvalidInput` for options that cannot be sent or that
    /// the runtime is too old for.
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`]: the thread may come into being all the same.
    pub async fn send(self) -> Result<Thread> {
        let span = tracing::info_span!("thread", thread = tracing::field::Empty, from = %self.params.thread_id);
        let thread = self.send_inside().instrument(span.clone()).await?;
        span.record("thread", thread.id().as_str());
        Ok(thread)
    }

    async fn send_inside(mut self) -> Result<Thread> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        if let Some(mode) = self.approval_mode {
            self.codex.check_handler_for(
                mode,
                self.handlers.as_ref(),
                Some(&self.params.thread_id),
            )?;
            let (policy, reviewer) = mode.settings();
            self.params.approval_policy = self.params.approval_policy.or(policy);
            self.params.approvals_reviewer = self.params.approvals_reviewer.or(reviewer);
        }
        self.codex.require(&self.params, &[]).await?;
        let tools = Toolbox::given(self.tools)?;
        let before = self.codex.registry().hooks(&self.params.thread_id);
        let workspace = WorkspaceOverrides::of(self.params.config.as_ref());
        let hooks = ThreadHooks::over(before.as_deref(), self.handlers, tools, workspace);
        let starting = self.codex.registry().starting(None, hooks);
        self.codex.add_secret_config(&mut self.params.config);
        let info = ThreadInfo::from(self.codex.call(self.params).await?);
        let hooks = starting.started(&info.thread);
        let thread = Thread::new(self.codex, info.thread.id.clone(), Some(info));
        Ok(thread.with_hooks(hooks))
    }
}

debug_by_names!(ThreadFork: approval_mode handlers tools);

awaitable!(ThreadFork, Thread);
