//! What may be answered to an approval.

use openai_codex_types::{
    AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision,
    ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision, ApplyPatchApprovalResponse,
    CommandExecutionApprovalDecision as Wire, CommandExecutionRequestApprovalParams,
    CommandExecutionRequestApprovalResponse, DeniedReviewDecision, ExecCommandApprovalResponse,
    FileChangeApprovalDecision, FileChangeRequestApprovalResponse, NetworkPolicyAmendment,
    ReviewDecision,
};

use super::error::HandlerError;

/// What to do about a command or a file change that needs approval.
///
/// The amendments go with command approvals alone, and only one that the server
/// [offered](Self::offered) is sent: another one is answered as an error, and
/// the command does not run.
///
/// ```
/// use openai_codex::{Decision, Handlers};
///
/// let handlers = Handlers::new()
///     .command_approval(|request, _cx| async move {
///         match request.command.as_deref() {
///             Some(command) if command.contains("rm ") => Decision::Cancel,
///             _ => Decision::Decline,
///         }
///     })
///     .file_change_approval(|_request, _cx| async { Decision::AcceptForSession });
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// Go ahead, this once.
    Accept,
    /// Go ahead, and do not ask again for the same in this session.
    AcceptForSession,
    /// Go ahead, and let every command that begins with these words run without
    /// asking, from now on.
    AcceptWithExecpolicyAmendment(Vec<String>),
    /// Allow or deny a host from now on, as the amendment says.
    ApplyNetworkPolicyAmendment(NetworkPolicyAmendment),
    /// Do not do it. The model is told, and the turn goes on.
    Decline,
    /// Do not do it, and interrupt the turn.
    Cancel,
}

impl Decision {
    /// The decisions that the server offers for a command, in its order. It
    /// leaves some of those out that it takes all the same: 0.163.0 always takes
    /// `AcceptForSession`, `Decline` and `Cancel`.
    ///
    /// ```no_run
    /// use openai_codex::{Decision, Handlers};
    ///
    /// let handlers = Handlers::new().command_approval(|request, _cx| async move {
    ///     // Take the first amendment that is offered.
    ///     Decision::offered(&request)
    ///         .into_iter()
    ///         .find(|it| matches!(it, Decision::AcceptWithExecpolicyAmendment(_)))
    ///         .unwrap_or(Decision::Decline)
    /// });
    /// ```
    pub fn offered(request: &CommandExecutionRequestApprovalParams) -> Vec<Self> {
        let offered = request.available_decisions.iter().flatten();
        offered.filter_map(Self::from_wire).collect()
    }

    /// Whether this lets anything happen.
    pub fn accepts(&self) -> bool {
        !matches!(self, Self::Decline | Self::Cancel)
    }

    fn from_wire(wire: &Wire) -> Option<Self> {
        Some(match wire {
            Wire::Accept => Self::Accept,
            Wire::AcceptForSession => Self::AcceptForSession,
            Wire::Decline => Self::Decline,
            Wire::Cancel => Self::Cancel,
            Wire::AcceptWithExecpolicyAmendment(it) => {
                Self::AcceptWithExecpolicyAmendment(it.execpolicy_amendment.clone())
            }
            Wire::ApplyNetworkPolicyAmendment(it) => {
                Self::ApplyNetworkPolicyAmendment(it.network_policy_amendment.clone())
            }
            _ => return None,
        })
    }

    pub(super) fn for_command(
        self,
        request: &CommandExecutionRequestApprovalParams,
    ) -> Result<CommandExecutionRequestApprovalResponse, HandlerError> {
        let offered = Self::offered(request);
        let decision = match self {
            Self::Accept => Wire::Accept,
            Self::AcceptForSession => Wire::AcceptForSession,
            Self::Decline => Wire::Decline,
            Self::Cancel => Wire::Cancel,
            Self::AcceptWithExecpolicyAmendment(words) => {
                let proposed = request.proposed_execpolicy_amendment.as_ref() == Some(&words);
                if !proposed
                    && !offered.contains(&Self::AcceptWithExecpolicyAmendment(words.clone()))
                {
                    return Err(not_offered("exec policy amendment"));
                }
                Wire::AcceptWithExecpolicyAmendment(
                    AcceptWithExecpolicyAmendmentCommandExecutionApprovalDecision::new(words),
                )
            }
            Self::ApplyNetworkPolicyAmendment(rule) => {
                let mut proposed = request.proposed_network_policy_amendments.iter().flatten();
                if !proposed.any(|it| *it == rule)
                    && !offered.contains(&Self::ApplyNetworkPolicyAmendment(rule.clone()))
                {
                    return Err(not_offered("network policy amendment"));
                }
                Wire::ApplyNetworkPolicyAmendment(
                    ApplyNetworkPolicyAmendmentCommandExecutionApprovalDecision::new(rule),
                )
            }
        };
        Ok(CommandExecutionRequestApprovalResponse::new(decision))
    }

    pub(super) fn for_file_change(self) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
        let decision = match self {
            Self::Accept => FileChangeApprovalDecision::Accept,
            Self::AcceptForSession => FileChangeApprovalDecision::AcceptForSession,
            Self::Decline => FileChangeApprovalDecision::Decline,
            Self::Cancel => FileChangeApprovalDecision::Cancel,
            Self::AcceptWithExecpolicyAmendment(_) | Self::ApplyNetworkPolicyAmendment(_) => {
                return Err(HandlerError::new("a file change takes no amendment"));
            }
        };
        Ok(FileChangeRequestApprovalResponse::new(decision))
    }

    pub(super) fn for_legacy_command(self) -> Result<ExecCommandApprovalResponse, HandlerError> {
        self.for_review().map(ExecCommandApprovalResponse::new)
    }

    pub(super) fn for_legacy_patch(self) -> Result<ApplyPatchApprovalResponse, HandlerError> {
        self.for_review().map(ApplyPatchApprovalResponse::new)
    }

    fn for_review(self) -> Result<ReviewDecision, HandlerError> {
        Ok(match self {
            Self::Accept => ReviewDecision::Approved,
            Self::AcceptForSession => ReviewDecision::ApprovedForSession,
            Self::Decline => {
                ReviewDecision::Denied(DeniedReviewDecision::new("the user did not approve it"))
            }
            Self::Cancel => ReviewDecision::Abort,
            Self::AcceptWithExecpolicyAmendment(_) | Self::ApplyNetworkPolicyAmendment(_) => {
                return Err(HandlerError::new("a legacy approval takes no amendment"));
            }
        })
    }
}

fn not_offered(what: &str) -> HandlerError {
    HandlerError::new(format!(
        "the handler accepted with an {what} that was not offered"
    ))
}
