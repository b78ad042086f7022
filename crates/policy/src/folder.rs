//! Whether a command stays inside a folder, as far as its words tell.

use std::cell::Cell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf, Prefix};
use std::rc::Rc;

use crate::CommandLine;
use crate::git;
use crate::glob::expand;
use crate::readers::{self, Argument};

/// Longer words are not looked into.
const WORD: usize = 1024;

/// Nor are words that can be read in more ways.
const PARTS: usize = 4096;

/// Nor is a script for which the file system would be asked more often.
const LOOKS: usize = 32 * 1024;

/// How often a pattern counts, whose folders are listed.
const LISTED: usize = 1024;

/// How often the file system may still be asked for a script.
#[derive(Clone, Debug)]
pub(crate) struct Looks(Rc<Cell<usize>>);

impl Default for Looks {
    fn default() -> Self {
        Self(Rc::new(Cell::new(LOOKS)))
    }
}

impl Looks {
    /// Whether it may be asked so often, which it then is.
    fn take(&self, count: usize) -> bool {
        let left = self.0.get().checked_sub(count);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// Whether a command runs in this folder or below, and none of its arguments can
/// be a path that leads out of it.
pub(crate) fn stays_inside(folder: &Path, command: &CommandLine, looks: &Looks) -> bool {
    if !looks.take(1) || !Path::new(command.cwd()).is_absolute() {
        // It would be looked for from where this process is.
        return false;
    }
    let (Ok(folder), Ok(cwd)) = (fs::canonicalize(folder), fs::canonicalize(command.cwd())) else {
        return false;
    };
    let looks = looks.clone();
    let place = Place { folder, cwd, looks };
    place.folder.is_absolute()
        && place.cwd.starts_with(&place.folder)
        && !readers::leaves_its_arguments(command)
        && !git::is_nested(command, &place.folder)
        && command.other_readings().all(|word| place.has(word))
        && (command.words().zip(readers::arguments(command)))
            .filter(|(_, argument)| *argument == Argument::Path)
            .all(|((word, is_pattern), _)| place.has(word) && (!is_pattern || place.has_all(word)))
}

/// Whether a path, or a pattern of paths, leads to a place in this folder, from another one.
pub(crate) fn leads_inside(folder: &Path, cwd: &Path, path: &str, looks: &Looks) -> bool {
    let (Ok(folder), Ok(cwd)) = (fs::canonicalize(folder), fs::canonicalize(cwd)) else {
        return false;
    };
    let looks = looks.clone();
    Place { folder, cwd, looks }.leads_inside(path)
}

struct Place {
    folder: PathBuf,
    cwd: PathBuf,
    looks: Looks,
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
            if !(char.is_alphanumeric() || is_of_path(char)) {
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
        self.looks.take(LISTED)
            && expand(pattern, &self.cwd)
                .is_some_and(|paths| paths.iter().all(|path| self.is_inside(path)))
    }

    /// Whether a path is inside of the folder, or would be if it existed.
    fn leads_inside(&self, path: &str) -> bool {
        let Some(path) = self
            .on_drive(Path::new(path))
            .filter(|_| !path.starts_with('~'))
        else {
            return false;
        };
        let climbs = (path.components()).any(|it| it == Component::ParentDir);
        // Some programs take `..` for what was written before, and the system for the parent
        // of where that leads to.
        self.is_inside(path) && (!climbs || self.is_inside(&self.as_written(path)))
    }

    /// A path without its drive, if it has one and goes on from the folder that a
    /// program is in there. `None` if that is another folder than this.
    fn on_drive<'a>(&self, path: &'a Path) -> Option<&'a Path> {
        let mut components = path.components();
        let Some(Component::Prefix(drive)) = components.next().filter(|_| !path.has_root()) else {
            return Some(path);
        };
        let Some(Component::Prefix(here)) = self.cwd.components().next() else {
            return None;
        };
        match (drive.kind(), here.kind()) {
            (Prefix::Disk(drive), Prefix::Disk(here) | Prefix::VerbatimDisk(here)) => drive
                .eq_ignore_ascii_case(&here)
                .then_some(components.as_path()),
            _ => None,
        }
    }

    /// Whether a path is inside of the folder, with what is missing made.
    fn is_inside(&self, path: &Path) -> bool {
        let mut place = self.cwd.clone();
        let mut is_missing = false;
        for component in path.components() {
            if !self.looks.take(1) {
                return false;
            }
            match component {
                // What is missing may be made a link to anywhere.
                Component::ParentDir if is_missing => return false,
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
                            ErrorKind::NotFound
                            | ErrorKind::NotADirectory
                            | ErrorKind::InvalidFilename => is_missing = true,
                            _ => return false,
                        },
                    }
                }
                component => step(&mut place, component),
            }
        }
        place.starts_with(&self.folder)
    }

    /// A path in which each `..` takes away the name before it.
    fn as_written(&self, path: &Path) -> PathBuf {
        let mut written = self.cwd.clone();
        path.components()
            .for_each(|component| step(&mut written, component));
        written
    }
}

/// Goes on from an absolute path by what is written.
fn step(path: &mut PathBuf, component: Component<'_>) {
    match component {
        Component::CurDir => {}
        Component::ParentDir => {
            path.pop();
        }
        Component::Prefix(drive) => *path = PathBuf::from(drive.as_os_str()),
        // On Windows, that of the drive.
        Component::RootDir | Component::Normal(_) => path.push(component),
    }
}

/// Whether it may be a part of a path, and does not stand before one.
fn is_of_path(char: char) -> bool {
    matches!(char, '_' | '-' | '.' | '+' | '/') || cfg!(windows) && char == '\\'
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::{Command, Rule, Shell};

    #[test]
    fn a_script_is_not_looked_into_for_long() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("src")).unwrap();
        let rule = Rule::read_only().and(Rule::inside(home.path())).and_lists();
        let allows = |script: &str| {
            let cwd = home.path().to_str().unwrap();
            rule.allows(&Command::new(Some(Shell::Bash), script, cwd))
        };
        // What is written by hand, and long.
        assert!(allows(&format!("cat {}", "src/x.rs ".repeat(1000).trim())));
        assert!(allows(&format!("cat {}", "src/*.rs ".repeat(10).trim())));
        // Words and commands that are many parts of paths.
        let parts = vec![format!("x{}", ":src".repeat(60)); 100];
        let depths = vec!["src/../".repeat(140); 200];
        let patterns = vec!["src/*".to_owned(); 100];
        let lists = parts.join("; cat ");
        let [parts, depths, patterns] = [parts, depths, patterns].map(|words| words.join(" "));
        for words in [parts, depths, patterns, lists] {
            assert!(!allows(&format!("cat {words}")), "{}", &words[..80]);
        }
    }

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
