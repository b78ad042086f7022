//! Which commands are allowed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::folder::stays_inside;
use crate::pattern::words_match;
use crate::{Command, CommandLine};

/// Programs that write nothing and start nothing, whatever their arguments are.
const READERS: &[&str] = &[
    "basename", "cat", "cut", "dirname", "echo", "expr", "false", "grep", "head", "id", "ls", "nl",
    "paste", "pwd", "readlink", "realpath", "rev", "seq", "stat", "tail", "tr", "true", "uname",
    "wc", "whoami",
];

/// Which commands may run without asking anybody.
///
/// ```
/// use openai_codex_policy::{Command, Rule, Shell};
///
/// let rule = Rule::words(["cargo", "test", "**"]).or(Rule::read_only());
/// let command = Command::new(Some(Shell::Bash), "cat src/lib.rs", "/src/project");
/// assert!(rule.allows(&command));
/// ```
///
/// # What is denied whatever the rules are
///
/// A rule sees a script only if it is one simple command, written so that every
/// shell reads it alike: a program and arguments, plain or quoted. Pipes, lists
/// (`;`, `&&`, `&`), redirections to or from files, `$…`, backquotes, globs, `~`, assignments before
/// the program, and several lines are denied.
#[derive(Clone)]
#[must_use = "a rule does nothing until it is asked"]
pub struct Rule(Arc<Kind>);

enum Kind {
    Words(Vec<String>),
    ReadOnly,
    Inside(PathBuf),
    Test(Box<dyn Fn(&CommandLine) -> bool + Send + Sync>),
    Both(Rule, Rule),
    Either(Rule, Rule),
}

impl Rule {
    /// Allows commands of these words. The first one is the program, exactly as it
    /// is written: `git` is neither `/usr/bin/git` nor `./git`. In the others, `*`
    /// stands for any text that does not make more than a value of the word: `*` and
    /// `*.rs` fit no option (`-x`, `+x`), no file of options (`@x`) and no
    /// `NAME=value`, and no `*` fits text that climbs up by `..`. `-*`, `@*`, `*=*`
    /// do. `**` as the last one stands for any further words, whatever they are.
    ///
    /// **Beware of `**` and `-*`**: most programs have options that write or that
    /// start other programs. `words(["git", "diff", "**"])` allows
    /// `git diff --output=FILE`; `find`, `rg`, `sort`, `tar` and `cargo` have their
    /// own (`-delete`, `--pre`, `-o`, `--to-command`, `--config`). Name the options
    /// that you mean.
    pub fn words<I>(words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::of(Kind::Words(words.into_iter().map(Into::into).collect()))
    }

    /// Allows a program with any arguments: look at what those can do.
    pub fn program(program: impl Into<String>) -> Self {
        Self::words([program.into(), "**".to_owned()])
    }

    /// Allows programs that only read, whatever their arguments are, such as `cat`,
    /// `ls`, `grep` and `wc`. Not `find`, `sed`, `sort` and `git`, each of which has
    /// ways to write or to start something. They may read anything that the user
    /// may, unless [`inside`](Self::inside) says where.
    pub fn read_only() -> Self {
        Self::of(Kind::ReadOnly)
    }

    /// Allows commands that run in this folder or below, if none of their arguments
    /// can be a path that leads out of it, symbolic links followed: no `..`, no
    /// absolute path to elsewhere, also behind `=`, `:` or an option's letter. What
    /// a program finds by itself, by links in folders that it walks or in a script
    /// that is an argument, is not seen. The links are those of this machine: with a
    /// runtime on another one, this rule says nothing.
    pub fn inside(folder: impl Into<PathBuf>) -> Self {
        Self::of(Kind::Inside(folder.into()))
    }

    /// Allows commands that pass a test of yours.
    ///
    /// ```
    /// use openai_codex_policy::Rule;
    ///
    /// let quick = Rule::test(|command| {
    ///     command.program() == "make" && command.arguments().iter().all(|it| it == "check")
    /// });
    /// ```
    pub fn test(test: impl Fn(&CommandLine) -> bool + Send + Sync + 'static) -> Self {
        Self::of(Kind::Test(Box::new(test)))
    }

    /// Allows what both allow.
    pub fn and(self, other: Self) -> Self {
        Self::of(Kind::Both(self, other))
    }

    /// Allows what either allows.
    pub fn or(self, other: Self) -> Self {
        Self::of(Kind::Either(self, other))
    }

    /// Whether a command is allowed. [`inside`](Self::inside) looks at the file
    /// system, which may block.
    pub fn allows(&self, command: &Command) -> bool {
        CommandLine::of(command).is_some_and(|line| self.matches(&line))
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    fn matches(&self, command: &CommandLine) -> bool {
        match &*self.0 {
            Kind::Words(patterns) => words_match(patterns, command.words()),
            Kind::ReadOnly => READERS.contains(&command.program()),
            Kind::Inside(folder) => stays_inside(folder, command),
            Kind::Test(test) => test(command),
            Kind::Both(one, other) => one.matches(command) && other.matches(command),
            Kind::Either(one, other) => one.matches(command) || other.matches(command),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Words(words) => f.debug_tuple("words").field(words).finish(),
            Kind::ReadOnly => f.write_str("read_only"),
            Kind::Inside(folder) => f.debug_tuple("inside").field(folder).finish(),
            Kind::Test(_) => f.write_str("test"),
            Kind::Both(one, other) => f.debug_tuple("and").field(one).field(other).finish(),
            Kind::Either(one, other) => f.debug_tuple("or").field(one).field(other).finish(),
        }
    }
}
