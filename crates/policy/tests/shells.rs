//! What rules understand, compared with the shells of this machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[allow(unreachable_pub, reason = "each user has its own crate")]
#[path = "../../../fuzz/harness/rules.rs"]
mod harness;

#[test]
fn shells_read_the_same_words() {
    let missing = harness::missing();
    if !missing.is_empty() {
        println!("not compared, since they are not here: {missing:?}");
    }
    // Lines of few pieces, since one bad piece is enough to refuse a line.
    let mut seed: u64 = 7;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    let lines: Vec<String> = (0..20_000)
        .map(|_| {
            let pieces = 1 + next(7);
            (0..pieces)
                .map(|_| harness::PIECES[next(harness::PIECES.len())])
                .collect()
        })
        .collect();
    let compared = harness::compare(lines.iter().map(String::as_str), |_| true);
    println!("{compared} comparisons");
    assert!(compared > 10_000, "{compared} were compared");
}

#[test]
fn the_corpus_of_the_fuzzer_is_read_alike() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/rules");
    let mut files: Vec<_> = (std::fs::read_dir(corpus).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 20, "the corpus is there: {files:?}");
    for file in files {
        println!("{}", file.display());
        harness::feed(&std::fs::read(file).unwrap());
    }
}
