//! `thread/start`.

use openai_codex_types::{
    Personality, ThreadSource, ThreadStartParams as Params, ThreadStartSource,
};
use serde_json::Value;
use tracing::Instrument;

use crate::approval::{ApprovalMode, Sandbox, WorkspaceOverrides};
use crate::codex::Codex;
use crate::error::{Error, Result};
use crate::handler::{Handlers, ThreadHooks};
use crate::options::{awaitable, debug_by_names, setters};
use crate::thread::{Thread, ThreadInfo};
use crate::tool::{Tool, Toolbox};

/// Starts a thread (`thread/start`) when it is awaited.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::{ApprovalMode, Sandbox};
///
/// let thread = codex
///     .thread_start()
///     .model("gpt-5.4")
///     .cwd("/src/project")
///     .sandbox(Sandbox::WorkspaceWrite)
///     .approval_mode(ApprovalMode::DenyAll)
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a thread is started when this is awaited"]
pub struct ThreadStart {
    codex: Codex,
    params: Params,
    approval_mode: ApprovalMode,
    handlers: Option<Handlers>,
    tools: Vec<Tool>,
    invalid: Option<Error>,
}

impl ThreadStart {
    pub(crate) fn new(codex: Codex) -> Self {
        Self {
            codex,
            params: Params::new(),
            approval_mode: ApprovalMode::default(),
            handlers: None,
            tools: Vec::new(),
            invalid: None,
        }
    }

    fn draft(&mut self) -> (&mut Params, &mut Option<Error>) {
        (&mut self.params, &mut self.invalid)
    }

    /// Who decides what needs approval; [`ApprovalMode::AutoReview`] by default.
    pub fn approval_mode(mut self, mode: ApprovalMode) -> Self {
        self.approval_mode = mode;
        self
    }

    /// Answers to what the server asks about this thread, before those of the
    /// client. They also answer for the threads that work for this one or are copies of
    /// it: sub-agents, theirs too, reviews and forks. The nearest thread that has a handler
    /// for a request is asked.
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = Some(handlers);
        self
    }

    /// A function of this program's that the model can call.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Functions of this program's that the model can call.
    pub fn tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// Where commands and edits may reach; configuration decides by default.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.params.sandbox = Some(sandbox.mode());
        self
    }

    /// Asks for the standard service tier, whatever is configured: sends null.
    pub fn clear_service_tier(mut self) -> Self {
        self.params.service_tier = Some(None);
        self
    }

    setters! {
        opt base_instructions: String, "Replaces the instructions that the model gets before all else.";
        map config: Value, "Overrides settings of `config.toml`, by their dotted keys: `.config([(\"model_verbosity\", \"low\")])`. Takes any map or list of pairs, such as a `JsonObject`.";
        path cwd: String, "The working directory; the runtime's by default.";
        opt developer_instructions: String, "Adds instructions of yours.";
        val ephemeral: bool, "Keeps the thread in memory alone: it cannot be resumed, forked or listed.";
        opt model: String, "The model; the configured one by default.";
        opt model_provider: String, "Who provides the model, by its key in `config.toml`.";
        opt personality: Personality, "The tone. Deprecated by the server: only `none` has an effect.";
        opt service_name: String, "A name of your service, for telemetry.";
        dbl service_tier: String, "The service tier, for this and later turns.";
        opt session_start_source: ThreadStartSource, "What the thread begins from, for hooks.";
        opt thread_source: ThreadSource, "Who the thread is for, for statistics.";
    }

    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`]; `InvalidInput` for options that cannot be sent or that the
    /// runtime is too old for, and for tools whose names are invalid or the same.
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`]: the thread may come into being all the same.
    pub async fn send(self) -> Result<Thread> {
        let span = tracing::info_span!("thread", thread = tracing::field::Empty);
        let thread = self.send_inside().instrument(span.clone()).await?;
        span.record("thread", thread.id().as_str());
        Ok(thread)
    }

    async fn send_inside(mut self) -> Result<Thread> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        self.codex
            .check_handler_for(self.approval_mode, self.handlers.as_ref(), None)?;
        let (policy, reviewer) = self.approval_mode.settings();
        // What was set by hand in `params` is meant.
        self.params.approval_policy = self.params.approval_policy.or(policy);
        self.params.approvals_reviewer = self.params.approvals_reviewer.or(reviewer);
        self.codex.require(&self.params, &[]).await?;
        let tools = Toolbox::given(self.tools)?;
        if let Some(tools) = &tools {
            let specs = self.params.dynamic_tools.get_or_insert_default();
            specs.extend(tools.specs());
        }
        let workspace = WorkspaceOverrides::of(self.params.config.as_ref());
        let hooks = ThreadHooks::over(None, self.handlers, tools, workspace);
        let starting = self.codex.registry().starting(None, hooks);
        self.codex.add_secret_config(&mut self.params.config);
        let info = ThreadInfo::from(self.codex.call(self.params).await?);
        let hooks = starting.started(&info.thread);
        let thread = Thread::new(self.codex, info.thread.id.clone(), Some(info));
        Ok(thread.with_hooks(hooks))
    }
}

debug_by_names!(ThreadStart: approval_mode handlers tools);

awaitable!(ThreadStart, Thread);
