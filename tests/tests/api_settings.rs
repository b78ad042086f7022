//! Settings of a client: what is refused, what is made absolute, what is shown.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

#[cfg(unix)]
use std::path::{Component, Path, PathBuf};

use client::Fake;
use openai_codex::{Codex, ErrorKind, ExternalMessage, Handlers, Tool};
use openai_codex_testkit::{FakeServer, MockModel};
use serde_json::{Value, json};

#[tokio::test]
async fn what_the_client_needs_cannot_be_opted_out_of() {
    for method in [
        "turn/started",
        "turn/completed",
        "item/completed",
        "thread/tokenUsage/updated",
        "error",
        "account/login/completed",
        "serverRequest/resolved",
        "thread/closed",
        "thread/archived",
        "thread/deleted",
        "thread/status/changed",
    ] {
        let (read, write) = FakeServer::bare().connect();
        let builder = Codex::builder().opt_out_notifications(["item/started", method]);
        let error = builder.connect_with(read, write).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.contains(method), "{text}");
        assert!(!text.contains("item/started"), "{text}");
    }
    let fake = FakeServer::new();
    let free = ["item/started", "turn/diff/updated", "skills/changed"];
    let builder = Codex::builder().opt_out_notifications(free);
    let _codex = builder.fake(&fake).await;
    let sent = client::params_of(&fake, "initialize");
    assert_eq!(
        sent["capabilities"]["optOutNotificationMethods"],
        json!(free)
    );
}

/// A path as it is from the working directory of this process.
#[cfg(unix)]
fn relative(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap();
    let up = here
        .components()
        .filter(|it| matches!(it, Component::Normal(_)));
    let mut relative: PathBuf = up.map(|_| "..").collect();
    relative.push(path.strip_prefix("/").unwrap());
    relative
}

#[cfg(unix)]
#[tokio::test]
async fn a_relative_home_and_folder_are_taken_from_this_process() {
    let model = MockModel::start().unwrap();
    let runtime = openai_codex_testkit::TestRuntime::new(&model).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (home, folder) = (
        runtime.home().canonicalize().unwrap(),
        folder.path().canonicalize().unwrap(),
    );
    let codex = client::builder(&runtime)
        .codex_home(relative(&home))
        .cwd(relative(&folder))
        .await
        .unwrap();
    assert_eq!(Path::new(codex.metadata().codex_home.as_str()), home);
    let thread = codex.thread_start().await.unwrap();
    assert_eq!(Path::new(&thread.info().unwrap().cwd), folder);
}

#[tokio::test]
async fn a_home_or_folder_that_is_not_there_is_named() {
    for builder in [
        Codex::builder().codex_home("/no/such/place"),
        Codex::builder().cwd("/no/such/place"),
    ] {
        let error = builder.launch_command(["true"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("/no/such/place"), "{error}");
    }
    let error = Codex::builder().cwd("").launch_command(["true"]).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn debug_texts_name_what_is_set_and_say_nothing_of_it() {
    const SECRET: &str = "correct horse battery staple";

    let (_fake, codex) = client::fake().await;
    let config = || openai_codex::types::JsonObject::from_iter([("key".to_owned(), json!(SECRET))]);
    let tool = || {
        Tool::with_schema(
            "weather",
            SECRET,
            json!({"type": "object"}),
            |_: Value, _| async { Ok(String::new()) },
        )
    };
    let thread = codex.thread("the-thread");
    let shown = [
        format!(
            "{:?}",
            Codex::builder()
                .env("TOKEN", SECRET)
                .config_override("key", SECRET)
                .launch_command([SECRET])
        ),
        format!(
            "{:?}",
            codex
                .thread_start()
                .base_instructions(SECRET)
                .developer_instructions(SECRET)
                .config(config())
                .handlers(Handlers::new())
                .tool(tool())
        ),
        format!(
            "{:?}",
            codex
                .thread_resume("the-thread")
                .base_instructions(SECRET)
                .config(config())
        ),
        format!(
            "{:?}",
            codex
                .thread_fork("the-thread")
                .developer_instructions(SECRET)
                .config(config())
        ),
        format!("{:?}", codex.thread_list().search_term(SECRET)),
        format!(
            "{:?}",
            thread.run(SECRET).output_schema(json!({"a": SECRET}))
        ),
        format!("{:?}", thread.turn(ExternalMessage::new("tool", SECRET))),
    ];
    for text in &shown {
        assert!(!text.contains("horse"), "{text}");
    }
    for (index, part) in [
        (1, "\"baseInstructions\""),
        (1, "weather"),
        (2, "\"config\""),
        (3, "\"developerInstructions\""),
        (4, "\"searchTerm\""),
        (5, "\"outputSchema\""),
        (5, "the-thread"),
        (6, "\"toolOutput\""),
    ] {
        assert!(shown[index].contains(part), "{part}: {}", shown[index]);
    }
}

#[tokio::test]
async fn closing_twice_does_no_harm_and_the_reason_stays() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let (one, other) = tokio::join!(codex.close(), codex.close());
    one.and(other).unwrap();
    codex.close().await.unwrap();
    let reason = codex.closed().await;
    assert!(reason.is_closed());
    for error in [
        thread.run("too late").await.unwrap_err(),
        codex.account().await.unwrap_err(),
    ] {
        assert!(error.is_closed());
        assert!(error.to_string().contains("close()"), "{error}");
    }
}
