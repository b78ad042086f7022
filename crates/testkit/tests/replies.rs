//! What the scripted model says reaches a client of the real runtime.

mod support;

use serde_json::json;
use support::Stage;

#[test]
fn a_message_in_one_piece_is_the_answer() {
    let mut stage = Stage::new();
    stage.model.say("Hello.");
    let turn = stage.turn("hi");
    assert_eq!(turn.status(), "completed");
    assert_eq!(turn.messages(), ["Hello."]);
    stage.model.assert_finished();
}

#[test]
fn deltas_stream_as_one_message() {
    let mut stage = Stage::new();
    stage.model.deltas(["one ", "two ", "three"]);
    let turn = stage.turn("count");
    assert_eq!(turn.deltas(), ["one ", "two ", "three"]);
    assert_eq!(turn.messages(), ["one two three"]);
}

#[test]
fn a_shell_command_runs_and_its_output_goes_back_to_the_model() {
    let mut stage = Stage::new();
    stage.model.shell("echo from the shell");
    stage.model.say("done");
    let turn = stage.turn("run it");
    assert_eq!(turn.items("commandExecution")[0]["exitCode"], 0);
    assert_eq!(
        turn.items("commandExecution")[0]["aggregatedOutput"],
        "from the shell\n"
    );
    let requests = stage.model.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].round(), 2);
    let outputs = requests[1].function_outputs();
    assert!(outputs[0].text().contains("from the shell"), "{outputs:?}");
    assert_eq!(outputs[0].call_id, "call_1_1");
}

#[test]
fn usage_is_reported_and_added_up() {
    let mut stage = Stage::new();
    stage.model.shell("true").usage(100, 40, 20, 5);
    stage.model.say("done").usage(200, 150, 30, 10);
    let turn = stage.turn("go");
    let usage = turn.all("thread/tokenUsage/updated").pop().unwrap();
    assert_eq!(usage["tokenUsage"]["last"]["inputTokens"], 200);
    assert_eq!(
        usage["tokenUsage"]["total"],
        json!({
            "inputTokens": 300, "cachedInputTokens": 190, "cacheWriteInputTokens": 0,
            "outputTokens": 50, "reasoningOutputTokens": 15, "totalTokens": 350,
        })
    );
}

#[test]
fn reasoning_and_phases_become_items() {
    let mut stage = Stage::new();
    stage
        .model
        .reason("Thinking it over.")
        .commentary("Looking.")
        .final_answer("Found.");
    let turn = stage.turn("go");
    assert_eq!(
        turn.items("reasoning")[0]["summary"],
        json!(["Thinking it over."])
    );
    let phases: Vec<_> = turn
        .items("agentMessage")
        .iter()
        .map(|item| &item["phase"])
        .collect();
    assert_eq!(phases, ["commentary", "final_answer"]);
}
