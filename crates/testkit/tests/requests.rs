//! What the model was asked.

mod support;

use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;
use support::{Client, Stage};

#[test]
fn a_request_tells_who_asks_and_what() {
    let mut stage = Stage::new();
    stage.model.say("one");
    stage.model.say("two");
    stage.turn("first");
    stage.turn("second");
    let requests = stage.model.requests();
    let request = &requests[1];
    assert_eq!(request.number(), 2);
    assert_eq!(request.round(), 1);
    assert_eq!(request.thread_id(), Some(&*stage.thread));
    assert_eq!(request.kind(), Some("turn"));
    assert_eq!(request.model(), Some("mock-model"));
    assert_eq!(request.user_texts(), ["first", "second"]);
    assert_eq!(request.last_user_text(), Some("second"));
    assert_eq!(request.messages("assistant"), ["one"]);
    assert!(
        request.messages("user").len() > 2,
        "the runtime adds the environment"
    );
    assert_eq!(request.header("Accept"), Some("text/event-stream"));
    assert_eq!(request.body()["stream"], true);
}

#[test]
fn the_tools_that_are_offered_have_names_and_schemas() {
    let mut stage = Stage::new();
    stage.model.say("ok");
    stage.turn("go");
    let request = stage.model.last_request().unwrap();
    let shell = request.tool("exec_command").unwrap();
    assert_eq!(shell.parameters["required"], json!(["cmd"]));
    assert!(request.tools().iter().any(|tool| tool.namespace.is_some()));
}

#[test]
fn schema_and_image_reach_the_model() {
    let mut stage = Stage::new();
    stage.model.say("{}");
    let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let started = stage.client.request(
        "turn/start",
        json!({
            "threadId": stage.thread,
            "input": [{"type": "image", "url": image}, {"type": "text", "text": "what is it?"}],
            "outputSchema": schema,
        }),
    );
    stage
        .client
        .turn_end(started["turn"]["id"].as_str().unwrap());
    let request = stage.model.last_request().unwrap();
    assert_eq!(request.output_schema(), Some(&schema));
    assert_eq!(request.image_urls(), [image]);
    assert_eq!(request.last_user_text(), Some("what is it?"));
}

#[test]
fn the_key_of_a_login_reaches_the_model_and_no_debug_output() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .requires_openai_auth(true)
        .build()
        .unwrap();
    let mut client = Client::start(&runtime);
    client.request(
        "account/login/start",
        json!({"type": "apiKey", "apiKey": "sk-test-secret"}),
    );
    model.say("welcome");
    let thread = client.thread_start();
    let turn = client.turn(&thread, "hi");
    assert_eq!(turn.messages(), ["welcome"]);
    let request = model.last_request().unwrap();
    assert_eq!(
        request.header("authorization"),
        Some("Bearer sk-test-secret")
    );
    let shown = format!("{request:?}");
    assert!(
        shown.contains("[redacted]") && !shown.contains("sk-test-secret"),
        "{shown}"
    );
}

#[test]
fn waiting_for_requests_sees_those_of_running_turns() {
    let mut stage = Stage::new();
    stage.model.shell("true");
    stage.model.say("done");
    let turn = stage.client.turn_start(&stage.thread, "go");
    let requests = stage.model.blocking_wait_for_requests(2);
    assert_eq!(requests[1].function_outputs().len(), 1);
    stage.client.turn_end(&turn);
}

#[test]
fn only_so_many_requests_are_kept_and_all_are_counted() {
    let model = MockModel::builder().keep_requests(1).start().unwrap();
    model.say("again").every_time();
    let runtime = TestRuntime::new(&model).unwrap();
    let mut stage = Stage::with(model, runtime);
    stage.turn("one");
    stage.turn("two");
    let kept = stage.model.blocking_wait_for_requests(2);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].number(), 2);
    assert_eq!(kept[0].last_user_text(), Some("two"));
}
