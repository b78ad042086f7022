//! Turns whose end is told by something else than `turn/completed`: an error that is final, the
//! state of the thread, and what the server has stored.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use openai_codex::types::TurnStatus;
use openai_codex::{Codex, Error, ErrorKind, Thread, TurnHandle};
use openai_codex_testkit::FakeServer;
use serde_json::{Value, json};

/// Far more than any grace takes.
const PATIENCE: Duration = Duration::from_secs(30);

const REASON: &str = "the model is gone";

fn turn(status: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": "u", "status": status, "items": []}})
}

fn error(will_retry: bool) -> Value {
    let error = json!({"message": REASON, "codexErrorInfo": "other", "additionalDetails": null});
    json!({"threadId": "t", "turnId": "u", "willRetry": will_retry, "error": error})
}

fn status(status: &str) -> Value {
    json!({"threadId": "t", "status": {"type": status}})
}

fn item() -> Value {
    let item = json!({"type": "agentMessage", "id": "i", "text": "so far"});
    json!({"threadId": "t", "turnId": "u", "item": item, "completedAtMs": 0})
}

/// A turn that has begun and said something.
async fn running() -> (FakeServer, Codex, Thread, TurnHandle) {
    let (fake, codex) = client::fake().await;
    fake.expect("thread/start")
        .reply(client::thread_response("t"));
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify("turn/started", turn("inProgress"))
        .notify("item/completed", item());
    let thread = codex.thread_start().await.unwrap();
    let handle = thread.turn("hi").await.unwrap();
    (fake, codex, thread, handle)
}

async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("nothing waits for ever")
}

/// The methods up to the end, and the error that was the last item, if one was.
async fn read(turn: &TurnHandle) -> (Vec<String>, Option<Error>) {
    let mut events = turn.stream();
    let mut methods = Vec::new();
    while let Some(event) = in_time(events.next()).await {
        match event {
            Ok(event) => methods.push(event.method().to_owned()),
            Err(error) => {
                assert!(events.next().await.is_none(), "an error is the last item");
                return (methods, Some(error));
            }
        }
    }
    (methods, None)
}

#[track_caller]
fn assert_failed(error: &Error, reason: &str) {
    assert_eq!(error.kind(), ErrorKind::Turn, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    let result = error.turn_result().unwrap();
    assert_eq!(result.status, TurnStatus::Failed);
    assert!(result.error.as_ref().unwrap().message.contains(reason));
    assert_eq!(result.items.len(), 1, "the items so far");
}

#[tokio::test(start_paused = true)]
async fn a_final_error_ends_the_turn_for_all_who_wait() {
    let (fake, codex, thread, turn) = running().await;
    // A second handle of the same turn, by a start that joins it.
    fake.expect("turn/start").reply(client::turn_response("u"));
    let joined = thread.turn("more").await.unwrap();
    assert!(joined.joined());
    fake.expect("turn/interrupt").notify("error", error(false));
    let (interrupted, run, also, read) = tokio::join!(
        in_time(turn.interrupt()),
        in_time(turn.run()),
        in_time(joined.run()),
        read(&turn),
    );
    // It was about to end, and has.
    interrupted.unwrap();
    assert_failed(&run.unwrap_err(), REASON);
    assert_failed(&also.unwrap_err(), REASON);
    assert_eq!(read.0.last().unwrap(), "error");
    assert_failed(&read.1.unwrap(), REASON);
    // Whoever asks later is told the same, at once.
    assert_failed(&in_time(turn.run()).await.unwrap_err(), REASON);
    fake.expect("turn/interrupt").reply(json!({}));
    in_time(turn.interrupt()).await.unwrap();
    drop((turn, joined, thread, codex));
}

#[tokio::test(start_paused = true)]
async fn a_thread_in_a_system_error_ends_its_turn() {
    let (fake, _codex, _thread, turn) = running().await;
    fake.then()
        .notify("thread/status/changed", status("systemError"));
    let (run, read) = tokio::join!(in_time(turn.run()), read(&turn));
    assert_failed(&run.unwrap_err(), "system error");
    assert_failed(&read.1.unwrap(), "system error");
}

#[tokio::test(start_paused = true)]
async fn the_completion_counts_if_it_comes_within_the_grace() {
    let (fake, _codex, thread, handle) = running().await;
    let mut events = thread.events();
    fake.then()
        .notify("error", error(false))
        .notify("thread/status/changed", status("systemError"))
        .waits(Duration::from_secs(1))
        .notify("turn/completed", turn("completed"));
    let result = in_time(handle.run()).await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    // Long after the grace it is told once, and not taken back.
    tokio::time::sleep(PATIENCE).await;
    let (methods, failure) = read(&handle).await;
    assert!(failure.is_none(), "{failure:?}");
    let count = |methods: &[String]| methods.iter().filter(|it| *it == "turn/completed").count();
    assert_eq!(count(&methods), 1);
    let mut on_thread = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(PATIENCE, events.next()).await {
        on_thread.push(event.unwrap().method().to_owned());
    }
    assert_eq!(count(&on_thread), 1);
}

#[tokio::test(start_paused = true)]
async fn a_completion_after_the_grace_is_neither_lost_nor_told_twice() {
    let (fake, _codex, thread, handle) = running().await;
    let mut events = thread.events();
    fake.then().notify("error", error(false));
    assert_failed(&in_time(handle.run()).await.unwrap_err(), REASON);
    assert!(read(&handle).await.1.is_some());
    fake.then().notify("turn/completed", turn("completed"));
    let mut completed = 0;
    while let Ok(Some(event)) = tokio::time::timeout(PATIENCE, events.next()).await {
        completed += usize::from(event.unwrap().method() == "turn/completed");
    }
    assert_eq!(completed, 1);
    // Who asks now is told what really became of it.
    let result = in_time(handle.run()).await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_tried_again_ends_nothing() {
    let (fake, _codex, _thread, handle) = running().await;
    fake.then()
        .notify("error", error(true))
        .notify("thread/status/changed", status("systemError"))
        .notify("thread/status/changed", status("active"));
    let mut run = Box::pin(handle.run());
    assert!(tokio::time::timeout(PATIENCE, &mut run).await.is_err());
    fake.then().notify("turn/completed", turn("completed"));
    assert_eq!(in_time(run).await.unwrap().status, TurnStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_rests_is_asked_about_once_and_a_final_status_believed() {
    for (stored, ends) in [("completed", true), ("inProgress", false)] {
        let (fake, _codex, _thread, handle) = running().await;
        fake.then().notify("thread/status/changed", status("idle"));
        fake.expect("thread/turns/list")
            .reply(json!({"data": [{"id": "u", "status": stored, "items": []}]}));
        let mut run = Box::pin(handle.run());
        let ended = tokio::time::timeout(PATIENCE, &mut run).await;
        assert_eq!(ended.is_ok(), ends, "{stored}");
        if let Ok(ended) = ended {
            assert_eq!(ended.unwrap().status, TurnStatus::Completed);
            continue;
        }
        let asked = |it: &&Value| it["method"] == "thread/turns/list";
        assert_eq!(fake.received().iter().filter(asked).count(), 1);
        fake.then().notify("turn/completed", turn("completed"));
        assert_eq!(in_time(run).await.unwrap().status, TurnStatus::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_right_after_the_rest_needs_no_question() {
    let (fake, _codex, _thread, handle) = running().await;
    fake.then()
        .notify("thread/status/changed", status("idle"))
        .notify("turn/completed", turn("completed"));
    in_time(handle.run()).await.unwrap();
    tokio::time::sleep(PATIENCE).await;
    let asked = |it: &Value| it["method"] == "thread/turns/list";
    assert!(!fake.received().iter().any(asked));
}
