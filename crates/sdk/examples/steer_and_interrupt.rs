//! Saying more to the agent while it works, and stopping it.
//!
//! `cargo run --example steer_and_interrupt`, offline with `-- --demo`.

mod support;

use openai_codex::{TurnHandle, TurnStatus};
use openai_codex_testkit::Gate;

#[tokio::main]
async fn main() -> support::Result {
    let never = Gate::new();
    let stage = support::stage(|model| {
        model.deltas(["First, a long list of "]).waits_for(&never);
        model.say("Only the three that matter, then.");
        model.deltas(["One, two, "]).waits_for(&never);
    })?;
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;

    // Steering: the turn goes on, and takes it into account.
    let turn = thread.turn("What would you improve here?").await?;
    first_words(&turn).await?;
    turn.steer("Name three things, not more.").await?;
    let result = turn.run().await?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );

    // Interrupting: a result with what there is, and no error.
    let turn = thread.turn("Count to a million.").await?;
    first_words(&turn).await?;
    turn.interrupt().await?;
    let result = turn.run().await?;
    assert_eq!(result.status, TurnStatus::Interrupted);
    println!("interrupted after {} items", result.items.len());

    codex.close().await?;
    Ok(())
}

/// Waits until the agent begins to speak.
async fn first_words(turn: &TurnHandle) -> openai_codex::Result<()> {
    let mut events = turn.stream();
    while let Some(event) = events.next().await {
        if let Some(text) = event?.text_delta() {
            println!("{text}…");
            break;
        }
    }
    Ok(())
}
