//! The newest of what the runtime wrote to stderr.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much is kept. The runtime's last words, a stack trace included, are less.
const CAPACITY: usize = 16 * 1024;

/// The tail of a stream of bytes that need not be UTF-8. When it is full, the
/// oldest bytes go.
#[derive(Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<u8>>>);

impl StderrTail {
    /// Reads `stderr` to its end, so that the runtime never blocks on it, and copies all of it.
    pub(crate) async fn drain(self, mut stderr: impl AsyncRead + Unpin, mut copy: Option<File>) {
        let mut chunk = vec![0; 8 * 1024];
        // An error is the end as well: there is nobody to tell it to.
        while let Ok(length @ 1..) = stderr.read(&mut chunk).await {
            self.push(&chunk[..length]);
            // A file takes so little without a wait worth a thread. One that takes no more, as on
            // a full disk, is no reason to stop reading.
            if let Some(file) = &mut copy
                && let Err(error) = file.write_all(&chunk[..length])
            {
                tracing::warn!(%error, "the copy of the runtime's stderr ends here");
                copy = None;
            }
        }
    }

    fn push(&self, bytes: &[u8]) {
        let newest = &bytes[bytes.len().saturating_sub(CAPACITY)..];
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let excess = (tail.len() + newest.len()).saturating_sub(CAPACITY);
        tail.drain(..excess);
        tail.extend(newest);
    }

    /// What was kept, from the beginning of a line where the beginning is lost.
    pub(crate) fn text(&self) -> String {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = tail.len() == CAPACITY;
        let bytes = &*tail.make_contiguous();
        let start = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(line_end) if full && line_end + 1 < bytes.len() => line_end + 1,
            _ => 0,
        };
        String::from_utf8_lossy(&bytes[start..]).into_owned()
    }
}

/// Opens a file that stderr is copied to, behind what is in it. On Unix only the user can read it
/// then, also if it was there before.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // The runtime may quote there what was said to the model.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // A file that was there has kept its mode. Not of a device or a pipe.
        let metadata = file.metadata()?;
        let mut permissions = metadata.permissions();
        if metadata.is_file() && permissions.mode() & 0o077 != 0 {
            permissions.set_mode(permissions.mode() & 0o700);
            file.set_permissions(permissions)?;
        }
    }
    Ok(file)
}

/// The one line of `tail` that says most: the runtime's own `Error: …`, else
/// the last one.
pub(crate) fn last_words(tail: &str) -> Option<&str> {
    let mut lines = tail.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.clone().next_back();
    lines.rfind(|line| line.starts_with("Error: ")).or(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_is_kept_whatever_it_contains() {
        let tail = StderrTail::default();
        let mut input = b"\xff\xfe first\n".to_vec();
        tail.clone().drain(&input[..], None).await;
        assert_eq!(tail.text(), "\u{fffd}\u{fffd} first\n");

        for line in 0..10_000 {
            input.extend(format!("line {line} \u{20ac}\n").bytes());
        }
        input.extend(b"last \x80 words");
        tail.clone().drain(&input[..], None).await;
        let text = tail.text();
        assert!(text.len() <= CAPACITY + 8, "{}", text.len());
        assert!(text.ends_with("line 9999 \u{20ac}\nlast \u{fffd} words"));
        assert!(text.starts_with("line "), "{}", &text[..20]);
    }

    #[test]
    fn one_long_line_is_cut_at_its_beginning() {
        let tail = StderrTail::default();
        tail.push(&[b'x'; CAPACITY]);
        tail.push(&[b'y'; 10]);
        let text = tail.text();
        assert_eq!(text.len(), CAPACITY);
        assert!(text.ends_with("xyyyyyyyyyy"));
    }

    #[cfg(unix)]
    #[test]
    fn the_copy_is_for_the_user_alone_over_an_older_file_too() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stderr.log");
        std::fs::write(&path, "an earlier one\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
        append_to(&path).unwrap().write_all(b"more\n").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "an earlier one\nmore\n"
        );
        // Not of what is no file of ours.
        assert!(append_to(Path::new("/dev/null")).is_ok());
    }

    #[test]
    fn the_last_words_are_the_error_if_there_is_one() {
        assert_eq!(last_words(""), None);
        assert_eq!(last_words("a\nb\n\n"), Some("b"));
        assert_eq!(
            last_words("WARN x\nError: no home\n\nStack backtrace:\n  0: <unknown>\n"),
            Some("Error: no home")
        );
    }
}
