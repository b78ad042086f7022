//! Starting turns: the builders.

use std::time::Duration;

use openai_codex_connection::{Deadline, StartedTurn};
use openai_codex_types::{
    ClientRequest, ConfigReadParams, Personality, ReasoningEffort, ReasoningSummary, SandboxPolicy,
    TurnId, TurnStartParams as Params, WorkspaceWriteSandboxPolicy,
};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::approval::{ApprovalMode, Sandbox, workspace_policy};
use crate::codex::encode;
use crate::error::{Error, ErrorKind, Result};
use crate::input::TurnInput;
use crate::options::{awaitable, debug_by_names, setters};
use crate::result::TurnResult;
use crate::thread::Thread;
use crate::turn::{Outcome, TurnHandle};

/// The members of params that are set by another name.
const OPTIONS: &[(&str, &str)] = &[
    ("serviceTierForTurn", "turn_service_tier"),
    ("toolOutput", "an external message"),
    ("turnTrigger", "source"),
];

/// What is asked of a turn.
#[derive(Clone)]
pub(crate) struct Request {
    thread: Thread,
    pub(crate) params: Params,
    pub(crate) approval_mode: Option<ApprovalMode>,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) invalid: Option<Error>,
}

impl Request {
    pub(crate) fn new(thread: Thread, input: TurnInput) -> Self {
        let (input, invalid) = match input.into_wire() {
            Ok(input) => (input, None),
            Err(error) => (Default::default(), Some(error)),
        };
        let mut params = Params::new(thread.id(), input.0);
        params.tool_output = input.1;
        Self {
            thread,
            params,
            approval_mode: None,
            sandbox: None,
            timeout: None,
            invalid,
        }
    }

    /// Runs the turn to its end.
    pub(crate) async fn run(self) -> Result<TurnResult> {
        self.start(false).await?.run().await
    }

    /// What the turn runs in: inside of whatever the caller is in.
    fn span(&self) -> tracing::Span {
        tracing::info_span!("turn", thread = %self.thread.id(), turn = tracing::field::Empty)
    }

    /// Sends `turn/start`; without `events`, only the result is kept.
    async fn start(self, events: bool) -> Result<Outcome> {
        let thread = self.thread.clone();
        let connection = thread.codex().connection();
        connection.lend_timers(self.start_in_time(events)).await
    }

    async fn start_in_time(self, events: bool) -> Result<Outcome> {
        let span = self.span();
        let Some(timeout) = self.timeout else {
            return self.begin(events, None, &span).await;
        };
        let Some(ends_at) = Instant::now().checked_add(timeout) else {
            return self.begin(events, None, &span).await;
        };
        // Whatever has to be asked first counts, and so does waiting for one's turn.
        let begun = self.begin(events, Some(ends_at), &span);
        match tokio::time::timeout_at(ends_at, begun).await {
            Ok(begun) => begun,
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "the turn could not be started within its timeout of {timeout:?}; if it \
                     begins all the same, it is interrupted"
                ),
            )
            .with_method(Params::METHOD)),
        }
    }

    async fn begin(
        self,
        events: bool,
        ends_at: Option<Instant>,
        span: &tracing::Span,
    ) -> Result<Outcome> {
        let thread = self.thread.clone();
        let started = self.ask(events).instrument(span.clone()).await?;
        span.record("turn", started.turn.id().as_str());
        Ok(Outcome::started(thread, started, ends_at, span.clone()))
    }

    async fn ask(mut self, events: bool) -> Result<StartedTurn> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        let codex = self.thread.codex().clone();
        if let Some(mode) = self.approval_mode {
            codex.check_handler_for(mode, None, Some(self.thread.id()))?;
            let (policy, reviewer) = mode.settings();
            self.params.approval_policy = self.params.approval_policy.or(policy);
            self.params.approvals_reviewer = self.params.approvals_reviewer.or(reviewer);
        }
        codex.require(&self.params, OPTIONS).await?;
        if let (Some(sandbox), None) = (self.sandbox, &self.params.sandbox_policy) {
            let workspace = match sandbox {
                Sandbox::WorkspaceWrite => self.workspace_policy().await?,
                _ => WorkspaceWriteSandboxPolicy::new(),
            };
            self.params.sandbox_policy = Some(sandbox.policy(workspace));
        }
        let params = encode(Params::METHOD, &self.params)?;
        let started = codex
            .connection()
            .start_turn(self.thread.id(), &params, events, Deadline::Default)
            .await?;
        if started.joined {
            self.warn_of_settings(started.turn.id());
        }
        Ok(started)
    }

    /// Says what was set for a turn that had begun already, and goes on as it began.
    fn warn_of_settings(&self, turn: &TurnId) {
        let params = &self.params;
        let is_approval_set = params.approval_policy.is_some();
        let settings: Vec<&str> = [
            (
                is_approval_set || params.approvals_reviewer.is_some(),
                "approval_mode",
            ),
            (params.cwd.is_some(), "cwd"),
            (params.effort.is_some(), "effort"),
            (params.model.is_some(), "model"),
            (params.personality.is_some(), "personality"),
            (params.sandbox_policy.is_some(), "sandbox"),
            (params.service_tier.is_some(), "service_tier"),
            (params.summary.is_some(), "summary"),
        ]
        .into_iter()
        .filter_map(|(is_set, setting)| is_set.then_some(setting))
        .collect();
        if !settings.is_empty() {
            tracing::warn!(
                %turn,
                ?settings,
                "the input joined a turn that had begun and keeps its settings; what was set holds \
                 from the next turn on"
            );
        }
    }

    /// What the workspace-write mode means for this thread: as the server said when
    /// it was loaded, if that is its mode, else as configuration has it, that of the
    /// thread's folder and its own included.
    async fn workspace_policy(&self) -> Result<WorkspaceWriteSandboxPolicy> {
        let info = self.thread.info();
        if let Some(SandboxPolicy::WorkspaceWrite(policy)) = info.map(|info| &info.sandbox) {
            return Ok(policy.clone());
        }
        let known = self.params.cwd.as_ref().or(info.map(|info| &info.cwd));
        let cwd = match known {
            Some(cwd) => cwd.clone(),
            None => self.thread.read(false).await?.thread.cwd.into(),
        };
        let mut params = ConfigReadParams::new();
        params.cwd = Some(cwd);
        let config = self.thread.codex().call(params).await?.config;
        let mut configured = config.sandbox_workspace_write.unwrap_or_default();
        // They are in no answer of the server's to `config/read`.
        if let Some(overrides) = self.thread.workspace() {
            configured = overrides.over(&configured)?;
        }
        Ok(workspace_policy(configured))
    }
}

debug_by_names!(Request: thread approval_mode sandbox timeout);

/// The options of a turn, for a builder whose first field is a [`Request`].
macro_rules! turn_options {
    () => {
        fn draft(&mut self) -> (&mut Params, &mut Option<Error>) {
            (&mut self.0.params, &mut self.0.invalid)
        }

        /// Who decides what needs approval, from this turn on; as it is by default.
        pub fn approval_mode(mut self, mode: ApprovalMode) -> Self {
            self.0.approval_mode = Some(mode);
            self
        }

        /// Where commands and edits may reach, from this turn on; as it is by
        /// default.
        pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
            self.0.sandbox = Some(sandbox);
            self
        }

        /// Asks for the standard service tier from this turn on: sends null.
        pub fn clear_service_tier(mut self) -> Self {
            self.0.params.service_tier = Some(None);
            self
        }

        /// How long the turn may take, from the call on and with all that has to
        /// be asked for it. When it has not ended by then, it is interrupted, which
        /// may take up to 5 s more, and the result, like the last item of a stream,
        /// is an error of kind `Timeout` that holds what there is. It holds as long
        /// as there is a handle or a stream.
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.0.timeout = Some(timeout);
            self
        }

        setters! {
            path cwd: String, "The working directory, from this turn on.";
            opt effort: ReasoningEffort, "How hard the model thinks, from this turn on.";
            opt model: String, "The model, from this turn on.";
            opt output_schema: Value, "A JSON schema that the answer of this turn must follow. The server refuses to have the input join a turn without it.";
            opt personality: Personality, "The tone. Deprecated by the server: only `none` has an effect.";
            dbl service_tier: String, "The service tier, from this turn on.";
            opt turn_service_tier: String => service_tier_for_turn, "The service tier of this turn alone; `default` is the standard one. Of no effect where the input joins a turn.";
            opt source: String => turn_trigger, "What started the turn, as a label. Of no effect where the input joins a turn.";
            opt summary: ReasoningSummary, "How the reasoning is summarised, from this turn on.";
        }
    };
}

#[cfg(feature = "schemars")]
pub(crate) use turn_options;

macro_rules! turn_builder {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "a turn is started when this is awaited"]
        pub struct $name(Request);

        impl $name {
            pub(crate) fn new(thread: Thread, input: TurnInput) -> Self {
                Self(Request::new(thread, input))
            }

            turn_options!();
        }
    };
}

turn_builder! {
    /// Runs a turn (`turn/start`) to its end when it is awaited: a [`TurnResult`].
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use std::time::Duration;
    ///
    /// let result = thread
    ///     .run("Find the slowest test.")
    ///     .effort("high")
    ///     .timeout(Duration::from_secs(600))
    ///     .await?;
    /// # Ok(()) }
    /// ```
    Run
}

impl Run {
    /// Runs the turn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Turn`](crate::ErrorKind::Turn) when the turn fails,
    /// `Timeout` after [`timeout`](Self::timeout), `Closed` when the connection
    /// breaks: [`Error::turn_result`] holds what there is. Otherwise as
    /// [`Codex::call`](crate::Codex::call). A turn that was interrupted is no
    /// error.
    ///
    /// # Cancel safety
    ///
    /// Dropping this interrupts the turn if this started it, and leaves alone
    /// one that it joined.
    pub async fn send(self) -> Result<TurnResult> {
        self.0.run().await
    }
}

awaitable!(Run, TurnResult);

turn_builder! {
    /// Starts a turn (`turn/start`) when it is awaited: a [`TurnHandle`].
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// let turn = thread.turn("Explain the build.").await?;
    /// let mut events = turn.stream();
    /// while let Some(event) = events.next().await {
    ///     if let Some(text) = event?.text_delta() {
    ///         print!("{text}");
    ///     }
    /// }
    /// let result = turn.run().await?;
    /// # Ok(()) }
    /// ```
    StartTurn
}

impl StartTurn {
    /// Has the answer of this turn follow the strict schema of a type, as
    /// [`Thread::run_as`] does, for turns that are streamed or steered:
    /// [`TurnHandle::run_as`] gives the value.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use openai_codex::schemars::{self, JsonSchema};
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Answer {
    ///     summary: String,
    /// }
    ///
    /// let turn = thread
    ///     .turn("What does this do?")
    ///     .output_schema_of::<Answer>()
    ///     .await?;
    /// let mut events = turn.stream();
    /// while let Some(event) = events.next().await {
    ///     print!("{}", event?.text_delta().unwrap_or_default()); // the JSON as it grows
    /// }
    /// println!("{}", turn.run_as::<Answer>().await?.value.summary);
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "schemars")]
    pub fn output_schema_of<T: schemars::JsonSchema>(mut self) -> Self {
        match crate::structured::strict_schema::<T>() {
            Ok(schema) => self.0.params.output_schema = Some(schema),
            Err(error) => {
                self.0.invalid.get_or_insert(error);
            }
        }
        self
    }

    /// Starts the turn.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`](crate::Codex::call); `InvalidInput` for input and
    /// options that cannot be sent or that the runtime is too old for.
    ///
    /// # Cancel safety
    ///
    /// Dropping this before the request is sent sends nothing; after that, a
    /// turn that it started is interrupted.
    pub async fn send(self) -> Result<TurnHandle> {
        self.0.start(true).await.map(TurnHandle::new)
    }
}

awaitable!(StartTurn, TurnHandle);
