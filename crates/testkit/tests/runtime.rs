//! The runtime's home, its options, and what is left of it.

mod support;

use std::time::Instant;

use openai_codex_testkit::{McpServer, MockModel, PATIENCE, TestRuntime};
use serde_json::json;
use support::{Client, Stage};

#[test]
fn options_reach_the_runtime() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .approval_policy("on-request")
        .sandbox_mode("workspace-write")
        .config("model_reasoning_effort", "high")
        .feature("goals", false)
        .mcp_server(
            "docs of it",
            McpServer::stdio("no-such-server")
                .arg("--x")
                .env("KEY", "1"),
        )
        .extra_toml("[model_providers.mock_provider.http_headers]\nx-extra = \"told\"")
        .build()
        .unwrap();
    let mut client = Client::start(&runtime);
    let started = client.request("thread/start", json!({}));
    assert_eq!(started["approvalPolicy"], "on-request");
    assert_eq!(started["sandbox"]["type"], "workspaceWrite");
    assert_eq!(started["reasoningEffort"], "high");
    assert_eq!(started["cwd"], runtime.workspace().to_str().unwrap());
    model.say("ok");
    client.turn(started["thread"]["id"].as_str().unwrap(), "go");
    let request = model.last_request().unwrap();
    assert_eq!(request.header("x-extra"), Some("told"));
    assert!(
        request.tool("get_goal").is_none(),
        "offered when the feature is on"
    );
    let config = client.request("config/read", json!({}));
    let server = &config["config"]["mcp_servers"]["docs of it"];
    assert_eq!(server["command"], "no-such-server");
    assert_eq!(server["args"], json!(["--x"]));
    assert_eq!(server["env"], json!({"KEY": "1"}));
}

#[test]
fn an_escalated_command_asks_its_client() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .approval_policy("on-request")
        .build()
        .unwrap();
    let mut stage = Stage::with(model, runtime);
    stage.model.shell_escalated("echo outside", "May I?");
    stage.model.say("done");
    let turn = stage.client.turn_start(&stage.thread, "go");
    let request = stage
        .client
        .until(|message| message["method"] == "item/commandExecution/requestApproval");
    assert_eq!(request["params"]["reason"], "May I?");
    stage
        .client
        .send(json!({"id": request["id"], "result": {"decision": "accept"}}));
    let turn = stage.client.turn_end(&turn);
    assert_eq!(
        turn.items("commandExecution")[0]["aggregatedOutput"],
        "outside\n"
    );
}

#[test]
fn the_reviewer_allows_and_denies_as_scripted() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .approval_policy("on-request")
        .config("approvals_reviewer", "auto_review")
        .build()
        .unwrap();
    let mut stage = Stage::with(model, runtime);
    stage.model.shell_escalated("echo allowed", "May I?");
    stage.model.when_reviewing().allows("It only prints.");
    stage.model.shell_escalated("echo denied", "And now?");
    stage.model.when_reviewing().denies("Once is enough.");
    stage.model.say("done");
    let turn = stage.turn("go");
    let statuses: Vec<_> = turn
        .items("commandExecution")
        .iter()
        .map(|item| &item["status"])
        .collect();
    assert_eq!(statuses, ["completed", "declined"]);
    let reviews: Vec<_> = turn.all("item/autoApprovalReview/completed");
    assert_eq!(reviews[0]["review"]["rationale"], "It only prints.");
    let review = stage
        .model
        .requests()
        .into_iter()
        .find(|request| request.is_review())
        .unwrap();
    assert_eq!(review.parent_thread_id(), Some(&*stage.thread));
    stage.model.assert_finished();
}

#[test]
fn a_patch_changes_the_workspace() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .sandbox_mode("workspace-write")
        .build()
        .unwrap();
    let mut stage = Stage::with(model, runtime);
    let patch = "*** Begin Patch\n*** Add File: note.txt\n+PATCH\n+it's here\n*** End Patch";
    stage.model.apply_patch(patch);
    stage.model.say("patched");
    let turn = stage.turn("write");
    assert_eq!(turn.items("fileChange")[0]["status"], "completed");
    let note = std::fs::read_to_string(stage.runtime.workspace().join("note.txt")).unwrap();
    assert_eq!(note, "PATCH\nit's here\n");
}

#[test]
fn several_servers_start_on_one_home_at_once() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Client::start(&runtime)))
            .collect();
        starts
            .into_iter()
            .for_each(|start| drop(start.join().unwrap()));
    });
}

#[test]
fn the_user_is_kept_out() {
    let mut stage = Stage::new();
    stage.model.shell("echo $HOME $CODEX_HOME; ls -A ~");
    stage.model.say("done");
    let turn = stage.turn("go");
    let output = turn.items("commandExecution")[0]["aggregatedOutput"]
        .as_str()
        .unwrap();
    let home = stage.runtime.home();
    let root = home.parent().unwrap().to_str().unwrap();
    assert_eq!(output, format!("{root}/user-home {root}/codex-home\n"));
}

#[test]
fn everything_is_removed_on_drop_unless_kept() {
    let model = MockModel::start().unwrap();
    let root = |runtime: &TestRuntime| runtime.home().parent().unwrap().to_owned();

    let runtime = TestRuntime::new(&model).unwrap();
    let removed = root(&runtime);
    drop(Client::start(&runtime));
    assert!(removed.is_dir());
    drop(runtime);
    assert!(!removed.exists());

    let runtime = TestRuntime::builder(&model).keep().build().unwrap();
    let kept = root(&runtime);
    drop(runtime);
    assert!(kept.join("codex-home/config.toml").is_file());
    assert!(!kept.join("in-use.lock").exists(), "it would be swept");
    std::fs::remove_dir_all(kept).unwrap();
}

/// The usual order of a test: its client goes first, but the process ends when it can.
#[test]
fn what_a_runtime_puts_back_as_it_ends_is_removed_too() {
    let Stage {
        client, runtime, ..
    } = Stage::new();
    let root = runtime.home().parent().unwrap().to_owned();
    drop(runtime);
    // Windows removes no folder that a process is in; there it is gone when the runtime is.
    assert!(!root.exists() || cfg!(windows));
    drop(client);
    let deadline = Instant::now() + PATIENCE;
    while root.exists() {
        assert!(Instant::now() < deadline, "{} is back", root.display());
        std::thread::yield_now();
    }
}

#[test]
fn stderr_of_the_runtime_can_be_read() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .env("RUST_LOG", "debug")
        .build()
        .unwrap();
    drop(Client::start(&runtime));
    assert!(runtime.stderr().contains("DEBUG"), "{}", runtime.stderr());
}

#[test]
fn a_missing_binary_is_an_error_that_names_it() {
    let model = MockModel::start().unwrap();
    let error = TestRuntime::builder(&model)
        .codex_bin("/no/such/codex")
        .build()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no Codex runtime at /no/such/codex"
    );
}
