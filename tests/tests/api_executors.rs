//! The async client outside of the tokio runtime that it was made in: under another
//! executor, in another runtime, and after its own has ended.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::Duration;

use openai_codex::{ErrorKind, RetryPolicy, TurnStatus, retry_on_overload};
use openai_codex_testkit::{Gate, MockModel};
use tokio::runtime::{Builder, Runtime};

/// An executor that knows nothing of tokio.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn everything_can_be_awaited_outside_of_any_runtime() {
    let model = MockModel::start().unwrap();
    let tokio = Runtime::new().unwrap();
    let (_runtime, codex) = tokio.block_on(client::start(&model));
    let gate = Gate::new();
    let endless = model.when_user_says("endless").deltas(["a", "b"]);
    endless.waits_for(&gate).every_time();
    model.when_user_says("hi").deltas(["a", "b"]).every_time();
    model.when_user_says("busy").overloaded();
    block_on(async {
        let thread = codex.thread_start().await.unwrap();
        let result = thread.run("hi").await.unwrap();
        assert_eq!(result.final_response.as_deref(), Some("ab"));
        let turn = thread.turn("hi").await.unwrap();
        let mut text = String::new();
        let mut events = turn.stream();
        while let Some(event) = events.next().await {
            text.push_str(event.unwrap().text_delta().unwrap_or_default());
        }
        assert_eq!(text, "ab");
        assert_eq!(turn.run().await.unwrap().status, TurnStatus::Completed);

        let run = thread.run("endless").timeout(Duration::from_millis(100));
        assert_eq!(run.await.unwrap_err().kind(), ErrorKind::Timeout);
        let turn = thread.turn("endless").await.unwrap();
        turn.interrupt().await.unwrap();
        assert_eq!(turn.run().await.unwrap().status, TurnStatus::Interrupted);
        // One of a turn that is over asks the server.
        let turn = thread.turn_handle(turn.id().clone());
        turn.interrupt().await.unwrap();
        assert_eq!(turn.run().await.unwrap().status, TurnStatus::Interrupted);

        // It could not pause here, so it tries once.
        let again = || async { thread.run("busy").await };
        let tried = retry_on_overload(RetryPolicy::new(), again).await;
        assert!(tried.unwrap_err().is_overloaded());
        let mut threads = codex.thread_list().stream();
        assert_eq!(threads.next().await.unwrap().unwrap().id, *thread.id());
        assert!(!codex.models().await.unwrap().is_empty());
        gate.open();
        codex.close().await.unwrap();
        assert!(codex.closed().await.is_closed());
    });
}

#[test]
fn a_client_outlives_the_runtime_that_awaits_it_and_not_the_one_that_it_was_made_in() {
    let model = MockModel::start().unwrap();
    model.say("hello");
    let tokio = Runtime::new().unwrap();
    let (_runtime, codex) = tokio.block_on(client::start(&model));
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    let thread = other.block_on(async {
        let thread = codex.thread_start().await.unwrap();
        thread.run("hi").await.unwrap();
        thread
    });
    drop(other);
    assert!(block_on(thread.read(false)).is_ok());
    drop(tokio);
    let other = Builder::new_current_thread().enable_all().build().unwrap();
    for error in [
        other
            .block_on(async { thread.run("hi").await })
            .unwrap_err(),
        block_on(async { thread.run("hi").await }).unwrap_err(),
    ] {
        assert!(error.is_closed());
        assert!(error.to_string().contains("tokio runtime"), "{error}");
    }
}
