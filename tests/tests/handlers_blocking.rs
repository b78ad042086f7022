//! Handlers and tools of the blocking client.
#![allow(clippy::unwrap_used)]

use openai_codex::blocking::Codex;
use openai_codex::{ApprovalMode, CommandRule, Decision, Handlers, Tool};
use openai_codex_testkit::{MockModel, TestRuntime};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Greeting {
    name: String,
}

/// The handlers are async functions here too, and run while the caller waits.
#[test]
fn a_blocking_client_answers_approvals_and_calls() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let rule =
        CommandRule::words(["touch", "by-rule"]).and(CommandRule::inside(runtime.workspace()));
    let codex = Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env())
        .handlers(Handlers::new().command_approval(rule.or_decline()))
        .send()
        .unwrap();
    model.shell_escalated("touch by-rule", "May I?");
    model.shell_escalated("touch other", "May I?");
    model.calls("greet", json!({"name": "Ada"}));
    model.say("done");
    let greet = Tool::new("greet", "Greets", |args: Greeting, _cx| async move {
        Ok(format!("hello {}", args.name))
    });
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .tool(greet)
        .send()
        .unwrap();
    let result = thread.run("Go on.").send().unwrap();
    assert_eq!(result.final_response.as_deref(), Some("done"));
    assert!(runtime.workspace().join("by-rule").exists());
    assert!(!runtime.workspace().join("other").exists());
    let request = model.last_request().unwrap();
    assert_eq!(request.function_outputs()[2].text(), "hello Ada");

    // A thread's own handlers go first.
    let own = Handlers::new().command_approval(|_, _| async { Decision::Accept });
    model.shell_escalated("touch other", "May I?");
    model.say("done");
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .handlers(own)
        .send()
        .unwrap();
    thread.run("Go on.").send().unwrap();
    assert!(runtime.workspace().join("other").exists());
    codex.close().unwrap();
}
