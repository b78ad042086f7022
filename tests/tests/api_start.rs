//! How a runtime is found, started, greeted and judged.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use client::Fake;
use openai_codex::types::{OLDEST_RUNTIME, RUNTIME_VERSION};
use openai_codex::{Codex, ErrorKind, ExternalMessage, VersionPolicy};
use openai_codex_testkit::{FakeServer, MockModel, TestRuntime};
use serde_json::json;

fn greets_as(fake: &FakeServer, user_agent: &str) {
    fake.always("initialize").reply(json!({
        "userAgent": user_agent, "codexHome": "/nowhere", "platformFamily": "unix",
        "platformOs": "linux",
    }));
}

#[tokio::test]
async fn the_handshake_says_who_we_are_and_what_we_can() {
    let fake = FakeServer::new();
    let codex = Codex::builder()
        .client_info("my_agent", "My Agent", "1.2.3")
        .experimental_api(false)
        .opt_out_notifications(["item/agentMessage/delta"])
        .fake(&fake)
        .await;
    let sent = client::params_of(&fake, "initialize");
    assert_eq!(
        sent["clientInfo"],
        json!({"name": "my_agent", "title": "My Agent", "version": "1.2.3"})
    );
    assert_eq!(
        sent["capabilities"]["optOutNotificationMethods"],
        json!(["item/agentMessage/delta"])
    );
    assert_eq!(sent["capabilities"]["experimentalApi"], false);
    drop(codex);

    let fake = FakeServer::new();
    let codex = Codex::builder().fake(&fake).await;
    let sent = client::params_of(&fake, "initialize");
    assert_eq!(sent["clientInfo"]["name"], "codex_rust_sdk");
    assert_eq!(sent["clientInfo"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(sent["capabilities"]["experimentalApi"], true);
    drop(codex);
}

#[tokio::test]
async fn the_version_is_read_from_the_user_agent() {
    for (user_agent, version) in [
        (
            "me/0.163.0 (Debian 12; x86_64) xterm (me; 1)",
            Some("0.163.0"),
        ),
        ("me/0.170.0-alpha.1", Some("0.170.0-alpha.1")),
        ("me", None),
    ] {
        let fake = FakeServer::new();
        greets_as(&fake, user_agent);
        let codex = Codex::builder()
            .version_policy(VersionPolicy::Any)
            .fake(&fake)
            .await;
        assert_eq!(codex.runtime_version(), version, "{user_agent}");
    }
}

#[tokio::test]
async fn an_exact_policy_refuses_any_other_version_and_names_both() {
    for version in ["0.163.1", "0.162.0", "1.0.0"] {
        let fake = FakeServer::new();
        greets_as(&fake, &format!("me/{version} (x)"));
        let (read, write) = fake.connect();
        let error = Codex::builder()
            .version_policy(VersionPolicy::Exact)
            .connect_with(read, write)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Handshake);
        let text = error.to_string();
        assert!(
            text.contains(version) && text.contains(RUNTIME_VERSION),
            "{text}"
        );
    }
    let fake = FakeServer::new();
    let codex = Codex::builder()
        .version_policy(VersionPolicy::Exact)
        .fake(&fake)
        .await;
    assert_eq!(codex.runtime_version(), Some(RUNTIME_VERSION));
}

#[tokio::test]
async fn a_runtime_that_is_too_old_is_refused_with_the_way_out_and_any_takes_it() {
    for version in ["0.153.9", "0.144.4", "0.154.0-alpha.1"] {
        let fake = FakeServer::new();
        greets_as(&fake, &format!("me/{version} (x)"));
        let (read, write) = fake.connect();
        let error = Codex::builder()
            .connect_with(read, write)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Handshake);
        let text = error.to_string();
        for part in [
            version,
            OLDEST_RUNTIME,
            "openai-codex-runtime install",
            "VersionPolicy::Any",
        ] {
            assert!(text.contains(part), "no {part} in: {text}");
        }
        let (_fake, codex) = client::fake_of_version(version).await;
        assert_eq!(codex.runtime_version(), Some(version));
    }
    for version in [
        OLDEST_RUNTIME,
        "0.162.9",
        RUNTIME_VERSION,
        "1.0.0",
        "unknown",
    ] {
        let fake = FakeServer::new();
        greets_as(&fake, &format!("me/{version} (x)"));
        let codex = Codex::builder().fake(&fake).await;
        assert_eq!(codex.runtime_version(), Some(version));
    }
}

#[tokio::test]
async fn options_that_an_older_runtime_ignores_fail_before_they_are_sent() {
    for version in ["0.150.9", "0.151.0-alpha.3", "0.1.0", "0.0.0", "unknown"] {
        let (fake, codex) = client::fake_of_version(version).await;
        let thread = codex.thread("t");
        for (error, option) in [
            (
                thread.turn("hi").source("cron").await.unwrap_err(),
                "source",
            ),
            (
                thread
                    .turn("hi")
                    .turn_service_tier("flex")
                    .await
                    .unwrap_err(),
                "turn_service_tier",
            ),
            (
                thread
                    .turn(ExternalMessage::new("ci", "green"))
                    .await
                    .unwrap_err(),
                "external message",
            ),
            (
                codex.thread_list().section_id("s").await.unwrap_err(),
                "section_id",
            ),
            (
                codex
                    .thread_fork("t")
                    .params(|params| params.before_turn_id("u"))
                    .await
                    .unwrap_err(),
                "before_turn_id",
            ),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let text = error.to_string();
            assert!(text.contains(option) && text.contains("0.151.0"), "{text}");
        }
        // What every version knows goes on working, and is the first thing sent.
        fake.expect("turn/start").reply(client::turn_response("u"));
        thread.turn("hi").await.unwrap();
        fake.assert_finished();
    }
}

#[tokio::test]
async fn options_of_newer_runtimes_are_sent_to_them() {
    for version in ["0.151.0", RUNTIME_VERSION, "1.0.0"] {
        let (fake, codex) = client::fake_of_version(version).await;
        fake.expect("turn/start").reply(client::turn_response("u"));
        codex
            .thread("t")
            .turn(ExternalMessage::new("ci", "green"))
            .source("cron")
            .await
            .unwrap();
        let sent = client::params_of(&fake, "turn/start");
        assert_eq!(
            sent,
            json!({
                "threadId": "t", "input": [], "turnTrigger": "cron",
                "toolOutput": {"name": "ci", "output": "green"},
            })
        );
    }
}

#[tokio::test]
async fn a_handshake_that_is_refused_or_makes_no_sense_is_an_error_and_ends_the_connection() {
    for script in [json!({}), json!("hello"), json!({"userAgent": 7})] {
        let fake = FakeServer::bare();
        fake.expect("initialize").reply(script);
        fake.always("initialized");
        let (read, write) = fake.connect();
        let error = Codex::builder()
            .connect_with(read, write)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Handshake, "{error:?}");
    }
    let fake = FakeServer::bare();
    fake.expect("initialize").error(-32600, "no");
    let (read, write) = fake.connect();
    let error = Codex::builder()
        .connect_with(read, write)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handshake, "{error:?}");
}

#[tokio::test]
async fn home_environment_folder_and_overrides_reach_the_runtime() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let codex = client::builder(&runtime)
        .env_clear()
        .envs(runtime.env())
        .codex_home(runtime.home())
        .env("PROBE", "from the test")
        .cwd(folder.path())
        .config_override("model", "\"overridden\"")
        .await
        .unwrap();
    assert_eq!(
        std::path::Path::new(codex.metadata().codex_home.as_str()),
        runtime.home().canonicalize().unwrap()
    );
    let thread = codex
        .thread_start()
        .sandbox(openai_codex::Sandbox::FullAccess)
        .await
        .unwrap();
    let info = thread.info().unwrap();
    assert_eq!(info.model, "overridden");
    assert_eq!(
        std::path::Path::new(&info.cwd),
        folder.path().canonicalize().unwrap()
    );
    model.shell("echo \"[$PROBE]\"");
    model.say("done");
    thread.run("go").await.unwrap();
    let output = model.last_request().unwrap().function_outputs()[0].text();
    assert!(output.contains("[from the test]"), "{output}");
}

#[tokio::test]
async fn a_launch_command_is_taken_as_it_is() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let mut argv = vec![runtime.binary().as_os_str().to_owned()];
    argv.extend(runtime.args().map(Into::into));
    let codex = Codex::builder()
        .launch_command(argv)
        .envs(runtime.env())
        .await
        .unwrap();
    let version = client::version_of(&runtime);
    assert_eq!(codex.runtime_version(), Some(version.as_str()));
}

#[cfg(unix)]
#[tokio::test]
async fn what_cannot_be_started_is_a_launch_error_that_says_what() {
    let missing = Codex::builder()
        .codex_bin("/no/such/codex")
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Launch);
    assert!(missing.to_string().contains("/no/such/codex"), "{missing}");
    let broken = Codex::builder()
        .launch_command(["sh", "-c", "echo it broke >&2; exit 3"])
        .await
        .unwrap_err();
    assert!(
        matches!(broken.kind(), ErrorKind::Launch | ErrorKind::Handshake),
        "{broken:?}"
    );
    assert!(
        broken
            .stderr_tail()
            .unwrap_or_default()
            .contains("it broke"),
        "{broken:?}"
    );
}

#[tokio::test]
async fn options_of_a_launch_are_refused_where_there_is_none() {
    let builder = Codex::builder;
    for (option, builder) in [
        ("codex_bin", builder().codex_bin("codex")),
        ("launch_command", builder().launch_command(["codex"])),
        ("config_override", builder().config_override("model", "1")),
        ("cwd", builder().cwd("/")),
        ("env", builder().env("KEY", "value")),
        ("env_clear", builder().env_clear()),
        ("codex_home", builder().codex_home("/")),
    ] {
        let fake = FakeServer::new();
        let (read, write) = fake.connect();
        let error = builder.connect_with(read, write).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let said = error.to_string();
        assert!(said.starts_with(&format!("{option} says")), "{said}");
        assert!(fake.received().is_empty());
    }
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_before_anything_starts() {
    for builder in [
        Codex::builder().max_in_flight(0),
        Codex::builder().launch_command(Vec::<String>::new()),
        Codex::builder().config_override("", "1"),
        Codex::builder().config_override("a=b", "1"),
        Codex::builder()
            .config_override("model", "1")
            .launch_command(["true"]),
    ] {
        let error = builder.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

/// Runs this test again as a process whose environment has no runtime.
#[cfg(unix)]
#[test]
fn a_missing_runtime_names_every_place_and_the_command_that_mends_it() {
    const AGAIN: &str = "OPENAI_CODEX_TEST_WITHOUT_RUNTIME";
    if std::env::var_os(AGAIN).is_some() {
        // Outside of any runtime this is an error and no panic.
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(outside) = std::pin::pin!(Codex::new()).poll(&mut cx) else {
            panic!("there is nothing to wait for");
        };
        assert_eq!(outside.unwrap_err().kind(), ErrorKind::InvalidInput);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let error = runtime.block_on(Codex::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Launch);
        println!("said: {error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("codex");
    std::fs::write(&old, "#!/bin/sh\necho codex-cli 0.100.0\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&old, mode).unwrap();
    let said = |path: &std::path::Path| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "a_missing_runtime_names_every_place_and_the_command_that_mends_it",
            ])
            .env(AGAIN, "1")
            .env_remove("CODEX_BIN")
            .env("OPENAI_CODEX_CACHE", folder.path().join("cache"))
            .env("PATH", path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let nowhere = said(&folder.path().join("empty"));
    for part in [
        "codex_bin",
        "$CODEX_BIN",
        folder.path().join("cache").to_str().unwrap(),
        "PATH",
        "openai-codex-runtime install",
    ] {
        assert!(nowhere.contains(part), "{part} is not in {nowhere}");
    }
    let too_old = said(folder.path());
    assert!(too_old.contains("0.100.0"), "{too_old}");
}

/// 0.163.0 makes the file of a thread a moment before it writes to it.
#[tokio::test(start_paused = true)]
async fn a_thread_that_is_just_being_written_is_read_a_moment_later() {
    let refusal = "failed to read session metadata /x.jsonl: rollout at /x.jsonl is empty";
    let (fake, codex) = client::fake().await;
    let thread = codex.thread("t");
    for _ in 0..3 {
        fake.expect("thread/read").error(-32603, refusal);
    }
    fake.expect("thread/read")
        .reply(json!({"thread": client::stored_thread("t")}));
    assert_eq!(thread.read(false).await.unwrap().thread.id, "t");

    // One that nobody ever wrote to.
    let always = fake.always("thread/read");
    always.error(-32603, refusal);
    let begun = tokio::time::Instant::now();
    let error = thread.read(false).await.unwrap_err();
    assert!(error.to_string().contains("is empty"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn reads_are_sent_again_on_overload_and_writes_are_not() {
    let (fake, codex) = client::fake().await;
    for _ in 0..2 {
        fake.expect("account/read")
            .error(-32001, "Server overloaded; retry later.");
    }
    fake.expect("account/read")
        .reply(json!({"account": null, "requiresOpenaiAuth": false}));
    codex.account().await.unwrap();

    for _ in 0..3 {
        fake.expect("account/read")
            .error(-32001, "Server overloaded; retry later.");
    }
    let error = codex.account().await.unwrap_err();
    assert!(error.is_overloaded(), "three attempts, and no more");

    fake.expect("account/read").error(-32600, "no");
    assert!(!codex.account().await.unwrap_err().is_overloaded());

    fake.expect("thread/start")
        .error(-32001, "Server overloaded; retry later.");
    assert!(codex.thread_start().await.unwrap_err().is_overloaded());
    fake.expect("turn/start")
        .error(-32001, "Server overloaded; retry later.");
    assert!(
        codex
            .thread("t")
            .run("hi")
            .await
            .unwrap_err()
            .is_overloaded()
    );
    fake.assert_finished();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_answered_times_out() {
    let fake = FakeServer::new();
    let codex = Codex::builder()
        .request_timeout(Some(Duration::from_secs(7)))
        .fake(&fake)
        .await;
    fake.expect("account/read");
    let before = tokio::time::Instant::now();
    let error = codex.account().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.method(), Some("account/read"));
    assert_eq!(before.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn answers_in_another_order_find_their_callers() {
    let (fake, codex) = client::fake().await;
    fake.expect("account/read").held_as("account");
    fake.expect("model/list")
        .reply(json!({"data": []}))
        .reply_to(
            "account",
            json!({"account": null, "requiresOpenaiAuth": true}),
        );
    let (account, models) = tokio::join!(codex.account(), codex.models().send());
    assert!(account.unwrap().requires_openai_auth);
    assert!(models.unwrap().is_empty());
}

/// The failing test is this one, run once more.
#[test]
fn a_test_that_fails_shows_what_the_runtime_wrote_to_stderr() {
    const AGAIN: &str = "OPENAI_CODEX_TEST_THAT_FAILS";
    if std::env::var_os(AGAIN).is_some() {
        let model = MockModel::start().unwrap();
        let runtime = TestRuntime::builder(&model).env("RUST_LOG", "debug");
        let runtime = runtime.build().unwrap();
        let executor = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        executor.block_on(async {
            let codex = client::connect(&runtime).await;
            codex.models().await.unwrap();
            panic!("on purpose");
        });
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "a_test_that_fails_shows_what_the_runtime_wrote_to_stderr",
        ])
        .env(AGAIN, "1")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let (panic, shown) = said
        .split_once("--- stderr of the Codex runtime ---")
        .unwrap_or_else(|| panic!("{said}"));
    assert!(panic.contains("on purpose"), "{panic}");
    assert!(shown.contains("DEBUG"), "{shown}");
}
