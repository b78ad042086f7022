//! The program `codex-testkit`: records, replays, shows and checks sessions with an app-server.
//!
//! What a script may want goes to standard output, everything else to standard error.

mod check;
mod html;
mod paint;
mod plain;
mod record;
mod show;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use openai_codex_recording::Recording;
use openai_codex_testkit::Replay;

use crate::paint::Paint;

/// Record, replay, show and check sessions with `codex app-server`.
#[derive(Debug, Parser)]
#[command(name = "codex-testkit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Pass everything on between stdin and stdout and an app-server, and record it
    #[command(after_help = "A client starts this instead of the app-server. Secrets are left out.")]
    Record {
        /// Where to record; an earlier recording is replaced
        file: PathBuf,
        /// The app-server [default: $CODEX_BIN, the pinned runtime or codex, as app-server on stdio]
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Be the app-server that was recorded, on stdin and stdout
    #[command(
        after_help = "Exit codes: 0 the client sent what it sent then, 1 it did not, 2 wrong arguments"
    )]
    Replay {
        /// The recording
        file: PathBuf,
        /// Take any message of the recorded method and shape, in any order
        #[arg(long)]
        lenient: bool,
        /// Speak as slowly as the recorded server
        #[arg(long)]
        recorded_time: bool,
    },
    /// Print a recording as a timeline, or as a page to look at
    #[command(
        after_help = "The page is one file that needs nothing else: show --html FILE --output PAGE"
    )]
    Show {
        /// The recording
        file: PathBuf,
        /// As a page
        #[arg(long)]
        html: bool,
        /// Where to write the page [default: standard output]
        #[arg(long, short, value_name = "PAGE", requires = "html")]
        output: Option<PathBuf>,
        /// Print every message as it is, and join no deltas
        #[arg(long, conflicts_with = "html")]
        full: bool,
        /// When to use colours
        #[arg(long, value_enum, default_value = "auto")]
        color: Color,
    },
    /// Compare every message of recordings with the protocol's types
    #[command(
        after_help = "Exit codes: 0 all fit, 1 some do not or cannot be read, 2 wrong arguments"
    )]
    Check {
        /// The recordings
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

type Result<T, E = String> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            tell(&format!("codex-testkit: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Record { file, command } => record::record(&file, &command),
        Command::Replay {
            file,
            lenient,
            recorded_time,
        } => {
            let mut replay = Replay::open(&file).map_err(|error| format!("{error:?}"))?;
            if lenient {
                replay = replay.lenient();
            }
            if recorded_time {
                replay = replay.in_recorded_time();
            }
            replay.run_process().map_err(|error| error.to_string())?;
            // It hung up, perhaps too early.
            replay.verify().map_err(|error| error.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Show {
            file,
            html: true,
            output,
            ..
        } => {
            let page = html::page(&file)?;
            match output {
                Some(output) => html::write(&page, &output, &file)?,
                None => print(&page),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Show {
            file, full, color, ..
        } => {
            let recording = read(&file)?;
            let paint = Paint::new(match color {
                Color::Auto => None,
                Color::Always => Some(true),
                Color::Never => Some(false),
            });
            print(&show::timeline(&recording, full, &paint));
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { files } => {
            let mut all_fit = true;
            for file in files {
                let recording = match read(&file) {
                    Ok(recording) => recording,
                    Err(error) => {
                        tell(&format!("codex-testkit: {error}"));
                        all_fit = false;
                        continue;
                    }
                };
                let report = check::check(&recording);
                let name = file.display();
                let faults = report.faults.iter();
                let lines = faults.map(|fault| format!("{name}:{}\n", plain::line(fault)));
                print(&lines.collect::<String>());
                tell(&plain::line(&format!("{name}: {report}")));
                all_fit &= report.faults.is_empty();
            }
            Ok(ExitCode::from(u8::from(!all_fit)))
        }
    }
}

fn read(file: &Path) -> Result<Recording> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    Recording::parse(&text).map_err(|error| format!("{name} is no recording: {error}"))
}

/// To stderr, on a line; also where nobody reads it any more.
fn tell(text: &str) {
    use std::io::{Write, stderr};

    drop(writeln!(stderr(), "{text}"));
}

/// To stdout; whoever has seen enough may close it.
fn print(text: &str) {
    use std::io::{Write, stdout};

    drop(stdout().lock().write_all(text.as_bytes()));
}
