//! Which runtime the tests run.

use std::path::PathBuf;

use crate::error::{Error, Result};

/// A runtime to start.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// Holds the tools that come with the runtime; goes first on its `PATH`.
    pub(crate) path_dir: Option<PathBuf>,
}

impl Binary {
    pub(crate) fn at(path: PathBuf) -> Result<Self> {
        if path.is_file() {
            Ok(Binary {
                path,
                path_dir: None,
            })
        } else {
            Err(Error::new(format!(
                "there is no Codex runtime at {}",
                path.display()
            )))
        }
    }

    /// The runtime of `$CODEX_BIN`.
    pub(crate) fn find() -> Result<Self> {
        match std::env::var_os("CODEX_BIN").filter(|path| !path.is_empty()) {
            Some(path) => Binary::at(path.into()),
            None => Err(Error::new("no Codex runtime: set CODEX_BIN to one")),
        }
    }
}

impl Binary {
    /// The `PATH` with the runtime's own tools first; `None` to leave it alone.
    pub(crate) fn search_path(&self) -> Option<std::ffi::OsString> {
        let own = self.path_dir.as_ref()?;
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(own.clone()).chain(std::env::split_paths(&inherited));
        std::env::join_paths(all).ok()
    }
}
