use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::{Cancelled, Reply, ServerCall};

/// A dispatcher from a closure.
struct With<F>(F);

impl<F, Fut> Dispatcher for With<F>
where
    F: Fn(ServerCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    fn dispatch(&self, call: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin((self.0)(call))
    }
}

async fn connect_handling<F, Fut>(fake: &FakeServer, handle: F) -> Connection
where
    F: Fn(ServerCall) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    connect_with(fake, ConnectionOptions::default(), With(handle)).await
}

#[tokio::test]
async fn without_a_handler_nothing_is_granted_and_everything_is_answered() {
    let fake = FakeServer::new();
    let _connection = connect(&fake).await;
    let declined = json!({"decision": "decline"});
    for (method, expected) in [
        ("item/commandExecution/requestApproval", declined.clone()),
        ("item/fileChange/requestApproval", declined),
        (
            "item/permissions/requestApproval",
            json!({"permissions": {}, "scope": "turn"}),
        ),
        (
            "mcpServer/elicitation/request",
            json!({"action": "decline"}),
        ),
    ] {
        fake.then().ask(0, method, json!({"threadId": "t"}));
        fake.expect_answer(0);
        fake.done().await;
        assert_eq!(
            fake.received().last().unwrap()["result"],
            expected,
            "{method}"
        );
    }
    for method in ["item/tool/call", "currentTime/read", "from/the/future"] {
        fake.then().ask("a", method, json!({}));
        fake.expect_answer("a");
        fake.done().await;
        let answer = fake.received().pop().unwrap();
        assert_eq!(answer["error"]["code"], -32601, "{method}");
        assert!(answer.get("result").is_none());
    }
    fake.then().ask("b", "applyPatchApproval", json!({}));
    fake.expect_answer("b");
    fake.done().await;
    let answer = fake.received().pop().unwrap();
    assert!(answer["result"]["decision"]["denied"]["rejection"].is_string());
}

/// The server's ids are its own: the same number may be in use on both sides.
#[tokio::test]
async fn a_request_with_an_id_of_ours_is_no_answer_to_us() {
    let fake = FakeServer::new();
    let connection = connect_handling(&fake, async |call: ServerCall| {
        Ok(raw(
            json!({"method": &*call.method, "thread": call.thread.as_deref()}),
        ))
    })
    .await;
    fake.expect("call").held_as("call");
    let mut call = Box::pin(connection.ask("call", json!({})));
    assert!(poll_once(&mut call).await.is_pending());
    let id = fake.wait_for("call", 1).await["id"].clone();
    fake.then()
        .ask(id.clone(), "question", json!({"threadId": "t"}));
    fake.expect_answer(id);
    fake.done().await;
    let answer = fake.received().pop().unwrap();
    assert_eq!(
        answer["result"],
        json!({"method": "question", "thread": "t"})
    );
    fake.then().reply_to("call", json!("mine"));
    assert_eq!(call.await.unwrap(), "mine");
}

#[tokio::test]
async fn a_handler_may_call_back_while_every_request_is_in_flight() {
    let fake = FakeServer::new();
    let slot: Arc<Mutex<Option<Connection>>> = Arc::default();
    let handle = {
        let slot = Arc::clone(&slot);
        move |_| {
            let connection = slot.lock().unwrap().take().unwrap();
            async move {
                let answer = connection.ask("back", json!({})).await.unwrap();
                Ok(raw(answer))
            }
        }
    };
    let options = ConnectionOptions {
        max_in_flight: 2,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(&fake, options, With(handle)).await;
    *slot.lock().unwrap() = Some(connection.clone());
    fake.expect("call")
        .held_as("call")
        .ask(0, "question", json!({}));
    fake.expect("back").reply(json!("back"));
    fake.expect_answer(0).reply_to("call", json!("done"));
    assert_eq!(connection.ask("call", json!({})).await.unwrap(), "done");
}

#[tokio::test]
async fn a_handler_that_panics_or_fails_is_an_error_to_the_server() {
    let fake = FakeServer::new();
    let connection = connect_handling(&fake, async |call: ServerCall| {
        assert_eq!(
            &*call.method, "polite",
            "a handler panics, as it should in this test"
        );
        Err(crate::error::RpcError::parse(
            r#"{"code":5,"message":"no \"way\"","data":[1]}"#,
        ))
    })
    .await;
    fake.then()
        .ask(0, "rude", json!({}))
        .ask(1, "polite", json!({}));
    fake.wait_for("initialized", 1).await;
    fake.expect_answer(0);
    fake.expect_answer(1);
    fake.done().await;
    let answers = fake.received();
    let [.., rude, polite] = &answers[..] else {
        panic!()
    };
    assert_eq!(rude["error"]["code"], -32603);
    assert_eq!(
        polite["error"],
        json!({"code": 5, "message": "no \"way\"", "data": [1]})
    );
    assert!(connection.failure().is_none());
    connection.assert_idle();
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_not_taken_for_that_to_a_later_request_with_the_same_id() {
    let fake = FakeServer::new();
    let (tx, mut calls) = mpsc::unbounded_channel();
    let _connection = connect_handling(&fake, move |_call| {
        let (answer, answered) = oneshot::channel();
        tx.send(answer).unwrap();
        async move { Ok(raw(answered.await.unwrap())) }
    })
    .await;
    fake.then().ask("q", "allow", json!({}));
    let first = calls.recv().await.unwrap();
    fake.then().ask("q", "allow", json!({}));
    let second = calls.recv().await.unwrap();
    first.send(json!("first")).unwrap();
    settle().await;
    fake.expect_answer("q");
    second.send(json!("second")).unwrap();
    fake.done().await;
    let answers = fake.received();
    let answers = answers.iter().filter_map(|message| message.get("result"));
    assert_eq!(answers.collect::<Vec<_>>(), ["second"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_has_time_to_clean_up_when_its_request_is_withdrawn() {
    let fake = FakeServer::new();
    let (tx, mut cleaned) = mpsc::unbounded_channel();
    let _connection = connect_handling(&fake, move |call| {
        let tx = tx.clone();
        async move {
            call.cancelled.cancelled().await;
            tokio::time::sleep(Duration::from_secs(4)).await;
            tx.send(()).unwrap();
            Ok(raw(json!({})))
        }
    })
    .await;
    fake.then()
        .ask(0, "q", json!({"threadId": "t", "turnId": "u"}));
    let ended = json!({"threadId": "t", "turn": {"id": "u"}});
    fake.then().notify("turn/completed", ended);
    let cleaned = tokio::time::timeout(Duration::from_secs(10), cleaned.recv()).await;
    assert_eq!(cleaned, Ok(Some(())));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_turn_withdraws_nothing_of_another_thread() {
    let fake = FakeServer::new();
    let (handle, mut calls) = pending_calls();
    let _connection = connect_handling(&fake, handle).await;
    for thread in ["t", "s"] {
        let params = json!({"threadId": thread, "turnId": "u"});
        fake.then().ask(thread, "q", params);
    }
    let (of_t, of_s) = (calls.recv().await.unwrap(), calls.recv().await.unwrap());
    let ended = json!({"threadId": "t", "turn": {"id": "u"}});
    fake.then().notify("turn/completed", ended);
    of_t.0.cancelled().await;
    settle().await;
    assert!(!of_s.0.is_cancelled());
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_was_given() {
    let fake = FakeServer::new();
    let (tx, mut signals) = mpsc::unbounded_channel();
    let connection = connect_handling(&fake, move |call: ServerCall| {
        tx.send(call.cancelled).unwrap();
        std::future::ready(Ok(raw(json!({}))))
    })
    .await;
    fake.then().ask("a", "q", json!({}));
    fake.expect_answer("a");
    fake.done().await;
    let answered = signals.recv().await.unwrap();
    answered.cancelled().await;
    assert!(answered.is_cancelled());
    connection.close().await.unwrap();
}

/// Calls that never answer, with their signals.
fn pending_calls() -> (
    impl Fn(ServerCall) -> std::future::Pending<Reply> + Send + Sync,
    mpsc::UnboundedReceiver<(Cancelled, String)>,
) {
    let (tx, rx) = mpsc::unbounded_channel();
    let handle = move |call: ServerCall| {
        tx.send((call.cancelled, call.id.to_string())).unwrap();
        std::future::pending()
    };
    (handle, rx)
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_when_its_answer_is_not_wanted_any_more() {
    let fake = FakeServer::new();
    let (handle, mut calls) = pending_calls();
    let connection = connect_handling(&fake, handle).await;
    let params = |turn: &str| json!({"threadId": "t", "turnId": turn});
    fake.then()
        .ask("resolved", "q", params("u"))
        .ask("ended", "q", params("v"))
        .ask("closed", "q", params("w"))
        .ask("closed", "q", params("w"));
    let mut next = async || calls.recv().await.unwrap().0;
    let [resolved, ended, replaced, closed] =
        [next().await, next().await, next().await, next().await];
    // The same id again takes the place of the first.
    replaced.cancelled().await;

    assert!(!resolved.is_cancelled());
    fake.then().notify(
        "serverRequest/resolved",
        json!({"threadId": "t", "requestId": "resolved"}),
    );
    resolved.cancelled().await;
    assert!(!ended.is_cancelled());
    fake.then().notify(
        "turn/completed",
        json!({"threadId": "t", "turn": {"id": "v"}}),
    );
    ended.cancelled().await;
    assert!(!closed.is_cancelled());
    connection.state(|state| assert_eq!(state.server_requests.len(), 1));
    // Handlers that go on all the same are dropped after a while.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(fake.received().len(), 2, "no answer to what was withdrawn");
    connection.close().await.unwrap();
    closed.cancelled().await;
    connection.state(|state| assert_eq!(state.server_requests.len(), 0));
    // The tasks are gone, and with them the dispatcher and its end of the channel.
    drop(connection);
    assert!(calls.recv().await.is_none());
}

#[tokio::test]
async fn more_requests_than_can_be_handled_are_refused() {
    let fake = FakeServer::new();
    let (handle, mut calls) = pending_calls();
    let options = ConnectionOptions {
        max_handlers: 2,
        ..ConnectionOptions::default()
    };
    let _connection = connect_with(&fake, options, With(handle)).await;
    let method = "item/fileChange/requestApproval";
    fake.then()
        .ask(0, method, json!({}))
        .ask(1, method, json!({}))
        .ask(2, method, json!({}));
    fake.expect_answer(2);
    fake.done().await;
    assert_eq!(
        fake.received().last().unwrap()["result"]["decision"],
        "decline"
    );
    assert_eq!(calls.recv().await.unwrap().1, "0");
    assert_eq!(calls.recv().await.unwrap().1, "1");
}

#[tokio::test]
async fn a_handler_that_goes_on_after_its_request_was_withdrawn_still_counts() {
    let fake = FakeServer::new();
    let (handle, mut calls) = pending_calls();
    let options = ConnectionOptions {
        max_handlers: 1,
        ..ConnectionOptions::default()
    };
    let _connection = connect_with(&fake, options, With(handle)).await;
    let method = "item/fileChange/requestApproval";
    fake.then().ask(0, method, json!({})).notify(
        "serverRequest/resolved",
        json!({"threadId": "t", "requestId": 0}),
    );
    fake.then().ask(1, method, json!({}));
    fake.expect_answer(1);
    fake.done().await;
    assert_eq!(calls.recv().await.unwrap().1, "0");
    assert!(calls.try_recv().is_err(), "only one handler was started");
}

/// A waker runs code that is not ours.
#[tokio::test]
async fn nobody_is_woken_under_the_lock() {
    struct Looks(Connection, Mutex<Vec<bool>>);
    impl std::task::Wake for Looks {
        fn wake(self: Arc<Self>) {
            let locked = self.0.core().is_locked();
            self.1.lock().unwrap().push(locked);
        }
    }
    let fake = FakeServer::new();
    let (handle, mut calls) = pending_calls();
    let connection = connect_handling(&fake, handle).await;
    let looks = Arc::new(Looks(connection.clone(), Mutex::default()));
    let waker = std::task::Waker::from(Arc::clone(&looks));
    let mut cx = std::task::Context::from_waker(&waker);

    fake.then()
        .ask("resolved", "q", json!({"threadId": "t", "turnId": "u"}))
        .ask("ended", "q", json!({"threadId": "t", "turnId": "u"}))
        .ask("replaced", "q", json!({"threadId": "t", "turnId": "u"}))
        .ask("closed", "q", json!({}));
    let mut waits = Vec::new();
    for _ in 0..4 {
        let (cancelled, _) = calls.recv().await.unwrap();
        let mut wait = Box::pin(async move { cancelled.cancelled().await });
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        waits.push(wait);
    }
    let (turn, _) = connection.attach_turn(&"t".into(), &"u".into());
    let mut completed = Box::pin(turn.completed());
    assert!(completed.as_mut().poll(&mut cx).is_pending());
    let mut events = turn.subscribe();
    assert!(events.poll_item(&mut cx).is_pending());

    fake.then()
        .notify(
            "serverRequest/resolved",
            json!({"threadId": "t", "requestId": "resolved"}),
        )
        .ask("replaced", "q", json!({}))
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u"}}),
        );
    fake.done().await;
    connection.close().await.unwrap();
    let looked = looks.1.lock().unwrap();
    assert!(looked.len() >= 6, "{looked:?}");
    assert!(!looked.contains(&true), "{looked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_and_never_reads_is_given_up() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    // The script goes on writing and does not come to read the answers.
    for id in 0..6000 {
        fake.then().ask(id, "question", json!({}));
    }
    fake.then().hangs();
    let error = connection.closed().await;
    assert!(error.to_string().contains("does not read"), "{error}");
    connection.state(|state| assert_eq!(state.server_requests.len(), 0));
}

#[tokio::test]
async fn params_that_are_no_json_inside_are_answered_with_an_error() {
    let fake = FakeServer::new();
    let _connection = connect(&fake).await;
    fake.then()
        .line(r#"{"id":3,"method":"q","params":{"a":[tru]}}"#);
    fake.expect_answer(3);
    fake.done().await;
    assert_eq!(fake.received().pop().unwrap()["error"]["code"], -32602);
}
