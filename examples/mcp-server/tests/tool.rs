//! The tool, called by an MCP client, with the real runtime and a scripted model.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use codex_mcp_server::CodexServer;
use openai_codex::Codex;
use openai_codex_testkit::{Gate, MockModel, PATIENCE, TestRuntime};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    ElicitRequestParams, ElicitResult, ElicitationAction, Implementation,
    ProgressNotificationParam, ProtocolVersion, Request,
};
use rmcp::service::{NotificationContext, PeerRequestOptions, RequestContext, RunningService};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, ErrorData, RoleClient, ServiceExt,
};
use serde_json::{Value, json};

/// A client whose user always gives this answer, or cannot be asked.
#[derive(Clone)]
struct User {
    answer: Option<ElicitationAction>,
    asked: Arc<Mutex<Vec<String>>>,
    steps: Arc<Mutex<Vec<String>>>,
}

impl User {
    fn new(answer: Option<ElicitationAction>) -> Self {
        Self {
            answer,
            asked: Arc::default(),
            steps: Arc::default(),
        }
    }
}

impl ClientHandler for User {
    fn get_info(&self) -> ClientConfig {
        let capabilities = match self.answer {
            Some(_) => ClientCapabilities::builder().enable_elicitation().build(),
            None => ClientCapabilities::default(),
        };
        ClientConfig::new(capabilities, Implementation::new("a-test", "1"))
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams { message, .. } = request else {
            return Err(ErrorData::invalid_params("no form", None));
        };
        self.asked.lock().unwrap().push(message);
        let answer = self.answer.clone().unwrap();
        Ok(ElicitResult::new(answer))
    }

    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.steps.lock().unwrap().extend(progress.message);
    }
}

struct Session {
    codex: Codex,
    client: RunningService<RoleClient, User>,
}

impl Session {
    async fn start(runtime: &TestRuntime, user: &User, lifecycle: ClientLifecycleMode) -> Self {
        let codex = Codex::builder()
            .codex_bin(runtime.binary())
            .envs(runtime.env())
            .cwd(runtime.workspace())
            .await
            .unwrap();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let server = CodexServer::new(codex.clone());
        tokio::spawn(async move {
            let server = server.serve(far).await.unwrap();
            server.waiting().await.unwrap();
        });
        let client = user.clone().serve_with_lifecycle(near, lifecycle);
        Self {
            codex,
            client: client.await.unwrap(),
        }
    }

    async fn call(&self, arguments: Value) -> CallToolResult {
        self.client.call_tool(call(arguments)).await.unwrap()
    }

    async fn end(self) {
        drop(self.client.cancel().await);
        self.codex.close().await.unwrap();
    }
}

fn call(arguments: Value) -> CallToolRequestParams {
    let Value::Object(arguments) = arguments else {
        panic!()
    };
    CallToolRequestParams::new("codex").with_arguments(arguments)
}

/// As MCP did it until 2025, and as it does since 2026.
fn lifecycles() -> [ClientLifecycleMode; 2] {
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        },
    ]
}

#[tokio::test]
async fn a_thread_goes_on_in_the_next_call() {
    let model = MockModel::start().unwrap();
    model.say("Ferris.");
    model.say("I called it Ferris.");
    let runtime = TestRuntime::new(&model).unwrap();
    let user = User::new(None);
    let session = Session::start(&runtime, &user, ClientLifecycleMode::Initialize).await;
    let first = session.call(json!({ "prompt": "Name the crab." })).await;
    let first = first.structured_content.unwrap();
    assert_eq!(first["answer"], "Ferris.");
    let id = first["thread_id"].as_str().unwrap();
    let second = session
        .call(json!({ "prompt": "Which name?", "thread_id": id }))
        .await;
    assert_eq!(second.structured_content.unwrap()["thread_id"], id);
    assert_eq!(model.last_request().unwrap().user_texts().len(), 2);
    let failed = session
        .call(json!({ "prompt": "?", "thread_id": "unknown" }))
        .await;
    assert_eq!(failed.is_error, Some(true));
    session.end().await;
}

#[tokio::test]
async fn approvals_are_the_users_and_steps_are_told() {
    for lifecycle in lifecycles() {
        for answer in [
            Some(ElicitationAction::Accept),
            Some(ElicitationAction::Decline),
            None,
        ] {
            let model = MockModel::start().unwrap();
            model.shell_escalated("touch done.txt", "To note it");
            model.say("So be it.");
            let runtime = TestRuntime::new(&model).unwrap();
            let user = User::new(answer.clone());
            let session = Session::start(&runtime, &user, lifecycle.clone()).await;
            let result = session.call(json!({ "prompt": "Note it." })).await;
            assert_eq!(result.structured_content.unwrap()["answer"], "So be it.");
            let asked = user.asked.lock().unwrap().join("\n");
            assert_eq!(
                asked.contains("touch done.txt'\nTo note it"),
                answer.is_some(),
                "{asked}"
            );
            let is_done = runtime.workspace().join("done.txt").exists();
            assert_eq!(is_done, answer == Some(ElicitationAction::Accept));
            let steps = user.steps.lock().unwrap().join("\n");
            assert!(
                steps.contains("touch done.txt") && steps.ends_with("So be it."),
                "{steps}"
            );
            session.end().await;
        }
    }
}

#[tokio::test]
async fn a_change_is_asked_about_with_its_lines() {
    for lifecycle in lifecycles() {
        let model = MockModel::start().unwrap();
        model.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+the line\n*** End Patch");
        model.say("Patched.");
        let runtime = TestRuntime::builder(&model)
            .sandbox_mode("read-only")
            .build()
            .unwrap();
        let user = User::new(Some(ElicitationAction::Accept));
        let session = Session::start(&runtime, &user, lifecycle).await;
        let result = session.call(json!({ "prompt": "Patch." })).await;
        assert_eq!(result.structured_content.unwrap()["answer"], "Patched.");
        let asked = user.asked.lock().unwrap().join("\n");
        assert!(
            asked.contains("a.txt (new):\n") && asked.contains("the line"),
            "{asked}"
        );
        assert!(runtime.workspace().join("a.txt").exists());
        session.end().await;
    }
}

#[tokio::test]
async fn two_calls_do_not_share_a_stored_thread() {
    let model = MockModel::start().unwrap();
    model.say("Noted.");
    let gate = Gate::new();
    model.deltas(["At "]).waits_for(&gate).deltas(["work."]);
    let runtime = TestRuntime::new(&model).unwrap();
    let user = User::new(None);
    let session = Session::start(&runtime, &user, ClientLifecycleMode::Initialize).await;
    let first = session.call(json!({ "prompt": "Note this." })).await;
    let id = first.structured_content.unwrap()["thread_id"].clone();
    session.end().await;

    // It is stored, and known to no call yet.
    let session = Session::start(&runtime, &user, ClientLifecycleMode::Initialize).await;
    let ask = || session.call(json!({ "prompt": "Go on.", "thread_id": id }));
    let calls = async {
        let (mut one, mut other) = (std::pin::pin!(ask()), std::pin::pin!(ask()));
        let refused = tokio::select! {
            refused = &mut one => refused,
            refused = &mut other => {
                gate.open();
                return (refused, one.await);
            }
        };
        gate.open();
        (refused, other.await)
    };
    let (refused, done) = tokio::time::timeout(PATIENCE, calls).await.unwrap();
    assert_eq!(refused.is_error, Some(true));
    let refused = format!("{:?}", refused.content);
    assert!(refused.contains("another call is at work"), "{refused}");
    assert_eq!(done.structured_content.unwrap()["answer"], "At work.");
    session.end().await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_stops_its_turn() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model
        .deltas(["I will "])
        .waits_for(&gate)
        .deltas(["never finish."]);
    let runtime = TestRuntime::new(&model).unwrap();
    let user = User::new(None);
    let session = Session::start(&runtime, &user, ClientLifecycleMode::Initialize).await;
    let mut events = session.codex.events();
    let request = ClientRequest::CallToolRequest(Request::new(call(json!({ "prompt": "Talk." }))));
    let options = PeerRequestOptions::no_options();
    let running = session.client.send_cancellable_request(request, options);
    let running = running.await.unwrap();
    gate.reached().await;
    running.cancel(None).await.unwrap();
    let idle = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if event.method() == "thread/status/changed" && event.raw().contains("\"idle\"") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, idle).await.unwrap();
    session.end().await;
}
