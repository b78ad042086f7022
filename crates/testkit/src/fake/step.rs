//! What a scripted server does, one step at a time, and how a script is written down.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// One thing that the server waits for or does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// Wait for a message of this method. Later replies answer it.
    Expect {
        method: String,
        /// What its params must contain.
        params: Option<Value>,
        /// Where the script says so, for the message when something else comes.
        at: String,
    },
    /// Wait for the answer to a request of the server's.
    ExpectAnswer {
        id: Value,
        at: String,
    },
    /// Remember the message that was expected last under a name.
    Hold(String),
    /// Answer the message that was expected last, or the one held under a name.
    Reply {
        to: Option<String>,
        result: Value,
    },
    /// The same, with an error.
    Error {
        to: Option<String>,
        error: Value,
    },
    Notify {
        method: String,
        params: Value,
    },
    Ask {
        id: Value,
        method: String,
        params: Value,
    },
    /// Many notifications; `{i}` in the params counts from `next`.
    Flood {
        method: String,
        params: Value,
        next: u64,
        count: u64,
    },
    /// Bytes as they are.
    Write(Vec<u8>),
    Stderr(Vec<u8>),
    Delay(Duration),
    /// From here on read only so much at a time, with a pause after it.
    Pace {
        bytes: usize,
        pause: Duration,
    },
    /// From here on neither read nor write nor notice that the client hangs up.
    Hang,
    /// From here on stay when the client hangs up.
    OutliveInput,
    Exit(i32),
}

impl Step {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Expect { method, params, at } => {
                json!({"expect": method, "params": params, "at": at})
            }
            Self::ExpectAnswer { id, at } => json!({"expectAnswer": id, "at": at}),
            Self::Hold(name) => json!({"hold": name}),
            Self::Reply { to, result } => json!({"reply": result, "to": to}),
            Self::Error { to, error } => json!({"error": error, "to": to}),
            Self::Notify { method, params } => json!({"notify": method, "params": params}),
            Self::Ask { id, method, params } => json!({"ask": method, "id": id, "params": params}),
            Self::Flood {
                method,
                params,
                next,
                count,
            } => json!({"flood": method, "params": params, "next": next, "count": count}),
            Self::Write(bytes) => json!({"write": bytes}),
            Self::Stderr(bytes) => json!({"stderr": bytes}),
            Self::Delay(pause) => json!({"delay": millis(*pause)}),
            Self::Pace { bytes, pause } => json!({"pace": bytes, "pause": millis(*pause)}),
            Self::Hang => json!({"hang": true}),
            Self::OutliveInput => json!({"outliveInput": true}),
            Self::Exit(code) => json!({"exit": code}),
        }
    }

    pub(crate) fn from_json(json: &Value) -> Result<Self, String> {
        let read = Reader(json.as_object().ok_or("a step is an object")?);
        if let Some(method) = read.get("expect") {
            return Ok(Self::Expect {
                method: text(method)?,
                params: read.get("params").cloned(),
                at: read.text("at")?,
            });
        }
        if let Some(id) = read.get("expectAnswer") {
            let (id, at) = (id.clone(), read.text("at")?);
            return Ok(Self::ExpectAnswer { id, at });
        }
        let to = read.get("to").map(text).transpose()?;
        let params = || read.get("params").cloned().unwrap_or(Value::Null);
        let (key, value) = read.first_of(&[
            "hold",
            "reply",
            "error",
            "notify",
            "ask",
            "flood",
            "write",
            "stderr",
            "delay",
            "pace",
            "hang",
            "outliveInput",
            "exit",
        ])?;
        Ok(match key {
            "hold" => Self::Hold(text(value)?),
            "reply" => Self::Reply {
                to,
                result: value.clone(),
            },
            "error" => Self::Error {
                to,
                error: value.clone(),
            },
            "notify" => Self::Notify {
                method: text(value)?,
                params: params(),
            },
            "ask" => Self::Ask {
                id: read.get("id").cloned().ok_or("`ask` needs an id")?,
                method: text(value)?,
                params: params(),
            },
            "flood" => Self::Flood {
                method: text(value)?,
                params: params(),
                next: read.number("next")?,
                count: read.number("count")?,
            },
            "write" => Self::Write(bytes(value)?),
            "stderr" => Self::Stderr(bytes(value)?),
            "delay" => Self::Delay(Duration::from_millis(number(value)?)),
            "pace" => Self::Pace {
                bytes: usize::try_from(number(value)?).map_err(|error| error.to_string())?,
                pause: Duration::from_millis(read.number("pause")?),
            },
            "hang" => Self::Hang,
            "outliveInput" => Self::OutliveInput,
            "exit" => {
                let code = value.as_i64().and_then(|code| i32::try_from(code).ok());
                Self::Exit(code.ok_or("an exit code is a number")?)
            }
            other => return Err(format!("no step `{other}`")),
        })
    }
}

struct Reader<'a>(&'a Map<String, Value>);

impl<'a> Reader<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<String, String> {
        text(self.get(key).ok_or_else(|| format!("no `{key}`"))?)
    }

    fn number(&self, key: &str) -> Result<u64, String> {
        number(self.get(key).ok_or_else(|| format!("no `{key}`"))?)
    }

    fn first_of(&self, keys: &[&'static str]) -> Result<(&'static str, &'a Value), String> {
        // Not `get`: `null` is a reply like any other.
        keys.iter()
            .find_map(|key| Some((*key, self.0.get(*key)?)))
            .ok_or_else(|| "the step says nothing to do".to_owned())
    }
}

fn text(value: &Value) -> Result<String, String> {
    Ok(value
        .as_str()
        .ok_or_else(|| format!("{value} is no text"))?
        .to_owned())
}

fn number(value: &Value) -> Result<u64, String> {
    value
        .as_u64()
        .ok_or_else(|| format!("{value} is no number"))
}

fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    let bytes = value
        .as_array()
        .ok_or_else(|| format!("{value} is no list of bytes"))?;
    let byte = |byte: &Value| number(byte).map(|byte| byte as u8);
    bytes.iter().map(byte).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_survives_being_written_down() {
        let (id, at) = (json!(7), "a.rs:1".to_owned());
        for step in [
            Step::Expect {
                method: "m".into(),
                params: Some(json!({"a": 1})),
                at: at.clone(),
            },
            Step::Expect {
                method: "m".into(),
                params: None,
                at: at.clone(),
            },
            Step::ExpectAnswer { id: id.clone(), at },
            Step::Hold("h".into()),
            Step::Reply {
                to: Some("h".into()),
                result: json!({}),
            },
            Step::Reply {
                to: None,
                result: Value::Null,
            },
            Step::Error {
                to: None,
                error: json!({"code": 1}),
            },
            Step::Notify {
                method: "n".into(),
                params: json!([1]),
            },
            Step::Ask {
                id,
                method: "q".into(),
                params: json!({}),
            },
            Step::Flood {
                method: "f".into(),
                params: json!({"n": "{i}"}),
                next: 3,
                count: 9,
            },
            Step::Write(vec![0, 255]),
            Step::Stderr(vec![10]),
            Step::Delay(Duration::from_millis(5)),
            Step::Pace {
                bytes: 1,
                pause: Duration::from_secs(1),
            },
            Step::Hang,
            Step::OutliveInput,
            Step::Exit(-1),
        ] {
            assert_eq!(Step::from_json(&step.to_json()), Ok(step));
        }
    }

    #[test]
    fn what_is_no_step_is_refused() {
        for json in [
            json!(1),
            json!({}),
            json!({"expect": 1}),
            json!({"write": ["x"]}),
        ] {
            assert!(Step::from_json(&json).is_err(), "{json}");
        }
    }
}
