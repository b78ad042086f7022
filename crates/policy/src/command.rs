//! What is judged: a script, its shell and its folder.

use crate::words::words;

/// The shells whose words are known, and only where the system has them: a model
/// may name a program of its own as its shell.
const SHELLS: &[(&str, Shell)] = &[
    ("/bin/bash", Shell::Bash),
    ("/bin/dash", Shell::Sh),
    ("/bin/sh", Shell::Sh),
    ("/bin/zsh", Shell::Zsh),
    ("/usr/bin/bash", Shell::Bash),
    ("/usr/bin/dash", Shell::Sh),
    ("/usr/bin/sh", Shell::Sh),
    ("/usr/bin/zsh", Shell::Zsh),
];

/// A shell whose language a rule can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// The `sh` of the system, whichever shell that is, and dash. What is read in one way
    /// by all of those that are installed as `sh` is understood.
    Sh,
    /// zsh.
    Zsh,
}

/// What an agent wants to run.
///
/// ```
/// use openai_codex_policy::{Command, Shell};
///
/// let command = Command::from_line("/bin/zsh -lc 'ls -la'", "/src").unwrap();
/// assert_eq!(command, Command::new(Some(Shell::Zsh), "ls -la", "/src"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The shell that reads the script. None if the script is a program and its
    /// arguments, quoted as for a shell and started without one.
    pub shell: Option<Shell>,
    /// What the shell is given.
    pub script: String,
    /// The folder that it runs in, an absolute path.
    pub cwd: String,
}

impl Command {
    /// A script for this shell, in this folder.
    pub fn new(shell: Option<Shell>, script: impl Into<String>, cwd: impl Into<String>) -> Self {
        Self {
            shell,
            script: script.into(),
            cwd: cwd.into(),
        }
    }

    /// Reads a program and its arguments, quoted as for a shell. If they are a
    /// shell of the system and a script for it (`/bin/bash -lc 'ls -la'`), the
    /// script is what is judged. `None` if the line is not understood.
    pub fn from_line(line: &str, cwd: impl Into<String>) -> Option<Self> {
        let argv = words(line)?;
        if let [shell, option, script] = argv.as_slice()
            && let Some((_, shell)) = SHELLS.iter().find(|(path, _)| path == shell)
        {
            return match &**option {
                "-c" | "-lc" => Some(Self::new(Some(*shell), script, cwd)),
                _ => None,
            };
        }
        Some(Self::new(None, line, cwd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_the_one_that_the_line_names() {
        for (line, shell) in [
            ("/bin/bash -lc ls", Some(Shell::Bash)),
            ("/usr/bin/zsh -c ls", Some(Shell::Zsh)),
            ("/bin/sh -c ls", Some(Shell::Sh)),
            ("/bin/dash -c ls", Some(Shell::Sh)),
            ("/usr/bin/dash -lc ls", Some(Shell::Sh)),
        ] {
            let expected = Command::new(shell, "ls", "/");
            assert_eq!(Command::from_line(line, "/"), Some(expected), "{line}");
        }
        for line in [
            "ls",
            "bash -c ls",
            "/tmp/bash -c ls",
            "/bin/fish -c ls",
            "/bin/bash -c",
        ] {
            let expected = Command::new(None, line, "/");
            assert_eq!(Command::from_line(line, "/"), Some(expected), "{line}");
        }
        for line in [
            "/bin/bash -ic ls",
            "/bin/zsh -fc ls",
            "/bin/sh x ls",
            "ls | sh",
            "ls *",
        ] {
            assert_eq!(Command::from_line(line, "/"), None, "{line}");
        }
    }
}
