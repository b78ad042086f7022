//! `schema/methods.toml`: what the schema cannot say about its methods, reviewed by hand.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use openai_codex_wire::Role;
use serde::Deserialize;
use toml::Spanned;

/// The file, from the root of the workspace.
pub(crate) const PATH: &str = "schema/methods.toml";

/// What is decided about each method, by the side that sends it and how.
#[derive(Debug, Default)]
pub(crate) struct MethodsFile {
    pub(crate) requests: Section<RequestEntry>,
    pub(crate) notifications: Section<NotificationEntry>,
    pub(crate) server_requests: Section<ServerRequestEntry>,
}

/// What is to be done about a method that came or went.
pub(crate) struct Draft {
    pub(crate) method: String,
    /// Of its entry, or of the one that its entry belongs below.
    pub(crate) line: usize,
    /// `None` if the entry goes.
    pub(crate) entry: Option<String>,
}

/// The entries of one kind of message, each with its line.
#[derive(Debug)]
pub(crate) struct Section<T>(BTreeMap<String, (usize, T)>);

/// What is decided about a request of the client's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestEntry {
    pub(crate) effect: Effect,
    pub(crate) waits: Option<String>,
    #[serde(default)]
    pub(crate) urgent: bool,
    #[serde(default)]
    pub(crate) secret: bool,
    pub(crate) role: Option<RoleName>,
}

/// What is decided about a notification.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationEntry {
    pub(crate) tier: Tier,
    #[serde(default)]
    pub(crate) needed: bool,
    #[serde(default)]
    pub(crate) secret: bool,
    pub(crate) role: Option<RoleName>,
}

/// What is decided about a request of the server's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerRequestEntry {
    pub(crate) refusal: Refusal,
    #[serde(default)]
    pub(crate) secret: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Effect {
    Reads,
    Changes,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tier {
    Lossless,
    BestEffort,
}

/// A role by its name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct RoleName(pub(crate) Role);

/// The answer that grants nothing, in JSON; `None` if it is an error.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Refusal(pub(crate) Option<String>);

/// Entries of one kind as they stand in the file.
pub(crate) trait Entry {
    /// The head of their table.
    const SECTION: &'static str;
    /// An entry to begin with, without the method.
    const DRAFT: &'static str;
    /// What they stand for, with the careful value of each key.
    const CAREFUL: Self;

    fn role(&self) -> Option<Role>;
    fn is_secret(&self) -> bool;
}

impl Entry for RequestEntry {
    const SECTION: &'static str = "requests";
    const DRAFT: &'static str =
        r#"{ effect = "changes" }  # or "reads"; and what else is said at the head of the file"#;
    const CAREFUL: Self = Self {
        effect: Effect::Changes,
        waits: None,
        urgent: false,
        secret: true,
        role: None,
    };

    fn role(&self) -> Option<Role> {
        self.role.map(|it| it.0)
    }

    fn is_secret(&self) -> bool {
        self.secret
    }
}

impl Entry for NotificationEntry {
    const SECTION: &'static str = "notifications";
    const DRAFT: &'static str = r#"{ tier = "best-effort" }  # or "lossless"; and what else is said at the head of the file"#;
    const CAREFUL: Self = Self {
        tier: Tier::BestEffort,
        needed: false,
        secret: true,
        role: None,
    };

    fn role(&self) -> Option<Role> {
        self.role.map(|it| it.0)
    }

    fn is_secret(&self) -> bool {
        self.secret
    }
}

impl Entry for ServerRequestEntry {
    const SECTION: &'static str = "server-requests";
    const DRAFT: &'static str =
        r#"{ refusal = "error" }  # or the JSON of an answer that grants nothing"#;
    const CAREFUL: Self = Self {
        refusal: Refusal(None),
        secret: true,
    };

    fn role(&self) -> Option<Role> {
        None
    }

    fn is_secret(&self) -> bool {
        self.secret
    }
}

/// The file as `toml` reads it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Tables {
    requests: BTreeMap<String, Spanned<RequestEntry>>,
    notifications: BTreeMap<String, Spanned<NotificationEntry>>,
    server_requests: BTreeMap<String, Spanned<ServerRequestEntry>>,
}

impl MethodsFile {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// With the line of what is unknown, missing or there twice.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let tables: Tables = toml::from_str(text).map_err(|error| anyhow!("{PATH}: {error}"))?;
        let file = Self {
            requests: Section::of(tables.requests, text),
            notifications: Section::of(tables.notifications, text),
            server_requests: Section::of(tables.server_requests, text),
        };
        file.check_roles()?;
        Ok(file)
    }

    /// Each role is given once, to a method of its kind.
    fn check_roles(&self) -> Result<()> {
        let requests = self.requests.roles().map(|it| (it, true));
        let notifications = self.notifications.roles().map(|it| (it, false));
        let mut given: BTreeMap<&str, usize> = BTreeMap::new();
        for ((line, role), is_request) in requests.chain(notifications) {
            if role.is_of_request() != is_request {
                let kind = if is_request {
                    "notification"
                } else {
                    "request"
                };
                bail!("{PATH}:{line}: the role `{role}` is for a {kind}");
            }
            if let Some(other) = given.insert(role.name(), line) {
                bail!("{PATH}:{line}: the role `{role}` is given in line {other} already");
            }
        }
        match Role::ALL
            .iter()
            .find(|role| !given.contains_key(role.name()))
        {
            Some(role) => bail!(
                "{PATH}: no method has the role `{role}`, which the connection asks for; \
                 give it to the entry of its method"
            ),
            None => Ok(()),
        }
    }
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Entry> Section<T> {
    fn of(entries: BTreeMap<String, Spanned<T>>, text: &str) -> Self {
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        let entries = entries.into_iter();
        Self(
            entries
                .map(|(method, entry)| (method, (line(entry.span().start), entry.into_inner())))
                .collect(),
        )
    }

    fn roles(&self) -> impl Iterator<Item = (usize, Role)> {
        let entries = self.0.values();
        entries.filter_map(|(line, entry)| Some((*line, entry.role()?)))
    }

    /// What is decided about a method.
    pub(crate) fn get(&self, method: &str) -> Option<&T> {
        self.0.get(method).map(|(_, entry)| entry)
    }

    /// The place of a method's entry.
    pub(crate) fn place(&self, method: &str) -> String {
        match self.0.get(method) {
            Some((line, _)) => format!("{PATH}:{line}"),
            None => PATH.to_owned(),
        }
    }

    /// The methods of the schema that have no entry, and the entries that have no method,
    /// each with what is to be done about it.
    pub(crate) fn differences(&self, methods: &[&str]) -> Vec<String> {
        let undecided = methods
            .iter()
            .filter(|method| !self.0.contains_key(**method));
        let undecided = undecided.map(|method| {
            let place = match self.neighbour(method) {
                Some((other, line)) => format!("{PATH}:{line}: below `{other}`"),
                None => format!("{PATH}: under [{}]", T::SECTION),
            };
            format!(
                "{place}, nothing is decided about `{method}`; add:\n    {method:?} = {}",
                T::DRAFT
            )
        });
        let gone = self.0.iter();
        let gone = gone.filter(|(method, _)| !methods.contains(&method.as_str()));
        let gone = gone.map(|(method, (line, _))| {
            format!("{PATH}:{line}: `{method}` is not in the schema any more; remove its entry")
        });
        undecided.chain(gone).collect()
    }

    /// An entry to begin with for each method that has none, and the line of each that has no method.
    pub(crate) fn drafts(&self, methods: &[String]) -> Vec<Draft> {
        let new = methods
            .iter()
            .filter(|method| !self.0.contains_key(*method));
        let new = new.map(|method| {
            let (entry, _) = T::DRAFT.split_once("  #").unwrap_or((T::DRAFT, ""));
            let last = self.0.values().map(|(line, _)| *line).max();
            let below = self.neighbour(method).map(|(_, line)| line).or(last);
            Draft {
                method: method.clone(),
                line: below.unwrap_or_default(),
                entry: Some(entry.to_owned()),
            }
        });
        let gone = self
            .0
            .iter()
            .filter(|(method, _)| !methods.contains(method));
        let gone = gone.map(|(method, (line, _))| Draft {
            method: method.clone(),
            line: *line,
            entry: None,
        });
        new.chain(gone).collect()
    }

    /// The entry with the most in common, of which the last before the method.
    fn neighbour(&self, method: &str) -> Option<(&str, usize)> {
        let in_common = |other: &str| {
            let pairs = method.split('/').zip(other.split('/'));
            pairs.take_while(|(a, b)| a == b).count()
        };
        let entries = self
            .0
            .iter()
            .map(|(other, (line, _))| (other.as_str(), *line));
        entries
            .filter(|(other, _)| in_common(other) > 0)
            .max_by_key(|(other, line)| (in_common(other), *other < method, *line))
    }
}

impl TryFrom<String> for RoleName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let role = Role::ALL.iter().find(|role| role.name() == name);
        role.map(|role| Self(*role)).ok_or_else(|| {
            let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
            format!(
                "unknown role `{name}`, expected one of {}",
                names.join(", ")
            )
        })
    }
}

impl TryFrom<String> for Refusal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "error" {
            return Ok(Self(None));
        }
        match serde_json::from_str(&text) {
            Ok(serde_json::Value::Object(_)) => Ok(Self(Some(text))),
            Ok(_) => Err(format!("`{text}` is neither a JSON object nor \"error\"")),
            Err(error) => Err(format!("`{text}` is neither JSON nor \"error\": {error}")),
        }
    }
}
