//! The exports that `schema/` keeps, and the versions that they are named by.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where the exports of other runtimes than the pin are kept, a folder for each version.
pub(crate) const RUNTIMES: &str = "runtimes";

/// A version as far as it is needed to compare, and its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    numbers: Vec<u64>,
    /// A pre-release is older than its release.
    is_release: bool,
    text: String,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (release, pre) = match text.split_once('-') {
            Some((release, pre)) => (release, Some(pre)),
            None => (text, None),
        };
        let numbers = release.split('.').map(|number| number.parse().ok());
        Some(Self {
            numbers: numbers.collect::<Option<_>>()?,
            is_release: pre.is_none(),
            text: text.to_owned(),
        })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is what a build from a checkout says.
    pub(crate) fn is_unversioned(&self) -> bool {
        self.numbers.iter().all(|number| *number == 0)
    }
}

/// The runtimes other than the pin whose export is kept, oldest first, each with its folder.
pub(crate) fn others(schema: &Path) -> Result<Vec<(Version, PathBuf)>> {
    let folder = schema.join(RUNTIMES);
    let mut kept = Vec::new();
    if folder.is_dir() {
        let cannot = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let version = Version::parse(&name)
                .with_context(|| format!("{} is not named by a version", path.display()))?;
            kept.push((version, path));
        }
    }
    kept.sort();
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_are_in_the_order_of_their_numbers() {
        assert!(version("0.9.0") < version("0.10.0"));
        assert!(version("0.10.0-alpha.1") < version("0.10.0"));
        assert!(version("0.9.9") < version("0.10.0-alpha.1"));
        assert!(version("0.0.0").is_unversioned());
        assert!(!version("0.0.1").is_unversioned());
        for text in ["", "x", "0.x.1", "0..1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
