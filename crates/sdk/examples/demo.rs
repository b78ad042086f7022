//! One turn on the real runtime with a scripted model: `cargo xtask demo`.
//!
//! With a real account nothing changes but the client: `Codex::new().await?`.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use openai_codex::types::{ServerNotification, ThreadItem};
use openai_codex::{ApprovalMode, Codex};
use openai_codex_testkit::{MockModel, TestRuntime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A model that says what it is told to: first a command, then an answer.
    let model = MockModel::start()?;
    model
        .commentary("I will look at the folder first.")
        .shell("uname -s; echo \"files here: $(ls | wc -l)\"");
    model
        .deltas(
            "The folder is empty, so there is nothing to fix yet. Add a file and ask me again."
                .split_inclusive(' '),
        )
        .pace(Duration::from_millis(25))
        .usage(1_234, 1_024, 56, 0);
    // The real runtime, over a temporary home that asks that model.
    let runtime = TestRuntime::new(&model)?;

    let started = Instant::now();
    let codex = Codex::builder()
        .codex_bin(runtime.binary())
        .envs(runtime.env())
        .cwd(runtime.workspace())
        .await?;
    println!(
        "codex {} started in {:.0?}",
        codex.runtime_version().unwrap_or("?"),
        started.elapsed()
    );

    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::DenyAll)
        .await?;
    println!("thread {}\n", thread.id());
    println!("you    > What is in this folder, and what should I fix?");

    let turn = thread
        .turn("What is in this folder, and what should I fix?")
        .await?;
    let mut events = turn.stream();
    let mut speaking = false;
    while let Some(event) = events.next().await {
        let event = event?;
        if let Some(text) = event.text_delta() {
            if !speaking {
                print!("agent  > ");
                speaking = true;
            }
            print!("{text}");
            stdout().flush()?;
        } else if let ServerNotification::ItemCompleted(completed) = event.decode()? {
            match &completed.item {
                ThreadItem::AgentMessage(_) if speaking => {
                    println!();
                    speaking = false;
                }
                ThreadItem::AgentMessage(message) => println!("agent  > {}", message.text),
                ThreadItem::CommandExecution(command) => {
                    println!("shell  $ {}", command.command);
                    for line in command
                        .aggregated_output
                        .iter()
                        .flat_map(|output| output.lines())
                    {
                        println!("         {line}");
                    }
                }
                _ => {}
            }
        }
    }

    let result = turn.run().await?;
    println!(
        "\n{:?} in {:.0?}, {} items",
        result.status,
        result.duration.unwrap_or_default(),
        result.items.len()
    );
    if let Some(usage) = result.usage {
        let used = usage.last;
        println!(
            "last request to the model: {} tokens in ({} cached), {} out",
            used.input_tokens, used.cached_input_tokens, used.output_tokens
        );
    }
    codex.close().await?;
    println!(
        "\nThe model was scripted; the runtime, its shell and the protocol were real.\n\
         For a real model, start with Codex::new() and log in once, with\n\
         Codex::login_api_key or login_chatgpt: see README.md."
    );
    Ok(())
}
