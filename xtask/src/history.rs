//! What the runtimes before had, out of their exports: since when there is a method or a member.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::kept::{self, Version};
use crate::schema::load;

/// The exports that are kept, oldest first.
#[derive(Default)]
pub(crate) struct History(Vec<(Version, Export)>);

/// The methods of a runtime, by the union that they stand in; of each the members of its params.
#[derive(Debug, Default)]
struct Export(BTreeMap<(&'static str, String), BTreeSet<String>>);

/// The unions that are looked into.
pub(crate) const REQUESTS: &str = "ClientRequest";
pub(crate) const NOTIFICATIONS: &str = "ServerNotification";
pub(crate) const SERVER_REQUESTS: &str = "ServerRequest";

impl History {
    /// Reads what `schema/` keeps: the pin, of this version, and the others.
    pub(crate) fn read(schema: &Path, pin: &str) -> Result<Self> {
        let pin = Version::parse(pin).with_context(|| format!("{pin} is no version"))?;
        let mut kept = kept::others(schema)?;
        kept.push((pin, schema.to_owned()));
        let exports = kept
            .into_iter()
            .map(|(version, folder)| Ok((version, Export::of(&load::load(&folder)?))));
        let mut exports = exports.collect::<Result<Vec<_>>>()?;
        exports.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self(exports))
    }

    /// The same as seen from a runtime: what is older than it. `None` if its version is none.
    pub(crate) fn before(&self, version: &str) -> Option<Before<'_>> {
        let version = Version::parse(version)?;
        // A build from a checkout says 0.0.0, and is newer than what was released.
        let is_unversioned = version.is_unversioned();
        let older = self
            .0
            .iter()
            .filter(|(other, _)| is_unversioned || *other < version);
        Some(Before {
            older: older.collect(),
            version,
        })
    }
}

/// The runtimes before one.
pub(crate) struct Before<'a> {
    older: Vec<&'a (Version, Export)>,
    version: Version,
}

impl Before<'_> {
    /// Since when this runtime's method is there without a gap; `None` if it was always.
    pub(crate) fn method(&self, union: &'static str, method: &str) -> Option<&str> {
        let key = (union, method.to_owned());
        self.since(|export| export.0.contains_key(&key))
    }

    /// Since when a member of its params is there without a gap; `None` if it always was.
    pub(crate) fn member(&self, method: &str, member: &str) -> Option<&str> {
        let key = (REQUESTS, method.to_owned());
        self.since(|export| export.0.get(&key).is_some_and(|it| it.contains(member)))
    }

    fn since(&self, has: impl Fn(&Export) -> bool) -> Option<&str> {
        let mut since = &self.version;
        for (version, export) in self.older.iter().rev() {
            if !has(export) {
                return Some(since.text());
            }
            since = version;
        }
        None
    }
}

impl Export {
    fn of(bundle: &Value) -> Self {
        let mut methods = BTreeMap::new();
        for union in [REQUESTS, NOTIFICATIONS, SERVER_REQUESTS] {
            let branches = bundle["definitions"][union]["oneOf"].as_array();
            for branch in branches.into_iter().flatten() {
                let properties = &branch["properties"];
                let method = &properties["method"];
                let method = method["enum"][0].as_str().or(method["const"].as_str());
                if let Some(method) = method {
                    let members = members(bundle, &properties["params"]);
                    methods.insert((union, method.to_owned()), members);
                }
            }
        }
        Self(methods)
    }
}

/// The members of params, which are a definition or that and null.
fn members(bundle: &Value, params: &Value) -> BTreeSet<String> {
    let branches = params["anyOf"].as_array().into_iter().flatten();
    let referred = [params].into_iter().chain(branches);
    let definition = referred
        .filter_map(|it| it["$ref"].as_str()?.strip_prefix('#'))
        .find_map(|pointer| bundle.pointer(pointer));
    let properties = definition.and_then(|it| it["properties"].as_object());
    properties
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn export(methods: &[(&str, &[&str])]) -> Export {
        let branches: Vec<_> = methods
            .iter()
            .map(|(method, _)| {
                json!({"properties": {
                    "method": {"enum": [method]},
                    "params": {"anyOf": [{"$ref": format!("#/definitions/v2/{method}")}, {"type": "null"}]},
                }})
            })
            .collect();
        let params: serde_json::Map<_, _> = methods
            .iter()
            .map(|(method, members)| {
                let members: BTreeMap<_, _> = members.iter().map(|it| (*it, json!({}))).collect();
                ((*method).to_owned(), json!({"properties": members}))
            })
            .collect();
        Export::of(&json!({"definitions": {"ClientRequest": {"oneOf": branches}, "v2": params}}))
    }

    fn history() -> History {
        let version = |text: &str| Version::parse(text).unwrap();
        History(vec![
            (version("0.9.0"), export(&[("old", &["a"]), ("gap", &[])])),
            (version("0.10.0"), export(&[("old", &["a", "b"])])),
            (
                version("0.11.0"),
                export(&[("old", &["a", "b"]), ("gap", &[])]),
            ),
            (version("0.13.0"), export(&[])),
        ])
    }

    #[test]
    fn a_method_is_there_since_it_was_without_a_gap() {
        let history = history();
        let before = history.before("0.12.0").unwrap();
        assert_eq!(before.method(REQUESTS, "old"), None);
        assert_eq!(before.method(REQUESTS, "gap"), Some("0.11.0"));
        assert_eq!(before.method(REQUESTS, "new"), Some("0.12.0"));
        assert_eq!(before.member("old", "a"), None);
        assert_eq!(before.member("old", "b"), Some("0.10.0"));
        assert_eq!(before.member("old", "c"), Some("0.12.0"));
    }

    #[test]
    fn what_is_newer_or_has_no_version_says_nothing() {
        let history = history();
        assert_eq!(
            history.before("0.9.0").unwrap().method(REQUESTS, "new"),
            None
        );
        assert_eq!(history.before("0.10.0-alpha.1").unwrap().older.len(), 1);
        assert_eq!(history.before("0.10.0").unwrap().older.len(), 1);
        assert!(history.before("unknown").is_none());
        let unversioned = history.before("0.0.0").unwrap();
        assert_eq!(unversioned.older.len(), 4);
        assert_eq!(unversioned.method(REQUESTS, "gap"), Some("0.0.0"));
    }
}
