//! Recordings and their pages.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The script of the page, by which an old program is known.
const SCRIPT: &str = include_str!("../../../crates/testkit-cli/src/html/page.js");

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Every recording of the repository.
pub fn recordings() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for version in fs::read_dir(root().join("tests/replays"))? {
        for file in fs::read_dir(version?.path())? {
            found.push(file?.path());
        }
    }
    found.retain(|file| file.extension().is_some_and(|it| it == "jsonl"));
    found.sort();
    Ok(found)
}

/// Lets `codex-testkit` make a page of a recording, in a folder.
pub fn page_of(recording: &Path, folder: &Path) -> Result<PathBuf> {
    let name = recording.file_name().context("no file")?;
    let page = folder.join(name).with_extension("html");
    // Beside the folder of the tests.
    let mut program = std::env::current_exe()?;
    program.pop();
    if program.ends_with("deps") {
        program.pop();
    }
    program.push(format!("codex-testkit{}", std::env::consts::EXE_SUFFIX));
    let hint = "build it with `cargo build -p openai-codex-testkit-cli`";
    let output = Command::new(&program)
        .args(["show", "--html"])
        .arg(recording)
        .arg("--output")
        .arg(&page)
        .output()
        .with_context(|| format!("{} is missing: {hint}", program.display()))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {told}", recording.display());
    let is_new = fs::read_to_string(&page)?.contains(SCRIPT);
    ensure!(is_new, "{} is old: {hint}", program.display());
    Ok(page)
}

/// Writes a recording of these messages, a tenth of a second apart.
pub fn session(file: &Path, messages: &[(&str, Value)]) -> Result<()> {
    let mut text = String::new();
    for (number, (direction, message)) in (0u32..).zip(messages) {
        let line = json!({ "dir": direction, "t": f64::from(number) / 10.0, "msg": message });
        text += &format!("{line}\n");
    }
    Ok(fs::write(file, text)?)
}

/// Writes a recording of so many bytes: turns with messages in pieces, commands with long output
/// and approvals.
pub fn large(file: &Path, bytes: u64) -> Result<()> {
    let mut out = BufWriter::new(fs::File::create(file)?);
    let mut written = 0;
    let mut at = 0.0;
    let mut turn = 0;
    let output = "a line of what a command printed\n".repeat(1_500);
    while written < bytes {
        turn += 1;
        let mut line = |direction: &str, message: Value| -> Result<()> {
            at += 0.01;
            let line = json!({ "dir": direction, "t": at, "msg": message }).to_string();
            written += u64::try_from(line.len())? + 1;
            Ok(writeln!(out, "{line}")?)
        };
        let about = |mut params: Value| {
            params["threadId"] = "t".into();
            params["turnId"] = format!("u{turn}").into();
            params
        };
        let item = |item: Value| about(json!({ "item": item }));
        line(
            "s2c",
            json!({"method":"turn/started","params":about(json!({}))}),
        )?;
        for number in 0..5 {
            let id = format!("m{number}");
            line(
                "s2c",
                json!({"method":"item/started","params":item(json!({"type":"agentMessage","id":id,"text":""}))}),
            )?;
            for piece in 0..50 {
                let delta = json!({"itemId":id,"delta":format!("piece {piece} ")});
                line(
                    "s2c",
                    json!({"method":"item/agentMessage/delta","params":about(delta)}),
                )?;
            }
            line(
                "s2c",
                json!({"method":"item/completed","params":item(json!({"type":"agentMessage","id":id,"text":"whole ".repeat(100)}))}),
            )?;
            let command = json!({"type":"commandExecution","id":format!("c{number}"),"command":"make","status":"completed","exitCode":0,"aggregatedOutput":output});
            line(
                "s2c",
                json!({"method":"item/completed","params":item(command)}),
            )?;
        }
        let ask = about(json!({"command":"make install","itemId":"c"}));
        line(
            "s2c",
            json!({"id":turn,"method":"item/commandExecution/requestApproval","params":ask}),
        )?;
        line("c2s", json!({"id":turn,"result":{"decision":"decline"}}))?;
        let ended = json!({"id":format!("u{turn}"),"status":"completed"});
        line(
            "s2c",
            json!({"method":"turn/completed","params":about(json!({ "turn": ended }))}),
        )?;
    }
    Ok(out.flush()?)
}
