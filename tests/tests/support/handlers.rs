//! A client with handlers.
#![allow(dead_code)]

use openai_codex::{Codex, Handlers};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};
use serde_json::{Value, json};

/// A client of the real runtime, driven by a scripted model.
pub(crate) async fn start(model: &MockModel, handlers: Handlers) -> (TestRuntime, Codex) {
    let runtime = TestRuntime::new(model).unwrap();
    let codex = connect(&runtime, handlers).await;
    (runtime, codex)
}

pub(crate) async fn connect(runtime: &TestRuntime, handlers: Handlers) -> Codex {
    let builder = Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .handlers(handlers);
    builder.envs(runtime.env()).await.unwrap()
}

/// A client of a scripted app-server.
pub(crate) async fn fake(server: &FakeServer, handlers: Handlers) -> Codex {
    let (read, write) = server.connect();
    let builder = Codex::builder().handlers(handlers);
    builder.connect_with(read, write).await.unwrap()
}

/// What the runtime answers to `thread/start`, `thread/resume` and `thread/fork`.
pub(crate) fn thread_response(id: &str) -> Value {
    json!({
        "thread": {
            "id": id, "sessionId": id, "preview": "", "ephemeral": false, "projectId": null,
            "modelProvider": "mock", "createdAt": 0, "updatedAt": 0, "status": {"type": "idle"},
            "cwd": "/", "cliVersion": "0.163.0", "source": "vscode", "turns": [],
        },
        "model": "mock-model", "modelProvider": "mock", "cwd": "/",
        "approvalPolicy": "never", "approvalsReviewer": "user",
        "sandbox": {"type": "readOnly", "networkAccess": false},
    })
}
