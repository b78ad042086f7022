//! The smallest client of an app-server: JSON lines over a child's stdin and stdout, blocking.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use openai_codex_testkit::{MockModel, PATIENCE, TestRuntime};
use serde_json::{Value, json};

pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    incoming: Receiver<Value>,
    /// Messages that came while something else was awaited.
    pending: VecDeque<Value>,
    next_id: u64,
}

impl Client {
    #[track_caller]
    pub fn start(runtime: &TestRuntime) -> Self {
        let mut child = runtime.command().spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tx, incoming) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if tx.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let stdin = child.stdin.take();
        let pending = VecDeque::new();
        let mut client = Client {
            child,
            stdin,
            incoming,
            pending,
            next_id: 0,
        };
        let info = json!({"name": "testkit_client", "version": "0.1.0"});
        let capabilities = json!({"experimentalApi": true});
        client.request(
            "initialize",
            json!({"clientInfo": info, "capabilities": capabilities}),
        );
        client.send(json!({"method": "initialized"}));
        client
    }

    pub fn send(&mut self, message: Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The first message from now on, or from those put aside, that `wanted` accepts.
    #[track_caller]
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(index) = self.pending.iter().position(&wanted) {
            return self.pending.remove(index).unwrap();
        }
        loop {
            let message = self
                .incoming
                .recv_timeout(PATIENCE)
                .expect("a message of the server");
            if wanted(&message) {
                return message;
            }
            self.pending.push_back(message);
        }
    }

    /// Whether such a message was put aside.
    pub fn has(&self, wanted: impl Fn(&Value) -> bool) -> bool {
        self.pending.iter().any(wanted)
    }

    #[track_caller]
    pub fn try_request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({"id": id, "method": method, "params": params}));
        let reply = self.until(|message| message["id"] == id && message.get("method").is_none());
        match reply.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(reply["result"].clone()),
        }
    }

    #[track_caller]
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        self.try_request(method, params).unwrap()
    }

    #[track_caller]
    pub fn thread_start(&mut self) -> String {
        let started = self.request("thread/start", json!({}));
        started["thread"]["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn turn_start(&mut self, thread: &str, text: &str) -> String {
        let input = json!([{"type": "text", "text": text}]);
        let started = self.request("turn/start", json!({"threadId": thread, "input": input}));
        started["turn"]["id"].as_str().unwrap().to_owned()
    }

    /// Waits for a turn's end and gives all that the server said about it.
    #[track_caller]
    pub fn turn_end(&mut self, turn: &str) -> Turn {
        let of_turn = |message: &Value| {
            let params = &message["params"];
            params["turnId"] == turn || params["turn"]["id"] == turn
        };
        let completed =
            self.until(|message| message["method"] == "turn/completed" && of_turn(message));
        let mut events: Vec<Value> = Vec::new();
        self.pending.retain(|message| {
            let take = of_turn(message);
            if take {
                events.push(message.clone());
            }
            !take
        });
        events.push(completed);
        Turn(events)
    }

    /// A whole turn.
    #[track_caller]
    pub fn turn(&mut self, thread: &str, text: &str) -> Turn {
        let turn = self.turn_start(thread, text);
        self.turn_end(&turn)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.wait());
    }
}

/// The notifications of one turn.
#[derive(Debug)]
pub struct Turn(Vec<Value>);

impl Turn {
    pub fn all(&self, method: &str) -> Vec<&Value> {
        self.0
            .iter()
            .filter(|event| event["method"] == method)
            .map(|e| &e["params"])
            .collect()
    }

    pub fn status(&self) -> &str {
        self.all("turn/completed")[0]["turn"]["status"]
            .as_str()
            .unwrap()
    }

    pub fn error(&self) -> &Value {
        &self.all("turn/completed")[0]["turn"]["error"]
    }

    /// The finished items of a type.
    pub fn items(&self, kind: &str) -> Vec<&Value> {
        let items = self
            .all("item/completed")
            .into_iter()
            .map(|params| &params["item"]);
        items.filter(|item| item["type"] == kind).collect()
    }

    pub fn deltas(&self) -> Vec<&str> {
        let deltas = self.all("item/agentMessage/delta").into_iter();
        deltas
            .map(|params| params["delta"].as_str().unwrap())
            .collect()
    }

    pub fn messages(&self) -> Vec<&str> {
        self.items("agentMessage")
            .iter()
            .map(|item| item["text"].as_str().unwrap())
            .collect()
    }
}

/// A model, a runtime that asks it, and a client with a thread.
pub struct Stage {
    pub client: Client,
    pub thread: String,
    pub runtime: TestRuntime,
    pub model: MockModel,
}

impl Stage {
    #[track_caller]
    pub fn new() -> Self {
        let model = MockModel::start().unwrap();
        let runtime = TestRuntime::new(&model).unwrap();
        Self::with(model, runtime)
    }

    #[track_caller]
    pub fn with(model: MockModel, runtime: TestRuntime) -> Self {
        let mut client = Client::start(&runtime);
        let thread = client.thread_start();
        Stage {
            client,
            thread,
            runtime,
            model,
        }
    }

    #[track_caller]
    pub fn turn(&mut self, text: &str) -> Turn {
        self.client.turn(&self.thread, text)
    }
}
