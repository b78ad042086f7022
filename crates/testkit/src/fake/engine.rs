//! The scripted server as a state machine: lines in, actions out, no I/O.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use openai_codex_wire::redact::redact;
use serde_json::{Value, json};

use super::step::Step;

/// The code of the error that answers a request which nobody expects.
const UNEXPECTED: i64 = -32099;

/// How much of a message is told.
const SHOWN: usize = 2048;

/// How much a flood writes at once.
const FLOOD_CHUNK: usize = 64 * 1024;

/// What to do next.
#[derive(Debug, PartialEq)]
pub(crate) enum Action {
    Write(Vec<u8>),
    Stderr(Vec<u8>),
    Delay(Duration),
    /// Wait for input, or for more of the script.
    Read,
    /// Wait for nothing but more of the script.
    Hang,
    Exit(i32),
}

/// How the input is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pace {
    pub(crate) bytes: Option<usize>,
    pub(crate) pause: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Engine {
    steps: VecDeque<Step>,
    /// Methods that are answered whenever they come.
    standing: Vec<Standing>,
    next_standing: u64,
    /// Part of a line that has not ended.
    partial: Vec<u8>,
    /// Messages that the script has not come to.
    inbox: VecDeque<Value>,
    received: Vec<Value>,
    /// The id of the message that was expected last.
    current: Value,
    held: HashMap<String, Value>,
    pub(crate) pace: Pace,
    pub(crate) outlives_input: bool,
    hangs: bool,
    /// Nothing was left to do but to wait when last asked.
    idle: bool,
    failure: Option<String>,
    /// The first request that came when the script was over.
    surplus: Option<String>,
    /// The answer that tells the client of the failure.
    last_words: Option<Action>,
}

/// What is done whenever a message of a method comes.
#[derive(Debug)]
struct Standing {
    number: u64,
    method: String,
    steps: Vec<Step>,
}

impl Engine {
    pub(crate) fn push(&mut self, step: Step) {
        self.idle = false;
        self.steps.push_back(step);
    }

    /// Begins a standing answer, which replaces an earlier one. Returns its number.
    pub(crate) fn push_standing(&mut self, method: &str) -> u64 {
        self.standing.retain(|other| other.method != method);
        self.next_standing += 1;
        self.standing.push(Standing {
            number: self.next_standing,
            method: method.to_owned(),
            steps: Vec::new(),
        });
        self.next_standing
    }

    pub(crate) fn push_to_standing(&mut self, number: u64, step: Step) {
        if let Some(standing) = self
            .standing
            .iter_mut()
            .find(|other| other.number == number)
        {
            standing.steps.push(step);
        }
    }

    /// What to do next.
    pub(crate) fn next(&mut self) -> Action {
        loop {
            if self.failure.is_some() {
                return self.last_words.take().unwrap_or(Action::Exit(1));
            }
            let Some(step) = self.steps.pop_front() else {
                if self.hangs {
                    self.idle = true;
                    return Action::Hang;
                }
                let Some(answer) = self.refuse_surplus() else {
                    self.idle = true;
                    return Action::Read;
                };
                return answer;
            };
            match step {
                Step::Expect { .. } | Step::ExpectAnswer { .. } => {
                    let Some(message) = self.inbox.pop_front() else {
                        self.steps.push_front(step);
                        return Action::Read;
                    };
                    match self.fits(&step, &message) {
                        Ok(()) => self.current = message["id"].clone(),
                        Err(mismatch) => {
                            if message.get("method").is_some() && message.get("id").is_some() {
                                let error = json!({"code": UNEXPECTED, "message": mismatch});
                                let answer = json!({"id": message["id"], "error": error});
                                self.last_words = Some(line(&answer));
                            }
                            self.failure = Some(mismatch);
                        }
                    }
                }
                Step::Hold(name) => {
                    self.held.insert(name, self.current.clone());
                }
                Step::Reply { to, result } => match self.id(to) {
                    Ok(id) => return line(&json!({"id": id, "result": result})),
                    Err(error) => self.failure = Some(error),
                },
                Step::Error { to, error } => match self.id(to) {
                    Ok(id) => return line(&json!({"id": id, "error": error})),
                    Err(error) => self.failure = Some(error),
                },
                Step::Notify { method, params } => {
                    return line(&json!({"method": method, "params": params}));
                }
                Step::Ask { id, method, params } => {
                    return line(&json!({"method": method, "id": id, "params": params}));
                }
                Step::Flood {
                    method,
                    params,
                    mut next,
                    count,
                } => {
                    let template = json!({"method": method, "params": params}).to_string();
                    let mut chunk = String::new();
                    while next < count && chunk.len() < FLOOD_CHUNK {
                        chunk.push_str(&template.replace("{i}", &next.to_string()));
                        chunk.push('\n');
                        next += 1;
                    }
                    if next < count {
                        self.steps.push_front(Step::Flood {
                            method,
                            params,
                            next,
                            count,
                        });
                    }
                    return Action::Write(chunk.into_bytes());
                }
                Step::Write(bytes) => return Action::Write(bytes),
                Step::Stderr(bytes) => return Action::Stderr(bytes),
                Step::Delay(pause) => return Action::Delay(pause),
                Step::Pace { bytes, pause } => {
                    self.pace = Pace {
                        bytes: Some(bytes.max(1)),
                        pause,
                    };
                }
                Step::Hang => self.hangs = true,
                Step::OutliveInput => self.outlives_input = true,
                Step::Exit(code) => return Action::Exit(code),
            }
        }
    }

    /// The answer to a request that came when the script was over, for which the client would
    /// otherwise wait. It is still told of as a leftover.
    fn refuse_surplus(&mut self) -> Option<Action> {
        let is_request = |it: &Value| it.get("method").is_some() && it.get("id").is_some();
        let at = self.inbox.iter().position(is_request)?;
        let message = self.inbox.remove(at)?;
        let surplus = format!(
            "the script of the FakeServer is over, and the client sent {}; add an `expect` or an \
             `always` for it before it is sent",
            told(&message)
        );
        let error = json!({"code": UNEXPECTED, "message": surplus});
        self.surplus.get_or_insert(surplus);
        Some(line(&json!({"id": message["id"], "error": error})))
    }

    /// Takes bytes of the client's in.
    pub(crate) fn receive(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.partial);
            match serde_json::from_slice(&line) {
                Ok(message) => self.receive_message(message),
                Err(error) => {
                    // Not what they are: what cannot be read cannot be redacted.
                    let length = line.len();
                    self.failure = Some(format!(
                        "the client sent what is no JSON ({error}), {length} bytes"
                    ));
                }
            }
        }
        self.partial.extend_from_slice(bytes);
    }

    fn receive_message(&mut self, message: Value) {
        self.idle = false;
        self.received.push(message.clone());
        let method = message["method"].as_str().unwrap_or_default();
        let expected = self.inbox.is_empty()
            && self
                .steps
                .front()
                .is_some_and(|step| self.fits(step, &message).is_ok());
        let standing = self.standing.iter().find(|other| other.method == method);
        match standing {
            Some(standing) if !expected => {
                // The name under which a standing answer finds its own request.
                let name = format!("standing:{}", message["id"]);
                for step in standing.steps.iter().rev().cloned() {
                    let to = Some(name.clone());
                    self.steps.push_front(match step {
                        Step::Reply { to: None, result } => Step::Reply { to, result },
                        Step::Error { to: None, error } => Step::Error { to, error },
                        other => other,
                    });
                }
                self.held.insert(name, message["id"].clone());
            }
            _ => self.inbox.push_back(message),
        }
    }

    /// What is wrong with `message` where `step` is expected.
    fn fits(&self, step: &Step, message: &Value) -> Result<(), String> {
        match step {
            Step::Expect { method, params, at } => {
                if message["method"] != **method {
                    return Err(format!(
                        "{at} expected {method}, but the client sent {}",
                        told(message)
                    ));
                }
                match params {
                    Some(params) if !contains(&message["params"], params) => Err(format!(
                        "{at} expected {method} with {params}, but the client sent {}",
                        told(message)
                    )),
                    _ => Ok(()),
                }
            }
            Step::ExpectAnswer { id, at } => {
                if message["id"] == *id && message.get("method").is_none() {
                    return Ok(());
                }
                Err(format!(
                    "{at} expected the answer to request {id}, but the client sent {}",
                    told(message)
                ))
            }
            _ => Err(String::new()),
        }
    }

    fn id(&mut self, held: Option<String>) -> Result<Value, String> {
        match held {
            None => Ok(self.current.clone()),
            Some(name) => self
                .held
                .remove(&name)
                .ok_or_else(|| format!("no message is held as {name:?}")),
        }
    }

    /// Why it ended before its script did.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Everything that the client has sent.
    pub(crate) fn received(&self) -> &[Value] {
        &self.received
    }

    /// Whether there is something to do without input.
    pub(crate) fn can_go_on(&self) -> bool {
        match self.steps.front() {
            None => false,
            Some(Step::Expect { .. } | Step::ExpectAnswer { .. }) => !self.inbox.is_empty(),
            Some(_) => true,
        }
    }

    /// Whether the script is done, or why it cannot be.
    pub(crate) fn outcome(&self) -> Option<Result<(), String>> {
        match &self.failure {
            Some(failure) => Some(Err(failure.clone())),
            None => (self.idle && self.steps.is_empty()).then_some(Ok(())),
        }
    }

    /// What the script still waits for, and what came that nobody waited for.
    pub(crate) fn leftovers(&self) -> Result<(), String> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        match self.steps.front() {
            Some(Step::Expect { method, at, .. }) => {
                return Err(format!("{at} still expects {method}"));
            }
            Some(Step::ExpectAnswer { id, at }) => {
                return Err(format!("{at} still expects the answer to request {id}"));
            }
            Some(step) => return Err(format!("the script has still to do {step:?}")),
            None => {}
        }
        if let Some(surplus) = &self.surplus {
            return Err(surplus.clone());
        }
        match self.inbox.front() {
            Some(message) => Err(format!(
                "the client sent what nobody expects: {}",
                told(message)
            )),
            None => Ok(()),
        }
    }

    /// The script as text, one step a line.
    pub(crate) fn to_script(&self) -> String {
        let mut script = String::new();
        for standing in &self.standing {
            let steps: Vec<_> = standing.steps.iter().map(Step::to_json).collect();
            let always = json!({"always": standing.method, "steps": steps});
            script.push_str(&always.to_string());
            script.push('\n');
        }
        for step in &self.steps {
            script.push_str(&step.to_json().to_string());
            script.push('\n');
        }
        script
    }

    pub(crate) fn from_script(script: &str) -> Result<Self, String> {
        let mut engine = Self::default();
        for line in script.lines().filter(|line| !line.trim().is_empty()) {
            let json: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            match (json["always"].as_str(), json["steps"].as_array()) {
                (Some(method), Some(steps)) => {
                    let number = engine.push_standing(method);
                    for step in steps {
                        engine.push_to_standing(number, Step::from_json(step)?);
                    }
                }
                _ => engine.push(Step::from_json(&json)?),
            }
        }
        Ok(engine)
    }
}

/// A message as a failure shows it: without secrets, and not all of it where it is long.
fn told(message: &Value) -> String {
    let mut text = redact(&message.to_string())
        .unwrap_or_else(|error| format!("what cannot be shown ({error})"));
    if let Some((end, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn line(message: &Value) -> Action {
    Action::Write(format!("{message}\n").into_bytes())
}

/// Whether `actual` has everything that `expected` has.
fn contains(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => expected.iter().all(|(key, value)| {
            actual
                .get(key)
                .is_some_and(|actual| contains(actual, value))
        }),
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len()
                && actual
                    .iter()
                    .zip(expected)
                    .all(|(actual, expected)| contains(actual, expected))
        }
        (actual, expected) => actual == expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(method: &str) -> Step {
        Step::Expect {
            method: method.into(),
            params: None,
            at: "here".into(),
        }
    }

    fn reply(result: Value) -> Step {
        Step::Reply { to: None, result }
    }

    #[test]
    fn standing_answers_come_between_steps_without_disturbing_them() {
        let mut engine = Engine::default();
        let ping = engine.push_standing("ping");
        engine.push_to_standing(ping, reply(json!("pong")));
        engine.push(expect("a"));
        engine.push(expect("b"));
        engine.push(reply(json!(2)));
        assert_eq!(engine.next(), Action::Read);
        engine.receive(b"{\"id\":1,\"method\":\"a\"}\n{\"id\":2,\"method\":\"ping\"}\n{\"id\":3,");
        engine.receive(b"\"method\":\"b\"}\n");
        assert_eq!(engine.next(), line(&json!({"id": 2, "result": "pong"})));
        assert_eq!(engine.next(), line(&json!({"id": 3, "result": 2})));
        assert_eq!(engine.next(), Action::Read);
        assert_eq!(engine.leftovers(), Ok(()));
        assert_eq!(engine.received().len(), 3);
    }

    #[test]
    fn the_unexpected_ends_the_script_with_both_sides_of_the_story() {
        let mut engine = Engine::default();
        engine.push(expect("a"));
        engine.receive(b"{\"id\":1,\"method\":\"b\"}\n");
        let Action::Write(answer) = engine.next() else {
            panic!("the request is not answered");
        };
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["id"], 1);
        assert_eq!(engine.next(), Action::Exit(1));
        let failure = engine.leftovers().unwrap_err();
        assert!(
            failure.contains("here expected a") && failure.contains("\"b\""),
            "{failure}"
        );
        assert_eq!(answer["error"]["message"], *failure);
    }

    #[test]
    fn a_failure_tells_no_secret_and_not_everything() {
        let text = "x".repeat(SHOWN);
        let message = json!({"method": "b", "params": {"apiKey": "secret", "text": text}});
        let told = told(&message);
        assert!(told.contains("[redacted]") && !told.contains("secret"));
        assert!(told.ends_with("x…"));
        let mut engine = Engine::default();
        engine.receive(b"a secret\n");
        assert!(engine.leftovers().unwrap_err().ends_with(", 8 bytes"));
    }

    #[test]
    fn a_flood_comes_in_pieces() {
        let mut engine = Engine::default();
        engine.push(Step::Flood {
            method: "n".into(),
            params: json!({"text": "{i}"}),
            next: 0,
            count: 5000,
        });
        let mut all = Vec::new();
        while let Action::Write(chunk) = engine.next() {
            all.extend(chunk);
        }
        let lines: Vec<_> = std::str::from_utf8(&all).unwrap().lines().collect();
        assert_eq!(lines.len(), 5000);
        assert_eq!(
            lines[4999],
            "{\"method\":\"n\",\"params\":{\"text\":\"4999\"}}"
        );
    }

    #[test]
    fn a_script_survives_being_written_down() {
        let mut engine = Engine::default();
        let ping = engine.push_standing("ping");
        engine.push_to_standing(ping, reply(Value::Null));
        engine.push(expect("a"));
        engine.push(Step::Hang);
        let script = engine.to_script();
        assert_eq!(Engine::from_script(&script).unwrap().to_script(), script);
    }

    #[test]
    fn params_must_contain_what_is_expected() {
        let actual = json!({"a": {"b": 1, "c": [1, {"d": 2}]}});
        assert!(contains(&actual, &json!({"a": {"b": 1}})));
        assert!(contains(&actual, &json!({"a": {"c": [1, {}]}})));
        assert!(!contains(&actual, &json!({"a": {"c": [1]}})));
        assert!(!contains(&actual, &json!({"a": {"x": null}})));
    }
}
