//! Takes the secrets out of the messages of a session.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::base64;
use super::message::{Delta, encode, redact_with};
use super::stream::Streams;
use super::table::SecretTable;
use crate::envelope::{Message, peek, string_member};
use crate::scanner::Scanner;
use crate::{Direction, RequestId};

/// How many requests may be open whose answers are secret. Once there are more, all answers to those
/// that are not remembered are hidden.
const MAX_OPEN: usize = 4096;

/// Takes the secrets out of the messages of one session, in their order.
///
/// Knows, besides what [`redact`](super::redact) does, which answers the server has asked for as
/// secrets (`isSecret` of a question to the user), what a [table](SecretTable) says of the
/// protocol, and the secrets that come in the pieces of a delta, in Base64 too: what comes before
/// such a one can be told, its first characters, is in the recording, the rest is not.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    table: SecretTable<'static>,
    /// By who asked and the id of the request, the members that are secret in the answer.
    open: BTreeMap<(Direction, RequestId), Open>,
    /// More have been open than are remembered: an answer to an unknown request may be secret.
    has_forgotten: bool,
    streams: Streams,
}

/// Requests of one id that are not answered.
#[derive(Clone, Debug, Default)]
struct Open {
    names: BTreeSet<String>,
    /// How many of them there are: an id may be used again.
    requests: u32,
}

impl Redactor {
    /// Has seen nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`new`](Self::new), with what the protocol says of secrets.
    pub fn with_table(table: SecretTable<'static>) -> Self {
        Self {
            table,
            ..Self::default()
        }
    }

    /// Takes the secrets out of the next message.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn redact(
        &mut self,
        direction: Direction,
        message: &str,
    ) -> Result<String, serde_json::Error> {
        let mut names = BTreeSet::new();
        let mut delta = None;
        match peek(message) {
            Ok(Message::Request {
                id, method, params, ..
            }) => {
                let params = params.unwrap_or_default();
                names = self.members(&method);
                let mut asked = names.clone();
                if direction == Direction::ToClient && params.contains("isSecret") {
                    asked.extend(secret_questions(params));
                }
                self.remember((direction, id), asked);
                delta = self.delta(direction, &method, params);
            }
            Ok(Message::Notification { method, params, .. }) => {
                names = self.members(&method);
                delta = self.delta(direction, &method, params.unwrap_or_default());
            }
            Ok(Message::Response { id, .. }) => names = self.answered((direction.reverse(), id)),
            _ => {}
        }
        redact_with(message, &names, delta)
    }

    fn members(&self, method: &str) -> BTreeSet<String> {
        let members = self.table.members(method).iter();
        members.map(|member| (*member).to_owned()).collect()
    }

    /// Remembers what is secret in the answer to a request.
    fn remember(&mut self, request: (Direction, RequestId), names: BTreeSet<String>) {
        let is_full = self.open.len() == MAX_OPEN;
        match self.open.get_mut(&request) {
            Some(open) => {
                open.names.extend(names);
                open.requests += 1;
            }
            None if names.is_empty() => {}
            None if is_full => self.has_forgotten = true,
            None => {
                self.open.insert(request, Open { names, requests: 1 });
            }
        }
    }

    /// What is secret in an answer.
    fn answered(&mut self, request: (Direction, RequestId)) -> BTreeSet<String> {
        let Some(open) = self.open.get_mut(&request) else {
            let all = self.has_forgotten.then_some(["result", "error"]);
            return all.into_iter().flatten().map(str::to_owned).collect();
        };
        open.requests -= 1;
        match open.requests {
            0 => self.open.remove(&request).unwrap_or_default().names,
            _ => open.names.clone(),
        }
    }

    /// What is left of the piece that a message brings of a text that grows.
    fn delta(&mut self, direction: Direction, method: &str, params: &str) -> Option<Delta> {
        if !params.contains("\"delta") {
            return None;
        }
        let name = format!("{direction} {method}") + &stream_ids(params);
        if let Some(piece) = string_member(params, "delta") {
            let piece = self.streams.next(&name, piece.as_bytes())?;
            let json = encode(&String::from_utf8_lossy(&piece));
            let member = "delta";
            return Some(Delta { member, json });
        }
        let piece = string_member(params, "deltaBase64")?;
        let member = "deltaBase64";
        let piece = base64::decode(piece.as_bytes())?;
        let piece = self.streams.next(&name, &piece)?;
        let json = encode(&base64::encode(&piece));
        Some(Delta { member, json })
    }
}

/// What tells the texts of a method apart that grow at a time: all of the params that is a text or a
/// number, but for the piece itself.
fn stream_ids(params: &str) -> String {
    let mut ids = BTreeMap::new();
    // What stands before a fault still counts.
    let _ = Scanner::new(params).members(|scanner, key| {
        let id = match scanner.peek_byte() {
            Some(b'"') => scanner.string()?.text(),
            first => {
                let value = scanner.value()?;
                let is_number = first.is_some_and(|byte| byte == b'-' || byte.is_ascii_digit());
                Cow::Borrowed(if is_number { value } else { "" })
            }
        };
        if !key.starts_with("delta") && !id.is_empty() {
            ids.insert(key.to_owned(), id);
        }
        Ok(true)
    });
    let ids = ids.iter().map(|(key, id)| format!("\0{key}\0{id}"));
    ids.collect()
}

/// The ids of the questions whose answers are secret.
fn secret_questions(params: &str) -> BTreeSet<String> {
    // Each as its text, so that nothing is too deep.
    let questions = || -> serde_json::Result<Vec<BTreeMap<String, &RawValue>>> {
        let params: BTreeMap<String, &RawValue> = serde_json::from_str(params)?;
        match params.get("questions") {
            Some(questions) => serde_json::from_str(questions.get()),
            None => Ok(Vec::new()),
        }
    };
    let is_secret = |question: &BTreeMap<String, &RawValue>| {
        question
            .get("isSecret")
            .is_some_and(|it| it.get() == "true")
    };
    let id = |question: BTreeMap<String, &RawValue>| {
        serde_json::from_str(question.get("id")?.get()).ok()
    };
    // What is no list of questions asks for nothing.
    let questions = questions().into_iter().flatten();
    questions.filter(is_secret).filter_map(id).collect()
}
