//! Who approves what the agent wants to do, and where it may do it.

use openai_codex_types::{
    ApprovalsReviewer, AskForApproval, ReadOnlySandboxPolicy, SandboxMode, SandboxPolicy,
};

/// Who decides when the agent wants to do something that needs approval.
///
/// [`Codex::thread_start`](crate::Codex::thread_start) uses [`AutoReview`](Self::AutoReview)
/// unless told otherwise. Resuming, forking and starting a turn send nothing
/// unless a mode is given, so what the thread has stored stays.
///
/// A mode that is given to a turn stays for later turns.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sandbox {
    /// Read anything, write nothing.
    ReadOnly,
    /// Write in the working directory and the configured writable roots.
    WorkspaceWrite,
    /// No sandbox.
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

    /// What turns are told.
    ///
    /// Only the choice itself is sent. The members that the schema gives
    /// defaults would be sent as decisions otherwise: an empty list of writable
    /// roots, no network.
    pub(crate) fn policy(self) -> SandboxPolicy {
        match self {
            Self::ReadOnly => SandboxPolicy::ReadOnly(ReadOnlySandboxPolicy::new()),
            Self::WorkspaceWrite => {
                SandboxPolicy::Unrecognized(serde_json::json!({"type": "workspaceWrite"}))
            }
            Self::FullAccess => SandboxPolicy::DangerFullAccess,
        }
    }
}
