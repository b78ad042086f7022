//! Opening what may not be what it should be.
//!
//! A cache is a folder like any other: somebody else may have put a link, a named pipe or a device
//! where this crate expects a file of its own. Below the cache folder no link is followed, and
//! nothing but a plain file is opened for reading or writing: the wait for the other end of a pipe
//! would have no end. The cache folder itself is what the user has named, link or not.

#[cfg(feature = "install")]
use std::fs::DirBuilder;
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

/// Who may look into a folder of ours. Only its owner may write it, whatever the umask allows.
#[cfg(feature = "install")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Its owner alone.
    Private,
    /// Whoever the umask lets.
    Readable,
}

#[cfg(feature = "install")]
impl Access {
    /// What makes such folders.
    #[cfg(unix)]
    pub(crate) fn builder(self) -> DirBuilder {
        use std::os::unix::fs::DirBuilderExt as _;

        let mut builder = DirBuilder::new();
        builder.mode(match self {
            Self::Private => 0o700,
            Self::Readable => 0o755,
        });
        builder
    }

    /// What makes such folders. Elsewhere they inherit who may read and write them.
    #[cfg(not(unix))]
    pub(crate) fn builder(self) -> DirBuilder {
        DirBuilder::new()
    }
}

/// Makes a folder of ours, unless it is there already.
///
/// # Errors
///
/// When anything else is there, a link to a folder included, and whatever the system says.
#[cfg(feature = "install")]
pub(crate) fn create_folder(path: &Path, access: Access) -> io::Result<()> {
    match access.builder().create(path) {
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

/// Takes the right to write from everyone but the owner, and the bits that lend a program its
/// owner's rights, for a folder and all that is in it. It holds only files and folders.
#[cfg(all(unix, feature = "install"))]
pub(crate) fn only_owner_writes(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let meta = fs::symlink_metadata(path)?;
    let mode = meta.permissions().mode();
    if mode & 0o7022 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o755))?;
    }
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            only_owner_writes(&entry?.path())?;
        }
    }
    Ok(())
}

/// Elsewhere the cache inherits who may write it from the user's folder.
#[cfg(all(not(unix), feature = "install"))]
pub(crate) fn only_owner_writes(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        // Where it is made. Whatever the umask allows, only its owner writes it.
        .mode(0o644)
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
