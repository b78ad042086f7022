//! The pinned runtime, installed if it is not there.

use anyhow::{Context, Result};
use openai_codex_runtime::{Installer, Progress, Runtime, locate};

/// Finds the pinned runtime in the cache or installs it, saying so.
pub(crate) fn pinned() -> Result<Runtime> {
    if let Some(runtime) = locate().context("cannot look for the pinned runtime")? {
        return Ok(runtime);
    }
    let mut said = false;
    let installer = Installer::new().on_progress(move |progress| match progress {
        Progress::Downloading {
            client,
            archive,
            into,
            ..
        } if !said => {
            said = true;
            eprintln!(
                "installing codex {} ({} MB) with {} into {}",
                openai_codex_runtime::VERSION,
                archive.size / 1_000_000,
                client.name(),
                into.display()
            );
        }
        Progress::Failed { failure } => eprintln!("{failure}"),
        _ => {}
    });
    installer
        .install()
        .context("cannot install the pinned runtime")
}
