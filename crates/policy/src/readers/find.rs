//! `find`, as far as it prints names. Its other actions remove files (`-delete`), write
//! them (`-fprint`) and start programs (`-exec`, `-ok`); it follows links if it is
//! told to (`-L`, `-H`, `-follow`).

use super::Argument;
use super::Argument::{Path, Text};

/// Tests and actions that stand alone.
const ALONE: &[&str] = &[
    "!",
    "(",
    ")",
    "-a",
    "-and",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-ls",
    "-mount",
    "-not",
    "-o",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-readable",
    "-true",
    "-writable",
    "-xdev",
];

/// Those with a value, which is no name of a file.
const VALUED: &[&str] = &[
    "-amin",
    "-atime",
    "-cmin",
    "-ctime",
    "-iname",
    "-inum",
    "-ipath",
    "-iregex",
    "-links",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mtime",
    "-name",
    "-path",
    "-perm",
    "-printf",
    "-regex",
    "-regextype",
    "-size",
    "-type",
    "-user",
    "-wholename",
];

/// Those whose value is a file that is looked at.
const FILES: &[&str] = &["-anewer", "-cnewer", "-newer", "-samefile"];

/// How the arguments are taken, if no action does more than to print.
pub(super) fn arguments(words: &[(&str, bool)]) -> Option<Vec<Argument>> {
    let is_expression = |word: &str| word.starts_with('-') || matches!(word, "(" | "!" | ")" | ",");
    let places = words.iter().take_while(|(word, _)| !is_expression(word));
    let mut taken = vec![Path; places.count()];
    while let Some((word, is_pattern)) = words.get(taken.len()) {
        let value = match *word {
            _ if *is_pattern => return None,
            word if ALONE.contains(&word) => None,
            word if VALUED.contains(&word) => Some(Text),
            word if FILES.contains(&word) => Some(Path),
            _ => return None,
        };
        taken.push(Text);
        if let Some(value) = value {
            let (_, is_pattern) = words.get(taken.len())?;
            if *is_pattern {
                return None;
            }
            taken.push(value);
        }
    }
    Some(taken)
}
