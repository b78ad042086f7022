//! `thread/resume`.

use std::path::Path;

use openai_codex_types::{
    ClientRequest, Personality, SandboxMode, SandboxPolicy, ThreadId, ThreadLoadedListParams,
    ThreadResumeParams as Params,
};
use serde_json::Value;
use tracing::Instrument;

use crate::approval::{ApprovalMode, Sandbox, WorkspaceOverrides};
use crate::codex::Codex;
use crate::error::{Error, ErrorKind, Result};
use crate::handler::{Handlers, ThreadHooks};
use crate::options::{awaitable, debug_by_names, setters};
use crate::pages::{Visited, pages};
use crate::thread::{Thread, ThreadInfo};
use crate::tool::{Tool, Toolbox};

/// Loads a stored thread (`thread/resume`) when it is awaited.
///
/// Nothing is sent but what is set here, so what the thread has stored stays:
/// its model, its sandbox, and who approves.
///
/// **A thread that this runtime has loaded already ignores every override.** The
/// SDK compares what is in effect with what was asked for, and by default this
/// is an error that names the setting: nobody is left believing that
/// [`ApprovalMode::DenyAll`] holds when it does not. To change the settings of a
/// loaded thread, give them to a turn.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let thread = codex.thread_resume("0198-…").await?;
/// let result = thread.run("Where were we?").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a thread is resumed when this is awaited"]
pub struct ThreadResume {
    codex: Codex,
    params: Params,
    approval_mode: Option<ApprovalMode>,
    ignored_overrides: bool,
    handlers: Option<Handlers>,
    tools: Vec<Tool>,
    invalid: Option<Error>,
}

impl ThreadResume {
    pub(crate) fn new(codex: Codex, id: ThreadId) -> Self {
        Self {
            codex,
            params: Params::new(id),
            approval_mode: None,
            ignored_overrides: false,
            handlers: None,
            tools: Vec::new(),
            invalid: None,
        }
    }

    fn draft(&mut self) -> (&mut Params, &mut Option<Error>) {
        (&mut self.params, &mut self.invalid)
    }

    /// Who decides what needs approval, from now on; as stored by default.
    pub fn approval_mode(mut self, mode: ApprovalMode) -> Self {
        self.approval_mode = Some(mode);
        self
    }

    /// Answers to what the server asks about this thread, before those of the
    /// client.
    /// Without this, those that it has in this client stay.
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

    /// Where commands and edits may reach; as stored by default.
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

    /// Asks for the standard service tier, whatever is stored: sends null.
    pub fn clear_service_tier(mut self) -> Self {
        self.params.service_tier = Some(None);
        self
    }

    /// Accepts that overrides are ignored because the thread is loaded already:
    /// [`Thread::info`] says what is in effect.
    pub fn allow_ignored_overrides(mut self, yes: bool) -> Self {
        self.ignored_overrides = yes;
        self
    }

    setters! {
        opt base_instructions: String, "Replaces the instructions that the model gets before all else.";
        map config: Value, "Overrides settings of `config.toml`, by their dotted keys: `.config([(\"model_verbosity\", \"low\")])`. Takes any map or list of pairs, such as a `JsonObject`.";
        path cwd: String, "The working directory; the stored one by default.";
        opt developer_instructions: String, "Adds instructions of yours.";
        opt model: String, "The model; the stored one by default.";
        opt model_provider: String, "Who provides the model, by its key in `config.toml`.";
        opt personality: Personality, "The tone. Deprecated by the server: only `none` has an effect.";
        dbl service_tier: String, "The service tier, for this and later turns.";
    }

    /// Resumes the thread.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`]; `InvalidInput` for options that cannot be sent, that
    /// the runtime is too old for, or that it ignored.
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn send(self) -> Result<Thread> {
        let span = tracing::info_span!("thread", thread = %self.params.thread_id);
        self.send_inside().instrument(span).await
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
        if !self.ignored_overrides
            && let Some(option) = unreported(&self.params)
            && self.is_loaded().await?
        {
            return Err(ignored_error(&format!(
                "{option}, whose effective value it does not tell"
            )));
        }
        let before = self.codex.registry().hooks(&self.params.thread_id);
        let given = WorkspaceOverrides::of(self.params.config.as_ref());
        let earlier = before.as_ref().and_then(|it| it.workspace().cloned());
        let workspace = match (given, earlier) {
            (None, None) => None,
            // Those of before hold while the thread is loaded, and these where it is
            // loaded by this.
            (_, earlier) if self.is_loaded().await? => earlier,
            (given, _) => given,
        };
        let tools = Toolbox::given(self.tools)?;
        let hooks = ThreadHooks::over(before.as_deref(), self.handlers, tools, workspace);
        let starting = self
            .codex
            .registry()
            .starting(Some(&self.params.thread_id), hooks);
        let asked = self.params.clone();
        self.codex.add_secret_config(&mut self.params.config);
        let info = ThreadInfo::from(self.codex.call(self.params).await?);
        match ignored(&asked, &info) {
            Some(ignored) if !self.ignored_overrides => Err(ignored),
            _ => {
                let hooks = starting.started(&info.thread);
                let thread = Thread::new(self.codex, info.thread.id.clone(), Some(info));
                Ok(thread.with_hooks(hooks))
            }
        }
    }

    /// Whether the runtime has loaded the thread already.
    async fn is_loaded(&self) -> Result<bool> {
        let mut found = false;
        let ask = |cursor| {
            let mut params = ThreadLoadedListParams::new();
            params.cursor = cursor;
            self.codex.call(params)
        };
        pages(ThreadLoadedListParams::METHOD, None, ask, |page| {
            let entries = page.data.len();
            let mut ids = page.data.iter();
            found = ids.any(|id| id == self.params.thread_id.as_str());
            if found {
                return Visited::Enough;
            }
            let next = page.next_cursor;
            Visited::Page { entries, next }
        })
        .await?;
        Ok(found)
    }
}

debug_by_names!(ThreadResume: approval_mode handlers tools);

awaitable!(ThreadResume, Thread);

/// The first override whose effective value the answer does not tell. The
/// service tier is one: 0.163.0 answers null for a tier that the model lacks.
fn unreported(asked: &Params) -> Option<&'static str> {
    [
        (asked.base_instructions.is_some(), "base_instructions"),
        (asked.config.is_some(), "config"),
        (
            asked.developer_instructions.is_some(),
            "developer_instructions",
        ),
        (asked.personality.is_some(), "personality"),
        (asked.service_tier.is_some(), "service_tier"),
    ]
    .into_iter()
    .find_map(|(is_set, option)| is_set.then_some(option))
}

/// The first override that is not in effect.
fn ignored(asked: &Params, info: &ThreadInfo) -> Option<Error> {
    let differs = |setting: &str, asked: String, effective: String| {
        ignored_error(&format!(
            "{setting}: asked for {asked}, in effect is {effective}"
        ))
    };
    if let Some(policy) = &asked.approval_policy
        && *policy != info.approval_policy
    {
        return Some(differs(
            "approval_policy",
            shown(policy),
            shown(&info.approval_policy),
        ));
    }
    if let Some(reviewer) = &asked.approvals_reviewer
        && *reviewer != info.approvals_reviewer
    {
        return Some(differs(
            "approvals_reviewer",
            shown(reviewer),
            shown(&info.approvals_reviewer),
        ));
    }
    if let Some(mode) = &asked.sandbox
        && sandbox_mode(&info.sandbox).is_some_and(|effective| effective != *mode)
    {
        return Some(differs("sandbox", shown(mode), shown(&info.sandbox)));
    }
    if let Some(model) = &asked.model
        && *model != info.model
    {
        return Some(differs("model", model.clone(), info.model.clone()));
    }
    if let Some(provider) = &asked.model_provider
        && *provider != info.model_provider
    {
        return Some(differs(
            "model_provider",
            provider.clone(),
            info.model_provider.clone(),
        ));
    }
    if let Some(cwd) = &asked.cwd
        && !same_folder(Path::new(cwd), Path::new(&info.cwd))
    {
        return Some(differs("cwd", cwd.clone(), info.cwd.clone()));
    }
    None
}

fn ignored_error(what: &str) -> Error {
    let message = format!(
        "the thread is loaded already, and the runtime ignores {what}; give it to a turn if a \
         turn has that option, resume by a new Codex, or accept it with allow_ignored_overrides"
    );
    Error::new(ErrorKind::InvalidInput, message).with_method(Params::METHOD)
}

/// Whether two paths are the same folder. The server writes one without links
/// and dots, and resolves a relative one from where it runs, which this cannot.
fn same_folder(asked: &Path, effective: &Path) -> bool {
    if asked.is_relative() || asked == effective {
        return true;
    }
    match (asked.canonicalize(), effective.canonicalize()) {
        (Ok(asked), Ok(effective)) => asked == effective,
        _ => false,
    }
}

fn shown(setting: &impl serde::Serialize) -> String {
    serde_json::to_string(setting).unwrap_or_default()
}

fn sandbox_mode(policy: &SandboxPolicy) -> Option<SandboxMode> {
    match policy {
        SandboxPolicy::ReadOnly(_) => Some(SandboxMode::ReadOnly),
        SandboxPolicy::WorkspaceWrite(_) => Some(SandboxMode::WorkspaceWrite),
        SandboxPolicy::DangerFullAccess => Some(SandboxMode::DangerFullAccess),
        _ => None,
    }
}
