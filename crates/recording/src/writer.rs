//! Writes a recording while the session goes on.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use openai_codex_wire::redact::SecretTable;

use crate::{DEFAULT_LIMIT, Direction, Encoder, create_file};

/// How much may wait for the disk. A message beyond it ends the recording: one with a hole would
/// be of no use.
const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Records a session into a file.
///
/// Whoever records only queues. A thread of its own takes the secrets out and writes, so that
/// neither a slow disk nor a full one is felt: the recording then ends, and [`EndedEarly`] says
/// why. Clones record into the same file; it is complete once all of them are gone.
///
/// ```
/// use openai_codex_recording::{Direction, Writer};
/// use openai_codex_wire::redact::SecretTable;
///
/// # let folder = std::env::temp_dir().join(format!("writer-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("session.jsonl");
/// let secrets = SecretTable::default(); // or that of the types, `openai_codex_types::SECRETS`
/// let writer = Writer::create(&path, "my-proxy 1.0", "0.163.0", secrets, |why| eprintln!("{why}"))?;
/// writer.message(Direction::ToServer, br#"{"method":"initialized"}"#);
/// writer.end(Direction::ToServer);
/// # let (done, wait) = std::sync::mpsc::channel();
/// # writer.when_written(move || done.send(()).unwrap());
/// # let _ = wait.recv();
/// # assert!(std::fs::read_to_string(&path)?.contains("initialized"));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Writer {
    guard: Arc<Guard>,
    /// Which attempt to start a server this belongs to. The first thing of a later one makes the
    /// recording begin anew.
    attempt: u32,
}

/// Why a recording ended before its session did.
#[derive(Debug)]
pub enum EndedEarly {
    /// The file cannot be written.
    Unwritable(io::Error),
    /// The session was more than a recording keeps, or more than the disk kept up with.
    TooMuch,
}

impl fmt::Display for EndedEarly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwritable(_) => f.write_str("the recording ends: it cannot be written"),
            Self::TooMuch => f.write_str("the recording is cut here: it is too much"),
        }
    }
}

impl std::error::Error for EndedEarly {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unwritable(error) => Some(error),
            Self::TooMuch => None,
        }
    }
}

/// Ends the thread when the last writer is gone.
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
    /// The session is over. Call this when everything before it is in the file.
    Sync(Box<dyn FnOnce() + Send>),
}

impl Writer {
    /// Begins a recording, over an earlier one of that name. `by` is who records, `protocol` the
    /// version of the protocol it was written for, `secrets` what that says of secrets.
    ///
    /// `ended_early` is called at most once, on the thread that writes.
    ///
    /// # Errors
    /// When the file cannot be made or opened for writing, or there is no thread to be had.
    pub fn create(
        path: &Path,
        by: &str,
        protocol: &str,
        secrets: SecretTable<'static>,
        ended_early: impl FnOnce(EndedEarly) + Send + 'static,
    ) -> io::Result<Self> {
        let file = create_file(path)?;
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let recorder = Recorder {
            file: BufWriter::new(file),
            by: by.to_owned(),
            protocol: protocol.to_owned(),
            ended_early: Some(Box::new(ended_early)),
            encoder: begin(secrets),
            secrets,
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
    pub fn next_attempt(&mut self) {
        self.attempt += 1;
    }

    /// Records a message, without its line end.
    pub fn message(&self, direction: Direction, message: &[u8]) {
        let at = self.guard.began.elapsed();
        let mut queue = self.guard.shared.queue();
        queue.take_in(direction, self.attempt, at, message);
        drop(queue);
        self.guard.shared.changed.notify_one();
    }

    /// Records that a side hung up, as the sender in this direction.
    pub fn end(&self, by: Direction) {
        let (attempt, at) = (self.attempt, self.guard.began.elapsed());
        self.guard.shared.push(Item::End { attempt, by, at });
    }

    /// Ends the recording of this attempt, and calls `done` once it is in the file, on the thread
    /// that writes. Drops it uncalled if the recording is over.
    pub fn when_written(&self, done: impl FnOnce() + Send + 'static) {
        self.guard.shared.push(Item::Sync(Box::new(done)));
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
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

fn begin(secrets: SecretTable<'static>) -> Encoder {
    Encoder::new(DEFAULT_LIMIT).secrets(secrets)
}

/// What the thread has.
struct Recorder {
    file: BufWriter<File>,
    by: String,
    protocol: String,
    ended_early: Option<Box<dyn FnOnce(EndedEarly) + Send>>,
    encoder: Encoder,
    secrets: SecretTable<'static>,
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
                        Item::Sync(done) => {
                            waiting.push(done);
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
            waiting.into_iter().for_each(|done| done());
            let failed = written.is_err();
            if let Err(error) = written {
                self.end_early(EndedEarly::Unwritable(error));
            }
            // Not at the end of an attempt: another one may follow.
            if closed || failed || self.cut {
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
            let header = self.encoder.header(&self.by, &self.protocol);
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
            self.end_early(EndedEarly::TooMuch);
        }
        self.file.write_all(line.as_bytes())
    }

    fn end_early(&mut self, why: EndedEarly) {
        if let Some(ended_early) = self.ended_early.take() {
            ended_early(why);
        }
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
        self.encoder = begin(self.secrets);
        self.headed = false;
        self.ended = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::Recording;

    fn writer(path: &Path) -> Writer {
        Writer::create(path, "test", "0.163.0", SecretTable::default(), |_| {}).unwrap()
    }

    fn read(path: &Path) -> Recording {
        Recording::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn wait_until_written(writer: &Writer) {
        let (done, wait) = mpsc::channel();
        writer.when_written(move || done.send(()).unwrap());
        wait.recv().unwrap();
    }

    #[test]
    fn an_attempt_that_failed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let first = writer(&path);
        first.message(Direction::ToServer, b"{\"method\":\"first\"}");
        let mut second = first.clone();
        second.next_attempt();
        second.message(Direction::ToServer, b"{\"method\":\"second\"}");
        // The last words of a server that is given up.
        first.message(Direction::ToClient, b"{\"method\":\"late\"}");
        first.end(Direction::ToClient);
        wait_until_written(&second);
        let recording = read(&path);
        let lines: Vec<_> = recording.entries.iter().map(|entry| entry.json()).collect();
        assert_eq!(lines, [Some("{\"method\":\"second\"}")]);
        assert_eq!((recording.by.is_some(), recording.ended), (true, None));
    }

    #[test]
    fn what_does_not_fit_into_the_queue_ends_the_recording() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.jsonl");
        let writer = writer(&path);
        let shared = Arc::clone(&writer.guard.shared);
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
        writer.message(Direction::ToServer, b"{\"method\":\"later\"}");
        drop(writer);
        while Arc::strong_count(&shared) > 1 {
            thread::yield_now();
        }
        let recording = read(&path);
        assert_eq!(recording.entries.len(), 1);
        assert_eq!(recording.cut.as_deref(), Some("the disk did not keep up"));
    }

    #[test]
    fn the_thread_ends_with_the_last_writer() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder.path().join("session.jsonl"));
        let shared = Arc::downgrade(&writer.guard.shared);
        wait_until_written(&writer);
        drop(writer);
        while shared.upgrade().is_some() {
            thread::yield_now();
        }
    }
}
