use openai_codex_wire::{ThreadId, TurnId};

use super::*;
use crate::core::Interrupted;
use crate::{Deadline, Known, StartedTurn};

fn thread() -> ThreadId {
    "t".into()
}

fn started(turn: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": turn, "status": "inProgress"}})
}

fn completed(turn: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": turn, "status": "completed"}})
}

fn delta(turn: &str, text: &str) -> Value {
    json!({"threadId": "t", "turnId": turn, "itemId": "i", "delta": text})
}

fn item(turn: &str, text: &str) -> Value {
    let item = json!({"type": "agentMessage", "id": "i", "text": text});
    json!({"item": item, "threadId": "t", "turnId": turn})
}

fn answer(turn: &str) -> Value {
    json!({"turn": {"id": turn, "items": []}})
}

async fn start(connection: &Connection, events: bool) -> Result<StartedTurn> {
    let params = raw(json!({"threadId": "t", "input": []}));
    connection
        .start_turn(&thread(), &params, events, Deadline::Default)
        .await
}

const TURN: [&str; 4] = [
    "turn/started",
    "item/agentMessage/delta",
    "item/completed",
    "turn/completed",
];

/// Scripts the events of a turn from one to another.
fn send_events(fake: &FakeServer, turn: &str, events: std::ops::Range<usize>) {
    for method in &TURN[events] {
        let params = match *method {
            "turn/started" => started(turn),
            "item/agentMessage/delta" => delta(turn, "he"),
            "item/completed" => item(turn, "hello"),
            _ => completed(turn),
        };
        fake.then().notify(method, params);
    }
}

#[tokio::test]
async fn the_response_may_come_anywhere_among_the_events() {
    for response_at in 0..=TURN.len() {
        for events in [false, true] {
            let fake = FakeServer::new();
            let connection = connect(&fake).await;
            fake.expect("turn/start").held_as("start");
            send_events(&fake, "u", 0..response_at);
            fake.then().reply_to("start", answer("u"));
            send_events(&fake, "u", response_at..TURN.len());

            let started = start(&connection, events).await.unwrap();
            assert!(!started.joined);
            assert_eq!(*started.turn.id(), "u");
            if events {
                let (methods, error) = rest(&mut started.turn.subscribe()).await;
                assert_eq!(methods, TURN);
                assert!(error.is_none());
            }
            for _ in 0..2 {
                let summary = started.turn.completed().await.unwrap();
                assert!(summary.is_complete() && !summary.is_partial());
                assert_eq!(summary.items().count(), 1);
                let (_, item) = summary.items().next().unwrap();
                assert!(item.unwrap().get().contains("hello"));
                assert!(summary.turn().unwrap().get().contains("completed"));
            }
            drop(started);
            connection.assert_idle();
        }
    }
}

#[tokio::test]
async fn two_turns_interleaved_on_two_threads_stay_apart() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect_params("turn/start", json!({"threadId": "a"}))
        .held_as("a");
    fake.expect_params("turn/start", json!({"threadId": "b"}))
        .held_as("b");
    let on = |thread: &str, turn: &str, text: &str| json!({"threadId": thread, "turnId": turn, "itemId": "i", "delta": text});
    let end = |thread: &str, turn: &str| json!({"threadId": thread, "turn": {"id": turn}});
    let method = "item/agentMessage/delta";
    fake.then()
        .notify(method, on("a", "ua", "a1"))
        .notify(method, on("b", "ub", "b1"))
        .reply_to("b", answer("ub"))
        .notify(method, on("b", "ub", "b2"))
        .notify(method, on("a", "ua", "a2"))
        .reply_to("a", answer("ua"))
        .notify("turn/completed", end("b", "ub"))
        .notify(method, on("a", "ua", "a3"))
        .notify("turn/completed", end("a", "ua"));
    let run = async |thread: &str| {
        let params = raw(json!({"threadId": thread}));
        let started = connection
            .start_turn(&thread.into(), &params, true, Deadline::Default)
            .await
            .unwrap();
        let mut text = String::new();
        let mut events = started.turn.subscribe();
        while let Some(event) = events.next().await {
            let params: Value = serde_json::from_str(event.unwrap().params()).unwrap();
            text += params["delta"].as_str().unwrap_or(".");
        }
        text
    };
    let (a, b) = tokio::join!(run("a"), run("b"));
    assert_eq!((&*a, &*b), ("a1a2a3.", "b1b2."));
    connection.assert_idle();
}

#[tokio::test]
async fn the_first_streams_see_all_and_later_ones_from_now_on() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").reply(answer("u"));
    let turn = start(&connection, true).await.unwrap().turn;
    send_events(&fake, "u", 0..2);
    fake.expect("sync").reply(json!({}));
    connection.ask("sync", json!({})).await.unwrap();
    let mut first = turn.subscribe();
    let mut second = turn.subscribe();
    assert_eq!(next(&mut first).await.method(), TURN[0]);
    // The first is under way.
    let mut late = turn.subscribe();
    send_events(&fake, "u", 2..4);
    assert_eq!(rest(&mut first).await.0, TURN[1..]);
    assert_eq!(rest(&mut second).await.0, TURN);
    assert_eq!(rest(&mut late).await.0, TURN[2..]);
    // After the end there is nothing more to see, and the result is still there.
    assert_eq!(rest(&mut turn.subscribe()).await.0, [""; 0]);
    assert!(turn.completed().await.is_ok());
}

#[tokio::test]
async fn a_second_start_joins_and_leaving_one_leaves_the_other() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").reply(answer("u"));
    let first = start(&connection, true).await.unwrap();
    send_events(&fake, "u", 0..2);
    fake.expect("sync").reply(json!({}));
    connection.ask("sync", json!({})).await.unwrap();
    fake.expect("turn/start").reply(answer("u"));
    let second = start(&connection, true).await.unwrap();
    assert_eq!((first.joined, second.joined), (false, true));
    drop(first);
    send_events(&fake, "u", 2..4);
    assert_eq!(rest(&mut second.turn.subscribe()).await.0, TURN[2..]);
    // The joined handle shares the summary, from the turn's beginning.
    let summary = second.turn.completed().await.unwrap();
    assert!(!summary.is_partial());
    drop(second);
    fake.assert_finished();
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_is_interrupted_when_its_turn_comes() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").held_as("start");
    let mut starting = Box::pin(start(&connection, true));
    assert!(poll_once(&mut starting).await.is_pending());
    fake.done().await;
    drop(starting);
    // The server still works on it.
    assert_eq!(connection.state(|state| state.pending.owed()), 1);
    send_events(&fake, "u", 0..1);
    fake.then().reply_to("start", answer("u"));
    let interrupt = json!({"threadId": "t", "turnId": "u"});
    fake.expect_params("turn/interrupt", interrupt)
        .reply(json!({}));
    fake.then().notify("turn/completed", completed("u"));
    fake.done().await;
    settle().await;
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_leaves_a_turn_alone_that_it_joined() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").reply(answer("u"));
    let first = start(&connection, true).await.unwrap();
    fake.expect("turn/start").held_as("second");
    let mut starting = Box::pin(start(&connection, true));
    assert!(poll_once(&mut starting).await.is_pending());
    fake.done().await;
    drop(starting);
    fake.then().reply_to("second", answer("u"));
    send_events(&fake, "u", 0..4);
    assert_eq!(rest(&mut first.turn.subscribe()).await.0, TURN);
    drop(first);
    settle().await;
    fake.assert_finished();
    connection.assert_idle();
}

/// It would join the turn that is given up, and be interrupted with it.
#[tokio::test]
async fn a_start_waits_until_the_one_given_up_before_it_is_interrupted() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").held_as("first");
    let mut first = Box::pin(start(&connection, true));
    assert!(poll_once(&mut first).await.is_pending());
    fake.done().await;
    drop(first);
    let mut second = Box::pin(start(&connection, true));
    assert!(poll_once(&mut second).await.is_pending());
    // The script is in order: a start before the second interrupt would fail it.
    fake.then().reply_to("first", answer("u"));
    fake.expect("turn/interrupt")
        .error(-32600, "no active turn to interrupt");
    fake.then().notify("turn/started", started("u"));
    fake.expect("turn/interrupt").reply(json!({}));
    fake.expect("turn/start").reply(answer("v"));
    let second = second.await.unwrap();
    assert_eq!(second.turn.id(), "v");
    assert!(!second.joined);
    for turn in ["u", "v"] {
        fake.then().notify("turn/completed", completed(turn));
    }
    second.turn.completed().await.unwrap();
    drop(second);
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_never_answered_holds_up_the_next_one_once_and_not_for_long() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").held_as("first");
    let mut first = Box::pin(start(&connection, true));
    assert!(poll_once(&mut first).await.is_pending());
    fake.done().await;
    drop(first);
    for (turn, longest) in [("v", 6), ("w", 1)] {
        fake.expect("turn/start").reply(answer(turn));
        let begun = tokio::time::Instant::now();
        let started = start(&connection, true).await.unwrap();
        assert_eq!(started.turn.id(), turn);
        assert!(begun.elapsed() < std::time::Duration::from_secs(longest));
        fake.then().notify("turn/completed", completed(turn));
        started.turn.completed().await.unwrap();
    }
}

/// The answer is there, but the caller goes away before it takes it.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_never_taken_is_interrupted() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").reply(answer("u"));
    let mut starting = Box::pin(start(&connection, true));
    assert!(poll_once(&mut starting).await.is_pending());
    fake.done().await;
    settle().await;
    fake.expect("turn/interrupt").reply(json!({}));
    drop(starting);
    fake.done().await;
    fake.then().notify("turn/completed", completed("u"));
    settle().await;
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_never_sent_starts_nothing() {
    let fake = FakeServer::new();
    let options = ConnectionOptions {
        max_in_flight: 1,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    fake.expect("slow").held_as("slow");
    let mut slow = Box::pin(connection.ask("slow", json!({})));
    assert!(poll_once(&mut slow).await.is_pending());
    let mut starting = Box::pin(start(&connection, true));
    assert!(poll_once(&mut starting).await.is_pending());
    drop(starting);
    fake.then().reply_to("slow", json!({}));
    slow.await.unwrap();
    settle().await;
    fake.assert_finished();
    connection.assert_idle();
}

#[tokio::test]
async fn a_refused_start_is_an_error_and_leaves_nothing() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start").error(-32600, "no such thread");
    let error = start(&connection, true).await.unwrap_err();
    assert_eq!(error.method(), Some("turn/start"));
    fake.expect("turn/start").reply(json!({"turn": null}));
    let error = start(&connection, true).await.unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Decode);
    connection.assert_idle();
}

#[tokio::test]
async fn an_interrupt_is_settled_by_its_answer_or_by_the_end_of_the_turn() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let interrupt = |turn: &str| {
        let (connection, turn) = (connection.clone(), TurnId::from(turn));
        async move {
            connection
                .interrupt(&thread(), &turn, FOREVER)
                .await
                .unwrap()
        }
    };
    fake.expect("turn/interrupt").reply(json!({}));
    assert_eq!(interrupt("a").await, Interrupted::Accepted);

    // 0.163.0 never answers one that comes just too late.
    fake.expect("turn/interrupt")
        .notify("turn/completed", completed("b"));
    assert_eq!(interrupt("b").await, Interrupted::Finished);

    // Nor is one sent when the end was seen.
    fake.done().await;
    assert_eq!(interrupt("b").await, Interrupted::Finished);

    // 0.169 answers with an error.
    fake.expect("turn/interrupt")
        .error(-32600, "no active turn to interrupt");
    assert_eq!(interrupt("c").await, Interrupted::Finished);
    fake.assert_finished();
    connection.assert_idle();
}

#[tokio::test]
async fn a_turn_of_someone_elses_can_be_followed_and_settled() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let (turn, known) = connection.attach_turn(&thread(), &"u".into());
    assert_eq!(known, Known::Unknown);
    send_events(&fake, "u", 2..3);
    let mut events = turn.subscribe();
    assert_eq!(next(&mut events).await.method(), TURN[2]);
    assert!(turn.summary().is_partial());
    turn.settle(&raw(json!({"id": "u", "status": "completed"})));
    turn.settle(&raw(json!({"id": "u", "status": "failed"})));
    let summary = turn.completed().await.unwrap();
    assert!(summary.turn().unwrap().get().contains("completed"));
    assert_eq!(rest(&mut events).await.0, ["turn/completed"]);
}

#[tokio::test]
async fn the_events_of_a_thread_are_seen_whoever_owns_its_turns() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let mut on_thread = connection.thread_events(&thread());
    let mut others = connection.events();
    fake.expect("turn/start").reply(answer("u"));
    let mine = start(&connection, true).await.unwrap();
    send_events(&fake, "u", 0..4);
    send_events(&fake, "compaction", 0..4);
    fake.then()
        .notify("thread/status/changed", json!({"threadId": "t"}));
    fake.then().notify("account/updated", json!({}));
    assert_eq!(rest(&mut mine.turn.subscribe()).await.0, TURN);
    for method in TURN.iter().chain(&TURN).chain(&["thread/status/changed"]) {
        assert_eq!(next(&mut on_thread).await.method(), *method);
    }
    for method in TURN
        .iter()
        .chain(&["thread/status/changed", "account/updated"])
    {
        assert_eq!(next(&mut others).await.method(), *method);
    }
}

#[tokio::test]
async fn a_login_completes_whether_it_is_waited_for_before_or_after() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let done = |id: &str| json!({"loginId": id, "success": true});
    let early = connection.login(&"early".into());
    fake.then().notify("account/login/completed", done("early"));
    fake.then().notify("account/login/completed", done("late"));
    fake.expect("sync").reply(json!({}));
    connection.ask("sync", json!({})).await.unwrap();
    let late = connection.login(&"late".into());
    for login in [&early, &late, &early, &late] {
        let event = login.completed().await.unwrap();
        assert!(event.params().contains(login.id().as_str()));
    }
    let mut pending = connection.login(&"never".into());
    assert!(
        poll_once(&mut Box::pin(pending.completed()))
            .await
            .is_pending()
    );
    pending = connection.login(&"never".into());
    drop((early, late, pending));
    connection.assert_idle();
}
