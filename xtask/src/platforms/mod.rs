//! `check-platforms`: what a Linux machine can show of macOS and Windows.
//!
//! The SDK and the installer are checked for macOS, where nothing can be linked or run from here.
//! For Windows the tests are linked and run under Wine, against the real Windows runtime too.
//! `known.rs` lists what cannot work there, and why.

mod known;
mod macos;
mod outcome;
mod suite;
mod tools;
mod windows;
mod wine;

use std::process::Command;

use anyhow::{Result, bail};

use crate::platforms::outcome::Report;

/// What to check. Without an option, everything.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Check for macOS
    #[arg(long)]
    macos: bool,
    /// Run the Windows tests that need no runtime
    #[arg(long)]
    windows: bool,
    /// Run the Windows tests with the real Windows runtime, which is downloaded if need be
    #[arg(long)]
    with_runtime: bool,
    /// Install nothing, and leave out what the tools that are there do not allow
    #[arg(long)]
    no_install: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!(
            "this looks at other platforms from Linux; on {}, run the tests",
            std::env::consts::OS
        );
    }
    let all = !(options.macos || options.windows || options.with_runtime);
    let mut report = Report::default();
    if all || options.macos {
        macos::check(options.no_install, &mut report)?;
    }
    if all || options.windows || options.with_runtime {
        windows::check(options.no_install, all || options.with_runtime, &mut report)?;
    }
    print!("\n{report}");
    match report.failures() {
        0 => Ok(()),
        1 => bail!("one thing fails that should work"),
        failures => bail!("{failures} things fail that should work"),
    }
}

/// The cargo that runs us, in the root of the workspace.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::root());
    command
}
