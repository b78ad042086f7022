//! Streams of turns: who sees what, for how long it is kept, and how it ends.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use client::Fake;
use openai_codex::types::{
    Methods, ReviewStartParams, ReviewTarget, ServerNotification, ThreadItem,
};
use openai_codex::{Codex, ErrorKind, EventBuffer, TurnHandle, TurnStatus, TurnStream};
use openai_codex_testkit::{FakeServer, Gate, MockModel};
use serde_json::{Value, json};

/// What a server says when a turn ends.
fn completed(status: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": "u", "status": status, "items": []}})
}

/// A turn of a scripted server.
async fn started(fake: &FakeServer, codex: &Codex) -> TurnHandle {
    fake.expect("turn/start").reply(client::turn_response("u"));
    codex.thread("t").turn("hi").await.unwrap()
}

fn deltas(fake: &FakeServer, count: u64) {
    fake.then().floods(
        "item/agentMessage/delta",
        json!({"threadId": "t", "turnId": "u", "itemId": "i", "delta": "{i} "}),
        count,
    );
}

/// Everything that a stream has up to its end, as text.
async fn read(stream: &mut TurnStream) -> String {
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        text.push_str(event.unwrap().text_delta().unwrap_or_default());
    }
    text
}

/// A turn with more output than is kept, and the stream of one who has not read it.
async fn too_much_output(buffer: EventBuffer) -> TurnStream {
    let fake = FakeServer::new();
    let codex = Codex::builder().event_buffer(buffer).fake(&fake).await;
    let turn = started(&fake, &codex).await;
    let stream = turn.stream();
    fake.then().floods(
        "item/commandExecution/outputDelta",
        json!({"threadId": "t", "turnId": "u", "itemId": "i", "delta": "{i}"}),
        1000,
    );
    fake.then().notify("turn/completed", completed("completed"));
    turn.run().await.unwrap();
    stream
}

#[tokio::test]
async fn what_a_slow_reader_misses_is_said_by_the_next_event() {
    let buffer = EventBuffer::new().events(10);
    let mut stream = too_much_output(buffer).await;
    let mut skipped = Vec::new();
    while let Some(event) = stream.next().await {
        // A loop that does not ask goes on.
        skipped.push(event.unwrap().skipped_before());
    }
    assert_eq!(skipped.len(), 11);
    assert_eq!(skipped[..10], [0; 10]);
    assert_eq!(skipped[10], 990);
}

#[tokio::test]
async fn what_a_slow_reader_misses_is_an_error_where_that_is_asked_for() {
    let buffer = EventBuffer::new().events(10);
    let mut stream = too_much_output(buffer).await.lag_as_errors();
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        items.push(item.map(|event| event.skipped_before()));
    }
    assert_eq!(items.len(), 12);
    let error = items[10].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lagged { skipped: 990 });
    assert_eq!(*items[11].as_ref().unwrap(), 0);
}

#[tokio::test]
async fn other_requests_are_answered_while_a_turn_streams() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["one "]).waits_for(&gate).deltas(["two"]);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    let mut stream = turn.stream();
    gate.reached().await;
    // The turn cannot end before the gate opens.
    assert!(!codex.models().await.unwrap().is_empty());
    gate.open();
    assert_eq!(read(&mut stream).await, "one two");
}

#[tokio::test]
async fn a_review_is_a_turn_that_can_be_followed() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.say("looks good").waits_for(&gate).every_time();
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let mut events = thread.events();
    let target = ReviewTarget::from(openai_codex::types::CustomReviewTarget::new(
        "Review nothing in particular.",
    ));
    let review = codex
        .rpc()
        .review_start(ReviewStartParams::new(thread.id(), target))
        .await
        .unwrap();
    assert_eq!(&review.review_thread_id, thread.id());
    let turn = thread.turn_handle(review.turn.id.as_str());
    gate.open();
    let result = turn.run().await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert!(
        (result.items.iter()).any(|item| matches!(item, ThreadItem::ExitedReviewMode(_))),
        "{:?}",
        result.items
    );
    loop {
        let event = events.next().await.unwrap().unwrap();
        if let ServerNotification::TurnCompleted(ended) = event.decode().unwrap() {
            assert_eq!(ended.turn.id, turn.id().as_str());
            break;
        }
    }
}

#[tokio::test]
async fn both_handles_of_a_turn_see_that_its_model_fails() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["one"]).waits_for(&gate);
    model.fails(500);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let first = thread.turn("first").await.unwrap();
    gate.reached().await;
    let second = thread.turn("second").await.unwrap();
    assert_eq!(first.id(), second.id());
    gate.open();
    for turn in [first, second] {
        let error = turn.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Turn);
        assert_eq!(error.turn_result().unwrap().status, TurnStatus::Failed);
    }
}

#[tokio::test]
async fn both_handles_of_a_turn_see_that_the_connection_breaks() {
    let (fake, codex) = client::fake().await;
    let first = started(&fake, &codex).await;
    let second = started(&fake, &codex).await;
    let (mut one, mut two) = (first.stream(), second.stream());
    fake.then().exits(0);
    for stream in [&mut one, &mut two] {
        assert!(stream.next().await.unwrap().unwrap_err().is_closed());
        assert!(stream.next().await.is_none());
    }
    for turn in [first, second] {
        let error = turn.run().await.unwrap_err();
        assert!(error.is_closed());
        assert_eq!(error.turn_result().unwrap().status, TurnStatus::InProgress);
    }
}

#[tokio::test]
async fn a_late_stream_starts_with_what_comes_next() {
    let (fake, codex) = client::fake().await;
    let turn = started(&fake, &codex).await;
    let mut first = turn.stream();
    deltas(&fake, 2);
    for expected in ["0 ", "1 "] {
        let event = first.next().await.unwrap().unwrap();
        assert_eq!(event.text_delta(), Some(expected));
    }
    let mut late = turn.stream();
    deltas(&fake, 1);
    fake.then().notify("turn/completed", completed("completed"));
    assert_eq!(read(&mut late).await, "0 ");
    assert_eq!(read(&mut first).await, "0 ");
    assert_eq!(turn.run().await.unwrap().status, TurnStatus::Completed);
}

#[tokio::test]
async fn what_was_read_makes_room_while_the_turn_goes_on() {
    let fake = FakeServer::new();
    let buffer = EventBuffer::new().hard_events(16);
    let codex = Codex::builder().event_buffer(buffer).fake(&fake).await;
    let turn = started(&fake, &codex).await;
    let mut stream = turn.stream();
    for _ in 0..100 {
        deltas(&fake, 10);
        for number in 0..10 {
            let event = stream.next().await.unwrap().unwrap();
            assert_eq!(event.text_delta(), Some(format!("{number} ").as_str()));
        }
    }
    fake.then().notify("turn/completed", completed("completed"));
    assert_eq!(read(&mut stream).await, "");
}

#[tokio::test]
async fn what_a_slow_reader_has_not_read_is_kept_for_it() {
    let (fake, codex) = client::fake().await;
    let turn = started(&fake, &codex).await;
    let (mut slow, mut fast) = (turn.stream(), turn.stream());
    deltas(&fake, 1000);
    fake.then().notify("turn/completed", completed("completed"));
    let text = read(&mut fast).await;
    assert_eq!(text.split_whitespace().count(), 1000);
    assert_eq!(read(&mut slow).await, text);
}

#[tokio::test]
async fn a_closed_stream_and_a_cancelled_reader_disturb_nobody_else() {
    let (fake, codex) = client::fake().await;
    let turn = started(&fake, &codex).await;
    let (closed, mut open) = (turn.stream(), turn.stream());
    drop(closed);
    let mut cancelled = turn.stream();
    let reader = tokio::spawn(async move { cancelled.next().await.is_some() });
    reader.abort();
    assert!(reader.await.unwrap_err().is_cancelled());
    deltas(&fake, 3);
    fake.then().notify("turn/completed", completed("completed"));
    assert_eq!(read(&mut open).await, "0 1 2 ");
}

#[tokio::test]
async fn a_payload_that_does_not_fit_is_an_error_and_nothing_is_lost() {
    let (fake, codex) = client::fake().await;
    let turn = started(&fake, &codex).await;
    let mut stream = turn.stream();
    fake.then()
        .notify(
            "item/agentMessage/delta",
            json!({"threadId": "t", "turnId": "u", "itemId": 7, "delta": "x"}),
        )
        .notify(
            "of/the/future",
            json!({"threadId": "t", "turnId": "u", "a": 1}),
        )
        .notify("turn/completed", completed("completed"));
    let broken = stream.next().await.unwrap().unwrap();
    let error = broken.decode().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.method(), Some("item/agentMessage/delta"));
    assert!(broken.raw().contains("\"itemId\":7"));
    let unknown = stream.next().await.unwrap().unwrap();
    let ServerNotification::Unrecognized(kept) = unknown.decode().unwrap() else {
        panic!("{unknown:?}");
    };
    assert_eq!(serde_json::to_value(kept).unwrap()["a"], 1);
    assert_eq!(read(&mut stream).await, "");
    assert_eq!(turn.run().await.unwrap().status, TurnStatus::Completed);
}
