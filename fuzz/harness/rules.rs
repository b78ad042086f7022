//! Lines that a rule understands, read by the shells of this machine: what we take for the words
//! of a command must be what the program is started with.
//!
//! Shared by the fuzz target, by the test that replays its corpus, and by the tests of the rules.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use openai_codex_policy::{Command, CommandLine, Shell};

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
#[allow(unreachable_pub, reason = "each user has its own crate")]
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

/// Compares the lines that are understood with what the shells make of them; how many those are.
///
/// # Panics
///
/// If a shell reads one otherwise: the message names the first, in one line.
#[allow(unreachable_pub, reason = "each user has its own crate")]
pub fn compare<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let lines: Vec<_> = lines
        .map(|line| (line, SHELLS.map(|shell| words(line, shell))))
        .filter(|(_, read)| read.iter().any(Option::is_some))
        .collect();
    let mut compared = 0;
    for reader in READERS {
        let Some(path) = find(reader.program) else {
            continue;
        };
        let lines: Vec<_> = (lines.iter())
            .filter_map(|(line, read)| {
                let mut read = SHELLS.iter().zip(read);
                let (_, words) =
                    read.find(|(shell, words)| reader.shells.contains(shell) && words.is_some())?;
                Some((*line, words.as_deref()?))
            })
            .collect();
        compared += lines.len();
        if !lines.is_empty() {
            reader.check(&path, &lines);
        }
    }
    compared
}

/// The words of a line, if this shell is thought to read it in one way.
fn words(line: &str, shell: Shell) -> Option<Vec<String>> {
    let command = Command::new(Some(shell), format!("f {line}"), "/");
    Some(CommandLine::of(&command)?.arguments().to_vec())
}

fn temporary_file() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("openai-codex-policy-{}-{count}", std::process::id());
    std::env::temp_dir().join(name)
}

impl Reader {
    fn check(&self, path: &str, lines: &[(&str, &[String])]) {
        let mut script = format!(
            "exec 3>&1\nf() {{ printf '%s\\001' \"$@\" >&3; printf '\\n' >&3; }}\n{}\n",
            self.setup
        );
        for (line, _) in lines {
            let _ = writeln!(script, "f {line}");
        }
        // From a file, since shells read a pipe byte by byte.
        let file = temporary_file();
        std::fs::write(&file, script).expect("the temporary folder can be written to");
        let output = Process::new(path)
            .args(self.arguments)
            .arg(&file)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("the shell starts");
        let _ = std::fs::remove_file(&file);
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut printed = printed.split('\n');
        for (line, words) in lines {
            // `printf` with nothing prints its format once.
            let mut expected = words.join("\u{1}");
            expected.push('\u{1}');
            let printed = printed.next().unwrap_or("(nothing)");
            assert!(
                printed == expected,
                "{} {:?} {:?} reads {:?} as {:?}, and we as {words:?}",
                self.program,
                self.arguments,
                self.setup,
                line.chars().take(80).collect::<String>(),
                printed.chars().take(200).collect::<String>(),
            );
        }
    }
}
