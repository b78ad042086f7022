//! The project's own commands: `cargo xtask help` lists them.

mod codegen;
mod demo;
mod export;
mod generate;
mod history;
mod install;
mod lock;
mod manifest;
mod methods_file;
mod output;
mod parity;
mod public_api;
mod reviewed;
mod schema;
mod soak;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "The project's own commands",
    disable_help_subcommand = false
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate the types crate from the schema
    GenerateTypes(generate::Options),
    /// Write schema/ from what the pinned runtime exports
    ExportSchema(export::Options),
    /// Write crates/sdk/public-api.txt from what is public
    PublicApi(public_api::Options),
    /// Compare the async and the blocking API
    CheckParity,
    /// Run a real turn with a scripted model
    Demo,
    /// Mix turns, drops, faults and kills for a while, and see that nothing is lost or left
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::GenerateTypes(options) => generate::run(&options),
        Command::ExportSchema(options) => export::run(&options),
        Command::PublicApi(options) => public_api::run(&options),
        Command::CheckParity => parity::run(),
        Command::Demo => demo::run(),
        Command::Soak(options) => soak::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map(PathBuf::from).unwrap_or(xtask)
}
