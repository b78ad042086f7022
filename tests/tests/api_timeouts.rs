//! How long a turn may take, from the call to the last thing that is asked for it.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use client::Fake;
use openai_codex::types::TurnStatus;
use openai_codex::{Codex, Sandbox};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};
use serde_json::json;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(100);

#[tokio::test(start_paused = true)]
async fn the_start_of_a_turn_has_the_deadline_of_any_request() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start");
    let begun = Instant::now();
    let run = codex.thread("t").run("hi").timeout(LIMIT);
    let error = run.await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(error.method(), Some("turn/start"));
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_short_timeout_ends_a_start_that_is_not_answered() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start").held_as("start");
    let begun = Instant::now();
    let run = codex.thread("t").run("hi").timeout(Duration::from_secs(7));
    let error = run.await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(error.to_string().contains("could not be started"));
    assert_eq!(begun.elapsed().as_secs(), 7);
    // The turn that begins all the same is nobody's.
    fake.then().reply_to("start", client::turn_response("late"));
    fake.expect_params("turn/interrupt", json!({"threadId": "t", "turnId": "late"}))
        .reply(json!({}));
    fake.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_before_the_start_counts() {
    let fake = FakeServer::new();
    let builder = Codex::builder().request_timeout(None);
    let codex = builder.fake(&fake).await;
    fake.expect("thread/read");
    let begun = Instant::now();
    let run = codex.thread("t").run("hi").sandbox(Sandbox::WorkspaceWrite);
    let error = run.timeout(LIMIT).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(begun.elapsed(), LIMIT);
    let sent = fake.received();
    assert!(sent.iter().all(|message| message["method"] != "turn/start"));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_start_is_no_longer_left_for_the_turn() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start")
        .waits(Duration::from_secs(40))
        .reply(client::turn_response("u"))
        .notify(
            "turn/started",
            json!({"threadId": "t", "turn": {"id": "u", "status": "inProgress", "items": []}}),
        );
    fake.expect("turn/interrupt").reply(json!({})).notify(
        "turn/completed",
        json!({"threadId": "t", "turn": {"id": "u", "status": "interrupted", "items": []}}),
    );
    let begun = Instant::now();
    let error = codex
        .thread("t")
        .run("hi")
        .timeout(LIMIT)
        .await
        .unwrap_err();
    assert!(error.is_timeout() && error.is_interrupted(), "{error:?}");
    assert_eq!(begun.elapsed(), LIMIT);
    assert_eq!(error.turn_result().unwrap().id, "u");
}

#[tokio::test(start_paused = true)]
async fn a_turn_may_end_before_its_interrupt_is_answered() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify(
            "turn/started",
            json!({"threadId": "t", "turn": {"id": "u", "status": "inProgress", "items": []}}),
        );
    fake.expect("turn/interrupt").held_as("interrupt");
    fake.then()
        .waits(Duration::from_secs(1))
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u", "status": "interrupted", "items": []}}),
        )
        .waits(Duration::from_secs(1))
        .reply_to("interrupt", json!({}));
    // A task of its own learns of the end before the one that interrupts does.
    let run = codex.thread("t").run("hi").timeout(LIMIT);
    let run = tokio::spawn(run.into_future());
    let error = run.await.unwrap().unwrap_err();
    assert!(error.is_timeout() && error.is_interrupted(), "{error:?}");
    fake.done().await;
}

#[tokio::test(start_paused = true)]
async fn items_that_cannot_be_read_in_time_do_not_undo_a_turn_that_ended_in_time() {
    let fake = FakeServer::new();
    let builder = Codex::builder().request_timeout(None);
    let codex = builder.fake(&fake).await;
    let thread = codex.thread("t");
    // The turn runs already, so that this one joins it and lacks its beginning.
    fake.then().notify(
        "turn/started",
        json!({"threadId": "t", "turn": {"id": "u", "status": "inProgress", "items": []}}),
    );
    let mut events = codex.events();
    events.next().await.unwrap().unwrap();
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u", "status": "completed", "items": []}}),
        );
    fake.expect("thread/items/list");
    let begun = Instant::now();
    let result = thread.run("hi").timeout(LIMIT).await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(begun.elapsed(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_beyond_all_time_is_none() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u", "status": "completed", "items": []}}),
        );
    let run = codex.thread("t").run("hi").timeout(Duration::MAX);
    assert_eq!(run.await.unwrap().status, TurnStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_given_up_counts_until_its_answer_or_half_a_minute() {
    for (is_answered, expected) in [(true, 6), (false, 31)] {
        let fake = FakeServer::new();
        let builder = Codex::builder().max_in_flight(1).request_timeout(None);
        let codex = builder.fake(&fake).await;
        fake.expect("first").held_as("first");
        if is_answered {
            fake.then()
                .waits(Duration::from_secs(6))
                .reply_to("first", json!({}));
        }
        fake.expect("second").reply(json!({}));
        let begun = Instant::now();
        let first = codex.call_raw("first", json!({}));
        let given_up = tokio::time::timeout(Duration::from_secs(1), first).await;
        assert!(given_up.is_err());
        codex.call_raw("second", json!({})).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), expected);
        fake.done().await;
    }
}

/// As the testkit says: the runtime is a process of its own, and its time goes on.
#[tokio::test(start_paused = true)]
async fn a_client_without_timeouts_waits_for_a_real_runtime_in_paused_time() {
    let model = MockModel::start().unwrap();
    model.say("Done.");
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = client::builder(&runtime)
        .request_timeout(None)
        .await
        .unwrap();
    let thread = codex.thread_start().await.unwrap();
    let result = thread.run("hi").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("Done."));
    codex.close().await.unwrap();
}
