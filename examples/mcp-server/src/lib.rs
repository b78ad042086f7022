//! Codex as a tool of another agent, over MCP: `codex` runs a turn in a new thread or in an
//! earlier one. What the agent does is told as progress, and approvals become questions to the
//! client's user (elicitation). A client that cannot ask its user has them refused.

mod asked;
mod call;
mod desk;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openai_codex::{ApprovalMode, Codex, Thread};
use rmcp::handler::server::tool::{InputResponses, RequestState};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, ElicitRequest, ElicitRequestParams,
    ElicitationAction, ElicitationSchema, Implementation, InputRequest, InputRequests,
    InputRequiredResult, ProtocolVersion, ServerCapabilities, ServerConfig,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use serde::Deserialize;

use call::{Call, Next};
use desk::{Desk, Question};

/// How long a call waits for its client to come back with an answer.
const PATIENCE: Duration = Duration::from_secs(600);
/// What the client's answer is called.
const APPROVAL: &str = "approval";

/// The server.
#[derive(Clone)]
pub struct CodexServer {
    codex: Codex,
    threads: Arc<Mutex<HashMap<String, (Thread, Desk)>>>,
    /// Held while a stored thread is resumed, so that two calls get the same one.
    resuming: Arc<tokio::sync::Mutex<()>>,
    /// The calls whose clients have been asked, and will call again.
    waiting: Arc<Mutex<HashMap<String, (Call, Question)>>>,
}

/// What the tool is called with.
#[derive(Debug, Deserialize, JsonSchema)]
struct Ask {
    /// What the agent shall do.
    prompt: String,
    /// The thread to go on with, from an earlier answer. A new one without it.
    thread_id: Option<String>,
    /// The folder that a new thread works in.
    cwd: Option<String>,
}

/// How a client can be asked for an approval.
enum Way {
    /// It cannot.
    None,
    /// By a request while the call runs: MCP up to 2025-11-25.
    Request,
    /// By an answer, after which it calls again: since 2026-07-28.
    Answer,
}

#[tool_router]
impl CodexServer {
    /// A server over a client of the runtime, which the caller closes.
    pub fn new(codex: Codex) -> Self {
        Self {
            codex,
            threads: Arc::default(),
            resuming: Arc::default(),
            waiting: Arc::default(),
        }
    }

    #[tool(
        description = "Lets the Codex agent work on something: it reads, runs commands and \
                          changes files. Gives its answer and the id of the thread to go on with."
    )]
    async fn codex(
        &self,
        Parameters(ask): Parameters<Ask>,
        RequestState(state): RequestState,
        InputResponses(answers): InputResponses,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let begun = match state {
            None => self.begin(ask).await,
            Some(state) => {
                let gone = || ErrorData::invalid_params("nobody waits for this answer", None);
                let (call, question) = self.waiting().remove(&state).ok_or_else(gone)?;
                let answer = answers.as_ref().and_then(|answers| answers.get(APPROVAL));
                question.answer(answer.is_some_and(|answer| answer["action"] == "accept"));
                Ok(call)
            }
        };
        let mut call = match begun {
            Ok(call) => call,
            // The other agent can read it, and do something else.
            Err(error) => return Ok(failed(&error)),
        };
        let told = context.meta.get_progress_token();
        loop {
            // Dropped with the call, the turn is stopped.
            let next = tokio::select! {
                next = call.next(&context.peer, told.as_ref()) => next,
                () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
            };
            let mut question = match next {
                Next::Ended(Ok(answer)) => return Ok(CallToolResult::structured(answer).into()),
                Next::Ended(Err(error)) => return Ok(failed(&error.into())),
                Next::Asks(question) => question,
            };
            match way(&context) {
                Way::None => question.answer(false),
                Way::Request => {
                    let asked = context.peer.create_elicitation(form(&question));
                    let accepted = tokio::select! {
                        answer = asked => answer.is_ok_and(|it| it.action == ElicitationAction::Accept),
                        () = question.is_settled() => false,
                        () = context.ct.cancelled() => false,
                    };
                    question.answer(accepted);
                }
                Way::Answer => return Ok(self.wait(call, question).into()),
            }
        }
    }

    async fn begin(&self, ask: Ask) -> anyhow::Result<Call> {
        let (thread, desk) = self.thread(ask.thread_id, ask.cwd).await?;
        Call::begin(&thread, &desk, ask.prompt).await
    }

    async fn thread(
        &self,
        id: Option<String>,
        cwd: Option<String>,
    ) -> anyhow::Result<(Thread, Desk)> {
        let _resuming = match id {
            Some(_) => Some(self.resuming.lock().await),
            None => None,
        };
        let known = id.as_ref().and_then(|id| self.threads().get(id).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let desk = Desk::default();
        let thread = match id {
            Some(id) => {
                let resume = self
                    .codex
                    .thread_resume(id)
                    .approval_mode(ApprovalMode::Ask);
                resume.handlers(desk.handlers()).await?
            }
            None => {
                let mut start = self.codex.thread_start().approval_mode(ApprovalMode::Ask);
                if let Some(cwd) = cwd {
                    start = start.cwd(cwd);
                }
                start.handlers(desk.handlers()).await?
            }
        };
        let opened = (thread, desk);
        self.threads()
            .insert(opened.0.id().to_string(), opened.clone());
        Ok(opened)
    }

    /// Keeps the call until the client calls again with its answer.
    fn wait(&self, call: Call, question: Question) -> InputRequiredResult {
        let state = format!("{}/{}", call.turn_id(), question.number);
        let asked = InputRequest::Elicitation(ElicitRequest::new(form(&question)));
        self.waiting().insert(state.clone(), (call, question));
        let (server, expired) = (self.clone(), state.clone());
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            // The turn is stopped, if nobody came.
            drop(server.waiting().remove(&expired));
        });
        let requests = InputRequests::from([(APPROVAL.to_owned(), asked)]);
        InputRequiredResult::new(Some(requests), Some(state))
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Thread, Desk)>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Call, Question)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tool_handler]
impl ServerHandler for CodexServer {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new("codex-mcp-server", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(name)
    }
}

fn way(context: &RequestContext<RoleServer>) -> Way {
    let capabilities = context.client_capabilities();
    if capabilities.and_then(|it| it.elicitation).is_none() {
        return Way::None;
    }
    match context.protocol_version() {
        Some(version) if version >= ProtocolVersion::V_2026_07_28 => Way::Answer,
        _ => Way::Request,
    }
}

/// Yes or no: a form without fields.
fn form(question: &Question) -> ElicitRequestParams {
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: question.text.clone(),
        requested_schema: ElicitationSchema::new(Default::default()),
    }
}

fn failed(error: &anyhow::Error) -> CallToolResponse {
    CallToolResult::error(vec![ContentBlock::text(error.to_string())]).into()
}
