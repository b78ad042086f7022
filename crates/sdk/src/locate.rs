//! Where the runtime's binary comes from.

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
                true => Ok(Found {
                    binary,
                    path_dir: None,
                }),
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
        Ok(Some(runtime)) => {
            return Ok(Found {
                binary: runtime.binary().to_owned(),
                path_dir: runtime.path_dir().map(Path::to_owned),
            });
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
    match on_path() {
        Some(binary) => match version_of(&binary).await {
            Ok(version) if policy.judge(Some(&version)) == Verdict::Fits => {
                return Ok(Found {
                    binary,
                    path_dir: None,
                });
            }
            Ok(version) => {
                let _ = write!(
                    looked,
                    "; {} is codex {version}, which {policy:?} does not take",
                    binary.display()
                );
            }
            Err(reason) => {
                let _ = write!(looked, "; {} {reason}", binary.display());
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

fn on_path() -> Option<PathBuf> {
    let name = if cfg!(windows) { "codex.exe" } else { "codex" };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        // A relative folder would mean another one once the child has changed its own.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
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
