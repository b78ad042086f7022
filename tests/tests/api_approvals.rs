//! Who approves: what is sent, and that it lasts on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use openai_codex::types::{ApprovalsReviewer, AskForApproval};
use openai_codex::{ApprovalMode, Codex, ErrorKind, Thread};
use openai_codex_testkit::MockModel;
use serde_json::{Value, json};

const DENIED: (AskForApproval, ApprovalsReviewer) =
    (AskForApproval::Never, ApprovalsReviewer::User);
const REVIEWED: (AskForApproval, ApprovalsReviewer) =
    (AskForApproval::OnRequest, ApprovalsReviewer::AutoReview);

/// The mode that is in effect, as a resume without overrides tells it.
async fn effective(codex: &Codex, thread: &Thread) -> (AskForApproval, ApprovalsReviewer) {
    let info = client::effective(codex, thread).await;
    (info.approval_policy, info.approvals_reviewer)
}

fn answered(thread: &Thread) -> (AskForApproval, ApprovalsReviewer) {
    let info = thread.info().unwrap();
    (
        info.approval_policy.clone(),
        info.approvals_reviewer.clone(),
    )
}

/// A model that says so many things, and a client.
macro_rules! real {
    ($model:ident, $runtime:ident, $codex:ident, $replies:literal) => {
        let $model = MockModel::start().unwrap();
        std::iter::repeat_n("ok", $replies).for_each(|text| drop($model.say(text)));
        let ($runtime, $codex) = client::start(&$model).await;
    };
}

#[tokio::test]
async fn a_new_thread_is_reviewed_by_the_runtime_unless_told_otherwise() {
    real!(model, _runtime, codex, 0);
    let thread = codex.thread_start().await.unwrap();
    assert_eq!(answered(&thread), REVIEWED);
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Inherit)
        .await
        .unwrap();
    assert_eq!(answered(&thread), DENIED, "what config.toml says");
    drop(model);
}

#[tokio::test]
async fn a_resume_in_a_new_process_keeps_deny_all() {
    real!(model, runtime, codex, 1);
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap();
    thread.run("hi").await.unwrap();
    codex.close().await.unwrap();

    let again = client::connect(&runtime).await;
    let resumed = again.thread_resume(thread.id()).await.unwrap();
    assert_eq!(answered(&resumed), DENIED);
    drop(model);
}

#[tokio::test]
async fn a_resume_in_a_new_process_can_change_the_mode() {
    real!(model, runtime, codex, 2);
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    codex.close().await.unwrap();

    let again = client::connect(&runtime).await;
    let resumed = again
        .thread_resume(thread.id())
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap();
    assert_eq!(answered(&resumed).0, AskForApproval::Never);
    resumed.run("hi").await.unwrap();
    assert_eq!(effective(&again, &resumed).await.0, AskForApproval::Never);
    drop(model);
}

#[tokio::test]
async fn a_fork_inherits_deny_all() {
    real!(model, _runtime, codex, 1);
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap();
    thread.run("hi").await.unwrap();
    let fork = codex.thread_fork(thread.id()).await.unwrap();
    assert_ne!(fork.id(), thread.id());
    assert_eq!(answered(&fork).0, AskForApproval::Never);
    assert_eq!(effective(&codex, &fork).await.0, AskForApproval::Never);
    drop(model);
}

#[tokio::test]
async fn a_fork_can_change_the_mode_and_leaves_the_original_alone() {
    real!(model, _runtime, codex, 1);
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap();
    thread.run("hi").await.unwrap();
    let fork = codex
        .thread_fork(thread.id())
        .approval_mode(ApprovalMode::AutoReview)
        .await
        .unwrap();
    assert_eq!(answered(&fork), REVIEWED);
    assert_eq!(effective(&codex, &thread).await.0, AskForApproval::Never);
    drop(model);
}

#[tokio::test]
async fn the_mode_of_a_turn_lasts_through_later_turns_forks_and_processes() {
    real!(model, runtime, codex, 4);
    let thread = codex.thread_start().await.unwrap();
    thread
        .turn("first")
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap()
        .run()
        .await
        .unwrap();
    assert_eq!(effective(&codex, &thread).await.0, AskForApproval::Never);
    thread.run("second").await.unwrap();
    assert_eq!(effective(&codex, &thread).await.0, AskForApproval::Never);
    let fork = codex.thread_fork(thread.id()).await.unwrap();
    assert_eq!(answered(&fork).0, AskForApproval::Never);
    codex.close().await.unwrap();

    let again = client::connect(&runtime).await;
    let resumed = again.thread_resume(thread.id()).await.unwrap();
    assert_eq!(answered(&resumed).0, AskForApproval::Never);
    resumed
        .run("third")
        .approval_mode(ApprovalMode::AutoReview)
        .await
        .unwrap();
    assert_eq!(effective(&again, &resumed).await, REVIEWED);
    resumed.run("fourth").await.unwrap();
    assert_eq!(effective(&again, &resumed).await, REVIEWED);
    drop(model);
}

#[tokio::test]
async fn a_resume_of_a_loaded_thread_says_that_an_override_was_ignored() {
    real!(model, runtime, codex, 1);
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();

    let error = codex
        .thread_resume(thread.id())
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let text = error.to_string();
    assert!(
        text.contains(r#"asked for "never", in effect is "on-request""#),
        "{text}"
    );
    let error = codex
        .thread_resume(thread.id())
        .model("other-model")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("mock-model"), "{error}");
    let error = codex
        .thread_resume(thread.id())
        .sandbox(openai_codex::Sandbox::FullAccess)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("readOnly"), "{error}");
    for (resume, setting) in [
        (codex.thread_resume(thread.id()).cwd("/"), "cwd: asked"),
        (
            codex.thread_resume(thread.id()).model_provider("openai"),
            "model_provider: asked",
        ),
        (
            codex.thread_resume(thread.id()).service_tier("flex"),
            "service_tier, whose",
        ),
        (
            codex.thread_resume(thread.id()).base_instructions("Be."),
            "base_instructions, whose",
        ),
    ] {
        let error = resume.await.unwrap_err();
        assert!(error.to_string().contains(setting), "{error}");
    }

    // Overrides that say what holds anyway are no error, and they can be waived.
    codex
        .thread_resume(thread.id())
        .approval_mode(ApprovalMode::AutoReview)
        .cwd(runtime.workspace().join("..").join("workspace"))
        .await
        .unwrap();
    let waived = codex
        .thread_resume(thread.id())
        .approval_mode(ApprovalMode::DenyAll)
        .allow_ignored_overrides(true)
        .await
        .unwrap();
    assert_eq!(answered(&waived), REVIEWED);
    drop(model);
}

#[tokio::test]
async fn deny_all_refuses_an_escalation_and_the_reviewer_is_not_asked() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("echo x > escaped", "please");
    model.say("refused");
    let (runtime, codex) = client::start(&model).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .await
        .unwrap();
    thread.run("go").await.unwrap();
    assert!(!runtime.workspace().join("escaped").exists());
    assert!(model.requests().iter().all(|request| !request.is_review()));
}

#[tokio::test]
async fn auto_review_asks_the_reviewer_model_and_not_this_process() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("echo x > escaped", "please");
    model.when_reviewing().allows("fine");
    model.say("done");
    let (runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("go").await.unwrap();
    assert!(runtime.workspace().join("escaped").exists());
    assert!(model.requests().iter().any(|request| request.is_review()));
}

/// What each mode sends: `approvalPolicy` and `approvalsReviewer`.
fn modes() -> [(ApprovalMode, Value, Value); 3] {
    [
        (
            ApprovalMode::AutoReview,
            json!("on-request"),
            json!("auto_review"),
        ),
        (ApprovalMode::DenyAll, json!("never"), Value::Null),
        (ApprovalMode::Inherit, Value::Null, Value::Null),
    ]
}

fn approvals(params: &Value) -> (Value, Value) {
    let params = params.as_object().unwrap();
    assert!(
        !params.values().any(Value::is_null),
        "absent, not null: {params:?}"
    );
    let get = |key: &str| params.get(key).cloned().unwrap_or_default();
    (get("approvalPolicy"), get("approvalsReviewer"))
}

#[tokio::test]
async fn modes_have_their_wire_form_on_every_request() {
    let (fake, codex) = client::fake().await;
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        fake.always(method).reply(client::thread_response("t"));
    }
    for (n, (mode, policy, reviewer)) in modes().into_iter().enumerate() {
        fake.expect("turn/start")
            .reply(client::turn_response(&format!("u{n}")));
        let thread = codex.thread_start().approval_mode(mode).await.unwrap();
        codex
            .thread_resume("t")
            .approval_mode(mode)
            .allow_ignored_overrides(true)
            .await
            .unwrap();
        codex.thread_fork("t").approval_mode(mode).await.unwrap();
        thread.turn("hi").approval_mode(mode).await.unwrap();
        for method in ["thread/start", "thread/resume", "thread/fork", "turn/start"] {
            assert_eq!(
                approvals(&client::params_of(&fake, method)),
                (policy.clone(), reviewer.clone()),
                "{mode:?} by {method}"
            );
        }
    }
}

#[tokio::test]
async fn only_a_new_thread_has_a_default_mode() {
    let (fake, codex) = client::fake().await;
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        fake.always(method).reply(client::thread_response("t"));
    }
    fake.always("turn/start").reply(client::turn_response("u"));
    let thread = codex.thread_start().await.unwrap();
    codex.thread_resume("t").await.unwrap();
    codex.thread_fork("t").await.unwrap();
    thread.turn("hi").await.unwrap();
    for (method, expected) in [
        (
            "thread/start",
            json!({"approvalPolicy": "on-request", "approvalsReviewer": "auto_review"}),
        ),
        ("thread/resume", json!({"threadId": "t"})),
        ("thread/fork", json!({"threadId": "t"})),
        (
            "turn/start",
            json!({"threadId": "t", "input": [{"type": "text", "text": "hi"}]}),
        ),
    ] {
        assert_eq!(client::params_of(&fake, method), expected, "{method}");
    }
}

#[tokio::test]
async fn asking_without_a_handler_is_refused_before_anything_is_sent() {
    let (fake, codex) = client::fake().await;
    let ask = ApprovalMode::Ask;
    for error in [
        codex.thread_start().approval_mode(ask).await.unwrap_err(),
        codex
            .thread_resume("t")
            .approval_mode(ask)
            .await
            .unwrap_err(),
        codex.thread_fork("t").approval_mode(ask).await.unwrap_err(),
        codex
            .thread("t")
            .turn("hi")
            .approval_mode(ask)
            .await
            .unwrap_err(),
        codex
            .thread("t")
            .run("hi")
            .approval_mode(ask)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("Ask"), "{error}");
    }
    // The next request is the first since the handshake.
    fake.expect("thread/start")
        .reply(client::thread_response("t"));
    codex.thread_start().await.unwrap();
    fake.assert_finished();
}
