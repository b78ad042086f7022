//! `schema/notes.toml`: descriptions where the schema has none.
//!
//! Every request has one, so that no wrapper method says no more than its name.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::model::{Literal, Model, Shape, Type};

/// Notes by the type and the name on the wire; the empty name is the type itself.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Notes(BTreeMap<String, BTreeMap<String, Note>>);

#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Note {
    Plain(String),
    /// In place of a description that would mislead.
    Instead {
        instead_of: String,
        note: String,
    },
}

impl Notes {
    /// Reads the text of the file.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("schema/notes.toml does not have its form")
    }

    /// Puts every note where it belongs.
    ///
    /// Returns a line for each that did not fit: for the pin these are errors.
    pub(crate) fn apply(&self, model: &mut Model) -> Vec<String> {
        let mut misfits = Vec::new();
        for (name, notes) in &self.0 {
            if name == METHODS {
                misfits.extend(methods(notes, model));
                continue;
            }
            let Some(ty) = model.types.get_mut(name.as_str()) else {
                misfits.push(format!(
                    "[{name}] of schema/notes.toml: there is no such type"
                ));
                continue;
            };
            for (part, note) in notes {
                let fault = match doc_of(ty, part) {
                    None => "there is no such member, value or kind",
                    Some(doc) if note.replaces(doc.as_deref()) => {
                        *doc = Some(note.text().to_owned());
                        continue;
                    }
                    Some(_) => "the schema says something else about it now",
                };
                misfits.push(format!(
                    "{part:?} in [{name}] of schema/notes.toml: {fault}"
                ));
            }
        }
        misfits
    }
}

/// The table of the notes about methods.
const METHODS: &str = "methods";

fn methods(notes: &BTreeMap<String, Note>, model: &mut Model) -> Vec<String> {
    let mut misfits = Vec::new();
    for (method, note) in notes {
        let request = model.requests.iter_mut().find(|it| it.method == *method);
        let fault = match request {
            None => "there is no such request",
            Some(it) if note.replaces(it.doc.as_deref()) => {
                it.doc = Some(note.text().to_owned());
                continue;
            }
            Some(_) => "the schema says something else about it now",
        };
        misfits.push(format!(
            "{method:?} in [{METHODS}] of schema/notes.toml: {fault}"
        ));
    }
    let silent = model.requests.iter().filter(|it| it.doc.is_none());
    misfits.extend(silent.map(|it| {
        format!(
            "[{METHODS}] of schema/notes.toml lacks a sentence for \"{}\"",
            it.method
        )
    }));
    misfits
}

impl Note {
    fn text(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Instead { note, .. } => note,
        }
    }

    fn replaces(&self, doc: Option<&str>) -> bool {
        match self {
            Self::Plain(_) => doc.is_none(),
            Self::Instead { instead_of, .. } => doc == Some(instead_of),
        }
    }
}

/// The description of a part of a type.
fn doc_of<'a>(ty: &'a mut Type, part: &str) -> Option<&'a mut Option<String>> {
    if part.is_empty() {
        return Some(&mut ty.doc);
    }
    let literal = |it: &'a mut Literal| (it.wire == part).then_some(&mut it.doc);
    match &mut ty.shape {
        Shape::Struct(it) => {
            let field = it.fields.iter_mut().find(|field| field.wire == part)?;
            Some(&mut field.doc)
        }
        Shape::StringEnum(it) => it.values.iter_mut().find_map(literal),
        Shape::Tagged(it) => it
            .kinds
            .iter_mut()
            .find_map(|kind| literal(&mut kind.literal)),
        Shape::Keyed(it) => {
            let keys = it.keys.iter_mut().map(|(key, _)| key);
            it.units.iter_mut().chain(keys).find_map(literal)
        }
        Shape::Untagged(_) | Shape::StringNewtype => None,
    }
}
