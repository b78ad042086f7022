//! Where the runtime's binary comes from.

mod npm;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::error::{Error, ErrorKind, Result};
use crate::version::{Verdict, VersionPolicy};

/// How long `codex --version` may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A binary that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) binary: PathBuf,
    /// The folder with what the pinned runtime brings along.
    pub(crate) path_dir: Option<PathBuf>,
}

impl Found {
    /// What this path names: a binary, or what is behind a script.
    fn at(path: PathBuf) -> Self {
        let behind = cfg!(windows).then(|| npm::behind(&path)).flatten();
        behind.unwrap_or(Self {
            binary: path,
            path_dir: None,
        })
    }
}

/// Finds the binary: what the caller named, `$CODEX_BIN`, the pinned runtime in
/// the cache, and `codex` on the `PATH` if its version will do.
pub(crate) async fn locate(named: Option<&Path>, policy: VersionPolicy) -> Result<Found> {
    let from_env = std::env::var_os("CODEX_BIN").filter(|value| !value.is_empty());
    for (source, path) in [
        ("codex_bin", named.map(Path::to_owned)),
        ("$CODEX_BIN", from_env.map(PathBuf::from)),
    ] {
        // Against our folder, not against the one that the child will have.
        if let Some(binary) = path.map(|path| std::path::absolute(&path).unwrap_or(path)) {
            return match binary.is_file() {
                true => Ok(Found::at(binary)),
                false => Err(Error::new(
                    ErrorKind::Launch,
                    format!(
                        "{source} names {}, and there is no such file",
                        binary.display()
                    ),
                )),
            };
        }
    }
    let mut looked = String::from("codex_bin and $CODEX_BIN are not set");
    match openai_codex_runtime::locate() {
        Ok(Some(runtime)) if policy.judge(Some(runtime.version())) == Verdict::Fits => {
            if let Some(note) = runtime.instead_of_pinned() {
                tracing::info!("{note}");
            }
            return Ok(Found {
                binary: runtime.binary().to_owned(),
                path_dir: runtime.path_dir().map(Path::to_owned),
            });
        }
        Ok(Some(runtime)) => {
            let version = runtime.version();
            let _ = write!(
                looked,
                "; codex {version} in the cache, which {policy:?} does not take"
            );
        }
        Ok(None) => {
            let _ = match openai_codex_runtime::Cache::user() {
                Ok(cache) => write!(looked, "; no pinned runtime in {}", cache.path().display()),
                Err(error) => write!(looked, "; no cache folder ({error})"),
            };
        }
        Err(error) => {
            let _ = write!(looked, "; no pinned runtime ({error})");
        }
    }
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    match on_path(&search_path).map(Found::at) {
        Some(found) => match version_of(&found.binary).await {
            Ok(version) if policy.judge(Some(&version)) == Verdict::Fits => return Ok(found),
            Ok(version) => {
                let _ = write!(
                    looked,
                    "; {} is codex {version}, which {policy:?} does not take",
                    found.binary.display()
                );
            }
            Err(reason) => {
                let _ = write!(looked, "; {} {reason}", found.binary.display());
            }
        },
        None => looked.push_str("; no codex on PATH"),
    }
    Err(Error::new(
        ErrorKind::Launch,
        format!(
            "no Codex runtime found: {looked}. Install the pinned one with \
             `cargo install openai-codex-runtime && openai-codex-runtime install`"
        ),
    ))
}

/// The first `codex` on a search path, or the script for it that npm puts there on Windows.
fn on_path(search_path: &OsStr) -> Option<PathBuf> {
    let names: &[&str] = match cfg!(windows) {
        true => &["codex.exe", "codex.cmd"],
        false => &["codex"],
    };
    std::env::split_paths(search_path)
        // A relative folder would mean another one once the child has changed its own.
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

async fn version_of(binary: &Path) -> Result<String, String> {
    let output = Command::new(binary)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .map_err(|_| "does not say its version".to_owned())?
        .map_err(|error| format!("cannot be run ({error})"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().last() {
        Some(version) if output.status.success() => Ok(version.to_owned()),
        _ => Err("does not say its version".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with files of these names.
    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_first_codex_on_the_path_is_found() {
        // npm puts all three into one folder.
        let npm = folder(&["codex", "codex.cmd", "codex.ps1"]);
        let (none, both) = (
            folder(&["codex.txt"]),
            folder(&["codex.exe", "codex.cmd", "codex"]),
        );
        let on = |folders: &[&Path]| on_path(&std::env::join_paths(folders).unwrap());
        let (npms, exes) = match cfg!(windows) {
            true => ("codex.cmd", "codex.exe"),
            false => ("codex", "codex"),
        };
        assert_eq!(
            on(&[none.path(), npm.path(), both.path()]),
            Some(npm.path().join(npms))
        );
        assert_eq!(on(&[both.path(), npm.path()]), Some(both.path().join(exes)));
        assert_eq!(on(&[none.path(), Path::new("relative")]), None);
    }

    #[cfg(windows)]
    #[tokio::test]
    async fn a_script_with_nothing_behind_it_says_its_version() {
        let npm = folder(&[]);
        let script = npm.path().join("codex.cmd");
        std::fs::write(&script, "@echo codex-cli 0.163.0\r\n").unwrap();
        let found = Found::at(on_path(npm.path().as_os_str()).unwrap());
        assert_eq!(found.binary, script);
        assert_eq!(version_of(&found.binary).await.unwrap(), "0.163.0");
    }
}
