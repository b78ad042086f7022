//! Compares the async and the blocking API: `cargo xtask check-parity`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::public_api::{Function, Item, Kind, surface};

/// Types with async functions that have no blocking twin, and why.
const ALONE: &[(&str, &str)] = &[(
    "HandlerContext",
    "handlers are async functions, of the blocking client as well",
)];

/// Fails with all that one of the two has and the other has not.
pub(crate) fn run() -> Result<()> {
    let differences = compare(&surface()?);
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "the async and the blocking API differ:\n  {}",
        differences.join("\n  ")
    )
}

fn compare(items: &[Item]) -> Vec<String> {
    let (mut awaited, mut blocking) = (BTreeMap::new(), BTreeMap::new());
    for item in items {
        match item.path.strip_prefix("blocking::") {
            Some(path) => blocking.insert(path, item),
            None => awaited.insert(item.path.as_str(), item),
        };
    }
    let mut differences = Vec::new();
    for (path, item) in &awaited {
        if !waits(item) || ALONE.iter().any(|(alone, _)| alone == path) {
            continue;
        }
        match blocking.get(path) {
            Some(twin) => differences.extend(between(path, item, twin)),
            None => differences.push(format!("blocking::{path} is missing")),
        }
    }
    for path in blocking.keys() {
        if !awaited.contains_key(path) {
            differences.push(format!("{path} is missing, which blocking has"));
        }
    }
    differences
}

/// Whether an item does something that has to be waited for, or gives what does.
fn waits(item: &Item) -> bool {
    match &item.kind {
        Kind::Function(function) => function.is_async,
        Kind::Type {
            functions, traits, ..
        } => {
            functions.iter().any(|function| function.is_async)
                || traits
                    .iter()
                    .any(|it| it.starts_with("IntoFuture") || it.starts_with("Call "))
        }
        Kind::Other => false,
    }
}

fn between(path: &str, item: &Item, twin: &Item) -> Vec<String> {
    let mut differences = Vec::new();
    let (functions, theirs) = (functions_of(item), functions_of(twin));
    let is_iterator = matches!(
        &twin.kind,
        Kind::Type { traits, .. } if traits.iter().any(|it| it.starts_with("Iterator"))
    );
    for function in &functions {
        let name = &function.name;
        if name == "next" && function.is_async && is_iterator {
            continue;
        }
        match theirs.iter().find(|other| other.name == *name) {
            None => differences.push(format!("blocking::{path}::{name} is missing")),
            Some(other) if other.is_async => {
                differences.push(format!("blocking::{path}::{name} is async"));
            }
            Some(other) if other.arguments != function.arguments => differences.push(format!(
                "{path}::{name} takes {} arguments, and {} in blocking",
                function.arguments, other.arguments
            )),
            Some(_) => {}
        }
    }
    for other in &theirs {
        if !functions.iter().any(|function| function.name == other.name) {
            differences.push(format!(
                "{path}::{} is missing, which blocking has",
                other.name
            ));
        }
    }
    differences
}

fn functions_of(item: &Item) -> Vec<Function> {
    match &item.kind {
        Kind::Type { functions, .. } => functions.clone(),
        Kind::Function(function) => vec![function.clone()],
        Kind::Other => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, is_async: bool, arguments: usize) -> Function {
        Function {
            name: name.to_owned(),
            is_async,
            arguments,
            text: String::new(),
        }
    }

    fn item(path: &str, functions: Vec<Function>, traits: &[&str]) -> Item {
        Item {
            path: path.to_owned(),
            text: String::new(),
            kind: Kind::Type {
                functions,
                traits: traits.iter().map(|it| (*it).to_owned()).collect(),
                members: Vec::new(),
            },
            has_example: true,
        }
    }

    #[test]
    fn what_is_missing_or_differs_is_named() {
        let differences = compare(&[
            item(
                "A",
                vec![function("go", true, 1), function("id", false, 1)],
                &[],
            ),
            item(
                "blocking::A",
                vec![function("go", false, 2), function("odd", false, 1)],
                &[],
            ),
            item("B", vec![function("send", true, 1)], &["IntoFuture for B"]),
            item("C", vec![function("id", false, 1)], &[]),
            item("S", vec![function("next", true, 1)], &[]),
            item("blocking::S", vec![], &["Iterator for S"]),
            item("blocking::D", vec![], &[]),
        ]);
        assert_eq!(
            differences,
            [
                "A::go takes 1 arguments, and 2 in blocking",
                "blocking::A::id is missing",
                "A::odd is missing, which blocking has",
                "blocking::B is missing",
                "D is missing, which blocking has",
            ]
        );
    }

    #[test]
    fn the_two_surfaces_are_the_same() {
        run().unwrap_or_else(|error| panic!("{error:#}"));
    }
}
