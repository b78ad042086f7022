//! `cargo run -p tui`, offline with `-- --demo`.

use std::{io, thread};

use anyhow::Result;
use openai_codex::Codex;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use ratatui::crossterm::execute;
use tokio::sync::mpsc;
use tui::Client;
use tui::demo::Demo;

#[tokio::main]
async fn main() -> Result<()> {
    let demo = match std::env::args().any(|arg| arg == "--demo") {
        true => Some(Demo::start()?),
        false => None,
    };
    let builder = demo.as_ref().map_or_else(Codex::builder, Demo::builder);
    // Before the screen is taken, so that an error can be read.
    let client = Client::start(builder).await?;
    // Also gives the screen back after a panic.
    let mut terminal = ratatui::init();
    // What is pasted is no keys. A terminal that does not know this types it.
    drop(execute!(io::stdout(), EnableBracketedPaste));
    let done = run(&mut terminal, client).await;
    drop(execute!(io::stdout(), DisableBracketedPaste));
    ratatui::restore();
    done
}

async fn run(terminal: &mut DefaultTerminal, mut client: Client) -> Result<()> {
    let (sender, mut keys) = mpsc::channel(64);
    // Not a task: the program must be able to end while this reads.
    thread::spawn(move || {
        while let Ok(event) = event::read() {
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    loop {
        terminal.draw(|frame| client.draw(frame))?;
        tokio::select! {
            event = keys.recv() => match event {
                Some(Event::Key(key)) if !client.key(key) => break,
                Some(Event::Paste(text)) => client.paste(&text),
                Some(_) => {}
                None => break,
            },
            () = client.news() => {}
        }
    }
    Ok(client.close().await?)
}
