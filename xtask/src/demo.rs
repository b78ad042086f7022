//! `demo`: a real turn with a scripted model, from nothing.

use std::process::Command;

use anyhow::{Context, Result, bail};

use openai_codex_runtime::Installer;

use crate::{install, root};

pub(crate) fn run() -> Result<()> {
    // First, so that its progress is seen: the example would install it too.
    if std::env::var_os("CODEX_BIN").is_none() {
        install::with(Installer::new())?;
    }
    // An example of the SDK, not code of ours: the generator must build without what it generates.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--package",
            "openai-codex",
            "--example",
            "demo",
        ])
        .current_dir(root())
        .status()
        .context("cannot run cargo")?;
    match status.success() {
        true => Ok(()),
        false => bail!("the demo failed ({status})"),
    }
}
