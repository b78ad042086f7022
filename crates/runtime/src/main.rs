//! The program `openai-codex-runtime`: installs, finds and verifies the pinned Codex runtime.
//!
//! What a script may want (the path of the binary) goes to standard output, everything else to
//! standard error.

#[path = "cli/report.rs"]
mod report;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use openai_codex_runtime::{Cache, Client, Error, Installer, Runtime, VERSION, verify};

use crate::report::Reporter;

/// Install, find and verify the Codex runtime that the SDK is made for.
#[derive(Debug, Parser)]
#[command(name = "openai-codex-runtime", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The folder to keep the runtime in [default: $OPENAI_CODEX_CACHE or the user's cache folder]
    #[arg(long, value_name = "DIR", global = true)]
    cache: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Download the runtime through uv, pip or npm, unless it is there, and print its path
    Install {
        /// Use this package client and no other: uv, pip or npm
        #[arg(long, value_name = "CLIENT")]
        client: Option<Client>,
        /// Download it even if it is there
        #[arg(long)]
        force: bool,
    },
    /// Print the path of the installed runtime
    Locate,
    /// Compare the installed runtime with the published sha256 of every file, and print its path
    Verify,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 not installed, \
                          4 something is not what was published";

const FAILED: u8 = 1;
const NOT_INSTALLED: u8 = 3;
const MISMATCH: u8 = 4;

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(Some(runtime)) => {
            if let Some(note) = runtime.instead_of_pinned() {
                report::line(&note);
            }
            match writeln!(io::stdout(), "{}", runtime.binary().display()) {
                Ok(()) => ExitCode::SUCCESS,
                // Whoever wanted the path has gone.
                Err(_) => ExitCode::from(FAILED),
            }
        }
        Ok(None) => {
            report::line(&format!(
                "codex runtime {VERSION} is not installed; install it with `openai-codex-runtime install`"
            ));
            ExitCode::from(NOT_INSTALLED)
        }
        Err(error) => {
            report::error(&error);
            ExitCode::from(match error {
                Error::HashMismatch { .. } => MISMATCH,
                _ => FAILED,
            })
        }
    }
}

fn run(arguments: Arguments) -> Result<Option<Runtime>, Error> {
    let cache = match arguments.cache {
        Some(path) => Cache::at(path),
        None => Cache::user()?,
    };
    match arguments.command {
        Command::Install { client, force } => install(cache, client, force).map(Some),
        Command::Locate => cache.locate(),
        Command::Verify => {
            let Some(runtime) = cache.locate()? else {
                return Ok(None);
            };
            verify(&runtime)?;
            let version = runtime.version();
            report::line(&format!("codex runtime {version} is what was published"));
            Ok(Some(runtime))
        }
    }
}

fn install(cache: Cache, client: Option<Client>, mut force: bool) -> Result<Runtime, Error> {
    // Who calls this by hand may suspect damage, which a look at sizes would not show.
    let is_pinned = |it: &Runtime| it.version() == VERSION;
    if !force && let Some(runtime) = cache.locate()?.filter(is_pinned) {
        match verify(&runtime) {
            Ok(()) => {
                report::line(&format!("codex runtime {VERSION} is installed already"));
                return Ok(runtime);
            }
            Err(error) => {
                report::error(&error);
                force = true;
            }
        }
    }
    let mut reporter = Reporter::new();
    let mut installer = Installer::new()
        .cache(cache)
        .force(force)
        .on_progress(move |progress| reporter.report(&progress));
    if let Some(client) = client {
        installer = installer.client(client);
    }
    let runtime = installer.install()?;
    // What was there is looked at; what came has been hashed.
    verify(&runtime)?;
    report::line(&format!("codex runtime {} is installed", runtime.version()));
    Ok(runtime)
}
