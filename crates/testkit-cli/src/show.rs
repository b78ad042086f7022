//! A recording as a timeline.

use std::collections::HashMap;
use std::time::Duration;

use openai_codex_recording::{Direction, Entry, Payload, Recording};
use openai_codex_wire::RequestId;
use openai_codex_wire::envelope::Message;
use serde_json::Value;

use crate::paint::Paint;
use crate::{plain, summary};

/// How wide the last column is.
const WIDTH: usize = 100;

/// The methods whose notifications are joined while nothing else comes between them.
const JOINED: &str = "elta";

pub(crate) fn timeline(recording: &Recording, full: bool, paint: &Paint) -> String {
    let mut out = String::new();
    let by = recording.by.as_deref().unwrap_or("an unknown recorder");
    let version = recording.runtime_version();
    let version = version.as_deref().unwrap_or("of an unknown version");
    let count = recording.entries.len();
    out += &paint.dim(&plain::line(&format!(
        "recorded by {by}, runtime {version}, {count} messages"
    )));
    out.push('\n');

    let mut asked = HashMap::new();
    let mut entries = recording.entries.iter().peekable();
    while let Some(entry) = entries.next() {
        let Some((method, mut text)) = delta(entry).filter(|_| !full) else {
            out += &line(entry, full, &mut asked, paint);
            continue;
        };
        let mut pieces = 1;
        while let Some((next, more)) = entries.peek().and_then(|entry| delta(entry)) {
            if next != method {
                break;
            }
            text += &more;
            pieces += 1;
            entries.next();
        }
        let counted = if pieces > 1 {
            format!(" ×{pieces}")
        } else {
            String::new()
        };
        let method = paint.server(&plain::line(&method));
        let what = format!("{method}{}", paint.dim(&counted));
        out += &row(entry.at, &paint.server("◀──"), &what, &cut(&text), paint);
    }

    if let Some((by, at)) = recording.ended {
        let who = paint.dim(&format!("the {} hung up", by.sender()));
        out += &row(at, &paint.dim("───"), &who, "", paint);
    }
    if let Some(why) = &recording.cut {
        out += &paint.error(&plain::line(&format!("the rest is missing: {why}")));
        out.push('\n');
    }
    out
}

/// When a request was sent, and what it was.
type Asked = HashMap<(Direction, RequestId), (Duration, String)>;

fn line(entry: &Entry, full: bool, asked: &mut Asked, paint: &Paint) -> String {
    let to_server = entry.direction == Direction::ToServer;
    let side = |text: &str| {
        if to_server {
            paint.client(text)
        } else {
            paint.server(text)
        }
    };
    let arrow = side(if to_server { "──▶" } else { "◀──" });
    let json = entry.json().unwrap_or_default();
    let value =
        |raw: &str| serde_json::from_str(raw).unwrap_or_else(|_| Value::String(raw.to_owned()));
    let about = |words: String| match full {
        true => plain::json(json),
        false => cut(&words),
    };
    let (what, words) = match entry.message() {
        Some(Message::Request {
            id, method, params, ..
        }) => {
            asked.insert(
                (entry.direction, id.clone()),
                (entry.at, method.to_string()),
            );
            let id = paint.dim(&format!(" {}", name(entry.direction, &id)));
            let method_name = paint.bold(&plain::line(&method));
            let method_name = if to_server {
                side(&method_name)
            } else {
                paint.asking(&method_name)
            };
            let words = summary::params(&method, &value(params.unwrap_or("null")));
            (format!("{method_name}{id}"), about(words))
        }
        Some(Message::Notification { method, params, .. }) => {
            let words = summary::params(&method, &value(params.unwrap_or("null")));
            let failed =
                method == "error" || method == "turn/completed" && words.starts_with("failed");
            let method = plain::line(&method);
            let what = if failed {
                paint.error(&method)
            } else {
                side(&method)
            };
            (what, about(words))
        }
        Some(Message::Response { id, outcome }) => {
            let question = asked.remove(&(entry.direction.reverse(), id.clone()));
            let (since, method) = match &question {
                Some((since, method)) => (Some(entry.at.saturating_sub(*since)), method.as_str()),
                None => (None, "?"),
            };
            let took = since.map_or(String::new(), |since| format!(" after {}", span(since)));
            let what = format!(
                "{} {}",
                name(entry.direction.reverse(), &id),
                paint.dim(&plain::line(method))
            );
            let words = match outcome {
                Ok(result) => about(summary::result(method, &value(result))),
                Err(error) => {
                    let message = value(error)["message"].as_str().unwrap_or(error).to_owned();
                    paint.error(&about(message))
                }
            };
            let what = if to_server {
                paint.asking(&what)
            } else {
                side(&what)
            };
            (format!("{what}{}", paint.dim(&took)), words)
        }
        None => {
            let words = match &entry.payload {
                Payload::Message(_) => about(json.to_owned()),
                Payload::Unreadable(bytes) => format!("{bytes} bytes"),
            };
            (paint.error("unreadable"), words)
        }
    };
    row(entry.at, &arrow, &what, &words, paint)
}

fn row(at: Duration, arrow: &str, what: &str, words: &str, paint: &Paint) -> String {
    let at = paint.dim(&format!("{:>9.3}", at.as_secs_f64()));
    let gap = if words.is_empty() { "" } else { "  " };
    format!("{at} {arrow} {what}{gap}{words}\n")
}

/// What a request is called: each side numbers its own.
fn name(asking: Direction, id: &RequestId) -> String {
    let id = match id {
        RequestId::Integer(id) => id.to_string(),
        RequestId::String(id) => plain::line(id),
    };
    match asking {
        Direction::ToServer => format!("#{id}"),
        Direction::ToClient => format!("?{id}"),
    }
}

/// The method and the text of a delta.
fn delta(entry: &Entry) -> Option<(String, String)> {
    match entry.message()? {
        Message::Notification { method, params, .. } if method.ends_with(JOINED) => {
            let text = openai_codex_wire::envelope::string_member(params?, "delta")?;
            Some((method.into_owned(), text.into_owned()))
        }
        _ => None,
    }
}

fn span(span: Duration) -> String {
    match span.as_millis() {
        0..1000 => format!("{} ms", span.as_millis()),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}

/// One line of bounded length.
fn cut(text: &str) -> String {
    let end = text.char_indices().nth(WIDTH).map(|(end, _)| end);
    let mut line = plain::line(&text[..end.unwrap_or(text.len())]);
    if end.is_some() {
        line.push('…');
    }
    line
}
