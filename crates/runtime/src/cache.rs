//! Where installed runtimes are kept: [`Cache`].
//!
//! ```text
//! <cache>/runtime/.lock                         held by the one who installs
//! <cache>/runtime/.staging/<unique>/            half-done work, swept by the next one
//! <cache>/runtime/<name>.set-aside-<number>     what stood where a runtime belongs, and is none
//! <cache>/runtime/0.163.0-<target>/             a runtime, complete since it has its name
//! <cache>/runtime/0.163.0-<target>/SHA256SUMS   what the release says about its files
//! ```

use std::env;
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::files::open_plain;
use crate::release::{Platform, Release, current_target};
use crate::runtime::Runtime;
use crate::{Error, error::at};

/// The variable that names another cache folder.
pub(crate) const CACHE_VARIABLE: &str = "OPENAI_CODEX_CACHE";

/// The file that says which release a folder holds. `sha256sum --check` reads it too.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// The folder in which installed runtimes are kept.
///
/// # Examples
///
/// ```
/// use openai_codex_runtime::Cache;
///
/// let folder = std::env::temp_dir().join("no-runtime-here");
/// assert!(Cache::at(&folder).locate()?.is_none());
/// # Ok::<(), openai_codex_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    path: PathBuf,
}

impl Cache {
    /// The user's cache: `$OPENAI_CODEX_CACHE`, or else `openai-codex` in the platform's folder
    /// for caches.
    ///
    /// That folder is `$XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS and
    /// `%LOCALAPPDATA%` on Windows.
    ///
    /// # Errors
    ///
    /// [`Error::NoCacheFolder`] when the environment names none of them.
    pub fn user() -> Result<Self, Error> {
        if let Some(path) = variable(CACHE_VARIABLE) {
            // A child runs in another folder, so a relative path would mean another place there.
            let path = std::path::absolute(&path).map_err(at("resolve", &path))?;
            return Ok(Self { path });
        }
        let base = platform_folder().ok_or(Error::NoCacheFolder)?;
        Ok(Self {
            path: base.join("openai-codex"),
        })
    }

    /// The cache in this folder, which need not exist yet.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // Fails only for an empty path, or when the current folder is gone; then later use fails.
        let path = std::path::absolute(&path).unwrap_or(path);
        Self { path }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pinned runtime in this cache, else the newest supported one in it, or `None` when none is
    /// installed. [`Runtime::instead_of_pinned`] tells them apart.
    ///
    /// A look at names and sizes, with no program started and nothing hashed; `verify` hashes.
    /// A runtime of any other version, or one with a file that is missing, has the wrong size or is
    /// a link, counts as not installed.
    ///
    /// # Errors
    ///
    /// [`Error::UnsupportedPlatform`] when the pinned release has nothing for this machine, and
    /// [`Error::Io`] when the cache cannot be read.
    pub fn locate(&self) -> Result<Option<Runtime>, Error> {
        let target = current_target();
        for release in Release::supported() {
            let found = self.locate_release(release, release.platform(&target)?)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The same for any release and platform.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the cache cannot be read.
    pub fn locate_release(
        &self,
        release: &Release,
        platform: &Platform,
    ) -> Result<Option<Runtime>, Error> {
        let root = self.runtime_root(release, platform);
        for folder in [&self.runtimes(), &root] {
            if !look(folder)?.is_some_and(|meta| meta.is_dir()) {
                return Ok(None);
            }
        }
        let expected = sums_of(platform);
        let size = expected.len() as u64;
        if !holds(&root, SUMS, size)? || read(&root.join(SUMS), size)? != expected.as_bytes() {
            return Ok(None);
        }
        for file in platform.files() {
            if !holds(&root, &file.path, file.size)? {
                return Ok(None);
            }
        }
        let runtime = Runtime::new(root, release, platform);
        Ok(is_executable(runtime.binary())?.then_some(runtime))
    }

    /// The folder that holds everything of this crate.
    pub(crate) fn runtimes(&self) -> PathBuf {
        self.path.join("runtime")
    }

    /// Where the runtime of this release and platform belongs.
    pub(crate) fn runtime_root(&self, release: &Release, platform: &Platform) -> PathBuf {
        self.runtimes()
            .join(format!("{}-{}", release.version, platform.target))
    }
}

/// The text of [`SUMS`]: one line per file of the release.
pub(crate) fn sums_of(platform: &Platform) -> String {
    let mut text = String::new();
    for file in platform.files() {
        writeln!(text, "{}  {}", file.sha256, file.path).expect("a String takes all writes");
    }
    text
}

/// What is at a path, without following a link; `None` if nothing is.
fn look(path: &Path) -> Result<Option<Metadata>, Error> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(at("read", path)(error)),
    }
}

/// Whether a plain file of this size lies below a folder, and no link on the way to it.
fn holds(root: &Path, path: &str, size: u64) -> Result<bool, Error> {
    let mut place = root.to_path_buf();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        place.push(part);
        let is_file = parts.peek().is_none();
        let fits = look(&place)?.is_some_and(|meta| match is_file {
            true => meta.is_file() && meta.len() == size,
            false => meta.is_dir(),
        });
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The content of a file that has just had this size; never much more than that.
fn read(path: &Path, size: u64) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    open_plain(path)
        .and_then(|file| file.take(size + 1).read_to_end(&mut content))
        .map_err(at("read", path))?;
    Ok(content)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> Result<bool, Error> {
    use std::os::unix::fs::PermissionsExt as _;

    let meta = fs::metadata(path).map_err(at("read", path))?;
    Ok(meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> Result<bool, Error> {
    Ok(true)
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

#[cfg(target_os = "macos")]
fn platform_folder() -> Option<PathBuf> {
    home().map(|home| home.join("Library").join("Caches"))
}

#[cfg(windows)]
fn platform_folder() -> Option<PathBuf> {
    variable("LOCALAPPDATA").or_else(|| home().map(|home| home.join("AppData").join("Local")))
}

#[cfg(not(any(target_os = "macos", windows)))]
fn platform_folder() -> Option<PathBuf> {
    // The XDG base directory specification tells to ignore a relative path.
    variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| home().map(|home| home.join(".cache")))
}

fn home() -> Option<PathBuf> {
    env::home_dir().filter(|path| path.is_absolute())
}
