//! The program: what it prints, and its exit codes.

use std::path::Path;
use std::process::{Command, Output};

#[track_caller]
fn run(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openai-codex-runtime"));
    // No client, so nothing can be downloaded by mistake.
    command.env("PATH", "").env("OPENAI_CODEX_CACHE", cache);
    command.args(arguments).output().expect("it starts")
}

/// Checks the exit code, that there is nothing on standard output, and a part of standard error.
#[track_caller]
fn check(cache: &Path, arguments: &[&str], code: i32, part: &str) {
    let output = run(cache, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(stderr.contains(part), "{stderr}");
}

#[test]
fn what_is_not_installed_is_neither_found_nor_verified() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(
        folder.path(),
        &["locate"],
        3,
        "openai-codex-runtime install",
    );
    let missing = format!("{} is not installed", openai_codex_runtime::VERSION);
    check(folder.path(), &["verify"], 3, &missing);
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("it exists").count(),
        0
    );
}

#[test]
fn install_without_a_client_fails_and_names_the_alternatives() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(
        folder.path(),
        &["install"],
        1,
        "install uv, pip or npm, or point CODEX_BIN",
    );
    check(
        folder.path(),
        &["install", "--client", "npm"],
        1,
        "looked for npm",
    );
}

#[test]
fn wrong_arguments_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(
        folder.path(),
        &["install", "--client", "apt"],
        2,
        "`apt` is none of uv, pip and npm",
    );
    check(folder.path(), &["remove"], 2, "remove");
    check(folder.path(), &[], 2, "Usage");
}

#[test]
fn the_cache_argument_wins_over_the_variable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let blocked = file.to_str().expect("plain text");
    check(folder.path(), &["install", "--cache", blocked], 1, blocked);
    check(&file, &["install"], 1, "OPENAI_CODEX_CACHE");
}
