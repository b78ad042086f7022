//! One installer at a time: [`Lock`].

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::files;
use crate::install::space::Space;

/// How often a lock that another process holds is tried again.
const TICK: Duration = Duration::from_millis(100);

/// The lock of a cache. The system releases it when its holder ends, however that comes about.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    /// Whether it keeps anyone away. Some network file systems know no locks.
    pub(crate) exclusive: bool,
}

impl Lock {
    /// Takes the lock, and calls `waiting` once if another process holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when it is not free within `patience`, [`Error::InTheWay`] when its file
    /// is no plain one, and [`Error::CacheNotWritable`] when it cannot be made.
    pub(crate) fn acquire(
        path: &Path,
        patience: Duration,
        space: &Space,
        waiting: impl FnOnce(),
    ) -> Result<Self, Error> {
        if let Some(found) = files::strange(path).or(files::is_folder(path).then_some("a folder")) {
            let path = path.to_path_buf();
            return Err(Error::InTheWay { path, found });
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = files::open(path, &mut options).map_err(space.writing(path))?;
        let start = Instant::now();
        let mut waiting = Some(waiting);
        loop {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        file,
                        exclusive: true,
                    });
                }
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    // Two may then download, but each unpacks for itself and one rename wins.
                    return Ok(Self {
                        file,
                        exclusive: false,
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(Error::Io {
                        action: "lock",
                        path: path.to_path_buf(),
                        source,
                    });
                }
                Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                    return Err(Error::Locked {
                        path: path.to_path_buf(),
                    });
                }
                Err(TryLockError::WouldBlock) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                    thread::sleep(TICK);
                }
            }
        }
    }

    /// What holds it. A duplicate in another process holds it too.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}
