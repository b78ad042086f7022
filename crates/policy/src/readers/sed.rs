//! `sed`, as far as it prints lines by their numbers. Its other commands write files
//! (`w`) and start programs (`e`), and so do its options.

use super::Argument;
use super::Argument::{Path, Text};

/// How the arguments are taken, if they are `-n`, lines to print, and files.
pub(super) fn arguments(words: &[(&str, bool)]) -> Option<Vec<Argument>> {
    let (options, rest) =
        words.split_at(words.iter().position(|(word, _)| !word.starts_with('-'))?);
    let (script, files) = rest.split_first()?;
    let is_quiet = options
        .iter()
        .any(|(word, _)| matches!(*word, "-n" | "--quiet" | "--silent"));
    let mut known = options.iter().map(|(word, _)| *word);
    let are_known = known.all(|word| {
        matches!(
            word,
            "-n" | "--quiet" | "--silent" | "-E" | "-r" | "-nE" | "-En"
        )
    });
    // It would take them for options wherever they are.
    let are_files = files.iter().all(|(word, _)| !word.starts_with('-'));
    if !(is_quiet && are_known && are_files) || script.1 || !script.0.split(';').all(prints) {
        return None;
    }
    let mut taken = vec![Text; options.len() + 1];
    taken.resize(words.len(), Path);
    Some(taken)
}

/// Whether this is `p` with one or two numbers of lines.
fn prints(command: &str) -> bool {
    let is_number = |text: &str| {
        text == "$" || !text.is_empty() && text.chars().all(|char| char.is_ascii_digit())
    };
    let Some(lines) = command.trim_matches(' ').strip_suffix('p') else {
        return false;
    };
    match lines.split_once(',') {
        Some((first, last)) => {
            is_number(first) && is_number(last.strip_prefix('+').unwrap_or(last))
        }
        None => is_number(lines),
    }
}
