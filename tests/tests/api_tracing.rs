//! What traces tell, and what they never do.
#![allow(clippy::unwrap_used)]

#[path = "support/capture.rs"]
mod capture;
#[path = "support/client.rs"]
mod client;

use capture::Seen;
use client::Fake;
use openai_codex::{Codex, EventBuffer};
use openai_codex_testkit::{FakeServer, MockModel};
use serde_json::json;
use tracing::Level;

/// The first span or event that `is` right, or what there is instead.
#[track_caller]
fn find(what: &str, is: impl Fn(&Seen) -> bool) -> Seen {
    let seen = capture::seen();
    let found = seen.iter().find(|seen| is(seen)).cloned();
    found.unwrap_or_else(|| {
        let texts: Vec<&String> = seen.iter().map(|seen| &seen.text).collect();
        panic!("no {what} in {texts:#?}")
    })
}

/// An event with this text.
#[track_caller]
fn event(text: &str) -> Seen {
    find(text, |seen| !seen.is_span && seen.text.contains(text))
}

#[tokio::test]
async fn spans_carry_the_ids_of_connection_thread_turn_and_request() {
    capture::start();
    let model = MockModel::start().unwrap();
    model.say("the answer of the model");
    let (_runtime, codex) = client::start(&model).await;
    let version = format!("runtime={}", codex.runtime_version().unwrap());
    let thread = codex.thread_start().await.unwrap();
    let result = thread.run("a prompt of spans").await.unwrap();
    let (thread, turn) = (
        format!("thread={}", thread.id()),
        format!("turn={}", result.id),
    );

    let connection = find("connection span", |seen| {
        seen.is_span
            && seen.text.starts_with("codex connection=")
            && seen.text.contains(&version)
            && seen.inside.is_empty()
    });
    assert_eq!(connection.level, Level::INFO);
    find("event of the connection", |seen| {
        seen.text.contains("connected")
            && matches!(seen.inside.as_slice(), [span] if span.contains(&version))
    });
    find("thread span", |seen| {
        seen.is_span && seen.text.starts_with("thread ") && seen.text.contains(&thread)
    });
    let turn_span = find("turn span", |seen| {
        seen.is_span && seen.text.starts_with("turn ") && seen.text.contains(&turn)
    });
    assert!(turn_span.text.contains(&thread), "{turn_span:?}");
    let request = find("request span", |seen| {
        seen.is_span && seen.text.contains("method=turn/start") && seen.text.contains(&thread)
    });
    assert_eq!(request.level, Level::DEBUG);
    assert!(request.text.contains(" id="), "{request:?}");
    assert!(
        request.inside.last().unwrap().starts_with("turn "),
        "{request:?}"
    );
}

#[tokio::test]
async fn prompts_are_in_no_trace_by_default_and_keys_in_none_at_all() {
    const KEY: &str = "sk-the-key-of-the-test";
    const PROMPT: &str = "a prompt that nobody else may read";
    const ANSWER: &str = "an answer that nobody else may read";

    capture::start();
    let model = MockModel::start().unwrap();
    model.say(ANSWER);
    model.fails_with_code("server_error", format!("it broke on {PROMPT}"));
    let (_runtime, codex) = client::start(&model).await;
    codex.login_api_key(KEY).await.unwrap();
    let thread = codex
        .thread_start()
        .developer_instructions(PROMPT)
        .await
        .unwrap();
    let result = thread.run(PROMPT).await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some(ANSWER));
    let turn = thread.turn(PROMPT).await.unwrap();
    let mut events = turn.stream();
    while let Some(event) = events.next().await {
        event.unwrap().decode().unwrap();
    }
    assert!(turn.run().await.is_err());
    // Refused by the server, which repeats what it does not understand.
    let params = json!({"threadId": thread.id(), "input": PROMPT});
    codex.call_raw("turn/start", params).await.unwrap_err();
    let login = json!({"type": KEY, "apiKey": KEY});
    codex
        .call_raw("account/login/start", login)
        .await
        .unwrap_err();
    codex.close().await.unwrap();

    for seen in capture::seen() {
        let text = format!("{seen:?}");
        assert!(!text.contains(KEY), "{text}");
        if seen.level <= Level::INFO {
            assert!(!text.contains(PROMPT) && !text.contains(ANSWER), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retries_lag_refusals_and_what_is_unknown_are_told() {
    capture::start();
    let fake = FakeServer::new();
    let buffer = EventBuffer::new().events(4);
    let codex = Codex::builder().event_buffer(buffer).fake(&fake).await;

    fake.expect("account/read")
        .error(-32001, "Server overloaded; retry later.");
    fake.expect("account/read")
        .reply(json!({"account": null, "requiresOpenaiAuth": false}));
    codex.account().await.unwrap();
    let retry = event("trying again");
    assert_eq!(retry.level, Level::INFO);
    assert!(retry.text.contains("account/read"), "{retry:?}");

    fake.then().ask("q", "attestation/generate", json!({}));
    fake.expect_answer("q");
    fake.done().await;
    let refused = event("refusing");
    assert_eq!(refused.level, Level::WARN);
    assert!(refused.text.contains("attestation/generate"), "{refused:?}");
    assert!(
        refused
            .inside
            .last()
            .unwrap()
            .starts_with("server_request "),
        "{refused:?}"
    );

    let thread = codex.thread("of-lag");
    let mut slow = thread.events();
    fake.then()
        .floods(
            "thread/realtime/outputAudio/delta",
            json!({"threadId": "of-lag", "audio": "{i}"}),
            64,
        )
        .notify("from/the/future", json!({"threadId": "of-lag"}))
        .line("this is no message");
    fake.expect("account/read")
        .reply(json!({"account": null, "requiresOpenaiAuth": false}));
    codex.account().await.unwrap();
    assert!(slow.next().await.unwrap().unwrap().skipped_before() > 0);
    assert!(event("a subscriber lags").text.contains("of-lag"));
    assert_eq!(event("is no message").level, Level::WARN);
    while let Some(next) = slow.next().await {
        let next = next.unwrap();
        if next.method() == "from/the/future" {
            next.decode().unwrap();
            break;
        }
    }
    assert!(
        event("this version does not know")
            .text
            .contains("from/the/future")
    );
}

#[tokio::test]
async fn a_runtime_without_a_version_is_warned_of_once() {
    capture::start();
    let fake = FakeServer::new();
    fake.always("initialize").reply(json!({
        "userAgent": "fake/home-made-77 (test; none) none (fake; 0)",
        "codexHome": "/nowhere",
        "platformFamily": "unix",
        "platformOs": "linux",
    }));
    let codex = Codex::builder().fake(&fake).await;
    assert_eq!(codex.runtime_version(), Some("home-made-77"));
    let warnings = (capture::seen().into_iter())
        .filter(|seen| seen.level == Level::WARN && seen.text.contains("home-made-77"));
    assert_eq!(warnings.count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_last_words_of_a_runtime_tell_no_key() {
    capture::start();
    let script = "echo 'Error: bad key sk-proj-Canary0123456789 of last words' >&2; exit 1";
    let builder = Codex::builder().launch_command(["sh", "-c", script]);
    let error = builder.await.unwrap_err();
    let told = format!("{error} {error:?} {:?}", error.stderr_tail());
    assert!(
        told.contains("of last words") && !told.contains("Canary"),
        "{told}"
    );
    event("of last words");
    let seen = capture::seen();
    let telling = seen.iter().find(|seen| seen.text.contains("proj-Canary"));
    assert!(telling.is_none(), "{telling:?}");
}
