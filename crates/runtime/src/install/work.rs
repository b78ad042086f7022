//! The work of an installation, under the lock: [`Work`].

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache::{Cache, SUMS, sums_of};
use crate::files;
use crate::install::client::{Client, Delivery, Folders, Order, Program};
use crate::install::process::{self, ClientFailure, Reason};
use crate::install::progress::Progress;
use crate::install::space::Space;
use crate::install::staging::Staging;
use crate::install::unpack::{NOT_PLAIN, unpack};
use crate::release::{Archive, Platform, Release};
use crate::runtime::{Runtime, join};
use crate::verify::{sha256_of, verify_files};
use crate::{Error, error::at};

/// An installation under the lock.
pub(crate) struct Work<'a> {
    pub(crate) release: &'a Release,
    pub(crate) platform: &'a Platform,
    pub(crate) cache: &'a Cache,
    pub(crate) space: &'a Space,
    pub(crate) staging: &'a Path,
    pub(crate) lock: &'a File,
    pub(crate) stall_timeout: Duration,
    pub(crate) progress: &'a mut (dyn FnMut(Progress<'_>) + Send),
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
    pub(crate) fn install(
        mut self,
        clients: &[Client],
        search_path: &OsStr,
    ) -> Result<Runtime, Error> {
        let mut failures = Vec::new();
        for &client in clients {
            let Some(archive) = client.archive(self.platform) else {
                continue;
            };
            let Some(program) = client.find(search_path) else {
                continue;
            };
            // Each has a folder of its own, so the next does not trip over what one has left.
            let staging =
                Staging::create(self.staging).map_err(self.space.writing(self.staging))?;
            match self.fetch(client, archive, &program, search_path, staging.path()) {
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
        archive: &Archive,
        program: &Program,
        search_path: &OsStr,
        staging: &Path,
    ) -> Result<PathBuf, Miss> {
        let folders = Folders::create(staging).map_err(self.space.writing(staging))?;
        let order = client
            .order(program, search_path, self.platform, archive, &folders)
            .map_err(self.space.writing(staging))?;
        let stderr = self.run(client, archive, &order)?;
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
                unpack(&file, format, archive, &root, self.space, &mut wrote)?;
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
    fn run(&mut self, client: Client, archive: &Archive, order: &Order) -> Result<String, Miss> {
        let into = self.cache.runtime_root(self.release, self.platform);
        let (growing, progress) = (&order.growing, &mut self.progress);
        let mut most = 0;
        let outcome = process::run(&order.command, Some(self.lock), self.stall_timeout, || {
            let total = growing.total();
            // A client moves files about, so that there may seem to be less for a moment.
            let bytes = growing.bytes().max(most);
            most = bytes;
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
        files::open(
            &sums,
            File::options().create(true).write(true).truncate(true),
        )
        .and_then(|mut file| file.write_all(sums_of(self.platform).as_bytes()))
        .map_err(self.space.writing(&sums))?;
        // What uv has unpacked has the permissions that uv and the umask give.
        files::only_owner_writes(root).map_err(self.space.writing(root))?;
        // A power cut must not leave a name without its content.
        for path in self
            .platform
            .files()
            .map(|file| join(root, &file.path))
            .chain([sums])
        {
            let file = files::open(&path, File::options().append(true));
            file.and_then(|file| file.sync_all())
                .map_err(self.space.writing(&path))?;
        }
        let target = self.cache.runtime_root(self.release, self.platform);
        let replaces = fs::symlink_metadata(&target).is_ok();
        let old = match is_runtime(&target) {
            // It is damaged, or to be replaced. Whoever runs it keeps it open.
            true => staging.path().join("old"),
            false => set_aside(&target),
        };
        if replaces {
            fs::rename(&target, &old).map_err(at("move away", &target))?;
        }
        match fs::rename(root, &target) {
            Ok(()) => Ok(Runtime::new(target, self.release, self.platform)),
            Err(error) if replaces => {
                // It was better than none, for whoever does not ask for another.
                let _ = fs::rename(&old, &target);
                Err(self.space.writing(&target)(error))
            }
            Err(error) => {
                // Without locks, another may have been first.
                let other = self.cache.locate_release(self.release, self.platform)?;
                other.ok_or_else(|| self.space.writing(&target)(error))
            }
        }
    }
}

/// Whether an installer has made this, and may remove it.
fn is_runtime(path: &Path) -> bool {
    files::is_folder(path) && files::open_plain(&path.join(SUMS)).is_ok()
}

/// Where to move what stands in the place of a runtime and is none: it is not ours to remove.
fn set_aside(path: &Path) -> PathBuf {
    let nanos = SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |time| time.as_nanos());
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".set-aside-{nanos}"));
    name.into()
}

/// The plain file with this extension in a folder.
fn file_in(folder: &Path, extension: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
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
                    reason: NOT_PLAIN,
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
