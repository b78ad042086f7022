//! An agent that knows whether a release can go out: it asks the issue tracker through a tool,
//! looks at the repository, and never pushes. Its tests are in `tests/agent.rs`.

use std::collections::BTreeMap;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::schemars::{self, JsonSchema};
use openai_codex::{
    ApprovalMode, Codex, CommandRule, Decision, HandlerError, Handlers, Result, Thread, Tool,
};
use serde::Deserialize;

/// The issue tracker: how many issues each milestone has open.
pub type Issues = BTreeMap<String, u32>;

/// The agent.
pub struct ReleaseAgent {
    thread: Thread,
    declined: Arc<Mutex<Vec<String>>>,
}

#[derive(Deserialize, JsonSchema)]
struct OpenIssuesArgs {
    /// The milestone, such as `1.4`.
    milestone: String,
}

impl ReleaseAgent {
    /// Starts a thread for it, in a repository.
    pub async fn start(codex: &Codex, repository: &Path, issues: Issues) -> Result<Self> {
        let declined = Arc::default();
        let thread = codex
            .thread_start()
            .cwd(repository)
            .developer_instructions("You decide whether a release can go out. You never push.")
            .approval_mode(ApprovalMode::Ask)
            .handlers(policy(repository, Arc::clone(&declined)))
            .tool(open_issues(issues))
            .await?;
        Ok(Self { thread, declined })
    }

    /// Asks it about a milestone.
    pub async fn can_release(&self, milestone: &str) -> Result<String> {
        let question = format!("Can {milestone} go out?");
        let result = self.thread.run(question).await?;
        Ok(result.final_response.unwrap_or_default())
    }

    /// The commands that it was not allowed to run.
    pub fn declined(&self) -> Vec<String> {
        lock(&self.declined).clone()
    }
}

/// The tool.
fn open_issues(issues: Issues) -> Tool {
    let issues = Arc::new(issues);
    Tool::new(
        "open_issues",
        "How many issues of a milestone are open",
        move |args: OpenIssuesArgs, _cx| {
            let issues = Arc::clone(&issues);
            async move {
                match issues.get(&args.milestone) {
                    Some(open) => Ok(format!("{open} open")),
                    None => Err(HandlerError::new("there is no such milestone")),
                }
            }
        },
    )
}

/// The approval policy: what may run outside of the sandbox. Everything else is declined.
///
/// A rule reads the command line itself, and denies whatever it cannot read for sure: a list, a
/// redirection, a variable.
fn policy(repository: &Path, declined: Arc<Mutex<Vec<String>>>) -> Handlers {
    let allowed = CommandRule::words(["git", "log", "--oneline"])
        .or(CommandRule::words(["git", "tag", "--list"]))
        .and(CommandRule::inside(repository));
    Handlers::new().command_approval(allowed.or_else(move |request, _cx| {
        lock(&declined).extend(request.command);
        ready(Decision::Decline)
    }))
}

fn lock(declined: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    declined.lock().unwrap_or_else(PoisonError::into_inner)
}
