//! Makes the pictures of the documentation:
//! `cargo run -p openai-codex-browser-tests --features pictures --bin pictures`, after
//! `cargo build -p openai-codex-testkit-cli`.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use openai_codex::{Codex, CodexBuilder};
use openai_codex_browser_tests::{Browser, Look, page_of};
use openai_codex_testkit::{MockModel, PATIENCE, TestRuntime};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::style::{Color, Modifier};
use serde_json::json;
use tokio::net::TcpListener;
use tui::Client;

/// What a picture in a repository may take.
const LARGEST: usize = 150_000;

const ENTER: &str = "\u{e007}";

#[tokio::main]
async fn main() -> Result<()> {
    page().await?;
    web_chat().await?;
    terminal().await
}

async fn browser(look: Look) -> Result<Browser> {
    let found = Browser::start(look).await?;
    found.context("chromedriver is missing: install chromium and chromium-driver")
}

async fn save(browser: Browser, name: &str) -> Result<()> {
    let picture = browser.picture().await?;
    let file = root().join("docs/pictures").join(name);
    println!("{}: {} bytes", file.display(), picture.len());
    ensure!(picture.len() < LARGEST, "{name} is too large");
    fs::write(file, picture)?;
    browser.close().await
}

fn root() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).to_owned()
}

/// The page of a recording: light, dark, and on a telephone.
async fn page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let recording = root().join("tests/browser/pictures/session.jsonl");
    let page = page_of(&recording, folder.path())?;
    for (look, dark, name) in [
        (Look::Window(1000, 1300), false, "page.png"),
        (Look::Window(1000, 800), true, "page-dark.png"),
        (Look::Telephone, false, "page-telephone.png"),
    ] {
        let browser = browser(look).await?;
        browser.open_file(&page).await?;
        if dark {
            browser.type_keys("t").await?;
            let patch = "document.querySelector('.card.patch').previousElementSibling";
            browser.ask(&format!("{patch}.scrollIntoView()")).await?;
        }
        save(browser, name).await?;
    }
    Ok(())
}

fn client(runtime: &TestRuntime) -> CodexBuilder {
    Codex::builder()
        .codex_bin(runtime.binary())
        .envs(runtime.env())
        .cwd(runtime.workspace())
}

/// The web chat, while the agent asks.
async fn web_chat() -> Result<()> {
    let model = MockModel::start()?;
    model.calls("dice", json!({ "sides": 20, "dice": 2 }));
    model.say("Two dice with twenty sides: that is how they fell.");
    model.shell_escalated("echo rolled > score.txt", "To keep the score");
    let runtime = TestRuntime::new(&model)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address: SocketAddr = listener.local_addr()?;
    let site = web_chat::chat(client(&runtime), address).await?;
    let router = site.router;
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let browser = browser(Look::Window(1000, 700)).await?;
    browser.open(&site.link).await?;
    for (says, awaited) in [
        ("Roll two dice with twenty sides.", "how they fell"),
        ("Keep the score in a file.", "The agent wants to do this"),
    ] {
        browser
            .wait_for("document.getElementById('send').offsetParent !== null")
            .await?;
        browser.click("#text").await?;
        browser.type_keys(says).await?;
        browser.type_keys(ENTER).await?;
        let shown = format!("document.getElementById('said').innerText.includes('{awaited}')");
        browser.wait_for(&shown).await?;
    }
    save(browser, "web-chat.png").await?;
    server.abort();
    Ok(site.codex.close().await?)
}

/// The terminal client, while the agent asks about a patch, as a browser shows its cells.
async fn terminal() -> Result<()> {
    let model = MockModel::start()?;
    model.shell("cat greeting.txt");
    model.apply_patch(
        "*** Begin Patch\n*** Update File: greeting.txt\n@@\n-Hello, world.\n+Hello, terminal.\n+\
         How are you?\n*** End Patch",
    );
    let runtime = TestRuntime::new(&model)?;
    fs::write(runtime.workspace().join("greeting.txt"), "Hello, world.\n")?;
    let mut client = Client::start(client(&runtime)).await?;
    let mut terminal = Terminal::new(TestBackend::new(84, 22))?;
    client.key(KeyEvent::from(KeyCode::Enter));
    for c in "Greet the terminal instead of the world.".chars() {
        client.key(KeyEvent::from(KeyCode::Char(c)));
    }
    client.key(KeyEvent::from(KeyCode::Enter));
    let shown = async {
        loop {
            terminal.draw(|frame| client.draw(frame))?;
            if terminal.backend().to_string().contains("Ctrl-Y allows") {
                return anyhow::Ok(());
            }
            client.news().await;
        }
    };
    tokio::time::timeout(PATIENCE, shown)
        .await
        .context("the agent did not ask")??;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("terminal.html");
    fs::write(&file, cells(&terminal))?;
    client.close().await?;
    let browser = browser(Look::Window(880, 640)).await?;
    browser.open_file(&file).await?;
    // The font is there.
    tokio::time::sleep(Duration::from_millis(100)).await;
    save(browser, "tui.png").await
}

fn cells(terminal: &Terminal<TestBackend>) -> String {
    let buffer = terminal.backend().buffer();
    let mut html = "<!doctype html><meta charset=utf-8><style>body { margin: 0; background: #14181d; \
                    color: #e4e8ec } pre { margin: 1rem; font: 16px/1.3 'DejaVu Sans Mono', monospace }\
                    </style><pre>"
        .to_owned();
    for row in buffer.content().chunks(usize::from(buffer.area().width)) {
        for cell in row {
            let mut style = match cell.fg {
                Color::Red => "color:#ff8a80",
                Color::Green => "color:#5fd38a",
                Color::Yellow => "color:#f0b45c",
                Color::Cyan => "color:#4bc8d6",
                Color::Blue => "color:#7aa7f0",
                _ => "",
            }
            .to_owned();
            if cell.modifier.contains(Modifier::BOLD) {
                style += ";font-weight:bold";
            }
            if cell.modifier.contains(Modifier::DIM) {
                style += ";opacity:.6";
            }
            let text = cell.symbol().replace('&', "&amp;").replace('<', "&lt;");
            html += &format!("<span style='{style}'>{text}</span>");
        }
        html.push('\n');
    }
    html
}
