//! Handlers as a trait, for those who prefer one.

use std::future::{Future, ready};

use openai_codex_types::{
    CommandExecutionRequestApprovalParams, FileChangeRequestApprovalParams,
    McpServerElicitationRequestParams, PermissionsRequestApprovalParams,
    ToolRequestUserInputParams,
};

use super::context::HandlerContext;
use super::decision::Decision;
use super::elicitation::ElicitationAnswer;
use super::error::HandlerError;
use super::permissions::PermissionGrant;
use super::user_input::UserInputAnswers;

/// What the agent asks of a person, as a trait instead of closures:
/// [`Handlers::from_trait`](crate::Handlers::from_trait).
///
/// What is not implemented is refused.
///
/// ```no_run
/// use openai_codex::types::CommandExecutionRequestApprovalParams;
/// use openai_codex::{Decision, HandlerContext, HandlerError, Handlers, ServerRequestHandler};
///
/// struct OnlyTests;
///
/// impl ServerRequestHandler for OnlyTests {
///     async fn command_approval(
///         &self,
///         request: CommandExecutionRequestApprovalParams,
///         _cx: HandlerContext,
///     ) -> Result<Decision, HandlerError> {
///         println!("{:?}", request.command);
///         Ok(Decision::Decline)
///     }
/// }
///
/// let handlers = Handlers::from_trait(OnlyTests);
/// ```
pub trait ServerRequestHandler: Send + Sync + 'static {
    /// A command needs approval.
    fn command_approval(
        &self,
        request: CommandExecutionRequestApprovalParams,
        cx: HandlerContext,
    ) -> impl Future<Output = Result<Decision, HandlerError>> + Send {
        let _ = (request, cx);
        ready(Err(HandlerError::not_handled()))
    }

    /// A change of files needs approval.
    fn file_change_approval(
        &self,
        request: FileChangeRequestApprovalParams,
        cx: HandlerContext,
    ) -> impl Future<Output = Result<Decision, HandlerError>> + Send {
        let _ = (request, cx);
        ready(Err(HandlerError::not_handled()))
    }

    /// The agent asks for more permissions.
    fn permissions_approval(
        &self,
        request: PermissionsRequestApprovalParams,
        cx: HandlerContext,
    ) -> impl Future<Output = Result<PermissionGrant, HandlerError>> + Send {
        let _ = (request, cx);
        ready(Err(HandlerError::not_handled()))
    }

    /// The agent has questions for the user.
    fn user_input(
        &self,
        request: ToolRequestUserInputParams,
        cx: HandlerContext,
    ) -> impl Future<Output = Result<UserInputAnswers, HandlerError>> + Send {
        let _ = (request, cx);
        ready(Err(HandlerError::not_handled()))
    }

    /// An MCP server asks for something, or one of its tools needs approval.
    fn elicitation(
        &self,
        request: McpServerElicitationRequestParams,
        cx: HandlerContext,
    ) -> impl Future<Output = Result<ElicitationAnswer, HandlerError>> + Send {
        let _ = (request, cx);
        ready(Err(HandlerError::not_handled()))
    }
}
