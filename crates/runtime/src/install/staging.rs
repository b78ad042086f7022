//! Folders for half-done work: [`Staging`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::install::client::Growing;

/// A folder of our own that vanishes with this value.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
}

impl Staging {
    /// Makes a folder with a name of its own in `parent`.
    pub(crate) fn create(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let nanos = SystemTime::UNIX_EPOCH
            .elapsed()
            .map_or(0, |time| time.as_nanos());
        let path = parent.join(format!("{}-{nanos}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now, the next installer sweeps.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what installers that were killed have left.
pub(crate) fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        // A program that still runs keeps its folder on some systems: the next one's turn then.
        let _ = fs::remove_dir_all(entry.path());
    }
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
