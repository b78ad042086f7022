//! An installed runtime: [`Runtime`].

use std::fmt;
use std::path::{Path, PathBuf};

use crate::pin;
use crate::release::{Platform, Release};

/// A runtime in the cache, ready to be started.
///
/// [`binary`](Self::binary) is what to start, with [`path_dir`](Self::path_dir) first on the
/// child's `PATH`.
#[derive(Clone)]
pub struct Runtime {
    version: String,
    root: PathBuf,
    binary: PathBuf,
    path_dir: Option<PathBuf>,
    platform: Platform,
}

impl Runtime {
    /// The runtime of `release` for `platform`, unpacked at `root`.
    pub(crate) fn new(root: PathBuf, release: &Release, platform: &Platform) -> Self {
        let path_dir = join(&root, &platform.path_dir);
        Self {
            version: release.version.clone().into_owned(),
            binary: join(&root, &platform.binary.path),
            path_dir: path_dir.is_dir().then_some(path_dir),
            root,
            platform: platform.clone(),
        }
    }

    /// Its version, such as `0.163.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where this is an older runtime than the pinned one: a sentence for people that says so, why,
    /// and how to get the pinned one.
    #[must_use]
    pub fn instead_of_pinned(&self) -> Option<String> {
        if self.version == pin::VERSION {
            return None;
        }
        let (version, pinned) = (&self.version, pin::VERSION);
        let platform = Release::supported()[0].platform(&self.platform.target).ok();
        let from = match platform.map(|it| (it.wheel.is_some(), it.npm.is_some())) {
            Some((true, false)) => "uv or pip",
            Some((false, true)) => "npm",
            _ => "uv, pip or npm",
        };
        Some(format!(
            "codex {version} is used, which is supported; {pinned} is the pinned version, and comes \
             through {from}: with that on the PATH, `openai-codex-runtime install` installs it"
        ))
    }

    /// The folder that it was unpacked into.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The program to start: `codex`, or `codex.exe`.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The folder of the tools that come with it (`rg`), to be first on the child's `PATH`.
    ///
    /// What the runtime finds by itself, such as `bwrap`, is not in there.
    #[must_use]
    pub fn path_dir(&self) -> Option<&Path> {
        self.path_dir.as_deref()
    }

    /// What the release says about its files.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.platform
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the hashes of the platform, which say nothing to who reads this.
        f.debug_struct("Runtime")
            .field("version", &self.version)
            .field("target", &self.platform.target)
            .field("root", &self.root)
            .field("binary", &self.binary)
            .field("path_dir", &self.path_dir)
            .finish_non_exhaustive()
    }
}

/// `root` and a path of a release, which has `/` between its parts on every system.
pub(crate) fn join(root: &Path, path: &str) -> PathBuf {
    let mut joined = root.to_path_buf();
    joined.extend(path.split('/'));
    joined
}
