//! What the real runtime says of threads that are not there, or busy.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use openai_codex::{ApprovalMode, Error};
use openai_codex_testkit::{Gate, MockModel};

#[track_caller]
fn is_missing(result: openai_codex::Result<impl Sized>) {
    let error: Error = result.err().unwrap();
    assert!(error.is_thread_missing(), "{error}");
    assert!(!error.is_thread_busy() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_thread_that_is_not_there_is_told_whatever_the_reason() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    for id in ["019ab3c4-0000-7000-8000-000000000000", "no-such-thread"] {
        is_missing(codex.thread_resume(id).await);
        is_missing(codex.thread_fork(id).await);
        is_missing(codex.thread(id).run("Hi.").await);
        is_missing(codex.thread(id).read(false).await);
        is_missing(codex.thread_archive(id).await);
    }
    model.say("Hello.");
    let thread = codex.thread_start().await.unwrap();
    thread.run("Hi.").await.unwrap();
    codex.thread_archive(thread.id()).await.unwrap();
    is_missing(codex.thread_resume(thread.id()).await);
    let unused = codex.thread_start().ephemeral(true).await.unwrap();
    is_missing(
        codex
            .thread_fork(unused.id())
            .approval_mode(ApprovalMode::DenyAll)
            .await,
    );
}

#[tokio::test]
async fn a_thread_that_is_compacted_is_busy_until_that_has_ended() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    model.say("Hello.");
    let thread = codex.thread_start().await.unwrap();
    thread.run("Hi.").await.unwrap();
    let gate = Gate::new();
    model.say("A summary.").waits_for(&gate);
    thread.compact().await.unwrap();
    gate.reached().await;
    let error = thread.run("And now?").await.unwrap_err();
    assert!(error.is_thread_busy() && error.is_retryable(), "{error:?}");
    assert!(!error.is_thread_missing(), "{error}");
    gate.open();
}
