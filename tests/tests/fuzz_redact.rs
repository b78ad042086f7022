//! What the fuzzer found worth keeping of the redaction, and as many random inputs as a test may take.
#![allow(clippy::unwrap_used)]

use std::path::Path;

#[path = "../../fuzz/harness/redact.rs"]
mod harness;

/// How many random inputs are tried, unless `OPENAI_CODEX_TEST_FUZZ` says how many.
const ROUNDS: u64 = 2_000;

#[test]
fn no_secret_is_told_wherever_it_stands_and_however_it_is_split() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/redact");
    let mut files: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the corpus is there: {files:?}");
    for file in files {
        println!("{}", file.display());
        harness::feed(&std::fs::read(file).unwrap());
    }
}

#[test]
fn random_texts_and_splits_tell_no_secret_either() {
    let rounds = std::env::var("OPENAI_CODEX_TEST_FUZZ");
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    /// Of which random texts are made that come near to a secret.
    const WORDS: [&str; 24] = [
        "token",
        "=",
        ": ",
        "\"",
        "'",
        "\\",
        "%3D",
        "%22",
        "sk-",
        "{",
        "}",
        "[",
        ",",
        "\n",
        " ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END",
        "[redacted]",
        "https://",
        "@",
        "Authorization",
        "Bearer ",
        "dG9rZW49YWJjMTIzNDU2Nzg5",
        "value",
    ];
    for _ in 0..rounds {
        let mut bytes = Vec::new();
        for _ in 0..random() % 24 {
            match random() % 4 {
                0 => bytes.push(random() as u8),
                1 => bytes.extend_from_slice(&random().to_le_bytes()),
                _ => bytes.extend_from_slice(WORDS[(random() % 24) as usize].as_bytes()),
            }
        }
        harness::feed(&bytes);
    }
}
