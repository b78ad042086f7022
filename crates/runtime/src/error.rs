//! What can go wrong: [`Error`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::cache::CACHE_VARIABLE;
#[cfg(feature = "install")]
use crate::install::{Client, ClientFailure};

/// Why a runtime could not be found, installed or verified.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The release has nothing for this platform.
    UnsupportedPlatform {
        /// The platform's target triple, or what the system calls itself.
        platform: String,
        /// The target triples that the release has.
        supported: Vec<String>,
    },
    /// The environment names no folder for caches.
    NoCacheFolder,
    /// The cache folder cannot be made or written.
    CacheNotWritable {
        /// What could not be made or written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A link, a pipe or the like stands where the installer keeps something of its own.
    ///
    /// It is neither followed nor removed: whoever put it there may need it.
    InTheWay {
        /// Where.
        path: PathBuf,
        /// What it is, such as `a link`.
        found: &'static str,
    },
    /// The disk is full.
    NoSpace {
        /// The cache folder.
        path: PathBuf,
        /// How many bytes an installation takes while it is at work.
        needed: u64,
    },
    /// Something was not what the release says.
    HashMismatch {
        /// The archive or the file.
        file: String,
        /// The sha256 that the release has.
        expected: String,
        /// The sha256 that was found.
        actual: String,
        /// Whether the file has been removed again.
        removed: bool,
    },
    /// Another process is installing and does not come to an end.
    Locked {
        /// The file that it holds locked.
        path: PathBuf,
    },
    /// None of the package clients was found.
    #[cfg(feature = "install")]
    NoClient {
        /// The clients that were looked for.
        searched: Vec<Client>,
    },
    /// Every package client that was found has failed.
    #[cfg(feature = "install")]
    Download {
        /// What each of them said, in the order in which they were tried.
        failures: Vec<ClientFailure>,
    },
    /// An archive has an entry that would be written outside the target, or is not a plain file.
    #[cfg(feature = "install")]
    UnsafeEntry {
        /// The archive.
        archive: String,
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An archive cannot be read.
    #[cfg(feature = "install")]
    BadArchive {
        /// The archive.
        archive: String,
        /// What the reader said.
        source: io::Error,
    },
    /// Any other failure of the file system.
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedPlatform {
                platform,
                supported,
            } => write!(
                f,
                "no codex runtime is published for {platform} (published for {}); \
                 point CODEX_BIN or `codex_bin` at a codex binary of your own",
                supported.join(", ")
            ),
            Self::NoCacheFolder => write!(
                f,
                "no folder to keep the codex runtime in, as no home folder is known; \
                 set {CACHE_VARIABLE} to one"
            ),
            Self::CacheNotWritable { path, source } => write!(
                f,
                "cannot write `{}` to keep the codex runtime in ({source}); \
                 set {CACHE_VARIABLE} to a folder that can be written",
                path.display()
            ),
            Self::InTheWay { path, found } => write!(
                f,
                "`{}` is {found}, which the installer of the codex runtime neither made nor uses; \
                 move it away, or set {CACHE_VARIABLE} to another folder",
                path.display()
            ),
            Self::NoSpace { path, needed } => write!(
                f,
                "no space left to install the codex runtime in `{}`, which takes about {} MB; \
                 make room or set {CACHE_VARIABLE} to a folder on another disk",
                path.display(),
                needed.div_ceil(1_000_000)
            ),
            Self::HashMismatch {
                file,
                expected,
                actual,
                removed,
            } => write!(
                f,
                "`{file}` is not what was published: its sha256 is {actual}, expected {expected}; {}",
                if *removed {
                    "it has been removed"
                } else {
                    "install it anew with `openai-codex-runtime install`"
                }
            ),
            Self::Locked { path } => write!(
                f,
                "another process is installing the codex runtime and does not come to an end; \
                 end the process that holds `{}`",
                path.display()
            ),
            #[cfg(feature = "install")]
            Self::NoClient { searched } => {
                let names: Vec<_> = searched.iter().map(|client| client.name()).collect();
                write!(
                    f,
                    "found no package client to download the codex runtime with (looked for {}); \
                     install uv, pip or npm, or point CODEX_BIN or `codex_bin` at a codex binary",
                    names.join(", ")
                )
            }
            #[cfg(feature = "install")]
            Self::Download { failures } => {
                f.write_str("the codex runtime could not be downloaded")?;
                for (i, failure) in failures.iter().enumerate() {
                    write!(f, "{} {failure}", if i == 0 { ":" } else { ";" })?;
                }
                Ok(())
            }
            #[cfg(feature = "install")]
            Self::UnsafeEntry {
                archive,
                entry,
                reason,
            } => {
                write!(
                    f,
                    "refused to unpack `{archive}`: its entry {entry:?} {reason}"
                )
            }
            #[cfg(feature = "install")]
            Self::BadArchive { archive, source } => {
                write!(f, "cannot read the archive `{archive}`: {source}")
            }
            Self::Io {
                action,
                path,
                source,
            } => write!(f, "cannot {action} `{}`: {source}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CacheNotWritable { source, .. } | Self::Io { source, .. } => Some(source),
            #[cfg(feature = "install")]
            Self::BadArchive { source, .. } => Some(source),
            #[cfg(feature = "install")]
            Self::Download { failures } => failures
                .first()
                .and_then(|failure| std::error::Error::source(failure)),
            #[cfg(feature = "install")]
            Self::NoClient { .. } | Self::UnsafeEntry { .. } => None,
            Self::UnsupportedPlatform { .. }
            | Self::NoCacheFolder
            | Self::InTheWay { .. }
            | Self::NoSpace { .. }
            | Self::HashMismatch { .. }
            | Self::Locked { .. } => None,
        }
    }
}

/// Says what was being done, and with what, when the system refused.
pub(crate) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn every_error_says_in_its_line_what_the_system_said() {
        let source = || io::Error::other("the reason");
        let path = || PathBuf::from("/some/place");
        let errors = [
            Error::CacheNotWritable {
                path: path(),
                source: source(),
            },
            at("read", &path())(source()),
            #[cfg(feature = "install")]
            Error::BadArchive {
                archive: "an archive".to_owned(),
                source: source(),
            },
            #[cfg(feature = "install")]
            Error::Download {
                failures: vec![ClientFailure::not_started(Client::Npm, source())],
            },
        ];
        for error in errors {
            let text = error.to_string();
            assert_eq!(text.matches("the reason").count(), 1, "{text}");
            assert!(!text.contains('\n'), "{text}");
            assert!(error.source().is_some(), "{text}");
        }
    }
}
