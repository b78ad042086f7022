//! What test runtimes leave behind, and who clears it away.
//!
//! A client usually goes before its [`TestRuntime`](super::TestRuntime), but the process that it
//! started ends a little later, and 0.163.0 puts a folder of locks back into its home while it
//! does (`thread-writer-locks`), with all folders above it. So each folder that was removed is
//! looked after for a while by a thread. What comes back after the test process has ended, and what
//! a test that was killed could not remove, is swept by a later one.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::folder;
use crate::monitor::PATIENCE;

/// What the names of the folders begin with.
pub(super) const PREFIX: &str = "codex-testkit";

/// The file that a folder in use has, locked, and one that is kept on purpose has not.
const LOCK: &str = "in-use.lock";

/// The folder that every test runtime has and nobody else makes anew.
pub(super) const WORKSPACE: &str = "workspace";

/// How often it is looked whether a folder is back.
const INTERVAL: Duration = Duration::from_millis(50);

/// How many folders are looked after; of more, the oldest are left to a later sweep.
const MAX_WATCHED: usize = 1024;

/// Younger folders are left alone: they may be in the making.
const MIN_AGE: Duration = Duration::from_secs(3600);

/// How many folders one process sweeps. The rest is for the next.
const MAX_SWEPT: usize = 500;

/// Marks a folder as in use, as long as the file is open: the kernel unlocks it when the process
/// ends, however it does. Without this mark the folder is never swept.
pub(super) fn claim(root: &Path) -> Option<File> {
    let path = root.join(LOCK);
    let locked = File::create(&path).and_then(|file| {
        file.try_lock()?;
        Ok(file)
    });
    // Where files cannot be locked, nobody could tell that the folder is in use.
    if locked.is_err() {
        drop(fs::remove_file(path));
    }
    locked.ok()
}

/// Removes a folder, and what a process that is ending puts back.
pub(super) fn remove(root: PathBuf, claim: Option<File>) {
    // Windows does not remove what is open.
    drop(claim);
    folder::remove(&root);
    static WATCH: Mutex<Watch> = Mutex::new(Watch(Vec::new()));
    let lock = || WATCH.lock().unwrap_or_else(PoisonError::into_inner);
    if lock().add(root, Instant::now()) {
        // The thread ends when nothing was removed for a while, or with the process. Without one,
        // the sweep of a later process has to do.
        let look_after = move || {
            loop {
                thread::sleep(INTERVAL);
                let folders = lock().folders();
                folders
                    .iter()
                    .for_each(|root| drop(fs::remove_dir_all(root)));
                if lock().forget(Instant::now()) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("testkit-leftovers".into());
        if thread.spawn(look_after).is_err() {
            *lock() = Watch::default();
        }
    }
}

/// The folders that are looked after, and since when.
#[derive(Debug, Default)]
struct Watch(Vec<(PathBuf, Instant)>);

impl Watch {
    /// Returns whether it is the first.
    fn add(&mut self, root: PathBuf, now: Instant) -> bool {
        if self.0.len() == MAX_WATCHED {
            self.0.remove(0);
        }
        self.0.push((root, now));
        self.0.len() == 1
    }

    fn folders(&self) -> Vec<PathBuf> {
        self.0.iter().map(|(root, _)| root.clone()).collect()
    }

    /// Forgets those that have stayed away. Returns whether none is left.
    fn forget(&mut self, now: Instant) -> bool {
        self.0
            .retain(|(_, since)| now.saturating_duration_since(*since) < PATIENCE);
        self.0.is_empty()
    }
}

/// Sweeps what earlier processes have left beside this folder, once in this process and beside it.
pub(super) fn sweep_beside(root: &Path) {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        let root = root.to_owned();
        let thread = thread::Builder::new().name("testkit-sweep".into());
        // It ends with its work, which is bounded. What fails, a later process tries again.
        drop(thread.spawn(move || sweep(&root, MIN_AGE)));
    });
}

fn sweep(root: &Path, min_age: Duration) -> io::Result<()> {
    let own = fs::metadata(root)?;
    let abandoned = fs::read_dir(root.parent().unwrap_or(root))?
        .filter_map(Result::ok)
        .filter(|entry| is_name(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .filter(|path| path != root && is_abandoned(path, &own, min_age));
    for path in abandoned.take(MAX_SWEPT) {
        drop(fs::remove_dir_all(path));
    }
    Ok(())
}

/// Whether a test runtime made a folder of this name, `codex-testkit-123-0-1f5fef88`.
fn is_name(name: &str) -> bool {
    let rest = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix('-'));
    let parts: Vec<&str> = rest.unwrap_or_default().split('-').collect();
    let [process, count, nanos] = parts[..] else {
        return false;
    };
    let all = |part: &str, is: fn(&u8) -> bool| !part.is_empty() && part.as_bytes().iter().all(is);
    all(process, u8::is_ascii_digit)
        && all(count, u8::is_ascii_digit)
        && all(nanos, u8::is_ascii_hexdigit)
}

/// Whether a folder is this user's, old, and either in nobody's use any more or but a rest of one.
fn is_abandoned(path: &Path, own: &Metadata, min_age: Duration) -> bool {
    // A link is none of ours.
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return false;
    };
    let age = metadata.modified().ok().and_then(|at| at.elapsed().ok());
    if !metadata.is_dir() || !same_user(&metadata, own) || age.is_none_or(|age| age < min_age) {
        return false;
    }
    match File::open(path.join(LOCK)) {
        Ok(file) => file.try_lock().is_ok(),
        // Without a lock it is kept on purpose, or what a runtime put back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => !path.join(WORKSPACE).exists(),
        Err(_) => false,
    }
}

#[cfg(unix)]
fn same_user(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    a.uid() == b.uid()
}

/// The temporary folder of Windows is the user's own.
#[cfg(not(unix))]
fn same_user(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_removed_is_looked_after_for_a_while() {
        let (mut watch, now) = (Watch::default(), Instant::now());
        assert!(watch.add("a".into(), now));
        assert!(!watch.add("b".into(), now + PATIENCE / 2));
        assert!(!watch.forget(now + PATIENCE));
        assert_eq!(watch.folders(), [PathBuf::from("b")]);
        assert!(watch.forget(now + 2 * PATIENCE));
        for n in 0..=MAX_WATCHED {
            watch.add(n.to_string().into(), now);
        }
        assert_eq!(watch.folders().len(), MAX_WATCHED);
        assert_eq!(watch.folders()[0], PathBuf::from("1"));
    }

    #[test]
    fn only_names_of_its_own_are_swept() {
        assert!(is_name("codex-testkit-123-0-1f5fef88"));
        for name in [
            "codex-testkit",
            "codex-testkit-cli-show-77",
            "codex-testkit-123-0",
            "codex-testkit-123-0-",
            "codex-testkit-123-0-1f5fef88-x",
            "codex-testkit-123-0-wxyz",
            "my-codex-testkit-123-0-1f",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_sweep_takes_what_nobody_uses_or_keeps() {
        let parent = folder::create_unique(&std::env::temp_dir(), "testkit-sweep").unwrap();
        let make = |folder: &str| {
            let root = parent.join(folder);
            fs::create_dir_all(root.join(WORKSPACE)).unwrap();
            root
        };
        let own = make("codex-testkit-1-0-a");
        let used = make("codex-testkit-1-1-a");
        let in_use = claim(&used);
        let abandoned = make("codex-testkit-1-2-a");
        drop(claim(&abandoned));
        let kept = make("codex-testkit-1-3-a");
        let put_back = make("codex-testkit-1-4-a");
        fs::rename(put_back.join(WORKSPACE), put_back.join("codex-home")).unwrap();
        let strange = make("codex-testkit-strange");
        drop(claim(&strange));

        let all = [&own, &used, &abandoned, &kept, &put_back, &strange];
        let left = || all.map(|root| root.exists());
        sweep(&own, MIN_AGE).unwrap();
        assert_eq!(left(), [true; 6], "too young");
        sweep(&own, Duration::ZERO).unwrap();
        assert_eq!(left(), [true, true, false, true, false, true]);
        drop(in_use);
        sweep(&own, Duration::ZERO).unwrap();
        assert!(!used.exists());
        fs::remove_dir_all(parent).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let parent = folder::create_unique(&std::env::temp_dir(), "testkit-sweep").unwrap();
        let (own, aim) = (parent.join("codex-testkit-1-0-a"), parent.join("aim"));
        fs::create_dir(&own).unwrap();
        fs::create_dir(&aim).unwrap();
        std::os::unix::fs::symlink(&aim, parent.join("codex-testkit-1-1-a")).unwrap();
        sweep(&own, Duration::ZERO).unwrap();
        assert!(aim.exists() && parent.join("codex-testkit-1-1-a").exists());
        fs::remove_dir_all(parent).unwrap();
    }
}
