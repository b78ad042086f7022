//! Reviews have two ids: the answer names one and `turn/started` another. Whoever holds the first
//! can stop them.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use openai_codex::types::{CustomReviewTarget, ReviewStartParams, TurnId, TurnStatus};
use openai_codex::{Codex, Thread, TurnHandle};
use openai_codex_testkit::{FakeServer, Gate, MockModel, Reply, TestRuntime};
use serde_json::{Value, json};

/// Far more than any of these takes.
const PATIENCE: Duration = Duration::from_secs(60);

const REFUSED: &str = "expected active turn id A but found B";

fn named(name: &str) -> Value {
    json!({"threadId": "t", "turnId": name})
}

fn turn(id: &str, status: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": id, "status": status, "items": []}})
}

async fn review(codex: &Codex, thread: &Thread) -> TurnId {
    let target = CustomReviewTarget::new("Look at it.");
    let params = ReviewStartParams::new(thread.id(), target.into());
    codex.call(params).await.unwrap().turn.id
}

async fn in_time<T>(waiting: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("nothing waits for ever")
}

/// A review on a scripted server, with `turn/started` of its other id or still without.
async fn reviewed(has_begun: bool) -> (FakeServer, Codex, Thread, TurnHandle) {
    let (fake, codex) = client::fake().await;
    fake.always("thread/turns/list")
        .reply(json!({"data": [{"id": "A", "status": "inProgress", "items": []}]}));
    fake.expect("thread/start")
        .reply(client::thread_response("t"));
    let mut answer = client::turn_response("A");
    answer["reviewThreadId"] = json!("t");
    let script = fake.expect("review/start").reply(answer);
    if has_begun {
        script
            .notify("turn/started", turn("B", "inProgress"))
            .notify("warning", json!({"threadId": "t", "message": "begun"}));
    }
    let thread = codex.thread_start().await.unwrap();
    let mut events = thread.events();
    let id = review(&codex, &thread).await;
    if has_begun {
        while events.next().await.unwrap().unwrap().method() != "warning" {}
    }
    let handle = thread.turn_handle(&id);
    (fake, codex, thread, handle)
}

fn interrupts(fake: &FakeServer) -> Vec<String> {
    let received = fake.received().into_iter();
    let interrupts = received.filter(|it| it["method"] == "turn/interrupt");
    interrupts
        .map(|it| it["params"]["turnId"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_a_review_interrupts_it_by_its_other_id() {
    for has_begun in [true, false] {
        let (fake, _codex, _thread, handle) = reviewed(has_begun).await;
        let script = fake
            .expect_params("turn/interrupt", named("A"))
            .error(-32600, REFUSED);
        if !has_begun {
            // The refusal may overtake it.
            script
                .waits(Duration::from_millis(120))
                .notify("turn/started", turn("B", "inProgress"));
        }
        fake.expect_params("turn/interrupt", named("B"))
            .reply(json!({}))
            .notify("turn/completed", turn("A", "interrupted"));
        in_time(handle.interrupt()).await.unwrap();
        let result = in_time(handle.run()).await.unwrap();
        assert_eq!(result.status, TurnStatus::Interrupted);
        assert_eq!(interrupts(&fake), ["A", "B"], "once each");
    }
}

#[tokio::test(start_paused = true)]
async fn the_handle_of_a_review_that_is_dropped_interrupts_it_by_its_other_id() {
    for has_begun in [true, false] {
        let (fake, _codex, thread, handle) = reviewed(has_begun).await;
        let mut events = thread.events();
        let script = fake
            .expect_params("turn/interrupt", named("A"))
            .error(-32600, REFUSED);
        if !has_begun {
            script.notify("turn/started", turn("B", "inProgress"));
        }
        fake.expect_params("turn/interrupt", named("B"))
            .reply(json!({}))
            .notify("turn/completed", turn("A", "interrupted"));
        drop(handle.interrupt_on_drop(true));
        in_time(async {
            while events.next().await.unwrap().unwrap().method() != "turn/completed" {}
        })
        .await;
        assert_eq!(interrupts(&fake), ["A", "B"], "once each");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_somebody_else_is_not_interrupted_instead() {
    // It is known by more than its start, or somebody here has it.
    for is_held in [false, true] {
        let (fake, _codex, thread, handle) = reviewed(true).await;
        let mut events = thread.events();
        let held = is_held.then(|| thread.turn_handle("B"));
        if !is_held {
            let item = json!({"type": "agentMessage", "id": "i", "text": "its own"});
            let params = json!({"threadId": "t", "turnId": "B", "item": item, "completedAtMs": 0});
            fake.then().notify("item/completed", params);
            events.next().await.unwrap().unwrap();
        }
        fake.expect_params("turn/interrupt", named("A"))
            .error(-32600, REFUSED);
        let error = in_time(handle.interrupt()).await.unwrap_err();
        assert!(error.to_string().contains("but found B"), "{error}");
        assert_eq!(interrupts(&fake), ["A"]);
        drop(held);
    }
}

#[tokio::test]
async fn a_review_of_the_real_runtime_is_stopped_by_its_handle() {
    for dropped in [false, true] {
        let model = MockModel::start().unwrap();
        let gate = Gate::new();
        model.respond(Reply::new().deltas(["I look"]).waits_for(&gate));
        let runtime = TestRuntime::new(&model).unwrap();
        let codex = client::connect(&runtime).await;
        let thread = codex.thread_start().await.unwrap();
        let id = review(&codex, &thread).await;
        let handle = thread.turn_handle(&id);
        let watching = thread.turn_handle(&id);
        in_time(gate.reached()).await;
        if dropped {
            drop(handle.interrupt_on_drop(true));
        } else {
            in_time(handle.interrupt()).await.unwrap();
        }
        let result = in_time(watching.run()).await.unwrap();
        assert_eq!(result.status, TurnStatus::Interrupted);
        assert_eq!(result.id, id);
        gate.open();
        // The thread is free for the next.
        model.say("next");
        let result = in_time(thread.run("and now?").send()).await.unwrap();
        assert_eq!(result.final_response.as_deref(), Some("next"));
        codex.close().await.unwrap();
    }
}
