//! Commands of git that only read, with the options with which they do.
//!
//! What is not here may write (`--output`, `branch NAME`, `tag -d`), start a program
//! (`--ext-diff`, `--textconv`, `--show-signature`, `grep -O`), read what is not in
//! the repository (`--no-index`, `grep -f`) or ask a server.

use crate::readers::{Operands, Program};

const ANY: Operands = Operands::Paths(usize::MAX);

/// A command, and what is to be known of it besides its options.
pub(super) struct GitCommand {
    pub(super) program: Program,
    /// Whether its output goes through a pager, where it goes to a terminal.
    pub(super) is_paged: bool,
    /// Whether it looks at the files, and thereby into submodules.
    pub(super) compares_files: bool,
    /// Without this option, operands would be made, not looked for.
    pub(super) operands_need: Option<&'static str>,
}

const fn command(
    name: &'static str,
    flags: &'static str,
    valued: &'static str,
    long: &'static [&'static str],
    operands: Operands,
) -> GitCommand {
    GitCommand {
        program: Program {
            name,
            flags,
            valued,
            long,
            numbers: false,
            operands,
        },
        is_paged: false,
        compares_files: false,
        operands_need: None,
    }
}

const fn paged(command: GitCommand) -> GitCommand {
    GitCommand {
        is_paged: true,
        ..command
    }
}

const fn comparing(command: GitCommand) -> GitCommand {
    GitCommand {
        compares_files: true,
        ..command
    }
}

/// `-5` is a number of commits.
const fn counting(command: GitCommand) -> GitCommand {
    GitCommand {
        program: Program {
            numbers: true,
            ..command.program
        },
        ..command
    }
}

const fn listing(command: GitCommand) -> GitCommand {
    GitCommand {
        operands_need: Some("--list"),
        ..command
    }
}

/// The command of this name, if it is known.
pub(super) fn named(name: &str) -> Option<&'static GitCommand> {
    COMMANDS.iter().find(|command| command.program.name == name)
}

static COMMANDS: &[GitCommand] = &[
    paged(command("blame", "ceflnpstw", "LCM", BLAME, ANY)),
    listing(paged(command("branch", "arv", "", BRANCH, ANY))),
    command("cat-file", "epst", "", &[], ANY),
    command(
        "check-ignore",
        "nqvz",
        "",
        &["no-index", "non-matching", "quiet", "verbose"],
        ANY,
    ),
    command(
        "count-objects",
        "Hv",
        "",
        &["human-readable", "verbose"],
        Operands::Paths(0),
    ),
    command(
        "describe",
        "",
        "",
        &["abbrev=", "all", "always", "exact-match", "long", "tags"],
        ANY,
    ),
    comparing(paged(command("diff", DIFF_FLAGS, "GSU", DIFF, ANY))),
    paged(command("grep", "EFGHILPWchilnopqrvwz", "ABCem", GREP, ANY)),
    counting(paged(command("log", LOG_FLAGS, "GLSUn", LOG, ANY))),
    command("ls-files", "cdfikmostuvz", "", LS_FILES, ANY),
    command(
        "ls-tree",
        "dlrtz",
        "",
        &["full-name", "full-tree", "long", "name-only"],
        ANY,
    ),
    command(
        "merge-base",
        "a",
        "",
        &["all", "fork-point", "is-ancestor", "octopus"],
        ANY,
    ),
    command("remote", "v", "", &["verbose"], Operands::Paths(0)),
    counting(command("rev-list", "", "n", REV_LIST, ANY)),
    command("rev-parse", "q", "", REV_PARSE, ANY),
    counting(paged(command(
        "shortlog",
        "ens",
        "",
        &["email", "numbered", "summary"],
        ANY,
    ))),
    counting(paged(command("show", LOG_FLAGS, "GSUn", LOG, ANY))),
    command(
        "show-ref",
        "dhs",
        "",
        &["abbrev", "dereference", "hash", "head", "heads", "tags"],
        ANY,
    ),
    // With `-uno`, `-uall` and `-unormal`.
    comparing(command("status", "abglmnorsuz", "", STATUS, ANY)),
    listing(paged(command(
        "tag",
        "",
        "",
        &["list", "sort=", "format=", "contains="],
        ANY,
    ))),
];

const STATUS: &[&str] = &[
    "ahead-behind",
    "branch",
    "column",
    "find-renames",
    "ignored",
    "ignored=",
    "ignore-submodules",
    "ignore-submodules=",
    "long",
    "no-ahead-behind",
    "no-renames",
    "porcelain",
    "porcelain=",
    "renames",
    "short",
    "show-stash",
    "untracked-files",
    "untracked-files=",
];

const DIFF_FLAGS: &str = "BCDMRWabpquwz";

const DIFF: &[&str] = &[
    "abbrev",
    "abbrev=",
    "cached",
    "check",
    "color",
    "color-words",
    "color=",
    "compact-summary",
    "diff-algorithm=",
    "diff-filter=",
    "dirstat",
    "exit-code",
    "find-copies",
    "find-renames",
    "find-renames=",
    "full-index",
    "function-context",
    "histogram",
    "ignore-all-space",
    "ignore-blank-lines",
    "ignore-cr-at-eol",
    "ignore-space-at-eol",
    "ignore-space-change",
    "ignore-submodules",
    "ignore-submodules=",
    "inter-hunk-context=",
    "merge-base",
    "minimal",
    "name-only",
    "name-status",
    "no-color",
    "no-ext-diff",
    "no-patch",
    "no-prefix",
    "no-relative",
    "no-renames",
    "no-textconv",
    "numstat",
    "patch",
    "patch-with-stat",
    "patience",
    "pickaxe-all",
    "pickaxe-regex",
    "quiet",
    "raw",
    "relative",
    "shortstat",
    "staged",
    "stat",
    "stat=",
    "summary",
    "text",
    "unified=",
    "word-diff",
    "word-diff=",
];

/// Options of `diff`, and of the choice of commits.
const LOG_FLAGS: &str = "BCDEFMPRWabcgimpqstuwz";

const LOG: &[&str] = &[
    "abbrev",
    "abbrev-commit",
    "abbrev=",
    "after=",
    "all",
    "all-match",
    "ancestry-path",
    "author-date-order",
    "author=",
    "before=",
    "branches",
    "branches=",
    "cc",
    "cherry-mark",
    "cherry-pick",
    "children",
    "clear-decorations",
    "color",
    "color-words",
    "color=",
    "committer=",
    "compact-summary",
    "date-order",
    "date=",
    "decorate",
    "decorate-refs=",
    "decorate=",
    "diff-algorithm=",
    "diff-filter=",
    "dirstat",
    "do-walk",
    "exclude=",
    "find-copies",
    "find-renames",
    "find-renames=",
    "first-parent",
    "fixed-strings",
    "follow",
    "format=",
    "full-diff",
    "full-history",
    "full-index",
    "function-context",
    "graph",
    "grep=",
    "histogram",
    "ignore-all-space",
    "ignore-blank-lines",
    "ignore-space-at-eol",
    "ignore-space-change",
    "invert-grep",
    "left-right",
    "max-count=",
    "merges",
    "min-parents=",
    "minimal",
    "name-only",
    "name-status",
    "no-abbrev-commit",
    "no-color",
    "no-decorate",
    "no-ext-diff",
    "no-merges",
    "no-notes",
    "no-patch",
    "no-prefix",
    "no-renames",
    "no-textconv",
    "no-walk",
    "numstat",
    "oneline",
    "parents",
    "patch",
    "patch-with-stat",
    "patience",
    "perl-regexp",
    "pickaxe-all",
    "pickaxe-regex",
    "pretty",
    "pretty=",
    "raw",
    "reflog",
    "regexp-ignore-case",
    "relative",
    "relative-date",
    "remotes",
    "reverse",
    "shortstat",
    "show-pulls",
    "simplify-by-decoration",
    "since=",
    "skip=",
    "source",
    "stat",
    "stat=",
    "summary",
    "tags",
    "tags=",
    "text",
    "topo-order",
    "unified=",
    "until=",
    "walk-reflogs",
    "word-diff",
    "word-diff=",
];

const BRANCH: &[&str] = &[
    "all",
    "color",
    "color=",
    "column",
    "contains=",
    "format=",
    "ignore-case",
    "list",
    "merged",
    "no-color",
    "no-column",
    "no-contains=",
    "no-merged",
    "points-at=",
    "remotes",
    "show-current",
    "sort=",
    "verbose",
];

const BLAME: &[&str] = &[
    "abbrev=",
    "color-by-age",
    "color-lines",
    "date=",
    "incremental",
    "line-porcelain",
    "porcelain",
    "root",
    "score-debug",
    "show-email",
    "show-name",
    "show-number",
    "since=",
];

const GREP: &[&str] = &[
    "after-context=",
    "all-match",
    "and",
    "before-context=",
    "break",
    "cached",
    "color",
    "color=",
    "column",
    "context=",
    "count",
    "extended-regexp",
    "files-with-matches",
    "files-without-match",
    "fixed-strings",
    "full-name",
    "function-context",
    "heading",
    "ignore-case",
    "invert-match",
    "line-number",
    "max-count=",
    "max-depth=",
    "name-only",
    "no-color",
    "no-recursive",
    "no-textconv",
    "not",
    "null",
    "only-matching",
    "or",
    "perl-regexp",
    "quiet",
    "recursive",
    "show-function",
    "text",
    "threads=",
    "untracked",
    "word-regexp",
];

const LS_FILES: &[&str] = &[
    "abbrev",
    "abbrev=",
    "cached",
    "deduplicate",
    "deleted",
    "directory",
    "eol",
    "error-unmatch",
    "exclude-standard",
    "exclude=",
    "format=",
    "full-name",
    "ignored",
    "killed",
    "modified",
    "no-empty-directory",
    "others",
    "stage",
    "unmerged",
];

const REV_LIST: &[&str] = &[
    "abbrev-commit",
    "after=",
    "all",
    "author=",
    "before=",
    "branches",
    "count",
    "date-order",
    "first-parent",
    "left-right",
    "max-count=",
    "merges",
    "no-merges",
    "oneline",
    "parents",
    "remotes",
    "reverse",
    "since=",
    "skip=",
    "tags",
    "topo-order",
    "until=",
];

const REV_PARSE: &[&str] = &[
    "abbrev-ref",
    "absolute-git-dir",
    "all",
    "branches",
    "git-common-dir",
    "git-dir",
    "is-bare-repository",
    "is-inside-git-dir",
    "is-inside-work-tree",
    "is-shallow-repository",
    "quiet",
    "remotes",
    "revs-only",
    "short",
    "short=",
    "show-cdup",
    "show-prefix",
    "show-superproject-working-tree",
    "show-toplevel",
    "symbolic-full-name",
    "tags",
    "verify",
];
