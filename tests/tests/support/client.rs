//! Clients to test with: of the real runtime over a scripted model, and of a scripted server.
// Each test binary uses its part of this.
#![allow(dead_code)]

use openai_codex::{Codex, CodexBuilder, Thread, VersionPolicy};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};
use serde_json::{Value, json};

/// A client of the real runtime, driven by a scripted model.
pub(crate) async fn start(model: &MockModel) -> (TestRuntime, Codex) {
    let runtime = TestRuntime::new(model).unwrap();
    let codex = connect(&runtime).await;
    (runtime, codex)
}

/// One more process over the same home.
pub(crate) async fn connect(runtime: &TestRuntime) -> Codex {
    builder(runtime).await.unwrap()
}

/// How [`connect`] starts it.
pub(crate) fn builder(runtime: &TestRuntime) -> CodexBuilder {
    Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env())
}

/// The version that the runtime of the tests tells by itself: the pinned one, or the newest supported one
/// that can be had here.
pub(crate) fn version_of(runtime: &TestRuntime) -> String {
    let output = std::process::Command::new(runtime.binary())
        .arg("--version")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().last().unwrap().to_owned()
}

/// A client of a scripted server.
pub(crate) async fn fake() -> (FakeServer, Codex) {
    let fake = FakeServer::new();
    let codex = Codex::builder().fake(&fake).await;
    (fake, codex)
}

/// A client of a scripted server that says it is this version of the runtime.
pub(crate) async fn fake_of_version(version: &str) -> (FakeServer, Codex) {
    let fake = FakeServer::new();
    fake.always("initialize").reply(json!({
        "userAgent": format!("fake/{version} (test; none) none (fake; 0)"),
        "codexHome": "/nowhere",
        "platformFamily": "unix",
        "platformOs": "linux",
    }));
    let any = Codex::builder().version_policy(VersionPolicy::Any);
    let codex = any.fake(&fake).await;
    (fake, codex)
}

/// Connects a builder to a scripted server.
pub(crate) trait Fake {
    async fn fake(self, fake: &FakeServer) -> Codex;
}

impl Fake for CodexBuilder {
    async fn fake(self, fake: &FakeServer) -> Codex {
        let (read, write) = fake.connect();
        self.connect_with(read, write).await.unwrap()
    }
}

/// The params of the last message of a method that a scripted server received.
#[track_caller]
pub(crate) fn params_of(fake: &FakeServer, method: &str) -> Value {
    fake.received()
        .into_iter()
        .rfind(|message| message["method"] == method)
        .unwrap_or_else(|| panic!("{method} was not sent"))["params"]
        .clone()
}

/// What the runtime answers to `thread/start`, `thread/resume` and `thread/fork`.
pub(crate) fn thread_response(id: &str) -> Value {
    json!({
        "thread": stored_thread(id), "model": "mock-model", "modelProvider": "mock", "cwd": "/",
        "approvalPolicy": "never", "approvalsReviewer": "user",
        "sandbox": {"type": "readOnly", "networkAccess": false},
    })
}

/// A thread as `thread/list` and `thread/read` have it.
pub(crate) fn stored_thread(id: &str) -> Value {
    json!({
        "id": id, "sessionId": id, "preview": "", "ephemeral": false, "projectId": null,
        "modelProvider": "mock", "createdAt": 0, "updatedAt": 0, "status": {"type": "idle"},
        "cwd": "/", "cliVersion": "0.163.0", "source": "vscode", "turns": [],
    })
}

/// What the runtime answers to `turn/start`.
pub(crate) fn turn_response(id: &str) -> Value {
    json!({"turn": {"id": id, "status": "inProgress", "items": []}})
}

/// The settings of a loaded thread that are in effect.
pub(crate) async fn effective(codex: &Codex, thread: &Thread) -> openai_codex::ThreadInfo {
    let resumed = codex.thread_resume(thread.id()).await.unwrap();
    resumed.info().unwrap().clone()
}
