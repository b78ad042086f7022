//! What git puts into a format. `%G?` checks a signature, by a program, and
//! `%(describe)` starts another git.

/// What may stand behind `%` by itself: all of the formats of commits but signatures
/// (`G`), and of dates.
const LETTERS: &str = "%0123456789<>AaBbCcDdeFgHhIijMmNnPpRrSsTtwxYyZz";

/// What may stand behind `%(`, and orders what is listed.
const NAMES: &[&str] = &[
    "HEAD",
    "ahead-behind",
    "align",
    "author",
    "authordate",
    "authoremail",
    "authorname",
    "body",
    "color",
    "committer",
    "committerdate",
    "committeremail",
    "committername",
    "contents",
    "creator",
    "creatordate",
    "decorate",
    "deltabase",
    "else",
    "end",
    "eolattr",
    "eolinfo",
    "if",
    "numparent",
    "object",
    "objectmode",
    "objectname",
    "objectsize",
    "objecttype",
    "parent",
    "path",
    "push",
    "refname",
    "stage",
    "subject",
    "symref",
    "tag",
    "tagger",
    "taggerdate",
    "taggeremail",
    "taggername",
    "then",
    "tree",
    "type",
    "upstream",
    "worktreepath",
];

/// Whether git starts nothing for any part of a word, if it is a format.
pub(super) fn is_plain(word: &str) -> bool {
    word.match_indices('%').all(|(at, _)| {
        // Signs that say what is put before or taken away, where something is.
        let rest = word[at + 1..].trim_start_matches(['+', '-', ' ']);
        match rest.strip_prefix('(') {
            Some(rest) => is_known(rest),
            None => rest.chars().next().is_none_or(|it| LETTERS.contains(it)),
        }
    })
}

/// Whether git starts nothing to know the order of what it lists.
pub(super) fn is_plain_order(order: &str) -> bool {
    let order = order.strip_prefix('-').unwrap_or(order);
    let version = ["version:", "v:"];
    is_known((version.iter().find_map(|it| order.strip_prefix(it))).unwrap_or(order))
}

/// Whether this begins with a name that is known, of the object or of what it is a tag of.
fn is_known(name: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    let end = name.find([':', '=', ')', ' ']).unwrap_or(name.len());
    NAMES.contains(&&name[..end])
}
