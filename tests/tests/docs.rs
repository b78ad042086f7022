//! What the documentation of every function says.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// The source files of a folder, those of its folders included.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn every_public_async_function_says_whether_it_is_cancel_safe_and_how_it_fails() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sdk/src");
    let (mut seen, mut silent) = (0, Vec::new());
    for path in sources(&sdk) {
        let source = fs::read_to_string(&path).unwrap();
        let mut docs = String::new();
        for line in source.lines().map(str::trim_start) {
            if line.starts_with("///") || line.starts_with("#[") {
                docs += line;
                continue;
            }
            if line.starts_with("pub async fn") {
                seen += 1;
                let fails = line.contains("Result") || line.ends_with('(');
                if !docs.contains("# Cancel safety") || fails && !docs.contains("# Errors") {
                    silent.push(format!("{}: {line}", path.display()));
                }
            }
            docs.clear();
        }
    }
    assert!(seen > 30, "{seen} were found");
    assert!(silent.is_empty(), "{silent:#?}");
}
