//! The chapter "Testing your agent" shows the code that is tested, and no other.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[test]
fn every_line_of_the_chapter_is_of_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let chapter = read("crates/testkit/docs/testing-your-agent.md");
    let example = ["src/lib.rs", "tests/agent.rs", "tests/recorded.rs"]
        .map(|file| read(&format!("examples/testing-your-agent/{file}")));
    let blocks: Vec<&str> = chapter
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect();
    assert!(blocks.len() >= 8);
    for block in blocks {
        assert!(
            example.iter().any(|file| file.contains(block)),
            "not in examples/testing-your-agent; copy it anew:\n{block}"
        );
    }
}
