//! The agent against a session that was recorded once: without runtime, model or network.
//!
//! `RECORD=1 cargo test --test recorded` records it anew, here with a scripted model; with your own
//! account it would be a real one.

use std::path::Path;

use openai_codex::Codex;
use openai_codex_testkit::{MockModel, Replay, TestRuntime};
use serde_json::json;
use testing_your_agent::{Issues, ReleaseAgent};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/recordings/seven-open.jsonl"
);

async fn ask(codex: &Codex, repository: &Path) -> Result<String> {
    let issues = Issues::from([("1.5".to_owned(), 7)]);
    let agent = ReleaseAgent::start(codex, repository, issues).await?;
    Ok(agent.can_release("1.5").await?)
}

async fn record() -> Result {
    let model = MockModel::start()?;
    model.calls("open_issues", json!({"milestone": "1.5"}));
    model.say("No: seven issues are open.");
    let runtime = TestRuntime::new(&model)?;
    let codex = Codex::builder()
        .codex_bin(runtime.binary())
        .envs(runtime.env())
        .cwd(runtime.workspace())
        .record(RECORDING)
        .await?;
    ask(&codex, runtime.workspace()).await?;
    codex.close().await?;
    Ok(())
}

#[tokio::test]
async fn a_milestone_with_open_issues_has_to_wait() -> Result {
    if std::env::var_os("RECORD").is_some() {
        record().await?;
    }
    // Lenient, so that a newer version of the SDK may say things in other words.
    let replay = Replay::open(RECORDING)?.lenient();
    let (read, write) = replay.connect();
    let codex = Codex::builder().connect_with(read, write).await?;
    let answer = ask(&codex, &std::env::temp_dir()).await?;
    assert_eq!(answer, "No: seven issues are open.");
    replay.assert_finished();
    Ok(())
}
