//! Folders for half-done work: [`Staging`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::files::{self, Access};
use crate::install::client::Growing;

/// The file in each folder that says who made it. It goes last, so that no folder is left without.
const MARK: &str = ".made-by-openai-codex-runtime";

/// A folder of our own that vanishes with this value.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes a folder with a name of its own in `parent`.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        files::create_folder(parent, Access::Private)?;
        let nanos = SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_nanos());
        let path = parent.join(format!("{}-{nanos}", std::process::id()));
        Access::Private.builder().create(&path)?;
        let staging = Self { path };
        File::create_new(staging.path.join(MARK))?;
        Ok(staging)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now, the next installer sweeps.
        let _ = remove(&self.path);
    }
}

/// Removes what installers that were killed have left, and nothing that anybody else has put there.
pub(crate) fn sweep(parent: &Path) {
    if !files::is_folder(parent) {
        return;
    }
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let named = entry.file_name().to_str().is_some_and(is_name);
        if !named || !files::is_folder(&path) {
            continue;
        }
        // A program that still runs keeps its folder on some systems: the next one's turn then.
        let _ = match files::open_plain(&path.join(MARK)) {
            Ok(_) => remove(&path),
            // Killed before it could leave its mark; what holds anything else is not ours.
            Err(_) => fs::remove_dir(&path),
        };
    }
}

/// Whether [`Staging::create`] gives such a name.
fn is_name(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.split_once('-')
        .is_some_and(|(id, nanos)| number(id) && number(nanos))
}

/// Removes a folder of ours, its mark last.
fn remove(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        // Neither follows a link.
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    fs::remove_file(path.join(MARK))?;
    fs::remove_dir(path)
}

impl Growing {
    /// How many bytes have arrived.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::LargestFile { folders, total } => {
                sizes(folders).into_iter().max().unwrap_or(0).min(*total)
            }
            Self::AllFiles { folders, total } => {
                sizes(folders).into_iter().sum::<u64>().min(*total)
            }
        }
    }

    /// How many there will be.
    pub(crate) fn total(&self) -> u64 {
        match self {
            Self::LargestFile { total, .. } | Self::AllFiles { total, .. } => *total,
        }
    }
}

/// The sizes of all files below some folders, of which any may vanish meanwhile.
fn sizes(folders: &[PathBuf]) -> Vec<u64> {
    let mut sizes = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(entry.path()),
                Ok(meta) => sizes.push(meta.len()),
                Err(_) => {}
            }
        }
    }
    sizes
}
