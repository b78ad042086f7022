//! The same client without an async runtime: `.await` is `.send()`, and streams
//! are iterators.
//!
//! `cargo run --example blocking`, offline with `-- --demo`.

mod support;

use std::io::{Write, stdout};

fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.deltas(["No ", "async ", "needed."]);
        model.say("None at all.");
    })?;

    let codex = stage.blocking_builder().send()?; // or blocking::Codex::new()
    let thread = codex.thread_start().send()?;

    let turn = thread.turn("Do I need async?").send()?;
    for event in turn.stream() {
        if let Some(text) = event?.text_delta() {
            print!("{text}");
            stdout().flush()?;
        }
    }
    println!();

    let result = thread.run("Really not?").send()?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );
    codex.close()?;
    Ok(())
}
