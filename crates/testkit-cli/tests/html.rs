//! The page of `codex-testkit show --html`, as text. `tests/browser` looks at it in a browser.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A recording that is written line by line, a tenth of a second apart.
#[derive(Default)]
struct Session(String);

impl Session {
    fn line(&mut self, direction: &str, message: Value) -> &mut Self {
        let at = self.0.lines().count() as f64 / 10.0;
        let line = json!({ "dir": direction, "t": at, "msg": message });
        self.0 += &format!("{line}\n");
        self
    }

    fn client(&mut self, message: Value) -> &mut Self {
        self.line("c2s", message)
    }

    fn server(&mut self, message: Value) -> &mut Self {
        self.line("s2c", message)
    }

    /// A notification about the turn `u` of the thread `t`.
    fn notify(&mut self, method: &str, params: Value) -> &mut Self {
        let mut params = params;
        params["threadId"] = "t".into();
        params["turnId"] = "u".into();
        self.server(json!({ "method": method, "params": params }))
    }

    fn item(&mut self, method: &str, item: Value) -> &mut Self {
        self.notify(method, json!({ "item": item }))
    }

    fn page(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("session.jsonl");
        fs::write(&file, &self.0).unwrap();
        let output = show(&file, &[]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

fn show(file: &Path, more: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_codex-testkit"))
        .args(["show", "--html"])
        .arg(file)
        .args(more)
        .output()
        .unwrap()
}

/// The text of each card, without markup.
fn cards(page: &str) -> Vec<String> {
    let cards = page.split("<article class=\"card ").skip(1);
    let text = |card: &str| {
        let card = card.split("</article>").next().unwrap();
        let mut text = String::new();
        for piece in card.split('<') {
            text += piece.split_once('>').map_or("", |(_, text)| text);
            text.push(' ');
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    cards.map(text).collect()
}

fn turn() -> Session {
    let mut session = Session::default();
    session
        .client(json!({"id":1,"method":"turn/start","params":{"threadId":"t","input":[]}}))
        .server(json!({"id":1,"result":{"turn":{"id":"u"}}}));
    session
}

fn ended(session: &mut Session) -> String {
    let turn = json!({"id":"u","status":"completed","error":null});
    session
        .notify("turn/completed", json!({ "turn": turn }))
        .page()
}

#[test]
fn deltas_are_joined_and_commands_have_their_output() {
    let mut session = turn();
    session
        .item("item/started", json!({"type":"agentMessage","id":"m","text":""}))
        .notify("item/agentMessage/delta", json!({"itemId":"m","delta":"Hel"}))
        .notify("item/agentMessage/delta", json!({"itemId":"m","delta":"lo"}))
        .item("item/completed", json!({"type":"agentMessage","id":"m","text":"Hello"}))
        .item("item/started", json!({"type":"commandExecution","id":"c","command":"ls","status":"inProgress"}))
        .notify("item/commandExecution/outputDelta", json!({"itemId":"c","delta":"a\nb\n"}))
        .item("item/completed", json!({"type":"commandExecution","id":"c","command":"ls","status":"failed","exitCode":3}))
        // Its beginning was not recorded, and its end will not be.
        .notify("item/agentMessage/delta", json!({"itemId":"n","delta":"half"}));
    let page = ended(&mut session);
    let cards = cards(&page);
    assert_eq!(cards.len(), 3, "{cards:?}");
    assert_eq!(cards[0], "200 ms Agent took 300 ms 2 pieces line 3 Hello");
    assert_eq!(cards[1], "600 ms Command ls exit 3 took 200 ms line 7 a b");
    assert!(cards[2].ends_with("half"), "{cards:?}");
    let times = "aria-label=\"waiting 400 ms, model 400 ms, tool 200 ms, approval 0 ms\"";
    assert!(page.contains(times), "{page}");
}

#[test]
fn approvals_refusals_retries_and_errors_are_marked() {
    let mut session = turn();
    let ask = |id: u32, command: &str| {
        json!({"id":id,"method":"item/commandExecution/requestApproval",
            "params":{"threadId":"t","turnId":"u","itemId":"c","command":command,"reason":"why"}})
    };
    session
        .server(ask(1, "one"))
        .client(json!({"id":1,"result":{"decision":"accept"}}))
        .server(ask(2, "two"))
        .client(json!({"id":2,"result":{"decision":"decline"}}))
        .server(ask(3, "three"))
        .client(json!({"id":3,"error":{"code":1,"message":"the handler failed"}}))
        .server(ask(4, "four"))
        .notify("serverRequest/resolved", json!({"requestId":4}))
        .server(ask(5, "five"))
        .notify(
            "error",
            json!({"willRetry":true,"error":{"message":"Reconnecting"}}),
        )
        .client(json!({"id":7,"method":"thread/archive","params":{"threadId":"t"}}))
        .server(json!({"id":7,"error":{"code":-32600,"message":"no rollout"}}));
    let cards = cards(&ended(&mut session));
    for (card, words) in cards.iter().zip([
        "three error of the client",
        "one accepted",
        "two refused",
        "four settled without this client",
        "five not answered",
        "Reconnecting tried again",
        "thread/archive error of the server",
    ]) {
        let found = cards.iter().any(|card| card.contains(words));
        assert!(found, "{words}: {card}: {cards:#?}");
    }
    assert_eq!(cards.len(), 7);
}

#[test]
fn each_request_to_the_model_is_counted_once() {
    let usage = |total: u64| {
        json!({"tokenUsage":{"total":{"totalTokens":total},"last":{"totalTokens":30,
            "inputTokens":20,"cachedInputTokens":5,"outputTokens":10,"reasoningOutputTokens":4}}})
    };
    let mut session = turn();
    session
        .notify("thread/tokenUsage/updated", usage(30))
        .notify("thread/tokenUsage/updated", usage(60))
        // As a resumed thread says it again.
        .notify("thread/tokenUsage/updated", usage(60));
    let page = ended(&mut session);
    assert!(page.contains("Tokens of 2 requests"));
    for total in [
        "input from the cache <b>10",
        "input <b>30",
        "reasoning <b>8",
        "output <b>12",
    ] {
        assert!(page.contains(total), "{total}");
    }
}

#[test]
fn text_of_a_session_is_never_markup() {
    const HOSTILE: &str = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'\u{2028}\u{202e}\u{1b}[2J";
    let mut session = turn();
    for kind in [
        "userMessage",
        "agentMessage",
        "commandExecution",
        "fileChange",
        "mcpToolCall",
        HOSTILE,
    ] {
        session.item("item/completed", json!({"type":kind,"id":HOSTILE,"text":HOSTILE,"command":HOSTILE,
            "cwd":HOSTILE,"aggregatedOutput":HOSTILE,"status":HOSTILE,"server":HOSTILE,"tool":HOSTILE,
            "content":[{"type":HOSTILE,"path":HOSTILE}],"arguments":{HOSTILE:HOSTILE},
            "changes":[{"path":HOSTILE,"diff":HOSTILE,"kind":{"type":HOSTILE}}]}));
    }
    session
        .client(json!({"id":HOSTILE,"method":HOSTILE,"params":{HOSTILE:HOSTILE}}))
        .server(json!({"id":HOSTILE,"error":{"message":HOSTILE}}))
        .server(json!({"id":HOSTILE,"method":"item/commandExecution/requestApproval","params":{"command":HOSTILE}}))
        .client(json!({"id":HOSTILE,"result":{"decision":{HOSTILE:1}}}))
        .notify(HOSTILE, json!({}))
        .notify("error", json!({"error":{"message":HOSTILE,"additionalDetails":HOSTILE}}))
        .notify("warning", json!({"message":HOSTILE}));
    session.0.insert_str(
        0,
        &format!(
            "{}\n",
            json!({"recording":1,"by":HOSTILE,"protocol":HOSTILE})
        ),
    );
    session.0 += &format!("{}\n", json!({"cut":HOSTILE,"t":9}));
    let page = session.page();
    assert_eq!(page.matches("<script>").count(), 1);
    assert_eq!(page.matches("</script>").count(), 1);
    assert!(!page.contains("<img") && page.matches("&lt;img").count() > 20);
    assert!(!page.contains(['\u{2028}', '\u{202e}', '\u{1b}']));
}

#[test]
fn halves_of_surrogate_pairs_and_what_is_no_message_are_shown() {
    let mut session = turn();
    session.notify(
        "item/agentMessage/delta",
        json!({"itemId":"m","delta":"lone HALF end"}),
    );
    session.0 = session.0.replace("HALF", "\\ud83d");
    session.0 += "{\"dir\":\"s2c\",\"t\":1,\"unreadable\":77}\n";
    let cards = cards(&session.page());
    assert!(cards[0].contains("lone \u{fffd} end"), "{cards:?}");
    assert!(
        cards[1].contains("unreadable") && cards[1].contains("77 bytes"),
        "{cards:?}"
    );
}

#[test]
fn a_long_session_keeps_its_approvals_and_says_what_is_left_out() {
    let mut session = turn();
    let mut lines = String::new();
    let text = "x".repeat(100);
    for index in 0..6_000 {
        let line = json!({"dir":"s2c","t":5,"msg":{"method":"item/completed","params":{"threadId":"t","turnId":"u",
            "item":{"type":"agentMessage","id":index.to_string(),"text":text}}}});
        lines += &format!("{line}\n");
    }
    session.0 += &lines;
    let huge = "y".repeat(9 * 1024 * 1024);
    session.0 += &format!("{{\"dir\":\"s2c\",\"t\":6,\"msg\":{{\"method\":\"{huge}\"}}}}\n");
    session.server(json!({"id":4,"method":"item/fileChange/requestApproval","params":{"threadId":"t","turnId":"u"}}));
    let page = session.page();
    assert!(page.len() < 8_000_000, "{}", page.len());
    assert!(
        page.contains("2001 entries after"),
        "the long line has no room either"
    );
    assert!(page.contains("1 lines over 8 MiB"));
    assert!(page.contains("2000 more entries of this turn are left out"));
    assert!(
        cards(&page)
            .last()
            .unwrap()
            .contains("May these files be changed?")
    );
}

#[test]
fn a_page_goes_to_a_file_but_not_over_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.jsonl");
    fs::write(&file, &turn().0).unwrap();
    let page = folder.path().join("page.html");
    let output = show(&file, &[Path::new("--output"), &page]);
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(
        fs::read_to_string(&page)
            .unwrap()
            .starts_with("<!doctype html>")
    );

    let output = show(&file, &[Path::new("--output"), &file]);
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("is the recording itself"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), turn().0);

    fs::write(&file, "{}\n").unwrap();
    let output = show(&file, &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("session.jsonl is no recording: line 1"),
        "{told}"
    );
}

/// The browser runs the script and applies the style only if their hashes are these.
#[test]
fn the_policy_of_the_page_lets_its_own_style_and_script_in() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/html");
    let policy = fs::read_to_string(folder.join("page.policy")).unwrap();
    let hash = |name: &str| {
        let digest = Sha256::digest(fs::read(folder.join(name)).unwrap());
        base64::engine::general_purpose::STANDARD.encode(digest)
    };
    let expected = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\n",
        hash("page.css"),
        hash("page.js")
    );
    assert_eq!(policy, expected, "write this into page.policy");
}
