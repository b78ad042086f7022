//! Lines that a rule understands, read by the shells of this machine: what we take for the words
//! of a command must be what the program is started with.
//!
//! Shared by the fuzz target, by the test that replays its corpus, and by the tests of the rules.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use openai_codex_policy::{Command, Rule, Shell};

/// A shell with options that its user may have set.
struct Reader {
    program: &'static str,
    arguments: &'static [&'static str],
    shells: &'static [Shell],
    setup: &'static str,
}

const fn reader(
    program: &'static str,
    arguments: &'static [&'static str],
    shells: &'static [Shell],
    setup: &'static str,
) -> Reader {
    Reader {
        program,
        arguments,
        shells,
        setup,
    }
}

const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Sh, Shell::Zsh];

/// What is `sh` somewhere counts for `sh`.
const READERS: &[Reader] = &[
    reader("bash", &[], &[Shell::Bash, Shell::Sh], ""),
    reader("bash", &["--posix"], &[Shell::Bash, Shell::Sh], ""),
    reader("bash", &["-k"], &[Shell::Bash, Shell::Sh], ""),
    reader(
        "bash",
        &[
            "-O", "extglob", "-O", "globstar", "-O", "dotglob", "-O", "nullglob",
        ],
        &[Shell::Bash, Shell::Sh],
        "",
    ),
    reader("dash", &[], &[Shell::Sh], ""),
    reader("sh", &[], &[Shell::Sh], ""),
    reader("zsh", &["-f"], &[Shell::Zsh], ""),
    reader(
        "zsh",
        &["--emulate", "sh", "-f"],
        &[Shell::Sh, Shell::Zsh],
        "",
    ),
    reader(
        "zsh",
        &["--emulate", "ksh", "-f"],
        &[Shell::Sh, Shell::Zsh],
        "",
    ),
    reader(
        "zsh",
        &["-f"],
        &[Shell::Zsh],
        "setopt magic_equal_subst extended_glob null_glob",
    ),
    reader(
        "zsh",
        &["-f"],
        &[Shell::Zsh],
        "setopt rc_quotes ksh_glob glob_dots bare_glob_qual",
    ),
    reader(
        "zsh",
        &["-f"],
        &[Shell::Zsh],
        "setopt csh_junkie_quotes csh_junkie_history csh_null_glob",
    ),
    reader(
        "zsh",
        &["-f"],
        &[Shell::Zsh],
        "setopt sh_word_split glob_subst brace_ccl glob_assign glob_star_short rm_star_silent",
    ),
    reader(
        "zsh",
        &["-f"],
        &[Shell::Zsh],
        "setopt no_equals no_multibyte ignore_braces interactive_comments ksh_arrays",
    ),
];

/// The shells of this machine, and those that are missing.
pub fn missing() -> Vec<&'static str> {
    let mut missing: Vec<_> = (READERS.iter().map(|it| it.program))
        .filter(|program| find(program).is_none())
        .collect();
    missing.dedup();
    missing
}

fn find(program: &str) -> Option<String> {
    let places = ["/bin", "/usr/bin"].map(|folder| format!("{folder}/{program}"));
    places.into_iter().find(|path| Path::new(path).exists())
}

/// What shells care about, to make lines of.
pub const PIECES: &[&str] = &[
    "'",
    "'",
    "'",
    "\"",
    "\"",
    "\"",
    "\\",
    "\\",
    " ",
    " ",
    " ",
    "a",
    "b c",
    "-x",
    "=",
    "/",
    ".",
    ":",
    ",",
    "@",
    "%",
    "+",
    "_",
    "~",
    "$",
    "$(",
    ")",
    "`",
    "!",
    "#",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    ";",
    "&",
    "|",
    "<",
    ">",
    "^",
    "\t",
    "\r",
    "é",
    "ж",
    "日",
    "\u{a0}",
    "$x",
    "''",
    "\"\"",
    "\\\"",
    "\\$",
    "\\`",
    "\\\\",
    "\\(",
    "\\;",
    "\\|",
    "=a",
    "=ls",
    "a=b",
    "--a=",
    "%1",
    "@(a)",
    "&&",
    "if",
    "--",
    "~1",
    "^2",
    "..",
    "A=",
    "1",
    "2",
    "2>&1",
    " 2>/dev/null ",
    ">/dev/null",
    " &>/dev/null",
    ">&2",
    "</dev/null",
    " | f ",
    "; f ",
    " && f ",
    " || f ",
    "|f a",
    "f",
    "cd . && f ",
    "(",
    "||",
];

/// Compares what bytes stand for, as a text or as pieces, with some of the shells; how many
/// comparisons those were.
///
/// # Panics
///
/// As [`compare`].
pub fn feed(bytes: &[u8]) -> usize {
    let Some((first, rest)) = bytes.split_first() else {
        return 0;
    };
    let text = match first % 2 {
        0 => String::from_utf8_lossy(rest).into_owned(),
        _ => (rest.iter())
            .map(|byte| match byte {
                b'\n' => "\n",
                byte => PIECES[usize::from(*byte) % PIECES.len()],
            })
            .collect(),
    };
    let lines = text.lines().filter(|line| line.len() < 200).take(32);
    compare(lines, |at| at % 3 == usize::from(first / 2) % 3)
}

/// Compares the lines that are understood with what the shells make of them; how many
/// comparisons those were. Which shells, their numbers decide.
///
/// # Panics
///
/// If a shell reads one otherwise: the message names the first, in one line.
pub fn compare<'a>(lines: impl Iterator<Item = &'a str>, choose: impl Fn(usize) -> bool) -> usize {
    let lines: Vec<_> = lines
        .map(|line| (line, SHELLS.map(|shell| commands(line, shell))))
        .filter(|(_, read)| read.iter().any(Option::is_some))
        .collect();
    let mut compared = 0;
    for (_, reader) in READERS.iter().enumerate().filter(|(at, _)| choose(*at)) {
        let Some(path) = find(reader.program) else {
            continue;
        };
        let lines: Vec<_> = (lines.iter())
            .filter_map(|(line, read)| {
                let mut read = SHELLS.iter().zip(read);
                let (_, commands) = read.find(|(shell, commands)| {
                    reader.shells.contains(shell) && commands.is_some()
                })?;
                Some((*line, commands.as_deref()?))
            })
            .collect();
        compared += lines.len();
        if !lines.is_empty() {
            reader.check(&path, &lines);
        }
    }
    compared
}

/// The words of the commands of a line, if this shell is thought to read it in one way and all of
/// them are the one that is defined for it.
fn commands(line: &str, shell: Shell) -> Option<Vec<Vec<String>>> {
    let commands = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&commands);
    let rule = Rule::test(move |line| {
        let mut seen = seen.lock().expect("nothing panics with it");
        seen.push(line.arguments().to_vec());
        line.program() == "f"
    });
    let command = Command::new(Some(shell), format!("f {line}"), "/");
    let allows = rule.and_lists().allows(&command);
    let mut commands = commands.lock().expect("nothing panics with it");
    allows.then(|| std::mem::take(&mut *commands))
}

fn temporary_file() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("openai-codex-policy-{}-{count}", std::process::id());
    std::env::temp_dir().join(name)
}

impl Reader {
    fn check(&self, path: &str, lines: &[(&str, &[Vec<String>])]) {
        // Each call prints its words at once, since the parts of a pipe run side by side, and each
        // line its end.
        let mut script = format!(
            "exec 3>&1\nE=$(printf '\\001')\n\
             f() {{ s=; for w do s=\"$s$w$E\"; done; printf '%s\\n' \"$s\" >&3; }}\n{}\n",
            self.setup
        );
        for (line, _) in lines {
            let _ = writeln!(script, "f {line}\nprintf '\\002\\n'");
        }
        // From a file, since shells read a pipe byte by byte.
        let file = temporary_file();
        std::fs::write(&file, script).expect("the temporary folder can be written to");
        let output = Process::new(path)
            .args(self.arguments)
            .arg(&file)
            .current_dir("/")
            .env_clear()
            // If a line is read otherwise, it finds nothing to run.
            .env("PATH", "/nowhere")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("the shell starts");
        let _ = std::fs::remove_file(&file);
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut printed = printed.split("\u{2}\n");
        for (line, commands) in lines {
            let printed = printed.next().unwrap_or("(nothing)");
            assert!(
                is_same(printed, commands, line.contains("||")),
                "{} {:?} {:?} reads {:?} as {:?}, and we as {commands:?}",
                self.program,
                self.arguments,
                self.setup,
                line.chars().take(80).collect::<String>(),
                printed.chars().take(200).collect::<String>(),
            );
        }
    }
}

/// Whether the commands printed these words, in any order. Some may have been passed over, but
/// for the first.
fn is_same(printed: &str, commands: &[Vec<String>], passes_over: bool) -> bool {
    let mut expected: Vec<String> = (commands.iter())
        .map(|words| words.iter().map(|word| format!("{word}\u{1}")).collect())
        .collect();
    let first = expected[0].clone();
    let mut lines: Vec<_> = printed.split_terminator('\n').collect();
    lines.sort_unstable();
    expected.sort_unstable();
    if passes_over {
        lines.contains(&&*first)
            && lines
                .iter()
                .all(|line| expected.iter().any(|it| it == line))
    } else {
        lines == expected
    }
}
