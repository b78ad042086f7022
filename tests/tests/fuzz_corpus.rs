//! What the fuzzer found worth keeping, as an ordinary test.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[path = "../../fuzz/harness/connection.rs"]
mod harness;

#[test]
fn whatever_bytes_the_server_sends_everything_ends_and_nothing_panics() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/connection");
    let mut files: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "the corpus is there: {files:?}");
    for file in files {
        println!("{}", file.display());
        harness::feed(&std::fs::read(file).unwrap());
    }
}
