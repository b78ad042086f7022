//! Which commands are allowed.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::folder::stays_inside;
use crate::git::{self, Trust};
use crate::options::may_be;
use crate::pattern::words_match;
use crate::script::Script;
use crate::{Command, CommandLine, readers};

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
/// A rule sees a script only if it is one simple command, written so that the shell
/// is sure to read it in one way: a program and arguments, plain or quoted. Pipes and
/// lists (unless [`and_lists`](Self::and_lists) is said), `&`, redirections to or from
/// files, `$…`, backquotes, `~`, patterns that do not begin with a name (`*.rs`, where
/// `src/*.rs` is understood), assignments before the program, and several lines are
/// denied.
///
/// git takes the names of programs from the configuration of the repository that it
/// finds. It is denied in folders that are themselves made as a repository (a bare
/// one, or `.git`): it takes no more than a few files to make one.
///
/// # What a rule cannot know
///
/// What a program does: `cargo test` runs what the agent wrote into the tests, and
/// `make`, `npm` and cargo itself start what files in the folder name. A program that
/// is named without a path is the first on the `PATH` of the shell, unless a function
/// or an alias of its start-up files has the name; `cd` looks where `CDPATH` says.
/// Global aliases of zsh (`alias -g`, in `.zshenv` too) change arguments as well; of those,
/// only words of nothing but dots (`...`) are denied.
/// Files may change between the judgement and the start.
#[derive(Clone)]
#[must_use = "a rule does nothing until it is asked"]
pub struct Rule(Arc<Kind>);

enum Kind {
    Words(Vec<String>),
    ReadOnly,
    Inside(PathBuf),
    Test(Box<dyn Fn(&CommandLine) -> bool + Send + Sync>),
    Both(Rule, Rule),
    Any(Vec<Rule>),
    Lists(Rule),
    Without(Rule, Vec<String>),
    GitRead,
    Trusting(Rule, Vec<PathBuf>),
    NoPager(Rule),
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

    /// Allows programs that only read, such as `cat`, `ls`, `grep` and `wc`, whatever
    /// their arguments are, and others with the options with which they only read:
    /// `rg` without `--pre`, `find` with tests and no actions, `sort` without `-o`,
    /// `sed -n 'N,Mp'`, `tree`, `uniq`, `file`, `du` and the like. Not `awk`,
    /// `xargs` and `cargo`, nor `git`, for which there is [`git_read`](Self::git_read). They may
    /// read anything that the user may, unless [`inside`](Self::inside) says where.
    pub fn read_only() -> Self {
        Self::of(Kind::ReadOnly)
    }

    /// Allows commands of git that only read and start nothing: `status`, `diff`,
    /// `log`, `show`, `blame`, `grep`, `branch --list`, `tag --list`, `ls-files`,
    /// `rev-parse` and the like, with the options with which that is so. Not
    /// `--output`, `--ext-diff`, `--textconv`, `--show-signature`, `--no-index`, formats and
    /// orders that start something (`%G?`, `%(describe)`), files outside of the repository,
    /// `-c` (but for colours), `--git-dir`.
    ///
    /// git starts what the configuration of a repository names, also for `status`: a
    /// monitor of files, drivers and filters, signatures, hooks, and another git in
    /// every submodule. So it allows them only
    /// - in a repository that is trusted: the one at or above a folder that
    ///   [`inside`](Self::inside) names in the same [`and`](Self::and), or that
    ///   [`trusting`](Self::trusting) does, and never one below;
    /// - whose `.git` is a folder (no linked worktree, no submodule) with a
    ///   configuration that names no program, includes no other file and does not
    ///   fetch what is missing, and without the hook `post-index-change`;
    /// - for `status` and `diff`: that has no submodules, or with
    ///   `--ignore-submodules`;
    /// - for what is shown in a pager: with `--no-pager`, into a pipe or `/dev/null`, or
    ///   by [`without_pager`](Self::without_pager).
    ///
    /// What your own configuration names (`~/.gitconfig`) is yours, and is started.
    /// `status` and `diff` may write down in `.git/index` what they learnt about files.
    ///
    /// ```
    /// use openai_codex_policy::Rule;
    ///
    /// let rule = Rule::git_read().and(Rule::inside("/src/project"));
    /// ```
    pub fn git_read() -> Self {
        Self::of(Kind::GitRead)
    }

    /// Allows commands that run in this folder or below, if none of their arguments
    /// can be a path that leads out of it, symbolic links followed: no `../elsewhere`,
    /// no absolute path to elsewhere, also behind `=`, `:` or an option's letter. What
    /// is a pattern for sure is no path: `grep "/api/v1" src`. What
    /// a program finds by itself, by links in folders that it walks or in a script
    /// that is an argument, is not seen. git must not use a repository that lies below
    /// the folder: whoever may write there may have made it. The links are those of this machine: with a
    /// runtime on another one, this rule says nothing.
    ///
    /// A script for which the file system would be asked too often (32768 times) is denied.
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
        Self::any_of([self, other])
    }

    /// Allows what any of these allows.
    pub fn any_of(rules: impl IntoIterator<Item = Self>) -> Self {
        Self::of(Kind::Any(rules.into_iter().collect()))
    }

    /// Allows lists and pipes too (`a && b`, `a || b`, `a; b`, `a | b`), if each of
    /// their commands is allowed by itself. `cd FOLDER` is followed, if the folder
    /// is there: what comes behind it is judged where it runs, and where it would
    /// run if the `cd` failed. Rules that are put to it by [`and`](Self::and) judge
    /// each command as well.
    ///
    /// ```
    /// use openai_codex_policy::{Command, Rule, Shell};
    ///
    /// let rule = Rule::any_of([Rule::read_only(), Rule::words(["make", "check"])]).and_lists();
    /// let command = |script| Command::new(Some(Shell::Bash), script, "/src/project");
    /// assert!(rule.allows(&command("make check 2>&1 | tail -n 20")));
    /// assert!(!rule.allows(&command("make check | sh")));
    /// ```
    ///
    /// In a pipe, a program reads what the one before it writes: do not allow those
    /// that take commands from there, such as `sh` and `python`.
    pub fn and_lists(self) -> Self {
        Self::of(Kind::Lists(self))
    }

    /// Trusts the repositories of git at or above these folders, for
    /// [`git_read`](Self::git_read): the configuration in their `.git` is nothing that
    /// the agent could write. The sandbox of the runtime keeps the `.git` of a folder
    /// that commands may write in, if it was there before.
    pub fn trusting<I>(self, folders: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<PathBuf>,
    {
        let folders = folders.into_iter().map(Into::into).collect();
        Self::of(Kind::Trusting(self, folders))
    }

    /// Says that git has no pager to start: what runs has `GIT_PAGER=cat` in its
    /// environment. The runtime sees to that (seen with 0.163.0), if your shell's
    /// start-up files do not undo it. In a pager on a terminal, the agent could type
    /// commands.
    pub fn without_pager(self) -> Self {
        Self::of(Kind::NoPager(self))
    }

    /// Allows what it allows, if no word of the command can be one of these options:
    /// alone, with a value behind it, shortened (`--outp`), or among other letters
    /// (`-xo`). What does not begin with `-` or `+` is a word (`install`), or a name
    /// that is set (`SHELL`, for `SHELL=./sh`).
    ///
    /// It is a way to make a rule with `**` narrower, and no proof that nothing is
    /// left: a program may have more options that write or start something than you
    /// know, and the next version one more.
    ///
    /// ```
    /// use openai_codex_policy::{Command, Rule, Shell};
    ///
    /// let rule = Rule::words(["sort", "**"]).without_options(["-o", "--output"]);
    /// let command = |script| Command::new(Some(Shell::Bash), script, "/src/project");
    /// assert!(rule.allows(&command("sort -rn sizes")));
    /// assert!(!rule.allows(&command("sort -rno sizes sizes")));
    /// assert!(!rule.allows(&command("sort --out=sizes sizes")));
    /// ```
    pub fn without_options<I>(self, options: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let options = options.into_iter().map(Into::into).collect();
        Self::of(Kind::Without(self, options))
    }

    /// Whether a command is allowed. [`inside`](Self::inside) looks at the file
    /// system, which may block.
    pub fn allows(&self, command: &Command) -> bool {
        Script::of(command).is_some_and(|script| {
            let is_tricked = script.commands.iter().any(git::is_tricked);
            !is_tricked && self.allows_all(&script.commands, !script.is_list, &Trust::default())
        })
    }

    fn of(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    /// Whether every command of a script is allowed. What is no rule for lists judges
    /// the commands only if `each` says that another rule lets it.
    fn allows_all(&self, commands: &[CommandLine], each: bool, trust: &Trust<'_>) -> bool {
        let all = |test: &dyn Fn(&CommandLine) -> bool| commands.iter().all(test);
        match &*self.0 {
            Kind::Lists(rule) => all(&|command| rule.matches(command, trust)),
            Kind::Both(one, other) => {
                let each = each || one.is_for_lists() || other.is_for_lists();
                let trust = self.trust(trust);
                one.allows_all(commands, each, &trust) && other.allows_all(commands, each, &trust)
            }
            Kind::Any(rules) => rules
                .iter()
                .any(|rule| rule.allows_all(commands, each, trust)),
            Kind::Without(rule, options) => {
                rule.allows_all(commands, each, trust) && all(&|command| lacks(command, options))
            }
            Kind::Trusting(rule, _) | Kind::NoPager(rule) => {
                rule.allows_all(commands, each, &self.trust(trust))
            }
            _ => each && all(&|command| self.matches(command, trust)),
        }
    }

    /// Whether it may allow a list.
    fn is_for_lists(&self) -> bool {
        match &*self.0 {
            Kind::Lists(_) => true,
            Kind::Both(one, other) => one.is_for_lists() || other.is_for_lists(),
            Kind::Any(rules) => rules.iter().any(Self::is_for_lists),
            Kind::Without(rule, _) | Kind::Trusting(rule, _) | Kind::NoPager(rule) => {
                rule.is_for_lists()
            }
            _ => false,
        }
    }

    fn matches(&self, command: &CommandLine, trust: &Trust<'_>) -> bool {
        match &*self.0 {
            Kind::Words(patterns) => words_match(patterns, command),
            Kind::ReadOnly => readers::only_reads(command),
            Kind::GitRead => git::only_reads(command, trust),
            Kind::Inside(folder) => stays_inside(folder, command, &trust.looks),
            Kind::Test(test) => command.is_literal() && test(command),
            Kind::Both(one, other) => {
                let trust = self.trust(trust);
                one.matches(command, &trust) && other.matches(command, &trust)
            }
            Kind::Any(rules) => rules.iter().any(|rule| rule.matches(command, trust)),
            Kind::Lists(rule) => rule.matches(command, trust),
            Kind::Without(rule, options) => rule.matches(command, trust) && lacks(command, options),
            Kind::Trusting(rule, _) | Kind::NoPager(rule) => {
                rule.matches(command, &self.trust(trust))
            }
        }
    }

    /// What this rule says about repositories to those that it is made of, besides what
    /// is said already. Who names a folder by `inside` trusts the repository around it.
    fn trust<'a>(&'a self, said: &Trust<'a>) -> Trust<'a> {
        let mut trust = said.clone();
        match &*self.0 {
            Kind::Both(one, other) => {
                for rule in [one, other] {
                    if let Kind::Inside(folder) = &*rule.0 {
                        trust.roots.push(folder);
                    } else if let Kind::Both(..) = &*rule.0 {
                        trust = rule.trust(&trust);
                    }
                }
            }
            Kind::Trusting(_, roots) => trust.roots.extend(roots.iter().map(PathBuf::as_path)),
            Kind::NoPager(_) => trust.no_pager = true,
            _ => {}
        }
        trust
    }
}

/// Whether no word of a command can be one of these options.
fn lacks(command: &CommandLine, options: &[String]) -> bool {
    let mut words = command.arguments().iter();
    !words.any(|word| options.iter().any(|option| may_be(word, option)))
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Words(words) => f.debug_tuple("words").field(words).finish(),
            Kind::ReadOnly => f.write_str("read_only"),
            Kind::Inside(folder) => f.debug_tuple("inside").field(folder).finish(),
            Kind::Test(_) => f.write_str("test"),
            Kind::GitRead => f.write_str("git_read"),
            Kind::Trusting(rule, roots) => {
                f.debug_tuple("trusting").field(rule).field(roots).finish()
            }
            Kind::NoPager(rule) => f.debug_tuple("without_pager").field(rule).finish(),
            Kind::Both(one, other) => f.debug_tuple("and").field(one).field(other).finish(),
            Kind::Any(rules) => f.debug_tuple("any_of").field(rules).finish(),
            Kind::Lists(rule) => f.debug_tuple("and_lists").field(rule).finish(),
            Kind::Without(rule, options) => {
                let mut shown = f.debug_tuple("without_options");
                shown.field(rule).field(options).finish()
            }
        }
    }
}
