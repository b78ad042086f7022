//! What is known of programs. An option that is not here is one with which a program
//! is not known to read only, or to read only what is named: `sort -o`, `rg --pre`,
//! `grep -R` and `rg -L`, which follow links, `tree -o`, `file -C`, `date -s`.
//! `diff` is not here, since it follows the links in folders that it compares.

use super::arguments::Operands::{Formats, Paths, PatternThenPaths, Texts};
use super::arguments::{Operands, Program};

const MANY: Operands = Paths(usize::MAX);

const fn program(
    name: &'static str,
    flags: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
    operands: Operands,
) -> Program {
    Program {
        name,
        flags,
        valued,
        long,
        numbers: false,
        operands,
    }
}

const fn with_numbers(program: Program) -> Program {
    Program {
        numbers: true,
        ..program
    }
}

/// A program of this name, if it is known.
pub(super) fn named(name: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.name == name)
}

const GREP_LONG: &[&str] = &[
    "after-context=",
    "basic-regexp",
    "before-context=",
    "color",
    "color=",
    "colour",
    "colour=",
    "context=",
    "count",
    "exclude-dir=",
    "exclude=",
    "extended-regexp",
    "files-with-matches",
    "files-without-match",
    "fixed-strings",
    "ignore-case",
    "include=",
    "invert-match",
    "line-number",
    "line-regexp",
    "max-count=",
    "no-filename",
    "no-messages",
    "null",
    "only-matching",
    "perl-regexp",
    "quiet",
    "recursive",
    "regexp=",
    "silent",
    "text",
    "with-filename",
    "word-regexp",
];

const RG_LONG: &[&str] = &[
    "after-context=",
    "before-context=",
    "case-sensitive",
    "color=",
    "column",
    "context=",
    "count",
    "count-matches",
    "files",
    "files-with-matches",
    "files-without-match",
    "fixed-strings",
    "glob-case-insensitive",
    "glob=",
    "heading",
    "hidden",
    "iglob=",
    "ignore-case",
    "invert-match",
    "json",
    "line-number",
    "line-regexp",
    "max-columns=",
    "max-count=",
    "max-depth=",
    "max-filesize=",
    "multiline",
    "multiline-dotall",
    "no-config",
    "no-filename",
    "no-heading",
    "no-ignore",
    "no-ignore-vcs",
    "no-line-number",
    "no-messages",
    "null",
    "only-matching",
    "passthru",
    "pcre2",
    "quiet",
    "regexp=",
    "replace=",
    "smart-case",
    "sort=",
    "sortr=",
    "stats",
    "text",
    "trim",
    "type-list",
    "type-not=",
    "type=",
    "unrestricted",
    "version",
    "vimgrep",
    "with-filename",
    "word-regexp",
];

static PROGRAMS: &[Program] = &[
    program("basename", "az", "s", &[], Texts),
    program("cat", "AbeEnstTuv", "", &["number", "show-all"], MANY),
    program("cmp", "bls", "", &["silent", "quiet"], Paths(2)),
    program("column", "tx", "sc", &[], MANY),
    program("comm", "123", "", &[], Paths(2)),
    program(
        "cut",
        "szn",
        "bcdf",
        &["delimiter=", "fields=", "only-delimited"],
        MANY,
    ),
    program("date", "uR", "", &["utc", "iso-8601", "iso-8601="], Formats),
    program("df", "haTikm", "", &["human-readable"], MANY),
    program("dirname", "z", "", &[], Texts),
    program(
        "du",
        "abchkmsx",
        "d",
        &["max-depth=", "human-readable", "summarize"],
        MANY,
    ),
    program("echo", "neE", "", &[], Texts),
    program("egrep", "abcHhIiLlnoqrsvwxZ", "ABCem", GREP_LONG, GREP),
    program("expr", "", "", &[], Texts),
    program("fgrep", "abcHhIiLlnoqrsvwxZ", "ABCem", GREP_LONG, GREP),
    program("file", "bihkN", "", &["brief", "mime", "mime-type"], MANY),
    with_numbers(program(
        "grep",
        "abcEFGHhIiLlnoPqrsTvwxZz",
        "ABCem",
        GREP_LONG,
        GREP,
    )),
    with_numbers(program(
        "head",
        "qvz",
        "cn",
        &["bytes=", "lines=", "quiet", "verbose"],
        MANY,
    )),
    program("hexdump", "Cbcdvx", "ns", &[], MANY),
    program("md5sum", "bt", "", &[], MANY),
    program("nproc", "", "", &["all"], Paths(0)),
    program("od", "bcdovx", "ANjt", &[], MANY),
    program(
        "rg",
        "0acFHhIilNnoPpqSsUuvVwx",
        "ABCdEegjMmrTt",
        RG_LONG,
        RG,
    ),
    program("seq", "w", "fs", &[], Texts),
    program("sha1sum", "bt", "", &[], MANY),
    program("sha256sum", "bt", "", &[], MANY),
    program("sort", "bdfghiMnRrsuVz", "kt", SORT_LONG, MANY),
    program("strings", "a", "n", &[], MANY),
    program("tac", "b", "", &[], MANY),
    with_numbers(program(
        "tail",
        "qvz",
        "cn",
        &["bytes=", "lines=", "quiet"],
        MANY,
    )),
    program(
        "tr",
        "cCds",
        "",
        &["delete", "squeeze-repeats", "complement"],
        Texts,
    ),
    program(
        "tree",
        "aCdDfFghipstu",
        "ILP",
        &["dirsfirst", "noreport", "gitignore"],
        MANY,
    ),
    program(
        "uniq",
        "cdiuDz",
        "fsw",
        &["count", "repeated", "unique"],
        Paths(1),
    ),
    program("which", "a", "", &[], Texts),
];

const SORT_LONG: &[&str] = &[
    "field-separator=",
    "ignore-case",
    "key=",
    "numeric-sort",
    "reverse",
    "stable",
    "unique",
    "human-numeric-sort",
    "version-sort",
    "zero-terminated",
];

const GREP: Operands = PatternThenPaths(&["-e", "--regexp"]);
const RG: Operands = PatternThenPaths(&[
    "-e",
    "--regexp",
    "--files",
    "--type-list",
    "-V",
    "--version",
]);
