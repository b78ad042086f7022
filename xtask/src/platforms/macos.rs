//! macOS: what is compiled there is checked here. Nothing can be linked or run.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::platforms::outcome::{Report, Row};
use crate::platforms::{cargo, tools};

const TARGET: &str = "aarch64-apple-darwin";
/// The crates that users compile, as they compile them: the tests of a Mac need a Mac anyway.
const PACKAGES: [&str; 4] = [
    "openai-codex",
    "openai-codex-runtime",
    "openai-codex-testkit",
    "openai-codex-testkit-cli",
];

pub(crate) fn check(no_install: bool, report: &mut Report) -> Result<()> {
    if let Some(why) = tools::target(TARGET, no_install)? {
        report.leave_out(TARGET, why);
        return Ok(());
    }
    eprintln!("checking for {TARGET}");
    let start = Instant::now();
    let mut check = cargo();
    check.args(["check", "--quiet", "--target", TARGET, "--all-features"]);
    for package in PACKAGES {
        check.args(["--package", package]);
    }
    let status = check.status().context("cannot run cargo")?;
    if status.code().is_none() {
        bail!("cargo check was ended ({status})");
    }
    report.add(Row {
        platform: TARGET,
        what: "cargo check of the SDK, the installer and the testkit".to_owned(),
        works: usize::from(status.success()),
        fails: usize::from(!status.success()),
        skipped: 0,
        time: start.elapsed(),
    });
    Ok(())
}
