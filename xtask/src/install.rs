//! The pinned runtime, installed if it is not there, or the newest supported one that can be had.

use anyhow::{Context, Result};
use openai_codex_runtime::{Installer, Progress, Runtime};

/// Finds in the cache what an installer would install, or installs it, saying so.
pub(crate) fn with(installer: Installer) -> Result<Runtime> {
    let mut said = false;
    let installer = installer.on_progress(move |progress| match progress {
        Progress::Downloading {
            client,
            archive,
            into,
            ..
        } if !said => {
            said = true;
            eprintln!(
                "installing codex ({}, {} MB) with {} into {}",
                archive.spec,
                archive.size / 1_000_000,
                client.name(),
                into.display()
            );
        }
        Progress::Failed { failure } => eprintln!("{failure}"),
        _ => {}
    });
    let runtime = installer
        .install()
        .context("cannot install the codex runtime")?;
    if let Some(note) = runtime.instead_of_pinned() {
        eprintln!("{note}");
    }
    Ok(runtime)
}
