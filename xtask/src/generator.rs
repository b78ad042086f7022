//! The commands that read the schema or the public API. `cargo xtask` builds and runs this program
//! when one of them is asked for, so that the others do not wait for the generator.

mod bump;
mod codegen;
mod diff;
mod export;
mod generate;
mod history;
mod install;
mod kept;
mod lock;
mod manifest;
mod matrix;
mod methods_file;
mod output;
mod parity;
mod public_api;
mod reviewed;
mod runtimes;
mod schema;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::workspace::root;

#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
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
    /// Generate and compile the types of every runtime whose export is kept
    CheckRuntimes,
    /// Move the pin to another version of the runtime
    Bump(bump::Options),
    /// Tell what two schemas differ in, and what that does to callers and on the wire
    Diff(diff::Options),
    /// Try turns of each kind on several runtimes
    Matrix(matrix::Options),
    /// Write crates/sdk/public-api.txt from what is public
    PublicApi(public_api::Options),
    /// Compare the async and the blocking API
    CheckParity,
}

fn main() -> ExitCode {
    workspace::end(match Cli::parse().command {
        Command::GenerateTypes(options) => generate::run(&options),
        Command::ExportSchema(options) => export::run(&options),
        Command::CheckRuntimes => runtimes::run(),
        Command::Bump(options) => bump::run(&options),
        Command::Diff(options) => diff::run(&options),
        Command::Matrix(options) => matrix::run(&options),
        Command::PublicApi(options) => public_api::run(&options),
        Command::CheckParity => parity::run(),
    })
}
