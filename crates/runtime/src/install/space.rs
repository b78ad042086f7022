//! Telling apart what can go wrong with writing to the cache: [`Space`].

use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::files;

/// The cache folder, and how much an installation takes in it.
#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) cache: PathBuf,
    pub(crate) needed: u64,
}

impl Space {
    /// Says what was being written when the system refused.
    pub(crate) fn writing(&self, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| {
            use io::ErrorKind as Kind;

            let path = path.to_path_buf();
            if let Some(found) = files::strange(&path) {
                return Error::InTheWay { path, found };
            }
            match source.kind() {
                Kind::StorageFull | Kind::QuotaExceeded => self.full(),
                Kind::PermissionDenied
                | Kind::ReadOnlyFilesystem
                | Kind::NotADirectory
                | Kind::AlreadyExists
                | Kind::NotFound => Error::CacheNotWritable { path, source },
                _ => Error::Io {
                    action: "write",
                    path,
                    source,
                },
            }
        }
    }

    /// The disk is full.
    pub(crate) fn full(&self) -> Error {
        Error::NoSpace {
            path: self.cache.clone(),
            needed: self.needed,
        }
    }

    /// Whether a client that has failed says that the disk is full.
    pub(crate) fn is_full_says(stderr: &str) -> bool {
        let stderr = stderr.to_ascii_lowercase();
        [
            "no space left on device",
            "enospc",
            "not enough space on the disk",
            "disk quota exceeded",
        ]
        .iter()
        .any(|phrase| stderr.contains(phrase))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_with_what_is_needed_and_where_else_to_go() {
        let space = Space {
            cache: PathBuf::from("/some/cache"),
            needed: 519_000_001,
        };
        let error = space.writing(Path::new("/x"))(io::ErrorKind::StorageFull.into());
        let text = error.to_string();
        assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
        for part in ["/some/cache", "520 MB", "OPENAI_CODEX_CACHE"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
