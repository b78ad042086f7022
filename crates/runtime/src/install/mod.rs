//! Downloading and unpacking the runtime: [`Installer`].

mod client;
mod lock;
mod process;
mod progress;
mod redact;
mod space;
mod staging;
mod unpack;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use client::Client;
pub use process::ClientFailure;
pub use progress::Progress;

use crate::cache::{Cache, SUMS, sums_of};
use crate::install::client::{Delivery, Folders, Order, Program};
use crate::install::lock::Lock;
use crate::install::process::Reason;
use crate::install::space::Space;
use crate::install::staging::Staging;
use crate::release::{Archive, Platform, Release, current_target};
use crate::runtime::{Runtime, join};
use crate::verify::{sha256_of, verify_files};
use crate::{Error, error::at};

/// Installs a runtime into the cache, unless it is there.
///
/// It runs the package client that the user has, with the user's mirrors, proxies and credentials.
/// What the client delivers must have the sha256 that the release says, before it is unpacked and
/// again after.
///
/// Any number of installers may run at once: one downloads and the others wait for it. One that is
/// killed leaves nothing that could be taken for a runtime.
///
/// # Examples
///
/// ```no_run
/// use openai_codex_runtime::{Installer, Progress};
///
/// let runtime = Installer::new()
///     .on_progress(|progress| {
///         if let Progress::Downloading { client, bytes, total, .. } = progress {
///             eprintln!("{client}: {bytes} of {total} bytes");
///         }
///     })
///     .install()?;
/// println!("{}", runtime.binary().display());
/// # Ok::<(), openai_codex_runtime::Error>(())
/// ```
#[must_use = "an installer does nothing until `install` is called"]
pub struct Installer {
    cache: Option<Cache>,
    client: Option<Client>,
    search_path: Option<OsString>,
    force: bool,
    release: Release,
    target: Cow<'static, str>,
    stall_timeout: Duration,
    lock_timeout: Duration,
    on_progress: Box<dyn FnMut(Progress<'_>) + Send>,
}

impl Installer {
    /// An installer of the pinned runtime for this machine, into the user's cache, through the
    /// first of uv, pip and npm that delivers.
    pub fn new() -> Self {
        Self {
            cache: None,
            client: None,
            search_path: None,
            force: false,
            release: Release::pinned(),
            target: current_target(),
            stall_timeout: Duration::from_secs(5 * 60),
            lock_timeout: Duration::from_secs(30 * 60),
            on_progress: Box::new(|_| {}),
        }
    }

    /// Installs into this cache.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Uses this client and no other.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Looks for clients here instead of on `$PATH`. Relative folders do not count.
    pub fn search_path(mut self, path: impl Into<OsString>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// Installs anew even if the runtime is there.
    pub fn force(mut self, yes: bool) -> Self {
        self.force = yes;
        self
    }

    /// Installs another release than the pinned one.
    pub fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// Installs for another machine than this one, given by its Rust target triple.
    pub fn target(mut self, target: impl Into<Cow<'static, str>>) -> Self {
        self.target = target.into();
        self
    }

    /// Gives a client up after so long without a new byte. The default is 5 minutes.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = timeout;
        self
    }

    /// Waits so long for another installer to end. The default is 30 minutes.
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Tells this function what is being done. It runs on the calling thread, and everything waits
    /// for it.
    pub fn on_progress(mut self, listener: impl FnMut(Progress<'_>) + Send + 'static) -> Self {
        self.on_progress = Box::new(listener);
        self
    }

    /// Gives the installed runtime, and downloads it first if need be.
    ///
    /// It blocks the calling thread: in async code, give it to a thread for blocking work.
    /// A runtime that is there is not hashed, only looked at as [`Cache::locate`] does.
    ///
    /// # Errors
    ///
    /// - [`Error::UnsupportedPlatform`]: no runtime is published for the platform.
    /// - [`Error::NoCacheFolder`], [`Error::CacheNotWritable`], [`Error::NoSpace`]: there is
    ///   nowhere to keep it.
    /// - [`Error::NoClient`], [`Error::Download`]: no client was found, or each has failed.
    /// - [`Error::HashMismatch`]: something was delivered that is not what was published. No other
    ///   client is tried then, for it needs a person to look at it.
    /// - [`Error::UnsafeEntry`], [`Error::BadArchive`]: the archive could not be unpacked.
    /// - [`Error::Locked`]: another installer does not come to an end.
    pub fn install(mut self) -> Result<Runtime, Error> {
        let platform = self.release.platform(&self.target)?.clone();
        let cache = match self.cache.take() {
            Some(cache) => cache,
            None => Cache::user()?,
        };
        if let Some(runtime) = self.installed(&cache, &platform)? {
            return Ok(runtime);
        }
        let folder = cache.runtimes();
        let space = Space {
            cache: cache.path().to_path_buf(),
            // While at work, the archive and what is unpacked from it lie side by side.
            needed: platform.wheel.size + platform.wheel.unpacked,
        };
        fs::create_dir_all(&folder).map_err(space.writing(&folder))?;
        let progress = &mut self.on_progress;
        let lock = Lock::acquire(&folder.join(".lock"), self.lock_timeout, &space, || {
            progress(Progress::Waiting);
        })?;
        if let Some(runtime) = self.installed(&cache, &platform)? {
            return Ok(runtime);
        }
        let staging = folder.join(".staging");
        if lock.exclusive {
            staging::sweep(&staging);
        }
        let work = Work {
            release: &self.release,
            platform: &platform,
            cache: &cache,
            space: &space,
            staging: &staging,
            stall_timeout: self.stall_timeout,
            progress: &mut *self.on_progress,
        };
        let clients = self
            .client
            .as_ref()
            .map_or(&Client::ALL[..], std::slice::from_ref);
        let search_path = match self.search_path.take() {
            Some(path) => path,
            None => std::env::var_os("PATH").unwrap_or_default(),
        };
        work.install(clients, &search_path)
    }

    fn installed(&self, cache: &Cache, platform: &Platform) -> Result<Option<Runtime>, Error> {
        if self.force {
            Ok(None)
        } else {
            cache.locate_release(&self.release, platform)
        }
    }
}

impl Default for Installer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installer")
            .field("cache", &self.cache)
            .field("client", &self.client)
            .field("force", &self.force)
            .field("version", &self.release.version)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// An installation under the lock.
struct Work<'a> {
    release: &'a Release,
    platform: &'a Platform,
    cache: &'a Cache,
    space: &'a Space,
    staging: &'a Path,
    stall_timeout: Duration,
    progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

/// Why a client brought nothing.
enum Miss {
    /// It failed, and another may not.
    Client(ClientFailure),
    /// There is no point in going on.
    Fatal(Error),
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

impl Work<'_> {
    /// Installs through the first client that delivers.
    fn install(mut self, clients: &[Client], search_path: &OsStr) -> Result<Runtime, Error> {
        let mut failures = Vec::new();
        for &client in clients {
            let Some(program) = client.find(search_path) else {
                continue;
            };
            // Each has a folder of its own, so the next does not trip over what one has left.
            let staging =
                Staging::create(self.staging).map_err(self.space.writing(self.staging))?;
            match self.fetch(client, &program, search_path, staging.path()) {
                Ok(root) => return self.publish(&root, &staging),
                Err(Miss::Fatal(error)) => return Err(error),
                Err(Miss::Client(failure)) => {
                    (self.progress)(Progress::Failed { failure: &failure });
                    failures.push(failure);
                }
            }
        }
        Err(if failures.is_empty() {
            Error::NoClient {
                searched: clients.to_vec(),
            }
        } else {
            Error::Download { failures }
        })
    }

    /// Lets a client download, and gives the folder of the unpacked and verified files.
    fn fetch(
        &mut self,
        client: Client,
        program: &Program,
        search_path: &OsStr,
        staging: &Path,
    ) -> Result<PathBuf, Miss> {
        let folders = Folders::create(staging).map_err(self.space.writing(staging))?;
        let mut order = client
            .order(program, search_path, self.platform, &folders)
            .map_err(self.space.writing(staging))?;
        let archive = client.archive(self.platform);
        let stderr = self.run(client, archive, &mut order)?;
        let root = match order.delivery {
            Delivery::Archive { folder, format } => {
                let Some(file) = file_in(&folder, format.extension()) else {
                    return Err(Miss::Client(ClientFailure::new(
                        client,
                        Reason::NoArchive,
                        stderr,
                    )));
                };
                (self.progress)(Progress::Checking);
                check_archive(&file, archive)?;
                let root = staging.join("root");
                let progress = &mut *self.progress;
                let mut wrote = |bytes| {
                    progress(Progress::Unpacking {
                        bytes,
                        total: archive.unpacked,
                    });
                };
                unpack::unpack(&file, format, archive, &root, self.space, &mut wrote)?;
                // Not needed any more, and the disk may be nearly full.
                let _ = fs::remove_file(&file);
                root
            }
            Delivery::Tree(root) if fs::symlink_metadata(&root).is_ok_and(|meta| meta.is_dir()) => {
                refuse_links(&root, archive)?;
                root
            }
            Delivery::Tree(_) => {
                return Err(Miss::Client(ClientFailure::new(
                    client,
                    Reason::NoArchive,
                    stderr,
                )));
            }
        };
        (self.progress)(Progress::Verifying);
        verify_files(&root, self.platform).map_err(|error| match error {
            Error::HashMismatch {
                file,
                expected,
                actual,
                ..
            } => Error::HashMismatch {
                file,
                expected,
                actual,
                removed: true,
            },
            Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                let archive = archive.file.clone().into_owned();
                let source = io::Error::other("it lacks a file");
                Error::BadArchive { archive, source }
            }
            other => other,
        })?;
        Ok(root)
    }

    /// Runs a client to its end and gives what it wrote to standard error.
    fn run(
        &mut self,
        client: Client,
        archive: &Archive,
        order: &mut Order,
    ) -> Result<String, Miss> {
        let into = self.cache.runtime_root(self.release, self.platform);
        let (growing, progress) = (&order.growing, &mut self.progress);
        let outcome = process::run(&mut order.command, self.stall_timeout, || {
            let (bytes, total) = (growing.bytes(), growing.total());
            progress(Progress::Downloading {
                client,
                archive,
                into: &into,
                bytes,
                total,
            });
            bytes
        });
        outcome.map_err(|(reason, stderr)| {
            if Space::is_full_says(&stderr) {
                return Miss::Fatal(self.space.full());
            }
            if let Some(actual) = mismatch_says(client, &stderr) {
                return Miss::Fatal(Error::HashMismatch {
                    file: archive.file.clone().into_owned(),
                    expected: archive.sha256.clone().into_owned(),
                    actual,
                    removed: true,
                });
            }
            Miss::Client(ClientFailure::new(client, reason, stderr))
        })
    }

    /// Gives the runtime its name, which makes it one.
    fn publish(self, root: &Path, staging: &Staging) -> Result<Runtime, Error> {
        let sums = root.join(SUMS);
        fs::write(&sums, sums_of(self.platform)).map_err(self.space.writing(&sums))?;
        // A power cut must not leave a name without its content.
        for path in self
            .platform
            .files()
            .map(|file| join(root, &file.path))
            .chain([sums])
        {
            let file = File::options().append(true).open(&path);
            file.and_then(|file| file.sync_all())
                .map_err(self.space.writing(&path))?;
        }
        let target = self.cache.runtime_root(self.release, self.platform);
        if fs::symlink_metadata(&target).is_ok() {
            // A runtime that is damaged, or to be replaced. Whoever runs it keeps it open.
            let old = staging.path().join("old");
            fs::rename(&target, &old).map_err(at("move away", &target))?;
        }
        match fs::rename(root, &target) {
            Ok(()) => Ok(Runtime::new(target, self.release, self.platform)),
            Err(error) => {
                // Without locks, another may have been first.
                let other = self.cache.locate_release(self.release, self.platform)?;
                other.ok_or_else(|| self.space.writing(&target)(error))
            }
        }
    }
}

/// The file with this extension in a folder.
fn file_in(folder: &Path, extension: &str) -> Option<PathBuf> {
    let paths = fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    paths
        .into_iter()
        .find(|path| path.extension().is_some_and(|found| found == extension))
}

/// Compares an archive with what was published, and removes it if it is something else.
fn check_archive(file: &Path, archive: &Archive) -> Result<(), Error> {
    let actual = sha256_of(file).map_err(at("read", file))?;
    if actual == archive.sha256 {
        return Ok(());
    }
    Err(Error::HashMismatch {
        file: archive.file.clone().into_owned(),
        expected: archive.sha256.clone().into_owned(),
        actual,
        removed: fs::remove_file(file).is_ok(),
    })
}

/// Refuses what uv has unpacked if anything in it is neither a file nor a folder.
fn refuse_links(root: &Path, archive: &Archive) -> Result<(), Error> {
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(at("read", &folder))? {
            let entry = entry.map_err(at("read", &folder))?;
            let kind = entry.file_type().map_err(at("read", &folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if !kind.is_file() {
                return Err(Error::UnsafeEntry {
                    archive: archive.file.clone().into_owned(),
                    entry: entry.path().display().to_string(),
                    reason: unpack::NOT_PLAIN,
                });
            }
        }
    }
    Ok(())
}

/// The sha256 that uv has found when it says that it is not the expected one.
fn mismatch_says(client: Client, stderr: &str) -> Option<String> {
    if client != Client::Uv || !stderr.contains("Hash mismatch") {
        return None;
    }
    let (_, computed) = stderr.split_once("Computed:")?;
    let (_, hash) = computed.split_once("sha256:")?;
    let hash = hash.split_whitespace().next()?;
    Some(hash.to_owned())
}
