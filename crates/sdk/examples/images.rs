//! A picture as a part of the input.
//!
//! `cargo run --example images -- PICTURE`, offline with `-- --demo`.

mod support;

use std::path::PathBuf;

use openai_codex::InputItem;

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.say("A single transparent pixel.");
        model.say("The same pixel.");
    })?;
    let picture = match std::env::args().nth(1).filter(|arg| arg != "--demo") {
        Some(path) => PathBuf::from(path),
        None => pixel(&stage)?,
    };
    let codex = stage.builder().await?;
    let thread = codex.thread_start().await?;

    // A file is read by the runtime.
    let result = thread
        .run([
            InputItem::text("What is in this picture?"),
            InputItem::local_image(&picture),
        ])
        .await?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );

    // What is in memory goes as a data URL. Links to the web are not fetched.
    let url = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
    let result = thread
        .run(["And in this one?".into(), InputItem::image(url)])
        .await?;
    println!(
        "{}",
        result.final_response.as_deref().unwrap_or("(no answer)")
    );
    let error = thread
        .run(InputItem::image("https://example.com/a.png"))
        .await
        .err();
    println!("refused: {}", error.ok_or("a link was accepted")?);

    if let Some(model) = stage.model() {
        let seen: usize = model
            .requests()
            .iter()
            .map(|it| it.image_urls().len())
            .max()
            .unwrap_or(0);
        println!("the model has seen {seen} pictures");
    }
    codex.close().await?;
    Ok(())
}

/// Draws the smallest picture there is.
fn pixel(stage: &support::Stage) -> support::Result<PathBuf> {
    const PNG: &[u8] =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
        \0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";
    if !stage.is_demo() {
        return Err("name a picture: cargo run --example images -- PICTURE".into());
    }
    let path = stage.folder()?.join("pixel.png");
    std::fs::write(&path, PNG)?;
    Ok(path)
}
