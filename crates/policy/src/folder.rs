//! Whether a command stays inside a folder, as far as its words tell.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use crate::CommandLine;
use crate::git;
use crate::glob::expand;
use crate::readers::{self, Argument};

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
        && !readers::leaves_its_arguments(command)
        && !git::is_nested(command, &place.folder)
        && (command.words().zip(readers::arguments(command)))
            .filter(|(_, argument)| *argument == Argument::Path)
            .all(|((word, is_pattern), _)| place.has(word) && (!is_pattern || place.has_all(word)))
}

struct Place {
    folder: PathBuf,
    cwd: PathBuf,
}

impl Place {
    /// Whether no part of an argument that a program may take for a path leads out.
    fn has(&self, word: &str) -> bool {
        if word.len() > WORD {
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

    /// Whether all that a pattern stands for is inside of the folder.
    fn has_all(&self, pattern: &str) -> bool {
        expand(pattern, &self.cwd)
            .is_some_and(|paths| paths.iter().all(|path| self.is_inside(path)))
    }

    /// Whether a path is inside of the folder, or would be if it existed.
    fn leads_inside(&self, path: &str) -> bool {
        if path.starts_with('~') {
            return false;
        }
        let path = self.cwd.join(path);
        let climbs = (path.components()).any(|it| it == Component::ParentDir);
        // Some programs take `..` for what was written before, and the system for the parent
        // of where that leads to.
        self.is_inside(&path) && (!climbs || self.is_inside(&as_written(&path)))
    }

    /// Whether an absolute path is inside of the folder, with what is missing made.
    fn is_inside(&self, path: &Path) -> bool {
        let mut place = PathBuf::new();
        let mut is_missing = false;
        for component in path.components() {
            match component {
                // What is missing may be made a link to anywhere.
                Component::ParentDir if is_missing => return false,
                Component::ParentDir => {
                    place.pop();
                }
                _ if is_missing => {}
                Component::Normal(name) => {
                    let next = place.join(name);
                    match fs::symlink_metadata(&next) {
                        // A link to nowhere is not inside: what it leads to may be made.
                        Ok(_) => match fs::canonicalize(&next) {
                            Ok(path) => place = path,
                            Err(_) => return false,
                        },
                        Err(error) => match error.kind() {
                            ErrorKind::NotFound | ErrorKind::NotADirectory => is_missing = true,
                            _ => return false,
                        },
                    }
                }
                component => place.push(component),
            }
        }
        place.starts_with(&self.folder)
    }
}

/// A path in which each `..` takes away the name before it.
fn as_written(path: &Path) -> PathBuf {
    let mut written = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                written.pop();
            }
            component => written.push(component),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Rule, Shell};

    #[cfg(unix)]
    #[test]
    fn all_that_a_pattern_stands_for_is_inside() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("project");
        for name in ["src", "links", "x"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        fs::write(folder.join("src/a.rs"), "").unwrap();
        fs::write(home.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink("../../secret", folder.join("links/a.RS")).unwrap();
        let allows = |rule: Rule, script: &str| {
            let cwd = folder.to_str().unwrap();
            rule.allows(&Command::new(Some(Shell::Zsh), script, cwd))
        };
        let reads = || Rule::read_only().and(Rule::inside(&folder));
        for script in [
            "cat src/*",
            "cat ./src/?.rs",
            "wc -l src/*.rs none/*",
            "cat links/*.py",
        ] {
            assert!(allows(reads(), script), "{script}");
        }
        for script in [
            "cat links/*",
            "cat links/*.rs",
            "cat l*/a.*",
            "cat src/../../s*",
            "ls /*",
        ] {
            assert!(!allows(reads(), script), "{script}");
        }
        // How many words it makes is not known.
        assert!(!allows(Rule::words(["cat", "*"]), "cat src/*"));
        assert!(!allows(Rule::words(["cat", "src/*"]), "cat src/*"));
        assert!(allows(Rule::words(["cat", "**"]), "cat src/*"));
        assert!(!allows(Rule::test(|_| true), "cat src/*"));
    }
}
