//! Gates hold the model until the test says go.

mod support;

use openai_codex_testkit::{Gate, MockModel, TestRuntime};
use serde_json::json;
use support::Stage;

#[test]
fn a_gate_holds_the_stream_in_the_middle_of_a_message() {
    let mut stage = Stage::new();
    let gate = Gate::new();
    stage
        .model
        .deltas(["half "])
        .waits_for(&gate)
        .deltas(["whole"]);
    let turn = stage.client.turn_start(&stage.thread, "go");
    gate.blocking_reached();
    let delta = stage
        .client
        .until(|message| message["method"] == "item/agentMessage/delta");
    assert_eq!(delta["params"]["delta"], "half ");
    assert!(!gate.is_open());

    gate.open();
    let turn = stage.client.turn_end(&turn);
    assert_eq!(turn.deltas(), ["whole"]);
    assert_eq!(turn.messages(), ["half whole"]);
}

#[test]
fn a_turn_can_be_interrupted_while_the_model_holds() {
    let mut stage = Stage::new();
    let gate = Gate::new();
    stage
        .model
        .deltas(["half"])
        .waits_for(&gate)
        .say("never heard");
    let turn = stage.client.turn_start(&stage.thread, "go");
    gate.blocking_reached();
    let ids = json!({"threadId": stage.thread, "turnId": turn});
    stage.client.request("turn/interrupt", ids);
    assert_eq!(stage.client.turn_end(&turn).status(), "interrupted");

    stage.model.say("still there");
    assert_eq!(stage.turn("again").messages(), ["still there"]);
    stage.model.assert_finished();
}

#[test]
fn a_gate_holds_an_http_error_back() {
    let mut stage = Stage::new();
    let gate = Gate::new();
    stage.model.waits_for(&gate).fails(500);
    let turn = stage.client.turn_start(&stage.thread, "go");
    gate.blocking_reached();
    gate.open();
    assert_eq!(
        stage.client.turn_end(&turn).error()["codexErrorInfo"],
        "internalServerError"
    );
}

#[test]
fn one_thread_holds_while_another_goes_on() {
    let mut stage = Stage::new();
    let gate = Gate::new();
    stage
        .model
        .when_user_says("one")
        .waits_for(&gate)
        .say("first");
    stage.model.when_user_says("two").say("second");
    let held = stage.client.turn_start(&stage.thread, "one");
    gate.blocking_reached();
    let other = stage.client.thread_start();
    assert_eq!(stage.client.turn(&other, "two").messages(), ["second"]);
    assert!(
        !stage
            .client
            .has(|message| message["params"]["turn"]["status"] == "completed")
    );

    gate.open();
    assert_eq!(stage.client.turn_end(&held).messages(), ["first"]);
}

#[test]
fn dropping_the_model_ends_a_stream_that_holds() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["half"]).waits_for(&gate);
    let runtime = TestRuntime::new(&model).unwrap();
    let mut stage = Stage::with(model, runtime);
    let turn = stage.client.turn_start(&stage.thread, "go");
    gate.blocking_reached();
    drop(stage.model);
    assert_eq!(stage.client.turn_end(&turn).status(), "failed");
}

#[tokio::test(start_paused = true)]
async fn the_async_wait_measures_real_time_while_the_test_clock_is_paused() {
    let mut stage = Stage::new();
    let gate = Gate::new();
    stage.model.waits_for(&gate).say("late");
    let turn = stage.client.turn_start(&stage.thread, "go");
    gate.reached().await;
    assert_eq!(stage.model.wait_for_requests(1).await.len(), 1);
    gate.open();
    assert_eq!(stage.client.turn_end(&turn).messages(), ["late"]);
}
