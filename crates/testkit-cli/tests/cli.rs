//! The program `codex-testkit`.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use openai_codex_recording::{Direction, Recording};
use serde_json::json;

const SESSION: &str = r#"{"recording":1,"by":"test 1","protocol":"0.163.0"}
{"dir":"c2s","t":0.001,"msg":{"id":1,"method":"initialize","params":{"clientInfo":{"name":"me","version":"1"}}}}
{"dir":"s2c","t":0.047,"msg":{"id":1,"result":{"userAgent":"me/0.163.0 (x)","codexHome":"/h","platformFamily":"unix","platformOs":"linux"}}}
{"dir":"c2s","t":0.048,"msg":{"method":"initialized"}}
{"dir":"s2c","t":0.1,"msg":{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u","itemId":"i","delta":"Hel"}}}
{"dir":"s2c","t":0.2,"msg":{"method":"item/agentMessage/delta","params":{"threadId":"t","turnId":"u","itemId":"i","delta":"lo\u001b[2J"}}}
{"dir":"c2s","t":1.5,"msg":{"id":2,"method":"thread/archive","params":{"threadId":"t"}}}
{"dir":"s2c","t":3.0,"msg":{"id":2,"error":{"code":-32600,"message":"no rollout found"}}}
{"end":"client","t":4.0}
"#;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("codex-testkit-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_codex-testkit"))
}

fn run(arguments: &[&str], file: &Path) -> (Output, String) {
    let output = program().args(arguments).arg(file).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

#[test]
fn show_prints_a_timeline() {
    let folder = Folder::new("show");
    let file = folder.file("session.jsonl", SESSION);
    let (output, text) = run(&["show"], &file);
    assert!(output.status.success());
    let expected = "\
recorded by test 1, runtime 0.163.0, 7 messages
    0.001 ──▶ initialize #1  me
    0.047 ◀── #1 initialize after 46 ms  me/0.163.0 (x)
    0.048 ──▶ initialized
    0.100 ◀── item/agentMessage/delta ×2  Hello·[2J
    1.500 ──▶ thread/archive #2
    3.000 ◀── #2 thread/archive after 1.5 s  no rollout found
    4.000 ─── the client hung up
";
    assert_eq!(text, expected);
    let (_, text) = run(&["show", "--color", "always"], &file);
    assert!(text.contains("\u{1b}[36m──▶") && !text.contains("[2J\u{1b}[2J"));
    let (_, text) = run(&["show", "--full"], &file);
    assert!(text.contains("\"delta\":\"Hel\"") && text.lines().count() == 9);
}

#[test]
fn check_names_the_line_and_the_fault() {
    let folder = Folder::new("check");
    let (output, text) = run(&["check"], &folder.file("good.jsonl", SESSION));
    assert_eq!(text, "");
    assert!(output.status.success());
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(
        summary.contains("7 messages, 0 that do not fit, 1 that were refused"),
        "{summary}"
    );

    let bad = SESSION
        .replace("\"itemId\":\"i\",", "")
        .replace("\"method\":\"initialized\"", "\"method\":\"initialised\"")
        .replace("{\"id\":1,\"result\"", "{\"id\":9,\"result\"");
    let (output, text) = run(&["check"], &folder.file("bad.jsonl", &bad));
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].contains("bad.jsonl:3: an answer to Integer(9), which nobody has asked"));
    assert!(lines[1].contains(":4: initialised: the client has no such notification"));
    assert!(lines[2].contains(":5: ") && lines[2].contains("missing field `itemId`"));

    let (output, _) = run(&["check"], &folder.file("none.jsonl", "{}"));
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("none.jsonl is no recording: line 1"),
        "{message}"
    );
}

/// A recording may be anyone's, and a method or an id may say what a terminal would obey.
#[test]
fn nothing_in_a_recording_reaches_the_terminal_unseen() {
    const HOSTILE: &str = r#"{"recording":1,"by":"x\u001b[31m","protocol":"0.163.0"}
{"dir":"s2c","t":0.1,"msg":{"method":"a\u001b[2J\ndelta","params":{"delta":"d\u009b1m"}}}
{"dir":"s2c","t":0.1,"msg":{"method":"b\u001b[2J","params":{"x":"\u202ey"}}}
{"dir":"c2s","t":0.2,"msg":{"id":"i\u001b[5m","method":"m\u001b[5m","params":{}}}
{"dir":"s2c","t":0.3,"msg":{"id":"i\u001b[5m","error":{"code":1,"message":"e\u001b[7m"}}}
{"dir":"s2c","t":0.4,"msg":{"id":"i\u001b[5m","result":{"userAgent":"u/1\u001b[9m"}}}
{"dir":"s2c","t":0.4,"unreadable":12}
{"cut":"no\u001b[1m\nway","t":0.5}
"#;
    // What JSON does not escape by itself.
    let session = HOSTILE
        .replace("\\u009b", "\u{9b}")
        .replace("\\u202e", "\u{202e}");
    let folder = Folder::new("hostile");
    let file = folder.file("hostile.jsonl", &session);
    for arguments in [&["show"][..], &["show", "--full"], &["check"]] {
        let (output, mut text) = run(arguments, &file);
        text += std::str::from_utf8(&output.stderr).unwrap();
        let obeyed = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
        assert!(!text.contains(obeyed), "{arguments:?}: {text:?}");
    }
    let (_, text) = run(&["show"], &file);
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.contains("unreadable  12 bytes"), "{text}");
}

#[test]
fn nobody_has_to_read_what_is_said() {
    let folder = Folder::new("unread");
    let good = folder.file("good.jsonl", SESSION);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut check = program();
    check
        .arg("check")
        .arg(good)
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    assert_eq!(check.status().unwrap().code(), Some(0));
}

#[test]
fn a_client_that_leaves_early_fails_the_replay() {
    let folder = Folder::new("early");
    let file = folder.file("session.jsonl", SESSION);
    let output = program()
        .arg("replay")
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("the client did not send initialize, line 2 of"),
        "{text}"
    );
}

#[test]
fn a_recording_that_broke_off_is_shown_up_to_there() {
    let folder = Folder::new("torn");
    let torn = SESSION.split_at(SESSION.len() - 40).0;
    let (output, text) = run(&["show"], &folder.file("torn.jsonl", torn));
    assert!(output.status.success());
    assert!(text.contains("thread/archive #2"), "{text}");
    assert!(
        text.ends_with("the rest is missing: line 8 breaks off\n"),
        "{text}"
    );
}

#[test]
fn check_goes_on_after_a_file_that_cannot_be_read() {
    let folder = Folder::new("several");
    let good = folder.file("good.jsonl", SESSION);
    let missing = folder.0.join("none.jsonl");
    let output = program()
        .arg("check")
        .args([missing, good])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("none.jsonl: ") && text.contains("good.jsonl: 7 messages"),
        "{text}"
    );
}

#[test]
fn a_server_that_cannot_be_started_leaves_an_earlier_recording() {
    let folder = Folder::new("earlier");
    let file = folder.file("session.jsonl", SESSION);
    let output = program()
        .arg("record")
        .arg(&file)
        .args(["--", "/no/such/server"])
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("cannot start /no/such/server")
    );
    assert_eq!(fs::read_to_string(file).unwrap(), SESSION);
}

#[test]
fn a_timeline_tells_what_was_said_and_not_what_it_was_wrapped_in() {
    let big = "x".repeat(99);
    let folder = Folder::new("words");
    let message = |method: &str, params: serde_json::Value| json!({"dir": "s2c", "t": 1, "msg": {"method": method, "params": params}});
    let item = |item| {
        message(
            "item/completed",
            json!({"threadId": "t", "turnId": "u", "item": item}),
        )
    };
    let session = [
        message("thread/started", json!({"thread": {"id": "t", "cwd": "/"}})),
        message(
            "turn/started",
            json!({"threadId": "t", "turn": {"id": "u", "items": []}}),
        ),
        item(
            json!({"type": "userMessage", "content": [{"type": "text", "text": "Hi"}, {"type": "image"}]}),
        ),
        item(json!({"type": "reasoning", "summary": ["Hm."], "content": []})),
        item(
            json!({"type": "fileChange", "changes": [{"path": "/a"}, {"path": "/b"}], "status": "completed"}),
        ),
        item(json!({"type": "mcpToolCall", "server": "s", "tool": "t", "status": "failed"})),
        message(
            "n",
            json!({"threadId": "t", "small": {"a": 1}, "large": {"a": big}, "list": [big, 2]}),
        ),
    ];
    let session: String = session.map(|line| format!("{line}\n")).concat();
    let (_, text) = run(&["show"], &folder.file("session.jsonl", &session));
    let rows: Vec<&str> = text
        .lines()
        .skip(1)
        .map(|row| &row["    1.000 ◀── ".len()..])
        .collect();
    assert_eq!(
        rows,
        [
            "thread/started  t",
            "turn/started  u",
            "item/completed  userMessage Hi (image)",
            "item/completed  reasoning Hm.",
            "item/completed  fileChange /a /b · completed",
            "item/completed  mcpToolCall s · t · failed",
            "n  large: {…}, list: [2 items], small: {\"a\":1}",
        ]
    );
}

#[test]
fn every_recorded_session_fits_the_types() {
    let replays = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/replays/0.163.0");
    let files = fs::read_dir(replays)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let output = program().arg("check").args(files).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
}

#[test]
fn record_and_replay_stand_where_the_server_would() {
    let folder = Folder::new("record");
    // A server of its own would be a program of another package; a replay is one.
    let server = folder.file(
        "server.jsonl",
        r#"{"recording":1,"by":"test 1","protocol":"0.163.0"}
{"dir":"c2s","t":0.1,"msg":{"id":1,"method":"thread/loaded/list","params":{}}}
{"dir":"s2c","t":0.2,"msg":{"method":"n","params":{"accessToken":"x"}}}
{"dir":"s2c","t":0.2,"msg":{"id":1,"result":{"data":[]}}}
{"end":"client","t":0.3}
"#,
    );
    let file = folder.0.join("session.jsonl");

    let recording = program()
        .arg("record")
        .arg(&file)
        .args(["--", env!("CARGO_BIN_EXE_codex-testkit"), "replay"])
        .arg(server)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = talk(recording, "thread/loaded/list", 1);
    assert_eq!(lines[1], r#"{"id":1,"result":{"data":[]}}"#);
    assert!(lines[0].contains("\"accessToken\":\"x\""));
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("\"x\""), "{text}");
    assert_eq!(
        Recording::parse(&text).unwrap().ended.unwrap().0,
        Direction::ToServer
    );

    let replaying = |arguments: &[&str]| {
        let mut command = program();
        command.arg("replay").arg(&file).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    let lines = talk(replaying(&["--recorded-time"]), "thread/loaded/list", 5);
    assert_eq!(lines[1], r#"{"id":5,"result":{"data":[]}}"#);
    let lines = talk(replaying(&["--lenient"]), "model/list", 5);
    assert!(
        lines[0].contains("the client sent model/list, but thread/loaded/list comes next"),
        "{lines:?}"
    );
}

/// Sends one request and reads up to its answer.
fn talk(mut child: std::process::Child, method: &str, id: u64) -> Vec<String> {
    let mut stdin = child.stdin.take().unwrap();
    writeln!(
        stdin,
        "{}",
        json!({"id": id, "method": method, "params": {}})
    )
    .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let answer = line.contains(&format!("\"id\":{id}"));
        lines.push(line);
        if answer {
            break;
        }
    }
    drop(stdin);
    child.wait().unwrap();
    lines
}
