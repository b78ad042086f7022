//! A thread, a turn, an answer.
//!
//! `cargo run --example quickstart`, offline with `-- --demo`.

mod support;

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.say("Hello from Codex.");
        model.say("Hallo von Codex.").usage(900, 800, 5, 0);
    })?;

    let codex = stage.builder().await?; // or Codex::new()
    println!("codex {}", codex.runtime_version().unwrap_or("?"));

    let thread = codex.thread_start().await?;
    let result = thread.run("Say hello in one sentence.").await?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );

    // The thread remembers what was said.
    let result = thread.run("And in German?").await?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );
    if let Some(usage) = result.usage {
        println!("{} tokens so far", usage.total.total_tokens);
    }

    codex.close().await?;
    Ok(())
}
