//! The file that a recording goes to.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens an empty file, in place of what it held. On Unix only the user can read it, also if it
/// was there before: what is said to a model is nobody else's business.
///
/// # Errors
/// When the file cannot be made or opened for writing.
pub fn create_file(path: impl AsRef<Path>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    // Not of a device or a pipe.
    if metadata.is_file() {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A file that was there has kept its mode.
            let mut permissions = metadata.permissions();
            if permissions.mode() & 0o077 != 0 {
                permissions.set_mode(permissions.mode() & 0o700);
                file.set_permissions(permissions)?;
            }
        }
        file.set_len(0)?;
    }
    Ok(file)
}
