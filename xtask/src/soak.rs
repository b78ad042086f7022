//! `soak`: everything at once, for minutes.

use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use openai_codex_runtime::Installer;

use crate::{install, root};

#[derive(Args)]
pub(crate) struct Options {
    /// For how long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What is drawn by chance is drawn from this; printed, and a new one each time by default
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    // First, so that its progress is seen: the test would install it too.
    if std::env::var_os("CODEX_BIN").is_none() {
        install::with(Installer::new())?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["test", "--quiet", "--package", "openai-codex-tests"])
        .args(["--test", "soak", "--", "--nocapture"])
        .env("SOAK_SECONDS", options.seconds.to_string())
        .current_dir(root());
    if let Some(seed) = options.seed {
        command.env("SOAK_SEED", seed.to_string());
    }
    let status = command.status().context("cannot run cargo")?;
    match status.success() {
        true => Ok(()),
        false => bail!("the soak failed ({status}); its seed is printed above"),
    }
}
