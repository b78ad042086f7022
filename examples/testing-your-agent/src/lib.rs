//! An agent that knows whether a release can go out: it asks the issue tracker through a tool,
//! looks at the repository, and never pushes. Its tests are in `tests/agent.rs`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::schemars::{self, JsonSchema};
use openai_codex::types::CommandAction;
use openai_codex::{
    ApprovalMode, Codex, Decision, HandlerError, Handlers, Result, Thread, Tool, types,
};
use serde::Deserialize;

/// What may run outside of the sandbox. Everything else is declined.
const ALLOWED: [&str; 2] = ["git status", "git fetch"];

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
    /// Starts a thread for it.
    pub async fn start(codex: &Codex, issues: Issues) -> Result<Self> {
        let declined = Arc::default();
        let thread = codex
            .thread_start()
            .developer_instructions("You decide whether a release can go out. You never push.")
            .approval_mode(ApprovalMode::Ask)
            .handlers(policy(Arc::clone(&declined)))
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

/// The approval policy.
fn policy(declined: Arc<Mutex<Vec<String>>>) -> Handlers {
    Handlers::new().command_approval(move |request, _cx| {
        let commands = commands(&request);
        let allowed = !commands.is_empty()
            && commands
                .iter()
                .all(|command| ALLOWED.contains(&command.as_str()));
        if !allowed {
            lock(&declined).extend(commands);
        }
        async move {
            if allowed {
                Decision::Accept
            } else {
                Decision::Decline
            }
        }
    })
}

/// What a request would run, command by command.
fn commands(request: &types::CommandExecutionRequestApprovalParams) -> Vec<String> {
    let actions = request.command_actions.iter().flatten();
    let command = |action: &CommandAction| match action {
        CommandAction::Unknown(action) => action.command.clone(),
        // What the runtime takes for reading and searching is none of the allowed ones either.
        other => format!("{other:?}"),
    };
    actions.map(command).collect()
}

fn lock(declined: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    declined.lock().unwrap_or_else(PoisonError::into_inner)
}
