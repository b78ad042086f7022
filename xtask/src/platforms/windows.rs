//! Windows: the tests are linked here and run under Wine.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use openai_codex_runtime::{Client, Installer, Progress};

use crate::platforms::known::{KNOWN, SUITES};
use crate::platforms::outcome::Report;
use crate::platforms::suite::{self, Machine};
use crate::platforms::tools;
use crate::platforms::wine::Wine;

/// What is built: Wine runs it, and a linker for it is in Debian.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";
/// What the runtime is published for.
const RUNTIME: &str = "x86_64-pc-windows-msvc";

pub(crate) fn check(no_install: bool, with_runtime: bool, report: &mut Report) -> Result<()> {
    let missing = match tools::target(TARGET, no_install)? {
        None => tools::wine_and_linker(no_install)?,
        why => why,
    };
    if let Some(why) = missing {
        report.leave_out(TARGET, why);
        return Ok(());
    }
    for known in KNOWN {
        if !SUITES.iter().any(|suite| known.is_of(suite)) {
            bail!(
                "known.rs has {}, which is in no suite that is run",
                known.test
            );
        }
    }
    let runtime = with_runtime.then(runtime).transpose()?;
    let suites: Vec<_> = SUITES
        .iter()
        .filter(|suite| with_runtime || !suite.needs_runtime)
        .collect();
    eprintln!("building the tests for {TARGET}");
    let programs = suite::build(&suites)?;
    let wine = Wine::start()?;
    let machine = Machine {
        wine: &wine,
        runtime: runtime.as_deref(),
    };
    for suite in suites {
        let key = (suite.package.to_owned(), suite.target.to_owned());
        let Some(built) = programs.get(&key) else {
            bail!("{} has no test target {}", suite.package, suite.target);
        };
        machine.run(suite, built, report)?;
    }
    Ok(())
}

/// The Windows runtime, through npm and with the sha256 of `schema/runtime.lock.toml`.
fn runtime() -> Result<PathBuf> {
    let mut said = false;
    let installer = Installer::new().target(RUNTIME).client(Client::Npm);
    let installed = installer
        .on_progress(move |progress| match progress {
            Progress::Downloading { archive, into, .. } if !said => {
                said = true;
                let size = archive.size / 1_000_000;
                eprintln!(
                    "downloading {} ({size} MB) into {}",
                    archive.spec,
                    into.display()
                );
            }
            _ => {}
        })
        .install()
        .context("cannot install the Windows runtime")?;
    openai_codex_runtime::verify(&installed).context("the Windows runtime is damaged")?;
    Ok(installed.binary().to_owned())
}
