//! Downloading and unpacking the runtime: [`Installer`].

mod bounded;
mod client;
mod lock;
mod process;
mod progress;
mod running;
mod space;
mod staging;
mod unpack;
mod work;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

pub use client::Client;
pub use process::ClientFailure;
pub use progress::Progress;

use crate::Error;
use crate::cache::Cache;
use crate::files::{self, Access};
use crate::install::lock::Lock;
use crate::install::space::Space;
use crate::install::work::Work;
use crate::release::{Platform, Release, current_target};
use crate::runtime::Runtime;

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
    releases: Cow<'static, [Release]>,
    target: Cow<'static, str>,
    stall_timeout: Duration,
    lock_timeout: Duration,
    on_progress: Box<dyn FnMut(Progress<'_>) + Send>,
}

impl Installer {
    /// An installer of the pinned runtime for this machine, into the user's cache, through the
    /// first of uv, pip and npm that delivers.
    ///
    /// Not every release is published for every client. Where none brings the pinned one, the newest
    /// of [`Release::supported`] that can be had is installed instead: [`Runtime::version`] says
    /// which, and [`Runtime::instead_of_pinned`] how to get the pinned one.
    pub fn new() -> Self {
        Self {
            cache: None,
            client: None,
            search_path: None,
            force: false,
            releases: Cow::Borrowed(Release::supported()),
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

    /// Installs this release and no other.
    pub fn release(mut self, release: Release) -> Self {
        self.releases = Cow::Owned(vec![release]);
        self
    }

    /// Installs the first of these that a client can have.
    pub fn releases(mut self, releases: impl Into<Vec<Release>>) -> Self {
        self.releases = Cow::Owned(releases.into());
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
    /// - [`Error::InTheWay`]: a link, a pipe or the like stands where the installer keeps something
    ///   of its own. None is followed, and nothing is removed that it has not made.
    /// - [`Error::NoClient`], [`Error::Download`]: no client was found, or each has failed.
    /// - [`Error::HashMismatch`]: something was delivered that is not what was published. No other
    ///   client is tried then, for it needs a person to look at it.
    /// - [`Error::UnsafeEntry`], [`Error::BadArchive`]: the archive could not be unpacked.
    /// - [`Error::Locked`]: another installer does not come to an end.
    pub fn install(mut self) -> Result<Runtime, Error> {
        let cache = match self.cache.take() {
            Some(cache) => cache,
            None => Cache::user()?,
        };
        let search_path = match self.search_path.take() {
            Some(path) => path,
            None => std::env::var_os("PATH").unwrap_or_default(),
        };
        // The failure of the first is told if none can be had.
        let mut first = None;
        for release in self.releases.clone().iter() {
            match self.install_release(release, &cache, &search_path) {
                Err(error @ (Error::NoClient { .. } | Error::Download { .. })) => {
                    first.get_or_insert(error);
                }
                outcome => return outcome,
            }
        }
        Err(first.unwrap_or_else(|| Error::NoClient {
            searched: self.clients().to_vec(),
        }))
    }

    fn install_release(
        &mut self,
        release: &Release,
        cache: &Cache,
        search_path: &OsStr,
    ) -> Result<Runtime, Error> {
        let platform = release.platform(&self.target)?.clone();
        if let Some(runtime) = self.installed(cache, release, &platform)? {
            return Ok(runtime);
        }
        let folder = cache.runtimes();
        let space = Space {
            cache: cache.path().to_path_buf(),
            // While at work, the archive and what is unpacked from it lie side by side.
            needed: platform
                .archives()
                .map(|archive| archive.size + archive.unpacked)
                .fold(0, u64::max),
        };
        // What the user has named may be a link; what lies in it is ours.
        let mut with_parents = Access::Readable.builder();
        with_parents
            .recursive(true)
            .create(cache.path())
            .map_err(space.writing(cache.path()))?;
        files::create_folder(&folder, Access::Readable).map_err(space.writing(&folder))?;
        let progress = &mut self.on_progress;
        let lock = Lock::acquire(&folder.join(".lock"), self.lock_timeout, &space, || {
            progress(Progress::Waiting);
        })?;
        if let Some(runtime) = self.installed(cache, release, &platform)? {
            return Ok(runtime);
        }
        let staging = folder.join(".staging");
        if lock.exclusive {
            staging::sweep(&staging);
        }
        let clients = self.clients().to_vec();
        let work = Work {
            release,
            platform: &platform,
            cache,
            space: &space,
            staging: &staging,
            lock: lock.file(),
            stall_timeout: self.stall_timeout,
            progress: &mut *self.on_progress,
        };
        work.install(&clients, search_path)
    }

    fn clients(&self) -> &[Client] {
        let one = self.client.as_ref().map(std::slice::from_ref);
        one.unwrap_or(&Client::ALL)
    }

    fn installed(
        &self,
        cache: &Cache,
        release: &Release,
        platform: &Platform,
    ) -> Result<Option<Runtime>, Error> {
        if self.force {
            Ok(None)
        } else {
            cache.locate_release(release, platform)
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
        let versions: Vec<_> = self.releases.iter().map(|it| &it.version).collect();
        f.debug_struct("Installer")
            .field("cache", &self.cache)
            .field("client", &self.client)
            .field("force", &self.force)
            .field("versions", &versions)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
