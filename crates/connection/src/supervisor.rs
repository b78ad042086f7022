//! The task that knows how the connection ends, and why.

use std::panic::catch_unwind;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use openai_codex_wire::redact;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tracing::Instrument;

use super::core::{Child, Core, Exit};
use super::dispatch::Dispatcher;
use super::options::ConnectionOptions;
use super::{Connection, Owner, reader, writer};
use crate::error::{Error, ErrorKind, Result};
use crate::process::{LaunchOptions, StderrTail, cannot_start, last_words};
use crate::transport::{self, FrameSink, FrameSource, SourceError, Tap, Tapped};

/// How long the queue may take to be written once no more is taken in.
const DRAIN: Duration = Duration::from_secs(1);

/// How long the other signs of an end may follow the first: a dead child is
/// noticed by its closed stdout and by its exit, in any order.
const GATHER: Duration = Duration::from_millis(500);

/// How many signs there are: each comes once, so each finds room.
const SIGNS: usize = 4;

/// Something that ends a connection.
#[derive(Debug)]
pub(crate) enum Happened {
    ReadEnded(Result<(), SourceError>),
    WriteEnded(std::io::Result<()>),
    Exited(Option<ExitStatus>),
    EndRequested,
}

impl Connection {
    /// Connects to whatever is at the other end of two streams of messages.
    ///
    /// # Errors
    ///
    /// When this is not called within a tokio runtime that has I/O and time.
    pub fn open(
        source: impl FrameSource,
        sink: impl FrameSink,
        mut options: ConnectionOptions,
        dispatcher: Arc<dyn Dispatcher>,
    ) -> Result<Self> {
        let runtime = current_runtime()?;
        let (tx, rx) = mpsc::channel(SIGNS);
        let ends = Ends::new(source, sink, options.tap.take());
        let core = Arc::new(Core::new(
            runtime.clone(),
            options,
            dispatcher,
            None,
            tx.clone(),
        ));
        Ok(Self::drive(&runtime, core, ends, None, tx, rx))
    }

    /// Starts a child process and connects to its stdin and stdout.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or when this is not called within a tokio
    /// runtime that has I/O and time.
    pub fn spawn(
        launch: &LaunchOptions,
        mut options: ConnectionOptions,
        dispatcher: Arc<dyn Dispatcher>,
    ) -> Result<Self> {
        let runtime = current_runtime()?;
        let (tx, rx) = mpsc::channel(SIGNS);
        let (exit_tx, exit) = watch::channel(None);
        let on_exit = {
            let tx = tx.clone();
            move |status| {
                exit_tx.send_replace(Some(Exit(status)));
                // A supervisor that is gone does not wait for it.
                let _ = tx.try_send(Happened::Exited(status));
            }
        };
        let child = transport::spawn(launch, options.max_line, on_exit)
            .map_err(|error| cannot_start(launch, error))?;
        let stderr = StderrTail::default();
        let drain = runtime.spawn(stderr.clone().drain(child.stderr, child.stderr_copy));
        let ends = Ends::new(child.source, child.sink, options.tap.take());
        let core = Arc::new(Core::new(
            runtime.clone(),
            options,
            dispatcher,
            Some(Child {
                process: child.process,
                stderr,
                exit,
            }),
            tx.clone(),
        ));
        Ok(Self::drive(&runtime, core, ends, Some(drain), tx, rx))
    }

    /// Starts the tasks.
    fn drive(
        runtime: &Handle,
        core: Arc<Core>,
        ends: Ends<impl FrameSource, impl FrameSink>,
        stderr: Option<JoinHandle<()>>,
        tx: mpsc::Sender<Happened>,
        rx: mpsc::Receiver<Happened>,
    ) -> Self {
        let span = core.span.clone();
        let Ends { source, sink, tap } = ends;
        let reader = {
            let (mut task, tx) = (Task::new(&core), tx.clone());
            let read = async move {
                let ended = reader::read(&task.core, source).await;
                // A supervisor that is gone does not wait for it.
                let _ = tx.try_send(Happened::ReadEnded(ended));
                task.done();
            };
            runtime.spawn(read.instrument(span.clone())).abort_handle()
        };
        let writer = {
            let mut task = Task::new(&core);
            let write = async move {
                let ended = writer::write(&task.core, sink).await;
                // A supervisor that is gone does not wait for it.
                let _ = tx.try_send(Happened::WriteEnded(ended));
                task.done();
            };
            runtime.spawn(write.instrument(span.clone())).abort_handle()
        };
        let supervisor = Supervisor {
            task: Task::new(&core),
            reader,
            writer,
            stderr,
            tap,
            happened: rx,
            seen: Seen::default(),
        };
        runtime.spawn(supervisor.run().instrument(span));
        Self(Arc::new(Owner { core, ends: true }))
    }
}

/// Both ends of a connection, and who is handed what goes over it.
struct Ends<R, W> {
    source: Tapped<R>,
    sink: Tapped<W>,
    tap: Option<Arc<dyn Tap>>,
}

impl<R, W> Ends<R, W> {
    fn new(source: R, sink: W, tap: Option<Arc<dyn Tap>>) -> Self {
        Self {
            source: Tapped::new(source, tap.clone()),
            sink: Tapped::new(sink, tap.clone()),
            tap,
        }
    }
}

/// The tokio runtime that this is called in, if it can drive a connection.
pub fn current_runtime() -> Result<Handle> {
    let unusable = "this needs a tokio runtime with I/O and time enabled; use the blocking client \
                    where there is none";
    let runtime = Handle::try_current()
        .map_err(|error| Error::new(ErrorKind::InvalidInput, unusable).with_source(error))?;
    // Tokio tells of a missing driver by a panic and by nothing else.
    match catch_unwind(probe_drivers) {
        Ok(probed) => probed.map(|()| runtime).map_err(|error| {
            Error::new(ErrorKind::Launch, "a pipe cannot be opened").with_source(error)
        }),
        Err(_) => Err(Error::new(ErrorKind::InvalidInput, unusable)),
    }
}

/// Panics where the tokio runtime has no timer or no I/O driver.
fn probe_drivers() -> std::io::Result<()> {
    drop(tokio::time::sleep(Duration::ZERO));
    #[cfg(unix)]
    {
        let (read, _write) = std::io::pipe()?;
        let read = std::process::ChildStdout::from(std::os::fd::OwnedFd::from(read));
        drop(tokio::process::ChildStdout::from_std(read)?);
    }
    Ok(())
}

/// A task without which the connection cannot go on. If it goes before it is
/// done, because its runtime was shut down or because of a bug, everyone who
/// waits is told.
struct Task {
    core: Arc<Core>,
    done: bool,
}

impl Task {
    fn new(core: &Arc<Core>) -> Self {
        Self {
            core: Arc::clone(core),
            done: false,
        }
    }

    /// The end of this task is known by other means.
    fn done(&mut self) {
        self.done = true;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let reason = if std::thread::panicking() {
            "a task of the connection panicked; please report it"
        } else {
            "the tokio runtime that drove the connection was shut down"
        };
        self.core.fail(Error::closed(reason));
        self.core.request_end();
    }
}

struct Supervisor {
    task: Task,
    reader: AbortHandle,
    writer: AbortHandle,
    stderr: Option<JoinHandle<()>>,
    tap: Option<Arc<dyn Tap>>,
    happened: mpsc::Receiver<Happened>,
    seen: Seen,
}

/// The signs of the end so far.
#[derive(Default)]
struct Seen {
    read: Option<Result<(), SourceError>>,
    write: Option<std::io::Result<()>>,
    exit: Option<Option<ExitStatus>>,
    end_requested: bool,
}

impl Supervisor {
    async fn run(mut self) {
        self.wait_for(None, |seen| {
            seen.end_requested || seen.read.is_some() || seen.exit.is_some() || seen.write.is_some()
        })
        .await;

        let core = Arc::clone(&self.task.core);
        if core.failure().is_none() {
            let has_child = core.child.is_some();
            // What the child wrote before its end is still to be delivered, and
            // its status says more than its closed stdout.
            self.wait_for(Some(GATHER), |seen| {
                let broken = matches!(seen.read, Some(Err(_)));
                seen.end_requested
                    || broken
                    || seen.read.is_some() && (seen.exit.is_some() || !has_child)
            })
            .await;
            if let (Some(stderr), Some(_)) = (&mut self.stderr, &self.seen.exit) {
                // Its last words may still be in the pipe.
                let _ = tokio::time::timeout(GATHER, stderr).await;
            }
            core.fail(self.reason());
        }

        core.request_end();
        self.wait_for(Some(DRAIN), |seen| seen.write.is_some())
            .await;
        // Without its writer the sink is closed, whatever was still in it.
        self.writer.abort();
        if core.child.is_some() {
            // Bounded by the child's ending; reading goes on, so that the child
            // can write what it must before it exits.
            self.wait_for(Some(3 * crate::process::GRACE), |seen| seen.exit.is_some())
                .await;
        }
        self.reader.abort();
        if let Some(stderr) = &self.stderr {
            stderr.abort();
        }
        if let Some(tap) = &self.tap {
            // Who has awaited the end may read the recording.
            let _ = tokio::time::timeout(DRAIN, tap.written()).await;
        }
        self.task.done();
    }

    /// Takes signs in until there are enough, or for so long.
    async fn wait_for(&mut self, limit: Option<Duration>, enough: impl Fn(&Seen) -> bool) {
        let Self { happened, seen, .. } = self;
        let gather = async {
            while !enough(seen) {
                match happened.recv().await {
                    Some(Happened::ReadEnded(ended)) => seen.read = Some(ended),
                    Some(Happened::WriteEnded(ended)) => seen.write = Some(ended),
                    Some(Happened::Exited(status)) => seen.exit = Some(status),
                    Some(Happened::EndRequested) => seen.end_requested = true,
                    // The core holds a sender, so this cannot be.
                    None => return,
                }
            }
        };
        match limit {
            None => gather.await,
            // Not enough is what there is.
            Some(limit) => drop(tokio::time::timeout(limit, gather).await),
        }
    }

    /// Why the connection ended, from the strongest sign down.
    fn reason(&mut self) -> Error {
        let tail = self
            .task
            .core
            .child
            .as_ref()
            .map(|child| child.stderr.text());
        // As a whole: a line alone may not say that there is a secret in it.
        let tail = redact::text(&tail.unwrap_or_default()).into_owned();
        let seen = &mut self.seen;
        if let Some(Err(error)) = seen
            .read
            .take_if(|read| matches!(read, Err(SourceError::TooLong { .. })))
        {
            let message = format!("{error}; this connection cannot be read any further");
            return Error::closed(message).with_source(error);
        }
        if let Some(status) = seen.exit {
            let status = match status {
                Some(status) => status.to_string(),
                None => "exit status unknown".to_owned(),
            };
            let message = match last_words(&tail) {
                Some(words) => format!("the runtime exited ({status}): {words}"),
                None => format!("the runtime exited ({status})"),
            };
            let error = Error::closed(message).with_stderr_tail(&tail);
            return match seen.read.take() {
                // The exit is the reason; this is what it led to.
                Some(Err(source)) => error.keeping(to_io(source)),
                _ => error,
            };
        }
        let (message, source) = match (seen.read.take(), seen.write.take()) {
            (Some(Err(error)), _) => ("reading from the server failed", Some(to_io(error))),
            (Some(Ok(())), _) => ("the server closed the connection", None),
            (None, Some(Err(error))) => ("writing to the server failed", Some(error)),
            (None, _) => ("the connection ended", None),
        };
        let error = Error::closed(message).with_stderr_tail(&tail);
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.task.core.set_finished();
    }
}

fn to_io(error: SourceError) -> std::io::Error {
    match error {
        SourceError::Io(error) => error,
        SourceError::TooLong { .. } => std::io::Error::other(error),
    }
}
