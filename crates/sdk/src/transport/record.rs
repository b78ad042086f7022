//! Keeps what goes over a connection in a file.
//!
//! The connection only queues. A thread of its own takes the secrets out and writes, so that
//! neither a slow disk nor a full one is felt: the recording then ends, and a warning says so.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use openai_codex_recording::{DEFAULT_LIMIT, Direction, Encoder, create_file};
use tokio::sync::oneshot;

use super::{FrameSink, FrameSource, SourceError};

/// How much may wait for the disk. A message beyond it ends the recording: one with a hole would
/// be of no use.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Takes in what is to be recorded. Clones record into the same file; it is complete once all of
/// them are gone.
#[derive(Clone)]
pub(crate) struct Tap {
    guard: Arc<Guard>,
    /// Which attempt to start a server this belongs to. The first thing of a later one makes the
    /// recording begin anew.
    attempt: u32,
}

/// Ends the thread when the last tap is gone.
struct Guard {
    shared: Arc<Shared>,
    began: Instant,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// No more will come.
    closed: bool,
    /// Nothing more is taken in.
    over: bool,
}

enum Item {
    Message {
        attempt: u32,
        direction: Direction,
        at: Duration,
        message: Vec<u8>,
    },
    /// One side hung up.
    End {
        attempt: u32,
        by: Direction,
        at: Duration,
    },
    /// A message had no room.
    Overflow { at: Duration },
    /// The connection is over. Tell when everything before this is in the file.
    Sync(oneshot::Sender<()>),
}

impl Tap {
    /// Begins a recording, over an earlier one of that name.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = create_file(path)?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let recorder = Recorder {
            file: BufWriter::new(file),
            path: path.to_owned(),
            encoder: begin(),
            attempt: 0,
            headed: false,
            ended: None,
            cut: false,
        };
        let source = Arc::clone(&shared);
        thread::Builder::new()
            .name("codex-record".into())
            .spawn(move || recorder.run(&source))?;
        let began = Instant::now();
        Ok(Self {
            guard: Arc::new(Guard { shared, began }),
            attempt: 0,
        })
    }

    /// For the next attempt to start a server: what the last one said does not count.
    pub(crate) fn next_attempt(&mut self) {
        self.attempt += 1;
    }

    fn message(&self, direction: Direction, message: &[u8]) {
        let at = self.guard.began.elapsed();
        let mut queue = self.guard.shared.queue();
        queue.take_in(direction, self.attempt, at, message);
        drop(queue);
        self.guard.shared.changed.notify_one();
    }

    fn end(&self, by: Direction) {
        let (attempt, at) = (self.attempt, self.guard.began.elapsed());
        self.guard.shared.push(Item::End { attempt, by, at });
    }

    /// Ends the recording of this attempt, and waits until it is in the file.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub(crate) fn written(&self) -> impl Future<Output = ()> + Send + use<> {
        let (tx, rx) = oneshot::channel();
        self.guard.shared.push(Item::Sync(tx));
        // Dropped unanswered when the thread is gone: there is nothing to wait for then.
        async move { drop(rx.await) }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Queue {
    fn take_in(&mut self, direction: Direction, attempt: u32, at: Duration, message: &[u8]) {
        if self.over {
            return;
        }
        if !self.items.is_empty() && self.bytes + message.len() > QUEUE_BYTES {
            self.over = true;
            self.items.push_back(Item::Overflow { at });
        } else {
            self.bytes += message.len();
            self.items.push_back(Item::Message {
                attempt,
                direction,
                at,
                message: message.to_vec(),
            });
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, item: Item) {
        let mut queue = self.queue();
        if queue.over {
            return;
        }
        queue.items.push_back(item);
        drop(queue);
        self.changed.notify_one();
    }

    /// Everything that waits; empty when no more will come.
    fn take(&self) -> VecDeque<Item> {
        let mut queue = self.queue();
        while queue.items.is_empty() && !queue.closed {
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        queue.bytes = 0;
        std::mem::take(&mut queue.items)
    }
}

fn begin() -> Encoder {
    Encoder::new(DEFAULT_LIMIT)
}

/// What the thread has.
struct Recorder {
    file: BufWriter<File>,
    path: PathBuf,
    encoder: Encoder,
    attempt: u32,
    headed: bool,
    /// Who hung up first. The other side may have more to say.
    ended: Option<(Direction, Duration)>,
    /// The rest is missing.
    cut: bool,
}

impl Recorder {
    fn run(mut self, source: &Shared) {
        loop {
            let items = source.take();
            let closed = items.is_empty();
            let mut waiting = Vec::new();
            let mut written = Ok(());
            for item in items {
                if written.is_ok() {
                    written = match item {
                        Item::Sync(tx) => {
                            waiting.push(tx);
                            self.end()
                        }
                        item => self.write(item),
                    };
                }
            }
            if closed {
                written = written.and_then(|()| self.end());
            }
            written = written.and_then(|()| self.file.flush());
            drop(waiting);
            if let Err(error) = &written {
                tracing::warn!(path = %self.path.display(), %error, "the recording ends: it cannot be written");
            }
            // Not at the end of an attempt: another one may follow.
            if closed || written.is_err() || self.cut {
                let mut queue = source.queue();
                queue.over = true;
                // With whoever waits for them to be written.
                queue.items.clear();
                return;
            }
        }
    }

    fn write(&mut self, item: Item) -> io::Result<()> {
        if let Item::Message { attempt, .. } | Item::End { attempt, .. } = item {
            if attempt < self.attempt {
                return Ok(());
            }
            if attempt > self.attempt {
                self.attempt = attempt;
                self.restart()?;
            }
        }
        if let Item::End { by, at, .. } = item {
            self.ended.get_or_insert((by, at));
            return Ok(());
        }
        if !self.headed {
            self.headed = true;
            let by = concat!("openai-codex ", env!("CARGO_PKG_VERSION"));
            let header = self.encoder.header(by, openai_codex_runtime::VERSION);
            self.file.write_all(header.as_bytes())?;
        }
        let over = self.encoder.is_over();
        let line = match item {
            Item::Message {
                direction,
                at,
                message,
                ..
            } => self.encoder.message(direction, at, &message),
            Item::Overflow { at } => {
                self.cut = true;
                self.encoder.cut(at, "the disk did not keep up")
            }
            Item::End { .. } | Item::Sync(_) => String::new(),
        };
        if !over && self.encoder.is_over() {
            self.cut = true;
            tracing::warn!(path = %self.path.display(), "the recording is cut here: it is too much");
        }
        self.file.write_all(line.as_bytes())
    }

    /// Writes the last line, if a side has hung up.
    fn end(&mut self) -> io::Result<()> {
        match self.ended {
            Some((by, at)) => self.file.write_all(self.encoder.end(by, at).as_bytes()),
            None => Ok(()),
        }
    }

    fn restart(&mut self) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.set_len(0)?;
        file.rewind()?;
        self.encoder = begin();
        self.headed = false;
        self.ended = None;
        Ok(())
    }
}

/// A source or a sink whose messages are recorded.
pub(crate) struct Recorded<T> {
    inner: T,
    tap: Option<Tap>,
}

impl<T> Recorded<T> {
    /// Without a tap it only passes on.
    pub(crate) fn new(inner: T, tap: Option<Tap>) -> Self {
        Self { inner, tap }
    }
}

impl<S: FrameSource> FrameSource for Recorded<S> {
    async fn next(&mut self) -> Result<Option<&[u8]>, SourceError> {
        let line = self.inner.next().await;
        if let Some(tap) = &self.tap {
            match &line {
                Ok(Some(line)) => tap.message(Direction::ToClient, line),
                Ok(None) | Err(_) => tap.end(Direction::ToClient),
            }
        }
        line
    }
}

impl<S: FrameSink> FrameSink for Recorded<S> {
    async fn send(&mut self, frames: &[String]) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            // Before they are sent, so that no answer is recorded before its request.
            for frame in frames {
                tap.message(Direction::ToServer, frame.as_bytes());
            }
        }
        self.inner.send(frames).await
    }

    async fn close(&mut self) -> io::Result<()> {
        if let Some(tap) = &self.tap {
            tap.end(Direction::ToServer);
        }
        self.inner.close().await
    }
}

#[cfg(test)]
mod tests {
    use openai_codex_recording::Recording;

    use super::*;

    fn tap(path: &Path) -> Tap {
        Tap::create(path).unwrap()
    }

    fn read(path: &Path) -> Recording {
        Recording::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_attempt_that_failed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let first = tap(&path);
        first.message(Direction::ToServer, b"{\"method\":\"first\"}");
        let mut second = first.clone();
        second.next_attempt();
        second.message(Direction::ToServer, b"{\"method\":\"second\"}");
        // The last words of a server that is given up.
        first.message(Direction::ToClient, b"{\"method\":\"late\"}");
        first.end(Direction::ToClient);
        second.written().await;
        let recording = read(&path);
        let lines: Vec<_> = recording.entries.iter().map(|entry| entry.json()).collect();
        assert_eq!(lines, [Some("{\"method\":\"second\"}")]);
        assert_eq!((recording.by.is_some(), recording.ended), (true, None));
    }

    #[tokio::test]
    async fn what_does_not_fit_into_the_queue_ends_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let tap = tap(&path);
        let shared = Arc::clone(&tap.guard.shared);
        // As if the disk had so much to do already.
        {
            let mut queue = shared.queue();
            queue.bytes = QUEUE_BYTES;
            let message = b"{\"method\":\"waits\"}".to_vec();
            queue.items.push_back(Item::Message {
                attempt: 0,
                direction: Direction::ToServer,
                at: Duration::ZERO,
                message,
            });
            // Without the lock in between, in which the thread would catch up.
            let at = Duration::from_secs(1);
            queue.take_in(Direction::ToServer, 0, at, b"{\"method\":\"lost\"}");
        }
        shared.changed.notify_one();
        tap.message(Direction::ToServer, b"{\"method\":\"later\"}");
        drop(tap);
        while Arc::strong_count(&shared) > 1 {
            tokio::task::yield_now().await;
        }
        let recording = read(&path);
        assert_eq!(recording.entries.len(), 1);
        assert_eq!(recording.cut.as_deref(), Some("the disk did not keep up"));
    }

    #[tokio::test]
    async fn the_thread_ends_with_the_last_tap() {
        let folder = tempfile::tempdir().unwrap();
        let tap = tap(&folder.path().join("session.jsonl"));
        let shared = Arc::downgrade(&tap.guard.shared);
        tap.written().await;
        drop(tap);
        while shared.upgrade().is_some() {
            tokio::task::yield_now().await;
        }
    }
}
