//! What a pattern for file names may stand for.

use std::fs;
use std::path::{Path, PathBuf};

/// More names than are looked at.
const NAMES: usize = 4096;

/// Whether shells expand a word in one way whatever their options are, but for
/// hidden files, the case of letters and what they do when nothing fits: `*` and `?`
/// in names of letters, digits, `_`, `-` and `.`. And whether nothing that it stands
/// for can be an option, a file of options, or a folder above: it begins with a name.
pub(crate) fn is_harmless(pattern: &str) -> bool {
    let is_known = |char: char| char.is_alphanumeric() || "_-./*?".contains(char);
    let begins = pattern.starts_with("./")
        || pattern.starts_with(|char: char| char.is_alphanumeric() || matches!(char, '_' | '/'));
    let name = |name: &str| !is_pattern(name) || !name.starts_with('.');
    begins
        && pattern.chars().all(is_known)
        && !pattern.contains("**")
        && pattern.split('/').all(name)
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// All paths that a harmless pattern may stand for, in this folder, and perhaps some
/// more. `None` if those are too many or cannot be found out.
pub(crate) fn expand(pattern: &str, cwd: &Path) -> Option<Vec<PathBuf>> {
    let absolute = pattern.strip_prefix('/');
    let mut found = vec![match absolute {
        Some(_) => PathBuf::from("/"),
        None => cwd.to_owned(),
    }];
    let mut looked_at = 0;
    for name in absolute.unwrap_or(pattern).split('/') {
        if !is_pattern(name) {
            found.iter_mut().for_each(|path| path.push(name));
            continue;
        }
        let mut next = Vec::new();
        for folder in found.iter().filter(|path| path.is_dir()) {
            for entry in fs::read_dir(folder).ok()? {
                looked_at += 1;
                if looked_at > NAMES {
                    return None;
                }
                let entry = entry.ok()?.file_name();
                // What is no text may be anything.
                if entry.to_str().is_none_or(|entry| fits(name, entry)) {
                    next.push(folder.join(entry));
                }
            }
        }
        found = next;
    }
    Some(found)
}

/// Whether a name fits a pattern, in some case of its letters.
fn fits(pattern: &str, name: &str) -> bool {
    let lower = |text: &str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<Vec<_>>()
    };
    let (pattern, name) = (lower(pattern), lower(name));
    // Which ends of what was read of the pattern fit the first letters of the name.
    let mut fitting = vec![false; name.len() + 1];
    fitting[0] = true;
    for sign in pattern {
        let mut next = vec![false; name.len() + 1];
        match sign {
            '*' => {
                let first = fitting
                    .iter()
                    .position(|fits| *fits)
                    .unwrap_or(name.len() + 1);
                next.iter_mut().skip(first).for_each(|fits| *fits = true);
            }
            sign => {
                for at in 0..name.len() {
                    next[at + 1] = fitting[at] && (sign == '?' || sign == name[at]);
                }
            }
        }
        fitting = next;
    }
    fitting[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_harmless_if_it_begins_with_a_name() {
        for pattern in [
            "src/*.rs",
            "./*",
            "a*",
            "crates/*/src/?ib.rs",
            "/usr/lib/*.so",
            "../x/*",
        ] {
            assert_eq!(is_harmless(pattern), pattern != "../x/*", "{pattern}");
        }
        for pattern in [
            "*",
            "*.rs",
            "?",
            "-*",
            "--file=*",
            "@*",
            "+*",
            "~/*",
            "=*",
            "a=*",
            ".*",
            "src/.*",
            "src/.?",
            "**",
            "src/**/*.rs",
            "src/[a]*",
            "src/{a,b}*",
            "HEAD^*",
            "src\\*",
            "a:*",
        ] {
            assert!(!is_harmless(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_stands_for_what_is_there() {
        let home = tempfile::tempdir().unwrap();
        for folder in ["a/src", "b/src", "c"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        for file in [
            "a/src/x.rs",
            "a/src/.y.rs",
            "a/src/z.RS",
            "b/src/x.py",
            "c/x.rs",
        ] {
            fs::write(home.path().join(file), "").unwrap();
        }
        let found = |pattern| {
            let mut found: Vec<_> = expand(pattern, home.path())
                .unwrap()
                .iter()
                .map(|path| {
                    path.strip_prefix(home.path())
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/")
                })
                .collect();
            found.sort();
            found.join(" ")
        };
        assert_eq!(found("a/src/*.rs"), "a/src/.y.rs a/src/x.rs a/src/z.RS");
        assert_eq!(found("./?/src/x*"), "a/src/x.rs b/src/x.py");
        assert_eq!(found("none/*"), "");
    }
}
