//! What a notification costs from a child process through a real pipe to the subscriber.
//!
//! A child pours the notifications of one turn into its stdout, as fast as the pipe takes them:
//! text deltas, or a mix in which every tenth is a completed item of 4 KB. The complete client
//! reads them as a stream's text, as a stream that decodes, and as the result of `run`. Beside
//! it, through the same kind of pipe, the floor: finding the lines and walking the JSON in each
//! without keeping anything. Each is a process of its own, so that its CPU time, its voluntary
//! context switches and its peak of memory are its own.
//!
//! `cargo bench -p openai-codex-tests --bench pipe [notifications]`, on Linux.
//!
//! What was found: with one lock and one waking a line, 300,000 deltas took 4.3 to 7.5 times the
//! floor and some 12,600 context switches. The reader takes in as one what is at hand, because
//! a woken subscriber that finds one event is a switch to it and back.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use openai_codex::{Codex, EventBuffer};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

const FULL: usize = 300_000;
const SHORT: usize = 2_000;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--pour", what, count] => pour(what, number(count)),
        ["--measure", how, what, count] => measure(how, what, number(count)),
        _ if cfg!(target_os = "linux") => {
            let given = words.iter().find_map(|word| word.parse().ok());
            let full = words.contains(&"--bench");
            report(given.unwrap_or(if full { FULL } else { SHORT }));
        }
        _ => println!("this reads /proc, which only Linux has"),
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number of notifications")
}

/// What one way of reading cost.
#[derive(Clone, Copy)]
struct Cost {
    /// Microseconds of CPU a notification.
    micros: f64,
    switches: u64,
    /// The most memory at a time, in MB.
    peak: f64,
}

fn report(count: usize) {
    println!("{count} notifications through a pipe; the least of three runs");
    println!("what    how       µs/event  ratio  switches  peak MB");
    for what in ["deltas", "mix"] {
        let mut floor = 0.0;
        for how in ["floor", "text", "decode", "run"] {
            let runs = (0..3).map(|_| run_measure(how, what, count));
            let cost = runs
                .min_by(|a, b| a.micros.total_cmp(&b.micros))
                .expect("three runs");
            if how == "floor" {
                floor = cost.micros;
            }
            println!(
                "{what:<7} {how:<8} {:>9.2} {:>6.2} {:>9} {:>8.0}",
                cost.micros,
                cost.micros / floor,
                cost.switches,
                cost.peak
            );
        }
    }
}

fn myself() -> String {
    let program = std::env::current_exe().expect("this program has a path");
    program.to_str().expect("a path in UTF-8").to_owned()
}

fn run_measure(how: &str, what: &str, count: usize) -> Cost {
    let output = Command::new(myself())
        .args(["--measure", how, what, &count.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "measuring {how} of {what} failed");
    let told: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    Cost {
        micros: told["seconds"].as_f64().expect("seconds") * 1e6 / count as f64,
        switches: told["switches"].as_u64().expect("switches"),
        peak: told["peak"].as_f64().expect("a peak") / 1000.0,
    }
}

fn measure(how: &str, what: &str, count: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    match how {
        "floor" => floor(what, count),
        _ => runtime.block_on(client(how, what, count)),
    }
    let (mut ticks, mut switches) = (0, 0);
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // User and system time, behind the name, which may have blanks.
    let fields = stat.rsplit(") ").next().expect("a name").split(' ');
    for field in fields.skip(11).take(2) {
        ticks += field.parse::<u64>().expect("ticks");
    }
    for task in std::fs::read_dir("/proc/self/task")
        .expect("Linux")
        .flatten()
    {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        switches += member(&status, "voluntary_ctxt_switches:");
    }
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = member(&status, "VmHWM:");
    // A tick is 10 ms.
    println!(
        "{}",
        json!({"seconds": ticks as f64 / 100.0, "switches": switches, "peak": peak})
    );
}

fn member(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn pourer(what: &str, count: usize) -> [String; 4] {
    [myself(), "--pour".into(), what.into(), count.to_string()]
}

/// Finds the lines and walks the JSON in them.
fn floor(what: &str, count: usize) {
    let [program, arguments @ ..] = pourer(what, count);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    for method in ["initialize", "turn/start"] {
        writeln!(stdin, "{}", json!({"id": 1, "method": method})).expect("it reads");
    }
    let mut lines = BufReader::with_capacity(64 * 1024, child.stdout.take().expect("a pipe"));
    let (mut line, mut read) = (Vec::new(), 0);
    while lines.read_until(b'\n', &mut line).expect("a pipe") > 0 {
        serde_json::from_slice::<IgnoredAny>(&line).expect("JSON");
        line.clear();
        read += 1;
        if read == count + 4 {
            break;
        }
    }
    drop(stdin);
    child.wait().expect("it ends");
}

async fn client(how: &str, what: &str, count: usize) {
    let codex = Codex::builder()
        .launch_command(pourer(what, count))
        .event_buffer(EventBuffer::new())
        .send()
        .await
        .expect("it starts");
    let thread = codex.thread("t");
    if how == "run" {
        let result = thread.run("hi").await.expect("a result");
        let items = if what == "mix" { count / 10 } else { 0 };
        assert_eq!(result.items.len(), items);
    } else {
        let turn = thread.turn("hi").await.expect("a turn");
        let (mut stream, mut seen) = (turn.stream(), 0);
        while let Some(event) = stream.next().await {
            let event = event.expect("an event");
            assert_eq!(event.skipped_before(), 0);
            if how == "decode" {
                event.decode().expect("it is known");
            } else {
                std::hint::black_box(event.text_delta());
            }
            seen += 1;
        }
        assert_eq!(seen, count + 2);
    }
    codex.close().await.expect("it ends");
}

/// The child: an app-server that knows one turn.
fn pour(what: &str, count: usize) {
    let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let asked: Value = serde_json::from_str(&line).expect("a message");
        let (id, turn) = (
            &asked["id"],
            json!({"id": "u", "status": "inProgress", "items": []}),
        );
        match asked["method"].as_str() {
            Some("initialize") => {
                let result = json!({
                    "userAgent": concat!("fake/", env!("CARGO_PKG_VERSION"), " (test)"),
                    "codexHome": "/", "platformFamily": "unix", "platformOs": "linux",
                });
                say(&mut out, &json!({"id": id, "result": result}));
            }
            Some("turn/start") => {
                say(&mut out, &json!({"id": id, "result": {"turn": turn}}));
                notifications(&mut out, what, count);
            }
            _ => {}
        }
        // Nobody reads any more when it fails.
        if out.flush().is_err() {
            return;
        }
    }
}

/// The notifications of a turn, its beginning and its end among them.
fn notifications(out: &mut impl Write, what: &str, count: usize) {
    let told = |method: &str, rest: Value| {
        let mut params = json!({"threadId": "t", "turnId": "u"});
        let members = params.as_object_mut().expect("an object");
        members.extend(rest.as_object().expect("an object").clone());
        json!({"method": method, "params": params}).to_string()
    };
    let turn = |status: &str| json!({"turn": {"id": "u", "status": status, "items": []}});
    let delta = told(
        "item/agentMessage/delta",
        json!({"itemId": "msg_1", "delta": "some words "}),
    );
    let text = "some words ".repeat(4096 / 11);
    let item = json!({"type": "agentMessage", "id": "msg_1", "text": text});
    let item = told("item/completed", json!({"item": item, "completedAtMs": 0}));
    let lines = (0..count).map(|number| match what {
        "mix" if number % 10 == 9 => item.as_str(),
        _ => delta.as_str(),
    });
    let (begun, done) = (
        told("turn/started", turn("inProgress")),
        told("turn/completed", turn("completed")),
    );
    let lines = std::iter::once(begun.as_str())
        .chain(lines)
        .chain([done.as_str()]);
    for line in lines {
        if writeln!(out, "{line}").is_err() {
            return;
        }
    }
}

fn say(out: &mut impl Write, message: &Value) {
    // Nobody reads any more when it fails, which the flush after this tells.
    let _ = writeln!(out, "{message}");
}
