//! `thread/resume`.

use openai_codex_types::{
    JsonObject, Personality, SandboxMode, SandboxPolicy, ThreadId, ThreadResumeParams as Params,
};

use crate::approval::{ApprovalMode, Sandbox};
use crate::codex::Codex;
use crate::error::{Error, ErrorKind, Result};
use crate::options::{awaitable, setters};
use crate::thread::{Thread, ThreadInfo};
use crate::version::require;

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
#[derive(Clone, Debug)]
#[must_use = "a thread is resumed when this is awaited"]
pub struct ThreadResume {
    codex: Codex,
    params: Params,
    approval_mode: Option<ApprovalMode>,
    ignored_overrides: bool,
    invalid: Option<Error>,
}

impl ThreadResume {
    pub(crate) fn new(codex: Codex, id: ThreadId) -> Self {
        Self {
            codex,
            params: Params::new(id),
            approval_mode: None,
            ignored_overrides: false,
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

    /// Where commands and edits may reach; as stored by default.
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.params.sandbox = Some(sandbox.mode());
        self
    }

    /// Whether the answer holds the thread's turns. Leaving them out is faster
    /// for long threads.
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
        opt config: JsonObject, "Overrides settings of `config.toml`, by their dotted keys.";
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
    pub async fn send(mut self) -> Result<Thread> {
        if let Some(invalid) = self.invalid {
            return Err(invalid);
        }
        if let Some(mode) = self.approval_mode {
            self.codex.check_handler_for(mode)?;
            let (policy, reviewer) = mode.settings();
            self.params.approval_policy = self.params.approval_policy.or(policy);
            self.params.approvals_reviewer = self.params.approvals_reviewer.or(reviewer);
        }
        let guarded: &[_] = if self.params.exclude_turns.is_some() {
            &["include_turns"]
        } else {
            &[]
        };
        require(self.codex.runtime_version(), "thread/resume", guarded)?;
        let asked = self.params.clone();
        let info = ThreadInfo::from(self.codex.call(self.params).await?);
        match ignored(&asked, &info) {
            Some(ignored) if !self.ignored_overrides => Err(ignored),
            _ => Ok(Thread::new(self.codex, info.thread.id.clone(), Some(info))),
        }
    }
}

awaitable!(ThreadResume, Thread);

/// The first override that is not in effect.
fn ignored(asked: &Params, info: &ThreadInfo) -> Option<Error> {
    let differs = |setting: &str, asked: String, effective: String| {
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "the thread is loaded already, and the runtime ignored {setting}: asked for \
                 {asked}, in effect is {effective}; give it to a turn, resume in a new process, \
                 or accept it with allow_ignored_overrides"
            ),
        )
        .with_method("thread/resume")
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
    None
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
