//! Going on with a thread in a new process, and trying something else in a copy.
//!
//! `cargo run --example resume_and_fork`, offline with `-- --demo`.

mod support;

use openai_codex::TurnResult;

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.say("I will call it Ferris.");
        model.say("It is called Ferris.");
        model.say("Then Corro.");
        model.say("Still Ferris.");
    })?;

    // One process starts the thread. It is stored with its first turn.
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;
    show(&thread.run("Give the crab a name.").await?);
    thread.set_name("Naming the crab").await?;
    let id = thread.id().clone();
    codex.close().await?;

    // Another one goes on with it. What is not set here stays as it was.
    let codex = stage.builder().await?;
    let thread = codex.thread_resume(&id).await?;
    show(&thread.run("What is the crab called?").await?);

    // A fork shares the past and has its own future.
    let fork = codex.thread_fork(&id).await?;
    show(&fork.run("Choose another name.").await?);
    show(&thread.run("And what is it called here?").await?);

    let mut threads = codex.thread_list().stream();
    while let Some(stored) = threads.next().await {
        let stored = stored?;
        let name = stored.name.as_deref().unwrap_or(&stored.preview);
        println!("stored: {} ({name})", stored.id);
    }

    // Put away, and still there: thread_unarchive brings it back.
    codex.thread_archive(fork.id()).await?;
    codex.close().await?;
    Ok(())
}

fn show(result: &TurnResult) {
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );
}
