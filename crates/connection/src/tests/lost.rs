//! Turns that began before they were heard of, and turns whose end nothing tells.

use std::time::Duration;

use openai_codex_wire::{ThreadId, TurnId};

use super::router::{ROOMY, TURN, event, read, turn_event};
use super::*;
use crate::Deadline;
use crate::effects::Effects;
use crate::error::ErrorKind;
use crate::queue::{End, Limits};
use crate::router::{Known, Resumed, Router, SubKey};
use crate::turn_log::{Lost, Progress};

fn ids() -> (ThreadId, TurnId) {
    ("t".into(), "u".into())
}

#[test]
fn a_start_that_is_abandoned_and_never_answered_keeps_no_later_turn() {
    let (thread, _) = ids();
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let unanswered = router.open_start(&thread, true);
    router.abandon_start(&thread, unanswered, &mut fx);
    let before = router.entries();
    for number in 0..100 {
        let turn = TurnId::from(format!("u{number}"));
        for method in TURN {
            router.route(&turn_event(method, &thread, &turn, number), &mut fx);
        }
        let start = router.open_start(&thread, true);
        let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        router.drop_handle(&thread, &turn, settled.unwrap().subscription, &mut fx);
    }
    assert_eq!(router.entries(), before);
    // What was kept for its sake goes with it as well.
    let other = router.open_start(&thread, true);
    router.route(&turn_event(TURN[1], &thread, "foreign", 0), &mut fx);
    assert!(router.entries() > before);
    router.abandon_start(&thread, other, &mut fx);
    assert_eq!(router.entries(), before + 1);
}

#[test]
fn the_late_answer_to_an_abandoned_start_does_not_revive_its_turn() {
    let (thread, turn) = ids();
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let start = router.open_start(&thread, false);
    router.abandon_start(&thread, start, &mut fx);
    for method in TURN {
        router.route(&turn_event(method, &thread, &turn, 0), &mut fx);
    }
    router.settle_start(&thread, start, Some(&turn), false, &mut fx);
    assert_eq!(router.entries(), 0);
}

/// What began before it was listened to never looks whole.
#[test]
fn a_turn_without_its_beginning_is_partial_and_not_ours() {
    let (thread, turn) = ids();
    for response_at in 0..4 {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let start = router.open_start(&thread, true);
        let mut joined = None;
        for (at, method) in TURN.iter().enumerate().skip(1) {
            if at == response_at + 1 {
                let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
                joined = settled.map(|settled| settled.joined);
            }
            router.route(&turn_event(method, &thread, &turn, at), &mut fx);
        }
        // Before any event there is nothing to tell it by; the events that follow do.
        assert_eq!(joined, Some(response_at > 0), "{response_at}");
        let (summary, _) = router.summary(&thread, &turn).unwrap();
        assert!(summary.is_complete() && summary.is_partial() && summary.is_foreign());
    }
}

#[test]
fn the_answer_to_a_resume_says_which_turns_run() {
    let (thread, turn) = ids();
    for (turns, joined) in [
        (r#"{"id":"u","status":"inProgress"}"#, true),
        (r#"{"id":"u","status":"completed"}"#, true),
        ("", true),
    ] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let answer =
            format!(r#"{{"thread":{{"id":"t","status":{{"type":"active"}},"turns":[{turns}]}}}}"#);
        router.resume_thread(
            &Resumed::of(&PROTOCOL, &answer, |_, _| true).unwrap(),
            &mut fx,
        );
        let start = router.open_start(&thread, false);
        let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        assert_eq!(settled.unwrap().joined, joined, "{turns}");
    }
    // A thread that rests runs nothing, and nothing is kept for it.
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let answer = r#"{"thread":{"id":"t","status":{"type":"idle"},"turns":[]}}"#;
    router.resume_thread(
        &Resumed::of(&PROTOCOL, answer, |_, _| true).unwrap(),
        &mut fx,
    );
    assert_eq!(router.entries(), 0);
    let start = router.open_start(&thread, false);
    let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
    assert!(!settled.unwrap().joined);
}

/// A turn is known to run, but not which, until the thread is said to rest.
#[test]
fn an_unlisted_turn_is_joined_for_as_long_as_the_thread_is_busy() {
    let (thread, turn) = ids();
    for (status, joined) in [
        (
            r#"{"type":"active","activeFlags":["waitingOnApproval"]}"#,
            true,
        ),
        (r#"{"type":"idle"}"#, false),
        (r#"{"type":"systemError"}"#, false),
    ] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let answer = r#"{"thread":{"id":"t","status":{"type":"active"},"turns":[]}}"#;
        router.resume_thread(
            &Resumed::of(&PROTOCOL, answer, |_, _| true).unwrap(),
            &mut fx,
        );
        let params = format!(r#"{{"threadId":"t","status":{status}}}"#);
        router.route(&event("thread/status/changed", &params), &mut fx);
        let start = router.open_start(&thread, false);
        let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        assert_eq!(settled.unwrap().joined, joined, "{status}");
    }
}

#[test]
fn a_turn_to_be_interrupted_is_forgotten_with_its_end() {
    let (thread, turn) = ids();
    for ends in ["turn/completed", "thread/closed"] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        router.route(&turn_event(TURN[0], &thread, &turn, 0), &mut fx);
        assert_eq!(router.doom(&thread, &turn), Some(true));
        router.route(&turn_event(ends, &thread, &turn, 1), &mut fx);
        assert_eq!(router.entries(), 0, "{ends}");
    }
}

#[test]
fn every_way_in_which_a_thread_goes_ends_the_waits_for_its_turns() {
    let (thread, turn) = ids();
    for (method, status, lost) in [
        ("thread/closed", "", Lost::Closed),
        ("thread/archived", "", Lost::Archived),
        ("thread/deleted", "", Lost::Deleted),
        (
            "thread/status/changed",
            r#","status":{"type":"notLoaded"}"#,
            Lost::Closed,
        ),
    ] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let start = router.open_start(&thread, true);
        let settled = router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        router.route(&turn_event(TURN[0], "t", "u", 0), &mut fx);
        router.route(&turn_event(TURN[0], "t", "unowned", 0), &mut fx);
        let idle = r#"{"threadId":"t","number":1,"status":{"type":"idle"}}"#;
        router.route(&event("thread/status/changed", idle), &mut fx);
        let progress = |router: &mut Router| router.progress(&thread, &turn).unwrap().0;
        assert_eq!(progress(&mut router), Progress::Running);
        let params = format!(r#"{{"threadId":"t","number":2{status}}}"#);
        router.route(&event(method, &params), &mut fx);
        assert_eq!(progress(&mut router), Progress::Lost(lost), "{method}");
        let key = SubKey::Turn(
            thread.clone(),
            turn.clone(),
            settled.unwrap().subscription.unwrap(),
        );
        assert_eq!(read(&mut router, &key), (vec![0], Some(End::Lost(lost))));
        let (later, _) = router.subscribe_turn(&thread, &turn, None);
        assert_eq!(read(&mut router, &later), (vec![], Some(End::Lost(lost))));
        // The next turn is a turn of its own.
        let start = router.open_start(&thread, false);
        let next = router.settle_start(&thread, start, Some(&"unowned".into()), true, &mut fx);
        assert!(!next.unwrap().joined, "{method}");
    }
}

#[test]
fn a_lost_turn_is_found_again_with_a_gap() {
    let (thread, turn) = ids();
    for resumed in [
        r#"{"thread":{"id":"t","turns":[{"id":"u","status":"inProgress"}]}}"#,
        r#"{"thread":{"id":"t","turns":[{"id":"u","status":"completed"}]}}"#,
    ] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let start = router.open_start(&thread, false);
        router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        router.route(&turn_event(TURN[0], "t", "u", 0), &mut fx);
        router.lose_thread(&thread, Lost::Unsubscribed, &mut fx);
        let (known, attached) = router.attach_turn(&thread, &turn, &mut fx);
        assert_eq!(known, Known::Unknown);
        let answer = Resumed::of(&PROTOCOL, resumed, |thread, turn| {
            router.has_lost(thread, turn)
        })
        .unwrap();
        router.resume_thread(&answer, &mut fx);
        router.route(&turn_event(TURN[4], "t", "u", 4), &mut fx);
        let (progress, _) = router.progress(&thread, &turn).unwrap();
        assert_eq!(progress, Progress::Complete);
        assert!(router.summary(&thread, &turn).unwrap().0.is_partial());
        let key = SubKey::Turn(thread.clone(), turn.clone(), attached);
        let mailbox = router.mailbox(&key).unwrap();
        assert_eq!(mailbox.lock().items().count(), 1);
    }
}

#[test]
fn a_lost_turn_is_found_again_by_its_events_and_by_a_start_that_joins_it() {
    let (thread, turn) = ids();
    for by_start in [false, true] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let mut start = |router: &mut Router| {
            let start = router.open_start(&thread, false);
            router.settle_start(&thread, start, Some(&turn), true, &mut fx);
        };
        start(&mut router);
        let mut fx = Effects::default();
        router.route(&turn_event(TURN[0], "t", "u", 0), &mut fx);
        router.lose_thread(&thread, Lost::Unsubscribed, &mut fx);
        assert!(router.has_lost(&thread, &turn));
        match by_start {
            true => start(&mut router),
            false => drop(router.route(&turn_event(TURN[1], "t", "u", 1), &mut fx)),
        }
        assert!(!router.has_lost(&thread, &turn), "by a start: {by_start}");
        router.route(&turn_event(TURN[4], "t", "u", 4), &mut fx);
        let (summary, _) = router.summary(&thread, &turn).unwrap();
        assert!(summary.is_complete() && summary.is_partial());
    }
}

#[test]
fn turns_whose_ends_are_never_told_are_not_all_remembered() {
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    for number in 0..1000 {
        let turn = format!("u{number}");
        router.route(&turn_event(TURN[0], "t", &turn, number), &mut fx);
    }
    assert!(router.entries() < 100, "{}", router.entries());
}

#[test]
fn what_was_skipped_of_an_unclaimed_turn_is_told_to_whom_it_goes() {
    let thread = ThreadId::from("t");
    let limits = Limits { events: 2, ..ROOMY };
    let mut fx = Effects::default();
    let mut router = Router::new(limits);
    let start = router.open_start(&thread, true);
    for number in 0..5 {
        router.route(
            &turn_event("item/commandExecution/outputDelta", "t", "foreign", number),
            &mut fx,
        );
    }
    router.settle_start(&thread, start, None, true, &mut fx);
    let (key, _) = router.subscribe_global();
    let mailbox = router.mailbox(&key).unwrap();
    assert_eq!(mailbox.lock().items().next().unwrap().skipped_before, 3);
}

async fn started(fake: &FakeServer, connection: &Connection) -> crate::StartedTurn {
    let answer = json!({"turn": {"id": "u", "items": []}});
    let begun = json!({"threadId": "t", "turn": {"id": "u"}});
    fake.expect("turn/start")
        .reply(answer)
        .notify("turn/started", begun);
    let params = raw(json!({"threadId": "t", "input": []}));
    connection
        .start_turn(&"t".into(), &params, true, Deadline::Default)
        .await
        .unwrap()
}

#[tokio::test]
async fn unsubscribing_ends_the_waits_and_resuming_continues_them() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let started = started(&fake, &connection).await;
    let mut events = started.turn.subscribe();
    assert_eq!(next(&mut events).await.method(), "turn/started");
    let mut waits = Box::pin(started.turn.completed());
    assert!(poll_once(&mut waits).await.is_pending());

    fake.expect("thread/unsubscribe")
        .reply(json!({"status": "unsubscribed"}));
    let id = json!({"threadId": "t"});
    connection
        .ask("thread/unsubscribe", id.clone())
        .await
        .unwrap();
    let error = waits.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.to_string().contains("resume the thread"), "{error}");
    let error = started.turn.completed().await.unwrap_err();
    assert!(!error.is_closed());
    let (methods, end) = rest(&mut events).await;
    assert!(methods.is_empty());
    assert_eq!(end.unwrap().kind(), ErrorKind::Turn);

    fake.expect("thread/resume").reply(json!({"thread": {
        "id": "t",
        "turns": [{"id": "u", "status": "completed"}],
    }}));
    connection.ask("thread/resume", id).await.unwrap();
    let summary = started.turn.completed().await.unwrap();
    assert!(summary.is_partial());
    assert!(summary.turn().unwrap().get().contains("completed"));
    drop((started, events));
    connection.assert_idle();
}

#[tokio::test]
async fn a_thread_that_is_gone_answers_interrupts_and_withdraws_requests() {
    struct Waits;
    impl Dispatcher for Waits {
        fn dispatch(
            &self,
            call: crate::ServerCall,
        ) -> std::pin::Pin<Box<dyn Future<Output = crate::Reply> + Send>> {
            Box::pin(async move {
                call.cancelled.cancelled().await;
                crate::refusal(&PROTOCOL, &call.method)
            })
        }
    }
    let fake = FakeServer::new();
    let connection = connect_with(&fake, ConnectionOptions::default(), Waits).await;
    let started = started(&fake, &connection).await;
    fake.expect("turn/interrupt");
    fake.then()
        .ask("ask", "currentTime/read", json!({"threadId": "t"}))
        .notify("thread/deleted", json!({"threadId": "t"}));
    let thread = ThreadId::from("t");
    let interrupted = connection.interrupt(
        &thread,
        started.turn.id(),
        Deadline::After(Duration::from_secs(20)),
    );
    assert_eq!(
        interrupted.await.unwrap(),
        crate::core::Interrupted::Finished
    );
    assert!(started.turn.completed().await.is_err());
    drop(started);
    connection.assert_idle();
}

/// The server interrupts nothing that has not begun.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_about_to_begin_is_interrupted_when_it_has() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let thread = ThreadId::from("t");
    let started = |turn: &str| json!({"threadId": "t", "turn": {"id": turn}});
    let params = raw(json!({"threadId": "t", "input": []}));
    let start = || connection.start_turn(&thread, &params, false, Deadline::Default);
    let refusal = "expected active turn id u but found another";

    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    let turn = start().await.unwrap().turn;
    fake.expect("turn/interrupt").error(-32600, refusal);
    fake.expect("turn/interrupt")
        .error(-32600, "no active turn to interrupt");
    fake.expect("turn/interrupt").reply(json!({}));
    let interrupted = connection.interrupt(&thread, turn.id(), Deadline::Default);
    assert_eq!(
        interrupted.await.unwrap(),
        crate::core::Interrupted::Accepted
    );
    fake.done().await;
    // One that runs is not asked about again.
    fake.then().notify("turn/started", started("u"));
    fake.expect("sync").reply(json!({}));
    connection.ask("sync", json!({})).await.unwrap();
    fake.expect("turn/interrupt").error(-32600, refusal);
    let refused = connection.interrupt(&thread, turn.id(), Deadline::Default);
    fake.wait_for("turn/interrupt", 3).await;
    assert!(refused.await.is_err());
    fake.then().notify("turn/completed", started("u"));
    turn.completed().await.unwrap();
    drop(turn);

    // This one begins while the refusal is on its way, and is asked about once more.
    for (id, answer) in [("w", refusal), ("x", "no active turn to interrupt")] {
        fake.expect("turn/start").reply(json!({"turn": {"id": id}}));
        let turn = start().await.unwrap().turn;
        fake.expect("turn/interrupt")
            .error(-32600, answer)
            .notify("turn/started", started(id));
        fake.expect("turn/interrupt")
            .reply(json!({}))
            .notify("turn/completed", started(id));
        let interrupted = connection.interrupt(&thread, turn.id(), Deadline::Default);
        assert_eq!(
            interrupted.await.unwrap(),
            crate::core::Interrupted::Accepted
        );
        turn.completed().await.unwrap();
    }

    // Nobody waits for this one, and it is interrupted all the same.
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "v"}}));
    fake.expect("turn/interrupt").error(-32600, refusal);
    fake.then().notify("turn/started", started("v"));
    fake.expect("turn/interrupt")
        .reply(json!({}))
        .notify("turn/completed", started("v"));
    let turn = start().await.unwrap().turn;
    turn.interrupt_now();
    drop(turn);
    fake.done().await;
    fake.expect("sync").reply(json!({}));
    connection.ask("sync", json!({})).await.unwrap();
    connection.assert_idle();
}

#[tokio::test]
async fn an_interrupt_that_nobody_waits_for_goes_with_the_subscription_to_its_thread() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let (thread, _) = ids();
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    // As 0.163.0 leaves one that comes just too late.
    fake.expect("turn/interrupt");
    fake.expect("thread/unsubscribe").reply(json!({}));
    let started = connection
        .start_turn(&thread, &raw(json!({})), false, FOREVER)
        .await
        .unwrap();
    started.turn.interrupt_now();
    drop(started);
    fake.wait_for("turn/interrupt", 1).await;
    connection
        .ask("thread/unsubscribe", json!({"threadId": "t"}))
        .await
        .unwrap();
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_no_turn_that_went_with_the_subscription_to_its_thread() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let (thread, _) = ids();
    let params = raw(json!({}));
    let start = || connection.start_turn(&thread, &params, false, FOREVER);
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    fake.expect("turn/interrupt");
    fake.expect("thread/unsubscribe").reply(json!({}));
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "v"}}));
    start().await.unwrap().turn.interrupt_now();
    fake.wait_for("turn/interrupt", 1).await;
    let begun = tokio::time::Instant::now();
    let unsubscribe = connection.ask("thread/unsubscribe", json!({"threadId": "t"}));
    let (started, _) = tokio::join!(start(), unsubscribe);
    assert_eq!(*started.unwrap().turn.id(), "v");
    assert!(begun.elapsed() < Duration::from_secs(1));
}
