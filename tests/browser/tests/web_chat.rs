//! The web chat in a real browser. Without Chromium this is skipped, and says so.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use openai_codex::Codex;
use openai_codex_browser_tests::{Browser, Look};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};
use serde_json::json;
use tokio::net::TcpListener;

const ENTER: &str = "\u{e007}";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let Some(browser) = Browser::start(Look::Window(1000, 700)).await? else {
        println!("SKIPPED: there is no chromedriver, so the web chat was not used in a browser");
        return Ok(());
    };
    let model = MockModel::start()?;
    let runtime = TestRuntime::new(&model)?;
    let (address, link, server, codex) = serve(&runtime, None).await?;
    browser.open(&link).await?;
    a_turn_with_a_tool(&browser, &model).await?;
    println!("a turn with a tool: ok");
    an_approval(&browser, &model, &runtime).await?;
    println!("an approval, allowed and refused: ok");
    a_turn_that_is_stopped(&browser, &model).await?;
    println!("a turn that is stopped: ok");
    a_reload(&browser).await?;
    println!("a page that is loaded anew: ok");

    // The server restarts, and its new link goes on with the thread of the page.
    server.abort();
    codex.close().await?;
    drop(server.await);
    let (_, link, server, codex) = serve(&runtime, Some(address)).await?;
    a_restart(&browser, &model, &link).await?;
    println!("a thread after a restart: ok");
    a_second_thread(&browser, &model).await?;
    println!("a second thread: ok");
    a_history_that_comes_late(&browser).await?;
    println!("a history that comes late: ok");
    model.verify()?;
    browser.close().await?;
    server.abort();
    Ok(codex.close().await?)
}

type Served = (
    std::net::SocketAddr,
    String,
    tokio::task::JoinHandle<()>,
    Codex,
);

async fn serve(runtime: &TestRuntime, address: Option<std::net::SocketAddr>) -> Result<Served> {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(address.unwrap_or(any)).await?;
    let address = listener.local_addr()?;
    let builder = Codex::builder()
        .codex_bin(runtime.binary())
        .envs(runtime.env())
        .cwd(runtime.workspace());
    let site = web_chat::chat(builder, address).await?;
    let router = site.router;
    let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
    Ok((address, site.link, server, site.codex))
}

async fn say(browser: &Browser, text: &str) -> Result<()> {
    browser
        .wait_for("document.getElementById('send').offsetParent !== null")
        .await?;
    browser.click("#text").await?;
    browser.type_keys(text).await?;
    browser.type_keys(ENTER).await
}

/// Waits until the page's log has this text.
async fn read(browser: &Browser, text: &str) -> Result<()> {
    let text = json!(text);
    browser
        .wait_for(&format!(
            "document.getElementById('said').innerText.includes({text})"
        ))
        .await
}

async fn a_turn_with_a_tool(browser: &Browser, model: &MockModel) -> Result<()> {
    model.calls("dice", json!({ "sides": 1, "dice": 3 }));
    model.deltas(["<b>Three", "</b> <script>window.hit = 1</script> ones."]);
    say(browser, "Roll <i>three</i> dice.").await?;
    read(browser, "Roll <i>three</i> dice.").await?;
    read(
        browser,
        "<b>Three</b> <script>window.hit = 1</script> ones.",
    )
    .await?;
    read(browser, "1, 1, 1").await?;
    browser.expect("window.hit === undefined && document.querySelectorAll('#said b, #said i, #said script').length === 0").await?;
    browser
        .wait_for(
            "document.querySelector('#threads a[aria-current]')?.textContent.startsWith('Roll')",
        )
        .await
}

async fn an_approval(browser: &Browser, model: &MockModel, runtime: &TestRuntime) -> Result<()> {
    for (button, file) in [(".accept", "allowed.txt"), (".refuse", "refused.txt")] {
        model.shell_escalated(format!("touch {file}"), "To show it");
        model.say(format!("That was {file}."));
        say(browser, "Make a file.").await?;
        read(browser, &format!("touch {file}")).await?;
        // What is pressed by accident refuses.
        browser
            .wait_for("document.activeElement.className === 'refuse'")
            .await?;
        browser
            .click(&format!(".approval:last-of-type {button}:enabled"))
            .await?;
        read(browser, &format!("That was {file}.")).await?;
        let is_there = runtime.workspace().join(file).exists();
        ensure!(is_there == (button == ".accept"), "{file}: {is_there}");
    }
    Ok(())
}

async fn a_turn_that_is_stopped(browser: &Browser, model: &MockModel) -> Result<()> {
    let gate = Gate::new();
    model
        .deltas(["I talk "])
        .waits_for(&gate)
        .deltas(["for ever."]);
    say(browser, "Talk.").await?;
    read(browser, "I talk").await?;
    gate.reached().await;
    browser.click("#stop").await?;
    browser
        .wait_for("document.getElementById('status').textContent === 'Stopped'")
        .await?;
    // The runtime has stopped too: the thread takes the next turn.
    model.say("Yes?");
    say(browser, "Hello?").await?;
    read(browser, "Yes?").await
}

/// The page shows its thread again, without the link.
async fn a_reload(browser: &Browser) -> Result<()> {
    browser.ask("window.before = true").await?;
    browser.ask("location.reload()").await?;
    browser.wait_for("!window.before").await?;
    read(browser, "Roll <i>three</i> dice.").await?;
    read(browser, "That was refused.txt.").await
}

async fn a_restart(browser: &Browser, model: &MockModel, link: &str) -> Result<()> {
    let thread = browser.ask("return location.hash").await?;
    let thread = thread.as_str().unwrap_or_default();
    ensure!(thread.len() > 1, "the page has no thread");
    browser.open(&format!("{link}{thread}")).await?;
    read(browser, "Roll <i>three</i> dice.").await?;
    read(browser, "That was refused.txt.").await?;
    model.say("I have it all in mind.");
    say(browser, "Go on.").await?;
    read(browser, "I have it all in mind.").await?;
    let request = model.last_request();
    let remembered = request.is_some_and(|request| {
        request
            .user_texts()
            .iter()
            .any(|text| text.contains("Roll"))
    });
    ensure!(remembered, "the model was not told what was said before");
    Ok(())
}

async fn a_second_thread(browser: &Browser, model: &MockModel) -> Result<()> {
    browser
        .wait_for("document.getElementById('send').offsetParent !== null")
        .await?;
    browser.click("#new").await?;
    model.say("A new beginning.");
    say(browser, "Hello, new thread.").await?;
    read(browser, "A new beginning.").await?;
    browser
        .wait_for("document.querySelectorAll('#threads a').length === 2")
        .await?;
    browser
        .expect("!document.getElementById('said').innerText.includes('dice')")
        .await?;
    browser.click("#threads a:not([aria-current])").await?;
    read(browser, "I have it all in mind.").await
}

/// It is not shown in the thread that was opened meanwhile.
async fn a_history_that_comes_late(browser: &Browser) -> Result<()> {
    let slowly = r"
        const now = window.fetch;
        window.fetch = async (path, options) => {
            const answer = await now(path, options);
            if (/^\/threads\/[^/]+$/.test(path)) {
                await new Promise((done) => setTimeout(done, 1000));
                setTimeout(() => { window.cameLate = true; }, 100);
            }
            return answer;
        };";
    browser.ask(slowly).await?;
    browser.click("#threads a:not([aria-current])").await?;
    let is_empty = "document.getElementById('said').innerText === ''";
    browser.wait_for(is_empty).await?;
    browser.click("#new").await?;
    browser.wait_for("window.cameLate === true").await?;
    browser.expect(is_empty).await
}
