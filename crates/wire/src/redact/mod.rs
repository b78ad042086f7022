//! Takes the secrets out of a message.

mod deltas;
mod scrub;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use self::deltas::Deltas;
use self::scrub::{decode, encode, may_need_scrub, scrub, secrets};
use crate::envelope::{Message, peek, repair_surrogates, string_member};
use crate::{Direction, RequestId};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// [`REDACTED`] in Base64, as a JSON string.
const REDACTED_BASE64: &str = "\"W3JlZGFjdGVkXQ==\"";

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
/// - the value of every member whose [name says so](is_secret_name), in any part of a dotted one:
///   API keys, tokens, auth URLs, device and pairing codes, passwords; of `env`, of
///   `shell_environment_policy.set` and of HTTP headers, every value;
/// - the `value` of a configuration edit whose `keyPath` is such a name, and the `effectiveValue`
///   that overrides an edit, which does not say what it is of;
/// - in any other string: what looks like an API key, a JSON web token or a bearer token; the user
///   and the password in URLs, and their parameters that are named like secrets; values that are
///   given to variables such as `MY_API_KEY=`; the strings that JSON in it gives to members that
///   are named like secrets; private keys;
/// - contents in Base64 (members such as `dataBase64`) as a whole, if there is any of this in them.
///
/// What the user and the model say to each other stays: it is what a recording is for. Strings
/// become [`REDACTED`], numbers 0, so that a message still has its form. Everything else is left
/// byte for byte, the order of members included, and doing it twice changes nothing.
///
/// ```
/// use openai_codex_wire::redact::redact;
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
    redact_with(message, &BTreeSet::new(), None)
}

/// Takes the secrets out of the messages of one session, in their order.
///
/// Knows, besides what [`redact`] does, which answers the server has asked for as secrets
/// (`isSecret` of `item/tool/requestUserInput`), and finds secrets that come in the pieces of a
/// delta: what comes before such a one can be told, its first characters, is in the recording, the
/// rest is not.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// By the id of the request, the questions whose answers are secret.
    open: BTreeMap<RequestId, BTreeSet<String>>,
    deltas: Deltas,
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
        let mut delta = None;
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
            (
                Direction::ToClient,
                Ok(Message::Notification {
                    method,
                    params: Some(params),
                    ..
                }),
            ) if method.ends_with("elta") => {
                if let Some(piece) = string_member(params, "delta") {
                    let item = string_member(params, "itemId").unwrap_or_default();
                    delta = self.deltas.next(&format!("{method} {item}"), &piece);
                }
            }
            _ => {}
        }
        redact_with(message, &names, delta.as_deref())
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
    const NAMES: [&str; 13] = [
        "env",
        "environmentvariables",
        "headers",
        "httpheaders",
        "extraheaders",
        "requestheaders",
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

    let plain = plain(name.rsplit('.').next().unwrap_or(name));
    !HARMLESS.contains(&plain.as_str())
        && (NAMES.contains(&plain.as_str()) || ENDINGS.iter().any(|end| plain.ends_with(end)))
}

/// What is to become of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    /// It is a `shell_environment_policy`, whose `set` is a secret.
    Policy,
    /// It is a secret, with all that is in it.
    Hide,
}

impl Fate {
    /// Of what a dotted path leads to from here: `mcp_servers.x.env.KEY`.
    fn at(self, path: &str) -> Self {
        path.split('.').fold(self, |fate, part| match fate {
            Self::Hide => Self::Hide,
            Self::Policy if plain(part) == "set" => Self::Hide,
            _ if is_secret_name(part) || part == "effectiveValue" => Self::Hide,
            _ if plain(part) == "shellenvironmentpolicy" => Self::Policy,
            _ => Self::Keep,
        })
    }
}

/// A name without what makes no difference.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '"' | '\'' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn redact_with(
    message: &str,
    names: &BTreeSet<String>,
    delta: Option<&str>,
) -> Result<String, serde_json::Error> {
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
        delta: delta.map(encode),
        scrub: may_need_scrub(message),
        key_paths: message.contains("keyPath"),
    };
    let mut out = String::with_capacity(message.len());
    pass.value(raw.get(), Fate::Keep, DEPTH, &mut out)?;
    Ok(out)
}

/// One walk over a message.
struct Pass<'a> {
    /// Members that are secret in this message.
    names: &'a BTreeSet<String>,
    /// What stands for the `delta` of the params, as JSON.
    delta: Option<String>,
    /// Strings have to be looked into.
    scrub: bool,
    /// Objects may be edits of the configuration.
    key_paths: bool,
}

impl Pass<'_> {
    /// Copies a value, or what is to be kept of it.
    fn value(
        &self,
        raw: &str,
        fate: Fate,
        depth: usize,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        let hide = fate == Fate::Hide;
        if depth == 0 {
            out.push_str("null");
            return Ok(());
        }
        match raw.as_bytes().first() {
            Some(b'{') => self.object(raw, fate, depth, out),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw)?;
                out.push('[');
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.value(item.get(), fate, depth - 1, out)?;
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
        fate: Fate,
        depth: usize,
        out: &mut String,
    ) -> Result<(), serde_json::Error> {
        let edited = match self.key_paths {
            true => string_member(raw, "keyPath").map(|path| fate.at(&path)),
            false => None,
        };
        let Members(members) = serde_json::from_str(raw)?;
        out.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let fate = match edited {
                _ if self.names.contains(&*name) => Fate::Hide,
                Some(edited) if name == "value" => edited,
                _ => fate.at(&name),
            };
            out.push_str(&serde_json::to_string(&name)?);
            out.push(':');
            let kept = match &self.delta {
                Some(delta) if name == "delta" && depth == DEPTH - 1 => Some(scrub(delta)),
                _ => contents(&name, value.get()).map(Cow::Borrowed),
            };
            match kept {
                Some(kept) if fate != Fate::Hide => out.push_str(&kept),
                _ => self.value(value.get(), fate, depth - 1, out)?,
            }
        }
        out.push('}');
        Ok(())
    }
}

/// What is kept of a string in Base64; `None` for what is none.
fn contents<'a>(name: &str, raw: &'a str) -> Option<&'a str> {
    if !(name.ends_with("Base64") || name.ends_with("base64")) {
        return None;
    }
    let contents = base64(&decode(raw)?)?;
    let text = String::from_utf8_lossy(&contents);
    let clean = secrets(&text).is_empty() && !has_secret_names(&text);
    Some(if clean { raw } else { REDACTED_BASE64 })
}

/// Whether a text is JSON with members that are secrets, as a file with credentials is.
fn has_secret_names(text: &str) -> bool {
    fn any(value: &Value, fate: Fate) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| any(value, fate.at(name))),
            Value::Array(items) => items.iter().any(|item| any(item, fate)),
            Value::String(text) => fate == Fate::Hide && !text.is_empty() && text != REDACTED,
            Value::Number(_) => fate == Fate::Hide,
            Value::Null | Value::Bool(_) => false,
        }
    }
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str(text).is_ok_and(|value| any(&value, Fate::Keep))
}

/// The bytes of a text in Base64, of either alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b'\r' | b'\n' => continue,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
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
