//! The one simple command that a request asks for, if that is what it asks for.

use crate::Command;

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
    words: Vec<String>,
    cwd: String,
}

impl CommandLine {
    /// Reads a command. `None` if it is anything but one simple command: pipes,
    /// lists, redirections, substitutions, variables, globs, assignments before the
    /// program, lines of their own.
    pub fn of(command: &Command) -> Option<Self> {
        let words = simple_command(&command.script)?;
        let cwd = command.cwd.clone();
        Some(Self { words, cwd })
    }

    /// The program: a name or a path, as it was written.
    pub fn program(&self) -> &str {
        &self.words[0]
    }

    /// The arguments.
    pub fn arguments(&self) -> &[String] {
        &self.words[1..]
    }

    /// The folder that it runs in.
    pub fn cwd(&self) -> &str {
        &self.cwd
    }

    /// The program and its arguments. Never empty.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }
}

/// The program and its arguments.
fn simple_command(script: &str) -> Option<Vec<String>> {
    let argv = words(script)?;
    let program = argv.first()?;
    // An assignment comes before the program, and an option instead of one.
    let is_program = !program.is_empty()
        && !program.contains(['=', ' ', '%', ',', '@'])
        && !program.starts_with(['-', '+', '.', ':'])
        // Which program a relative path is depends on the folder.
        && (!program.contains('/') || program.starts_with('/'))
        && !RESERVED.contains(&&**program);
    is_program.then_some(argv)
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

/// The words of a line that bash, sh and zsh split in the same way and take
/// literally. `None` for every other line.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        char if char.is_control() => return None,
                        char => word.push(char),
                    }
                }
                // zsh can be set to take two for one of the text.
                if chars.peek() == Some(&'\'') {
                    return None;
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => match chars.next()? {
                            char @ ('"' | '\\' | '$' | '`') => word.push(char),
                            _ => return None,
                        },
                        // Expansions, also those of history.
                        '$' | '`' | '!' => return None,
                        char if char.is_control() => return None,
                        char => word.push(char),
                    }
                }
            }
            // zsh replaces a word that begins with it by the path of a program.
            '=' if word.is_some() => word.get_or_insert_default().push(char),
            char if char.is_ascii_alphanumeric() || "_-./:,@%+".contains(char) => {
                word.get_or_insert_default().push(char);
            }
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELLS: &[&str] = &[
        "/bin/bash",
        "/bin/sh",
        "/bin/zsh",
        "/usr/bin/bash",
        "/usr/bin/sh",
        "/usr/bin/zsh",
    ];

    fn command(text: &str) -> Option<Vec<String>> {
        let line = CommandLine::of(&Command::from_line(text, "/")?)?;
        Some(line.words().to_vec())
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
            "ls < x",
            "ls 2>&1",
            "ls >(rm x)",
            "ls <(rm x)",
            "ls <<E",
            "(ls)",
            "{ ls; }",
            "{ls,x}",
            "ls {a,b}",
            "ls *",
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
            "ls \"a\\nb\"",
            "ls \"a!b\"",
            "ls 'a''b'",
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

    /// What is understood of lines made of what shells care about, each shell of
    /// this machine reads in the same way.
    #[cfg(unix)]
    #[test]
    fn shells_read_the_same_words() {
        const PIECES: &[&str] = &[
            "'", "'", "'", "\"", "\"", "\"", "\\", "\\", " ", " ", " ", "a", "b c", "-x", "=", "/",
            ".", ":", ",", "@", "%", "+", "_", "~", "$", "$(", ")", "`", "!", "#", "*", "?", "[",
            "]", "{", "}", ";", "&", "|", "<", ">", "^", "\t", "\n", "\r", "é", "\u{a0}", "$x",
            "''", "\"\"", "\\\"", "\\$", "\\`", "\\\\", "=a", "a=b", "%1", "@(a)", "&&", "if",
            "--",
        ];
        // Lines of few pieces, since one bad piece is enough to refuse a line.
        let mut seed: u64 = 7;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) as usize % below
        };
        let lines: Vec<String> = (0..200_000)
            .map(|_| {
                (0..1 + next(7))
                    .map(|_| PIECES[next(PIECES.len())])
                    .collect()
            })
            .collect();
        let understood: Vec<_> = (lines.iter())
            .filter_map(|line| Some((line, words(line)?)))
            .collect();
        assert!(understood.len() > 5_000, "{}", understood.len());
        let mut script = "f() { printf '<%s>' \"$@\"; printf '\\n'; }\n".to_owned();
        let mut expected = String::new();
        for (line, words) in &understood {
            script.push_str(&format!("f {line} .\n"));
            words
                .iter()
                .for_each(|word| expected.push_str(&format!("<{word}>")));
            expected.push_str("<.>\n");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("script");
        std::fs::write(&file, script).unwrap();
        let shells = SHELLS
            .iter()
            .filter(|shell| std::path::Path::new(shell).exists());
        for shell in shells {
            let output = std::process::Command::new(shell)
                .arg(&file)
                .current_dir(folder.path())
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            for ((line, _), (printed, expected)) in
                understood.iter().zip(printed.lines().zip(expected.lines()))
            {
                assert_eq!(printed, expected, "{shell}: {line:?}");
            }
            assert_eq!(printed, expected, "{shell}");
        }
    }
}
