//! Whether a configuration of git names anything that git would start.

/// Members that only say how git behaves, by section. What is not here may name a
/// program (`core.fsmonitor`, `diff.external`, `gpg.program`, `filter.*.clean`), make
/// git start one (`log.showSignature`, `status.submoduleSummary`, `tag.sort`), read more
/// configuration (`include.path`) or more of the repository from elsewhere
/// (`core.worktree`, `remote.*.promisor`).
const KNOWN: &[(&str, &[&str])] = &[
    ("advice", ANY),
    ("alias", ANY),
    (
        "blame",
        &[
            "coloring",
            "date",
            "markignoredlines",
            "showemail",
            "showroot",
        ],
    ),
    (
        "branch",
        &[
            "autosetupmerge",
            "autosetuprebase",
            "description",
            "gh-merge-base",
            "github-pr-owner-number",
            "merge",
            "pushremote",
            "rebase",
            "remote",
            "vscode-merge-base",
        ],
    ),
    ("checkout", &["defaultremote", "guess", "workers"]),
    ("color", ANY),
    ("column", ANY),
    ("commit", &["cleanup", "gpgsign", "status", "verbose"]),
    (
        "core",
        &[
            "abbrev",
            "autocrlf",
            "bare",
            "bigfilethreshold",
            "checkstat",
            "commitgraph",
            "compression",
            "deltabasecachelimit",
            "eol",
            "filemode",
            "fscache",
            "hidedotfiles",
            "ignorecase",
            "ignorestat",
            "logallrefupdates",
            "longpaths",
            "loosecompression",
            "multipackindex",
            "packedgitlimit",
            "packedgitwindowsize",
            "precomposeunicode",
            "preloadindex",
            "protecthfs",
            "protectntfs",
            "quotepath",
            "repositoryformatversion",
            "safecrlf",
            "sharedrepository",
            "sparsecheckout",
            "sparsecheckoutcone",
            "symlinks",
            "trustctime",
            "untrackedcache",
            "warnambiguousrefs",
            "whitespace",
        ],
    ),
    (
        "diff",
        &[
            "algorithm",
            "colormoved",
            "colormovedws",
            "context",
            "dirstat",
            "ignoresubmodules",
            "indentheuristic",
            "interhunkcontext",
            "mnemonicprefix",
            "noprefix",
            "relative",
            "renamelimit",
            "renames",
            "statgraphwidth",
            "suppressblankempty",
            "wserrorhighlight",
        ],
    ),
    ("extensions", &["worktreeconfig"]),
    ("feature", &["manyfiles"]),
    (
        "fetch",
        &[
            "output",
            "parallel",
            "prune",
            "prunetags",
            "writecommitgraph",
        ],
    ),
    ("gc", ANY),
    (
        "grep",
        &[
            "column",
            "extendedregexp",
            "fullname",
            "linenumber",
            "patterntype",
            "threads",
        ],
    ),
    ("i18n", ANY),
    (
        "index",
        &[
            "recordendofindexentries",
            "recordoffsettable",
            "sparse",
            "threads",
            "version",
        ],
    ),
    ("init", &["defaultbranch"]),
    (
        "lfs",
        &[
            "access",
            "concurrenttransfers",
            "fetchexclude",
            "fetchinclude",
            "locksverify",
            "repositoryformatversion",
        ],
    ),
    (
        "log",
        &[
            "abbrevcommit",
            "date",
            "decorate",
            "follow",
            "graphcolors",
            "mailmap",
            "showroot",
        ],
    ),
    ("maintenance", &["auto", "strategy"]),
    (
        "merge",
        &[
            "conflictstyle",
            "ff",
            "log",
            "renamelimit",
            "renames",
            "renormalize",
            "stat",
        ],
    ),
    (
        "pack",
        &["deltacachesize", "threads", "window", "windowmemory"],
    ),
    ("pull", &["ff", "rebase"]),
    (
        "push",
        &[
            "autosetupremote",
            "default",
            "followtags",
            "recursesubmodules",
        ],
    ),
    (
        "rebase",
        &[
            "abbreviatecommands",
            "autosquash",
            "autostash",
            "updaterefs",
        ],
    ),
    (
        "remote",
        &[
            "fetch",
            "mirror",
            "prune",
            "push",
            "pushdefault",
            "pushurl",
            "tagopt",
            "url",
        ],
    ),
    ("rerere", &["autoupdate", "enabled"]),
    (
        "status",
        &[
            "aheadbehind",
            "branch",
            "relativepaths",
            "renamelimit",
            "renames",
            "short",
            "showstash",
            "showuntrackedfiles",
        ],
    ),
    ("submodule", &["active", "branch", "ignore", "url"]),
    ("tag", &["gpgsign"]),
    ("user", &["email", "name", "signingkey", "useconfigonly"]),
];

/// Every member: none of this section is about a program that reading could start.
const ANY: &[&str] = &["*"];

/// Whether a configuration is written plainly, and every member of it is known.
pub(super) fn names_no_program(text: &str) -> bool {
    let mut known: &[&str] = &[];
    for line in text.lines() {
        let line = line.trim_matches([' ', '\t', '\r']);
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.ends_with('\\') {
            // It goes on in the next line.
            return false;
        }
        if let Some(header) = line.strip_prefix('[') {
            let Some(section) = section(header) else {
                return false;
            };
            let find = |(name, _): &&(&str, _)| section.eq_ignore_ascii_case(name);
            let Some((_, members)) = KNOWN.iter().find(find) else {
                return false;
            };
            known = members;
            continue;
        }
        let name = line
            .split('=')
            .next()
            .unwrap_or(line)
            .trim_matches([' ', '\t']);
        let is_name = name.starts_with(|char: char| char.is_ascii_alphabetic())
            && name
                .chars()
                .all(|char| char.is_ascii_alphanumeric() || char == '-');
        let is_known = known == ANY || known.iter().any(|it| name.eq_ignore_ascii_case(it));
        if !is_name || !is_known {
            return false;
        }
    }
    true
}

/// The name of a section, out of what follows its `[`: `core]` or `branch "main"]`.
/// A driver of `diff` and the like has the name of its section and one of its own.
fn section(header: &str) -> Option<&str> {
    let header = header.strip_suffix(']')?;
    let (name, own) = match header.split_once([' ', '\t']) {
        Some((name, own)) => (name, own.trim_matches([' ', '\t'])),
        None => (header, "\"\""),
    };
    let own = own.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = !own.contains(['"', '\\', ']']);
    let is_name = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric());
    let may_have_own = own.is_empty()
        || ["branch", "color", "remote", "submodule"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
        // By its own name, a member of `lfs` is about a server, or about a program.
        || name.eq_ignore_ascii_case("lfs") && own.starts_with("https://");
    (is_plain && is_name && may_have_own).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_configuration_names_no_program() {
        assert!(names_no_program(""));
        assert!(names_no_program(
            "[core]\n\trepositoryformatversion = 0\n\tfileMode = true\n\tbare = false\r\n\
             # said by hand\n[remote \"origin\"]\n\turl = git@example.org:a/b.git\n\
             \tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\tremote = origin\n\
             \tmerge = refs/heads/main\n[user]\n\tname = A \"B\" C\n[color \"diff\"]\nmeta = blue\n\
             [alias]\n\tst = status\n[pull]\n\trebase\n\
             [lfs]\n\trepositoryformatversion = 0\n\
             [lfs \"https://example.org/a/b.git/info/lfs\"]\n\tlocksverify = true\n"
        ));
    }

    #[test]
    fn what_could_start_something_is_seen() {
        for text in [
            "[core]\nfsmonitor = ./evil",
            "[core]\n  FSMonitor=./evil",
            "[CORE]\nfsmonitor = true",
            "[core]\nhooksPath = .husky",
            "[core]\npager = ./evil",
            "[core]\nsshCommand = ./evil",
            "[core]\nworktree = /",
            "[core]\nattributesFile = x",
            "[core] fsmonitor = ./evil",
            "[core \"\"] fsmonitor = ./evil",
            "[core]\nfilemode = true \\\nfsmonitor = ./evil",
            "[core]\nname = \"a\\\n[x]\"",
            "[pager]\nlog = ./evil",
            "[diff]\nexternal = ./evil",
            "[diff \"x\"]\ncommand = ./evil",
            "[diff \"x\"]\ntextconv = ./evil",
            "[diff.x]\ntextconv = ./evil",
            "[diff \"x\"]\nalgorithm = a",
            "[filter \"x\"]\nclean = ./evil",
            "[gpg]\nprogram = ./evil",
            "[gpg \"ssh\"]\nprogram = ./evil",
            "[log]\nshowSignature = true",
            "[format]\npretty = %G?",
            "[pretty]\nx = %G?",
            "[include]\npath = ../evil",
            "[includeIf \"gitdir:/\"]\npath = ../evil",
            "[status]\nsubmoduleSummary = true",
            "[remote \"origin\"]\npromisor = true",
            "[remote \"origin\"]\nuploadpack = ./evil",
            "[remote \"origin\"]\nvcs = evil",
            "[extensions]\npartialClone = origin",
            "[extensions]\nobjectFormat = sha256",
            "[submodule \"x\"]\nupdate = !./evil",
            "[hook \"x\"]\ncommand = ./evil",
            "[trace2]\neventTarget = x",
            "[interactive]\ndiffFilter = ./evil",
            "[merge \"x\"]\ndriver = ./evil",
            "[credential]\nhelper = ./evil",
            "[lfs \"extension.x\"]\nclean = ./evil",
            "[lfs \"extension.x\"]\naccess = basic",
            "[lfs \"customtransfer.y\"]\npath = ./evil",
            "[lfs \"https://example.org\"]\npath = ./evil",
            "[lfs]\nstandaloneTransferAgent = y",
            "[branch]\nsort = describe",
            "[tag]\nsort = describe",
            "[a\"b\"]\nx",
            "[core\nbare = true",
            "fsmonitor = ./evil",
            "\u{feff}[core]\nbare = false",
            "[core]\n\u{a0}bare = false",
            "[core]\nbare\0 = false",
            "[remote \"a\\\"]\nb\"]\nurl = x",
        ] {
            assert!(!names_no_program(text), "{text:?}");
        }
    }
}
