//! The runtime as a child process that speaks over its stdin and stdout.

use std::fs::File;
use std::io;
use std::process::ExitStatus;

use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::{LineReader, LineWriter};
use crate::process::{ChildProcess, LaunchOptions, Pipes};

/// A child and its pipes.
pub(crate) struct StdioChild {
    pub process: ChildProcess,
    pub source: LineReader<ChildStdout>,
    pub sink: LineWriter<ChildStdin>,
    pub stderr: ChildStderr,
    /// Where its stderr is copied to.
    pub stderr_copy: Option<File>,
}

/// Starts the runtime. `on_exit` is called once, on another thread, when it is
/// gone.
pub(crate) fn spawn(
    options: &LaunchOptions,
    max_line: usize,
    on_exit: impl FnOnce(Option<ExitStatus>) + Send + 'static,
) -> io::Result<StdioChild> {
    let mut command = options.command()?;
    let stderr_copy = options.stderr_copy()?;
    let (process, pipes) = ChildProcess::spawn(&mut command, on_exit)?;
    let Pipes {
        stdin,
        stdout,
        stderr,
    } = pipes;
    Ok(StdioChild {
        process,
        source: LineReader::new(ChildStdout::from_std(stdout)?, max_line),
        sink: LineWriter::new(ChildStdin::from_std(stdin)?),
        stderr: ChildStderr::from_std(stderr)?,
        stderr_copy,
    })
}
