//! The rule that the documentation recommends, tried with lines that agents write and with
//! lines that an attacker would.
#![allow(clippy::unwrap_used)]
// The traps are made of links.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use openai_codex_policy::{Command, Rule, Shell};

const ORDINARY: &str = include_str!("data/ordinary.txt");
const HOSTILE: &str = include_str!("data/hostile.txt");

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Sh, Shell::Zsh];

/// The rule of the chapter on approvals.
fn recommended(folder: &Path) -> Rule {
    Rule::any_of([Rule::read_only(), Rule::git_read().without_pager()])
        .and(Rule::inside(folder))
        .and_lists()
}

/// A project with a repository, and with traps.
fn project(home: &Path) -> PathBuf {
    let folder = home.join("project");
    for made in ["src", "links", "nested/.git", "bare", ".git"] {
        let made = folder.join(made);
        fs::create_dir_all(&made).unwrap();
        if made.ends_with(".git") || made.ends_with("bare") {
            for part in ["objects", "refs"] {
                fs::create_dir(made.join(part)).unwrap();
            }
            fs::write(made.join("HEAD"), "ref: refs/heads/main\n").unwrap();
            fs::write(made.join("config"), "[core]\n\tbare = false\n").unwrap();
        }
    }
    for file in ["src/lib.rs", "src/é.rs", "README.md", "Cargo.toml"] {
        fs::write(folder.join(file), "").unwrap();
    }
    fs::write(home.join("secret"), "").unwrap();
    for (link, to) in [
        ("out", ".."),
        ("s", "../secret"),
        ("dangling", "../none"),
        ("-l", ".."),
        ("links/a.rs", "../../secret"),
    ] {
        std::os::unix::fs::symlink(to, folder.join(link)).unwrap();
    }
    folder
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(characters)
}

/// A line with the characters that are written by their names.
fn characters(line: &str) -> String {
    let mut line = line.to_owned();
    for (name, char) in [
        ("<CR>", "\r"),
        ("<LF>", "\n"),
        ("<TAB>", "\t"),
        ("<NUL>", "\0"),
    ] {
        line = line.replace(name, char);
    }
    while let Some((before, after)) = line.split_once("<U+") {
        let (number, after) = after.split_once('>').unwrap();
        let char = char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap();
        line = format!("{before}{char}{after}");
    }
    line
}

#[test]
fn ordinary_lines_are_approved() {
    let home = tempfile::tempdir().unwrap();
    let folder = project(home.path());
    let rule = recommended(&folder);
    assert_eq!(lines(ORDINARY).count(), 50);
    for shell in SHELLS {
        let refused: Vec<_> = lines(ORDINARY)
            .filter(|line| {
                let command = Command::new(Some(shell), &**line, folder.to_str().unwrap());
                !rule.allows(&command)
            })
            .collect();
        println!(
            "{shell:?} approves {} of 50, and not {refused:#?}",
            50 - refused.len()
        );
        assert!(refused.len() <= 10, "{shell:?}: {refused:#?}");
    }
}

#[test]
fn hostile_lines_are_not() {
    let home = tempfile::tempdir().unwrap();
    let folder = project(home.path());
    let rule = recommended(&folder);
    assert!(lines(HOSTILE).count() >= 150);
    let mut approved = Vec::new();
    for line in lines(HOSTILE) {
        for shell in SHELLS {
            let command = Command::new(Some(shell), &*line, folder.to_str().unwrap());
            if rule.allows(&command) {
                approved.push((shell, line.clone()));
            }
        }
        // As the runtime says what it starts.
        let quoted = line.replace('\'', "'\"'\"'");
        for text in [format!("/bin/zsh -lc '{quoted}'"), line] {
            let command = Command::from_line(&text, folder.to_str().unwrap());
            if command.is_some_and(|command| rule.allows(&command)) {
                approved.push((Shell::Zsh, text));
            }
        }
    }
    assert!(approved.is_empty(), "{approved:#?}");
}

#[test]
fn every_command_of_an_approved_list_is_approved_alone() {
    let home = tempfile::tempdir().unwrap();
    let folder = project(home.path());
    let rule = recommended(&folder);
    let allows = |line: &str| {
        rule.allows(&Command::new(
            Some(Shell::Bash),
            line,
            folder.to_str().unwrap(),
        ))
    };
    let ordinary: Vec<_> = lines(ORDINARY).filter(|line| allows(line)).collect();
    for hostile in lines(HOSTILE) {
        for (at, ordinary) in ordinary.iter().enumerate() {
            let operator = ["; ", " && ", " | ", " || "][at % 4];
            // In a comment, or behind a `cd`, it is another line.
            if hostile.contains(['#', '\n']) || hostile.starts_with("cd ") {
                continue;
            }
            let line = format!("{ordinary}{operator}{hostile}");
            assert!(!allows(&line) || ordinary.starts_with("cd "), "{line}");
        }
    }
}
