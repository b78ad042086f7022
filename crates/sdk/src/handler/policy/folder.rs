//! Whether a command stays inside a folder, as far as its words tell.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::line::CommandLine;

/// Longer words are not looked into.
const WORD: usize = 1024;

/// Whether a command runs in this folder or below, and none of its arguments can
/// be a path that leads out of it.
pub(super) fn stays_inside(folder: &Path, command: &CommandLine) -> bool {
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
        if let Some(option) = word.strip_prefix("--") {
            let value = option.split_once('=').map(|(_, value)| value);
            return value.is_none_or(|value| self.has_value(value));
        }
        match word.strip_prefix('-') {
            // A value may follow after any of the letters.
            Some(letters) => letters
                .char_indices()
                .all(|(at, _)| self.leads_inside(&letters[at..])),
            None => self.has_value(word),
        }
    }

    /// The same of `a`, `a=b`, `a:b`, `@a` and the like.
    fn has_value(&self, value: &str) -> bool {
        let mut is_begin = true;
        for (at, char) in value.char_indices() {
            if is_begin && !self.leads_inside(&value[at..]) {
                return false;
            }
            is_begin = !(char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | '+' | '/'));
        }
        true
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
