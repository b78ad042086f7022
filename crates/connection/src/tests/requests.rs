use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::Deadline;
use crate::error::{ErrorKind, RpcErrorKind};

#[tokio::test]
async fn a_request_gets_its_result_or_its_error() {
    let fake = FakeServer::new();
    fake.expect_params("thread/start", json!({"model": "x"}))
        .reply(json!({"thread": {"id": "t"}}));
    fake.expect("model/list")
        .error(-32001, "Server overloaded; retry later.");
    let connection = connect(&fake).await;
    let answer = connection
        .ask("thread/start", json!({"model": "x"}))
        .await
        .unwrap();
    assert_eq!(answer["thread"]["id"], "t");
    let error = connection.ask("model/list", json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rpc(RpcErrorKind::Overloaded));
    assert_eq!(error.method(), Some("model/list"));
    fake.assert_finished();
    connection.assert_idle();
}

#[tokio::test]
async fn the_handshake_reads_the_version_from_the_user_agent() {
    let fake = FakeServer::bare();
    fake.expect_params(
        "initialize",
        json!({"capabilities": {"experimentalApi": true}}),
    )
    .reply(json!({"userAgent": "me/0.163.0 (Debian) xterm (me; 1)"}));
    fake.expect("initialized");
    let (read, write) = fake.connect();
    let options = ConnectionOptions::default();
    let (_connection, handshake) =
        Connection::connect(read, write, options, Arc::new(Refuse), &initialize())
            .await
            .unwrap();
    assert_eq!(handshake.runtime_version.as_deref(), Some("0.163.0"));
    assert!(handshake.response.get().contains("Debian"));
    fake.done().await;
}

#[tokio::test]
async fn a_refused_handshake_is_an_error_of_its_own_kind() {
    let fake = FakeServer::bare();
    fake.expect("initialize").error(-32600, "no");
    let (read, write) = fake.connect();
    let options = ConnectionOptions::default();
    let failed = Connection::connect(read, write, options, Arc::new(Refuse), &initialize()).await;
    let error = failed.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert_eq!(error.rpc().unwrap().message, "no");
}

#[tokio::test]
async fn answers_find_their_callers_in_any_order() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("a").held_as("a");
    fake.expect("b").reply_to("a", json!("A")).reply(json!("B"));
    let (a, b) = tokio::join!(
        connection.ask("a", json!({})),
        connection.ask("b", json!({}))
    );
    assert_eq!((a.unwrap(), b.unwrap()), (json!("A"), json!("B")));
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_their_turn_and_urgent_ones_do_not() {
    let fake = FakeServer::new();
    let options = ConnectionOptions {
        max_in_flight: 2,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    fake.expect("slow").held_as("1");
    fake.expect("slow").held_as("2");
    fake.expect("turn/steer").reply(json!({}));
    let call = || connection.ask("slow", json!({}));
    let mut calls = [Box::pin(call()), Box::pin(call()), Box::pin(call())];
    for call in &mut calls {
        assert!(poll_once(call).await.is_pending());
    }
    fake.wait_for("slow", 2).await;
    connection
        .request("turn/steer", Some(&raw(json!({}))), Deadline::Default)
        .await
        .unwrap();
    fake.done().await;

    // The third goes out when one of the others is answered.
    assert!(poll_once(&mut calls[2]).await.is_pending());
    fake.then().reply_to("2", json!(2));
    fake.expect("slow").reply(json!(3));
    fake.then().reply_to("1", json!(1));
    let [a, b, c] = calls;
    let (a, b, c) = tokio::join!(a, b, c);
    assert_eq!(
        [a.unwrap(), b.unwrap(), c.unwrap()],
        [json!(1), json!(2), json!(3)]
    );
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_covers_everything_from_the_call_to_the_answer() {
    let fake = FakeServer::new();
    fake.always("silent");
    let options = ConnectionOptions {
        max_in_flight: 1,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    let before = Instant::now();
    // One waits for its answer, the other for its permit.
    let (a, b) = tokio::join!(
        connection.ask("silent", json!({})),
        connection.ask("silent", json!({}))
    );
    assert_eq!(before.elapsed(), Duration::from_secs(60));
    for error in [a.unwrap_err(), b.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert_eq!(error.method(), Some("silent"));
    }
    let short = Deadline::After(Duration::from_millis(5));
    let error = connection.request("silent", None, short).await.unwrap_err();
    assert!(error.is_timeout());
    connection.assert_idle_but_for(1);
}

#[tokio::test(start_paused = true)]
async fn what_may_take_all_day_has_no_deadline_and_blocks_nobody() {
    let fake = FakeServer::new();
    fake.always("command/exec")
        .waits(Duration::from_secs(36_000))
        .reply(json!({"exitCode": 0}));
    let options = ConnectionOptions {
        max_in_flight: 1,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    let before = Instant::now();
    connection.ask("command/exec", json!({})).await.unwrap();
    assert_eq!(before.elapsed(), Duration::from_secs(36_000));
    let mut exec = Box::pin(connection.ask("command/exec", json!({})));
    assert!(poll_once(&mut exec).await.is_pending());
    fake.always("ping").reply(json!({}));
    assert_eq!(connection.core().in_flight.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_leaves_nothing_and_its_late_answer_is_discarded() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("a").held_as("a");
    let mut call = Box::pin(connection.ask("a", json!({})));
    assert!(poll_once(&mut call).await.is_pending());
    fake.done().await;
    drop(call);
    connection.assert_idle_but_for(1);
    fake.then().reply_to("a", json!(1));
    // A repeated answer, one to nothing, and one with another kind of id.
    fake.then()
        .line(r#"{"id":1,"result":{}}"#)
        .line(r#"{"id":999,"result":{}}"#);
    fake.then()
        .line(r#"{"id":"x","error":{"code":1,"message":"m"}}"#);
    fake.expect("b").reply(json!(2));
    assert_eq!(connection.ask("b", json!({})).await.unwrap(), json!(2));
    connection.assert_idle();
}

/// Callers go away at whichever point they happen to be, while the server reads
/// a few bytes at a time: it still gets nothing but whole messages.
#[tokio::test(start_paused = true)]
async fn no_caller_that_goes_away_cuts_a_message() {
    let fake = FakeServer::new();
    fake.always("echo").reply(json!({}));
    let options = ConnectionOptions {
        max_in_flight: 8,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    fake.then().reads_slowly(1500, Duration::from_millis(1));
    let text = "x".repeat(2000);
    let answered = AtomicUsize::new(0);
    let calls = (0..400_u64).map(|number| {
        let (connection, text, answered) = (&connection, &text, &answered);
        async move {
            let call = connection.ask("echo", json!({"text": text}));
            // A spread that cuts some off in every stage.
            let patience = Duration::from_micros(number * number * 7 % 900_000);
            if let Ok(answer) = tokio::time::timeout(patience, call).await {
                answer.unwrap();
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        calls.retain_mut(|call| call.as_mut().poll(cx).is_pending());
        match calls.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    drop(calls);
    let answered = answered.into_inner();
    assert!((20..380).contains(&answered), "{answered}");
    connection.ask("echo", json!({})).await.unwrap();
    connection.assert_idle();
    // The fake parses every line, and fails on one that is no JSON.
    fake.assert_finished();
}

#[tokio::test]
async fn outside_of_a_runtime_there_is_an_error_and_no_panic() {
    let opened = std::thread::spawn(|| {
        let source = crate::transport::LineReader::new(tokio::io::empty(), 1000);
        let sink = crate::transport::LineWriter::new(tokio::io::sink());
        let options = ConnectionOptions::default();
        Connection::open(source, sink, options, Arc::new(Refuse))
            .err()
            .unwrap()
    });
    let error = opened.join().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_runtime_without_io_or_time_is_an_error_and_no_panic() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let neither = builder.build().unwrap();
    let only_time = builder.enable_time().build().unwrap();
    let mut runtimes = vec![neither];
    // Elsewhere pipes need no driver.
    if cfg!(unix) {
        runtimes.push(only_time);
    }
    for runtime in runtimes {
        let launch = crate::process::LaunchOptions::default();
        let options = ConnectionOptions::default();
        let error = runtime
            .block_on(async { Connection::spawn(&launch, options, Arc::new(Refuse)) })
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("time enabled"), "{error}");
    }
}
