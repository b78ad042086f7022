//! What it costs to understand a notification.
//!
//! The same lines four times over, in turn, in one run:
//!
//! - **floor**: find the lines and walk the JSON in each, keeping nothing;
//! - **peek**: find the lines, and in each the method, the ids and where the payload lies, which is
//!   what the client does for every message;
//! - **typed**: the same, and the payload decoded into its generated type, which is what a
//!   subscriber asks for;
//! - **derive**: the floor's way to the payload, and it decoded into a hand-written struct with a
//!   derived `Deserialize`, for the sets of which there is one.
//!
//! Two sets are streams of one kind (text deltas, completed commands with 4 KB of output), the
//! third is what the server sent in the recordings, with the items grown to 4 KB.
//!
//! `cargo bench -p openai-codex-tests --bench decode`

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use openai_codex_types::ServerNotification;
use openai_codex_wire::envelope::{Message, peek};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// How much of each set is decoded in a round, and how often.
const BYTES: usize = 8_000_000;
const ROUNDS: usize = 15;
const ITEM: usize = 4096;

fn main() {
    // `cargo bench` passes `--bench`; a test run of the benches passes nothing, and is short.
    let full = std::env::args().any(|argument| argument == "--bench");
    let (bytes, rounds) = if full { (BYTES, ROUNDS) } else { (100_000, 1) };
    let recorded = recorded();
    println!("nanoseconds a message, the fastest of {rounds} rounds");
    println!(
        "{:<9} {:>6} {:>12} {:>12} {:>12} {:>12}  typed to floor, to derive",
        "set", "bytes", "floor", "peek", "typed", "derive"
    );
    Set::new("deltas", deltas(&recorded), Some(derived::<DeltaMessage>)).measure(bytes, rounds);
    Set::new("commands", commands(), Some(derived::<ItemMessage>)).measure(bytes, rounds);
    Set::new("mix", mix(&recorded), None).measure(bytes, rounds);
}

/// Lines, and the struct that they have by hand.
struct Set {
    name: &'static str,
    text: String,
    count: usize,
    derived: Option<fn(&str)>,
}

impl Set {
    fn new(name: &'static str, lines: Vec<String>, derived: Option<fn(&str)>) -> Self {
        Self {
            name,
            text: lines.iter().map(|line| format!("{line}\n")).collect(),
            count: lines.len(),
            derived,
        }
    }

    fn measure(&self, bytes: usize, rounds: usize) {
        let repeats = bytes.div_ceil(self.text.len());
        let none: fn(&str) = |_| ();
        let ways = [floor, peeked, typed, self.derived.unwrap_or(none)];
        let mut fastest = [f64::INFINITY; 4];
        for _ in 0..rounds {
            // In turn, so that what else the machine does hits all alike.
            for (way, fastest) in ways.iter().zip(&mut fastest) {
                let before = Instant::now();
                for _ in 0..repeats {
                    each_line(&self.text, *way);
                }
                let nanos = before.elapsed().as_nanos() as f64;
                *fastest = fastest.min(nanos / (self.count * repeats) as f64);
            }
        }
        let size = self.text.len() as f64 / self.count as f64;
        let cell = |nanos: f64| format!("{nanos:.0} ({:.0})", size * 1000.0 / nanos);
        let [floor, peek, typed, derive] = fastest;
        let derived = self.derived.is_some();
        println!(
            "{:<9} {size:>6.0} {:>12} {:>12} {:>12} {:>12}  {:.2} {}",
            self.name,
            cell(floor),
            cell(peek),
            cell(typed),
            if derived {
                cell(derive)
            } else {
                "-".to_owned()
            },
            typed / floor,
            if derived {
                format!("{:.2}", typed / derive)
            } else {
                "-".to_owned()
            },
        );
        if self.name == "mix" {
            println!("in parentheses: megabytes a second");
        }
    }
}

fn each_line(text: &str, way: fn(&str)) {
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\n', rest.as_bytes()) {
        way(&rest[..end]);
        rest = &rest[end + 1..];
    }
}

fn floor(line: &str) {
    serde_json::from_str::<IgnoredAny>(line).expect("the lines are JSON");
}

fn peeked(line: &str) {
    black_box(&peek(line).expect("the lines are messages"));
}

fn typed(line: &str) {
    let Ok(Message::Notification { method, params, .. }) = peek(line) else {
        panic!("the lines are notifications");
    };
    let decoded = ServerNotification::decode(&method, params.unwrap_or_default());
    black_box(&decoded.expect("the notifications decode"));
}

fn derived<T: DeserializeOwned>(line: &str) {
    black_box(&serde_json::from_str::<T>(line).expect("the lines have this form"));
}

/// What somebody would write by hand for a text delta.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct DeltaMessage {
    method: String,
    params: Delta,
    emitted_at_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Delta {
    thread_id: String,
    turn_id: String,
    item_id: String,
    delta: String,
}

/// What somebody would write by hand for a completed item.
#[derive(Deserialize)]
#[allow(dead_code)]
struct ItemMessage {
    method: String,
    params: ItemCompleted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct ItemCompleted {
    thread_id: String,
    turn_id: String,
    item: Item,
    completed_at_ms: i64,
}

#[derive(Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
#[allow(dead_code)]
enum Item {
    AgentMessage {
        id: String,
        text: String,
    },
    CommandExecution {
        id: String,
        command: String,
        command_actions: Vec<Action>,
        cwd: String,
        status: Status,
        aggregated_output: Option<String>,
        duration_ms: Option<i64>,
        exit_code: Option<i32>,
        process_id: Option<String>,
        source: Option<Source>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[allow(dead_code)]
enum Action {
    Read {
        command: String,
        name: String,
        path: String,
    },
    Unknown {
        command: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Status {
    InProgress,
    Completed,
    Failed,
    Declined,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Source {
    Agent,
    UserShell,
}

/// The notifications of the recordings: the method and the line as the server wrote it.
fn recorded() -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Line<'a> {
        dir: &'a str,
        #[serde(borrow)]
        msg: &'a RawValue,
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("replays/0.163.0");
    let entries = fs::read_dir(folder).expect("the recordings are there");
    let mut paths: Vec<_> = entries
        .map(|it| it.expect("a folder can be read").path())
        .collect();
    paths.sort();
    let mut lines = Vec::new();
    for path in paths {
        let text = fs::read_to_string(path).expect("a recording can be read");
        for line in text.lines() {
            let line: Line<'_> = serde_json::from_str(line).expect("a recording has this form");
            if let ("s2c", Ok(Message::Notification { method, .. })) =
                (line.dir, peek(line.msg.get()))
            {
                lines.push((method.into_owned(), compact(line.msg.get())));
            }
        }
    }
    lines
}

/// JSON without the spaces that the recorder put between its parts, in the runtime's order.
fn compact(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let is_kept = |character: &char| {
        let keep = quoted || *character != ' ';
        quoted ^= *character == '"' && !escaped;
        escaped = quoted && *character == '\\' && !escaped;
        keep
    };
    json.chars().filter(is_kept).collect()
}

fn deltas(recorded: &[(String, String)]) -> Vec<String> {
    let deltas = recorded
        .iter()
        .filter(|(method, _)| method == "item/agentMessage/delta");
    deltas.map(|(_, line)| line.clone()).collect()
}

fn commands() -> Vec<String> {
    let output = "   Compiling openai-codex v0.163.0 (\u{1b}[1m\"/src\"\u{1b}[0m)\n";
    let command = |number: usize| {
        // By hand, for the order in which the runtime writes: the tag first.
        format!(
            r#"{{"method":"item/completed","params":{{"item":{{"type":"commandExecution","id":"call_{number}","command":"/bin/bash -lc 'cargo build'","cwd":"/src","processId":"{number}","source":"agent","status":"completed","commandActions":[{{"type":"unknown","command":"cargo build"}}],"aggregatedOutput":{},"exitCode":0,"durationMs":{number}}},"threadId":"01a1fd37-f37c-7f93-8b56-000000000001","turnId":"01a1fd37-f38b-7891-a915-000000000001","completedAtMs":1795249664987}},"emittedAtMs":1795249664987}}"#,
            json!(output.repeat(ITEM / output.len()))
        )
    };
    (0..100).map(command).collect()
}

/// Everything but the deltas of text, which would be most of it.
fn mix(recorded: &[(String, String)]) -> Vec<String> {
    let others = recorded
        .iter()
        .filter(|(method, _)| method != "item/agentMessage/delta");
    others.map(|(_, line)| grown(line)).collect()
}

/// A line with the text of its item grown to 4 KB, if it has one, in the order that it was in.
fn grown(line: &str) -> String {
    let message: Value = serde_json::from_str(line).expect("the lines are JSON");
    let item = &message["params"]["item"];
    let texts = [
        &item["text"],
        &item["aggregatedOutput"],
        &item["content"][0]["text"],
    ];
    match texts
        .into_iter()
        .find(|text| text.as_str().is_some_and(|it| !it.is_empty()))
    {
        Some(text) => {
            let short = text.to_string();
            let long = json!(
                text.as_str()
                    .unwrap_or_default()
                    .repeat(ITEM / short.len() + 1)
            );
            line.replacen(&format!(":{short}"), &format!(":{long}"), 1)
        }
        None => line.to_owned(),
    }
}
