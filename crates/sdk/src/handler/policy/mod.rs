//! Rules by which commands are approved without asking anybody.

mod folder;
mod line;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use openai_codex_types::CommandExecutionRequestApprovalParams;

pub use self::line::CommandLine;
use super::{Decision, HandlerContext, HandlerError, IntoAnswer};

/// Programs that write nothing and start nothing, whatever their arguments are.
const READERS: &[&str] = &[
    "basename", "cat", "cut", "dirname", "echo", "expr", "false", "grep", "head", "id", "ls", "nl",
    "paste", "pwd", "readlink", "realpath", "rev", "seq", "stat", "tail", "tr", "true", "uname",
    "wc", "whoami",
];

/// Which commands are approved without asking anybody: those that a rule allows.
/// What is done about the rest is said when the rule becomes a handler, by
/// [`or_decline`](Self::or_decline) or [`or_else`](Self::or_else).
///
/// ```no_run
/// use openai_codex::{CommandRule, Handlers};
///
/// let rule = CommandRule::words(["cargo", "test", "**"])
///     .or(CommandRule::words(["git", "log", "-n", "*"]))
///     .or(CommandRule::read_only())
///     .and(CommandRule::inside("/src/project"));
/// let handlers = Handlers::new().command_approval(rule.or_decline());
/// ```
///
/// # What is denied whatever the rules are
///
/// The server asks about a line for a shell. A rule sees it only if it is one
/// simple command, written so that every shell reads it alike: a program and
/// arguments, plain or quoted. Pipes, lists (`;`, `&&`, `&`), redirections,
/// `$…`, backquotes, globs, `~`, assignments before the program, several lines,
/// and shells other than bash, sh and zsh of the system are denied; so are
/// requests for more than to start a command on this machine, and for a shell of
/// Windows. The runtime's own reading of the line
/// ([`command_actions`](CommandExecutionRequestApprovalParams::command_actions))
/// is made for people, and is not used.
///
/// # What a rule cannot know
///
/// What is approved runs **outside of the sandbox**, and does what the program
/// does. `cargo test` runs what the agent wrote into the tests; a program that is
/// named without a path is the first on the `PATH` of the shell, and its start-up
/// files count; files may change between the approval and the start, and the agent
/// may type into a program that runs.
#[derive(Clone)]
#[must_use = "a rule does nothing until it is made a handler"]
pub struct CommandRule(Arc<Rule>);

enum Rule {
    Words(Vec<String>),
    ReadOnly,
    Inside(PathBuf),
    Test(Box<dyn Fn(&CommandLine) -> bool + Send + Sync>),
    Both(CommandRule, CommandRule),
    Either(CommandRule, CommandRule),
}

/// What a rule becomes as a handler.
pub type CommandDecision = Pin<Box<dyn Future<Output = Result<Decision, HandlerError>> + Send>>;

impl CommandRule {
    /// Allows commands of these words. The first one is the program, exactly as it
    /// is written: `git` is neither `/usr/bin/git` nor `./git`. In the others, `*`
    /// stands for any text that does not make an option of the word: `*` and `*.rs`
    /// fit nothing that begins with `-`, `-*` does. `**` as the last one stands for
    /// any further words, options included.
    pub fn words<I>(words: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::of(Rule::Words(words.into_iter().map(Into::into).collect()))
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
        Self::of(Rule::ReadOnly)
    }

    /// Allows commands that run in this folder or below, if none of their arguments
    /// can be a path that leads out of it, symbolic links followed: no `..`, no
    /// absolute path to elsewhere, also behind `=`, `:` or an option's letter. What
    /// a program finds by itself, by links in folders that it walks or in a script
    /// that is an argument, is not seen. The links are those of this machine: with a
    /// runtime on another one, this rule says nothing.
    pub fn inside(folder: impl Into<PathBuf>) -> Self {
        Self::of(Rule::Inside(folder.into()))
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
        Self::of(Rule::Test(Box::new(test)))
    }

    /// Allows what both allow.
    pub fn and(self, other: Self) -> Self {
        Self::of(Rule::Both(self, other))
    }

    /// Allows what either allows.
    pub fn or(self, other: Self) -> Self {
        Self::of(Rule::Either(self, other))
    }

    /// Whether a command is allowed. [`inside`](Self::inside) looks at the file
    /// system, which may block.
    pub fn allows(&self, request: &CommandExecutionRequestApprovalParams) -> bool {
        CommandLine::of(request).is_some_and(|command| self.matches(&command))
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

    fn of(rule: Rule) -> Self {
        Self(Arc::new(rule))
    }

    fn matches(&self, command: &CommandLine) -> bool {
        match &*self.0 {
            Rule::Words(patterns) => words_match(patterns, command.words()),
            Rule::ReadOnly => READERS.contains(&command.program()),
            Rule::Inside(folder) => folder::stays_inside(folder, command),
            Rule::Test(test) => test(command),
            Rule::Both(one, other) => one.matches(command) && other.matches(command),
            Rule::Either(one, other) => one.matches(command) || other.matches(command),
        }
    }
}

fn words_match(patterns: &[String], words: &[String]) -> bool {
    let (patterns, further) = match patterns.split_last() {
        Some((last, before)) if last == "**" => (before, true),
        _ => (patterns, false),
    };
    let fits = match further {
        true => words.len() >= patterns.len(),
        false => words.len() == patterns.len(),
    };
    let Some((program, patterns)) = patterns.split_first() else {
        return false;
    };
    fits && *program == words[0]
        && (patterns.iter().zip(&words[1..])).all(|(pattern, word)| word_matches(pattern, word))
}

fn word_matches(pattern: &str, word: &str) -> bool {
    // Whoever leaves a value open does not mean `--upload-pack=…`.
    if pattern.starts_with('*') && word.starts_with('-') {
        return false;
    }
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(mut word) = word.strip_prefix(begin) else {
        return false;
    };
    let mut parts = rest.split('*');
    // Each part as early as it can be, and the last one at the end.
    let end = parts.next_back().unwrap_or_default();
    for part in parts {
        match word.split_once(part) {
            Some((_, after)) => word = after,
            None => return false,
        }
    }
    word.ends_with(end)
}

impl fmt::Debug for CommandRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Rule::Words(words) => f.debug_tuple("words").field(words).finish(),
            Rule::ReadOnly => f.write_str("read_only"),
            Rule::Inside(folder) => f.debug_tuple("inside").field(folder).finish(),
            Rule::Test(_) => f.write_str("test"),
            Rule::Both(one, other) => f.debug_tuple("and").field(one).field(other).finish(),
            Rule::Either(one, other) => f.debug_tuple("or").field(one).field(other).finish(),
        }
    }
}

#[cfg(test)]
mod tests;
