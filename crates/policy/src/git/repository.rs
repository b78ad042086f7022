//! Which repository git would use in a folder.

use std::fs;
use std::path::{Path, PathBuf};

/// What git finds from a folder upwards.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Repository {
    /// No repository.
    None,
    /// A `.git` in this folder.
    In(PathBuf),
    /// A folder that git may take for a repository, though it is called otherwise: it
    /// needs no more than files that anybody can write there.
    Bare,
    /// It cannot be found out.
    Unknown,
}

impl Repository {
    /// Looks from a folder upwards, as git does: in each folder for a `.git`, then
    /// whether the folder is itself made as a repository.
    pub(crate) fn of(cwd: &Path) -> Self {
        let Ok(cwd) = fs::canonicalize(cwd) else {
            return Self::Unknown;
        };
        for folder in cwd.ancestors() {
            // Where a `.git` is damaged, git goes on with the folder itself.
            if is_bare(folder) {
                return Self::Bare;
            }
            if exists(&folder.join(".git")) {
                return Self::In(folder.to_owned());
            }
        }
        Self::None
    }
}

/// Whether a folder is made as a repository, or becomes one by little.
fn is_bare(folder: &Path) -> bool {
    let has = |name| exists(&folder.join(name));
    has("HEAD") && (has("objects") || has("refs") || has("commondir") || has("config"))
}

/// Whether there is something, or this cannot be known.
fn exists(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}
