//! Turns on the real runtime, from the client down to the model's request.
#![allow(clippy::unwrap_used)]

use openai_codex::types::{
    CodexErrorInfo, Methods, ServerNotification, ThreadItem, ThreadLoadedListParams,
};
use openai_codex::{Codex, ErrorKind, TurnStatus};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};

/// A client of the real runtime, driven by a scripted model.
async fn start(model: &MockModel) -> (TestRuntime, Codex) {
    let runtime = TestRuntime::new(model).unwrap();
    let mut builder = Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace());
    for (key, value) in runtime.env() {
        builder = builder.env(key, value);
    }
    let codex = builder.await.unwrap();
    (runtime, codex)
}

#[tokio::test]
async fn a_turn_gives_text_items_and_usage() {
    let model = MockModel::start().unwrap();
    model.say("Hello, world.").usage(11, 0, 7, 0);
    let (_runtime, codex) = start(&model).await;

    let thread = codex.thread_start().model("mock-model").await.unwrap();
    assert_eq!(thread.info().unwrap().model, "mock-model");
    let result = thread.run("Say hello.").await.unwrap();

    assert_eq!(result.final_response.as_deref(), Some("Hello, world."));
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(&result.thread_id, thread.id());
    assert!(matches!(
        result.items.as_slice(),
        [ThreadItem::UserMessage(_), ThreadItem::AgentMessage(_)]
    ));
    let usage = result.usage.unwrap();
    assert_eq!((usage.last.input_tokens, usage.last.output_tokens), (11, 7));
    assert!(result.duration.is_some() && result.started_at <= result.completed_at);
    let request = model.last_request().unwrap();
    assert_eq!(request.last_user_text(), Some("Say hello."));
    codex.close().await.unwrap();
}

#[tokio::test]
async fn a_stream_has_every_delta_in_order() {
    let model = MockModel::start().unwrap();
    let words: Vec<String> = (0..50).map(|n| format!("{n} ")).collect();
    model.deltas(words.clone());
    let (_runtime, codex) = start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let turn = thread.turn("Count.").await.unwrap();
    let mut events = turn.stream();
    let (mut text, mut methods) = (String::new(), Vec::new());
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        assert_eq!(event.turn_id(), Some(turn.id().as_str()));
        text.push_str(event.text_delta().unwrap_or_default());
        methods.push(event.method().to_owned());
        event.decode().unwrap();
    }
    assert_eq!(text, words.concat());
    assert!(methods.contains(&"turn/started".to_owned()));
    assert_eq!(methods.last().unwrap(), "turn/completed");
    let result = turn.run().await.unwrap();
    assert_eq!(
        result.final_response.as_deref(),
        Some(words.concat().as_str())
    );
    assert_eq!(turn.run().await.unwrap(), result);
}

#[tokio::test]
async fn a_command_is_an_item_with_its_output() {
    let model = MockModel::start().unwrap();
    model.shell("echo from the shell");
    model.say("done");
    let (_runtime, codex) = start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let result = thread.run("Run it.").await.unwrap();
    let command = result.items.iter().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => Some(command),
        _ => None,
    });
    let command = command.expect("a command item");
    assert_eq!(
        command.aggregated_output.as_deref(),
        Some("from the shell\n")
    );
    assert_eq!(command.exit_code, Some(0));
    assert_eq!(result.final_response.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_failing_model_is_a_typed_error_with_the_partial_result() {
    let model = MockModel::start().unwrap();
    model.shell("echo before");
    model.fails(500);
    let (_runtime, codex) = start(&model).await;
    let thread = codex.thread_start().await.unwrap();

    let error = thread.run("Fail.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert_eq!(
        error.codex_error_info(),
        Some(&CodexErrorInfo::InternalServerError)
    );
    let partial = error.turn_result().unwrap();
    assert_eq!(partial.status, TurnStatus::Failed);
    assert!(
        partial
            .items
            .iter()
            .any(|item| matches!(item, ThreadItem::CommandExecution(_)))
    );
}

#[tokio::test]
async fn two_threads_at_once_keep_their_events_apart() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model
        .when_user_says("first")
        .deltas(["a1 "])
        .waits_for(&gate)
        .deltas(["a2"]);
    model.when_user_says("second").deltas(["b1 ", "b2"]);
    let (_runtime, codex) = start(&model).await;
    let (one, two) = (
        codex.thread_start().await.unwrap(),
        codex.thread_start().await.unwrap(),
    );

    let first = one.turn("first").await.unwrap();
    gate.reached().await;
    let second = two.run("second").await.unwrap();
    assert_eq!(second.final_response.as_deref(), Some("b1 b2"));
    gate.open();
    let mut events = first.stream();
    let mut text = String::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        assert_eq!(event.thread_id(), Some(one.id().as_str()));
        text.push_str(event.text_delta().unwrap_or_default());
    }
    assert_eq!(text, "a1 a2");
}

#[tokio::test]
async fn any_request_can_be_called() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let loaded = codex
        .rpc()
        .thread_loaded_list(ThreadLoadedListParams::new())
        .await
        .unwrap();
    assert_eq!(loaded.data, [thread.id().as_str()]);
    let raw = codex
        .call_raw("thread/loaded/list", serde_json::json!({}))
        .await
        .unwrap();
    assert_eq!(raw["data"][0], thread.id().as_str());
    let error = codex
        .call_raw("no/such/method", serde_json::json!({}))
        .await
        .unwrap_err();
    assert!(error.rpc().is_some(), "{error:?}");
}

#[tokio::test]
async fn the_global_stream_begins_with_the_first_byte() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = start(&model).await;
    let mut events = codex.events();
    let first = events.next().await.unwrap().unwrap();
    assert!(
        matches!(
            first.decode().unwrap(),
            ServerNotification::RemoteControlStatusChanged(_)
                | ServerNotification::ConfigWarning(_)
        ),
        "{first:?}"
    );
}
