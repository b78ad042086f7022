//! A client with handlers.
#![allow(dead_code)]

use openai_codex::{Codex, Handlers};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};

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
