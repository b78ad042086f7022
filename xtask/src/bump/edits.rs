//! What is written, and in which order.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Files, read};
use crate::diff::{self, compare::Change};
use crate::manifest::Manifest;
use crate::output::{self, Mode};

/// Texts that name the pinned version, besides the manifests and READMEs of the packages.
const NAMING: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "xtask/src/codegen/emit/frame/README.md.in",
];

/// The line of the README that counts what there is.
const COUNTED: [&str; 3] = [" requests, ", " server requests, ", " notifications"];

/// Files to be written.
pub(super) struct Edits<'a> {
    root: &'a Path,
    files: Files,
    last: Files,
}

impl<'a> Edits<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self {
            root,
            files: Files::new(),
            last: Files::new(),
        }
    }

    /// A file with this text.
    pub(super) fn put(&mut self, name: &str, text: String) {
        self.files.insert(name.into(), Some(text));
    }

    /// A file or folder that goes.
    pub(super) fn remove(&mut self, name: &str) {
        self.files.insert(name.into(), None);
    }

    /// A file that is written when all others are.
    pub(super) fn last(&mut self, name: &str, text: String) {
        self.last.insert(name.into(), Some(text));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let all = self.files.iter().chain(&self.last);
        all.filter(|(name, text)| text.is_some() || self.root.join(name).exists())
            .map(|(name, text)| match text {
                Some(_) => name.display().to_string(),
                None => format!("{} (removed)", name.display()),
            })
    }

    pub(super) fn write(&self) -> Result<()> {
        for (name, text) in self.files.iter().chain(&self.last) {
            let path = self.root.join(name);
            match text {
                Some(text) => output::file(&path, text, Mode::Write, "")?,
                None if path.is_dir() => {
                    fs::remove_dir_all(&path)
                        .with_context(|| format!("cannot remove {}", path.display()))?;
                }
                None if path.exists() => {
                    fs::remove_file(&path)
                        .with_context(|| format!("cannot remove {}", path.display()))?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// The version of the packages, and of the runtime in what their users read first.
    pub(super) fn versions(&mut self, was: &str, is: &str) -> Result<()> {
        let mut names: Vec<PathBuf> = NAMING.iter().map(PathBuf::from).collect();
        for packages in ["crates", "examples"].map(Path::new) {
            let folder = self.root.join(packages);
            if !folder.is_dir() {
                continue;
            }
            for entry in fs::read_dir(&folder)? {
                let folder = packages.join(entry?.file_name());
                names.extend(["Cargo.toml", "README.md"].map(|name| folder.join(name)));
            }
        }
        for name in names
            .into_iter()
            .filter(|name| self.root.join(name).is_file())
        {
            let text = read(&self.root.join(&name))?;
            let edited = match name.ends_with("Cargo.lock") {
                true => with_lock_versions(&text, was, is),
                false => with_version(&text, was, is),
            };
            if edited != text {
                self.files.insert(name, Some(edited));
            }
        }
        Ok(())
    }

    /// An entry for the version, with what the schema says, unless there is one.
    pub(super) fn changelog(&mut self, was: &str, is: &str, changes: &[Change]) -> Result<()> {
        let path = self.root.join("CHANGELOG.md");
        if !path.is_file() {
            return Ok(());
        }
        let text = read(&path)?;
        let heading = format!("## {is} (codex {is})");
        if text.contains(&heading) {
            return Ok(());
        }
        let (head, entries) = text.split_at(text.find("\n## ").map_or(text.len(), |at| at + 1));
        let mut edited = with_version(head, was, is);
        let _ = write!(
            edited,
            "{heading}\n\n{}\n{entries}",
            diff::markdown(changes)
        );
        self.put("CHANGELOG.md", edited);
        Ok(())
    }
}

/// A text with another version of the runtime: `0.163.0`, `0.163.x` and `0.163` become those of the other.
fn with_version(text: &str, was: &str, is: &str) -> String {
    let minor = |version: &str| {
        version
            .rsplit_once('.')
            .map_or(version, |it| it.0)
            .to_owned()
    };
    let text = text.replace(was, is);
    let (was, is) = (minor(was), minor(is));
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&was) {
        let (before, found) = rest.split_at(at);
        let after = &found[was.len()..];
        // Not a part of another number: `10.163` or `0.1634`, or another patch: `0.163.2`.
        let goes_on = before.ends_with(|it: char| it.is_ascii_digit() || it == '.')
            || after.starts_with(|it: char| it.is_ascii_digit())
            || after
                .strip_prefix('.')
                .is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()));
        out += before;
        out += if goes_on { &was } else { &is };
        rest = after;
    }
    out + rest
}

/// `Cargo.lock` with another version of the packages here, which are those without a source.
fn with_lock_versions(text: &str, was: &str, is: &str) -> String {
    let packages: Vec<_> = text.split("\n\n").collect();
    let packages = packages
        .into_iter()
        .map(|package| match package.contains("\nsource = ") {
            true => package.to_owned(),
            false => package.replace(
                &format!("\nversion = \"{was}\""),
                &format!("\nversion = \"{is}\""),
            ),
        });
    packages.collect::<Vec<_>>().join("\n\n")
}

/// Counts anew what the README counts.
pub(super) fn counts(root: &Path) -> Result<()> {
    let manifest = Manifest::parse(&read(&root.join("schema/manifest.toml"))?)?;
    let it = &manifest.counts;
    let requests = it.client_requests - manifest.left_out.len();
    let numbers = [requests, it.server_requests, it.notifications];
    let path = root.join("README.md");
    if path.is_file() {
        let text = read(&path)?;
        output::file(&path, &counted(&text, numbers), Mode::Write, "")?;
    }
    Ok(())
}

/// The first `N requests, N server requests, N notifications` with these numbers.
fn counted(text: &str, numbers: [usize; 3]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines
        .iter_mut()
        .find(|line| COUNTED.iter().all(|it| line.contains(it)));
    if let Some(line) = line {
        for (name, number) in COUNTED.iter().zip(numbers) {
            if let Some(at) = line.find(name) {
                let digits = line[..at]
                    .chars()
                    .rev()
                    .take_while(char::is_ascii_digit)
                    .count();
                line.replace_range(at - digits..at, &number.to_string());
            }
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_replaced_where_it_is_the_pins() {
        let text =
            "0.163.0, 0.163.x and codex 0.163; not 0.163.2, 10.163, 0.1634 or 0.154.0. v0.163.0.";
        assert_eq!(
            with_version(text, "0.163.0", "0.171.0"),
            "0.171.0, 0.171.x and codex 0.171; not 0.163.2, 10.163, 0.1634 or 0.154.0. v0.171.0."
        );
    }

    #[test]
    fn only_packages_of_ours_get_another_version_in_the_lock() {
        let text = "[[package]]\nname = \"a\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"b\"\nversion = \"0.1.0\"\nsource = \"x\"\n";
        let edited = with_lock_versions(text, "0.1.0", "0.2.0");
        assert_eq!(edited, text.replacen("0.1.0", "0.2.0", 1));
    }

    #[test]
    fn what_is_counted_is_counted_anew() {
        let text = "| x | 171 requests, 11 server requests, 85 notifications, y |\n";
        assert_eq!(
            counted(text, [188, 11, 87]),
            "| x | 188 requests, 11 server requests, 87 notifications, y |\n"
        );
    }
}
