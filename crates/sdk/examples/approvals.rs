//! Who decides what the agent may do: rules first, then you.
//!
//! `cargo run --example approvals`, offline with `-- --demo`.

mod support;

use openai_codex::types::CommandExecutionRequestApprovalParams;
use openai_codex::{ApprovalMode, CommandRule, Decision, Handlers, Sandbox};

use support::User;

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.shell_escalated("ls", "To look around");
        model.shell_escalated("ls /etc", "To look around elsewhere");
        model.shell_escalated("touch done.txt", "To leave a note");
        model.shell_escalated("ls; rm -rf notes", "To tidy up");
        model.say("I looked around, left a note, and tidied nothing up.");
    })?;
    let user = stage.user(["n", "y", "n"]);
    let folder = stage.folder()?;

    // What only reads, in this folder, needs no question. Whatever a rule does not
    // understand to the last character, such as a list of commands, does.
    let harmless = CommandRule::read_only().and(CommandRule::inside(&folder));
    let handlers = Handlers::new()
        .command_approval(harmless.or_else(move |request, cx| {
            let user = user.clone();
            async move {
                tokio::select! {
                    decision = ask(&user, &request) => decision,
                    // The turn is over: nobody waits for an answer.
                    () = cx.cancelled() => Decision::Decline,
                }
            }
        }))
        .file_change_approval(|_request, _cx| async { Decision::Decline });

    let codex = stage.builder().handlers(handlers).await?;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .sandbox(Sandbox::ReadOnly)
        .await?;
    let result = thread.run("Look around, and leave a note.").await?;
    println!("agent> {}", result.final_response.unwrap_or_default());
    codex.close().await?;
    Ok(())
}

async fn ask(user: &User, request: &CommandExecutionRequestApprovalParams) -> Decision {
    let command = request.command.as_deref().unwrap_or("?");
    let reason = request.reason.as_deref().unwrap_or("no reason given");
    // What the agent writes may hold control characters: `{:?}` escapes them.
    println!("the agent wants to run {command:?}: {reason:?}");
    match user.ask("  allow? [y/N] ").await.as_deref() {
        Some("y") => Decision::Accept,
        _ => Decision::Decline,
    }
}
