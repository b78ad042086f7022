use std::time::Duration;

use openai_codex_wire::ThreadId;

use super::*;
use crate::error::ErrorKind;
use crate::transport::{FrameSource, SourceError};

/// Everything that can wait, waits; then the server hangs up.
#[tokio::test(start_paused = true)]
async fn every_current_and_later_wait_ends_with_the_first_reason() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    let params = raw(json!({}));
    let thread = ThreadId::from("t");
    let start = || connection.start_turn(&thread, &params, true, FOREVER);
    let turn = start().await.unwrap().turn;
    let login = connection.login(&"l".into());
    let mut streams = [
        turn.subscribe(),
        connection.thread_events(&"t".into()),
        connection.events(),
    ];
    // The interrupt passes by what was asked before it.
    for method in ["turn/interrupt", "call", "turn/start"] {
        fake.expect(method);
    }
    fake.then().line("not json").exits(1);

    let (call, started, interrupted, completed, logged_in, closed) = tokio::join!(
        connection.ask("call", json!({})),
        start(),
        connection.interrupt(&thread, turn.id(), FOREVER),
        turn.completed(),
        login.completed(),
        connection.closed(),
    );
    let reason = "the server closed the connection";
    let errors = [
        call.unwrap_err(),
        started.unwrap_err(),
        interrupted.unwrap_err(),
        completed.unwrap_err(),
        logged_in.unwrap_err(),
        closed,
    ];
    for error in errors {
        assert!(error.is_closed(), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    for stream in &mut streams {
        let (_, error) = rest(stream).await;
        assert!(error.unwrap().is_closed());
        assert!(stream.next().await.is_none());
    }

    // Nor does a second reason replace the first.
    connection.close().await.unwrap();
    let later = [
        connection.ask("call", json!({})).await.unwrap_err(),
        start().await.unwrap_err(),
        connection
            .interrupt(&thread, turn.id(), FOREVER)
            .await
            .unwrap_err(),
        turn.completed().await.unwrap_err(),
        connection
            .attach_turn(&thread, &"v".into())
            .0
            .completed()
            .await
            .unwrap_err(),
        login.completed().await.unwrap_err(),
        connection.login(&"m".into()).completed().await.unwrap_err(),
        connection.notify("n", None).await.unwrap_err(),
        rest(&mut turn.subscribe()).await.1.unwrap(),
        rest(&mut connection.attach_turn(&thread, &"w".into()).0.subscribe())
            .await
            .1
            .unwrap(),
        rest(&mut connection.events()).await.1.unwrap(),
        rest(&mut connection.thread_events(&thread))
            .await
            .1
            .unwrap(),
        connection.closed().await,
        connection.failure().unwrap(),
    ];
    for error in later {
        assert!(error.to_string().contains(reason), "{error}");
    }
    drop((turn, login, streams));
    connection.state(|state| {
        assert_eq!(state.pending.len(), 0);
        assert_eq!(state.router.entries(), 0, "{:?}", state.router);
    });
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_completed_before_the_failure_keeps_its_result() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}))
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u"}}),
        )
        .exits(0);
    let params = raw(json!({}));
    let started = connection
        .start_turn(&"t".into(), &params, true, FOREVER)
        .await;
    let turn = started.unwrap().turn;
    assert!(connection.closed().await.is_closed());
    assert!(turn.completed().await.is_ok());
    let (methods, error) = rest(&mut turn.subscribe()).await;
    assert_eq!(methods, ["turn/completed"]);
    assert!(error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_line_over_the_limit_ends_the_connection_with_that_reason() {
    let fake = FakeServer::new();
    let options = ConnectionOptions {
        max_line: 10_000,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, Refuse).await;
    fake.then().bytes("x".repeat(30_000));
    let error = connection.closed().await;
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(
        error.to_string().contains("longer than 10000 bytes"),
        "{error}"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_clone_ends_the_connection() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let clone = connection.clone();
    let mut events = clone.events();
    drop(connection);
    assert!(clone.failure().is_none());
    drop(clone);
    let error = rest(&mut events).await.1.unwrap();
    assert!(error.to_string().contains("last handle"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn closing_writes_what_is_queued_and_returns_even_if_nobody_reads() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("last");
    connection.notify("last", None).await.unwrap();
    connection.close().await.unwrap();
    fake.done().await;

    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.then().hangs();
    settle().await;
    for _ in 0..20 {
        let long = raw(json!("x".repeat(20_000)));
        connection.notify("long", Some(&long)).await.unwrap();
    }
    let before = tokio::time::Instant::now();
    let (a, b) = tokio::join!(connection.close(), connection.close());
    a.and(b).unwrap();
    assert!(
        before.elapsed() <= Duration::from_secs(1),
        "{:?}",
        before.elapsed()
    );
}

#[test]
fn when_its_runtime_is_shut_down_whoever_waits_elsewhere_is_told() {
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let fake = FakeServer::new();
    let connection = runtime.block_on(connect(&fake));
    let waiting = std::thread::spawn({
        let connection = connection.clone();
        move || other.block_on(connection.closed())
    });
    runtime.shutdown_background();
    let error = waiting.join().unwrap();
    assert!(
        error
            .to_string()
            .contains("runtime that drove the connection"),
        "{error}"
    );
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = other
        .block_on(connection.ask("call", json!({})))
        .unwrap_err();
    assert!(error.is_closed());
    other.block_on(connection.close()).unwrap();
}

#[tokio::test]
async fn a_read_that_fails_says_how() {
    struct Broken;
    impl FrameSource for Broken {
        async fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
            Err(SourceError::Io(std::io::Error::other("the cable is cut")))
        }
    }
    let sink = crate::transport::LineWriter::new(tokio::io::sink());
    let options = ConnectionOptions::default();
    let connection = Connection::open(Broken, sink, options, Arc::new(Refuse)).unwrap();
    let error = connection.closed().await;
    assert_eq!(
        error.to_string(),
        "reading from the server failed: the cable is cut"
    );
    let source = std::error::Error::source(&error).expect("the reason is kept");
    assert_eq!(source.to_string(), "the cable is cut");
}

/// However often it is said that there is an end, the signs of it have room.
#[tokio::test(start_paused = true)]
async fn closing_again_and_again_does_not_delay_the_end() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let mut closing: Vec<_> = (0..20).map(|_| Box::pin(connection.close())).collect();
    let before = tokio::time::Instant::now();
    for close in &mut closing {
        assert!(poll_once(close).await.is_pending());
    }
    for close in closing {
        close.await.unwrap();
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}
