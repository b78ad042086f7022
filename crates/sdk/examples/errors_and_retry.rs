//! What goes wrong, what is left of it, and what to try again.
//!
//! `cargo run --example errors_and_retry`, offline with `-- --demo`. Without it,
//! things go wrong when they do.

mod support;

use std::time::Duration;

use openai_codex::types::CodexErrorInfo;
use openai_codex::{Error, ErrorKind, RetryPolicy, Thread, retry_on_overload};
use openai_codex_testkit::Gate;

#[tokio::main]
async fn main() -> support::Result {
    let never = Gate::new();
    let stage = support::stage(|model| {
        model.overloaded();
        model.say("At the second attempt.");
        model.shell("echo half the work");
        model.usage_limit_reached();
        model.say("Slow").waits_for(&never).optional();
    })?;
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;

    // Too much to do, over there: try again, with growing pauses. Each attempt is
    // a turn of its own, so ask for nothing that must not happen twice.
    let policy = RetryPolicy::new()
        .max_attempts(5)
        .budget(Some(Duration::from_secs(120)));
    let retried = retry_on_overload(policy, || async { thread.run("Are you there?").await });
    println!("{}", retried.await?.final_response.unwrap_or_default());

    // A turn that fails is an error, which holds what was done before.
    ask(&thread, "Do all the work.", Duration::from_secs(600)).await?;
    // So is one that takes too long; it is interrupted.
    ask(&thread, "Think about it.", Duration::from_secs(2)).await?;

    // What the server refuses has its code and its words.
    match codex.thread_resume("no-such-thread").await {
        Err(error) if matches!(error.kind(), ErrorKind::Rpc(_)) => {
            println!("refused: {error}");
        }
        other => println!("{other:?}"),
    }

    // After the end, everything says so at once, and nothing hangs.
    codex.close().await?;
    let error = thread.run("Anybody?").await.err().ok_or("it was closed")?;
    println!("closed: {}", error.is_closed());
    Ok(())
}

async fn ask(thread: &Thread, input: &str, timeout: Duration) -> openai_codex::Result<()> {
    match thread.run(input).timeout(timeout).await {
        Ok(result) => println!("{}", result.final_response.unwrap_or_default()),
        Err(error) if error.is_closed() => return Err(error), // nothing works from here on
        Err(error) => {
            println!("{}", advice(&error));
            if let Some(partial) = error.turn_result() {
                println!("  {} items were done before", partial.items.len());
            }
        }
    }
    Ok(())
}

/// What to tell the user.
fn advice(error: &Error) -> String {
    match (error.kind(), error.codex_error_info()) {
        (ErrorKind::Turn, Some(CodexErrorInfo::UsageLimitExceeded)) => {
            format!("wait for your limit to be reset ({error})")
        }
        (ErrorKind::Turn, Some(CodexErrorInfo::ContextWindowExceeded)) => {
            "compact the thread or start a new one".to_owned()
        }
        (ErrorKind::Timeout, _) => "it took too long".to_owned(),
        _ => error.to_string(),
    }
}
