//! A turn's events as they come: text, commands, what it cost.
//!
//! `cargo run --example streaming`, offline with `-- --demo`.

mod support;

use std::io::{Write, stdout};

use openai_codex::types::{ServerNotification, ThreadItem};

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model
            .commentary("I will look.")
            .shell("echo 3 files")
            .usage(700, 0, 30, 0);
        model
            .deltas(["There ", "are ", "three ", "files."])
            .usage(900, 800, 6, 0);
    })?;
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;

    let turn = thread.turn("How many files are here?").await?;
    let mut events = turn.stream();
    while let Some(event) = events.next().await {
        let event = event?;
        // The text of an answer needs no decoding.
        if let Some(text) = event.text_delta() {
            print!("{text}");
            stdout().flush()?;
            continue;
        }
        // Everything else is typed.
        match event.decode()? {
            ServerNotification::ItemStarted(started) => {
                if let ThreadItem::CommandExecution(command) = &started.item {
                    println!("\n$ {}", command.command);
                }
            }
            ServerNotification::ItemCompleted(completed) => {
                if let ThreadItem::CommandExecution(command) = &completed.item {
                    print!(
                        "{}",
                        command.aggregated_output.as_deref().unwrap_or_default()
                    );
                }
            }
            ServerNotification::ThreadTokenUsageUpdated(usage) => {
                println!(
                    "\n[last request: {} tokens]",
                    usage.token_usage.last.total_tokens
                );
            }
            _ => {}
        }
    }

    // The result does not depend on the stream, and is there however much of it was read.
    let result = turn.run().await?;
    println!("{:?}, {} items", result.status, result.items.len());
    codex.close().await?;
    Ok(())
}
