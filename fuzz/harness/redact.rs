//! A secret in some text, at some place, split somewhere, with other texts between; and any text at
//! all. What is left tells nothing of the secret, and doing it twice changes nothing.
//!
//! Shared by the fuzz target and by the test that replays its corpus.

use openai_codex_wire::Direction;
use openai_codex_wire::redact::{Redactor, redact, text};
use serde_json::{Value, json};

/// What must not be seen. No part of it is a word, and it looks like no secret.
const CANARY: &str = "zQ7canaryXk29vLm4pTz";

/// So many of its characters in a row tell it.
const TOLD: usize = 6;

/// How a secret may stand in a text: `#` stands for it. Whatever is around these, it is found.
const KINDS: [&str; 48] = [
    "OPENAI_API_KEY=#",
    "export OPENAI_API_KEY=\"#\"",
    "export OPENAI_API_KEY='#'",
    "api_key = #",
    "password: #",
    "access token: #",
    "X-Api-Key: #",
    "Authorization: Basic #",
    "authorization: token #",
    "Bearer #",
    "--password #",
    "sk-#",
    "sk_live_#",
    "ghp_#",
    "glpat-#",
    "npm_#",
    "hf_#",
    "xoxb-#",
    "https://me:#@host/x",
    "https://h/cb?code=#&x=1",
    "\"token\": \"#\"",
    "\"refresh_token\":\n\"#\"",
    "{\"tokens\": [\"#\", \"#\"]}",
    "{\"name\": \"API_KEY\", \"value\": \"#\"}",
    "{\\\"token\\\":\\\"#\\\"}",
    "%22token%22%3A%22#%22",
    "-----BEGIN RSA PRIVATE KEY-----\n#\n#\n-----END RSA PRIVATE KEY-----",
    "<password>#</password>",
    "PASSWORD=a'#'\"#\"",
    "PASSWORD=\"#\"#",
    "password: |\n          #\n          #",
    "client_secret: >-\n          #",
    "machine h login me password #",
    "machine h\n  login me\n  password #",
    "setx OPENAI_API_KEY #",
    "ENV OPENAI_API_KEY #",
    "set -gx API_KEY '#'",
    "npm config set _authToken #",
    "CREATE USER u IDENTIFIED BY '#'",
    "tool --token  #",
    "tool --token \\\n  #",
    "[\"docker\", \"login\", \"-p\", \"#\"]",
    "[\"tool\", \"--token\", \"#\"]",
    "PASSWORD=a\u{1b}[1;32m#\u{1b}[0m",
    "https://hooks.slack.com/services/T01/B01/#",
    "https://discord.com/api/webhooks/12345678/#",
    "https://x.webhook.office.com/webhookb2/a@b/IncomingWebhook/#",
    "redis://:#@host:6379/0",
];

/// What may be around it: nothing here changes how it is read.
const AROUND: [&str; 12] = [
    "\n",
    " ",
    "words of a sentence, and more\n",
    "tokens: 1234\n",
    "é ü 漢字 \u{1f600}\n",
    "fn main() { println!(\"{}\", 1); }\n",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8\n",
    "{\"a\": [1, 2, {\"b\": null}]}\n",
    "https://example.com:8080/@scope/name?q=a\n",
    "C:\\new\\folder 100% \n",
    "[redacted]\n",
    "-- \t\t ==\n",
];

/// Reads choices out of bytes.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    fn of<'b>(&mut self, list: &[&'b str]) -> &'b str {
        list[self.next() % list.len()]
    }
}

/// One execution.
///
/// # Panics
///
/// When the secret is told, or something does not stay as it is.
#[allow(unreachable_pub, reason = "each user has its own crate")]
pub fn feed(bytes: &[u8]) {
    anything(&String::from_utf8_lossy(bytes));
    canary(&mut Choices(bytes));
}

/// Any text: nothing panics, and twice is once.
fn anything(said: &str) {
    let once = text(said).into_owned();
    assert_eq!(text(&once), once, "twice: {said:?}");
    // As a string of a message, and as a message.
    let message = json!({"method": "m", "params": {"text": said, said: [said]}}).to_string();
    for message in [message.as_str(), said] {
        if let Ok(once) = redact(message) {
            assert!(
                serde_json::from_str::<Value>(&once).is_ok(),
                "{message:?}: {once:?}"
            );
            assert_eq!(
                redact(&once).ok().as_ref(),
                Some(&once),
                "twice: {message:?}"
            );
        }
    }
}

fn canary(choices: &mut Choices<'_>) {
    let mut before = String::from("\n");
    for _ in 0..choices.next() % 4 {
        before += choices.of(&AROUND);
    }
    let kind = choices.of(&KINDS).replace('#', CANARY);
    let said = format!("{before}{kind}\n{}", choices.of(&AROUND));
    let whole = text(&said).into_owned();
    check(&whole, &said);
    assert_eq!(text(&whole), whole, "twice: {said:?}");
    let message = json!({"id": 1, "result": {"text": said}}).to_string();
    check(&redact(&message).expect("it is JSON"), &said);
    pieces(choices, &said);
}

/// The text in pieces, as deltas of text or of bytes, with other texts between.
fn pieces(choices: &mut Choices<'_>, said: &str) {
    let is_bytes = choices.next().is_multiple_of(3);
    let mut redactor = Redactor::new();
    let mut left = Vec::new();
    let mut from = 0;
    while from < said.len() {
        let mut to = (from + choices.next() % 48 + 1).min(said.len());
        // Bytes may be split within a character, texts may not.
        while !is_bytes && !said.is_char_boundary(to) {
            to += 1;
        }
        let piece = &said.as_bytes()[from..to];
        from = to;
        let message = match is_bytes {
            true => output("a", piece),
            false => delta("a", &String::from_utf8_lossy(piece)),
        };
        let message = redactor.redact(Direction::ToClient, &message);
        let message: Value =
            serde_json::from_str(&message.expect("it is JSON")).expect("it stays JSON");
        let params = &message["params"];
        match is_bytes {
            true => left.extend(decoded(params["deltaBase64"].as_str().unwrap_or_default())),
            false => left.extend(params["delta"].as_str().unwrap_or_default().bytes()),
        }
        for other in 0..choices.next() % 4 {
            let quiet = delta(&format!("other {other}"), "quiet words ");
            let kept = redactor.redact(Direction::ToClient, &quiet);
            assert_eq!(kept.ok(), Some(quiet), "another text stays as it is");
        }
    }
    check(&String::from_utf8_lossy(&left), said);
}

fn delta(item: &str, piece: &str) -> String {
    let params = json!({"itemId": item, "delta": piece});
    json!({"method": "item/agentMessage/delta", "params": params}).to_string()
}

fn output(process: &str, piece: &[u8]) -> String {
    let params = json!({"processId": process, "stream": "stdout", "deltaBase64": encoded(piece)});
    json!({"method": "command/exec/outputDelta", "params": params}).to_string()
}

#[track_caller]
fn check(left: &str, said: &str) {
    let mut parts = CANARY.as_bytes().windows(TOLD);
    let told = parts.find(|part| left.as_bytes().windows(TOLD).any(|it| it == *part));
    assert!(told.is_none(), "told: {said:?} => {left:?}");
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(*chunk.get(index).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index)) as usize & 63];
            out.push(if index <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

fn decoded(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        let six = DIGITS.iter().position(|it| *it == digit).unwrap_or(0);
        bits = bits << 6 | six as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
