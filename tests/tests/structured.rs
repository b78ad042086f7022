//! Answers of a type of the caller's, on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;

use std::collections::BTreeMap;
use std::error::Error as _;

use openai_codex::{ErrorKind, Handlers, Structured, TurnStatus, blocking};
use openai_codex_testkit::{FakeServer, Gate, MockModel, TestRuntime};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use support::{fake, start, thread_response};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Review {
    /// In one sentence.
    summary: String,
    issues: Vec<Issue>,
    score: Option<u8>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Issue {
    file: String,
    line: Option<u32>,
}

#[tokio::test]
async fn the_answer_is_a_value_and_the_model_is_held_to_its_schema() {
    let model = MockModel::start().unwrap();
    let answer = json!({
        "summary": "fine", "issues": [{"file": "a.rs", "line": 3}], "score": null,
    });
    model.say(answer.to_string()).usage(7, 0, 5, 0);
    model.say("As you like.");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    let review = thread
        .run_as::<Review>("Review the diff.")
        .effort("high")
        .await
        .unwrap();
    let issues = vec![Issue {
        file: "a.rs".into(),
        line: Some(3),
    }];
    let expected = Review {
        summary: "fine".into(),
        issues,
        score: None,
    };
    assert_eq!(review.value, expected);
    assert_eq!(review.turn.status, TurnStatus::Completed);
    let text = review.turn.final_response.unwrap();
    assert_eq!(text, answer.to_string());
    assert_eq!(review.turn.usage.unwrap().last.output_tokens, 5);

    let request = model.last_request().unwrap();
    let format = &request.body()["text"]["format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["strict"], true);
    let schema = request.output_schema().unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["issues", "score", "summary"]));
    assert_eq!(
        schema["properties"]["score"]["type"],
        json!(["integer", "null"])
    );
    assert_eq!(
        schema["properties"]["summary"]["description"],
        "In one sentence."
    );
    let issue = &schema["$defs"]["Issue"];
    assert_eq!(issue["required"], json!(["file", "line"]));
    assert_eq!(issue["additionalProperties"], false);

    // It holds for that turn alone.
    thread.run("Thanks.").await.unwrap();
    assert_eq!(model.last_request().unwrap().output_schema(), None);
}

#[tokio::test]
async fn an_optional_field_may_be_left_out_by_a_model_that_is_not_strict() {
    let model = MockModel::start().unwrap();
    model.say(r#"{"summary": "fine", "issues": []}"#);
    model.say(r#"{"summary": "fine", "issues": [], "score": 4}"#);
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    for score in [None, Some(4)] {
        let Structured { value, turn } = thread.run_as::<Review>("Review.").await.unwrap();
        assert_eq!(value.score, score);
        assert_eq!(turn.status, TurnStatus::Completed);
    }
}

#[tokio::test]
async fn an_answer_of_another_form_is_an_error_that_keeps_the_text_and_the_turn() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    for answer in [
        "It looks fine.",
        "",
        r#"{"summary": "fine", "issues": 3}"#,
        r#"{"issues": []}"#,
        r#"{"summary": "fine", "issues": []} and so on"#,
    ] {
        model.say(answer);
        let error = thread.run_as::<Review>("Review.").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.raw(), Some(answer));
        let turn = error.turn_result().unwrap();
        assert_eq!(turn.final_response.as_deref(), Some(answer));
        assert!(error.source().is_some() && !error.is_retryable());
    }
    model.commentary("Let me see.");
    let error = thread.run_as::<Review>("Review.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("without an answer"), "{error}");
    assert_eq!(error.turn_result().unwrap().items.len(), 2);
}

#[tokio::test]
async fn a_turn_that_fails_or_is_interrupted_has_no_answer() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.fails(500);
    model.deltas([r#"{"summary": "#]).waits_for(&gate);
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    let error = thread.run_as::<Review>("Review.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.codex_error_info().is_some());

    let turn = thread
        .turn("Review.")
        .output_schema_of::<Review>()
        .await
        .unwrap();
    gate.reached().await;
    turn.interrupt().await.unwrap();
    let error = turn.run_as::<Review>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.is_interrupted(), "{error}");
}

#[tokio::test]
async fn a_structured_turn_streams_its_text() {
    let model = MockModel::start().unwrap();
    let parts = [
        r#"{"summary": "fi"#,
        r#"ne", "issues": [], "#,
        r#""score": 1}"#,
    ];
    model.deltas(parts);
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread
        .turn("Review.")
        .output_schema_of::<Review>()
        .await
        .unwrap();
    let mut deltas = Vec::new();
    let mut events = turn.stream();
    while let Some(event) = events.next().await {
        deltas.extend(event.unwrap().text_delta().map(str::to_owned));
    }
    assert_eq!(deltas, parts);
    let review = turn.run_as::<Review>().await.unwrap();
    assert_eq!(
        (&*review.value.summary, review.value.score),
        ("fine", Some(1))
    );
    assert!(model.last_request().unwrap().output_schema().is_some());
}

#[derive(Debug, Deserialize, JsonSchema)]
#[allow(dead_code)]
struct Loose {
    inner: LooseInner,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[allow(dead_code)]
#[schemars(inline)]
struct LooseInner {
    counts: BTreeMap<String, u8>,
}

#[tokio::test]
async fn a_type_that_cannot_be_strict_is_an_error_before_anything_is_sent() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    server.expect("thread/start").reply(thread_response("t"));
    let thread = codex.thread_start().await.unwrap();
    let errors = [
        thread.run_as::<Loose>("Count.").await.unwrap_err(),
        thread
            .turn("Count.")
            .output_schema_of::<Loose>()
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("Loose"), "{error}");
        let reason = error.source().unwrap().to_string();
        assert!(reason.starts_with("inner.counts: "), "{reason}");
    }
    assert!(
        server
            .received()
            .iter()
            .all(|it| it["method"] != "turn/start")
    );
}

#[tokio::test]
async fn a_schema_written_by_hand_goes_before_the_derived_one() {
    let model = MockModel::start().unwrap();
    model.say(r#"{"inner": {"counts": {"a": 1}}}"#);
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().await.unwrap();
    let schema = json!({"type": "object", "properties": {"inner": {"type": "object"}}});
    let run = thread
        .run_as::<Loose>("Count.")
        .output_schema(schema.clone());
    assert_eq!(run.await.unwrap().value.inner.counts["a"], 1);
    assert_eq!(model.last_request().unwrap().output_schema(), Some(&schema));
}

#[test]
fn the_blocking_client_gives_values_too() {
    let model = MockModel::start().unwrap();
    model.say(r#"{"summary": "one", "issues": [], "score": null}"#);
    model.say(r#"{"summary": "two", "issues": [], "score": null}"#);
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = blocking::Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env())
        .send()
        .unwrap();
    let thread = codex.thread_start().send().unwrap();
    let review = thread.run_as::<Review>("Review.").send().unwrap();
    assert_eq!(review.value.summary, "one");
    let turn = thread.turn("Again.").output_schema_of::<Review>();
    let review = turn.send().unwrap().run_as::<Review>().unwrap();
    assert_eq!(review.value.summary, "two");
}
