//! A scripted app-server, in memory and as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use openai_codex_testkit::FakeServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

#[tokio::test]
async fn a_script_may_grow_while_it_runs() {
    let fake = FakeServer::new();
    let (read, mut write) = fake.connect();
    let mut lines = tokio::io::BufReader::new(read).lines();
    let mut next = async || -> Value {
        serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap()
    };

    write
        .write_all(b"{\"id\":1,\"method\":\"initialize\"}\n")
        .await
        .unwrap();
    assert_eq!(next().await["result"]["platformOs"], "linux");

    fake.expect("turn/start").held_as("start");
    write
        .write_all(b"{\"id\":2,\"method\":\"turn/start\"}\n")
        .await
        .unwrap();
    fake.done().await;
    fake.then()
        .notify("turn/started", json!({}))
        .reply_to("start", json!("late"));
    assert_eq!(next().await["method"], "turn/started");
    assert_eq!(next().await, json!({"id": 2, "result": "late"}));

    fake.then().ask(0, "question", json!({}));
    assert_eq!(next().await["id"], 0);
    fake.expect_answer(0);
    write
        .write_all(b"{\"id\":0,\"result\":{}}\n")
        .await
        .unwrap();
    fake.done().await;
    fake.assert_finished();
    assert_eq!(fake.received().len(), 3);
}

#[tokio::test]
#[should_panic(expected = "expected turn/start, but the client sent {\"id\":1")]
async fn the_unexpected_fails_the_test_with_its_place() {
    let fake = FakeServer::new();
    let (_read, mut write) = fake.connect();
    fake.expect("turn/start");
    write
        .write_all(b"{\"id\":1,\"method\":\"other\"}\n")
        .await
        .unwrap();
    fake.done().await;
}

#[tokio::test(start_paused = true)]
async fn delays_pass_in_paused_time() {
    let fake = FakeServer::new();
    fake.then()
        .waits(Duration::from_secs(3600))
        .bytes("half a line");
    let (mut read, _write) = fake.connect();
    let before = Instant::now();
    let mut half = [0; 11];
    read.read_exact(&mut half).await.unwrap();
    assert_eq!(&half, b"half a line");
    assert_eq!(before.elapsed(), Duration::from_secs(3600));
    fake.hang_up();
    assert_eq!(read.read(&mut half).await.unwrap(), 0);
}

#[tokio::test]
async fn the_unexpected_is_answered_with_what_was_expected() {
    let fake = FakeServer::new();
    fake.expect("turn/start");
    let (mut read, mut write) = fake.connect();
    write
        .write_all(b"{\"id\":3,\"method\":\"model/list\"}\n")
        .await
        .unwrap();
    let mut text = String::new();
    read.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("{\"error\":{\"code\":-32099,"), "{text}");
    assert!(
        text.contains("expected turn/start, but the client sent"),
        "{text}"
    );
    assert!(text.ends_with("\"id\":3}\n"), "{text}");
}

/// Else the test would wait for its client's timeout, and the client blame the runtime.
#[tokio::test]
async fn a_request_beyond_the_end_of_the_script_is_answered_at_once() {
    let fake = FakeServer::new();
    fake.expect("model/list").reply(json!({"data": []}));
    let (read, mut write) = fake.connect();
    let mut lines = tokio::io::BufReader::new(read).lines();
    for id in 1..=3 {
        let request = format!("{{\"id\":{id},\"method\":\"model/list\"}}\n");
        write.write_all(request.as_bytes()).await.unwrap();
    }
    let mut next = async || lines.next_line().await.unwrap().unwrap();
    assert!(next().await.contains("\"result\""));
    for id in 2..=3 {
        let refused = next().await;
        assert!(refused.contains("-32099"), "{refused}");
        assert!(
            refused.contains("the script of the FakeServer is over"),
            "{refused}"
        );
        assert!(refused.contains(&format!("\"id\":{id}")), "{refused}");
    }
    // And it goes on with what is added now.
    fake.expect("thread/list").reply(json!({"data": []}));
    let request = b"{\"id\":4,\"method\":\"thread/list\"}\n";
    write.write_all(request).await.unwrap();
    assert!(next().await.contains("\"result\""));
    let told = std::panic::catch_unwind(|| fake.assert_finished()).unwrap_err();
    let told = told.downcast_ref::<String>().unwrap();
    assert!(told.contains("is over"), "{told}");
}

/// A blocking client has no tokio runtime that could run it.
#[test]
fn without_a_runtime_it_runs_on_a_thread_of_its_own() {
    let fake = FakeServer::new();
    fake.expect("go")
        .waits(Duration::from_millis(1))
        .reply(json!({}));
    let (mut read, mut write) = fake.connect();
    let client = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    client.block_on(async {
        write
            .write_all(b"{\"id\":1,\"method\":\"go\"}\n")
            .await
            .unwrap();
        fake.done().await;
        let mut answer = [0; 8];
        read.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"{\"id\":1,");
        fake.hang_up();
        read.read_to_end(&mut Vec::new()).await.unwrap();
    });
}

/// A test that was killed cannot kill what it started.
#[cfg(unix)]
#[test]
fn a_process_that_hangs_ends_with_its_parent() {
    let fake = FakeServer::new();
    fake.then().line("hello").hangs();
    let folder = std::env::temp_dir().join(format!("fake-orphan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = folder.join("script.jsonl");
    std::fs::write(&script, fake.script()).unwrap();

    let mut parent = Command::new("sh")
        .args(["-c", "\"$0\" & wait", env!("CARGO_BIN_EXE_fake-app-server")])
        .env("FAKE_APP_SERVER_SCRIPT", &script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "hello\n");
    parent.kill().unwrap();
    parent.wait().unwrap();
    let (tx, rx) = std::sync::mpsc::channel();
    // It has its stdout to its end.
    std::thread::spawn(move || tx.send(stdout.read_to_string(&mut line)));
    let ended = rx.recv_timeout(openai_codex_testkit::PATIENCE);
    ended.expect("it ends").unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_same_script_runs_as_a_process() {
    let fake = FakeServer::new();
    fake.expect_params("go", json!({"fast": true}))
        .stderr("going\n")
        .floods("n", json!({"i": "{i}"}), 3)
        .reply(Value::Null)
        .exits(7);
    let folder = std::env::temp_dir().join(format!("fake-server-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let script = folder.join("script.jsonl");
    std::fs::write(&script, fake.script()).unwrap();

    let mut child = Command::new(env!("CARGO_BIN_EXE_fake-app-server"))
        .args(["app-server", "--listen", "stdio://"])
        .env("FAKE_APP_SERVER_SCRIPT", &script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let request = json!({"id": 9, "method": "go", "params": {"fast": true, "far": false}});
    writeln!(stdin, "{request}").unwrap();
    let lines: Vec<_> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[2], r#"{"method":"n","params":{"i":"2"}}"#);
    assert_eq!(lines[3], r#"{"id":9,"result":null}"#);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(stderr, "going\n");
    assert_eq!(child.wait().unwrap().code(), Some(7));
    std::fs::remove_dir_all(&folder).unwrap();
}
