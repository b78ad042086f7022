//! Recorded sessions, message by message.

mod equal;
mod kind;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use openai_codex_types::RUNTIME_VERSION;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use self::equal::{Defaults, root};
pub(crate) use self::kind::Kind;

/// A payload of a recorded message, and what kind of message it was.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) place: String,
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) payload: Value,
    /// The payload as it was sent, its members in their order: a kind comes first.
    pub(crate) text: String,
}

/// A recorded line, to keep what it says as it says it.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    msg: Parts<'a>,
}

#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

impl Line<'_> {
    fn payload(line: &str) -> String {
        let Parts { params, result } = serde_json::from_str::<Line<'_>>(line).unwrap().msg;
        let payload = params.or(result).map(RawValue::get);
        payload.unwrap_or("null").to_owned()
    }
}

/// The runtime of which most is recorded. The types have all that it says.
const MOST_RECORDED: &str = "0.163.0";

/// Every payload that the server did not refuse, of the recordings of the pinned runtime and of the one of which
/// there are most.
pub(crate) fn recorded() -> Vec<Message> {
    let mut versions = vec![MOST_RECORDED, RUNTIME_VERSION];
    versions.dedup();
    let recorded = |it: &&str| root().join("tests/replays").join(it).is_dir();
    versions
        .into_iter()
        .filter(recorded)
        .flat_map(recorded_by)
        .collect()
}

/// The runtimes of which there are recordings, those of [`recorded`] aside.
pub(crate) fn other_runtimes() -> Vec<String> {
    let folders = fs::read_dir(root().join("tests/replays")).unwrap();
    let names = folders.map(|it| it.unwrap().file_name().into_string().unwrap());
    let is_other = |name: &String| name != RUNTIME_VERSION && name != MOST_RECORDED;
    names.filter(is_other).collect()
}

/// The same of the recordings of a runtime.
pub(crate) fn recorded_by(version: &str) -> Vec<Message> {
    let folder = root().join("tests/replays").join(version);
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| session(path)).collect()
}

fn session(path: &Path) -> Vec<Message> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let refused: BTreeSet<String> = lines
        .iter()
        .filter(|line| line["dir"] == "s2c" && line["msg"].get("error").is_some())
        .map(|line| line["msg"]["id"].to_string())
        .collect();
    // Each side numbers its own requests, and a client may number anew after a reconnect.
    let mut asked: BTreeMap<(&str, String), String> = BTreeMap::new();
    let mut messages = Vec::new();
    for (index, (line, raw)) in lines.iter().zip(text.lines()).enumerate() {
        let from_client = line["dir"] == "c2s";
        let message = &line["msg"];
        let id = message.get("id").map(Value::to_string);
        let method = message.get("method").and_then(Value::as_str);
        let (kind, method, payload) = match (method, id) {
            (Some(method), Some(id)) => {
                let side = if from_client { "client" } else { "server" };
                asked.insert((side, id.clone()), method.to_owned());
                if from_client && refused.contains(&id) {
                    continue;
                }
                let kind = if from_client {
                    Kind::ClientRequest
                } else {
                    Kind::ServerRequest
                };
                (
                    kind,
                    method.to_owned(),
                    message.get("params").cloned().unwrap_or_default(),
                )
            }
            (Some("initialized"), None) if from_client => continue,
            (Some(method), None) => {
                assert!(!from_client, "a notification `{method}` of the client");
                (
                    Kind::Notification,
                    method.to_owned(),
                    message["params"].clone(),
                )
            }
            (None, Some(id)) => {
                let side = if from_client { "server" } else { "client" };
                let (Some(method), Some(result)) = (asked.get(&(side, id)), message.get("result"))
                else {
                    continue;
                };
                let kind = if from_client {
                    Kind::ServerResponse
                } else {
                    Kind::ClientResponse
                };
                (kind, method.clone(), result.clone())
            }
            (None, None) => continue,
        };
        let name = path.file_name().unwrap().to_string_lossy();
        messages.push(Message {
            place: format!("{name}:{}", index + 1),
            kind,
            method,
            payload,
            text: Line::payload(raw),
        });
    }
    messages
}
