//! Who approves what the agent wants to do, and where it may do it.

use openai_codex_types::{
    ApprovalsReviewer, AskForApproval, JsonObject, ReadOnlySandboxPolicy, SandboxMode,
    SandboxPolicy, SandboxWorkspaceWrite, WorkspaceWriteSandboxPolicy,
};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// The part of the configuration that says what the workspace-write mode means.
const WORKSPACE: &str = "sandbox_workspace_write";

/// Who decides when the agent wants to do something that needs approval.
///
/// [`Codex::thread_start`](crate::Codex::thread_start) uses [`AutoReview`](Self::AutoReview)
/// unless told otherwise. Resuming, forking and starting a turn send nothing
/// unless a mode is given, so what the thread has stored stays.
///
/// A mode that is given to a turn stays for later turns. A turn that has begun keeps its
/// own, also where [the input joins it](crate::TurnHandle::joined).
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::ApprovalMode;
///
/// let thread = codex.thread_start().approval_mode(ApprovalMode::DenyAll).await?;
/// // Holds after a resume too, without being said again.
/// let thread = codex.thread_resume(thread.id()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApprovalMode {
    /// The runtime has a reviewer model decide. No request reaches this process.
    ///
    /// `approvalPolicy: "on-request"`, `approvalsReviewer: "auto_review"`.
    #[default]
    AutoReview,
    /// Whatever would need approval is refused.
    ///
    /// `approvalPolicy: "never"`; the stored reviewer stays.
    DenyAll,
    /// This process decides, by its handlers. Without one, this is an error
    /// before anything is sent.
    ///
    /// `approvalPolicy: "on-request"`, `approvalsReviewer: "user"`.
    Ask,
    /// Neither setting is sent, not by `thread_start` either: configuration
    /// decides, as managed organisations may want it.
    Inherit,
}

impl ApprovalMode {
    /// The settings that a mode stands for.
    pub(crate) fn settings(self) -> (Option<AskForApproval>, Option<ApprovalsReviewer>) {
        match self {
            Self::AutoReview => (
                Some(AskForApproval::OnRequest),
                Some(ApprovalsReviewer::AutoReview),
            ),
            Self::DenyAll => (Some(AskForApproval::Never), None),
            Self::Ask => (
                Some(AskForApproval::OnRequest),
                Some(ApprovalsReviewer::User),
            ),
            Self::Inherit => (None, None),
        }
    }
}

/// Where commands and edits may reach.
///
/// A sandbox that is given to a turn stays for later turns. A turn that has begun keeps
/// its own, also where [the input joins it](crate::TurnHandle::joined).
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::Sandbox;
///
/// let thread = codex.thread_start().sandbox(Sandbox::ReadOnly).await?;
/// let plan = thread.run("Plan the change.").await?;
/// let done = thread.run("Make it.").sandbox(Sandbox::WorkspaceWrite).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sandbox {
    /// Read anything, write nothing: `read-only`.
    ReadOnly,
    /// Write in the working directory and the configured writable roots:
    /// `workspace-write`.
    ///
    /// `[sandbox_workspace_write]` of the configuration, and of the `config` that the
    /// thread was started with by this client, holds as it is: a turn that
    /// changes to this mode is told what it says, because the server would take
    /// what is left out for a decision (0.163.0 then opens `/tmp` and cuts off the
    /// network, whatever is configured).
    // QUIRK(0.163.0, tests/tests/api_sandbox.rs::a_turn_in_workspace_write_keeps_what_is_configured):
    // what a turn leaves out is not kept, so all of it is sent.
    WorkspaceWrite,
    /// No sandbox: `danger-full-access`.
    FullAccess,
}

impl Sandbox {
    /// What threads are told.
    pub(crate) fn mode(self) -> SandboxMode {
        match self {
            Self::ReadOnly => SandboxMode::ReadOnly,
            Self::WorkspaceWrite => SandboxMode::WorkspaceWrite,
            Self::FullAccess => SandboxMode::DangerFullAccess,
        }
    }

    /// What turns are told; `workspace` is what configuration says of that mode.
    pub(crate) fn policy(self, workspace: WorkspaceWriteSandboxPolicy) -> SandboxPolicy {
        match self {
            Self::ReadOnly => SandboxPolicy::ReadOnly(ReadOnlySandboxPolicy::new()),
            Self::WorkspaceWrite => SandboxPolicy::WorkspaceWrite(workspace),
            Self::FullAccess => SandboxPolicy::DangerFullAccess,
        }
    }
}

/// What the `config` that a thread was started with says of the workspace-write mode.
/// The server tells of it where that is the thread's mode, and nowhere else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkspaceOverrides(JsonObject);

impl WorkspaceOverrides {
    /// Those in a `config`, by dotted keys or in an object, if there are any.
    pub(crate) fn of(config: Option<&JsonObject>) -> Option<Self> {
        let mut overrides = JsonObject::new();
        for (key, value) in config? {
            match (key.strip_prefix(WORKSPACE), value) {
                (Some(""), Value::Object(members)) => overrides.extend(members.clone()),
                (Some(rest), _) => {
                    let member = rest.strip_prefix('.');
                    overrides.extend(member.map(|member| (member.to_owned(), value.clone())));
                }
                (None, _) => {}
            }
        }
        (!overrides.is_empty()).then_some(Self(overrides))
    }

    /// These over what is configured otherwise.
    pub(crate) fn over(&self, configured: &SandboxWorkspaceWrite) -> Result<SandboxWorkspaceWrite> {
        let merged = serde_json::to_value(configured).and_then(|mut merged| {
            if let Value::Object(members) = &mut merged {
                members.extend(self.0.clone());
            }
            serde_json::from_value(merged)
        });
        merged.map_err(|error| {
            let message = format!("the thread's config has a {WORKSPACE} that cannot be read");
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })
    }
}

/// `[sandbox_workspace_write]` of the configuration as a turn is told it.
pub(crate) fn workspace_policy(configured: SandboxWorkspaceWrite) -> WorkspaceWriteSandboxPolicy {
    let roots: Vec<_> = (configured.writable_roots.into_iter())
        .map(Into::into)
        .collect();
    WorkspaceWriteSandboxPolicy::new()
        .exclude_slash_tmp(configured.exclude_slash_tmp)
        .exclude_tmpdir_env_var(configured.exclude_tmpdir_env_var)
        .network_access(configured.network_access)
        .writable_roots(roots)
}
