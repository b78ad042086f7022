//! Steering, interrupting and dropping turns.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use openai_codex::types::{ServerNotification, ThreadItem};
use openai_codex::{ErrorKind, EventStream, RpcErrorKind, TurnId, TurnStatus};
use openai_codex_testkit::{Gate, MockModel};
use serde_json::json;

/// Waits for the end of a turn on a thread's stream.
async fn ended(events: &mut EventStream, turn: Option<&TurnId>) -> TurnStatus {
    loop {
        let event = events.next().await.unwrap().unwrap();
        if let ServerNotification::TurnCompleted(completed) = event.decode().unwrap()
            && turn.is_none_or(|turn| completed.turn.id == turn.as_str())
        {
            return completed.turn.status.clone();
        }
    }
}

fn texts(items: &[ThreadItem]) -> Vec<&str> {
    items
        .iter()
        .filter_map(|item| match item {
            ThreadItem::AgentMessage(message) => Some(message.text.as_str()),
            _ => None,
        })
        .collect()
}

/// A model that stops at the gate in its first response.
fn gated(model: &MockModel) -> Gate {
    let gate = Gate::new();
    model
        .deltas(["before "])
        .waits_for(&gate)
        .deltas(["after"])
        .optional();
    gate
}

#[tokio::test]
async fn steering_adds_input_to_the_active_turn() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.say("first").waits_for(&gate);
    model.say("both");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let turn = thread.turn("first").await.unwrap();
    let mut events = turn.stream();
    // In the midst of a message, 0.163.0 would drop it and ask the model anew.
    loop {
        let event = events.next().await.unwrap().unwrap();
        if let ServerNotification::ItemCompleted(done) = event.decode().unwrap()
            && matches!(done.item, ThreadItem::AgentMessage(_))
        {
            break;
        }
    }
    let steered = turn.steer("and also this").await.unwrap();
    assert_eq!(steered.turn_id, turn.id().as_str());
    gate.open();
    let result = turn.run().await.unwrap();

    assert_eq!(texts(&result.items), ["first", "both"]);
    assert_eq!(result.final_response.as_deref(), Some("both"));
    let requests = model.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].last_user_text(), Some("and also this"));
}

#[tokio::test]
async fn steering_before_the_turn_has_started_names_that_turn() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start").reply(client::turn_response("u1"));
    fake.expect_params(
        "turn/steer",
        json!({"threadId": "t", "expectedTurnId": "u1", "input": [{"type": "text", "text": "more"}]}),
    )
    .reply(json!({"turnId": "u1"}));
    let turn = codex.thread("t").turn("hi").await.unwrap();
    assert_eq!(turn.steer("more").await.unwrap().turn_id, "u1");
    fake.assert_finished();
}

#[tokio::test]
async fn steering_right_after_the_start_is_heard() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    model.say("both").optional();
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("first").await.unwrap();
    turn.steer("at once").await.unwrap();
    gate.open();
    turn.run().await.unwrap();
    let heard = model
        .requests()
        .iter()
        .any(|request| request.user_texts().contains(&"at once"));
    assert!(heard);
}

#[tokio::test]
async fn steering_a_finished_turn_is_refused() {
    let model = MockModel::start().unwrap();
    model.say("done");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    turn.run().await.unwrap();
    let error = turn.steer("too late").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rpc(RpcErrorKind::InvalidRequest));
    assert_eq!(error.method(), Some("turn/steer"));
}

#[tokio::test]
async fn an_interrupted_turn_is_a_result_and_the_thread_goes_on() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let turn = thread.turn("first").await.unwrap();
    let mut events = turn.stream();
    gate.reached().await;
    let (once, twice) = tokio::join!(turn.interrupt(), turn.interrupt());
    once.unwrap();
    twice.unwrap();
    let result = turn.run().await.unwrap();
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert!(matches!(
        result.items.as_slice(),
        [ThreadItem::UserMessage(_), ..]
    ));
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.unwrap());
    }
    assert_eq!(last.unwrap().method(), "turn/completed");

    // It has ended: that is no error, and does not wait for an answer that never comes.
    turn.interrupt().await.unwrap();
    model.say("still here");
    let result = thread.run("second").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("still here"));
}

#[tokio::test]
async fn interrupting_a_completed_turn_does_nothing() {
    let model = MockModel::start().unwrap();
    model.say("done");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    let result = turn.run().await.unwrap();
    turn.interrupt().await.unwrap();
    turn.interrupt().await.unwrap();
    assert_eq!(turn.run().await.unwrap(), result);
}

#[tokio::test]
async fn a_timeout_interrupts_and_keeps_what_there_is() {
    let model = MockModel::start().unwrap();
    model.shell("echo early");
    let _gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let error = thread
        .run("slow")
        .timeout(Duration::from_secs(4))
        .await
        .unwrap_err();
    assert!(error.is_timeout() && error.is_interrupted(), "{error:?}");
    let partial = error.turn_result().unwrap();
    assert_eq!(partial.status, TurnStatus::Interrupted);
    assert!(
        partial
            .items
            .iter()
            .any(|item| matches!(item, ThreadItem::CommandExecution(_)))
    );
    model.say("next");
    assert_eq!(
        thread.run("again").await.unwrap().final_response.as_deref(),
        Some("next")
    );
}

#[tokio::test]
async fn a_dropped_handle_leaves_its_turn_alone() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let mut events = thread.events();
    let turn = thread.turn("hi").await.unwrap();
    let id = turn.id().clone();
    gate.reached().await;
    drop(turn);
    gate.open();
    assert_eq!(ended(&mut events, Some(&id)).await, TurnStatus::Completed);
}

#[tokio::test]
async fn a_handle_that_interrupts_on_drop_does() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let mut events = thread.events();
    let turn = thread.turn("hi").await.unwrap().interrupt_on_drop(true);
    let id = turn.id().clone();
    gate.reached().await;
    drop(turn);
    assert_eq!(ended(&mut events, Some(&id)).await, TurnStatus::Interrupted);
}

#[tokio::test]
async fn a_dropped_run_interrupts_the_turn_that_it_started() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let mut events = thread.events();
    tokio::select! {
        _ = thread.run("hi").send() => panic!("the model is held"),
        () = gate.reached() => {}
    }
    assert_eq!(ended(&mut events, None).await, TurnStatus::Interrupted);
}

#[tokio::test]
async fn a_dropped_run_leaves_a_turn_alone_that_it_joined() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    model.say("both");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    gate.reached().await;
    {
        let mut joined = Box::pin(thread.run("me too").send());
        // Far enough that it has joined: its message is an item of the turn's only
        // after the gate, so the answer of a later request is what tells.
        let later = async {
            thread.read(false).await.unwrap();
            thread.read(false).await.unwrap();
        };
        tokio::select! {
            _ = &mut joined => panic!("the model is held"),
            () = later => {}
        }
    }
    gate.open();
    let result = turn.run().await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.final_response.as_deref(), Some("both"));
}

/// Whenever that was: before the request was answered, before its turn began, or later.
#[tokio::test]
async fn a_run_after_a_dropped_one_is_a_turn_of_its_own() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    let endless = model.when_user_says("old").deltas(["a", "b"]);
    endless.waits_for(&gate).every_time().optional();
    model.when_user_says("new").say("fresh").every_time();
    let (_runtime, codex) = client::start(&model).await;
    for wait in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64] {
        let thread = codex.thread_start().await.unwrap();
        let dropped = thread.run("old").into_future();
        let wait = Duration::from_millis(wait);
        assert!(tokio::time::timeout(wait, dropped).await.is_err());
        let result = thread.run("new").await.unwrap();
        assert_eq!(result.status, TurnStatus::Completed, "after {wait:?}");
        assert_eq!(result.final_response.as_deref(), Some("fresh"));
    }
    gate.open();
    codex.close().await.unwrap();
}

#[tokio::test]
async fn an_interrupt_on_drop_of_a_joined_turn_is_the_callers_wish() {
    let model = MockModel::start().unwrap();
    let gate = gated(&model);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    gate.reached().await;
    let joined = thread.turn("me too").await.unwrap();
    assert_eq!(joined.id(), turn.id());
    drop(joined.interrupt_on_drop(true));
    assert_eq!(turn.run().await.unwrap().status, TurnStatus::Interrupted);
}
