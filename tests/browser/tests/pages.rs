//! Pages of recordings in a real browser. Without Chromium they are skipped, and say so.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use openai_codex_browser_tests::{Browser, Look, large, page_of, recordings, session};
use serde_json::{Value, json};

/// As WebDriver writes keys.
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

/// Not the harness of Rust: all tests share a browser, and what is skipped must be seen.
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
    let Some(browser) = Browser::start(Look::Window(1000, 900)).await? else {
        println!("SKIPPED: there is no chromedriver, so no page was looked at in a browser");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    macro_rules! test {
        ($name:ident, $browser:expr) => {
            let start = Instant::now();
            let done = $name($browser, folder).await;
            println!(
                "{}: {:?} in {:?}",
                stringify!($name),
                done.as_ref().map(|()| "ok"),
                start.elapsed()
            );
            done?;
        };
    }
    test!(every_recording_has_a_page, &browser);
    test!(a_hostile_recording_does_nothing, &browser);
    test!(search_finds_what_is_folded_too, &browser);
    test!(all_can_be_reached_by_keyboard, &browser);
    test!(the_reader_chooses_dark_or_light, &browser);
    test!(fifty_megabytes_open_in_three_seconds, &browser);
    browser.close().await?;
    if let Some(telephone) = Browser::start(Look::Telephone).await? {
        test!(a_telephone_needs_no_scrolling_to_the_side, &telephone);
        telephone.close().await?;
    }
    Ok(())
}

async fn every_recording_has_a_page(browser: &Browser, folder: &Path) -> Result<()> {
    let recordings = recordings()?;
    ensure!(recordings.len() > 30, "{} recordings", recordings.len());
    for recording in recordings {
        let page = page_of(&recording, folder)?;
        browser.open_file(&page).await?;
        // The script ran, and the style is the page's: the policy let them in.
        browser
            .expect("!document.getElementById('tools').hidden")
            .await?;
        browser
            .expect("getComputedStyle(document.querySelector('.skip')).position === 'absolute'")
            .await?;
        browser
            .expect("document.querySelectorAll('.card').length > 1")
            .await?;
        // Each turn is on the axis, and the way there leads to it.
        browser.expect("[...document.querySelectorAll('nav a')].every((a) => document.querySelector(a.getAttribute('href')) && a.getAttribute('aria-label'))").await?;
        browser.expect("document.querySelectorAll('nav a').length === document.querySelectorAll('.turn').length").await?;
        browser
            .expect("document.documentElement.scrollWidth <= innerWidth")
            .await?;
        // What a screen reader reads out.
        browser.expect("document.querySelectorAll('h1').length === 1 && document.title !== '' && document.documentElement.lang === 'en'").await?;
        browser.expect("[...document.querySelectorAll('button, input, [role=img], section')].every((it) => it.textContent || it.getAttribute('aria-label') || it.getAttribute('aria-labelledby'))").await?;
    }
    Ok(())
}

async fn a_hostile_recording_does_nothing(browser: &Browser, folder: &Path) -> Result<()> {
    const MARKUP: &str = "</pre></title></style></script><script>window.hit=1</script><img src=x onerror='window.hit=1'><svg onload=window.hit=1>\u{2028}\u{2029}\u{0}]]>-->";
    let file = folder.join("hostile.jsonl");
    let about = |kind: &str| {
        json!({"threadId":MARKUP,"turnId":MARKUP,"item":{"type":kind,"id":kind,"text":MARKUP,"command":MARKUP,
            "aggregatedOutput":MARKUP,"status":MARKUP,"tool":MARKUP,"arguments":MARKUP,
            "changes":[{"path":MARKUP,"diff":MARKUP,"kind":{"type":MARKUP}}]}})
    };
    let mut messages: Vec<(&str, Value)> = [
        "agentMessage",
        "commandExecution",
        "fileChange",
        "dynamicToolCall",
        MARKUP,
    ]
    .map(|kind| {
        (
            "s2c",
            json!({"method":"item/completed","params":about(kind)}),
        )
    })
    .into();
    messages.push(("s2c", json!({"method":MARKUP,"params":{}})));
    messages.push((
        "c2s",
        json!({"id":MARKUP,"method":MARKUP,"params":{MARKUP:MARKUP}}),
    ));
    messages.push((
        "s2c",
        json!({"method":"error","params":{"error":{"message":MARKUP}}}),
    ));
    messages.push((
        "s2c",
        json!({"method":"warning","params":{"message":"HALF"}}),
    ));
    let huge = "<b>x</b> ".repeat(500_000);
    messages.push((
        "s2c",
        json!({"method":"warning","params":{"message":huge,"details":huge}}),
    ));
    messages.push(("s2c", json!({"method":"item/completed","params":{"threadId":"t","turnId":"u","item":{"type":"agentMessage","id":"m","text":huge}}})));
    session(&file, &messages)?;
    let text = std::fs::read_to_string(&file)?.replace("HALF", "\\ud800 \\udc00");
    std::fs::write(&file, text)?;
    let page = page_of(&file, folder)?;
    browser.open_file(&page).await?;
    browser.expect("window.hit === undefined").await?;
    browser
        .expect("document.querySelectorAll('img, [onerror], [onload], b + b').length === 0")
        .await?;
    browser.expect("document.scripts.length === 1").await?;
    browser
        .expect("document.body.innerText.includes('<img src=x onerror=')")
        .await?;
    browser
        .expect("document.body.innerText.includes('\u{fffd} \u{fffd}')")
        .await?;
    browser
        .expect("document.body.innerText.includes('bytes are left out')")
        .await
}

async fn search_finds_what_is_folded_too(browser: &Browser, folder: &Path) -> Result<()> {
    let file = folder.join("search.jsonl");
    let item = |item: Value| json!({"method":"item/completed","params":{"threadId":"t","turnId":"u","item":item}});
    session(
        &file,
        &[
            (
                "s2c",
                item(json!({"type":"agentMessage","id":"1","text":"a needle here"})),
            ),
            (
                "s2c",
                item(json!({"type":"reasoning","id":"2","summary":["a folded NEEDLE"]})),
            ),
            (
                "s2c",
                item(json!({"type":"agentMessage","id":"3","text":"nothing"})),
            ),
        ],
    )?;
    let page = page_of(&file, folder)?;
    browser.open_file(&page).await?;
    let seen = "[...document.querySelectorAll('.card')].filter((it) => it.offsetParent).length";
    browser.expect(&format!("{seen} === 3")).await?;
    browser.click("#search").await?;
    browser.type_keys("needle").await?;
    browser.wait_for(&format!("{seen} === 2")).await?;
    browser
        .expect("document.getElementById('found').textContent === '2 of 3'")
        .await?;
    browser
        .expect("document.querySelector('.thought details').open")
        .await?;
    browser
        .expect("CSS.highlights.get('hit').size === 2")
        .await?;
    browser.type_keys(ESCAPE).await?;
    browser.wait_for(&format!("{seen} === 3")).await?;
    browser
        .expect("!document.querySelector('.thought details').open")
        .await
}

async fn all_can_be_reached_by_keyboard(browser: &Browser, folder: &Path) -> Result<()> {
    let file = folder.join("keyboard.jsonl");
    let item = |id: &str| json!({"method":"item/completed","params":{"threadId":"t","turnId":"u","item":{"type":"agentMessage","id":id,"text":id}}});
    let ask = json!({"id":1,"method":"item/commandExecution/requestApproval","params":{"threadId":"t","turnId":"u","command":"rm"}});
    session(
        &file,
        &[
            ("s2c", item("one")),
            ("s2c", item("two")),
            ("s2c", ask),
            ("c2s", json!({"id":1,"result":{"decision":"decline"}})),
        ],
    )?;
    let page = page_of(&file, folder)?;
    browser.open_file(&page).await?;
    let focus = |words: &str| format!("document.activeElement.innerText.includes('{words}')");
    browser.type_keys(TAB).await?;
    browser.expect(&focus("Skip to the session")).await?;
    browser.type_keys(TAB).await?;
    browser
        .expect("document.activeElement.id === 'search'")
        .await?;
    // From the search on, by Tab: to the turn on the axis, and with Enter to the turn.
    for _ in 0..10 {
        browser.type_keys(TAB).await?;
        if browser
            .expect("document.activeElement.closest('nav') !== null")
            .await
            .is_ok()
        {
            break;
        }
    }
    browser
        .expect("document.activeElement.getAttribute('aria-label').startsWith('Turn 1,')")
        .await?;
    browser.type_keys(ENTER).await?;
    browser.wait_for("location.hash === '#turn-1'").await?;
    browser.open_file(&page).await?;
    for (keys, words) in [
        ("j", "one"),
        ("j", "two"),
        ("k", "one"),
        ("e", "rm"),
        ("k", "two"),
    ] {
        browser.type_keys(keys).await?;
        browser.wait_for(&focus(words)).await?;
    }
    browser.type_keys("/").await?;
    browser
        .expect("document.activeElement.id === 'search'")
        .await?;
    browser.type_keys("rm").await?;
    browser.type_keys(ENTER).await?;
    browser.wait_for(&focus("refused")).await
}

async fn the_reader_chooses_dark_or_light(browser: &Browser, folder: &Path) -> Result<()> {
    let file = folder.join("search.jsonl");
    browser.open_file(&page_of(&file, folder)?).await?;
    let paper = "return getComputedStyle(document.body).backgroundColor";
    let before = browser.ask(paper).await?;
    browser.click("#theme").await?;
    let after = browser.ask(paper).await?;
    ensure!(before != after, "{before}");
    browser.type_keys("t").await?;
    ensure!(browser.ask(paper).await? == before);
    // Text can be read in both: at least 4.5 to 1, as WCAG asks for.
    let contrast = "return (() => {
        const light = (color) => color.match(/[0-9.]+/g).slice(0, 3)
            .map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const names = ['ink', 'dim', 'good', 'bad', 'open'];
        const probe = document.body.appendChild(document.createElement('p'));
        const value = (name) => { probe.className = name; return light(getComputedStyle(probe).color); };
        const paper = light(getComputedStyle(document.body).backgroundColor);
        const ratios = names.map((name) => [name, value(name)])
            .map(([name, ink]) => [name, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)]);
        probe.remove();
        return ratios.filter(([, ratio]) => ratio < 4.5);
    })()";
    for _ in 0..2 {
        let low = browser.ask(contrast).await?;
        ensure!(low == json!([]), "{low}");
        browser.type_keys("t").await?;
    }
    Ok(())
}

async fn fifty_megabytes_open_in_three_seconds(browser: &Browser, folder: &Path) -> Result<()> {
    let file = folder.join("large.jsonl");
    large(&file, 50_000_000)?;
    let start = Instant::now();
    let page = page_of(&file, folder)?;
    let made = start.elapsed();
    // On a machine that does other things too, the best of some.
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        browser.open_file(&page).await?;
        browser
            .expect("!document.getElementById('tools').hidden")
            .await?;
        best = best.min(start.elapsed());
        if best < Duration::from_secs(3) {
            break;
        }
    }
    let size = std::fs::metadata(&page)?.len();
    println!("  made in {made:?} of 50 MB: {size} bytes, open after {best:?}");
    ensure!(best < Duration::from_secs(3), "{best:?}");
    browser
        .expect("document.getElementById('left-out').innerText.includes('entries after')")
        .await?;
    browser
        .expect("document.querySelectorAll('.turn:last-of-type .asked').length === 1")
        .await
}

async fn a_telephone_needs_no_scrolling_to_the_side(
    telephone: &Browser,
    folder: &Path,
) -> Result<()> {
    for name in [
        "hostile.html",
        "lifecycle.html",
        "two_threads.html",
        "patch_approval_accept.html",
    ] {
        telephone.open_file(&folder.join(name)).await?;
        telephone.expect("innerWidth === 390").await?;
        telephone
            .expect("document.documentElement.scrollWidth <= innerWidth")
            .await?;
        // Wide enough to be hit by a finger, and not under one another.
        telephone.expect("[...document.querySelectorAll('.tools > *')].filter((it) => it.textContent).every((it) => it.offsetHeight >= 30)").await?;
    }
    Ok(())
}
