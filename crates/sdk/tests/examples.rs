//! Every example runs with `--demo`, and prints what it is there to show.

// This is a test as a whole.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What each example prints, in this order, among other things.
const EXPECTED: &[(&str, &[&str])] = &[
    (
        "approvals",
        &[
            "ls /etc",
            "allow? [y/N] n",
            "touch done.txt",
            "allow? [y/N] y",
            "rm -rf notes",
            "allow? [y/N] n",
            "agent> I looked around",
        ],
    ),
    ("blocking", &["No async needed.", "None at all."]),
    (
        "chat",
        &[
            "(nothing was said yet)",
            "you> Make a file",
            "[s]top? y",
            "notes.txt.",
            "[interrupted]",
            "  agent: I have made",
        ],
    ),
    (
        "concurrent",
        &[
            "> ",
            "a good question.",
            "> ",
            "a good question.",
            "> ",
            "a good question.",
        ],
    ),
    ("demo", &["you    >", "shell  $", "Completed in"]),
    (
        "errors_and_retry",
        &[
            "second attempt",
            "your limit",
            "2 items were done",
            "too long",
            "refused: thread/resume",
            "closed: true",
        ],
    ),
    (
        "images",
        &[
            "pixel.",
            "same pixel.",
            "refused: the runtime does not fetch",
            "seen 2 pictures",
        ],
    ),
    (
        "login",
        &[
            "nobody is logged in",
            "logged in with an API key",
            "nobody is logged in",
        ],
    ),
    (
        "quickstart",
        &[
            "codex 0.",
            "Hello from Codex.",
            "Hallo von Codex.",
            "tokens so far",
        ],
    ),
    (
        "resume_and_fork",
        &[
            "call it Ferris",
            "is called Ferris",
            "Then Corro",
            "Still Ferris",
            "stored:",
            "(Naming the crab)",
        ],
    ),
    (
        "steer_and_interrupt",
        &[
            "a long list",
            "three that matter",
            "One, two",
            "interrupted after",
        ],
    ),
    (
        "streaming",
        &[
            "echo 3 files",
            "There are three files.",
            "[last request: 906 tokens]",
            "Completed",
        ],
    ),
    (
        "structured",
        &[
            "Revise: Works, but",
            "parse.rs:12 panics",
            "README.md does not",
            r#"{"summary": "Good now."#,
            "Merge",
            "no review: Still good.",
        ],
    ),
    (
        "tools",
        &[
            "in_stock(lamp) = 3",
            "order(lamp, 5): too many",
            "order(lamp, 3): ordered",
            "agent> I have ordered three",
            "0 left",
        ],
    ),
];

#[tokio::test]
async fn every_example_plays_its_demo() {
    let mut wrong = Vec::new();
    for name in examples() {
        let expected = EXPECTED.iter().find(|(example, _)| *example == name);
        let outcome = match expected {
            None => Err("it is not listed in EXPECTED".to_owned()),
            Some((_, expected)) => match play(&name, &[]).await {
                Ok(output) => compare(&output, expected),
                Err(error) => Err(error),
            },
        };
        if let Err(error) = outcome {
            wrong.push(format!("--- {name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `demo` shows how a stage is set, and so has none that could be another's.
const NOT_RECORDED: &str = "demo";

#[tokio::test]
async fn every_example_replays_its_recording_without_a_runtime() {
    let mut wrong = Vec::new();
    for name in examples().iter().filter(|name| *name != NOT_RECORDED) {
        if let Err(error) = record_and_replay(name).await {
            wrong.push(format!("--- {name}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn record_and_replay(name: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    // What several threads send at once comes in any order, which a strict replay
    // does not take.
    let one = ("TOKIO_WORKER_THREADS", Path::new("1"));
    play(name, &[("EXAMPLE_RECORD", folder.path()), one]).await?;
    let nothing = folder.path().join("nothing");
    let variables = [
        ("EXAMPLE_REPLAY", folder.path()),
        ("CODEX_BIN", &nothing),
        ("OPENAI_CODEX_CACHE", &nothing),
        ("PATH", &nothing),
        one,
    ];
    let played = play(name, &variables).await;
    let files = std::fs::read_dir(folder.path()).unwrap();
    let mut recordings = 0;
    for path in files.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|it| it == "jsonl") {
            let awaited = std::fs::read_to_string(path.with_extension("awaited"));
            match awaited.map_err(|error| error.to_string())?.as_str() {
                "" => recordings += 1,
                failure => return Err(failure.to_owned()),
            }
        }
    }
    played?;
    (recordings > 0)
        .then_some(())
        .ok_or("it was not recorded".into())
}

#[test]
fn no_example_is_expected_that_does_not_exist() {
    let examples = examples();
    for (name, _) in EXPECTED {
        assert!(examples.iter().any(|it| it == name), "{name}");
    }
}

/// The names of the examples, from their folder.
fn examples() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Runs an example, and returns what it printed.
async fn play(name: &str, variables: &[(&str, &Path)]) -> Result<String, String> {
    let binary = built(name)?;
    let playing = Command::new(&binary)
        .arg("--demo")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    // Long enough to install the runtime first.
    let output = tokio::time::timeout(Duration::from_secs(120), playing)
        .await
        .map_err(|_| "it does not end".to_owned())?
        .map_err(|error| format!("{} does not start: {error}", binary.display()))?;
    let stdout = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.success() && !stderr.contains("did not follow its script") {
        true => Ok(stdout),
        false => Err(format!("{}\n{stderr}\n{stdout}", output.status)),
    }
}

/// The binary of an example. Cargo puts it beside the tests, and builds it for
/// `cargo test`, but not for `cargo test --test examples`.
fn built(name: &str) -> Result<PathBuf, String> {
    let own = std::env::current_exe().unwrap();
    let binary = own
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION);
    let modified = |path: &Path| path.metadata().and_then(|it| it.modified()).ok();
    let source = folder().join(name).with_extension("rs");
    match modified(&binary) >= modified(&source) {
        true => Ok(binary),
        false => {
            Err("it is not built: cargo build -p openai-codex --all-features --examples".into())
        }
    }
}

/// Looks for each expected text after the one before.
fn compare(output: &str, expected: &[&str]) -> Result<(), String> {
    let mut rest = output;
    for text in expected {
        let at = rest
            .find(text)
            .ok_or_else(|| format!("{text:?} is missing, or not in its place:\n{output}"))?;
        rest = &rest[at + text.len()..];
    }
    Ok(())
}
