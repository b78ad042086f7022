//! Opening what may not be what it should be.
//!
//! A cache is a folder like any other: somebody else may have put a link, a named pipe or a device
//! where this crate expects a file of its own. Below the cache folder no link is followed, and
//! nothing but a plain file is opened for reading or writing: the wait for the other end of a pipe
//! would have no end. The cache folder itself is what the user has named, link or not.

use std::fs::{self, File, FileType, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a plain file to read it.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] when it is anything else, a link to a plain file included, and
/// whatever the system says.
pub(crate) fn open_plain(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Opens a plain file with these options, which may create it, and no other kind of file.
///
/// # Errors
///
/// As [`open_plain`].
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // To open a device can be enough to set something off, so this look comes first.
    match fs::symlink_metadata(path) {
        Ok(meta) => plain(meta.file_type())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // It may be another file by now: neither followed nor waited for, and looked at again.
    let file = careful(options).open(path)?;
    plain(file.metadata()?.file_type())?;
    Ok(file)
}

/// Makes a folder of ours, unless it is there already.
///
/// # Errors
///
/// When anything else is there, a link to a folder included, and whatever the system says.
#[cfg(feature = "install")]
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(path) => Ok(()),
        other => other,
    }
}

/// What stands in the way when something else than a plain file or a folder does.
#[cfg(feature = "install")]
pub(crate) fn strange(path: &Path) -> Option<&'static str> {
    let kind = fs::symlink_metadata(path).ok()?.file_type();
    (!kind.is_file() && !kind.is_dir()).then(|| name_of(kind))
}

/// Whether this is a folder, and no link to one.
#[cfg(feature = "install")]
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

fn plain(kind: FileType) -> io::Result<()> {
    if kind.is_file() {
        return Ok(());
    }
    let what = format!("it is {}, and no plain file", name_of(kind));
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(unix)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
}

#[cfg(windows)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::windows::fs::OpenOptionsExt as _;

    // The link itself is opened then, and seen to be one.
    const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

#[cfg(not(any(unix, windows)))]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn name_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;

    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        common_name_of(kind)
    }
}

#[cfg(not(unix))]
fn name_of(kind: FileType) -> &'static str {
    common_name_of(kind)
}

fn common_name_of(kind: FileType) -> &'static str {
    if kind.is_symlink() {
        "a link"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "something unknown"
    }
}
