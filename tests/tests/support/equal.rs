//! When a message that was written counts as the message that was read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The defaults that the schema declares, by the name of the member.
pub(crate) struct Defaults(BTreeMap<String, Vec<Value>>);

impl Defaults {
    pub(crate) fn of_the_schema() -> Self {
        fn collect(value: &Value, found: &mut BTreeMap<String, Vec<Value>>) {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                for (name, property) in properties {
                    if let Some(default) = property.get("default") {
                        found.entry(name.clone()).or_default().push(default.clone());
                    }
                }
            }
            match value {
                Value::Object(members) => {
                    members.values().for_each(|member| collect(member, found))
                }
                Value::Array(members) => members.iter().for_each(|member| collect(member, found)),
                _ => {}
            }
        }
        let text = std::fs::read_to_string(root().join("schema/app-server.json")).unwrap();
        let mut found = BTreeMap::new();
        collect(&serde_json::from_str(&text).unwrap(), &mut found);
        Self(found)
    }

    /// Equal, where null and absent count as the same, and so do absent and a declared default.
    pub(crate) fn equal(&self, sent: &Value, written: &Value) -> bool {
        match (sent, written) {
            (Value::Object(sent), Value::Object(written)) => {
                let names: BTreeSet<&String> = sent.keys().chain(written.keys()).collect();
                names.into_iter().all(|name| {
                    let (sent, written) = (sent.get(name), written.get(name));
                    match (sent, written) {
                        (Some(sent), Some(written)) => self.equal(sent, written),
                        (Some(only), None) | (None, Some(only)) => {
                            only.is_null() || (sent.is_none() && self.is_default(name, only))
                        }
                        (None, None) => true,
                    }
                })
            }
            (Value::Array(sent), Value::Array(written)) => {
                sent.len() == written.len()
                    && sent
                        .iter()
                        .zip(written)
                        .all(|(sent, written)| self.equal(sent, written))
            }
            (Value::Number(sent), Value::Number(written)) => {
                sent == written || sent.as_f64() == written.as_f64()
            }
            _ => sent == written,
        }
    }

    fn is_default(&self, name: &str, value: &Value) -> bool {
        self.0
            .get(name)
            .is_some_and(|defaults| defaults.contains(value))
    }
}
