//! The one simple command that a request asks for, if that is what it asks for.

use crate::Command;
use crate::script::Script;
use crate::words::Word;

/// A command that is understood: one program and its arguments, as they are when
/// the shell starts it. What a [`Rule::test`](crate::Rule::test) looks at.
///
/// ```
/// use openai_codex_policy::{Command, CommandLine, Shell};
///
/// let command = Command::new(Some(Shell::Bash), "ls -la 'a b'", "/src");
/// let line = CommandLine::of(&command).unwrap();
/// assert_eq!(line.program(), "ls");
/// assert_eq!(line.arguments(), ["-la", "a b"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    texts: Vec<String>,
    /// Which of the words are patterns for names of files.
    patterns: Vec<bool>,
    /// What the words are if backslashes are a part of them, where that is not sure.
    with_backslashes: Vec<Option<String>>,
    cwd: String,
    output: Output,
}

/// Where the standard output of a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// To where that of the shell goes, which may be a terminal.
    Inherited,
    /// Into a pipe, or nowhere.
    Elsewhere,
}

impl CommandLine {
    /// Reads a command. `None` if it is anything but one simple command: pipes,
    /// lists, redirections to or from files, substitutions, variables, globs,
    /// assignments before the program, lines of their own. Redirections to
    /// `/dev/null` and between standard output and error are left out of the words.
    pub fn of(command: &Command) -> Option<Self> {
        let script = Script::of(command)?;
        let command = script.commands.into_iter().next();
        command.filter(|command| !script.is_list && command.is_literal())
    }

    /// A command of these words, if the first one is a program.
    pub(crate) fn new(words: Vec<Word>, cwd: String, output: Output) -> Option<Self> {
        let program = words.first()?;
        let is_sure = !program.is_pattern && program.with_backslashes.is_none();
        if !is_sure || !is_program(&program.text) {
            return None;
        }
        let mut line = Self {
            texts: Vec::new(),
            patterns: Vec::new(),
            with_backslashes: Vec::new(),
            cwd,
            output,
        };
        for word in words {
            line.texts.push(word.text);
            line.patterns.push(word.is_pattern);
            line.with_backslashes.push(word.with_backslashes);
        }
        Some(line)
    }

    /// The program: a name or a path, as it was written.
    pub fn program(&self) -> &str {
        &self.texts[0]
    }

    /// The arguments.
    pub fn arguments(&self) -> &[String] {
        &self.texts[1..]
    }

    /// The folder that it runs in.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// The program and its arguments. Never empty.
    pub(crate) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The arguments, and which of them are patterns for names of files.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&str, bool)> {
        let texts = self.texts.iter().map(String::as_str);
        texts.zip(self.patterns.iter().copied()).skip(1)
    }

    /// Where its output goes.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// What else the words may be, where a backslash may be a part of them.
    pub(crate) fn other_readings(&self) -> impl Iterator<Item = &str> {
        self.with_backslashes.iter().flatten().map(String::as_str)
    }

    /// Whether every word is what the program is started with.
    pub(crate) fn is_literal(&self) -> bool {
        self.begins_literally(self.texts.len())
    }

    /// Whether so many of the first words are.
    pub(crate) fn begins_literally(&self, count: usize) -> bool {
        let are_sure = self
            .with_backslashes
            .iter()
            .take(count)
            .all(Option::is_none);
        are_sure && !self.patterns[..count].contains(&true)
    }
}

/// Whether the first word of a command is a program, and that one.
fn is_program(word: &str) -> bool {
    // An assignment comes before the program, and an option instead of one.
    !word.is_empty()
        && !word.contains(['=', ' ', '%', ',', '@', '(', '*', '?', '~', '^'])
        && !word.starts_with(['-', '+', '.', ':'])
        // Which program a relative path is depends on the folder.
        && (!word.contains('/') || word.starts_with('/'))
        && !RESERVED.contains(&word)
}

/// What a shell takes for more than the name of a program, where it is not quoted.
const RESERVED: &[&str] = &[
    "builtin",
    "case",
    "command",
    "coproc",
    "do",
    "done",
    "elif",
    "else",
    "esac",
    "eval",
    "exec",
    "fi",
    "for",
    "foreach",
    "function",
    "if",
    "in",
    "nocorrect",
    "noglob",
    "repeat",
    "select",
    "source",
    "then",
    "time",
    "trap",
    "until",
    "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Option<Vec<String>> {
        let line = CommandLine::of(&Command::from_line(text, "/")?)?;
        Some(line.texts().to_vec())
    }

    #[track_caller]
    fn understood(text: &str, expected: &[&str]) {
        assert_eq!(command(text).unwrap(), expected, "{text}");
    }

    #[test]
    fn simple_commands_are_understood() {
        understood("/bin/bash -c ls", &["ls"]);
        understood("/bin/zsh -lc 'ls -la src/'", &["ls", "-la", "src/"]);
        understood(
            r#"/bin/bash -c "git commit -m 'a b' --author=x""#,
            &["git", "commit", "-m", "a b", "--author=x"],
        );
        understood(r#"/usr/bin/sh -c 'grep "a\$b" x'"#, &["grep", "a$b", "x"]);
        understood("git status", &["git", "status"]);
        understood("/bin/bash -c 'ls x 2>&1 >/dev/null'", &["ls", "x"]);
        understood(
            "/bin/bash -c 'grep \"; rm -rf ~\" x'",
            &["grep", "; rm -rf ~", "x"],
        );
        understood("/bin/bash -c \"echo ''\"", &["echo", ""]);
    }

    #[test]
    fn everything_else_is_not() {
        for script in [
            "ls; rm x",
            "ls && rm x",
            "ls || rm x",
            "ls | sh",
            "ls & rm x",
            "ls &",
            "! ls",
            "ls $(rm x)",
            "ls `rm x`",
            "ls ${x}",
            "ls $x",
            "ls \"$(rm x)\"",
            "ls \"`rm x`\"",
            "ls\nrm x",
            "ls\rrm x",
            "ls\trm",
            "ls \\\nrm x",
            "\nls",
            "ls\u{a0}x",
            "ls\0x",
            "ls 'a\nb'",
            "ls > x",
            "2>&1 ls",
            ">/dev/null",
            "ls < x",
            "ls >(rm x)",
            "ls <(rm x)",
            "ls <<E",
            "(ls)",
            "{ ls; }",
            "{ls,x}",
            "ls {a,b}",
            "ls *",
            "ls src/*",
            "ls ?",
            "ls [a]",
            "ls ~",
            "ls ~root",
            "PATH=. ls",
            "A=1 B=2 ls",
            "A+=1 ls",
            "=ls",
            "ls =x",
            "ls #x",
            "ls \\x",
            "l\\s",
            "ls 'x",
            "ls \"x",
            "ls \"a!b\"",
            "ls !x",
            "ls ^x^y",
            "env ls\u{2028}",
            "",
            " ",
            "''",
            "-x",
            "'-x ls'",
            "if true",
            "time ls",
            "exec ls",
            "eval ls",
            "command ls",
            "builtin ls",
            "noglob ls",
            "source x",
            ". x",
            ": x",
            "./ls",
            "bin/ls",
            "../ls",
            "ls $'x'",
            "'PATH=. ls'",
            "%1",
            "coproc ls",
            "function f",
        ] {
            let quoted = script.replace('\'', "'\"'\"'");
            let text = format!("/bin/bash -c '{quoted}'");
            assert_eq!(command(&text), None, "{text:?}");
        }
        for text in [
            "",
            "ls; rm x",
            "/bin/bash -c ls; rm x",
            "/bin/bash -c 'ls' $(rm x)",
            "PATH=. ls",
            "/bin/bash -c",
            "/bin/bash",
            "/bin/bash -x -c ls",
            "/bin/bash -c ls x",
            "/bin/bash -xc ls",
            "/bin/bash --rcfile x -c ls",
            "/bin/bash -ic ls",
        ] {
            let command = command(text);
            assert!(
                command
                    .as_deref()
                    .is_none_or(|words| words[0].starts_with("/bin/bash")),
                "{text:?}: {command:?}"
            );
        }
        // A shell of the model's own is a program like any other.
        understood("/tmp/bash -c ls", &["/tmp/bash", "-c", "ls"]);
        understood("bash -c ls", &["bash", "-c", "ls"]);
    }
}
