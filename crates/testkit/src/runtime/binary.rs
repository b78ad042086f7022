//! Which runtime the tests run.

use std::ffi::OsString;
use std::path::PathBuf;

use openai_codex_runtime::Runtime;

use crate::error::{Error, Result};

/// A runtime to start.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) path: PathBuf,
    /// Holds the tools that come with the runtime; goes first on its `PATH`.
    path_dir: Option<PathBuf>,
}

impl Binary {
    /// One that the test or the environment names.
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

    /// The one that `$CODEX_BIN` names.
    fn named(path: PathBuf) -> Result<Self> {
        Binary::at(path).map_err(|error| Error::new(format!("{error}, which CODEX_BIN names")))
    }

    /// That of `$CODEX_BIN`, else the pinned one, which is installed if need be.
    pub(crate) fn find() -> Result<Self> {
        if let Some(path) = std::env::var_os("CODEX_BIN").filter(|path| !path.is_empty()) {
            return Binary::named(path.into());
        }
        let located = openai_codex_runtime::locate();
        match located.map_err(|error| Error::caused("cannot look for the Codex runtime", error))? {
            Some(runtime) if runtime.instead_of_pinned().is_none() => Ok(Binary::from(runtime)),
            older => install(older).map(Binary::from),
        }
    }

    /// The `PATH` with the runtime's own tools first; `None` to leave it alone.
    pub(crate) fn search_path(&self) -> Option<OsString> {
        let own = self.path_dir.clone()?;
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&inherited))).ok()
    }
}

impl From<Runtime> for Binary {
    fn from(runtime: Runtime) -> Self {
        Binary {
            path: runtime.binary().to_owned(),
            path_dir: runtime.path_dir().map(PathBuf::from),
        }
    }
}

/// What is there, if there is anything.
#[cfg(not(feature = "install"))]
fn install(older: Option<Runtime>) -> Result<Runtime> {
    older.ok_or_else(|| {
        Error::new(format!(
            "the Codex runtime {} is not installed: \
         enable the feature `install` of openai-codex-testkit, run `openai-codex-runtime install`, \
         or set CODEX_BIN to a codex binary",
            openai_codex_runtime::VERSION
        ))
    })
}

/// Installs the pinned runtime, or the newest supported one that can be had, and tells the person who
/// waits for it.
#[cfg(feature = "install")]
fn install(_: Option<Runtime>) -> Result<Runtime> {
    use std::sync::{Mutex, PoisonError};

    use openai_codex_runtime::{Installer, Progress};

    // The tests of one process ask at once; across processes the installer has a lock of its own.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut told = false;
    let tell_once = move |progress: Progress<'_>| match progress {
        Progress::Waiting => say("another process installs the Codex runtime; waiting for it"),
        Progress::Downloading {
            client,
            archive,
            into,
            ..
        } if !told => {
            told = true;
            say(&format!(
                "installing the Codex runtime for the tests, this once: {} downloads {} ({} MB) into {}",
                client.name(),
                archive.file,
                archive.size / 1_000_000,
                into.display()
            ));
        }
        Progress::Failed { failure } => {
            told = false;
            say(&format!("{failure}"));
        }
        _ => {}
    };
    let installed = Installer::new().on_progress(tell_once).install();
    let runtime =
        installed.map_err(|error| Error::caused("the Codex runtime cannot be installed", error))?;
    // Once a process is often enough.
    static TOLD: std::sync::Once = std::sync::Once::new();
    if let Some(note) = runtime.instead_of_pinned() {
        TOLD.call_once(|| say(&note));
    }
    Ok(runtime)
}

/// To the real stderr: the test harness would keep what `eprintln` says until the test fails.
#[cfg(feature = "install")]
fn say(what: &str) {
    use std::io::{Write, stderr};

    // Nobody to tell is no reason to fail.
    drop(writeln!(stderr(), "codex-testkit: {what}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_that_the_environment_names_wrongly_is_told_with_its_variable() {
        let error = Binary::named("/no/such/codex".into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no Codex runtime at /no/such/codex, which CODEX_BIN names"
        );
    }
}
