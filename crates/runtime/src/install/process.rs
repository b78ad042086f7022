//! Running a client: its progress, its patience, and what it says when it fails.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::process::{ChildStderr, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use openai_codex_wire::redact;

use crate::install::client::Client;
use crate::install::running::Running;

/// How much of a client's standard error is kept: its end.
const STDERR_KEPT: usize = 8 * 1024;
/// How much of it an error carries.
const STDERR_TOLD: usize = 2 * 1024;
/// How often the client and its progress are looked at: often at first, for many calls are short.
const TICKS: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];
/// How long to wait for the rest of the standard error of a client that has ended. A program that
/// it left running may hold the pipe open for ever.
const STDERR_PATIENCE: Duration = Duration::from_secs(1);

/// A package client that did not deliver.
#[derive(Debug)]
pub struct ClientFailure {
    client: Client,
    reason: Reason,
    stderr: String,
}

/// Why it did not.
#[derive(Debug)]
pub(crate) enum Reason {
    /// It could not be started.
    Start(io::Error),
    /// It said so.
    Exit(ExitStatus),
    /// It wrote nothing for so long.
    Stalled(Duration),
    /// It ended well, but there is no archive.
    NoArchive,
}

impl ClientFailure {
    pub(crate) fn new(client: Client, reason: Reason, stderr: String) -> Self {
        Self {
            client,
            reason,
            stderr,
        }
    }

    /// One that could not be started.
    #[cfg(test)]
    pub(crate) fn not_started(client: Client, error: io::Error) -> Self {
        Self::new(client, Reason::Start(error), String::new())
    }

    /// Which client.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client
    }

    /// The end of what it wrote to its standard error, without credentials.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }
}

impl fmt::Display for ClientFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.client;
        match &self.reason {
            Reason::Start(error) => write!(f, "{client} could not be started: {error}")?,
            Reason::Exit(status) => write!(f, "{client} failed with {status}")?,
            Reason::Stalled(time) => {
                write!(
                    f,
                    "{client} made no progress for {} s",
                    time.as_secs_f32().ceil()
                )?;
            }
            Reason::NoArchive => write!(f, "{client} delivered nothing")?,
        }
        match headline(&self.stderr) {
            Some(line) => write!(f, " ({line})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ClientFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Start(error) => Some(error),
            Reason::Exit(_) | Reason::Stalled(_) | Reason::NoArchive => None,
        }
    }
}

/// The line that says most: the last that speaks of an error, or else the last.
fn headline(stderr: &str) -> Option<&str> {
    let lines = || {
        // npm ends with where its log is, and that is in a folder which is about to vanish.
        let of_a_log = |line: &&str| !line.is_empty() && !line.contains("log of this run");
        stderr.lines().map(str::trim).filter(of_a_log)
    };
    lines()
        .rfind(|line| line.to_ascii_lowercase().contains("error"))
        .or_else(|| lines().next_back())
}

/// Runs a command to its end, and gives what it wrote to standard error.
///
/// `progress` is asked again and again for how many bytes have arrived. `lock` stays locked for as
/// long as the command runs, even if this process is killed.
///
/// # Errors
///
/// With the reason and the standard error, when the command cannot be started, exits with another
/// status than 0, or no byte arrives for as long as `patience`. It is ended then.
pub(crate) fn run(
    command: &Command,
    lock: Option<&File>,
    patience: Duration,
    mut progress: impl FnMut() -> u64,
) -> Result<String, (Reason, String)> {
    let mut child =
        Running::start(command, lock).map_err(|error| (Reason::Start(error), String::new()))?;
    let stderr = Tail::follow(child.stderr());
    let start = Instant::now();
    let (mut most, mut changed) = (0, start);
    let reason = loop {
        let bytes = progress();
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(stderr.text()),
            Ok(Some(status)) => break Reason::Exit(status),
            Ok(None) => {}
            Err(error) => break Reason::Start(error),
        }
        if bytes > most {
            (most, changed) = (bytes, Instant::now());
        } else if changed.elapsed() >= patience {
            break Reason::Stalled(patience);
        }
        thread::sleep((start.elapsed() / 8).clamp(TICKS[0], TICKS[1]));
    };
    drop(child);
    Err((reason, stderr.text()))
}

/// The end of a child's standard error.
struct Tail {
    kept: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Tail {
    /// Reads in a thread of its own, which ends with the pipe.
    fn follow(pipe: Option<ChildStderr>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel();
        if let Some(mut pipe) = pipe {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(&buffer[..n]);
                    let excess = kept.len().saturating_sub(STDERR_KEPT);
                    kept.drain(..excess);
                }
                drop(end);
            });
        }
        Self { kept, ended }
    }

    /// What was kept, made fit to be shown.
    fn text(&self) -> String {
        // Nothing is ever sent: the end of the thread ends the wait.
        let _ = self.ended.recv_timeout(STDERR_PATIENCE);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Cut after redacting, or the cut could leave half of a secret without what marks it.
        let text = redact::text(&String::from_utf8_lossy(&kept)).into_owned();
        let text = text.trim();
        let mut start = text.len().saturating_sub(STDERR_TOLD);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        text[start..].to_owned()
    }
}
