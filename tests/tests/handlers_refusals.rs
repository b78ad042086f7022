//! A turn that asks for everything, of a client that answers nothing.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;
#[path = "support/warnings.rs"]
mod warnings;

use std::time::Duration;

use openai_codex::types::{JsonObject, ThreadItem};
use openai_codex::{ApprovalMode, Decision, HandlerError, Handlers, TurnResult, TurnStatus};
use openai_codex_testkit::{McpServer, MockModel, TestRuntime};
use serde_json::{Value, json};

use support::{connect, start};
use warnings::Warnings;

fn from_json<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

fn commands(result: &TurnResult) -> Vec<String> {
    let commands = result.items.iter().filter_map(|item| match item {
        ThreadItem::CommandExecution(command) => Some(command.status.as_str().to_owned()),
        _ => None,
    });
    commands.collect()
}

#[tokio::test]
async fn without_handlers_a_turn_that_asks_for_everything_is_refused_it_all_and_ends() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let model = MockModel::start().unwrap();
    model.shell_escalated("touch refused", "May I?");
    model.apply_patch("*** Begin Patch\n*** Add File: refused\n+hi\n*** End Patch");
    model.calls(
        "request_permissions",
        json!({"reason": "so", "permissions": {"network": {"enabled": true}}}),
    );
    model.calls(
        "request_user_input",
        json!({"questions": [{
            "id": "color", "header": "Color", "question": "Which color?",
            "options": [{"label": "Red", "description": "r"}, {"label": "Blue", "description": "b"}],
        }]}),
    );
    model.calls_in("mcp__directory", "ask", json!({}));
    model.calls("nobody", json!({}));
    model.say("never mind");
    let runtime = TestRuntime::builder(&model)
        .feature("exec_permission_approvals", true)
        .feature("request_permissions_tool", true)
        .feature("default_mode_request_user_input", true)
        .mcp_server(
            "directory",
            McpServer::stdio(env!("CARGO_BIN_EXE_mcp-server")),
        )
        .build()
        .unwrap();
    let codex = connect(&runtime, Handlers::new()).await;
    // `Ask` needs a handler and a tool has one, so both go by hand.
    let settings = json!({"approval_policy": "on-request", "approvals_reviewer": "user"});
    let tool = json!({
        "type": "function", "name": "nobody", "description": "d",
        "inputSchema": {"type": "object", "properties": {}},
    });
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Inherit)
        .config(from_json::<JsonObject>(settings))
        .params(|mut params| {
            params.dynamic_tools = Some(vec![from_json(tool)]);
            params
        })
        .await
        .unwrap();
    let result = thread.run("Ask for everything.").await.unwrap();
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.final_response.as_deref(), Some("never mind"));
    assert_eq!(commands(&result), ["declined"]);
    assert!(!runtime.workspace().join("refused").exists());

    let request = model.last_request().unwrap();
    let told: Vec<_> = (request.function_outputs().iter())
        .map(|output| output.text())
        .collect();
    assert_eq!(told.len(), 6, "{told:#?}");
    assert!(!told[2].contains("enabled"), "{}", told[2]);
    assert!(!told[3].contains("Red") && !told[3].contains("Blue"));
    assert!(told[4].contains("decline"), "{}", told[4]);
    for method in [
        "item/commandExecution/requestApproval",
        "item/fileChange/requestApproval",
        "item/permissions/requestApproval",
        "item/tool/requestUserInput",
        "mcpServer/elicitation/request",
        "item/tool/call",
    ] {
        let warned = warnings.take(method);
        assert!(
            warned.contains(thread.id().as_str()) && warned.contains(result.id.as_str()),
            "{method}: {warned}"
        );
        assert!(!warned.contains("touch"), "{warned}");
    }
}

#[tokio::test]
async fn a_handler_that_fails_panics_or_hangs_lets_the_turn_go_on() {
    let model = MockModel::start().unwrap();
    for command in ["touch fails", "touch panics", "touch hangs", "touch fine"] {
        model.shell_escalated(command, "May I?");
    }
    model.say("done");
    let handlers = Handlers::new()
        .command_approval(|request, _cx| async move {
            let command = request.command.unwrap_or_default();
            match command.rsplit_once(' ').map(|(_, last)| last) {
                Some("fails'") => Err(HandlerError::new("no idea")),
                Some("panics'") => panic!("as it should in this test"),
                Some("hangs'") => std::future::pending().await,
                _ => Ok(Decision::Accept),
            }
        })
        .timeout(Duration::from_millis(500));
    let (runtime, codex) = start(&model, handlers).await;
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let result = thread.await.unwrap().run("Do it.").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("done"));
    let outcomes = ["failed", "failed", "failed", "completed"];
    assert_eq!(commands(&result), outcomes);
    for name in ["fails", "panics", "hangs"] {
        assert!(!runtime.workspace().join(name).exists(), "{name}");
    }
    assert!(runtime.workspace().join("fine").exists());
}
