//! Recorded sessions, served again.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use openai_codex_recording::{Direction, Recording};
use openai_codex_testkit::{FakeServer, Normaliser, Recorder, Replay, ReplayRead, ReplayWrite};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::time::Instant;

/// A thread is started, a turn runs, an approval is asked for and given.
const SESSION: &str = r#"
{"recording":1,"by":"test","protocol":"0.163.0"}
{"dir":"c2s","t":0.0,"msg":{"id":1,"method":"initialize","params":{"clientInfo":{"name":"me","version":"1"}}}}
{"dir":"s2c","t":1.0,"msg":{"id":1,"result":{"userAgent":"me/0.163.0"}}}
{"dir":"c2s","t":1.0,"msg":{"method":"initialized"}}
{"dir":"c2s","t":2.0,"msg":{"id":2,"method":"turn/start","params":{"threadId":"thread-1","input":[{"type":"text","text":"Hi"}]}}}
{"dir":"c2s","t":2.0,"msg":{"id":3,"method":"model/list","params":{}}}
{"dir":"s2c","t":2.5,"msg":{"method":"turn/started","params":{"type":"z","threadId":"thread-1"}}}
{"dir":"s2c","t":3.0,"msg":{"id":3,"result":{"data":[]}}}
{"dir":"s2c","t":3.0,"msg":{"id":2,"result":{}}}
{"dir":"s2c","t":4.0,"msg":{"id":0,"method":"ask","params":{}}}
{"dir":"c2s","t":9.0,"msg":{"id":0,"result":{"decision":"accept"}}}
{"dir":"s2c","t":9.5,"msg":{"method":"turn/completed","params":{"threadId":"thread-1"}}}
{"end":"client","t":10.0}
"#;

struct Client {
    lines: Lines<BufReader<ReplayRead>>,
    write: ReplayWrite,
}

impl Client {
    fn of(replay: &Replay) -> Self {
        let (read, write) = replay.connect();
        let lines = BufReader::new(read).lines();
        Self { lines, write }
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.write.write_all(line.as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn shake_hands(&mut self) {
        self.send(json!({"id": "a", "method": "initialize", "params": {"clientInfo": {"name": "me", "version": "2"}}}))
            .await;
        assert_eq!(self.next().await.unwrap()["id"], "a");
        self.send(json!({"method": "initialized"})).await;
    }
}

fn turn_start(id: i64, text: &str) -> Value {
    let input = json!([{"type": "text", "text": text}]);
    json!({"id": id, "method": "turn/start", "params": {"threadId": "thread-1", "input": input}})
}

#[tokio::test]
async fn a_session_is_played_with_the_clients_own_ids() {
    let replay = Replay::parse(SESSION).unwrap();
    let mut client = Client::of(&replay);
    client.shake_hands().await;
    // What was sent at the same time comes in any order.
    client
        .send(json!({"id": 70, "method": "model/list", "params": {}}))
        .await;
    client.send(turn_start(71, "Hi")).await;
    let line = client.lines.next_line().await.unwrap().unwrap();
    assert_eq!(
        line,
        r#"{"method":"turn/started","params":{"type":"z","threadId":"thread-1"}}"#
    );
    assert_eq!(client.next().await.unwrap()["id"], 70);
    assert_eq!(client.next().await.unwrap()["id"], 71);
    assert_eq!(client.next().await.unwrap()["method"], "ask");
    assert!(replay.verify().unwrap_err().to_string().contains(
        "the client did not send the answer to the server's request 0, line 12 of the recording"
    ));
    client
        .send(json!({"id": 0, "result": {"decision": "accept"}}))
        .await;
    assert_eq!(client.next().await.unwrap()["method"], "turn/completed");
    replay.done().await;
    replay.assert_finished();
}

#[tokio::test]
async fn another_message_ends_the_connection_with_the_difference() {
    let replay = Replay::parse(SESSION).unwrap();
    let mut client = Client::of(&replay);
    client.shake_hands().await;
    client.send(turn_start(2, "Bye")).await;
    let answer = client.next().await.unwrap();
    assert_eq!(answer["id"], 2);
    let expected = "the client's turn/start is not the recorded one, line 6 of the recording \
                    (-: recorded, +: sent):\n  params.input[0].text\n    - \"Hi\"\n    + \"Bye\"\n";
    assert_eq!(answer["error"]["message"], expected);
    assert_eq!(client.next().await, None);
    assert_eq!(replay.verify().unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn a_message_out_of_turn_is_told_with_what_comes_next() {
    let replay = Replay::parse(SESSION).unwrap();
    let mut client = Client::of(&replay);
    client.send(turn_start(2, "Hi")).await;
    let answer = client.next().await.unwrap();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the client sent turn/start, but initialize comes next, line 3"),
        "{message}"
    );
}

#[tokio::test]
#[should_panic(expected = "the client sent turn/start after everything")]
async fn a_message_after_the_end_fails_the_test() {
    let session = r#"{"dir":"c2s","t":0.0,"msg":{"method":"initialized"}}"#;
    let replay = Replay::parse(session).unwrap();
    let mut client = Client::of(&replay);
    client.send(json!({"method": "initialized"})).await;
    client.send(turn_start(2, "Hi")).await;
    client.next().await;
    replay.assert_finished();
}

#[tokio::test]
async fn a_lenient_replay_looks_at_methods_and_shapes() {
    let replay = Replay::parse(SESSION).unwrap().lenient();
    let mut client = Client::of(&replay);
    client.shake_hands().await;
    let input = json!([{"type": "text", "text": "Something else", "more": 1}]);
    let params = json!({"threadId": "my-thread", "input": input});
    client
        .send(json!({"id": 2, "method": "turn/start", "params": params}))
        .await;
    client
        .send(json!({"id": 3, "method": "model/list", "params": {"limit": 3}}))
        .await;
    let started = client.next().await.unwrap();
    assert_eq!(
        started["params"]["threadId"], "my-thread",
        "the client's id, not the recorded one"
    );
    assert_eq!(client.next().await.unwrap()["id"], 3);
    assert_eq!(client.next().await.unwrap()["id"], 2);
    client.next().await;
    client
        .send(json!({"id": 0, "result": {"decision": 3}}))
        .await;
    assert_eq!(client.next().await, None);
    let failure = replay.verify().unwrap_err().to_string();
    assert!(
        failure.contains("result.decision\n    - \"accept\"\n    + 3"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn recorded_time_passes_as_tokio_says() {
    let replay = Replay::parse(SESSION).unwrap().in_recorded_time();
    let mut client = Client::of(&replay);
    let began = Instant::now();
    client.shake_hands().await;
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    client.send(turn_start(2, "Hi")).await;
    client
        .send(json!({"id": 3, "method": "model/list", "params": {}}))
        .await;
    client.next().await;
    assert_eq!(began.elapsed(), Duration::from_millis(1500));
}

#[tokio::test]
async fn a_message_that_does_not_come_is_missed_in_real_time() {
    let patience = Some(Duration::from_millis(20));
    let replay = Replay::parse(SESSION).unwrap().patience(patience);
    let mut client = Client::of(&replay);
    assert_eq!(client.next().await, None);
    let failure = replay.verify().unwrap_err().to_string();
    assert!(
        failure.ends_with("the client did not send initialize, line 3 of the recording"),
        "{failure}"
    );
}

#[tokio::test]
async fn what_differs_from_run_to_run_can_be_left_out() {
    let session = r#"{"dir":"c2s","t":0.0,"msg":{"id":1,"method":"m","params":{"cwd":"/a","key":"sk-0123456789abcdefgh","at":"/run-1/x","apiKey":"[redacted]"}}}"#;
    let normaliser = Normaliser::new()
        .path("/run-1", "[run]")
        .path("/run-2", "[run]");
    let replay = Replay::parse(&session.replace("sk-0123456789abcdefgh", "[redacted]")).unwrap();
    let replay = replay.ignoring("/params/cwd").normalised_by(normaliser);
    let mut client = Client::of(&replay);
    let params =
        json!({"cwd": "/b", "key": "sk-9876543210zyxwvuts", "at": "/run-2/x", "apiKey": "other"});
    client
        .send(json!({"id": 1, "method": "m", "params": params}))
        .await;
    replay.done().await;
}

#[tokio::test]
async fn a_long_session_is_matched_in_any_order() {
    const MESSAGES: usize = 500;
    let line = |n| {
        format!(
            "{{\"dir\":\"c2s\",\"t\":0,\"msg\":{{\"method\":\"m\",\"params\":{{\"n\":{n}}}}}}}\n"
        )
    };
    let session: String = (0..MESSAGES).map(line).collect();
    let replay = Replay::parse(&session).unwrap().lenient();
    let mut client = Client::of(&replay);
    // Each is like all the others, and equal to the last that is left.
    for n in (0..MESSAGES).rev() {
        client
            .send(json!({"method": "m", "params": {"n": n}}))
            .await;
    }
    replay.done().await;
    client.write.write_all(b"no json\n").await.unwrap();
    assert_eq!(client.next().await, None);
    let failure = replay.verify().unwrap_err().to_string();
    assert!(failure.contains("what is no JSON"), "{failure}");
}

#[tokio::test]
async fn a_server_that_hung_up_hangs_up_again() {
    let session =
        "{\"dir\":\"s2c\",\"t\":0,\"msg\":{\"method\":\"m\"}}\n{\"end\":\"server\",\"t\":1}";
    let replay = Replay::parse(session).unwrap();
    let mut client = Client::of(&replay);
    assert_eq!(client.next().await.unwrap()["method"], "m");
    assert_eq!(client.next().await, None);
    replay.assert_finished();
}

/// Who waits for what is missing would wait in vain.
#[tokio::test]
async fn a_recording_without_its_rest_ends_with_the_connection() {
    let session = r#"{"dir":"c2s","t":0,"msg":{"id":1,"method":"m"}}
{"cut":"too much","t":1}"#;
    let replay = Replay::parse(session).unwrap();
    let mut client = Client::of(&replay);
    client.send(json!({"id": 1, "method": "m"})).await;
    assert_eq!(client.next().await, None);
    replay.assert_finished();

    let replay = Replay::parse("{\"cut\":\"too much\",\"t\":1}").unwrap();
    let mut client = Client::of(&replay);
    assert_eq!(client.next().await, None);
    drop(client);

    let replay = Replay::parse(session).unwrap();
    let mut client = Client::of(&replay);
    let both = "{\"id\":1,\"method\":\"m\"}\n{\"id\":2,\"method\":\"n\"}\n";
    client.write.write_all(both.as_bytes()).await.unwrap();
    client.next().await;
    let failure = replay.verify().unwrap_err().to_string();
    assert!(
        failure.contains("after everything that it sent in the recording, of which the rest is missing (too much): "),
        "{failure}"
    );
}

#[test]
fn what_is_no_recording_is_an_error_that_says_where() {
    let error = Replay::open("/no/such/file").unwrap_err();
    assert!(error.to_string().contains("/no/such/file"));
    let error = Replay::parse("\n{}").unwrap_err();
    assert!(
        format!("{error:?}").contains("line 2 is none of a recording"),
        "{error:?}"
    );
}

/// Two questions, one of them for a secret, answered in the order in which they were asked.
const QUESTIONS: &str = r#"
{"dir":"s2c","t":0,"msg":{"id":0,"method":"item/tool/requestUserInput","params":{"questions":[{"id":"pin","isSecret":true},{"id":"name"}]}}}
{"dir":"s2c","t":0,"msg":{"id":1,"method":"ask","params":{}}}
{"dir":"c2s","t":1,"msg":{"id":0,"result":{"answers":{"pin":{"answers":["[redacted]"]},"name":{"answers":["Ada"]}}}}}
{"dir":"s2c","t":1,"msg":{"method":"serverRequest/resolved","params":{}}}
{"dir":"c2s","t":2,"msg":{"id":1,"result":{"decision":"accept"}}}
"#;

fn answers(pin: &str, name: &str) -> Value {
    json!({"id": 0, "result": {"answers": {"pin": {"answers": [pin]}, "name": {"answers": [name]}}}})
}

#[tokio::test]
async fn questions_may_be_answered_in_another_order() {
    let replay = Replay::parse(QUESTIONS).unwrap();
    let mut client = Client::of(&replay);
    client.next().await.unwrap();
    client.next().await.unwrap();
    client
        .send(json!({"id": 1, "result": {"decision": "accept"}}))
        .await;
    client.send(answers("1815", "Ada")).await;
    replay.done().await;
    replay.assert_finished();
}

#[tokio::test]
async fn an_answer_that_is_a_secret_is_compared_and_told_without_it() {
    // Also where the recording was made by hand, with a secret in it.
    for recorded in ["[redacted]", "1815"] {
        let session = QUESTIONS.replace("[redacted]", recorded);
        let replay = Replay::parse(&session).unwrap();
        let mut client = Client::of(&replay);
        client.next().await.unwrap();
        client.send(answers("1852", "Byron")).await;
        while client.next().await.is_some() {}
        let failure = replay.verify().unwrap_err().to_string();
        assert!(failure.contains("Byron"), "{failure}");
        assert!(!failure.contains("18"), "{failure}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_told_by_its_length() {
    let replay = Replay::parse(QUESTIONS).unwrap();
    let mut client = Client::of(&replay);
    client.write.write_all(b"my secret\n").await.unwrap();
    while client.next().await.is_some() {}
    let failure = replay.verify().unwrap_err().to_string();
    assert!(
        failure.contains("what is no JSON") && failure.ends_with(", 10 bytes"),
        "{failure}"
    );
    assert!(!failure.contains("secret"), "{failure}");
}

/// A folder that is removed with the test.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[tokio::test]
async fn a_proxy_records_what_it_passes_on() {
    let folder = Folder::new("testkit-proxy");
    let path = folder.0.join("session.jsonl");
    let fake = FakeServer::new();
    fake.expect("turn/start")
        .notify("n", json!({"apiKey": "x"}))
        .reply(json!({}));
    let recorder = Recorder::create(&path).unwrap();
    let (near, far) = tokio::io::duplex(1024);
    let (server, (from, to)) = (fake.connect(), tokio::io::split(far));
    let proxy = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.proxy((from, to), server).await }
    });
    let (read, mut write) = tokio::io::split(near);
    write
        .write_all(b"{\"id\":1,\"method\":\"turn/start\"}\n")
        .await
        .unwrap();
    let mut lines = BufReader::new(read).lines();
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .contains("\"apiKey\":\"x\"")
    );
    lines.next_line().await.unwrap();
    write.shutdown().await.unwrap();
    assert_eq!(lines.into_inner().read(&mut [0; 9]).await.unwrap(), 0);
    proxy.await.unwrap().unwrap();
    recorder.finish().unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(Recording::parse(&text).unwrap().entries.len(), 3);
    assert!(text.contains("\"apiKey\":\"[redacted]\""), "{text}");
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with("{\"end\":\"client\""),
        "{text}"
    );
}

#[tokio::test]
async fn what_the_server_says_after_the_client_has_hung_up_is_recorded() {
    let folder = Folder::new("testkit-half-closed");
    let path = folder.0.join("session.jsonl");
    let recorder = Recorder::create(&path).unwrap();
    let (near, far) = tokio::io::duplex(1024);
    let (server, behind) = tokio::io::duplex(1024);
    let (client, server) = (tokio::io::split(far), tokio::io::split(server));
    let proxy = recorder.proxy(client, server);
    let client = async {
        let (mut read, mut write) = tokio::io::split(near);
        write.write_all(b"{\"method\":\"bye\"}\n").await.unwrap();
        write.shutdown().await.unwrap();
        let mut text = String::new();
        read.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "{\"method\":\"late\"}\n");
    };
    let server = async {
        let (mut read, mut write) = tokio::io::split(behind);
        read.read_to_end(&mut Vec::new()).await.unwrap();
        write.write_all(b"{\"method\":\"late\"}\n").await.unwrap();
        write.shutdown().await.unwrap();
    };
    let (passed, (), ()) = tokio::join!(proxy, client, server);
    passed.unwrap();
    // Without `finish`: both have hung up.
    let text = std::fs::read_to_string(&path).unwrap();
    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.entries.len(), 2, "{text}");
    assert_eq!(recording.ended.unwrap().0, Direction::ToServer);
}

#[test]
fn a_recording_ends_with_its_recorder() {
    let folder = Folder::new("testkit-dropped");
    let path = folder.0.join("session.jsonl");
    let recorder = Recorder::create(&path).unwrap();
    recorder.hung_up(Direction::ToClient);
    recorder.message(Direction::ToServer, b"{\"method\":\"late\"}");
    drop(recorder);
    let text = std::fs::read_to_string(&path).unwrap();
    let recording = Recording::parse(&text).unwrap();
    assert_eq!(recording.entries.len(), 1, "{text}");
    assert_eq!(recording.ended.unwrap().0, Direction::ToClient);
}

#[cfg(unix)]
#[test]
fn a_recording_over_an_earlier_file_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("testkit-mode");
    let path = folder.0.join("session.jsonl");
    std::fs::write(&path, "an earlier one").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _recorder = Recorder::create(&path).unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 0);
}

#[tokio::test]
async fn a_recording_is_bounded_and_says_where_it_ends() {
    let folder = Folder::new("testkit-bounded");
    let path = folder.0.join("session.jsonl");
    let fake = FakeServer::bare();
    let recorder = Recorder::create(&path).unwrap().limit(2000);
    let (from, to) = fake.connect();
    let (read, _write) = recorder.wrap(from, to);
    fake.then()
        .floods("n", json!({"i": "{i}"}), 1000)
        .line("{\"method\":\"last\"}");
    let mut lines = BufReader::new(read).lines();
    while !lines.next_line().await.unwrap().unwrap().contains("last") {}
    recorder.finish().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.len() < 2200, "{}", text.len());
    let cut = Recording::parse(&text).unwrap().cut;
    assert_eq!(
        cut.as_deref(),
        Some("the recording reached its limit of 2000 bytes")
    );
}
