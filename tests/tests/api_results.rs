//! What a turn comes to: phases, partial results, joined and attached turns.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::time::Duration;

use openai_codex::types::{CodexErrorInfo, ThreadItem};
use openai_codex::{Codex, ErrorKind, TurnStatus};
use openai_codex_testkit::{Gate, MockModel, Reply, TestRuntime};
use serde_json::json;

async fn final_response(reply: Reply) -> Option<String> {
    let model = MockModel::start().unwrap();
    model.respond(reply);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap().final_response
}

#[tokio::test]
async fn the_last_message_without_a_phase_is_the_final_response() {
    let reply = Reply::new().say("first").say("last");
    assert_eq!(final_response(reply).await.as_deref(), Some("last"));
}

#[tokio::test]
async fn an_empty_last_message_is_kept() {
    let reply = Reply::new().say("first").say("");
    assert_eq!(final_response(reply).await.as_deref(), Some(""));
}

#[tokio::test]
async fn commentary_alone_is_no_final_response() {
    let reply = Reply::new().commentary("thinking aloud");
    assert_eq!(final_response(reply).await, None);
}

#[tokio::test]
async fn a_final_answer_wins_over_what_follows_it() {
    let reply = Reply::new()
        .final_answer("the answer")
        .say("an aside")
        .commentary("and more");
    assert_eq!(final_response(reply).await.as_deref(), Some("the answer"));
}

#[tokio::test]
async fn each_failure_of_the_model_has_its_reason() {
    for (reply, reason, overloaded) in [
        (
            Reply::new().fails(500),
            CodexErrorInfo::InternalServerError,
            false,
        ),
        (
            Reply::new().overloaded(),
            CodexErrorInfo::ServerOverloaded,
            true,
        ),
        (
            Reply::new().usage_limit_reached(),
            CodexErrorInfo::UsageLimitExceeded,
            false,
        ),
        (
            Reply::new().context_length_exceeded(),
            CodexErrorInfo::ContextWindowExceeded,
            false,
        ),
    ] {
        let model = MockModel::start().unwrap();
        model.respond(Reply::new().shell("echo before"));
        model.respond(reply);
        let (_runtime, codex) = client::start(&model).await;
        let thread = codex.thread_start().await.unwrap();
        let turn = thread.turn("hi").await.unwrap();
        let error = turn.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Turn);
        assert_eq!(error.codex_error_info(), Some(&reason));
        assert_eq!(error.is_overloaded(), overloaded, "{reason:?}");
        assert!(
            error.to_string().starts_with("the turn failed: "),
            "{error}"
        );
        let partial = error.turn_result().unwrap();
        assert_eq!(partial.status, TurnStatus::Failed);
        assert!(partial.usage.is_some() && partial.items.len() >= 2);
        // Every handle of the turn is told, now and later.
        let again = turn.run().await.unwrap_err();
        assert_eq!(again.turn_result(), Some(partial));
        // Twice where the runtime compacts first.
        model.when(|_| true).say("fine").every_time();
        let next = thread.run("again").await;
        assert!(
            next.is_ok(),
            "the thread goes on after {reason:?}: {next:?}"
        );
    }
}

/// A client whose runtime can be killed: `exec` keeps the shell's process id.
#[cfg(unix)]
async fn mortal(model: &MockModel) -> (TestRuntime, Codex, u32) {
    let runtime = TestRuntime::new(model).unwrap();
    let pid_file = runtime.workspace().join("pid");
    let script = format!(
        "echo $$ > '{}'; exec '{}' app-server --listen stdio://",
        pid_file.display(),
        runtime.binary().display()
    );
    let codex = Codex::builder()
        .launch_command(["sh", "-c", &script])
        .cwd(runtime.workspace())
        .envs(runtime.env())
        .await
        .unwrap();
    let pid = std::fs::read_to_string(pid_file).unwrap();
    (runtime, codex, pid.trim().parse().unwrap())
}

#[cfg(unix)]
fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_runtime_breaks_the_turn_and_leaves_what_there_is() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.shell("echo before").usage(5, 0, 3, 0);
    model.deltas(["half a "]).waits_for(&gate).deltas(["word"]);
    let (runtime, codex, pid) = mortal(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    let mut events = turn.stream();
    gate.reached().await;
    kill(pid);

    let error = turn.run().await.unwrap_err();
    assert!(error.is_closed(), "{error:?}");
    let partial = error.turn_result().unwrap();
    assert_eq!(partial.status, TurnStatus::InProgress);
    assert!(
        partial
            .items
            .iter()
            .any(|item| matches!(item, ThreadItem::CommandExecution(_)))
    );
    assert_eq!(partial.usage.as_ref().unwrap().last.input_tokens, 5);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    assert!(last.unwrap().unwrap_err().is_closed(), "never a silent end");
    // Whoever comes later is told the same, at once.
    assert!(codex.account().await.unwrap_err().is_closed());
    assert!(thread.turn("more").await.unwrap_err().is_closed());
    assert!(codex.closed().await.is_closed());

    // A new process finds the turn interrupted.
    let again = client::connect(&runtime).await;
    let resumed = again
        .thread_resume(thread.id())
        .include_turns(true)
        .await
        .unwrap();
    let turns = &resumed.info().unwrap().thread.turns;
    assert_eq!(turns[0].status, TurnStatus::Interrupted);
}

#[tokio::test]
async fn the_result_of_a_joined_turn_is_complete() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.shell("echo before");
    model.deltas(["one"]).waits_for(&gate);
    model.say("two");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let first = thread.turn("first").await.unwrap();
    gate.reached().await;
    let second = thread.turn("second").await.unwrap();
    assert_eq!(first.id(), second.id());
    gate.open();
    let (one, two) = (first.run().await.unwrap(), second.run().await.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.final_response.as_deref(), Some("two"));
    assert!(
        two.items
            .iter()
            .any(|item| matches!(item, ThreadItem::CommandExecution(_)))
    );
}

#[tokio::test]
async fn a_handle_on_a_running_turn_sees_its_end_and_all_its_items() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.shell("echo before");
    model.deltas(["one"]).waits_for(&gate).deltas([" more"]);
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("first").await.unwrap();
    let id = turn.id().clone();
    let mut events = turn.stream();
    while events.next().await.unwrap().unwrap().text_delta() != Some("one") {}
    drop((events, turn));

    let attached = codex.thread(thread.id()).turn_handle(&id);
    let mut events = attached.stream();
    gate.open();
    let mut text = String::new();
    while let Some(event) = events.next().await {
        text.push_str(event.unwrap().text_delta().unwrap_or_default());
    }
    assert_eq!(text, " more", "events begin when it attached");
    let result = attached.run().await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("one more"));
    assert!(
        result
            .items
            .iter()
            .any(|item| matches!(item, ThreadItem::CommandExecution(_))),
        "{:?}",
        result.items
    );
}

#[tokio::test]
async fn a_handle_on_a_finished_turn_has_its_result() {
    let model = MockModel::start().unwrap();
    model.say("done");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let result = thread.run("hi").await.unwrap();

    let attached = codex.thread(thread.id()).turn_handle(&result.id);
    let found = attached.run().await.unwrap();
    assert_eq!(found.status, TurnStatus::Completed);
    assert_eq!(found.final_response, result.final_response);
    assert_eq!(found.items.len(), result.items.len());
    let mut events = attached.stream();
    while let Some(event) = events.next().await {
        event.unwrap();
    }
}

#[tokio::test]
async fn a_handle_on_an_unknown_turn_is_an_error_and_not_a_hang() {
    let model = MockModel::start().unwrap();
    model.say("done");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    let attached = thread.turn_handle("01a1fd4e-79b4-7241-92d6-90dc81944c13");
    let error = attached.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("has no turn"), "{error}");
    let mut events = attached.stream();
    assert!(events.next().await.unwrap().is_err());
    assert!(events.next().await.is_none());
    let nowhere = codex.thread("01a1fd4e-79b4-7241-92d6-90dc81944c13");
    assert!(nowhere.turn_handle("x").run().await.is_err());
}

#[tokio::test]
async fn items_of_a_kind_that_is_not_known_are_results_too() {
    let (fake, codex) = client::fake().await;
    let turn = |status: &str| json!({"id": "u", "status": status, "items": []});
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify("turn/started", json!({"threadId": "t", "turn": turn("inProgress")}))
        .notify(
            "item/completed",
            json!({"threadId": "t", "turnId": "u", "completedAtMs": 0, "item": {"type": "hologram", "id": "i", "depth": 3}}),
        )
        .notify(
            "item/completed",
            json!({"threadId": "t", "turnId": "u", "completedAtMs": 0, "item": {"type": "agentMessage", "id": "j", "text": 7}}),
        )
        .notify("turn/completed", json!({"threadId": "t", "turn": turn("transcended")}));
    let result = codex.thread("t").run("hi").await.unwrap();
    assert_eq!(result.status.as_str(), "transcended");
    assert!(matches!(
        result.items.as_slice(),
        [ThreadItem::Unrecognized(_), ThreadItem::Unrecognized(_)]
    ));
}

#[tokio::test]
async fn a_server_that_hangs_up_mid_turn_is_an_error_and_never_an_empty_result() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .exits(0);
    let run = codex.thread("t").run("hi").send();
    let error = tokio::time::timeout(Duration::from_secs(10), run)
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.is_closed());
    assert_eq!(error.turn_result().unwrap().items.len(), 0);
}
