//! The table of README.md: every test that it names exists.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The tests that a line of the table names, as paths from the root and names.
fn named(line: &str) -> Vec<(PathBuf, &str)> {
    let quoted = line.split('`').skip(1).step_by(2);
    let tests = quoted.filter_map(|quoted| quoted.split_once(".rs::"));
    tests
        .map(|(file, name)| {
            let file = match file.contains('/') {
                true => format!("{file}.rs"),
                false => format!("tests/tests/{file}.rs"),
            };
            (PathBuf::from(file), name)
        })
        .collect()
}

/// Whether a source has a test of this name.
fn has_test(source: &str, name: &str) -> bool {
    let declared = format!("fn {name}(");
    source.split("#[").any(|part| {
        let is_test = ["test]", "test(", "tokio::test]", "tokio::test("];
        is_test.iter().any(|it| part.starts_with(it)) && part.contains(&declared)
    })
}

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = fs::read_to_string(root.join("tests/tests/README.md")).unwrap();
    let mut sources: HashMap<PathBuf, String> = HashMap::new();
    let (mut rows, mut wrong) = (0, Vec::new());
    let (_, table) = table.split_once("## The reference SDK's tests").unwrap();
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        if line.starts_with("| theirs") {
            continue;
        }
        rows += 1;
        let tests = named(line);
        if tests.is_empty() && !line.contains("| — ") {
            wrong.push(format!("neither a test nor a reason: {line}"));
        }
        for (file, name) in tests {
            let source = sources
                .entry(file.clone())
                .or_insert_with(|| fs::read_to_string(root.join(&file)).unwrap_or_default());
            if !has_test(source, name) {
                wrong.push(format!("{}::{name} does not exist", file.display()));
            }
        }
    }
    assert!(rows > 80, "{rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_is_told_from_a_function_and_from_a_missing_one() {
    let source = "fn helper() {}\n#[tokio::test(start_paused = true)]\nasync fn it_works() {}\n";
    assert!(has_test(source, "it_works"));
    assert!(!has_test(source, "it"));
    assert!(!has_test(source, "helper"));
    assert_eq!(
        named("| a | `x.rs::one`<br>`crates/y.rs::two` and `three` |"),
        [
            (PathBuf::from("tests/tests/x.rs"), "one"),
            (PathBuf::from("crates/y.rs"), "two"),
        ]
    );
}
