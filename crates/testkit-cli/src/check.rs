//! Whether a recording is of the protocol that the types are generated from.

use std::collections::{HashMap, HashSet};
use std::fmt;

use openai_codex_recording::{Direction, Entry, Payload, Recording};
use openai_codex_types::messages::{
    AnyClientRequest, AnyClientResponse, AnyServerRequest, AnyServerResponse, ServerNotification,
};
use openai_codex_wire::envelope::{Message, PeekError, peek, repair_surrogates};
use openai_codex_wire::{DecodeError, RequestId};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What does not fit, each with the number of its line first.
    pub(crate) faults: Vec<String>,
    messages: usize,
    /// Methods that the types do not know; a newer server has some.
    unknown: HashSet<String>,
    /// Requests that the other side refused, whose form is not looked at.
    refused: usize,
    cut: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults.len();
        write!(f, "{} messages, {faults} that do not fit", self.messages)?;
        if self.refused > 0 {
            write!(f, ", {} that were refused", self.refused)?;
        }
        if !self.unknown.is_empty() {
            let mut unknown: Vec<&str> = self.unknown.iter().map(String::as_str).collect();
            unknown.sort_unstable();
            write!(f, ", unknown methods: {}", unknown.join(", "))?;
        }
        if self.cut {
            f.write_str("; the recording was cut")?;
        }
        Ok(())
    }
}

pub(crate) fn check(recording: &Recording) -> Report {
    let mut report = Report {
        messages: recording.entries.len(),
        cut: recording.cut.is_some(),
        ..Report::default()
    };
    let refused = refused(&recording.entries);
    let mut asked: HashMap<(Direction, RequestId), String> = HashMap::new();
    for (index, entry) in recording.entries.iter().enumerate() {
        let found = match &entry.payload {
            Payload::Unreadable(bytes) => Err(format!("{bytes} bytes that are no message")),
            Payload::Message(raw) if refused.contains(&index) => {
                report.refused += 1;
                // It is still known what is answered.
                remember(raw.get(), entry.direction, &mut asked);
                Ok(None)
            }
            Payload::Message(raw) => message(raw.get(), entry.direction, &mut asked),
        };
        match found {
            Ok(None) => {}
            Ok(Some(unknown)) => drop(report.unknown.insert(unknown)),
            Err(fault) => report.faults.push(format!("{}: {fault}", entry.line)),
        }
    }
    report
}

/// The requests that were answered with an error: their form may well be wrong.
fn refused(entries: &[Entry]) -> HashSet<usize> {
    let mut open = HashMap::new();
    let mut refused = HashSet::new();
    for (index, entry) in entries.iter().enumerate() {
        match entry.message() {
            Some(Message::Request { id, .. }) => {
                open.insert((entry.direction, id), index);
            }
            Some(Message::Response { id, outcome }) => {
                let request = open.remove(&(entry.direction.reverse(), id));
                if outcome.is_err() {
                    refused.extend(request);
                }
            }
            _ => {}
        }
    }
    refused
}

type Asked = HashMap<(Direction, RequestId), String>;

fn remember(json: &str, direction: Direction, asked: &mut Asked) {
    if let Ok(Message::Request { id, method, .. }) = peek(json) {
        asked.insert((direction, id), method.into_owned());
    }
}

/// Decodes a message. Returns its method if the types do not know it.
fn message(json: &str, direction: Direction, asked: &mut Asked) -> Result<Option<String>, String> {
    let repaired;
    let json = match peek(json) {
        Err(PeekError::LoneSurrogate) => {
            repaired = repair_surrogates(json);
            &repaired
        }
        _ => json,
    };
    remember(json, direction, asked);
    match (peek(json).map_err(|error| error.to_string())?, direction) {
        (Message::Request { method, params, .. }, Direction::ToServer) => known(
            AnyClientRequest::decode(&method, params.unwrap_or_default()),
            |message| matches!(message, AnyClientRequest::Unrecognized(_)),
            &method,
        ),
        (Message::Request { method, params, .. }, Direction::ToClient) => known(
            AnyServerRequest::decode(&method, params.unwrap_or_default()),
            |message| matches!(message, AnyServerRequest::Unrecognized(_)),
            &method,
        ),
        (Message::Notification { method, params, .. }, Direction::ToClient) => known(
            ServerNotification::decode(&method, params.unwrap_or_default()),
            |message| matches!(message, ServerNotification::Unrecognized(_)),
            &method,
        ),
        (Message::Notification { method, .. }, Direction::ToServer) if method == "initialized" => {
            Ok(None)
        }
        (Message::Notification { method, .. }, Direction::ToServer) => {
            Err(format!("{method}: the client has no such notification"))
        }
        (Message::Response { id, outcome }, _) => {
            let Some(method) = asked.remove(&(direction.reverse(), id.clone())) else {
                return Err(format!("an answer to {id:?}, which nobody has asked"));
            };
            match (outcome, direction) {
                (Err(error), _) => error_form(&method, error),
                (Ok(result), Direction::ToClient) => known(
                    AnyClientResponse::decode(&method, result),
                    |message| matches!(message, AnyClientResponse::Unrecognized(_)),
                    &method,
                ),
                (Ok(result), Direction::ToServer) => known(
                    AnyServerResponse::decode(&method, result),
                    |message| matches!(message, AnyServerResponse::Unrecognized(_)),
                    &method,
                ),
            }
        }
    }
}

fn known<T>(
    decoded: Result<T, DecodeError>,
    is_unknown: impl Fn(&T) -> bool,
    method: &str,
) -> Result<Option<String>, String> {
    match decoded {
        Ok(message) => Ok(is_unknown(&message).then(|| method.to_owned())),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether an error is one of JSON-RPC.
fn error_form(method: &str, error: &str) -> Result<Option<String>, String> {
    let value: serde_json::Value =
        serde_json::from_str(error).map_err(|error| error.to_string())?;
    if value["code"].is_i64() && value["message"].is_string() {
        Ok(None)
    } else {
        Err(format!(
            "{method}: the error has no code or no message: {error}"
        ))
    }
}
