//! Unpacking an archive without trusting the names in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use tar::EntryType;
use zip::ZipArchive;

use crate::Error;
use crate::files::open_plain;
use crate::install::bounded::Bounded;
use crate::install::space::Space;
use crate::release::Archive;

const BUFFER: usize = 256 * 1024;
/// How many bytes are written between two words about it.
const TELL: u64 = 4 << 20;

/// How many bytes an archive may hold beside its root. Those of 0.163.0 hold 6 KB there.
const BESIDE: u64 = 1 << 20;
/// How many entries it may have. Those of 0.163.0 have 47 at most.
const ENTRIES: u64 = 1024;
/// How many bytes may lie between two entries of a tar: headers, a long name, the padding.
const HEADERS: u64 = 64 * 1024;

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A wheel.
    Zip,
    /// An npm package.
    TarGz,
}

impl Format {
    /// The extension of such a file.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Zip => "whl",
            Self::TarGz => "tgz",
        }
    }
}

/// Unpacks what lies below `archive.root` into the folder `into`, which must not exist yet.
///
/// `wrote` hears how many bytes have been written.
///
/// # Errors
///
/// [`Error::UnsafeEntry`] when any entry, also one outside the root, has a name that leads
/// elsewhere, appears twice, or is neither a file nor a folder; nothing is ever written outside
/// `into`. [`Error::BadArchive`] when the archive cannot be read or holds more than it should,
/// below the root, beside it or in what describes its entries; no more than that is ever unpacked.
pub(crate) fn unpack(
    file: &Path,
    format: Format,
    archive: &Archive,
    into: &Path,
    space: &Space,
    wrote: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    fs::create_dir(into).map_err(space.writing(into))?;
    let mut target = Target {
        archive,
        into,
        space,
        wrote,
        entries: 0,
        below: 0,
        beside: 0,
        written: 0,
        told: 0,
    };
    match format {
        Format::Zip => target.unpack_zip(file),
        Format::TarGz => target.unpack_tar_gz(file),
    }
}

struct Target<'a> {
    archive: &'a Archive,
    into: &'a Path,
    space: &'a Space,
    wrote: &'a mut dyn FnMut(u64),
    /// How many entries there are so far, and how large they say they are.
    entries: u64,
    below: u64,
    beside: u64,
    written: u64,
    told: u64,
}

impl Target<'_> {
    fn unpack_zip(&mut self, file: &Path) -> Result<(), Error> {
        let open = open_plain(file).map_err(|error| self.bad(error))?;
        let mut zip = ZipArchive::new(BufReader::new(open)).map_err(|error| self.bad(error))?;
        // The list of entries stands at the end of the file, so all can be refused before
        // anything is written.
        for write in [false, true] {
            for i in 0..zip.len() {
                let mut entry = zip.by_index(i).map_err(|error| self.bad(error))?;
                let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
                let kind = entry.unix_mode().unwrap_or_default() & 0o170_000;
                let is_dir = entry.is_dir();
                // No kind at all is what tools write that know only the permissions.
                let plain = matches!(kind, 0 | 0o100_000) || (is_dir && kind == 0o040_000);
                if !plain || entry.is_symlink() {
                    return Err(self.refused(&name, NOT_PLAIN));
                }
                let path = self.place(&name)?;
                if !write {
                    // What lies beside the root is never unpacked.
                    self.admit(path.is_some(), entry.size())?;
                }
                if let (true, false, Some(path)) = (write, is_dir, path) {
                    let executable = entry.unix_mode().unwrap_or_default() & 0o111 != 0;
                    self.write(&name, &path, executable, &mut entry)?;
                }
            }
        }
        Ok(())
    }

    fn unpack_tar_gz(&mut self, file: &Path) -> Result<(), Error> {
        let open = open_plain(file).map_err(|error| self.bad(error))?;
        let unzipped = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, open));
        let (unzipped, left) = Bounded::new(unzipped);
        let mut tar = tar::Archive::new(unzipped);
        let mut entries = tar.entries().map_err(|error| self.bad(error))?;
        loop {
            // All of the entry before this one has been read.
            left.set(HEADERS);
            let Some(entry) = entries.next() else {
                return Ok(());
            };
            let mut entry = entry.map_err(|error| self.bad(error))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = self.place(&name)?;
            match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {}
                // Folders are made as files need them. A global header only describes.
                EntryType::Directory | EntryType::XGlobalHeader => {
                    self.admit(false, 0)?;
                    continue;
                }
                _ => return Err(self.refused(&name, NOT_PLAIN)),
            }
            self.admit(path.is_some(), entry.size())?;
            left.set(entry.size());
            match path {
                Some(path) => {
                    let mode = entry.header().mode().map_err(|error| self.bad(error))?;
                    self.write(&name, &path, mode & 0o111 != 0, &mut entry)?;
                }
                None => {
                    io::copy(&mut entry, &mut io::sink()).map_err(|error| self.bad(error))?;
                }
            }
        }
    }

    /// Counts an entry in, or refuses what says itself that it is too much.
    fn admit(&mut self, below_root: bool, size: u64) -> Result<(), Error> {
        self.entries += 1;
        let (sum, most) = match below_root {
            true => (&mut self.below, self.archive.unpacked),
            false => (&mut self.beside, BESIDE),
        };
        *sum = sum.saturating_add(size);
        if *sum > most || self.entries > ENTRIES {
            return Err(self.bad(io::Error::other("holds more than was published")));
        }
        Ok(())
    }

    /// Where an entry belongs, if below the root.
    fn place(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        let parts = parts(name).map_err(|reason| self.refused(name, reason))?;
        let root: Vec<_> = self.archive.root.split('/').collect();
        Ok(match parts.strip_prefix(root.as_slice()) {
            None | Some([]) => None,
            Some(below) => Some(self.into.join(below.iter().collect::<PathBuf>())),
        })
    }

    fn write(
        &mut self,
        name: &str,
        path: &Path,
        executable: bool,
        from: &mut dyn Read,
    ) -> Result<(), Error> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(self.space.writing(parent))?;
        }
        let mut file = match create_new(path, executable) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(self.refused(name, "appears twice"));
            }
            Err(error) => return Err(self.space.writing(path)(error)),
        };
        let mut buffer = vec![0; BUFFER];
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.bad(error)),
            };
            self.written += n as u64;
            if self.written > self.archive.unpacked {
                return Err(self.bad(io::Error::other("holds more than was published")));
            }
            file.write_all(&buffer[..n])
                .map_err(self.space.writing(path))?;
            if self.written - self.told >= TELL || self.written == self.archive.unpacked {
                self.told = self.written;
                (self.wrote)(self.written);
            }
        }
    }

    fn bad(&self, error: impl Into<io::Error>) -> Error {
        Error::BadArchive {
            archive: self.archive.file.clone().into_owned(),
            source: error.into(),
        }
    }

    fn refused(&self, entry: &str, reason: &'static str) -> Error {
        let archive = self.archive.file.clone().into_owned();
        Error::UnsafeEntry {
            archive,
            entry: entry.to_owned(),
            reason,
        }
    }
}

pub(crate) const NOT_PLAIN: &str = "is neither a file nor a folder";

/// The parts of an entry's name, or what is wrong with it.
///
/// What is refused is refused on every system, so that an archive is good on all or on none.
fn parts(name: &str) -> Result<Vec<&str>, &'static str> {
    if name.is_empty() {
        return Err("has no name");
    }
    if name.starts_with('/') {
        return Err("has an absolute path");
    }
    if name.contains('\\') {
        return Err("has a backslash in its path");
    }
    if name.contains(':') {
        return Err("has a colon in its path, as a drive would");
    }
    if name.contains('\0') || name.contains(char::REPLACEMENT_CHARACTER) {
        return Err("has a character that no path has");
    }
    let parts: Vec<_> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return Err("leads out of the folder");
    }
    Ok(parts)
}

fn create_new(path: &Path, executable: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if executable { 0o755 } else { 0o644 });
    }
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)
}
