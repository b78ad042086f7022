//! An answer as a value of a type of yours.
//!
//! `cargo run --example structured`, offline with `-- --demo`.

mod support;

use openai_codex::ErrorKind;
use openai_codex::schemars::{self, JsonSchema};
use serde::Deserialize;

/// The model is held to the schema of this: it reads the doc comments, gives every
/// field, and null where an `Option` is none.
#[derive(Deserialize, JsonSchema)]
struct Review {
    /// In one sentence.
    summary: String,
    verdict: Verdict,
    /// The worst first.
    issues: Vec<Issue>,
}

#[derive(Debug, Deserialize, JsonSchema)]
enum Verdict {
    Merge,
    Revise,
}

#[derive(Deserialize, JsonSchema)]
struct Issue {
    file: String,
    /// If it is about a line.
    line: Option<u32>,
    problem: String,
}

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.say(
            r#"{"summary": "Works, but for empty input.", "verdict": "Revise", "issues": [
                {"file": "parse.rs", "line": 12, "problem": "panics on an empty string"},
                {"file": "README.md", "line": null, "problem": "does not name the new flag"}]}"#,
        );
        model.deltas([
            r#"{"summary": "Good now.", "#,
            r#""verdict": "Merge", "issues": []}"#,
        ]);
        model.say("Still good.");
    })?;
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;

    let review = thread.run_as::<Review>("Review the last commit.").await?;
    println!("{:?}: {}", review.value.verdict, review.value.summary);
    for issue in &review.value.issues {
        let line = issue.line.map(|it| format!(":{it}")).unwrap_or_default();
        println!("  {}{line} {}", issue.file, issue.problem);
    }
    println!("({} items in the turn)", review.turn.items.len());

    // With its events: the text is JSON that grows.
    let turn = thread
        .turn("I have mended both. And now?")
        .output_schema_of::<Review>()
        .await?;
    let mut events = turn.stream();
    while let Some(event) = events.next().await {
        print!("{}", event?.text_delta().unwrap_or_default());
    }
    println!();
    println!("{:?}", turn.run_as::<Review>().await?.value.verdict);

    // A model without strict output may answer what it likes.
    match thread.run_as::<Review>("Are you sure?").await {
        Ok(review) => println!("{:?}", review.value.verdict),
        Err(error) if error.kind() == ErrorKind::Decode => {
            let turn = error.turn_result();
            let text = turn.and_then(|turn| turn.final_response.as_deref());
            println!("no review: {}", text.unwrap_or("no answer"));
        }
        Err(error) => return Err(error.into()),
    }
    codex.close().await?;
    Ok(())
}
