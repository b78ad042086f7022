//! What holds as long as there is a handle or a stream of a turn, and what their ends do.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use client::Fake;
use futures_core::Stream;
use openai_codex::types::{ThreadUnsubscribeParams, TurnStatus};
use openai_codex::{ApprovalMode, Codex, Decision, ErrorKind, Handlers, TurnStream};
use openai_codex_testkit::{FakeServer, Gate, MockModel, Reply, TestRuntime};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long the turns of these tests may take.
const LIMIT: Duration = Duration::from_secs(100);

fn turn(status: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": "u", "status": status, "items": []}})
}

/// The methods up to the end, and the error that was the last item, if one was.
async fn read(events: &mut TurnStream) -> (Vec<String>, Option<openai_codex::Error>) {
    let mut methods = Vec::new();
    while let Some(event) = events.next().await {
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

#[tokio::test]
async fn a_stream_alone_keeps_the_handlers() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    let reply = Reply::new().waits_for(&gate);
    model.respond(reply.shell_escalated("touch approved", "May I?"));
    model.say("done");
    let runtime = TestRuntime::new(&model).unwrap();
    let handlers = Handlers::new().command_approval(|_, _| async { Decision::Accept });
    let codex = client::builder(&runtime).handlers(handlers).await.unwrap();
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let mut events = {
        let thread = thread.await.unwrap();
        thread.turn("Do it.").await.unwrap().stream()
    };
    drop(codex);
    gate.open();
    let (methods, error) = read(&mut events).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(methods.last().unwrap(), "turn/completed");
    assert!(runtime.workspace().join("approved").exists());
}

/// Threads that nobody holds are forgotten, with their handlers, once there are many others.
#[tokio::test]
async fn a_stream_alone_keeps_the_handlers_of_its_thread_among_many_others() {
    const OTHERS: usize = 1500;
    let (fake, codex) = client::fake().await;
    let deciding = |decision: Decision| {
        Handlers::new().command_approval(move |_, _| {
            let decision = decision.clone();
            async move { decision }
        })
    };
    fake.expect("thread/start")
        .reply(client::thread_response("t"));
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify("turn/started", turn("inProgress"));
    let mut events = {
        let thread = codex.thread_start().handlers(deciding(Decision::Accept));
        let turn = thread.await.unwrap().turn("hi").await.unwrap();
        turn.stream()
    };
    for other in 0..OTHERS {
        fake.expect("thread/start")
            .reply(client::thread_response(&other.to_string()));
        let thread = codex.thread_start().handlers(deciding(Decision::Decline));
        thread.await.unwrap();
    }
    drop(codex);
    let command = json!({
        "threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0, "command": "ls",
    });
    fake.then()
        .ask("q", "item/commandExecution/requestApproval", command);
    fake.expect_answer("q")
        .notify("turn/completed", turn("completed"));
    assert!(read(&mut events).await.1.is_none());
    let answer = fake.received().pop().unwrap();
    assert_eq!(answer["result"]["decision"], "accept", "{answer}");
}

/// A turn that runs until it is interrupted, if it can be.
fn endless(can_be_interrupted: bool) -> FakeServer {
    let fake = FakeServer::new();
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify("turn/started", turn("inProgress"));
    let interrupt = fake.expect("turn/interrupt");
    if can_be_interrupted {
        interrupt
            .reply(json!({}))
            .notify("turn/completed", turn("interrupted"));
    }
    fake
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_the_timeout_of_its_turn() {
    for (can_be_interrupted, expected, elapsed) in [
        (true, &["turn/started", "turn/completed"][..], 100),
        (false, &["turn/started"], 105),
    ] {
        let fake = endless(can_be_interrupted);
        let codex = Codex::builder().fake(&fake).await;
        let begun = Instant::now();
        let handle = codex.thread("t").turn("hi").timeout(LIMIT).await.unwrap();
        let mut events = handle.stream();
        drop(handle);
        let (methods, error) = read(&mut events).await;
        assert_eq!(methods, expected);
        let error = error.unwrap();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(error.turn_result().unwrap().id, "u");
        assert_eq!(begun.elapsed().as_secs(), elapsed);
        fake.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_whose_time_is_over_has_one_result_however_often_it_is_asked_for() {
    let fake = endless(true);
    let codex = Codex::builder().fake(&fake).await;
    let handle = codex.thread("t").turn("hi").timeout(LIMIT).await.unwrap();
    let mut before = handle.stream();
    for _ in 0..2 {
        let error = handle.run().await.unwrap_err();
        assert!(error.is_timeout() && error.is_interrupted(), "{error:?}");
    }
    assert!(read(&mut before).await.1.unwrap().is_timeout());
    assert!(read(&mut handle.stream()).await.1.unwrap().is_timeout());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_ended_in_time_did_so_whenever_it_is_asked_for() {
    let fake = FakeServer::new();
    let codex = Codex::builder().fake(&fake).await;
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify("turn/started", turn("inProgress"))
        .notify("turn/completed", turn("completed"));
    let handle = codex.thread("t").turn("hi").timeout(LIMIT).await.unwrap();
    tokio::time::sleep(2 * LIMIT).await;
    assert_eq!(handle.run().await.unwrap().status, TurnStatus::Completed);
    assert!(read(&mut handle.stream()).await.1.is_none());
}

#[tokio::test]
async fn an_attached_handle_interrupts_on_drop_where_it_shall() {
    let (fake, codex) = client::fake().await;
    let handle = codex.thread("t").turn_handle("u");
    // Its beginning was not heard, so that it is somebody else's.
    let item = json!({"threadId": "t", "turnId": "u", "itemId": "i", "delta": "hi"});
    fake.then().notify("item/agentMessage/delta", item);
    fake.always("thread/turns/list");
    handle.stream().next().await.unwrap().unwrap();
    fake.expect_params("turn/interrupt", json!({"threadId": "t", "turnId": "u"}))
        .reply(json!({}));
    drop(handle.interrupt_on_drop(true));
    fake.done().await;
}

#[tokio::test]
async fn a_run_that_is_not_told_of_any_more_leaves_its_turn_alone() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["one"]).waits_for(&gate).deltas([" more"]);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let unsubscribe = async {
        gate.reached().await;
        let params = ThreadUnsubscribeParams::new(thread.id());
        codex.call(params).await.unwrap();
    };
    let (run, ()) = tokio::join!(thread.run("hi").send(), unsubscribe);
    let error = run.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.to_string().contains("ask again"), "{error}");
    let attached = thread.turn_handle(error.turn_result().unwrap().id.clone());
    let asked = async {
        // The server has answered since the run ended, so an interrupt would be done.
        thread.read(false).await.unwrap();
        gate.open();
    };
    let (result, ()) = tokio::join!(attached.run(), asked);
    let result = result.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.final_response.as_deref(), Some("one more"));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_is_done_when_the_server_says_that_the_turn_is_over() {
    let (fake, codex) = client::fake().await;
    fake.always("thread/turns/list")
        .reply(json!({"data": [turn("completed")["turn"]], "nextCursor": null}));
    // It is not answered, as 0.163.0 does for a turn that is over.
    fake.always("turn/interrupt");
    let begun = Instant::now();
    let handle = codex.thread("t").turn_handle("u");
    handle.interrupt().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[test]
fn a_stream_may_be_polled_outside_of_any_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (fake, mut events) = runtime.block_on(async {
        let (fake, codex) = client::fake().await;
        fake.expect("turn/start").reply(client::turn_response("u"));
        let handle = codex.thread("t").turn("hi").timeout(LIMIT).await.unwrap();
        (fake, handle.stream())
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut events).poll_next(&mut cx).is_pending());
    fake.hang_up();
    runtime.block_on(async {
        assert!(read(&mut events).await.1.unwrap().is_closed());
    });
}
