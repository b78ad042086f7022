//! Takes the secrets out of a message.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::find::{End, secrets};
use super::names::{Fate, is_secret_name, is_value, names_another};
use super::{REDACTED, argument, base64, text};
use crate::envelope::repair_surrogates;

/// [`REDACTED`] in Base64, as a JSON string.
const REDACTED_BASE64: &str = "\"W3JlZGFjdGVkXQ==\"";

/// How deep a message may be nested; serde_json reads no deeper either.
const DEPTH: usize = 128;

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

/// A JSON value without its secrets, as [`redact`] of a message.
pub fn value(value: &serde_json::Value) -> serde_json::Value {
    redact(&value.to_string())
        .and_then(|redacted| serde_json::from_str(&redacted))
        // What is nested too deeply to be read is too deep to be looked into.
        .unwrap_or_else(|_| REDACTED.into())
}

pub(super) fn redact_with(
    message: &str,
    names: &BTreeSet<String>,
    delta: Option<Delta>,
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
    let pass = Pass { names, delta };
    let mut out = String::with_capacity(message.len());
    pass.value(raw.get(), Fate::Keep, DEPTH, &mut out)?;
    Ok(out)
}

/// What is left of a piece of a text that grows.
pub(super) struct Delta {
    /// The member of the params.
    pub(super) member: &'static str,
    /// Its value, as JSON.
    pub(super) json: String,
}

/// One walk over a message.
struct Pass<'a> {
    /// Members that are secret in this message.
    names: &'a BTreeSet<String>,
    /// What stands in the place of a delta.
    delta: Option<Delta>,
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
        if depth == 0 {
            out.push_str("null");
            return Ok(());
        }
        match raw.as_bytes().first() {
            Some(b'{') => self.object(raw, fate, depth, out),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw)?;
                out.push('[');
                let mut next = fate;
                let mut said = String::new();
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    self.value(item.get(), next, depth - 1, out)?;
                    // Of `["--password", "…"]`, the second.
                    let is_flag = is_secret_flag(item.get(), &said);
                    if item.get().len() + said.len() < MAX_COMMAND {
                        said.push_str(item.get());
                        said.push(' ');
                    }
                    next = if is_flag { Fate::Hide } else { fate };
                }
                out.push(']');
                Ok(())
            }
            Some(b'"') if fate.hides(raw.trim_matches('"').as_bytes()) => {
                out.push('"');
                out.push_str(REDACTED);
                out.push('"');
                Ok(())
            }
            Some(b'"') => {
                out.push_str(&scrub(raw));
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') if fate == Fate::Hide => {
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
        let Members(members) = serde_json::from_str(raw)?;
        let edited = fate_of_value(&members, fate);
        out.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            let fate = match edited {
                _ if self.names.contains(&*name) => Fate::Hide,
                Some(edited) if is_value(&name) => edited,
                _ => fate.at(&name),
            };
            out.push_str(&encode(&text(&name)));
            out.push(':');
            let kept = match &self.delta {
                Some(delta) if name == delta.member && depth == DEPTH - 1 => {
                    Some(Cow::Borrowed(delta.json.as_str()))
                }
                _ => contents(&name, value.get()).map(Cow::Borrowed),
            };
            match kept {
                Some(kept) if !matches!(fate, Fate::Hide | Fate::HideTexts) => out.push_str(&kept),
                _ => self.value(value.get(), fate, depth - 1, out)?,
            }
        }
        out.push('}');
        Ok(())
    }
}

/// What becomes of the `value` beside a `keyPath`, or beside the name of a variable or a header.
fn fate_of_value(members: &[(Cow<'_, str>, &RawValue)], fate: Fate) -> Option<Fate> {
    members.iter().find(|(name, _)| is_value(name))?;
    members.iter().find_map(|(name, value)| {
        let names = decode(value.get()).filter(|_| names_another(name))?;
        let edited = fate.at(&names);
        (edited != Fate::Keep || is_secret_name(&names)).then_some(match edited {
            Fate::Keep => Fate::Hide,
            edited => edited,
        })
    })
}

/// How much of a list is looked at for the program that an option is for.
const MAX_COMMAND: usize = 256;

/// Whether a JSON string is an option whose value comes next, behind what was said before it.
fn is_secret_flag(raw: &str, before: &str) -> bool {
    let name = raw
        .strip_prefix("\"-")
        .and_then(|raw| raw.strip_suffix('"'));
    name.is_some_and(|name| {
        let name = name.trim_start_matches('-');
        let name = name.as_bytes();
        !name.iter().any(|byte| b"= :".contains(byte))
            && (argument::is_secret_flag(name) || argument::is_short(name, before.as_bytes()))
    })
}

/// A JSON string without what looks like a secret.
fn scrub(raw: &str) -> Cow<'_, str> {
    let Some(decoded) = decode(raw) else {
        return Cow::Owned(format!("\"{REDACTED}\""));
    };
    match text(&decoded) {
        Cow::Borrowed(_) => Cow::Borrowed(raw),
        Cow::Owned(text) => Cow::Owned(encode(&text)),
    }
}

/// What a JSON string says; half of a surrogate pair is replaced.
pub(super) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let text = serde_json::from_str(raw)
        .or_else(|_| serde_json::from_str(&repair_surrogates(raw)))
        .ok()?;
    Some(Cow::Owned(text))
}

pub(super) fn encode(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What is kept of a string in Base64; `None` for what is none.
fn contents<'a>(name: &str, raw: &'a str) -> Option<&'a str> {
    if !(name.ends_with("Base64") || name.ends_with("base64")) {
        return None;
    }
    let contents = base64::decode(decode(raw)?.as_bytes())?;
    let is_clean = secrets(&contents, End::Final).is_empty();
    Some(if is_clean { raw } else { REDACTED_BASE64 })
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
