//! What git starts by itself, and its commands that only read.

mod commands;
mod config;
mod format;
mod index;
mod read;
mod repository;

use std::path::{Path, PathBuf};

pub(crate) use self::read::only_reads;
use self::repository::Repository;
use crate::CommandLine;
use crate::folder::Looks;

/// What a rule says about the repositories of git, and how far it looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust<'a> {
    /// Folders whose repository is trusted: the one at the folder or above it.
    pub(crate) roots: Vec<&'a Path>,
    /// Whether git has no pager to start.
    pub(crate) no_pager: bool,
    /// What is left for all commands of the script.
    pub(crate) looks: Looks,
}

/// Whether git would take its configuration from a folder that is no repository to
/// the eye. Every configuration names programs, and git starts them.
pub(crate) fn is_tricked(command: &CommandLine) -> bool {
    is_git(command) && repository_of(command) == Repository::Bare
}

/// Whether git would take its configuration from below this folder, where whoever
/// may write in it may have made a repository.
pub(crate) fn is_nested(command: &CommandLine, folder: &Path) -> bool {
    is_git(command)
        && match repository_of(command) {
            Repository::None => false,
            Repository::In(place) => !folder.starts_with(place),
            Repository::Bare | Repository::Unknown => true,
        }
}

/// The repository that a command of git is about.
fn repository_of(command: &CommandLine) -> Repository {
    folder_of(command).map_or(Repository::Bare, |folder| Repository::of(&folder))
}

/// The folder that git goes to. `None` if it is told of another repository than the one
/// there.
fn folder_of(command: &CommandLine) -> Option<PathBuf> {
    let mut cwd = PathBuf::from(command.cwd());
    let mut words = command.arguments().iter();
    while let Some(word) = words.next().filter(|word| word.starts_with('-')) {
        match word.as_str() {
            "-C" => cwd.extend(words.next()),
            "-c" | "--config-env" | "--namespace" | "--work-tree" => {
                words.next();
            }
            word if word.starts_with("--git-dir") || word == "--bare" => return None,
            _ => {}
        }
    }
    Some(cwd)
}

fn is_git(command: &CommandLine) -> bool {
    let name = Path::new(command.program()).file_name();
    name.is_some_and(|name| {
        name.eq_ignore_ascii_case("git") || name.eq_ignore_ascii_case("git.exe")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::{Command, Rule, Shell};

    #[test]
    fn a_repository_that_somebody_made_below_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("project");
        for made in [
            "src",
            ".git/refs",
            "a/.git",
            "b/objects",
            "b/c",
            "d/refs",
            "e",
            "f",
        ] {
            fs::create_dir_all(folder.join(made)).unwrap();
        }
        for made in [
            "b/HEAD",
            "d/HEAD",
            "e/HEAD",
            "e/commondir",
            ".git/HEAD",
            "f/HEAD",
        ] {
            fs::write(folder.join(made), "").unwrap();
        }
        let allows = |rule: &Rule, cwd: &str| {
            let cwd = folder.join(cwd);
            let command = Command::new(Some(Shell::Bash), "git log -n 3", cwd.to_str().unwrap());
            rule.allows(&command)
        };
        let words = || Rule::words(["git", "log", "-n", "*"]);
        let inside = words().and(Rule::inside(&folder));
        // The one around it is not below it.
        let below = words().and(Rule::inside(folder.join("src")));
        for (cwd, everywhere, in_folder) in [
            ("", true, true),
            ("src", true, true),
            ("f", true, true),
            ("a", true, false),
            ("b", false, false),
            ("b/c", false, false),
            ("d", false, false),
            ("e", false, false),
            (".git", false, false),
            (".git/refs", false, false),
        ] {
            assert_eq!(allows(&words(), cwd), everywhere, "{cwd}");
            assert_eq!(allows(&inside, cwd), in_folder, "{cwd}");
            assert_eq!(allows(&below, cwd), cwd == "src", "{cwd}");
        }
        let command = |script| Command::new(Some(Shell::Bash), script, folder.to_str().unwrap());
        let any = Rule::program("git").and(Rule::inside(&folder));
        assert!(any.allows(&command("git -C src log")));
        assert!(any.allows(&command("git -c a.b=c -C src log -C a")));
        for script in [
            "git -C a log",
            "git -C src -C ../b log",
            "git --git-dir=b log",
        ] {
            assert!(!any.allows(&command(script)), "{script}");
        }
        fs::write(folder.join("src/HEAD"), "").unwrap();
        fs::create_dir(folder.join("src/objects")).unwrap();
        assert!(!allows(&below, "src"));
    }
}
