//! A session of the real runtime that was recorded is a test without it.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use client::builder;
use openai_codex::{Codex, CodexBuilder, Decision, Handlers, Result, ThreadStart};
use openai_codex_testkit::{MockModel, Normaliser, Replay, TestRuntime};
use serde_json::Value;

/// What a user's program does: two turns, with a command that is asked about and declined.
async fn session(codex: &Codex, question: &str) -> Result<Vec<String>> {
    let thread: ThreadStart = codex.thread_start();
    let thread = thread
        .approval_mode(openai_codex::ApprovalMode::Ask)
        .await?;
    thread.set_name("a name").await?;
    let first = thread.run(question).await?;
    let second = thread.run("And now?").await?;
    let answers = [first, second].map(|turn| turn.final_response.unwrap_or_default());
    Ok(answers.into())
}

fn answering(asked: &Arc<AtomicUsize>) -> CodexBuilder {
    let asked = Arc::clone(asked);
    Codex::builder().handlers(Handlers::new().command_approval(move |_, _| {
        asked.fetch_add(1, Ordering::Relaxed);
        async { Decision::Decline }
    }))
}

async fn record(path: &Path) -> Vec<String> {
    let model = MockModel::start().unwrap();
    model.shell_escalated("rm -r /", "May I?");
    model.deltas(["Then", " not."]);
    model.say("Nothing.");
    let runtime = TestRuntime::builder(&model)
        .approval_policy("on-request")
        .build()
        .unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let builder = answering(&asked)
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env());
    let codex = builder.record(path).await.unwrap();
    let answers = session(&codex, "Clean up").await.unwrap();
    codex.close().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    answers
}

#[tokio::test]
async fn a_recorded_session_is_replayed_without_runtime_or_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let answers = record(&path).await;
    assert_eq!(answers, ["Then not.", "Nothing."]);

    for _ in 0..3 {
        let asked = Arc::new(AtomicUsize::new(0));
        let replay = Replay::open(&path).unwrap();
        let (read, write) = replay.connect();
        let codex = answering(&asked).connect_with(read, write).await.unwrap();
        assert_eq!(session(&codex, "Clean up").await.unwrap(), answers);
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        replay.assert_finished();
        codex.close().await.unwrap();
    }
}

/// A program without tokio.
#[test]
fn the_blocking_client_is_recorded_and_replayed() {
    use openai_codex::blocking::Codex;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let ask = |codex: &Codex| {
        let thread = codex.thread_start().send().unwrap();
        thread.run("Hi").send().unwrap().final_response
    };
    let model = MockModel::start().unwrap();
    model.deltas(["Hel", "lo."]);
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env())
        .record(&path)
        .send()
        .unwrap();
    assert_eq!(ask(&codex).as_deref(), Some("Hello."));
    codex.close().unwrap();

    let replay = Replay::open(&path).unwrap();
    let (read, write) = replay.connect();
    let codex = Codex::builder().connect_with(read, write).unwrap();
    assert_eq!(ask(&codex).as_deref(), Some("Hello."));
    replay.assert_finished();
}

#[tokio::test]
async fn a_change_of_the_program_is_an_error_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    record(&path).await;

    let replay = Replay::open(&path).unwrap();
    let (read, write) = replay.connect();
    let codex = answering(&Arc::default())
        .connect_with(read, write)
        .await
        .unwrap();
    let error = session(&codex, "Tidy up").await.unwrap_err().to_string();
    assert!(
        error.contains("params.input[0].text\n    - \"Clean up\"\n    + \"Tidy up\""),
        "{error}"
    );
    assert!(replay.verify().is_err());

    let replay = Replay::open(&path).unwrap().lenient();
    let (read, write) = replay.connect();
    let codex = answering(&Arc::default())
        .connect_with(read, write)
        .await
        .unwrap();
    let answers = session(&codex, "Tidy up").await.unwrap();
    assert_eq!(answers, ["Then not.", "Nothing."]);
    replay.assert_finished();
}

/// The same again: paths, ids, processes and times of another run are no difference, in what the
/// client hears, what it reads, and what the model is asked.
#[tokio::test]
async fn a_normaliser_makes_runs_comparable() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let model = MockModel::start().unwrap();
        model.shell("pwd");
        model.say("Hello.");
        let runtime = TestRuntime::new(&model).unwrap();
        let codex = builder(&runtime).await.unwrap();
        let thread = codex.thread_start().await.unwrap();
        let mut normaliser = Normaliser::of(&runtime);
        let mut normal = |value| normaliser.json(&value);

        let turn = thread.turn("Where are you?").await.unwrap();
        let mut stream = turn.stream();
        let mut events = Vec::new();
        while let Some(event) = stream.next().await {
            events.push(serde_json::from_str(event.unwrap().raw()).unwrap());
        }
        // How many of these there are depends on the moment.
        events.retain(|event: &Value| event["method"] != "item/commandExecution/outputDelta");
        let items: Vec<Value> = events
            .into_iter()
            .filter(|event| event["method"].as_str().unwrap().starts_with("item/"))
            .map(&mut normal)
            .collect();
        let read = normal(serde_json::to_value(thread.read(true).await.unwrap()).unwrap());
        let asked = model.requests();
        let asked: Vec<Value> = asked.iter().map(|it| normal(it.body().clone())).collect();
        codex.close().await.unwrap();
        runs.push((items, read, asked));
    }
    let (items, read, asked) = &runs[0];
    assert_eq!(items, &runs[1].0);
    assert_eq!(read, &runs[1].1);
    assert_eq!(asked, &runs[1].2);
    assert_eq!(read["thread"]["cwd"], "[workspace]");
    assert_eq!(read["thread"]["cliVersion"], "[version]");
    assert!(
        items
            .iter()
            .any(|item| item["params"]["item"]["processId"].is_string())
    );
}
