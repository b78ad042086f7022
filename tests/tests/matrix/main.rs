//! What works on a runtime: turns of each kind through the SDK on the real binary, and its recorded sessions.
//!
//! `cargo test` runs it on the runtime of the tests; `cargo xtask matrix` runs it on several, each in
//! `CODEX_BIN`, and makes a table of the lines that it prints: a case, how it went, and why.
#![allow(clippy::unwrap_used)]

mod cases;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each test binary uses its part")]
mod support;

use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use openai_codex::{Error, ErrorKind, Result};

/// How long a case may take. The slowest takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Set by `cargo xtask matrix`: it judges the outcome itself.
const REPORT: &str = "OPENAI_CODEX_MATRIX";

type Running = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A case and its name.
pub(crate) type Case = (&'static str, fn() -> Running);

/// How a case went.
enum Outcome {
    Works,
    /// The SDK or the runtime says that this version cannot do it.
    Refused(String),
    Fails(String),
}

impl Outcome {
    fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput | ErrorKind::Handshake => Self::Refused(error.to_string()),
            _ => Self::Fails(error.to_string()),
        }
    }

    fn line(&self, case: &str) -> String {
        let (word, why) = match self {
            Self::Works => ("works", ""),
            Self::Refused(why) => ("refused", why.as_str()),
            Self::Fails(why) => ("fails", why.as_str()),
        };
        format!("{case}\t{word}\t{}", why.replace(['\n', '\t'], " "))
    }
}

fn main() -> ExitCode {
    // The options of the test harness: a filter that names no case of these is for others.
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with('-'))
        .collect();
    let wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|it| name.contains(it.as_str()));
    // What panics is told in its line.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut failed = 0;
    for (name, case) in cases::ALL.iter().filter(|(name, _)| wanted(name)) {
        let outcome = runtime.block_on(run(*case));
        failed += usize::from(!matches!(outcome, Outcome::Works));
        println!("{}", outcome.line(name));
    }
    match failed {
        0 => ExitCode::SUCCESS,
        _ if std::env::var_os(REPORT).is_some() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

async fn run(case: fn() -> Running) -> Outcome {
    let running = tokio::spawn(async move { tokio::time::timeout(PATIENCE, case()).await });
    match running.await {
        Ok(Ok(Ok(()))) => Outcome::Works,
        Ok(Ok(Err(error))) => Outcome::of(&error),
        Ok(Err(_)) => Outcome::Fails(format!("it takes more than {} s", PATIENCE.as_secs())),
        Err(panic) => {
            let panic = panic.into_panic();
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            Outcome::Fails(text.unwrap_or("it panicked").to_owned())
        }
    }
}
