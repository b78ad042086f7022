//! Answering what the server asks: approvals, questions, tokens.

mod context;
mod decision;
mod elicitation;
mod error;
mod origins;
mod permissions;
mod policy;
mod registry;
mod service;
mod threads;
mod user_input;

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openai_codex_types::{
    ApplyPatchApprovalParams, AttestationGenerateParams, AttestationGenerateResponse,
    ChatgptAuthTokensRefreshParams, ChatgptAuthTokensRefreshResponse,
    CommandExecutionRequestApprovalParams, CurrentTimeReadParams, CurrentTimeReadResponse,
    ExecCommandApprovalParams, FileChangeRequestApprovalParams, McpServerElicitationRequestParams,
    PermissionsRequestApprovalParams, SecretString, ServerRequest, ToolRequestUserInputParams,
};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub use self::context::HandlerContext;
pub use self::decision::Decision;
pub use self::elicitation::ElicitationAnswer;
pub use self::error::HandlerError;
pub use self::permissions::PermissionGrant;
pub use self::policy::{CommandDecision, CommandLine, CommandRule};
pub(crate) use self::registry::Registry;
pub use self::service::ServerRequestHandler;
pub(crate) use self::threads::ThreadHooks;
pub use self::user_input::UserInputAnswers;

/// Answers to what the server asks: typed async closures, one per kind of
/// request, for a client ([`CodexBuilder::handlers`](crate::CodexBuilder::handlers))
/// or for one thread ([`ThreadStart::handlers`](crate::ThreadStart::handlers)),
/// whose handlers take precedence, also for its sub-agents and forks.
///
/// **Every request is answered, and nothing is accepted by default.** Without a
/// handler, approvals are declined, permissions granted none, elicitations
/// declined, and whatever else there is gets an error; so do requests whose
/// handler fails, panics or takes longer than its [`timeout`](Self::timeout).
/// Each refusal is a `tracing` warning that names the method, the thread and
/// the turn. The turn goes on in every case, unless the answer is
/// [`Decision::Cancel`].
///
/// Each request runs on a task of its own, 256 at a time (more are refused), so
/// a handler may wait for a person, and may call the client. It gets the params
/// and a [`HandlerContext`]. It returns the answer, or a `Result` of it with a
/// [`HandlerError`].
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// use openai_codex::{ApprovalMode, Codex, Decision, Handlers};
///
/// let handlers = Handlers::new().command_approval(|request, _cx| async move {
///     match request.command.as_deref() {
///         Some("/bin/bash -c 'cargo test'") => Decision::Accept,
///         _ => Decision::Decline,
///     }
/// });
/// let codex = Codex::builder().handlers(handlers).await?;
/// let thread = codex.thread_start().approval_mode(ApprovalMode::Ask).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
#[must_use = "handlers do nothing until they are given to a client or a thread"]
pub struct Handlers {
    by_method: HashMap<&'static str, Arc<Run>>,
    fallback: Option<Arc<Fallback>>,
    timeout: Option<Duration>,
}

/// What a handler comes to: JSON to answer with.
type Answering = Pin<Box<dyn Future<Output = Result<Box<RawValue>, HandlerError>> + Send>>;
type Run = dyn Fn(&RawValue, HandlerContext) -> Answering + Send + Sync;
type Fallback = dyn Fn(&str, &RawValue, HandlerContext) -> Answering + Send + Sync;

/// What a handler may return: the answer, or a `Result` of it.
///
/// ```
/// use openai_codex::{Decision, HandlerError, Handlers};
///
/// // The answer itself, or a `Result` of it.
/// let handlers = Handlers::new()
///     .command_approval(|_, _| async { Decision::Decline })
///     .file_change_approval(|_, _| async { Err::<Decision, _>(HandlerError::new("no idea")) });
/// ```
pub trait IntoAnswer<A>: Send + sealed::Sealed<A> {
    #[doc(hidden)]
    fn into_answer(self) -> Result<A, HandlerError>;
}

impl<A: Send> IntoAnswer<A> for A {
    fn into_answer(self) -> Result<A, HandlerError> {
        Ok(self)
    }
}

impl<A: Send> IntoAnswer<A> for Result<A, HandlerError> {
    fn into_answer(self) -> Result<A, HandlerError> {
        self
    }
}

mod sealed {
    pub trait Sealed<A> {}
    impl<A> Sealed<A> for A {}
    impl<A> Sealed<A> for Result<A, super::HandlerError> {}
}

/// A setter for one kind of request: what its closure returns, and how that
/// becomes a checked response.
macro_rules! handlers {
    ($($(#[$doc:meta])* $name:ident: $request:ty => $answer:ty, $checked:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name<F, Fut>(self, handler: F) -> Self
        where
            F: Fn($request, HandlerContext) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            Fut::Output: IntoAnswer<$answer>,
        {
            self.answered_by::<$request, $answer, _, _>(handler, $checked)
        }
    )*};
}

impl Handlers {
    /// No handlers: everything is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// The handlers that a type implements. Others can be added, and replace
    /// those of the same kind.
    pub fn from_trait(handler: impl ServerRequestHandler) -> Self {
        let handler = Arc::new(handler);
        macro_rules! forward {
            ($name:ident) => {{
                let handler = Arc::clone(&handler);
                move |request, cx| {
                    let handler = Arc::clone(&handler);
                    async move { handler.$name(request, cx).await }
                }
            }};
        }
        Self::new()
            .command_approval(forward!(command_approval))
            .file_change_approval(forward!(file_change_approval))
            .permissions_approval(forward!(permissions_approval))
            .user_input(forward!(user_input))
            .elicitation(forward!(elicitation))
    }

    handlers! {
        /// A command needs approval (`item/commandExecution/requestApproval`).
        /// [`CommandRule`] approves some by rules.
        command_approval: CommandExecutionRequestApprovalParams => Decision,
            |request, decision| decision.for_command(request);

        /// A change of files needs approval (`item/fileChange/requestApproval`).
        /// The request names the item; its `item/started` has the changes.
        file_change_approval: FileChangeRequestApprovalParams => Decision,
            |_, decision| decision.for_file_change();

        /// The agent asks for permissions (`item/permissions/requestApproval`).
        permissions_approval: PermissionsRequestApprovalParams => PermissionGrant,
            |request, grant| grant.checked(request);

        /// The agent has questions for the user (`item/tool/requestUserInput`).
        user_input: ToolRequestUserInputParams => UserInputAnswers,
            |request, answers| answers.checked(request);

        /// An MCP server asks for something (`mcpServer/elicitation/request`), or
        /// one of its tools needs approval, which the runtime asks in the same way.
        elicitation: McpServerElicitationRequestParams => ElicitationAnswer,
            |request, answer| answer.checked(request);

        /// The account's tokens, which this program provides, are out of date
        /// (`account/chatgptAuthTokens/refresh`).
        auth_tokens_refresh: ChatgptAuthTokensRefreshParams => ChatgptAuthTokensRefreshResponse,
            |_, response| Ok(response);

        /// The runtime needs a token that attests this client
        /// (`attestation/generate`). Installing this asks for such requests in
        /// the handshake, so it belongs to the client and not to a thread.
        attestation: AttestationGenerateParams => SecretString,
            |_, token| Ok(AttestationGenerateResponse::new(token));

        /// The agent wants to know the time (`currentTime/read`).
        current_time: CurrentTimeReadParams => SystemTime,
            |_, time| seconds(time).map(CurrentTimeReadResponse::new);

        /// A command needs approval, in the words of older runtimes
        /// (`execCommandApproval`).
        legacy_command_approval: ExecCommandApprovalParams => Decision,
            |_, decision| decision.for_legacy_command();

        /// A patch needs approval, in the words of older runtimes
        /// (`applyPatchApproval`).
        legacy_patch_approval: ApplyPatchApprovalParams => Decision,
            |_, decision| decision.for_legacy_patch();
    }

    /// Answers any generated server request, by the type of its params. The
    /// response is sent as it is: nothing is checked.
    ///
    /// ```no_run
    /// use openai_codex::Handlers;
    /// use openai_codex::types::{CurrentTimeReadParams, CurrentTimeReadResponse};
    ///
    /// let handlers = Handlers::new().on::<CurrentTimeReadParams, _, _>(|_request, _cx| async move {
    ///     Ok(CurrentTimeReadResponse::new(1_700_000_000))
    /// });
    /// ```
    pub fn on<R, F, Fut>(self, handler: F) -> Self
    where
        R: ServerRequest,
        F: Fn(R, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R::Response, HandlerError>> + Send + 'static,
    {
        self.install(R::METHOD, move |params, cx| {
            let request = openai_codex_wire::decode::<R>(R::METHOD, params.get());
            let answering = request.map(|request| handler(request, cx));
            Box::pin(async move { Ok(to_raw_value(&answering?.await?)?) })
        })
    }

    /// Answers methods that this version of the crate does not know. Those that
    /// it knows are refused if they have no handler.
    ///
    /// ```no_run
    /// use openai_codex::{HandlerError, Handlers};
    /// use serde_json::json;
    ///
    /// let handlers = Handlers::new().fallback(|method, params, _cx| async move {
    ///     match method.as_str() {
    ///         "moon/phase" => Ok(json!({"phase": params["month"]})),
    ///         _ => Err(HandlerError::not_handled()),
    ///     }
    /// });
    /// ```
    pub fn fallback<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(String, Value, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, HandlerError>> + Send + 'static,
    {
        self.fallback = Some(Arc::new(move |method, params, cx| {
            let params = serde_json::from_str(params.get());
            let answering = params.map(|params| handler(method.to_owned(), params, cx));
            Box::pin(async move { Ok(to_raw_value(&answering?.await?)?) })
        }));
        self
    }

    /// How long each of these handlers may take; as long as it likes by default.
    /// A request that is not answered by then is answered with an error, and its
    /// handler is dropped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn answered_by<R, A, F, Fut>(self, handler: F, checked: impl Answered<R, A>) -> Self
    where
        R: ServerRequest + Clone,
        A: Send + 'static,
        F: Fn(R, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoAnswer<A>,
    {
        self.install(R::METHOD, move |params, cx| {
            let request = openai_codex_wire::decode::<R>(R::METHOD, params.get());
            let answering = request.map(|request| (handler(request.clone(), cx), request));
            Box::pin(async move {
                let (answering, request) = answering?;
                let answer = answering.await.into_answer()?;
                Ok(to_raw_value(&checked(&request, answer)?)?)
            })
        })
    }

    fn install(
        mut self,
        method: &'static str,
        run: impl Fn(&RawValue, HandlerContext) -> Answering + Send + Sync + 'static,
    ) -> Self {
        self.by_method.insert(method, Arc::new(run));
        self
    }

    /// Whether there are none at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_method.is_empty() && self.fallback.is_none()
    }

    /// Whether there is one that answers approvals of commands, file changes,
    /// permissions or MCP tools.
    pub(crate) fn approve(&self) -> bool {
        [
            CommandExecutionRequestApprovalParams::METHOD,
            FileChangeRequestApprovalParams::METHOD,
            PermissionsRequestApprovalParams::METHOD,
            McpServerElicitationRequestParams::METHOD,
        ]
        .iter()
        .any(|method| self.by_method.contains_key(method))
    }

    /// Whether the handshake asks for requests for attestation.
    pub(crate) fn attest(&self) -> bool {
        self.by_method
            .contains_key(AttestationGenerateParams::METHOD)
    }
}

/// How an answer becomes a response that fits its request.
trait Answered<R: ServerRequest, A>:
    Fn(&R, A) -> Result<R::Response, HandlerError> + Copy + Send + Sync + 'static
{
}

impl<R: ServerRequest, A, T> Answered<R, A> for T where
    T: Fn(&R, A) -> Result<R::Response, HandlerError> + Copy + Send + Sync + 'static
{
}

/// Whole seconds since the epoch.
fn seconds(time: SystemTime) -> Result<i64, HandlerError> {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs())?,
        Err(before) => -i64::try_from(before.duration().as_secs())?,
    };
    Ok(seconds)
}

/// The methods that are answered.
impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut methods: Vec<_> = self.by_method.keys().collect();
        methods.sort();
        f.debug_struct("Handlers")
            .field("methods", &methods)
            .field("fallback", &self.fallback.is_some())
            .field("timeout", &self.timeout)
            .finish()
    }
}
