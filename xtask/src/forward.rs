//! The commands of the generator, which is a program of its own: who runs the demo does not compile it.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::root;

/// What the generator understands.
#[derive(Args)]
pub(crate) struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

/// Builds the generator and runs its command, in the folder that this was called in.
pub(crate) fn run(command: &str, forwarded: &Forwarded) -> ExitCode {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--bin",
            "xtask-generator",
        ])
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"))
        .args(["--", command])
        .args(&forwarded.arguments)
        .status();
    match status {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("error: cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
