//! Whether a command of git can only read, and starts nothing.

use std::fs;
use std::path::Path;

use super::commands::{self, GitCommand};
use super::config::names_no_program;
use super::format;
use super::index::has_submodules;
use super::repository::Repository;
use super::{Trust, folder_of, repository_of};
use crate::CommandLine;
use crate::folder::leads_inside;
use crate::line::Output;
use crate::readers::Argument;

/// Larger files of a repository are not looked into.
const CONFIG: u64 = 256 * 1024;
const INDEX: u64 = 64 * 1024 * 1024;

/// Options before the command that change nothing but how it looks.
const BEFORE: &[&str] = &["--literal-pathspecs", "--no-optional-locks"];

/// What `-c` may set.
const SET: &[&str] = &[
    "color.ui=always",
    "color.ui=false",
    "color.ui=never",
    "core.quotepath=false",
    "core.quotePath=false",
];

/// Whether a command of git only reads, in a repository that is trusted.
pub(crate) fn only_reads(command: &CommandLine, trust: &Trust<'_>) -> bool {
    let is_sure = command.other_readings().next().is_none();
    command.program() == "git" && is_sure && is_read(command, trust).is_some()
}

fn is_read(command: &CommandLine, trust: &Trust<'_>) -> Option<()> {
    let words: Vec<_> = command.words().collect();
    let mut is_unpaged = trust.no_pager || command.output() == Output::Elsewhere;
    let mut at = 0;
    let name = loop {
        let (word, is_pattern) = words.get(at)?;
        at += 1;
        match *word {
            _ if *is_pattern => return None,
            "--no-pager" | "-P" => is_unpaged = true,
            "-C" | "-c" => {
                let (value, is_pattern) = words.get(at)?;
                at += 1;
                if *is_pattern || *word == "-c" && !SET.contains(value) {
                    return None;
                }
            }
            word if BEFORE.contains(&word) => {}
            word => break word,
        }
    };
    let known = commands::named(name)?;
    let words = &words[at..];
    let has_operand = words.iter().any(|(word, _)| !word.starts_with('-'));
    // Behind `--`, it would be an operand as well.
    let lacks = known
        .operands_need
        .is_some_and(|option| !words.contains(&(option, false)) || words.contains(&("--", false)));
    let is_order = |at: usize| at > 0 && words[at - 1].0 == "--sort";
    // `grep` has patterns and no format.
    let has_program = name != "grep"
        && (words.iter().enumerate()).any(|(at, (word, _))| {
            let order = word.strip_prefix("--sort=");
            let order = order.or_else(|| is_order(at).then_some(word));
            !format::is_plain(word) || order.is_some_and(|it| !format::is_plain_order(it))
        });
    let taken = known.program.arguments(words)?;
    if has_operand && lacks || has_program || known.is_paged && !is_unpaged {
        return None;
    }
    let Repository::In(place) = repository_of(command) else {
        return None;
    };
    let is_trusted = (trust.roots.iter())
        .filter_map(|root| fs::canonicalize(root).ok())
        .any(|root| root.starts_with(&place));
    // `diff` reads any two files, if one of them is outside of the repository.
    let folder = folder_of(command)?;
    let mut paths = (words.iter().zip(&taken)).filter(|(_, taken)| **taken == Argument::Path);
    let leaves = name == "diff"
        && !paths.all(|((word, _), _)| leads_inside(&place, &folder, word, &trust.looks));
    (is_trusted && !leaves && starts_nothing(&place, known, words)).then_some(())
}

/// Whether git finds nothing to start in a repository. What your own configuration
/// names, in your home and that of the system, is yours.
fn starts_nothing(place: &Path, command: &GitCommand, words: &[(&str, bool)]) -> bool {
    let git = place.join(".git");
    // A file or a link would lead elsewhere, and so would this file in it.
    let is_folder = fs::symlink_metadata(&git).is_ok_and(|it| it.is_dir());
    let is_whole = ["HEAD", "objects", "refs"]
        .iter()
        .all(|it| git.join(it).exists());
    if !is_folder || !is_whole || !is_missing(&git.join("commondir")) {
        return false;
    }
    let plain = |name: &str| match read(&git.join(name), CONFIG) {
        Some(bytes) => String::from_utf8(bytes).is_ok_and(|text| names_no_program(&text)),
        None => false,
    };
    if !plain("config") || !(is_missing(&git.join("config.worktree")) || plain("config.worktree")) {
        return false;
    }
    // The one hook of reading: what is known of files is written down for the next time.
    let hooks = git.join("hooks");
    if !["post-index-change", "post-index-change.exe"]
        .iter()
        .all(|it| is_missing(&hooks.join(it)))
    {
        return false;
    }
    let passes_over = ["--ignore-submodules", "--ignore-submodules=all"];
    if !command.compares_files || words.iter().any(|(word, _)| passes_over.contains(word)) {
        return true;
    }
    // Another git is started in every submodule, with the configuration that it finds there.
    let index = git.join("index");
    is_missing(&index) || read(&index, INDEX).is_some_and(|it| has_submodules(&it) == Some(false))
}

fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// A file, if it is one and is not too large.
fn read(path: &Path, most: u64) -> Option<Vec<u8>> {
    let data = fs::metadata(path).ok()?;
    if !data.is_file() || data.len() > most {
        return None;
    }
    fs::read(path).ok()
}
