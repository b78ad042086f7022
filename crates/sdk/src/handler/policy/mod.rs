//! Rules by which commands are approved without asking anybody.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use openai_codex_policy::{self as policy, Command, Rule};
use openai_codex_types::{
    CommandExecutionApprovalDecision, CommandExecutionApprovalKind,
    CommandExecutionRequestApprovalParams,
};

use super::{Decision, HandlerContext, HandlerError, IntoAnswer};

/// Which commands are approved without asking anybody: those that a rule allows.
/// What is done about the rest is said when the rule becomes a handler, by
/// [`or_decline`](Self::or_decline) or [`or_else`](Self::or_else).
///
/// ```no_run
/// use openai_codex::{CommandRule, Handlers};
///
/// let rule = CommandRule::words(["cargo", "test"])
///     .or(CommandRule::git_read())
///     .or(CommandRule::read_only())
///     .and(CommandRule::inside("/src/project"));
/// let handlers = Handlers::new().command_approval(rule.or_decline());
/// ```
///
/// # What is denied whatever the rules are
///
/// The server asks about a line for a shell. A rule sees it only if it is one simple
/// command, written so that the shell is sure to read it in one way: a program and
/// arguments, plain or quoted. Pipes and lists (unless [`and_lists`](Self::and_lists)
/// is said), `&`, redirections to or from files, `$…`, backquotes, `~`, patterns that
/// do not begin with a name (`*.rs`, where `src/*.rs` is understood), assignments
/// before the program, several lines, and shells other than bash, sh and zsh of the
/// system are denied; so are requests for more than to start a command on this
/// machine, and for a shell of Windows. The runtime's own reading of the line
/// ([`command_actions`](CommandExecutionRequestApprovalParams::command_actions)) is
/// made for people, and is not used.
///
/// git takes the names of programs from the configuration of the repository that it
/// finds. It is denied in folders that are themselves made as a repository (a bare
/// one, or `.git`): it takes no more than a few files to make one.
///
/// # What a rule cannot know
///
/// What is approved runs **outside of the sandbox**, and does what the program
/// does. `cargo test` runs what the agent wrote into the tests, and `make`, `npm` and
/// cargo itself start what files in the folder name. A program that is named without a
/// path is the first on the `PATH` of the shell, unless a function or an alias of its
/// start-up files has the name; `cd` looks where `CDPATH` says. Files may change
/// between the approval and the start, and the agent may type into a program that
/// runs. The [chapter](crate::concepts::approvals_and_sandbox) says more, and
/// recommends a rule to begin with.
#[derive(Clone)]
#[must_use = "a rule does nothing until it is made a handler"]
pub struct CommandRule(Rule);

/// What a rule becomes as a handler.
pub type CommandDecision = Pin<Box<dyn Future<Output = Result<Decision, HandlerError>> + Send>>;

impl CommandRule {
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
        Self(Rule::words(words))
    }

    /// Allows a program with any arguments: look at what those can do.
    pub fn program(program: impl Into<String>) -> Self {
        Self(Rule::program(program))
    }

    /// Allows programs that only read, such as `cat`, `ls`, `grep` and `wc`, whatever
    /// their arguments are, and others with the options with which they only read:
    /// `rg` without `--pre`, `find` with tests and no actions, `sort` without `-o`,
    /// `sed -n 'N,Mp'`, `tree`, `uniq`, `file`, `du` and the like. Not `awk`,
    /// `xargs` and `cargo`, nor `git`, for which there is [`git_read`](Self::git_read). They may
    /// read anything that the user may, unless [`inside`](Self::inside) says where.
    pub fn read_only() -> Self {
        Self(Rule::read_only())
    }

    /// Allows commands of git that only read and start nothing: `status`, `diff`,
    /// `log`, `show`, `blame`, `grep`, `branch --list`, `tag --list`, `ls-files`,
    /// `rev-parse` and the like, with the options with which that is so. Not
    /// `--output`, `--ext-diff`, `--textconv`, `--show-signature`, `%G?`, `--no-index`,
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
    /// use openai_codex::CommandRule;
    ///
    /// let rule = CommandRule::git_read().and(CommandRule::inside("/src/project"));
    /// ```
    pub fn git_read() -> Self {
        Self(Rule::git_read())
    }

    /// Allows commands that run in this folder or below, if none of their arguments
    /// can be a path that leads out of it, symbolic links followed: no `../elsewhere`,
    /// no absolute path to elsewhere, also behind `=`, `:` or an option's letter. What
    /// is a pattern for sure is no path: `grep "/api/v1" src`. What
    /// a program finds by itself, by links in folders that it walks or in a script
    /// that is an argument, is not seen. git must not use a repository that lies below
    /// the folder: whoever may write there may have made it. The links are those of this machine: with a
    /// runtime on another one, this rule says nothing.
    pub fn inside(folder: impl Into<PathBuf>) -> Self {
        Self(Rule::inside(folder))
    }

    /// Allows commands that pass a test of yours.
    ///
    /// ```
    /// use openai_codex::CommandRule;
    ///
    /// let quick = CommandRule::test(|command| {
    ///     command.program() == "make" && command.arguments().iter().all(|it| it == "check")
    /// });
    /// ```
    pub fn test(test: impl Fn(&CommandLine) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::test(move |line| test(&CommandLine(line.clone()))))
    }

    /// Allows what both allow.
    pub fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0))
    }

    /// Allows what either allows.
    pub fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// Allows what any of these allows.
    pub fn any_of(rules: impl IntoIterator<Item = Self>) -> Self {
        Self(Rule::any_of(rules.into_iter().map(|rule| rule.0)))
    }

    /// Allows lists and pipes too (`a && b`, `a || b`, `a; b`, `a | b`), if each of
    /// their commands is allowed by itself. `cd FOLDER` is followed, if the folder
    /// is there: what comes behind it is judged where it runs, and where it would
    /// run if the `cd` failed. Rules that are put to it by [`and`](Self::and) judge
    /// each command as well.
    ///
    /// ```
    /// use openai_codex::CommandRule;
    ///
    /// let rule = CommandRule::any_of([
    ///     CommandRule::read_only(),
    ///     CommandRule::words(["make", "check"]),
    /// ]);
    /// // `make check 2>&1 | tail -n 20`, and not `make check | sh`.
    /// let rule = rule.and_lists().and(CommandRule::inside("/src/project"));
    /// ```
    ///
    /// In a pipe, a program reads what the one before it writes: do not allow those
    /// that take commands from there, such as `sh` and `python`.
    pub fn and_lists(self) -> Self {
        Self(self.0.and_lists())
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
        Self(self.0.trusting(folders))
    }

    /// Says that git has no pager to start: what runs has `GIT_PAGER=cat` in its
    /// environment. The runtime sees to that (seen with 0.163.0), if your shell's
    /// start-up files do not undo it. In a pager on a terminal, the agent could type
    /// commands.
    pub fn without_pager(self) -> Self {
        Self(self.0.without_pager())
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
    /// use openai_codex::CommandRule;
    ///
    /// // `sort -rn sizes`, and not `sort -rno sizes sizes`.
    /// let rule = CommandRule::words(["sort", "**"]).without_options(["-o", "--output"]);
    /// ```
    pub fn without_options<I>(self, options: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self(self.0.without_options(options))
    }

    /// Whether a command is allowed. [`inside`](Self::inside) looks at the file
    /// system, which may block.
    pub fn allows(&self, request: &CommandExecutionRequestApprovalParams) -> bool {
        command_of(request).is_some_and(|command| self.0.allows(&command))
    }

    /// A handler that accepts what is allowed, once, and declines the rest.
    pub fn or_decline(
        self,
    ) -> impl Fn(CommandExecutionRequestApprovalParams, HandlerContext) -> CommandDecision
    + Send
    + Sync
    + 'static {
        self.or_else(|_request, _cx| std::future::ready(Decision::Decline))
    }

    /// A handler that accepts what is allowed, once, and leaves the rest to another
    /// handler.
    ///
    /// ```no_run
    /// # async fn ask_the_user(_: Option<&str>) -> bool { false }
    /// use openai_codex::{CommandRule, Decision, Handlers};
    ///
    /// let rule = CommandRule::read_only().and(CommandRule::inside("/src/project"));
    /// let handlers = Handlers::new().command_approval(rule.or_else(|request, _cx| async move {
    ///     match ask_the_user(request.command.as_deref()).await {
    ///         true => Decision::Accept,
    ///         false => Decision::Decline,
    ///     }
    /// }));
    /// ```
    pub fn or_else<F, Fut>(
        self,
        handler: F,
    ) -> impl Fn(CommandExecutionRequestApprovalParams, HandlerContext) -> CommandDecision
    + Send
    + Sync
    + 'static
    where
        F: Fn(CommandExecutionRequestApprovalParams, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: IntoAnswer<Decision>,
    {
        let handler = Arc::new(handler);
        move |request, cx| {
            let (rule, handler) = (self.clone(), Arc::clone(&handler));
            Box::pin(async move {
                let asked = request.clone();
                let allowing = tokio::task::spawn_blocking(move || rule.allows(&asked));
                match allowing.await {
                    Ok(true) => Ok(Decision::Accept),
                    Ok(false) => handler(request, cx).await.into_answer(),
                    Err(_) => Err(HandlerError::new("a rule panicked")),
                }
            })
        }
    }
}

impl fmt::Debug for CommandRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A command that needs approval and is understood: one program and its
/// arguments, as they are when the shell starts it. What a
/// [`CommandRule::test`] looks at.
///
/// ```
/// # fn example(request: &openai_codex::types::CommandExecutionRequestApprovalParams) {
/// use openai_codex::CommandLine;
///
/// match CommandLine::of(request) {
///     Some(command) => println!("{} in {}", command.program(), command.cwd()),
///     None => println!("more than a command, or not understood"),
/// }
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine(policy::CommandLine);

impl CommandLine {
    /// Reads the command of a request. `None` if it is anything but one simple
    /// command on this machine, or if there is more to the request: pipes, lists,
    /// redirections to or from files, substitutions, variables, globs, assignments before the
    /// program, lines of their own; input for a running command, access to the
    /// network, additional permissions.
    pub fn of(request: &CommandExecutionRequestApprovalParams) -> Option<Self> {
        policy::CommandLine::of(&command_of(request)?).map(Self)
    }

    /// The program: a name or a path, as it was written.
    pub fn program(&self) -> &str {
        self.0.program()
    }

    /// The arguments.
    pub fn arguments(&self) -> &[String] {
        self.0.arguments()
    }

    /// The folder that it runs in.
    pub fn cwd(&self) -> &str {
        self.0.cwd()
    }
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The command of a request, if the request is for no more than to run one on this
/// machine. Runtime 0.163.0 quotes what it is about to start, which is a shell with
/// a script in all cases that were seen.
fn command_of(request: &CommandExecutionRequestApprovalParams) -> Option<Command> {
    let can_accept = (request.available_decisions.as_ref())
        .is_none_or(|offered| offered.contains(&CommandExecutionApprovalDecision::Accept));
    let is_plain = request.kind == CommandExecutionApprovalKind::Command
        && request.approval_id.is_none()
        && request.additional_permissions.is_none()
        && request.network_approval_context.is_none()
        && matches!(request.environment_id.as_deref(), None | Some("local"));
    if !can_accept || !is_plain {
        return None;
    }
    Command::from_line(
        request.command.as_deref()?,
        String::from(request.cwd.clone()?),
    )
}

#[cfg(test)]
mod tests;
