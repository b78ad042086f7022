//! The names in the export without `--experimental`: they mark what is stable.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::At;
use super::messages::{MESSAGES, method_of};
use super::read::{Definitions, branches, literal, object, visit};

/// The names of the stable protocol.
#[derive(Clone, Default)]
pub(crate) struct Stable {
    methods: BTreeSet<String>,
    /// By definition: the members of it, and of whatever is inline in it.
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Stable {
    /// The names in flattened definitions.
    ///
    /// # Errors
    /// For a schema that allows nothing.
    pub(crate) fn of(definitions: &Definitions) -> Result<Self> {
        let mut stable = Self::default();
        for (name, schema) in definitions {
            if MESSAGES.contains(&name.as_str()) {
                let messages = branches(schema).into_iter().flatten().map(object);
                let methods = messages.filter_map(method_of);
                stable.methods.extend(methods.map(str::to_owned));
                continue;
            }
            let mut members = BTreeSet::new();
            visit(schema, &At::definition("stable", name), &mut |schema, _| {
                for (member, property) in schema.object.iter().flat_map(|it| &it.properties) {
                    members.insert(member.clone());
                    members.extend(literal(object(property)).map(|kind| format!("={kind}")));
                }
                Ok(())
            })?;
            stable.members.insert(name.clone(), members);
        }
        Ok(stable)
    }

    /// Reads `schema/stable.json`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).context("stable.json is not JSON")?;
        let names = |value: &Value| -> BTreeSet<String> {
            value
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        Ok(Self {
            methods: names(&value["methods"]),
            members: value["definitions"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, members)| (name.clone(), names(members)))
                .collect(),
        })
    }

    /// The text of `schema/stable.json`.
    pub(crate) fn render(&self) -> String {
        super::canonical::render(&self.to_json())
    }

    /// The same as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({"methods": self.methods, "definitions": self.members})
    }

    /// Takes the definition `name` for a copy of `original`.
    pub(crate) fn copy(&mut self, original: &str, name: &str) {
        if let Some(members) = self.members.get(original).cloned() {
            self.members.insert(name.to_owned(), members);
        }
    }

    /// Whether a method is stable.
    pub(crate) fn has_method(&self, method: &str) -> bool {
        self.methods.contains(method)
    }

    /// Whether a definition is stable.
    pub(crate) fn has_definition(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Whether a member of a definition is stable. Of a definition that is not, every member is taken for stable: the
    /// definition as a whole bears the mark.
    pub(crate) fn has_member(&self, definition: &str, member: &str) -> bool {
        self.members
            .get(definition)
            .is_none_or(|members| members.contains(member))
    }

    /// Whether a kind of a tagged union is stable.
    pub(crate) fn has_kind(&self, definition: &str, kind: &str) -> bool {
        self.has_member(definition, &format!("={kind}"))
    }
}
