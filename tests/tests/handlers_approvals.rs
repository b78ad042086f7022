//! Approvals on the real runtime: each kind, each answer.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;

use std::sync::{Arc, Mutex};

use openai_codex::types::ThreadItem;
use openai_codex::{
    ApprovalMode, Codex, Decision, ErrorKind, HandlerError, Handlers, PermissionGrant, Sandbox,
    ServerRequestHandler, TurnResult, TurnStatus,
};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};
use serde_json::json;

use support::{connect, start};

/// Runs a turn with one escalated command, and says what the decision made of it.
async fn decide(decision: Decision) -> TurnResult {
    let model = MockModel::start().unwrap();
    model.shell_escalated("touch decided", "May I?");
    model.say("done").optional();
    let handlers = Handlers::new().command_approval(move |request, cx| {
        let decision = decision.clone();
        async move {
            assert!(request.command.unwrap().contains("touch decided"));
            assert_eq!(cx.thread_id(), Some(&request.thread_id));
            assert_eq!(cx.turn_id(), Some(&request.turn_id));
            decision
        }
    });
    let (runtime, codex) = start(&model, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    let result = thread.run("Do it.").await.unwrap();
    let ran = runtime.workspace().join("decided").exists();
    let status = result.items.iter().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => Some(command.status.as_str().to_owned()),
        _ => None,
    });
    if result.status == TurnStatus::Completed {
        assert_eq!(status.as_deref() == Some("completed"), ran, "{status:?}");
    } else {
        assert!(!ran);
    }
    codex.close().await.unwrap();
    result
}

fn command_ran(result: &TurnResult) -> bool {
    result.items.iter().any(|item| {
        matches!(item, ThreadItem::CommandExecution(command) if command.exit_code == Some(0))
    })
}

#[tokio::test]
async fn an_accepted_command_runs() {
    let result = decide(Decision::Accept).await;
    assert!(command_ran(&result), "{:?}", result.items);
}

#[tokio::test]
async fn a_declined_command_does_not_run_and_the_turn_goes_on() {
    let result = decide(Decision::Decline).await;
    assert!(!command_ran(&result));
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.final_response.as_deref(), Some("done"));
}

#[tokio::test]
async fn a_cancelled_command_interrupts_the_turn() {
    let result = decide(Decision::Cancel).await;
    assert!(!command_ran(&result));
    assert_eq!(result.status, TurnStatus::Interrupted);
}

#[tokio::test]
async fn an_amendment_that_was_not_offered_is_a_refusal() {
    let result = decide(Decision::AcceptWithExecpolicyAmendment(vec![
        "touch".into(),
    ]))
    .await;
    assert!(!command_ran(&result));
    assert_eq!(result.status, TurnStatus::Completed);
}

/// Runs the same escalated command in two turns, and counts the questions.
async fn asked_twice(decide: fn(Vec<Decision>) -> Decision) -> usize {
    let model = MockModel::start().unwrap();
    for _ in 0..2 {
        model.shell_escalated("touch decided twice", "May I?");
        model.say("done");
    }
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let handlers = Handlers::new().command_approval(move |request, _cx| {
        *count.lock().unwrap() += 1;
        let decision = decide(Decision::offered(&request));
        async move { decision }
    });
    let (_runtime, codex) = start(&model, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    for _ in 0..2 {
        let result = thread.run("Do it.").await.unwrap();
        assert!(command_ran(&result), "{:?}", result.items);
    }
    *asked.lock().expect("no thread panicked")
}

#[tokio::test]
async fn accepted_for_the_session_is_asked_once() {
    assert_eq!(asked_twice(|_| Decision::Accept).await, 2);
    assert_eq!(asked_twice(|_| Decision::AcceptForSession).await, 1);
}

#[tokio::test]
async fn an_offered_amendment_is_asked_once() {
    let amended = asked_twice(|offered| {
        let amendment = |it: &Decision| matches!(it, Decision::AcceptWithExecpolicyAmendment(_));
        offered.into_iter().find(amendment).unwrap()
    });
    assert_eq!(amended.await, 1);
}

/// Runs a turn that patches a file outside of the sandbox.
async fn patch(decision: Decision) -> (bool, TurnStatus) {
    let model = MockModel::start().unwrap();
    model.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch");
    model.say("done").optional();
    let handlers = Handlers::new().file_change_approval(move |_request, _cx| {
        let decision = decision.clone();
        async move { decision }
    });
    let (runtime, codex) = start(&model, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .sandbox(Sandbox::ReadOnly)
        .await
        .unwrap();
    let result = thread.run("Patch it.").await.unwrap();
    (runtime.workspace().join("a.txt").exists(), result.status)
}

#[tokio::test]
async fn file_changes_are_accepted_declined_and_cancelled() {
    assert_eq!(patch(Decision::Accept).await, (true, TurnStatus::Completed));
    assert_eq!(
        patch(Decision::AcceptForSession).await,
        (true, TurnStatus::Completed)
    );
    assert_eq!(
        patch(Decision::Decline).await,
        (false, TurnStatus::Completed)
    );
    assert_eq!(
        patch(Decision::Cancel).await,
        (false, TurnStatus::Interrupted)
    );
    let amended = Decision::AcceptWithExecpolicyAmendment(vec![]);
    assert_eq!(patch(amended).await, (false, TurnStatus::Completed));
}

#[tokio::test]
async fn permissions_are_granted_in_part_and_never_beyond() {
    let model = MockModel::start().unwrap();
    let ask = json!({
        "reason": "need it",
        "permissions": {"network": {"enabled": true}, "file_system": {"write": ["/tmp/extra"]}},
    });
    for _ in 0..3 {
        model.calls("request_permissions", ask.clone());
        model.say("done");
    }
    let runtime = TestRuntime::builder(&model)
        .feature("exec_permission_approvals", true)
        .feature("request_permissions_tool", true)
        .build()
        .unwrap();
    let turn = Arc::new(Mutex::new(0));
    let handlers = Handlers::new().permissions_approval(move |request, _cx| {
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        let mut greedy = request.clone();
        greedy.permissions.file_system = serde_json::from_value(json!({"write": ["/"]})).unwrap();
        let grant = match *turn {
            1 => PermissionGrant::files(&request),
            2 => PermissionGrant::everything(&greedy),
            _ => PermissionGrant::none(),
        };
        async move { grant }
    });
    let codex = connect(&runtime, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    let mut told = Vec::new();
    for _ in 0..3 {
        thread.run("Ask for it.").await.unwrap();
        let request = model.last_request().unwrap();
        told.push(request.function_outputs().last().unwrap().text());
    }
    assert!(
        told[0].contains("/tmp/extra") && !told[0].contains("network\":{"),
        "{}",
        told[0]
    );
    assert!(!told[1].contains("write"), "{}", told[1]);
    assert!(!told[2].contains("write"), "{}", told[2]);
}

#[tokio::test]
async fn ask_without_a_handler_fails_before_anything_is_sent() {
    let model = MockModel::start().unwrap();
    let handlers =
        Handlers::new().current_time(|_request, _cx| async { std::time::SystemTime::now() });
    let (_runtime, codex) = start(&model, handlers).await;
    let error = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let loaded = codex
        .call_raw("thread/loaded/list", json!({}))
        .await
        .unwrap();
    assert_eq!(loaded["data"], json!([]));
    // A handler of the thread will do.
    let own = Handlers::new().command_approval(|_, _| async { Decision::Decline });
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .handlers(own)
        .await
        .unwrap();
    model.say("hi");
    thread
        .run("Hi.")
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    let same = codex.thread(thread.id());
    model.say("hi");
    same.run("Hi.")
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
}

struct Accepting;

impl ServerRequestHandler for Accepting {
    async fn command_approval(
        &self,
        _request: openai_codex::types::CommandExecutionRequestApprovalParams,
        _cx: openai_codex::HandlerContext,
    ) -> Result<Decision, HandlerError> {
        Ok(Decision::Accept)
    }
}

async fn run_escalated(codex: &Codex, own: Option<Handlers>) -> bool {
    let mut start = codex.thread_start().approval_mode(ApprovalMode::Ask);
    if let Some(own) = own {
        start = start.handlers(own);
    }
    let thread = start.await.unwrap();
    let result = thread.run("Do it.").await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    command_ran(&result)
}

#[tokio::test]
async fn handlers_of_a_thread_go_before_those_of_the_client() {
    let model = MockModel::start().unwrap();
    model
        .when(|request| request.function_outputs().is_empty())
        .shell_escalated("true", "May I?")
        .every_time();
    model
        .when(|request| !request.function_outputs().is_empty())
        .say("done")
        .every_time();
    let (_runtime, codex) = start(&model, Handlers::from_trait(Accepting)).await;
    assert!(run_escalated(&codex, None).await);
    let no = || Handlers::new().command_approval(|_, _| async { Decision::Decline });
    assert!(!run_escalated(&codex, Some(no())).await);
    // What the thread has nothing for goes to the client.
    let other = Handlers::new().user_input(|_, _| async { Err(HandlerError::not_handled()) });
    assert!(run_escalated(&codex, Some(other)).await);
    let passed_on =
        Handlers::new().command_approval(|_, _| async { Err(HandlerError::not_handled()) });
    assert!(run_escalated(&codex, Some(passed_on)).await);
}

#[tokio::test]
async fn handlers_of_a_thread_stay_after_a_resume_and_go_with_a_fork() {
    let model = MockModel::start().unwrap();
    model.say("hi");
    let yes = Handlers::new().command_approval(|_, _| async { Decision::Accept });
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .handlers(yes)
        .await
        .unwrap();
    thread.run("Hi.").await.unwrap();
    let id = thread.id().clone();
    drop(thread);
    for thread in [
        codex.thread_resume(&id).await.unwrap(),
        codex.thread_fork(&id).await.unwrap(),
    ] {
        model.shell_escalated("true", "May I?");
        model.say("done");
        assert!(command_ran(&thread.run("Do it.").await.unwrap()));
    }
    let no = Handlers::new().command_approval(|_, _| async { Decision::Decline });
    let thread = codex.thread_resume(&id).handlers(no).await.unwrap();
    model.shell_escalated("true", "May I?");
    model.say("done");
    assert!(!command_ran(&thread.run("Do it.").await.unwrap()));
}

#[tokio::test]
async fn handlers_that_take_the_place_of_approving_ones_must_approve() {
    let fake = FakeServer::new();
    let codex = support::fake(&fake, Handlers::new()).await;
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        fake.always(method).reply(support::thread_response("t"));
    }
    let approving = || Handlers::new().command_approval(|_, _| async { Decision::Accept });
    let start = codex.thread_start().handlers(approving());
    let _thread = start.await.unwrap();
    let refused = [
        codex
            .thread_resume("t")
            .handlers(Handlers::new())
            .approval_mode(ApprovalMode::Ask)
            .await,
        codex
            .thread_fork("t")
            .handlers(Handlers::new())
            .approval_mode(ApprovalMode::Ask)
            .await,
    ];
    for error in refused.map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("needs a handler"), "{error}");
    }
    // Those that it has are enough where they stay.
    let fork = codex.thread_fork("t").approval_mode(ApprovalMode::Ask);
    fork.await.unwrap();
}
