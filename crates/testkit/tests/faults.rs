//! Scripted failures fail the turn as real ones do.

mod support;

use std::panic::catch_unwind;

use openai_codex_testkit::{MockModel, Reply};
use serde_json::{Value, json};
use support::Stage;

/// Runs a turn against one scripted failure and gives its `codexErrorInfo`.
#[track_caller]
fn reason(script: impl FnOnce(&MockModel)) -> Value {
    let mut stage = Stage::new();
    script(&stage.model);
    let turn = stage.turn("go");
    assert_eq!(turn.status(), "failed");
    stage.model.assert_finished();
    turn.error()["codexErrorInfo"].clone()
}

#[test]
fn an_http_error_fails_the_turn_with_its_reason() {
    assert_eq!(
        reason(|model| drop(model.fails(500))),
        "internalServerError"
    );
    assert_eq!(
        reason(|model| drop(model.fails(403))),
        json!({"httpConnectionFailed": {"httpStatusCode": 403}})
    );
}

#[test]
fn each_error_code_has_its_reason() {
    let failures = [
        (Reply::new().overloaded(), "serverOverloaded"),
        (
            Reply::new().context_length_exceeded(),
            "contextWindowExceeded",
        ),
        (Reply::new().rate_limit_exceeded(), "rateLimitExceeded"),
        (Reply::new().usage_limit_reached(), "usageLimitExceeded"),
    ];
    let mut stage = Stage::new();
    for (failure, expected) in failures {
        stage.model.respond(failure);
        let turn = stage.turn("go");
        assert_eq!(turn.error()["codexErrorInfo"], *expected);
    }
}

#[test]
fn a_failing_stream_says_its_steps_first() {
    let mut stage = Stage::new();
    stage
        .model
        .say("so far so good")
        .fails_with_code("insufficient_quota", "no money");
    let turn = stage.turn("go");
    assert_eq!(turn.messages(), ["so far so good"]);
    assert_eq!(turn.error()["codexErrorInfo"], "usageLimitExceeded");
}

#[test]
fn a_cut_stream_delivers_exactly_the_events_before_the_cut() {
    let mut stage = Stage::new();
    // created, added, and two of the three deltas.
    stage.model.deltas(["one ", "two ", "three"]).cuts_after(4);
    let turn = stage.turn("count");
    assert_eq!(turn.status(), "failed");
    assert_eq!(turn.deltas(), ["one ", "two "]);
    assert_eq!(turn.messages(), [""; 0]);
    assert_eq!(turn.error()["codexErrorInfo"], "other");
}

#[test]
fn a_cut_beyond_the_end_still_prevents_completion() {
    let mut stage = Stage::new();
    stage.model.say("all of it").cuts_after(99);
    let turn = stage.turn("go");
    assert_eq!(turn.status(), "failed");
    assert_eq!(turn.messages(), ["all of it"]);
}

#[test]
fn a_running_out_script_fails_the_turn_with_what_was_asked() {
    let mut stage = Stage::new();
    stage.model.shell("true");
    stage.model.when_user_says("something else").say("unused");
    let turn = stage.turn("the question");
    assert_eq!(turn.status(), "failed");
    let message = turn.error()["message"].as_str().unwrap();
    assert!(
        message.starts_with("the mock model's script ran out: "),
        "{message}"
    );
    for part in [
        "request 2 (round 2, thread",
        "last user text \"the question\"",
        "last input item function_call_output",
        "2 replies were scripted",
    ] {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }

    let verdict = stage.model.verify().unwrap_err().to_string();
    assert!(verdict.contains("script ran out"), "{verdict}");
    assert!(
        verdict.contains("reply 2 (message \"unused\", conditional"),
        "{verdict}"
    );
    assert!(verdict.contains("tests/faults.rs:"), "{verdict}");
    assert!(verdict.contains("never asked for"), "{verdict}");
}

#[test]
fn a_panicking_matcher_is_reported_and_hangs_nobody() {
    let mut stage = Stage::new();
    stage
        .model
        .when(|_| panic!("a bug of the test"))
        .say("never");
    let turn = stage.turn("go");
    assert!(
        turn.error()["message"]
            .as_str()
            .unwrap()
            .contains("the matcher of reply 1 panicked")
    );
    let verdict = stage.model.verify().unwrap_err().to_string();
    assert!(
        verdict.contains("the matcher of reply 1 panicked"),
        "{verdict}"
    );
}

#[test]
fn an_unfinished_script_panics_on_drop_when_asked_to() {
    let unfinished = || {
        let model = MockModel::builder().verify_on_drop().start().unwrap();
        model.say("unused");
        model
    };
    let panic = catch_unwind(|| drop(unfinished())).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("reply 1 (message \"unused\"; "),
        "{message}"
    );

    // A second panic would abort the process and hide the first.
    let panic = catch_unwind(|| {
        let _model = unfinished();
        panic!("the test's own");
    });
    assert_eq!(
        panic.unwrap_err().downcast_ref::<&str>(),
        Some(&"the test's own")
    );
}
