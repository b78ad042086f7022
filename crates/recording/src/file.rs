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
    let path = path.as_ref();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
        options.mode(0o600);
        // To open a pipe for writing alone waits until somebody reads it.
        let is_pipe = std::fs::metadata(path).is_ok_and(|it| it.file_type().is_fifo());
        options.read(is_pipe);
    }
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

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_holds_nobody_up() {
        let path = std::env::temp_dir().join(format!("codex-recording-{}", std::process::id()));
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let (tx, rx) = mpsc::channel();
        let pipe = path.clone();
        thread::spawn(move || tx.send(create_file(pipe).is_ok()));
        assert_eq!(rx.recv_timeout(Duration::from_secs(10)), Ok(true));
        std::fs::remove_file(&path).unwrap();
    }
}
