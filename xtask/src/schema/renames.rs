//! Other names for definitions that cannot keep theirs as types.

use std::collections::BTreeMap;

use schemars::schema::SchemaObject;
use schemars::visit::{Visitor, visit_schema_object};

use super::At;
use super::messages::MESSAGES;
use super::read::{Definitions, reference};
use crate::codegen::names;
use crate::codegen::numbered;

/// Renames definitions whose names are no types, or would hide types that the generated code needs.
///
/// Returns the new names by the old ones. For the pin that is an error where such a definition is
/// lowered; this is for a look at another runtime's schema.
pub(crate) fn usable(definitions: &mut Definitions) -> BTreeMap<String, String> {
    let mut renamed = BTreeMap::new();
    let names: Vec<String> = definitions.keys().cloned().collect();
    for name in names {
        let is_usable = names::is_type_name(&name) && !names::is_taken(&name);
        if is_usable || MESSAGES.contains(&name.as_str()) {
            continue;
        }
        let wish = names::pascal(&name);
        let wish = if names::is_type_name(&wish) {
            wish
        } else {
            names::usable(&name, false)
        };
        let is_free = |name: &str| !definitions.contains_key(name) && !names::is_taken(name);
        let new = if is_free(&wish) {
            wish
        } else {
            numbered(&wish, is_free)
        };
        if let Some(schema) = definitions.remove(&name) {
            definitions.insert(new.clone(), schema);
            renamed.insert(name, new);
        }
    }
    if !renamed.is_empty() {
        let mut references = References(&renamed);
        for schema in definitions.values_mut() {
            references.visit_schema_object(schema);
        }
    }
    renamed
}

/// The place of a definition, for the report.
pub(crate) fn line(old: &str, new: &str) -> String {
    format!("{}: the type is called {new}", At::definition("names", old))
}

struct References<'a>(&'a BTreeMap<String, String>);

impl Visitor for References<'_> {
    fn visit_schema_object(&mut self, schema: &mut SchemaObject) {
        if let Some(new) = reference(schema).and_then(|name| self.0.get(name)) {
            schema.reference = Some(format!("#/definitions/{new}"));
        }
        visit_schema_object(self, schema);
    }
}
