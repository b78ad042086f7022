//! What each answer becomes, and that none says more than was asked.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;

use std::sync::{Arc, Mutex};

use openai_codex::types::{NetworkPolicyAmendment, ThreadItem};
use openai_codex::{
    ApprovalMode, Decision, ElicitationAnswer, Handlers, PermissionGrant, TurnStatus,
};
use openai_codex_testkit::{FakeServer, McpServer, MockModel, TestRuntime};
use serde_json::{Value, json};

use support::{connect, fake, thread_response};

const COMMAND: &str = "item/commandExecution/requestApproval";

/// Asks, and gives the answer.
async fn ask(server: &FakeServer, method: &str, params: Value) -> Value {
    server.then().ask("q", method, params);
    server.expect_answer("q");
    server.done().await;
    server.received().pop().unwrap()
}

/// Handlers that answer every approval with what the test says.
fn decided_by(decision: &Arc<Mutex<Decision>>) -> Handlers {
    let give = || {
        let decision = Arc::clone(decision);
        move || decision.lock().unwrap().clone()
    };
    let (command, file, legacy, patch) = (give(), give(), give(), give());
    Handlers::new()
        .command_approval(move |_, _| std::future::ready(command()))
        .file_change_approval(move |_, _| std::future::ready(file()))
        .legacy_command_approval(move |_, _| std::future::ready(legacy()))
        .legacy_patch_approval(move |_, _| std::future::ready(patch()))
}

fn amendments() -> [Decision; 2] {
    [
        Decision::AcceptWithExecpolicyAmendment(vec!["git".into(), "log".into()]),
        Decision::ApplyNetworkPolicyAmendment(NetworkPolicyAmendment::new("allow", "a.example")),
    ]
}

#[tokio::test]
async fn an_amendment_is_sent_only_if_it_was_offered() {
    let decision = Arc::new(Mutex::new(Decision::Decline));
    let server = FakeServer::new();
    let _codex = fake(&server, decided_by(&decision)).await;
    let words = json!(["git", "log"]);
    let rule = json!({"action": "allow", "host": "a.example"});
    let words_decision = json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": &words}});
    let rule_decision = json!({"applyNetworkPolicyAmendment": {"network_policy_amendment": &rule}});
    for offer in [
        json!({"availableDecisions": ["accept", &words_decision, &rule_decision]}),
        json!({"proposedExecpolicyAmendment": words, "proposedNetworkPolicyAmendments": [rule]}),
        json!({"proposedExecpolicyAmendment": ["git"], "proposedNetworkPolicyAmendments": [
            {"action": "deny", "host": "a.example"}, {"action": "allow", "host": "b.example"},
        ]}),
        json!({}),
    ] {
        let is_offered = offer.to_string().contains("log");
        for (amendment, expected) in amendments()
            .into_iter()
            .zip([&words_decision, &rule_decision])
        {
            *decision.lock().unwrap() = amendment;
            let mut params = json!({
                "threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0, "command": "git log",
            });
            let offer = offer.as_object().unwrap().clone();
            params.as_object_mut().unwrap().extend(offer);
            let answer = ask(&server, COMMAND, params).await;
            match is_offered {
                true => assert_eq!(answer["result"]["decision"], *expected),
                false => assert!(
                    answer["error"]["message"]
                        .as_str()
                        .unwrap()
                        .contains("offered")
                ),
            }
        }
    }
}

#[tokio::test]
async fn every_decision_has_its_word_in_each_kind_of_approval() {
    let decision = Arc::new(Mutex::new(Decision::Decline));
    let server = FakeServer::new();
    let _codex = fake(&server, decided_by(&decision)).await;
    let item = json!({"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0});
    let exec = json!({
        "conversationId": "t", "callId": "c", "command": ["ls"], "cwd": "/", "parsedCmd": [],
    });
    let patch = json!({"conversationId": "t", "callId": "c", "fileChanges": {}});
    for (given, now, legacy) in [
        (Decision::Accept, "accept", json!("approved")),
        (
            Decision::AcceptForSession,
            "acceptForSession",
            json!("approved_for_session"),
        ),
        (Decision::Cancel, "cancel", json!("abort")),
        (Decision::Decline, "decline", Value::Null),
    ] {
        *decision.lock().unwrap() = given;
        for (method, params) in [(COMMAND, &item), ("item/fileChange/requestApproval", &item)] {
            let answer = ask(&server, method, params.clone()).await;
            assert_eq!(answer["result"]["decision"], now, "{method}");
        }
        for (method, params) in [
            ("execCommandApproval", &exec),
            ("applyPatchApproval", &patch),
        ] {
            let answer = ask(&server, method, params.clone()).await;
            let said = &answer["result"]["decision"];
            match legacy.is_null() {
                true => assert!(said["denied"]["rejection"].is_string(), "{method}: {said}"),
                false => assert_eq!(*said, legacy, "{method}"),
            }
        }
    }
    for amendment in amendments() {
        *decision.lock().unwrap() = amendment;
        for (method, params) in [
            ("item/fileChange/requestApproval", &item),
            ("execCommandApproval", &exec),
            ("applyPatchApproval", &patch),
        ] {
            let answer = ask(&server, method, params.clone()).await;
            assert!(answer["error"].is_object(), "{method}: {answer}");
        }
    }
}

/// A start that is not answered holds up nobody but its own thread.
#[tokio::test]
async fn an_approval_waits_for_no_start_of_another_thread() {
    let server = FakeServer::new();
    let client = Handlers::new().command_approval(|_, _| async { Decision::Accept });
    let codex = fake(&server, client).await;
    server.expect("thread/start").reply(thread_response("t"));
    let _thread = codex.thread_start().await.unwrap();
    server.expect("thread/start").held_as("start");
    let own = Handlers::new().command_approval(|_, _| async { Decision::Cancel });
    let starting = tokio::spawn({
        let codex = codex.clone();
        async move { codex.thread_start().handlers(own).await }
    });
    server.wait_for("thread/start", 2).await;
    let asked = |thread: &str| json!({"threadId": thread, "turnId": "u", "itemId": "i", "startedAtMs": 0, "command": "ls"});
    let answer = ask(&server, COMMAND, asked("t")).await;
    assert_eq!(answer["result"]["decision"], "accept");
    // Once it has failed, it is no thread that anybody could mean.
    server
        .then()
        .ask("other", COMMAND, asked("other"))
        .error_to("start", -32600, "no");
    server.expect_answer("other");
    server.done().await;
    assert!(starting.await.unwrap().is_err());
    let answer = server.received().pop().unwrap();
    assert_eq!(answer["result"]["decision"], "accept", "{answer}");
}

/// 0.163.0 asks again all the same when the model asks for it again.
#[tokio::test]
async fn a_permission_is_granted_for_the_turn_or_for_the_session() {
    let model = MockModel::start().unwrap();
    let ask = json!({
        "reason": "need it", "permissions": {"file_system": {"write": ["/tmp/extra"]}},
    });
    for _ in 0..2 {
        model.calls("request_permissions", ask.clone());
        model.say("done");
    }
    let runtime = TestRuntime::builder(&model)
        .feature("exec_permission_approvals", true)
        .feature("request_permissions_tool", true)
        .build()
        .unwrap();
    let asked = Mutex::new(0);
    let handlers = Handlers::new().permissions_approval(move |request, _cx| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        let grant = PermissionGrant::everything(&request);
        std::future::ready(match *asked {
            1 => grant,
            _ => grant.for_session(),
        })
    });
    let codex = connect(&runtime, handlers).await;
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let thread = thread.await.unwrap();
    for scope in ["turn", "session"] {
        thread.run("Ask for it.").await.unwrap();
        let request = model.last_request().unwrap();
        let told = request.function_outputs().last().unwrap().text();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["scope"], scope, "{told}");
        assert!(told.to_string().contains("/tmp/extra"), "{told}");
    }
}

#[tokio::test]
async fn an_elicitation_is_declined_or_cancelled() {
    for (answer, said) in [
        (ElicitationAnswer::decline(), "decline"),
        (ElicitationAnswer::cancel(), "cancel"),
    ] {
        let model = MockModel::start().unwrap();
        model.calls_in("mcp__directory", "ask", json!({}));
        model.say("done");
        let directory = McpServer::stdio(env!("CARGO_BIN_EXE_mcp-server"));
        let runtime = TestRuntime::builder(&model)
            .mcp_server("directory", directory)
            .build()
            .unwrap();
        let handlers = Handlers::new().elicitation(move |_, _| std::future::ready(answer.clone()));
        let codex = connect(&runtime, handlers).await;
        let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
        let result = thread.await.unwrap().run("Ask me.").await.unwrap();
        assert_eq!(result.status, TurnStatus::Completed);
        let call = result.items.iter().find_map(|item| match item {
            ThreadItem::McpToolCall(call) => call.result.as_ref(),
            _ => None,
        });
        let text = serde_json::to_string(call.unwrap()).unwrap();
        assert!(text.contains(said), "{text}");
    }
}
