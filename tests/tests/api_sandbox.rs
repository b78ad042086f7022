//! Where commands may reach, on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

#[path = "support/warnings.rs"]
mod warnings;

use openai_codex::types::{JsonObject, SandboxPolicy};
use openai_codex::{ApprovalMode, Sandbox};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};
use serde_json::{Value, json};

/// A home whose configuration says all that the workspace-write mode can be told.
fn configured(model: &MockModel, root: &str) -> TestRuntime {
    TestRuntime::builder(model)
        .config("sandbox_workspace_write.writable_roots", json!([root]))
        .config("sandbox_workspace_write.exclude_slash_tmp", true)
        .config("sandbox_workspace_write.exclude_tmpdir_env_var", true)
        .config("sandbox_workspace_write.network_access", true)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_turn_in_workspace_write_keeps_what_is_configured() {
    let model = MockModel::start().unwrap();
    let root = tempfile::tempdir().unwrap();
    let root_path = root.path().to_str().unwrap();
    let runtime = configured(&model, root_path);
    let codex = client::connect(&runtime).await;
    let expected = json!({
        "type": "workspaceWrite", "writableRoots": [root_path], "networkAccess": true,
        "excludeSlashTmp": true, "excludeTmpdirEnvVar": true,
    });

    // Whether it changes the mode or repeats it.
    for start in [Sandbox::ReadOnly, Sandbox::WorkspaceWrite] {
        let thread = codex.thread_start().sandbox(start).await.unwrap();
        let (inside, outside) = (
            root.path().join("inside"),
            std::env::temp_dir().join(format!("outside-{}", thread.id())),
        );
        model.shell(format!(
            "echo x > {}; echo x > {}",
            inside.display(),
            outside.display()
        ));
        model.say("done");
        thread
            .run("Write.")
            .sandbox(Sandbox::WorkspaceWrite)
            .await
            .unwrap();

        assert!(inside.exists(), "a configured root was wiped");
        assert!(!outside.exists(), "/tmp was opened, which is excluded");
        std::fs::remove_file(inside).unwrap();
        let effective = client::effective(&codex, &thread).await.sandbox;
        assert_eq!(serde_json::to_value(effective).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_turn_in_workspace_write_keeps_what_the_thread_was_started_with() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let dotted = json!({
        "sandbox_workspace_write.network_access": true,
        "sandbox_workspace_write.exclude_slash_tmp": true,
        "sandbox_workspace_write.exclude_tmpdir_env_var": true,
        "sandbox_workspace_write.writable_roots": [root],
    });
    let nested = json!({"sandbox_workspace_write": {
        "network_access": true, "exclude_slash_tmp": true, "exclude_tmpdir_env_var": true,
        "writable_roots": [root],
    }});
    for (config, by_id) in [(&dotted, false), (&nested, false), (&nested, true)] {
        let config: JsonObject = serde_json::from_value(config.clone()).unwrap();
        let start = codex.thread_start().sandbox(Sandbox::ReadOnly);
        let started = start.config(config).await.unwrap();
        let thread = match by_id {
            true => codex.thread(started.id()),
            false => started.clone(),
        };
        model.say("done");
        let run = thread.run("Write.").sandbox(Sandbox::WorkspaceWrite);
        run.await.unwrap();
        let effective = client::effective(&codex, &thread).await.sandbox;
        assert_eq!(
            serde_json::to_value(effective).unwrap(),
            json!({
                "type": "workspaceWrite", "writableRoots": [root], "networkAccess": true,
                "excludeSlashTmp": true, "excludeTmpdirEnvVar": true,
            })
        );
    }
}

#[tokio::test]
async fn a_fork_has_no_workspace_settings_of_the_original() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let config = [("sandbox_workspace_write.network_access", true)];
    let start = codex.thread_start().sandbox(Sandbox::ReadOnly);
    let thread = start.config(config).await.unwrap();
    model.say("done");
    thread.run("hi").await.unwrap();
    // 0.163.0 gives it none, so a turn must not either.
    let fork = codex.thread_fork(thread.id()).await.unwrap();
    model.say("done");
    let run = fork.run("Write.").sandbox(Sandbox::WorkspaceWrite);
    run.await.unwrap();
    let effective = client::effective(&codex, &fork).await.sandbox;
    let effective = serde_json::to_value(effective).unwrap();
    assert_eq!(effective["networkAccess"], false);
}

#[tokio::test]
async fn the_configuration_of_the_threads_folder_holds_where_it_is_not_known_yet() {
    let (fake, codex) = client::fake().await;
    let mut stored = client::stored_thread("t");
    stored["cwd"] = json!("/src/project");
    fake.expect("thread/read").reply(json!({"thread": stored}));
    fake.expect_params("config/read", json!({"cwd": "/src/project"}))
        .reply(json!({"config": {}, "origins": {}}));
    fake.expect("turn/start").reply(client::turn_response("u"));
    let turn = codex.thread("t").turn("hi");
    turn.sandbox(Sandbox::WorkspaceWrite).await.unwrap();
    fake.done().await;
}

#[tokio::test]
async fn a_sandbox_of_a_turn_holds_for_later_turns() {
    let model = MockModel::start().unwrap();
    let (runtime, codex) = client::start(&model).await;
    let thread = codex
        .thread_start()
        .sandbox(Sandbox::FullAccess)
        .await
        .unwrap();
    assert_eq!(
        thread.info().unwrap().sandbox,
        SandboxPolicy::DangerFullAccess
    );
    let file = runtime.workspace().join("file");
    model.say("read-only now");
    thread
        .run("No more.")
        .sandbox(Sandbox::ReadOnly)
        .await
        .unwrap();
    model.shell(format!("echo x > {}", file.display()));
    model.say("done");
    thread.run("Write.").await.unwrap();
    assert!(!file.exists());
    assert!(matches!(
        client::effective(&codex, &thread).await.sandbox,
        SandboxPolicy::ReadOnly(_)
    ));
}

#[tokio::test]
async fn a_turn_without_a_sandbox_sends_none() {
    let (fake, codex) = client::fake().await;
    fake.expect("turn/start").reply(client::turn_response("u"));
    codex.thread("t").turn("hi").await.unwrap();
    assert_eq!(
        client::params_of(&fake, "turn/start"),
        json!({"threadId": "t", "input": [{"type": "text", "text": "hi"}]})
    );
}

#[tokio::test]
async fn presets_have_their_wire_form_on_threads_and_turns() {
    let (fake, codex) = client::fake().await;
    fake.always("thread/start")
        .reply(client::thread_response("t"));
    fake.always("config/read").reply(
        json!({"config": {"sandbox_workspace_write": {"network_access": true}}, "origins": {}}),
    );
    for (n, (sandbox, mode, policy)) in [
        (Sandbox::ReadOnly, "read-only", json!({"type": "readOnly"})),
        (
            Sandbox::WorkspaceWrite,
            "workspace-write",
            json!({
                "type": "workspaceWrite", "writableRoots": [], "networkAccess": true,
                "excludeSlashTmp": false, "excludeTmpdirEnvVar": false,
            }),
        ),
        (
            Sandbox::FullAccess,
            "danger-full-access",
            json!({"type": "dangerFullAccess"}),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        fake.expect("turn/start")
            .reply(client::turn_response(&format!("u{n}")));
        let thread = codex.thread_start().sandbox(sandbox).await.unwrap();
        thread.turn("hi").sandbox(sandbox).await.unwrap();
        assert_eq!(client::params_of(&fake, "thread/start")["sandbox"], mode);
        let sent: Value = client::params_of(&fake, "turn/start")["sandboxPolicy"].clone();
        assert_eq!(sent, policy);
    }
}

/// Nobody is to believe that what was asked for holds.
#[tokio::test]
async fn a_sandbox_for_a_turn_that_is_joined_holds_from_the_next_one_and_the_caller_is_told() {
    let warnings = warnings::Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.deltas(["wait"]).waits_for(&gate);
    model.shell("touch made.txt");
    model.say("done");
    let (runtime, codex) = client::start(&model).await;
    let start = codex.thread_start().approval_mode(ApprovalMode::DenyAll);
    let thread = start.sandbox(Sandbox::FullAccess).await.unwrap();
    let turn = thread.turn("first").await.unwrap();
    assert!(!turn.joined());
    gate.reached().await;
    let joined = thread.turn("second").sandbox(Sandbox::ReadOnly);
    let joined = joined.await.unwrap();
    assert_eq!(joined.id(), turn.id());
    assert!(joined.joined() && !turn.joined());
    assert!(thread.turn_handle(turn.id()).joined());
    let warned = warnings.take("joined a turn");
    assert!(warned.contains(r#"settings=["sandbox"]"#), "{warned}");
    gate.open();
    joined.run().await.unwrap();
    // The turn had begun with full access, and so it went on.
    assert!(runtime.workspace().join("made.txt").exists());
    let effective = client::effective(&codex, &thread).await.sandbox;
    assert!(
        matches!(effective, SandboxPolicy::ReadOnly(_)),
        "{effective:?}"
    );
}
