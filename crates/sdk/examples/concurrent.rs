//! Several threads at once over one runtime, each with a progress bar.
//!
//! `cargo run --example concurrent`, offline with `-- --demo`.

mod support;

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar};
use openai_codex::{Codex, TurnResult};
use tokio::task::JoinSet;

const QUESTIONS: [&str; 3] = [
    "What does this project do?",
    "How is it tested?",
    "What would you improve first?",
];

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        for question in QUESTIONS {
            let answer = format!("{question} That is a good question.");
            model
                .when_user_says(question)
                .deltas(answer.split_inclusive(' '))
                .pace(Duration::from_millis(20));
        }
    })?;
    let codex = stage.builder().await?;

    let bars = MultiProgress::new();
    let mut turns = JoinSet::new();
    for question in QUESTIONS {
        let bar = bars.add(ProgressBar::new_spinner());
        // Clones share the runtime.
        turns.spawn(answer(codex.clone(), question, bar));
    }
    while let Some(answered) = turns.join_next().await {
        let (question, result) = answered??;
        let answer = result.final_response.unwrap_or_default();
        bars.suspend(|| println!("> {question}\n{answer}\n"));
    }
    codex.close().await?;
    Ok(())
}

async fn answer(
    codex: Codex,
    question: &'static str,
    bar: ProgressBar,
) -> openai_codex::Result<(&'static str, TurnResult)> {
    bar.set_message("starting");
    let thread = codex.thread_start().await?;
    let turn = thread.turn(question).await?;
    let mut events = turn.stream();
    let mut characters = 0;
    while let Some(event) = events.next().await {
        if let Some(text) = event?.text_delta() {
            characters += text.chars().count();
            bar.set_message(format!("{question} ({characters} characters)"));
            bar.tick();
        }
    }
    bar.finish_and_clear();
    Ok((question, turn.run().await?))
}
