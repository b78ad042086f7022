//! What rules understand, compared with the shells of this machine.
#![cfg(unix)]

#[path = "../../../fuzz/harness/rules.rs"]
mod harness;

/// What shells care about.
const PIECES: &[&str] = &[
    "'",
    "'",
    "'",
    "\"",
    "\"",
    "\"",
    "\\",
    "\\",
    " ",
    " ",
    " ",
    "a",
    "b c",
    "-x",
    "=",
    "/",
    ".",
    ":",
    ",",
    "@",
    "%",
    "+",
    "_",
    "~",
    "$",
    "$(",
    ")",
    "`",
    "!",
    "#",
    "*",
    "?",
    "[",
    "]",
    "{",
    "}",
    ";",
    "&",
    "|",
    "<",
    ">",
    "^",
    "\t",
    "\r",
    "é",
    "ж",
    "日",
    "\u{a0}",
    "$x",
    "''",
    "\"\"",
    "\\\"",
    "\\$",
    "\\`",
    "\\\\",
    "\\(",
    "\\;",
    "\\|",
    "=a",
    "=ls",
    "a=b",
    "--a=",
    "%1",
    "@(a)",
    "&&",
    "if",
    "--",
    "~1",
    "^2",
    "..",
    "A=",
    "1",
    "2>&1",
    " 2>/dev/null ",
    ">/dev/null",
    " &>/dev/null",
    ">&2",
    "</dev/null",
    "2",
];

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
    let lines: Vec<String> = (0..100_000)
        .map(|_| {
            let pieces = 1 + next(7);
            (0..pieces).map(|_| PIECES[next(PIECES.len())]).collect()
        })
        .collect();
    let compared = harness::compare(lines.iter().map(String::as_str));
    assert!(compared > 10_000, "{compared} were compared");
}
