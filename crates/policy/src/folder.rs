//! Whether a command stays inside a folder, as far as its words tell.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::CommandLine;

/// Longer words are not looked into.
const WORD: usize = 1024;

/// Nor are words that can be read in more ways.
const PARTS: usize = 4096;

/// Whether a command runs in this folder or below, and none of its arguments can
/// be a path that leads out of it.
pub(crate) fn stays_inside(folder: &Path, command: &CommandLine) -> bool {
    if !Path::new(command.cwd()).is_absolute() {
        // It would be looked for from where this process is.
        return false;
    }
    let (Ok(folder), Ok(cwd)) = (fs::canonicalize(folder), fs::canonicalize(command.cwd())) else {
        return false;
    };
    let place = Place { folder, cwd };
    place.folder.is_absolute()
        && place.cwd.starts_with(&place.folder)
        && (command.arguments().iter()).all(|word| place.has(word))
}

struct Place {
    folder: PathBuf,
    cwd: PathBuf,
}

impl Place {
    /// Whether no part of an argument that a program may take for a path leads out.
    fn has(&self, word: &str) -> bool {
        if word.len() > WORD || word.contains("..") {
            return false;
        }
        // A program may take a word for a path whole (`-x/y` after `--`), or any part between
        // signs: `a=b`, `a:b`, `@a`. In `-abc` and `+abc`, a value may follow after any of
        // the letters.
        let is_letters = word.starts_with(['-', '+']) && !word.starts_with("--");
        let mut begins = vec![0];
        let mut ends = Vec::new();
        for (at, char) in word.char_indices() {
            if !(char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | '+' | '/')) {
                begins.push(at + char.len_utf8());
                ends.push(at);
            } else if is_letters && at > 0 {
                begins.push(at);
            }
        }
        ends.push(word.len());
        if begins.len() * ends.len() > PARTS {
            return false;
        }
        let mut parts = (begins.iter()).flat_map(|begin| ends.iter().map(|end| (*begin, *end)));
        parts.all(|(begin, end)| begin >= end || self.leads_inside(&word[begin..end]))
    }

    /// Whether a path is inside of the folder, or would be if it existed.
    fn leads_inside(&self, path: &str) -> bool {
        if path.starts_with('~') {
            return false;
        }
        let mut path = self.cwd.join(path);
        // What does not exist is where the nearest of its parents is.
        loop {
            match fs::symlink_metadata(&path) {
                Ok(_) => break,
                Err(error) => match error.kind() {
                    ErrorKind::NotFound | ErrorKind::NotADirectory if path.pop() => {}
                    _ => return false,
                },
            }
        }
        // A link to nowhere is not: what it leads to may be made.
        fs::canonicalize(&path).is_ok_and(|path| path.starts_with(&self.folder))
    }
}
