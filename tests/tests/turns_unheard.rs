//! Turns of threads that this client is not subscribed to: no event tells of them, and yet nobody
//! waits for ever.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use openai_codex::types::ThreadUnsubscribeParams;
use openai_codex::{Codex, ErrorKind, Thread};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};

/// Far more than any of these takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A thread with a turn behind it, which is not subscribed to any more.
async fn unsubscribed(model: &MockModel) -> (TestRuntime, Codex, Thread) {
    model.say("subscribed");
    let (runtime, codex) = client::start(model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    unsubscribe(&codex, &thread).await;
    (runtime, codex, thread)
}

async fn unsubscribe(codex: &Codex, thread: &Thread) {
    let params = ThreadUnsubscribeParams::new(thread.id());
    codex.call(params).await.unwrap();
}

#[tokio::test]
async fn a_turn_that_nothing_is_heard_of_has_its_result_all_the_same() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex, thread) = unsubscribed(&model).await;
    model.say("unheard");
    let run = thread.run("again").send();
    let result = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert_eq!(result.final_response.as_deref(), Some("unheard"));
    codex.close().await.unwrap();
}

#[tokio::test]
async fn the_stream_of_a_turn_that_nothing_is_heard_of_ends() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex, thread) = unsubscribed(&model).await;
    model.say("unheard");
    let turn = thread.turn("again").await.unwrap();
    let mut events = turn.stream();
    let mut last = None;
    let read = async {
        while let Some(event) = events.next().await {
            last = Some(event.unwrap().method().to_owned());
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap();
    assert_eq!(last.as_deref(), Some("turn/completed"));
    codex.close().await.unwrap();
}

#[tokio::test]
async fn a_turn_is_lost_when_its_thread_is_unsubscribed_from_and_found_by_asking() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["one"]).waits_for(&gate).deltas([" more"]);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    gate.reached().await;
    unsubscribe(&codex, &thread).await;
    let told = tokio::time::timeout(PATIENCE, turn.run()).await.unwrap();
    let error = told.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.to_string().contains("resume the thread"), "{error}");
    assert!(error.turn_result().is_some());

    // A handle that attaches now asks, and goes on asking while the turn runs.
    let attached = thread.turn_handle(turn.id());
    let mut run = Box::pin(attached.run());
    let early = tokio::time::timeout(Duration::from_millis(1), &mut run).await;
    assert!(early.is_err());
    gate.open();
    let result = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    assert_eq!(result.final_response.as_deref(), Some("one more"));
    // The others learn of it as well.
    let result = turn.run().await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("one more"));
    codex.close().await.unwrap();
}
