//! Secrets that are given to a client: where they go, and where they do not.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

#[path = "support/client.rs"]
mod client;

use std::path::Path;

use openai_codex::{Codex, ErrorKind};
use openai_codex_testkit::{MockModel, TestRuntime};

const CANARY: &str = "hunter2Canary";

/// The processes on whose command line the secret is.
fn command_lines_with_it() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(CANARY)).collect()
}

/// The files below a folder that have the secret.
fn files_with_it(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            files_with_it(&path, found);
        } else if let Ok(contents) = std::fs::read(&path)
            && contents
                .windows(CANARY.len())
                .any(|part| part == CANARY.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
}

#[tokio::test]
async fn a_secret_override_reaches_every_thread_and_no_command_line() {
    let model = MockModel::start().unwrap();
    for _ in 0..3 {
        model.say("yes");
    }
    let runtime = TestRuntime::new(&model).unwrap();
    let start = || {
        client::builder(&runtime)
            .config_override("model_reasoning_effort", "\"high\"")
            .config_override(
                "model_providers.mock_provider.experimental_bearer_token",
                format!("\"{CANARY}\""),
            )
    };
    let codex = start().await.unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    let fork = codex.thread_fork(thread.id()).await.unwrap();
    fork.run("hi").await.unwrap();
    let shown = format!("{codex:?} {thread:?} {:?}", start());
    assert_eq!(command_lines_with_it(), Vec::<String>::new());
    codex.close().await.unwrap();

    let codex = start().await.unwrap();
    let thread = codex.thread_resume(thread.id()).await.unwrap();
    thread.run("hi").await.unwrap();
    assert_eq!(command_lines_with_it(), Vec::<String>::new());
    codex.close().await.unwrap();

    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        let authorization = request.header("authorization");
        assert_eq!(authorization, Some(&*format!("Bearer {CANARY}")));
    }
    assert!(!shown.contains(CANARY), "{shown}");
    let mut found = Vec::new();
    files_with_it(runtime.home(), &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn an_override_that_cannot_be_sent_is_refused_and_not_quoted() {
    for (key, value) in [
        ("token\nhunter2Canary", "1"),
        ("a", "{ api_key = \"hunter2Canary\", since = 1979-05-27 }"),
    ] {
        let builder = Codex::builder().config_override(key, value);
        let error = builder.codex_bin("/bin/false").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let told = format!("{error} {error:?}");
        assert!(
            told.contains("config_override") && !told.contains(CANARY),
            "{told}"
        );
    }
}
