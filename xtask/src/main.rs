//! The project's own commands: `cargo xtask help` lists them.

mod demo;
mod forward;
mod install;
mod platforms;
mod quirks;
mod release;
mod soak;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::forward::Forwarded;
use self::workspace::root;

#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
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
    #[command(disable_help_flag = true)]
    GenerateTypes(Forwarded),
    /// Write schema/ from what the pinned runtime exports
    #[command(disable_help_flag = true)]
    ExportSchema(Forwarded),
    /// Generate and compile the types of every runtime whose export is kept
    #[command(disable_help_flag = true)]
    CheckRuntimes(Forwarded),
    /// Move the pin to another version of the runtime
    #[command(disable_help_flag = true)]
    Bump(Forwarded),
    /// Tell what two schemas differ in, and what that does to callers and on the wire
    #[command(disable_help_flag = true)]
    Diff(Forwarded),
    /// Try turns of each kind on several runtimes
    #[command(disable_help_flag = true)]
    Matrix(Forwarded),
    /// Write crates/sdk/public-api.txt from what is public
    #[command(disable_help_flag = true)]
    PublicApi(Forwarded),
    /// Compare the async and the blocking API
    #[command(disable_help_flag = true)]
    CheckParity(Forwarded),
    /// Check for macOS, and run the tests on Windows through Wine
    CheckPlatforms(platforms::Options),
    /// List what is there for how a runtime behaves; fail if one has no test
    Quirks,
    /// Check that the packages can be published, and set the tag from which they are
    Release(release::Options),
    /// Run a real turn with a scripted model
    Demo,
    /// Mix turns, drops, faults and kills for a while, and see that nothing is lost or left
    Soak(soak::Options),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::GenerateTypes(rest) => return forward::run("generate-types", &rest),
        Command::ExportSchema(rest) => return forward::run("export-schema", &rest),
        Command::CheckRuntimes(rest) => return forward::run("check-runtimes", &rest),
        Command::Bump(rest) => return forward::run("bump", &rest),
        Command::Diff(rest) => return forward::run("diff", &rest),
        Command::Matrix(rest) => return forward::run("matrix", &rest),
        Command::PublicApi(rest) => return forward::run("public-api", &rest),
        Command::CheckParity(rest) => return forward::run("check-parity", &rest),
        Command::CheckPlatforms(options) => platforms::run(&options),
        Command::Quirks => quirks::run(),
        Command::Release(options) => release::run(&options),
        Command::Demo => demo::run(),
        Command::Soak(options) => soak::run(&options),
    };
    workspace::end(result)
}
