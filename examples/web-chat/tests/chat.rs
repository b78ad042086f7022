//! The server, asked as a page asks it. `tests/browser` uses the page itself.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
#[cfg(unix)]
use std::process::Stdio;

use openai_codex::Codex;
use openai_codex_testkit::{Gate, MockModel, PATIENCE, TestRuntime};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::process::Command;

/// A server with a client of its own.
struct Server {
    address: SocketAddr,
    /// What a browser keeps after it has opened the link.
    cookie: String,
    codex: Codex,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(runtime: &TestRuntime) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let builder = Codex::builder()
            .codex_bin(runtime.binary())
            .envs(runtime.env())
            .cwd(runtime.workspace());
        let site = web_chat::chat(builder, address).await.unwrap();
        let router = site.router;
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            cookie: cookie(address, &site.link).await,
            codex: site.codex,
            task,
        }
    }

    async fn stop(self) {
        self.task.abort();
        self.codex.close().await.unwrap();
    }

    /// Sends a request and reads the head of the answer: its status, and the connection.
    async fn send(
        &self,
        path: &str,
        body: Option<Value>,
        host: &str,
    ) -> (u16, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {}\r\n",
            self.cookie
        );
        let request = match body {
            None => format!("GET {path} {head}\r\n"),
            Some(body) => {
                let (body, kind) = (body.to_string(), "content-type: application/json");
                let length = body.len();
                format!("POST {path} {head}{kind}\r\ncontent-length: {length}\r\n\r\n{body}")
            }
        };
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
        }
        (status, stream)
    }

    async fn ask(&self, path: &str, body: Option<Value>) -> (u16, String) {
        let (status, mut stream) = self.send(path, body, &self.address.to_string()).await;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        (status, text)
    }

    async fn thread(&self) -> String {
        let (status, text) = self.ask("/threads", Some(json!({}))).await;
        assert_eq!(status, 200);
        let thread: Value = serde_json::from_str(&text).unwrap();
        thread["id"].as_str().unwrap().to_owned()
    }

    async fn say(&self, thread: &str, text: &str) -> BufReader<TcpStream> {
        let path = format!("/threads/{thread}/turns");
        let host = self.address.to_string();
        let (status, stream) = self.send(&path, Some(json!({ "text": text })), &host).await;
        assert_eq!(status, 200);
        stream
    }
}

/// Opens the link, and gives the cookie of the answer.
async fn cookie(address: SocketAddr, link: &str) -> String {
    let path = link.strip_prefix(&format!("http://{address}")).unwrap();
    let answer = get(address, path, "").await;
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    let (_, cookie) = answer.split_once("set-cookie: ").unwrap();
    let cookie = cookie.lines().next().unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

/// The whole answer to a request without a body.
async fn get(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The data of the next event of this name, and all that came before.
async fn until(stream: &mut BufReader<TcpStream>, name: &str) -> (Value, String) {
    let mut seen = String::new();
    let event = format!("event: {name}\n");
    loop {
        let mut line = String::new();
        let read = stream.read_line(&mut line).await.unwrap();
        assert!(read > 0, "the stream ended without {name}: {seen}");
        seen += &line;
        if line == event {
            let mut data = String::new();
            stream.read_line(&mut data).await.unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            return (serde_json::from_str(data).unwrap(), seen);
        }
    }
}

/// What the model was told of the last roll.
fn rolled(model: &MockModel) -> u32 {
    let request = model.last_request().unwrap();
    let outputs = request.function_outputs();
    outputs.last().unwrap().text().trim().parse().unwrap()
}

#[tokio::test]
async fn a_turn_streams_and_its_tool_is_called() {
    let model = MockModel::start().unwrap();
    model.calls("dice", json!({ "sides": 6, "dice": 1 }));
    model.deltas(["It is ", "a two."]);
    let runtime = TestRuntime::new(&model).unwrap();
    let server = Server::start(&runtime).await;
    let thread = server.thread().await;
    let mut stream = server.say(&thread, "Roll.").await;
    let (done, seen) = until(&mut stream, "done").await;
    assert_eq!(done["status"], "completed");
    assert!(
        seen.contains("event: delta") && seen.contains("\"kind\":\"tool\""),
        "{seen}"
    );
    assert!((1..=6).contains(&rolled(&model)));
    server.stop().await;
}

#[tokio::test]
async fn what_is_asked_is_done_only_when_the_page_allows_it() {
    for accept in [true, false] {
        let model = MockModel::start().unwrap();
        model.shell_escalated("touch done.txt", "To note it");
        model.say("So be it.");
        let runtime = TestRuntime::new(&model).unwrap();
        let server = Server::start(&runtime).await;
        let thread = server.thread().await;
        let mut stream = server.say(&thread, "Note it.").await;
        let (question, _) = until(&mut stream, "approval").await;
        assert!(
            question["what"]
                .as_str()
                .unwrap()
                .contains("touch done.txt")
        );
        // Another page cannot take its place meanwhile.
        let path = format!("/threads/{thread}/turns");
        let (status, _) = server.ask(&path, Some(json!({ "text": "Me too." }))).await;
        assert_eq!(status, 409);
        let path = format!("/approvals/{}", question["id"]);
        let answer = json!({ "accept": accept });
        assert_eq!(server.ask(&path, Some(answer.clone())).await.0, 204);
        until(&mut stream, "done").await;
        assert_eq!(server.ask(&path, Some(answer)).await.0, 410);
        assert_eq!(runtime.workspace().join("done.txt").exists(), accept);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_change_is_shown_before_it_is_asked_about() {
    let model = MockModel::start().unwrap();
    model.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+the line\n*** End Patch");
    model.say("Patched.");
    let runtime = TestRuntime::builder(&model)
        .sandbox_mode("read-only")
        .build()
        .unwrap();
    let server = Server::start(&runtime).await;
    let thread = server.thread().await;
    let mut stream = server.say(&thread, "Patch.").await;
    let (question, seen) = until(&mut stream, "approval").await;
    assert!(
        seen.contains("\"kind\":\"patch\"") && seen.contains("the line"),
        "{seen}"
    );
    let path = format!("/approvals/{}", question["id"]);
    let answer = json!({ "accept": true });
    assert_eq!(server.ask(&path, Some(answer)).await.0, 204);
    until(&mut stream, "done").await;
    assert!(runtime.workspace().join("a.txt").exists());
    server.stop().await;
}

#[tokio::test]
async fn hanging_up_stops_the_turn() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model
        .deltas(["I will "])
        .waits_for(&gate)
        .deltas(["never finish."]);
    model.say("At your service.");
    let runtime = TestRuntime::new(&model).unwrap();
    let server = Server::start(&runtime).await;
    let thread = server.thread().await;
    let mut events = server.codex.thread(thread.as_str()).events();
    let mut stream = server.say(&thread, "Talk.").await;
    until(&mut stream, "delta").await;
    drop(stream);
    let stopped = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if event.method() == "turn/completed" {
                break event.raw().to_owned();
            }
        }
    };
    let event = tokio::time::timeout(PATIENCE, stopped).await;
    assert!(event.unwrap().contains("\"interrupted\""));
    // The thread is free for the next page.
    let mut stream = server.say(&thread, "Hello?").await;
    until(&mut stream, "done").await;
    server.stop().await;
}

#[tokio::test]
async fn a_thread_goes_on_after_a_restart() {
    let model = MockModel::start().unwrap();
    model.say("I will remember.");
    model.calls("dice", json!({ "sides": 6, "dice": 1 }));
    model.say("I did.");
    let runtime = TestRuntime::new(&model).unwrap();
    let server = Server::start(&runtime).await;
    let thread = server.thread().await;
    until(&mut server.say(&thread, "Remember me.").await, "done").await;
    server.stop().await;

    let server = Server::start(&runtime).await;
    let (_, listed) = server.ask("/threads", None).await;
    assert!(
        listed.contains(&thread) && listed.contains("Remember me."),
        "{listed}"
    );
    let (_, said) = server.ask(&format!("/threads/{thread}"), None).await;
    assert!(
        said.contains("Remember me.") && said.contains("I will remember."),
        "{said}"
    );
    // Its tool is there again.
    until(&mut server.say(&thread, "Roll.").await, "done").await;
    assert!((1..=6).contains(&rolled(&model)));
    server.stop().await;
}

#[tokio::test]
async fn another_site_is_refused() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let server = Server::start(&runtime).await;
    for path in ["/", "/threads"] {
        let (status, _) = server.send(path, None, "attacker.example").await;
        assert_eq!(status, 403);
    }
    assert_eq!(server.ask("/", None).await.0, 200);
    // As a form of another page would send it.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /threads HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n",
        server.address, server.cookie
    );
    let rest = "content-type: text/plain\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    let request = format!("{head}{rest}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn only_who_has_the_link_is_answered() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let mut server = Server::start(&runtime).await;
    let own = format!("cookie: other=1; {}\r\n", server.cookie);
    for path in ["/", "/chat.js"] {
        let answer = get(server.address, path, &own).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        // No other site shows it in a frame.
        assert!(
            answer.contains("frame-ancestors 'none'") && answer.contains("x-frame-options: DENY"),
            "{answer}"
        );
    }
    let (name, token) = server.cookie.split_once('=').unwrap();
    let wrong = [
        String::new(),
        format!("{name}="),
        format!("{name}={}", &token[1..]),
        format!("{name}={}", "0".repeat(token.len())),
    ];
    for cookie in wrong {
        server.cookie = cookie;
        for path in ["/", "/?token=0", "/chat.js", "/threads", "/threads/t"] {
            assert_eq!(server.ask(path, None).await.0, 401, "{path}");
        }
        for path in ["/threads", "/threads/t/turns", "/approvals/1"] {
            assert_eq!(server.ask(path, Some(json!({}))).await.0, 401, "{path}");
        }
    }
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_the_server_while_a_turn_runs() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_web-chat"))
        .arg("--demo")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let link = lines.next_line().await.unwrap().unwrap();
    let rest = link.strip_prefix("http://").unwrap();
    let address: SocketAddr = rest.split('/').next().unwrap().parse().unwrap();
    let cookie = cookie(address, &link).await;
    let post = async |path: &str, body: Value| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (body, kind) = (body.to_string(), "content-type: application/json");
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\
             {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        BufReader::new(stream)
    };
    let mut answer = String::new();
    let mut stream = post("/threads", json!({})).await;
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, thread) = answer.split_once("\r\n\r\n").unwrap();
    let thread: Value = serde_json::from_str(thread).unwrap();
    let path = format!("/threads/{}/turns", thread["id"].as_str().unwrap());
    // It waits for an answer.
    let mut stream = post(&path, json!({ "text": "Make a file." })).await;
    until(&mut stream, "approval").await;
    let id = server.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(sent.unwrap().success());
    let ended = tokio::time::timeout(PATIENCE, server.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}
