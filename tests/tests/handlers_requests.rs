//! What becomes of the server's requests: on the real runtime where it asks
//! them, on a scripted server for the rest.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;
#[path = "support/warnings.rs"]
mod warnings;

use std::time::{Duration, UNIX_EPOCH};

use openai_codex::types::server_requests::SERVER_REQUESTS;
use openai_codex::types::{
    ChatgptAuthTokensRefreshParams, ChatgptAuthTokensRefreshResponse,
    McpServerElicitationRequestParams, ThreadItem,
};
use openai_codex::{
    ApprovalMode, Decision, ElicitationAnswer, HandlerError, Handlers, SecretString, TurnStatus,
    UserInputAnswers,
};
use openai_codex_testkit::{FakeServer, McpServer, MockModel, TestRuntime};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use support::{connect, fake, start, thread_response};
use warnings::Warnings;

const COMMAND: &str = "item/commandExecution/requestApproval";

fn command(turn: &str) -> Value {
    json!({"threadId": "t", "turnId": turn, "itemId": "i", "startedAtMs": 0, "command": "ls"})
}

/// Asks, and gives the answer.
async fn ask(server: &FakeServer, method: &str, params: Value) -> Value {
    server.then().ask("q", method, params);
    server.expect_answer("q");
    server.done().await;
    server.received().pop().unwrap()
}

#[tokio::test]
async fn a_question_for_the_user_is_answered() {
    let model = MockModel::start().unwrap();
    let question = json!({"questions": [{
        "id": "color", "header": "Color", "question": "Which color?",
        "options": [{"label": "Red", "description": "r"}, {"label": "Blue", "description": "b"}],
    }]});
    model.calls("request_user_input", question);
    model.say("done");
    let runtime = TestRuntime::builder(&model)
        .feature("default_mode_request_user_input", true)
        .build()
        .unwrap();
    let handlers = Handlers::new().user_input(|request, _cx| async move {
        let question = &request.questions[0];
        UserInputAnswers::new().answer(&question.id, "Blue")
    });
    let codex = connect(&runtime, handlers).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("Ask me.").await.unwrap();
    let told = model.last_request().unwrap();
    assert!(told.function_outputs()[0].text().contains("Blue"));
}

#[tokio::test]
async fn an_mcp_server_asks_through_an_elicitation() {
    for (name, told) in [("Ada", "\"accept\" {\"name\":\"Ada\"}"), ("A", "")] {
        let model = MockModel::start().unwrap();
        model.calls_in("mcp__directory", "ask", json!({}));
        model.say("done");
        let runtime = TestRuntime::builder(&model)
            .mcp_server(
                "directory",
                McpServer::stdio(env!("CARGO_BIN_EXE_mcp-server")),
            )
            .build()
            .unwrap();
        let handlers = Handlers::new().elicitation(move |request, _cx| async move {
            let McpServerElicitationRequestParams::Form(form) = request else {
                return ElicitationAnswer::decline();
            };
            assert_eq!(form.server_name, "directory");
            match form.message.as_str() {
                "Your name?" => ElicitationAnswer::accept(json!({"name": name})),
                _ => ElicitationAnswer::accept(json!({})),
            }
        });
        let codex = connect(&runtime, handlers).await;
        let thread = codex
            .thread_start()
            .approval_mode(ApprovalMode::Ask)
            .await
            .unwrap();
        let result = thread.run("Ask me.").await.unwrap();
        let call = result.items.iter().find_map(|item| match item {
            ThreadItem::McpToolCall(call) => call.result.as_ref(),
            _ => None,
        });
        let text =
            serde_json::to_value(call.expect("a call")).unwrap()["content"][0]["text"].clone();
        // One letter is too short: that is refused before the server sees it.
        match told {
            "" => assert!(!text.as_str().unwrap().contains("accept"), "{text}"),
            told => assert_eq!(text, told),
        }
    }
}

#[tokio::test]
async fn without_handlers_every_request_is_refused_with_a_warning() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let server = FakeServer::new();
    let _codex = fake(&server, Handlers::new()).await;
    let methods = SERVER_REQUESTS.iter().map(|request| request.method);
    let methods: Vec<_> = methods.chain(["from/the/future"]).collect();
    assert_eq!(methods.len(), 12);
    for method in methods {
        let answer = ask(&server, method, json!({"threadId": "t", "turnId": "u"})).await;
        let result = &answer["result"];
        let expected = match method {
            COMMAND | "item/fileChange/requestApproval" => json!({"decision": "decline"}),
            "item/permissions/requestApproval" => json!({"permissions": {}, "scope": "turn"}),
            "mcpServer/elicitation/request" => json!({"action": "decline"}),
            "applyPatchApproval" | "execCommandApproval" => {
                assert!(result["decision"]["denied"]["rejection"].is_string());
                result.clone()
            }
            _ => {
                assert_eq!(answer["error"]["code"], -32601, "{answer}");
                Value::Null
            }
        };
        assert_eq!(*result, expected, "{method}");
        warnings.take(method);
    }
}

#[tokio::test]
async fn without_handlers_a_turn_that_asks_goes_on() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("touch refused", "May I?");
    model.say("never mind");
    let (runtime, codex) = start(&model, Handlers::new()).await;
    // `Ask` needs a handler, so the settings go by hand.
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Inherit)
        .config(
            serde_json::from_value::<openai_codex::types::JsonObject>(
                json!({"approval_policy": "on-request", "approvals_reviewer": "user"}),
            )
            .unwrap(),
        )
        .await
        .unwrap();
    let result = thread.run("Do it.").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("never mind"));
    assert!(!runtime.workspace().join("refused").exists());
}

#[tokio::test]
async fn handlers_that_fail_panic_or_hang_are_refusals() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let server = FakeServer::new();
    let handlers = Handlers::new()
        .command_approval(|request, _cx| async move {
            match request.turn_id.as_str() {
                "fails" => Err(HandlerError::new("no idea")),
                "panics" => panic!("as it should in this test"),
                "hangs" => std::future::pending().await,
                _ => Ok(Decision::Accept),
            }
        })
        .file_change_approval(|_, _| -> std::future::Ready<Decision> {
            panic!("before the first await, as it should in this test")
        })
        .timeout(Duration::from_millis(50));
    let _codex = fake(&server, handlers).await;
    for (turn, reason) in [
        ("fails", "no idea"),
        ("panics", "the handler panicked"),
        ("hangs", "did not answer within 50ms"),
    ] {
        let answer = ask(&server, COMMAND, command(turn)).await;
        assert!(answer.get("result").is_none());
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
        let warned = warnings.take(COMMAND);
        assert!(warned.contains(turn), "{warned}");
        // What a handler says may quote the command.
        assert!(!warned.contains("no idea"), "{warned}");
    }
    let change = json!({"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 0});
    let answer = ask(&server, "item/fileChange/requestApproval", change).await;
    assert_eq!(answer["error"]["message"], "the handler panicked");
    // What cannot be read is not accepted either.
    let answer = ask(&server, COMMAND, json!({"threadId": "t"})).await;
    assert!(answer.get("error").is_some(), "{answer}");
    let answer = ask(&server, COMMAND, command("fine")).await;
    assert_eq!(answer["result"]["decision"], "accept");
}

#[tokio::test]
async fn a_handler_may_call_the_client() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("true", "May I?");
    model.say("done");
    let handlers = Handlers::new().command_approval(|_request, cx| async move {
        let loaded = cx.codex().call_raw("thread/loaded/list", json!({})).await?;
        let id = cx.thread_id().unwrap();
        assert_eq!(loaded["data"][0], id.as_str());
        let name = cx.codex().thread(id).set_name("asked").await;
        name.map(|()| Decision::Accept).map_err(Into::into)
    });
    let (_runtime, codex) = start(&model, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    let result = thread.run("Do it.").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("done"));
    let read = thread.read(false).await.unwrap();
    assert_eq!(read.thread.name.as_deref(), Some("asked"));
}

#[tokio::test]
async fn the_end_of_a_turn_is_told_to_a_handler_that_thinks() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("true", "May I?");
    let (tx, mut thinking) = mpsc::unbounded_channel();
    let handlers = Handlers::new().command_approval(move |_request, cx| {
        let tx = tx.clone();
        async move {
            tx.send("asked").unwrap();
            cx.cancelled().await;
            tx.send("cancelled").unwrap();
            Decision::Accept
        }
    });
    let (_runtime, codex) = start(&model, handlers).await;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .await
        .unwrap();
    let turn = thread.turn("Do it.").await.unwrap();
    assert_eq!(thinking.recv().await, Some("asked"));
    turn.interrupt().await.unwrap();
    assert_eq!(turn.run().await.unwrap().status, TurnStatus::Interrupted);
    assert_eq!(thinking.recv().await, Some("cancelled"));
}

/// Two clients are asked the same; the first answer wins, and the other one's
/// handler is told.
#[tokio::test]
async fn an_approval_that_another_client_answers_is_taken_back() {
    let (tx, mut thinking) = mpsc::unbounded_channel();
    let handlers = Handlers::new().command_approval(move |_request, cx| {
        let tx = tx.clone();
        async move {
            tx.send("asked").unwrap();
            cx.cancelled().await;
            tx.send("cancelled").unwrap();
            Decision::Accept
        }
    });
    let server = FakeServer::new();
    let _codex = fake(&server, handlers).await;
    server.then().ask("q", COMMAND, command("u"));
    assert_eq!(thinking.recv().await, Some("asked"));
    let resolved = json!({"threadId": "t", "requestId": "q"});
    server.then().notify("serverRequest/resolved", resolved);
    assert_eq!(thinking.recv().await, Some("cancelled"));
    // The late answer is not sent: the next message is that to another question.
    let answer = ask(&server, "currentTime/read", json!({"threadId": "t"})).await;
    assert!(answer.get("error").is_some());
    assert!(
        server
            .received()
            .iter()
            .all(|it| it["result"].get("decision").is_none())
    );
}

#[tokio::test]
async fn a_handler_does_not_keep_the_runtime_running() {
    let (tx, mut seen) = mpsc::unbounded_channel();
    let handlers = Handlers::new().command_approval(move |_request, cx| {
        let tx = tx.clone();
        async move {
            let codex = cx.codex().clone();
            tx.send(codex).unwrap();
            std::future::pending::<Decision>().await
        }
    });
    let server = FakeServer::new();
    let codex = fake(&server, handlers).await;
    server.then().ask("q", COMMAND, command("u"));
    let guest = seen.recv().await.unwrap();
    drop(codex);
    assert!(guest.closed().await.is_closed());
    assert!(
        guest
            .call_raw("a", json!({}))
            .await
            .unwrap_err()
            .is_closed()
    );
    // The handler is dropped, and with it its end of the channel.
    drop(guest);
    assert!(seen.recv().await.is_none());
}

#[tokio::test]
async fn every_other_kind_of_request_can_be_answered() {
    let server = FakeServer::new();
    let handlers = Handlers::new()
        .attestation(|_request, _cx| async { SecretString::new("attested") })
        .current_time(|_request, _cx| async { UNIX_EPOCH + Duration::from_secs(7) })
        .legacy_command_approval(|_request, _cx| async { Decision::Accept })
        .legacy_patch_approval(|_request, _cx| async { Decision::Cancel })
        .on::<ChatgptAuthTokensRefreshParams, _, _>(|request, _cx| async move {
            let account = request.previous_account_id.unwrap_or_default();
            Ok(ChatgptAuthTokensRefreshResponse::new("secret", account))
        })
        .fallback(|method, params, cx| async move {
            assert_eq!(cx.thread_id().unwrap().as_str(), "t");
            match method.as_str() {
                "from/the/future" => Ok(json!({"echo": params["x"]})),
                _ => Err(HandlerError::not_handled()),
            }
        });
    let _codex = fake(&server, handlers).await;
    let initialize = server
        .received()
        .into_iter()
        .find(|it| it["method"] == "initialize");
    assert_eq!(
        initialize.unwrap()["params"]["capabilities"]["requestAttestation"],
        true
    );
    let exec = json!({"conversationId": "t", "callId": "c", "command": ["ls"], "cwd": "/", "parsedCmd": []});
    let patch = json!({"conversationId": "t", "callId": "c", "fileChanges": {}});
    for (method, params, result) in [
        (
            "attestation/generate",
            json!({}),
            json!({"token": "attested"}),
        ),
        (
            "currentTime/read",
            json!({"threadId": "t"}),
            json!({"currentTimeAt": 7}),
        ),
        ("execCommandApproval", exec, json!({"decision": "approved"})),
        ("applyPatchApproval", patch, json!({"decision": "abort"})),
        (
            "account/chatgptAuthTokens/refresh",
            json!({"reason": "unauthorized", "previousAccountId": "a"}),
            json!({"accessToken": "secret", "chatgptAccountId": "a"}),
        ),
        (
            "from/the/future",
            json!({"threadId": "t", "x": 1}),
            json!({"echo": 1}),
        ),
    ] {
        let answer = ask(&server, method, params).await;
        assert_eq!(answer["result"], result, "{method}: {answer}");
    }
    let answer = ask(&server, "other/future", json!({"threadId": "t"})).await;
    assert_eq!(answer["error"]["code"], -32601);
    // The fallback does not answer for what this version knows.
    let answer = ask(&server, COMMAND, command("u")).await;
    assert_eq!(answer["result"]["decision"], "decline");
}

/// The server asks about a thread before it has said that there is one.
#[tokio::test]
async fn a_request_about_a_thread_that_is_being_started_waits_for_its_handlers() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    server
        .expect("thread/start")
        .held_as("start")
        .ask("q", COMMAND, command("u"));
    let own = Handlers::new().command_approval(|_, _| async { Decision::Accept });
    let starting = tokio::spawn({
        let codex = codex.clone();
        async move { codex.thread_start().handlers(own).await }
    });
    server.wait_for("thread/start", 1).await;
    server.then().reply_to("start", thread_response("t"));
    server.expect_answer("q");
    starting.await.unwrap().unwrap();
    server.done().await;
    let answer = server.received().pop().unwrap();
    assert_eq!(answer["result"]["decision"], "accept", "{answer}");
}
