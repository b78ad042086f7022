//! Rules for commands on the real runtime: what it runs, and what it asks about.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

#[path = "support/handlers.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use openai_codex::types::ThreadItem;
use openai_codex::{ApprovalMode, CommandRule, Decision, Handlers, TurnResult};
use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;

use support::connect;

fn ran(result: &TurnResult) -> Vec<bool> {
    let commands = result.items.iter().filter_map(|item| match item {
        ThreadItem::CommandExecution(command) => Some(command.exit_code == Some(0)),
        _ => None,
    });
    commands.collect()
}

/// A program that leaves a trace, under an innocent name.
fn plant(path: &Path) {
    fs::write(path, "#!/bin/sh\ntouch evil\n").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_crafted_command_line_does_not_slip_past_a_rule() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let folder = runtime.workspace().to_owned();
    plant(&folder.join("touch"));
    plant(&folder.join("bash"));
    let here = folder.display();
    let crafted = [
        "touch ok-1; touch evil",
        "touch ok-1 && touch evil",
        "touch ok-1 || touch evil",
        "touch ok-1 & touch evil",
        "touch ok-1 | touch evil",
        "touch ok-1\ntouch evil",
        "touch ok-1\r\ntouch evil",
        "touch ok-$(touch evil)",
        "touch \"ok-$(touch evil)\"",
        "touch ok-`touch evil`",
        "touch ok-1 > evil",
        "touch 'ok-1'; touch 'evil'",
        "touch 'ok-1\ntouch evil'; touch evil",
        "touch ok-1 \\\n; touch evil",
        "PATH=. touch ok-1",
        "PATH=. \\touch ok-1",
        "env PATH=. touch ok-1",
        "./touch ok-1",
        &format!("{here}/touch ok-1"),
        "eval 'touch evil' # touch ok-1",
        "touch evil",
        "touch ok-1 evil",
        "touch {ok-1,evil}",
    ];
    for line in crafted {
        model.shell_escalated(line, "May I?");
    }
    // 0.163.0 takes the bash of the system all the same.
    let its_own_shell = json!({
        "cmd": "touch ok-1", "shell": folder.join("bash"), "yield_time_ms": 10_000,
        "sandbox_permissions": "require_escalated", "justification": "May I?",
    });
    model.calls("exec_command", its_own_shell);
    model.shell_escalated("touch ok-1", "May I?");
    model.shell_escalated("touch 'ok-2'", "May I?");
    model.say("done");

    let asked = Arc::new(Mutex::new(Vec::new()));
    let denied = Arc::clone(&asked);
    let rule = CommandRule::words(["touch", "ok-*"]).and(CommandRule::inside(&folder));
    let handlers = Handlers::new().command_approval(rule.or_else(move |request, _cx| {
        denied.lock().unwrap().push(request.command);
        async { Decision::Decline }
    }));
    let codex = connect(&runtime, handlers).await;
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let thread = thread.await.unwrap();
    let result = thread.run("Go on.").await.unwrap();

    assert!(!folder.join("evil").exists());
    assert!(folder.join("ok-1").exists() && folder.join("ok-2").exists());
    let expected: Vec<_> = (0..crafted.len() + 3)
        .map(|at| at >= crafted.len())
        .collect();
    assert_eq!(ran(&result), expected);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), crafted.len(), "{asked:#?}");
}

#[tokio::test]
async fn what_no_rule_allows_is_declined() {
    let model = MockModel::start().unwrap();
    model.shell_escalated("cat inside", "May I?");
    model.shell_escalated("cat /etc/hostname", "May I?");
    model.shell_escalated("touch inside", "May I?");
    // In a folder of the model's choice.
    let elsewhere = json!({
        "cmd": "cat hostname", "workdir": "/etc", "yield_time_ms": 10_000,
        "sandbox_permissions": "require_escalated", "justification": "May I?",
    });
    model.calls("exec_command", elsewhere);
    model.say("done");
    let runtime = TestRuntime::new(&model).unwrap();
    fs::write(runtime.workspace().join("inside"), "text").unwrap();
    let rule = CommandRule::read_only().and(CommandRule::inside(runtime.workspace()));
    let handlers = Handlers::new().command_approval(rule.or_decline());
    let codex = connect(&runtime, handlers).await;
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let result = thread.await.unwrap().run("Go on.").await.unwrap();
    assert_eq!(ran(&result), [true, false, false, false]);
}
