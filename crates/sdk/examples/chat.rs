//! A small chat for the terminal: answers as they come, approvals asked for
//! between them, Ctrl-C to stop the agent, and a history.
//!
//! `cargo run --example chat`, with a thread's id to go on with that one;
//! offline with `-- --demo`.

mod support;

use std::io::{Write, stdout};

use openai_codex::types::{
    ServerNotification, ThreadItem, ThreadItemsListCursor, ThreadItemsListParams, UserInput,
};
use openai_codex::{
    ApprovalMode, Codex, Decision, ErrorKind, Event, Handlers, RpcErrorKind, Thread, TurnStatus,
};
use openai_codex_testkit::Gate;

use support::User;

#[tokio::main]
async fn main() -> support::Result {
    let stops_here = Gate::new();
    let stage = support::stage(|model| {
        model.shell_escalated("touch notes.txt", "May I make a file for the notes?");
        model.deltas(["I have made ", "notes.txt."]);
        model
            .deltas(["Chapter one. ", "It was a dark "])
            .waits_for(&stops_here);
    })?;
    let user = stage
        .user([
            "/history",
            "Make a file for my notes.",
            "y",
            "Now write a novel.",
            "/history",
            "/quit",
        ])
        .breaks_off_at(&stops_here);

    let codex = stage.builder().handlers(approvals(&user)).await?;
    let thread = match std::env::args().nth(1).filter(|arg| arg != "--demo") {
        Some(id) => {
            codex
                .thread_resume(id)
                .approval_mode(ApprovalMode::Ask)
                .await?
        }
        None => {
            codex
                .thread_start()
                .approval_mode(ApprovalMode::Ask)
                .await?
        }
    };
    println!("thread {}; /history, /quit, Ctrl-C\n", thread.id());

    loop {
        let line = tokio::select! {
            line = user.ask("you> ") => line,
            () = user.ctrl_c() => None,
        };
        let done = match line.as_deref().map(str::trim) {
            None | Some("/quit") => break,
            Some("") => Ok(()),
            Some("/history") => history(&codex, &thread).await,
            Some(text) => turn(&thread, text, &user).await,
        };
        if let Err(error) = done {
            println!("\n[{error}]");
            if error.is_closed() {
                break;
            }
        }
    }
    codex.close().await?;
    Ok(())
}

/// One turn, shown as it goes.
async fn turn(thread: &Thread, text: &str, user: &User) -> openai_codex::Result<()> {
    let turn = thread.turn(text).await?;
    let mut events = turn.stream();
    let mut is_interrupted = false;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => show(&event?)?,
                None => break,
            },
            () = user.ctrl_c(), if !is_interrupted => {
                is_interrupted = true;
                turn.interrupt().await?;
            }
        }
    }
    let result = turn.run().await?;
    match result.status {
        TurnStatus::Interrupted => println!("\n[interrupted]\n"),
        _ => println!("\n"),
    }
    Ok(())
}

fn show(event: &Event) -> openai_codex::Result<()> {
    if let Some(text) = event.text_delta() {
        print!("{text}");
        // A terminal that is gone is no reason to stop the turn.
        stdout().flush().ok();
        return Ok(());
    }
    if let ServerNotification::ItemCompleted(completed) = event.decode()?
        && let ThreadItem::CommandExecution(command) = &completed.item
    {
        println!("$ {}", command.command);
    }
    Ok(())
}

/// Asks the user about whatever needs approval.
fn approvals(user: &User) -> Handlers {
    let (commands, files) = (user.clone(), user.clone());
    Handlers::new()
        .command_approval(move |request, cx| {
            let user = commands.clone();
            async move {
                println!("\n? {}", request.command.as_deref().unwrap_or("a command"));
                if let Some(reason) = &request.reason {
                    println!("  {reason}");
                }
                tokio::select! {
                    decision = decide(&user) => decision,
                    // The turn has ended meanwhile: nobody waits for an answer.
                    () = cx.cancelled() => Decision::Decline,
                }
            }
        })
        .file_change_approval(move |request, cx| {
            let user = files.clone();
            async move {
                println!(
                    "\n? {}",
                    request.reason.as_deref().unwrap_or("a change of files")
                );
                tokio::select! {
                    decision = decide(&user) => decision,
                    () = cx.cancelled() => Decision::Decline,
                }
            }
        })
}

async fn decide(user: &User) -> Decision {
    let answer = user.ask("  [y]es, [a]lways, [n]o, [s]top? ").await;
    match answer.as_deref().map(str::trim) {
        Some("y") => Decision::Accept,
        Some("a") => Decision::AcceptForSession,
        Some("s") => Decision::Cancel,
        _ => Decision::Decline,
    }
}

/// What was said so far, as the runtime has stored it.
async fn history(codex: &Codex, thread: &Thread) -> openai_codex::Result<()> {
    let mut params = ThreadItemsListParams::new(thread.id());
    loop {
        let page = match codex.call(params.clone()).await {
            // What 0.163.0 answers before the first turn, when nothing is stored.
            Err(error) if error.kind() == ErrorKind::Rpc(RpcErrorKind::MethodNotFound) => {
                println!("  (nothing was said yet)");
                return Ok(());
            }
            page => page?,
        };
        for entry in page.data {
            match entry.item {
                ThreadItem::UserMessage(message) => {
                    for input in &message.content {
                        if let UserInput::Text(text) = input {
                            println!("  you:   {}", text.text);
                        }
                    }
                }
                ThreadItem::AgentMessage(message) => println!("  agent: {}", message.text),
                _ => {}
            }
        }
        match page.next_cursor {
            Some(next) => params = params.cursor(ThreadItemsListCursor::from(next)),
            None => return Ok(()),
        }
    }
}
