//! Hashing what is on disk.

use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::files::open_plain;
use crate::release::Platform;
use crate::runtime::{Runtime, join};
use crate::{Error, error::at};

/// Compares the sha256 of an installed runtime with what the release says: of the binary, and of
/// the files beside it that it starts.
///
/// It reads some 375 MB.
///
/// # Errors
///
/// [`Error::HashMismatch`] for the first file that differs, and [`Error::Io`] when one cannot be
/// read.
///
/// # Examples
///
/// ```no_run
/// if let Some(runtime) = openai_codex_runtime::locate()? {
///     openai_codex_runtime::verify(&runtime)?;
/// }
/// # Ok::<(), openai_codex_runtime::Error>(())
/// ```
pub fn verify(runtime: &Runtime) -> Result<(), Error> {
    verify_files(runtime.root(), runtime.platform())
}

/// The same for files that are not installed yet.
pub(crate) fn verify_files(root: &Path, platform: &Platform) -> Result<(), Error> {
    for file in platform.files() {
        let path = join(root, &file.path);
        let actual = sha256_of(&path).map_err(at("read", &path))?;
        if actual != file.sha256 {
            return Err(Error::HashMismatch {
                file: path.display().to_string(),
                expected: file.sha256.clone().into_owned(),
                actual,
                removed: false,
            });
        }
    }
    Ok(())
}

/// The sha256 of a file, in lowercase hexadecimal digits.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = open_plain(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => hasher.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digits = hasher.finalize();
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}
