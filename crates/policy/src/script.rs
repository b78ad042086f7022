//! The commands of a list, and the folders that they run in.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::line::Output;
use crate::words::{Operator, Redirection, Token, Word, tokens};
use crate::{Command, CommandLine};

/// More folders than a list is followed into.
const FOLDERS: usize = 8;

/// What a script runs.
pub(crate) struct Script {
    /// Each command in each of the folders that it may run in. Never empty.
    pub(crate) commands: Vec<CommandLine>,
    /// Whether it is a list or a pipe.
    pub(crate) is_list: bool,
}

/// A command as it is written, and what stands before it.
#[derive(Default)]
struct Step {
    joined_by: Option<Operator>,
    words: Vec<Word>,
    redirections: Vec<Redirection>,
    joined_to: Option<Operator>,
}

impl Script {
    /// Reads a script. `None` if it is not understood to the last character.
    pub(crate) fn of(command: &Command) -> Option<Self> {
        let steps = steps(command)?;
        let is_list = steps.len() > 1;
        let commands = match is_list {
            true => follow(&steps, &command.cwd)?,
            false => vec![steps[0].command(&command.cwd)?],
        };
        Some(Self { commands, is_list })
    }
}

impl Step {
    fn command(&self, cwd: &str) -> Option<CommandLine> {
        CommandLine::new(self.words.clone(), cwd.to_owned(), self.output())
    }

    /// Where the output goes: with several redirections, it is not asked in which order.
    fn output(&self) -> Output {
        let has = |redirection| self.redirections.contains(&redirection);
        let is_piped = self.joined_to == Some(Operator::Pipe) || has(Redirection::DropsOutput);
        if is_piped && !has(Redirection::ToError) {
            Output::Elsewhere
        } else {
            Output::Inherited
        }
    }

    /// The folder that this changes to, of a shell that is in another one.
    fn changes_to(&self, cwd: &str) -> Option<Option<String>> {
        match self.words.as_slice() {
            [program, folder]
                if program.text == "cd"
                    && !folder.is_pattern
                    && folder.with_backslashes.is_none() =>
            {
                Some(Some(enter(cwd, &folder.text)?))
            }
            [program, ..] if program.text == "cd" => None,
            _ => Some(None),
        }
    }
}

/// The commands of a script. Never empty, none without a word.
fn steps(command: &Command) -> Option<Vec<Step>> {
    let mut steps = vec![Step::default()];
    for token in tokens(&command.script, command.shell)? {
        let step = steps.last_mut()?;
        match token {
            Token::Word(word) if is_alias(&word.text) => return None,
            Token::Word(word) => step.words.push(word),
            _ if step.words.is_empty() => return None,
            Token::Redirection(redirection) => step.redirections.push(redirection),
            Token::Operator(operator) => {
                step.joined_to = Some(operator);
                steps.push(Step {
                    joined_by: Some(operator),
                    ..Step::default()
                });
            }
        }
    }
    (!steps.last()?.words.is_empty()).then_some(steps)
}

/// Whether a word is what many have as an alias of zsh for a folder above: `...`.
fn is_alias(word: &str) -> bool {
    word.len() > 2 && word.chars().all(|char| char == '.')
}

/// The commands of a list, each in every folder in which the shell may be by then:
/// a `cd` may fail, and what comes behind `;` and `||` runs all the same.
fn follow(steps: &[Step], cwd: &str) -> Option<Vec<CommandLine>> {
    let mut commands = Vec::new();
    // Where it is if all went well since the last `;` or `||`, and where it may be at all.
    let mut now = vec![cwd.to_owned()];
    let mut ever = now.clone();
    for step in steps {
        if matches!(step.joined_by, Some(Operator::Then | Operator::Or)) {
            now.clone_from(&ever);
        }
        let mut entered = Vec::new();
        for cwd in &now {
            match step.changes_to(cwd)? {
                Some(folder) => entered.push(folder),
                None => commands.push(step.command(cwd)?),
            }
        }
        if !entered.is_empty() {
            if [step.joined_by, step.joined_to].contains(&Some(Operator::Pipe)) {
                return None;
            }
            for folder in &entered {
                if !ever.contains(folder) {
                    ever.push(folder.clone());
                }
            }
            // Behind `||`, what follows by `&&` runs also where the `cd` was passed over.
            if step.joined_by == Some(Operator::Or) {
                now.clone_from(&ever);
            } else {
                now = entered;
            }
        }
        if ever.len() > FOLDERS {
            return None;
        }
    }
    (!commands.is_empty()).then_some(commands)
}

/// The folder that `cd` leads to, if that is sure: it is there, and no symbolic link
/// is on the way, behind which `..` means one folder to the shell and another one to
/// programs.
fn enter(cwd: &str, folder: &str) -> Option<String> {
    if folder.is_empty() || folder.starts_with(['-', '+']) || !Path::new(cwd).is_absolute() {
        return None;
    }
    // What leads to the folder itself is not the list's.
    let from = fs::canonicalize(cwd).ok()?;
    let folder = Path::new(folder);
    let climbs = folder.components().any(|it| it == Component::ParentDir);
    if climbs && folder.is_relative() && !is_same(Path::new(cwd), &from) {
        return None;
    }
    let mut path = PathBuf::new();
    for component in from.join(folder).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            component => path.push(component),
        }
        if path.is_symlink() {
            return None;
        }
    }
    let path = path.is_dir().then_some(path)?;
    path.into_os_string().into_string().ok()
}

/// Whether two paths are one, but for the way that Windows writes them.
fn is_same(one: &Path, other: &Path) -> bool {
    let plain = |path: &Path| {
        let text = path.to_string_lossy();
        PathBuf::from(text.strip_prefix(r"\\?\").unwrap_or(&text))
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shell;

    /// The programs and the folders of a script, seen from a folder.
    fn reads(script: &str, home: &Path) -> Option<Vec<String>> {
        let home = fs::canonicalize(home).unwrap();
        let command = Command::new(Some(Shell::Bash), script, home.to_str().unwrap());
        let commands = Script::of(&command)?.commands;
        let texts = commands.iter().map(|command| {
            let folder = Path::new(command.cwd()).strip_prefix(&home);
            let folder = folder.map_or("?", |folder| folder.to_str().unwrap());
            format!(
                "{}@{}",
                command.texts().join(" "),
                folder.replace('\\', "/")
            )
        });
        Some(texts.collect())
    }

    #[test]
    fn a_list_is_followed_into_its_folders() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("x/y")).unwrap();
        for (script, expected) in [
            ("a", &["a@"][..]),
            ("a | b -c", &["a@", "b -c@"]),
            ("a; b && c || d", &["a@", "b@", "c@", "d@"]),
            ("a 2>&1 | b >/dev/null", &["a@", "b@"]),
            ("cd x && a", &["a@x"]),
            ("cd x && cd y && a | b", &["a@x/y", "b@x/y"]),
            ("cd x/y && cd .. && a", &["a@x"]),
            ("cd ./x/../x && a", &["a@x"]),
            ("cd x; a", &["a@", "a@x"]),
            ("cd x || a", &["a@", "a@x"]),
            ("cd x && a; b", &["a@x", "b@", "b@x"]),
            ("a && cd x && b", &["a@", "b@x"]),
            ("a || cd x && b", &["a@", "b@", "b@x"]),
            ("cd x 2>/dev/null && a", &["a@x"]),
            ("cd / && a", &["a@?"]),
            // One command is no list, and rules judge it as it is.
            ("cd x", &["cd x@"]),
        ] {
            let read = reads(script, home.path()).unwrap();
            assert_eq!(read, expected, "{script}");
        }
    }

    #[test]
    fn what_is_not_sure_is_not_understood() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("x/y")).unwrap();
        for script in [
            "",
            ";",
            "a;",
            "; a",
            "a;; b",
            "a &",
            "a & b",
            "a &&",
            "&& a",
            "a | | b",
            "a |& b",
            "a || | b",
            "a &&& b",
            "a ; ; b",
            "! a",
            "a | b &",
            "(a; b)",
            "{ a; b; }",
            "a; if",
            "a && A=b c",
            "a; ./b",
            "a\nb",
            "cd x",
            "cd x && cd y",
            "cd && a",
            "cd - && a",
            "cd none && a",
            "cd x y && a",
            "cd -P x && a",
            "cd x | a",
            "a | cd x && b",
            "cd '' && a",
            "cd ~ && a",
            "cd x* && a",
            "cd x; cd y; a",
            "a > x; b",
            "a <<E; b",
            "a ...",
            "a ....",
            "a; b ... c",
        ] {
            let read = reads(script, home.path());
            let is_single = script == "cd x";
            assert!(read.is_none() || is_single, "{script}: {read:?}");
        }
    }

    /// All lists of so many parts.
    #[cfg(unix)]
    fn lists(parts: usize) -> Vec<String> {
        const PARTS: [&str; 5] = ["true", "false", "cd a", "cd b", "pwd"];
        let mut lists = PARTS.map(str::to_owned).to_vec();
        for _ in 1..parts {
            lists = (lists.iter())
                .flat_map(|list| [" && ", " || ", "; "].map(|operator| format!("{list}{operator}")))
                .flat_map(|list| PARTS.map(|part| format!("{list}{part}")))
                .collect();
        }
        lists
    }

    #[cfg(unix)]
    #[test]
    fn shells_are_in_no_other_folder_than_a_list_is_judged_in() {
        let home = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(home.path()).unwrap();
        for made in lists(4).iter().filter(|list| !list.contains([';', '|'])) {
            let path = made
                .split(" && ")
                .filter_map(|part| part.strip_prefix("cd "));
            fs::create_dir_all(home.join(path.collect::<PathBuf>())).unwrap();
        }
        let judged: Vec<_> = (lists(3).into_iter().chain(lists(4)))
            .filter(|list| list.contains("cd") && list.contains("pwd"))
            .filter_map(|list| {
                let command = Command::new(Some(Shell::Sh), &*list, home.to_str().unwrap());
                let commands = Script::of(&command)?.commands;
                let commands = commands.iter().filter(|it| it.program() == "pwd");
                let folders: Vec<_> = commands.map(|it| it.cwd().to_owned()).collect();
                Some((list, folders))
            })
            .collect();
        assert!(judged.len() > 5_000, "{} are followed", judged.len());
        let script: String = (judged.iter())
            .map(|(list, _)| format!("({list})\necho --\n"))
            .collect();
        fs::write(home.join("script"), script).unwrap();
        for shell in ["bash", "dash", "zsh"] {
            let mut process = std::process::Command::new(shell);
            process.args((shell == "zsh").then_some("-f"));
            process.arg("script").current_dir(&home);
            process.env_remove("CDPATH").env_remove("BASH_ENV");
            let Ok(output) = process.output() else {
                println!("not compared, since it is not here: {shell}");
                continue;
            };
            let output = String::from_utf8(output.stdout).unwrap();
            let printed: Vec<_> = output.split_terminator("--\n").collect();
            assert_eq!(printed.len(), judged.len(), "{shell}");
            for (printed, (list, folders)) in printed.iter().zip(&judged) {
                let mut printed = printed.lines();
                assert!(
                    printed.all(|it| folders.iter().any(|folder| folder == it)),
                    "{shell}: {list}"
                );
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_behind_a_link_is_not_entered() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("x/y")).unwrap();
        std::os::unix::fs::symlink("x/y", home.path().join("link")).unwrap();
        assert!(reads("cd link && a", home.path()).is_none());
        assert!(reads("cd link/.. && a", home.path()).is_none());
        // The shell is told where it is by the name of the link.
        let cwd = home.path().join("link");
        let command = |script| Command::new(Some(Shell::Bash), script, cwd.to_str().unwrap());
        assert!(Script::of(&command("cd .. && a")).is_none());
    }
}
