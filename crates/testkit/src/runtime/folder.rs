//! Temporary folders.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Creates a folder of its own below `parent`, which only this user can read: a home holds
/// credentials.
pub(crate) fn create_unique(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |now| now.subsec_nanos());
        let name = format!("{prefix}-{}-{count}-{nanos:x}", std::process::id());
        let path = parent.join(name);
        match create_private(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| path),
        }
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// The temporary folder and the caches of Windows are the user's own already.
#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Copies a folder of plain files; files that `leave_out` names stay behind.
pub(crate) fn copy(from: &Path, to: &Path, leave_out: fn(&OsString) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        let target = to.join(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target, leave_out)?;
        } else if kind.is_file() && !leave_out(&name) {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Removes a folder in which a process that is ending may still write.
pub(crate) fn remove(path: &Path) {
    for _ in 0..5 {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => return,
        }
    }
}
