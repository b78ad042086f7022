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

#[tokio::test]
async fn the_rule_of_the_chapter_approves_what_reads() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let folder = runtime.workspace().to_owned();
    let git = |arguments: &[&str]| {
        let mut process = std::process::Command::new("git");
        process.args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        let status = process.args(arguments).current_dir(&folder).status();
        status.unwrap().success()
    };
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/a.rs"), "foo\n").unwrap();
    assert!(git(&["init", "-q"]) && git(&["add", "."]) && git(&["commit", "-q", "-m", "x"]));
    // What `evil` would be run by.
    fs::create_dir_all(folder.join("made/objects")).unwrap();
    fs::create_dir(folder.join("made/refs")).unwrap();
    fs::write(folder.join("made/HEAD"), "ref: refs/heads/main\n").unwrap();
    let config = "[core]\n\tbare = true\n\tfsmonitor = \"touch evil;\"\n";
    fs::write(folder.join("made/config"), config).unwrap();

    let approved = [
        "git status --short",
        "git diff",
        "git log --oneline -5 | cat",
        "cd src && cat a.rs",
        "grep -rn foo src 2>/dev/null | head -n 3",
        "find . -name '*.rs' -not -path './made/*' | sort",
        "sed -n '1,80p' src/a.rs",
        "wc -l src/*.rs",
    ];
    let declined = [
        "cd made && git status",
        "git -C made status",
        "git diff --output=evil",
        "find . -exec touch evil '{}' +",
        "sed -n '1w evil' src/a.rs",
        "sort -o evil src/a.rs",
        "cat src/a.rs; touch evil",
        "ls | xargs touch evil",
        "cat ../evil",
    ];
    for line in approved.iter().chain(&declined) {
        model.shell_escalated(*line, "May I?");
    }
    // There is no pager for git to start.
    model.shell_escalated("printenv GIT_PAGER", "May I?");
    model.say("done");

    let rule = CommandRule::any_of([
        CommandRule::read_only(),
        CommandRule::git_read().without_pager(),
    ]);
    let rule = rule.and(CommandRule::inside(&folder)).and_lists();
    let rule = rule.or(CommandRule::words(["printenv", "GIT_PAGER"]));
    let handlers = Handlers::new().command_approval(rule.or_decline());
    let codex = connect(&runtime, handlers).await;
    let thread = codex.thread_start().approval_mode(ApprovalMode::Ask);
    let result = thread.await.unwrap().run("Go on.").await.unwrap();

    let mut expected = vec![true; approved.len()];
    expected.extend(vec![false; declined.len()]);
    expected.push(true);
    assert_eq!(ran(&result), expected, "{:#?}", result.items);
    assert!(!folder.join("evil").exists() && !folder.join("made/evil").exists());
    let last = result.items.iter().rev().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => command.aggregated_output.clone(),
        _ => None,
    });
    assert_eq!(last.as_deref().map(str::trim), Some("cat"));
}
