//! Takes the secrets out of a message.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Direction;
use super::scrub::{may_need_scrub, scrub};
use crate::RequestId;
use crate::envelope::{Message, peek, repair_surrogates, string_member};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// How deep a message may be nested; serde_json reads no deeper either.
const DEPTH: usize = 128;

/// How many questions with secret answers may be open.
const MAX_OPEN: usize = 256;

/// The method that asks the user, now and then for a secret.
const USER_INPUT: &str = "item/tool/requestUserInput";

/// Takes the secrets out of one message, whatever came before it.
///
/// Taken out is
///
/// - the value of every member whose [name says so](is_secret_name): API keys, tokens, auth URLs,
///   device and pairing codes, passwords; of `env` and of HTTP headers, every value;
/// - the `value` of a configuration edit whose `keyPath` ends in such a name;
/// - in any other string: what looks like an API key, a JSON web token or a bearer token;
///   passwords and parameters of URLs that are named like secrets; values that are given to
///   variables such as `MY_API_KEY=`.
///
/// What the user and the model say to each other stays: it is what a recording is for. Strings
/// become [`REDACTED`], numbers 0, so that a message still has its form. Everything else is left
/// byte for byte, the order of members included, and doing it twice changes nothing.
///
/// ```
/// use openai_codex_wire::recording::redact;
///
/// let login = r#"{"id":1,"method":"account/login/start","params":{"type":"apiKey","apiKey":"sk-1"}}"#;
/// assert_eq!(
///     redact(login).unwrap(),
///     r#"{"id":1,"method":"account/login/start","params":{"type":"apiKey","apiKey":"[redacted]"}}"#
/// );
/// ```
///
/// # Errors
/// When the text is not JSON. Then there is nothing that could safely be kept of it.
pub fn redact(message: &str) -> Result<String, serde_json::Error> {
    redact_with(message, &BTreeSet::new())
}

/// Takes the secrets out of the messages of one session, in their order.
///
/// Knows, besides what [`redact`] does, which answers the server has asked for as secrets
/// (`isSecret` of `item/tool/requestUserInput`).
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// By the id of the request, the questions whose answers are secret.
    open: BTreeMap<RequestId, BTreeSet<String>>,
}

impl Redactor {
    /// Has seen nothing so far.
    pub fn new() -> Self {
        Self::default()
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
        match (direction, peek(message)) {
            (
                Direction::ToClient,
                Ok(Message::Request {
                    id, method, params, ..
                }),
            ) if method == USER_INPUT => {
                let secrets = secret_questions(params.unwrap_or_default());
                if !secrets.is_empty() {
                    if self.open.len() == MAX_OPEN {
                        self.open.pop_first();
                    }
                    self.open.insert(id, secrets);
                }
            }
            (Direction::ToServer, Ok(Message::Response { id, .. })) => {
                names = self.open.remove(&id).unwrap_or_default();
            }
            _ => {}
        }
        redact_with(message, &names)
    }
}

/// The ids of the questions whose answers are secret.
fn secret_questions(params: &str) -> BTreeSet<String> {
    let params: Value = serde_json::from_str(params).unwrap_or_default();
    let questions = params["questions"].as_array().into_iter().flatten();
    questions
        .filter(|question| question["isSecret"] == true)
        .filter_map(|question| question["id"].as_str().map(str::to_owned))
        .collect()
}

/// Whether the name of a member, or the last part of a dotted one, says that its value is a secret.
///
/// Upper and lower case, `_` and `-` make no difference.
pub fn is_secret_name(name: &str) -> bool {
    /// Names that end so.
    const ENDINGS: [&str; 23] = [
        "token",
        "apikey",
        "accesskey",
        "accesskeyid",
        "privatekey",
        "secretkey",
        "secret",
        "password",
        "passwd",
        "passphrase",
        "pairingcode",
        "usercode",
        "devicecode",
        "authcode",
        "authorizationcode",
        "authurl",
        "authorizationurl",
        "verificationurl",
        "verificationuri",
        "verificationuricomplete",
        "clientassertion",
        "cookie",
        "signature",
    ];
    /// Names that are these.
    const NAMES: [&str; 12] = [
        "env",
        "environmentvariables",
        "headers",
        "httpheaders",
        "extraheaders",
        "authorization",
        "proxyauthorization",
        "credentials",
        "jwt",
        "bearer",
        "auth",
        "setcookie",
    ];
    /// Names that end so and are none: they tell requests and pages apart.
    const HARMLESS: [&str; 3] = ["cancellationtoken", "progresstoken", "pagetoken"];

    let last = name.rsplit('.').next().unwrap_or(name);
    let plain: String = last
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | '"' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    !HARMLESS.contains(&plain.as_str())
        && (NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|end| plain.ends_with(end)))
}

/// Whether any part of a dotted path is the name of a secret: `mcp_servers.x.env.KEY`.
fn is_secret_path(path: &str) -> bool {
    path.split('.').any(is_secret_name)
}

fn redact_with(message: &str, names: &BTreeSet<String>) -> Result<String, serde_json::Error> {
    // A model can emit half of a surrogate pair, which no JSON reader takes.
    let repaired;
    let raw: &RawValue = match serde_json::from_str(message) {
        Ok(raw) => raw,
        Err(_) => {
            repaired = repair_surrogates(message);
            serde_json::from_str(&repaired)?
        }
    };
    let pass = Pass {
        names,
        scrub: may_need_scrub(message),
        key_paths: message.contains("keyPath"),
    };
    let mut out = String::with_capacity(message.len());
    pass.value(raw.get(), false, DEPTH, &mut out)?;
    Ok(out)
}

/// One walk over a message.
struct Pass<'a> {
    /// Members that are secret in this message.
    names: &'a BTreeSet<String>,
    /// Strings have to be looked into.
    scrub: bool,
    /// Objects may be edits of the configuration.
    key_paths: bool,
}

impl Pass<'_> {
    /// Copies a value. `hide` says that it is a secret, with all that is in it.
    fn value(
        &self,
        raw: &str,
        hide: bool,
        depth: usize,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        if depth == 0 {
            out.push_str("null");
            return Ok(());
        }
        match raw.as_bytes().first() {
            Some(b'{') => self.object(raw, hide, depth, out),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw)?;
                out.push('[');
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.value(item.get(), hide, depth - 1, out)?;
                }
                out.push(']');
                Ok(())
            }
            Some(b'"') if hide => {
                // An empty string is no secret, and often means that there is none.
                let hidden = if raw == "\"\"" { "" } else { REDACTED };
                out.push('"');
                out.push_str(hidden);
                out.push('"');
                Ok(())
            }
            Some(b'"') if self.scrub => {
                out.push_str(&scrub(raw));
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') if hide => {
                out.push('0');
                Ok(())
            }
            _ => {
                out.push_str(raw);
                Ok(())
            }
        }
    }

    fn object(
        &self,
        raw: &str,
        hide: bool,
        depth: usize,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        let edits_secret = self.key_paths
            && string_member(raw, "keyPath").is_some_and(|path| is_secret_path(&path));
        let Members(members) = serde_json::from_str(raw)?;
        out.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let hide = hide
                || is_secret_name(&name)
                || self.names.contains(&*name)
                || (edits_secret && name == "value");
            out.push_str(&serde_json::to_string(&name)?);
            out.push(':');
            self.value(value.get(), hide, depth - 1, out)?;
        }
        out.push('}');
        Ok(())
    }
}

/// The members of an object, in order and repeated ones too.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.push((Cow::Owned(name), map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
