//! A recorded session, served as the server that it was recorded from.

mod compare;
mod diff;
mod drive;
mod engine;

use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openai_codex_recording::Recording;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::task::AbortHandle;

pub(crate) use self::compare::Comparison;
use self::engine::Engine;
use crate::background;
use crate::error::{Error, Result};
use crate::monitor::{Monitor, PATIENCE};
use crate::normalise::Normaliser;

/// The stream that a client reads a [`Replay`] from.
pub type ReplayRead = ReadHalf<DuplexStream>;

/// The stream that a client writes to a [`Replay`] with.
pub type ReplayWrite = WriteHalf<DuplexStream>;

/// How much may be on its way in each direction.
const BUFFER: usize = 64 * 1024;

/// A recorded session, played back to a client as its server: no runtime, no model, no network,
/// and the same every time.
///
/// It says what the server said, in the order of the recording, and nothing before the client has
/// sent what came first. The client must send what it sent then. Something else ends the
/// connection: a request is answered with an error that says what was expected and what came,
/// as a difference, and [`assert_finished`](Self::assert_finished) says it too.
///
/// - **Strict** (as it begins): each message must be equal to the recorded one, but for the ids of
///   requests, secrets, the client's version, and what is [ignored](Self::ignoring) or
///   [normalised](Self::normalised_by). Messages that were on their way at the same time may come
///   in any order, and an answer to the server at any time after its question.
/// - [**Lenient**](Self::lenient): the method and the shape of the params must be the same, and the
///   order does not matter. Ids that the client sends instead of the recorded ones are put into
///   what the server says.
///
/// The ids of requests are the client's own in either case. A recording whose rest is missing, as it
/// was too large or broke off, ends with the connection.
///
/// # Examples
///
/// A session is recorded once with `Codex::builder().record("session.jsonl")`, by a
/// [`Recorder`](crate::Recorder) or with `codex-testkit record`. From then on it is a test:
///
/// ```
/// use openai_codex_testkit::Replay;
/// # use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let session = r#"
/// # {"dir":"c2s","t":0.1,"msg":{"id":1,"method":"thread/loaded/list","params":{}}}
/// # {"dir":"s2c","t":0.2,"msg":{"id":1,"result":{"data":["t"]}}}"#;
/// # let replay = Replay::parse(session)?;
/// # const _: &str = stringify! {
/// let replay = Replay::open("tests/recordings/session.jsonl")?;
/// # };
/// let (read, mut write) = replay.connect();
/// // With the SDK: `Codex::builder().connect_with(read, write).await?`. By hand:
/// write.write_all(b"{\"id\":7,\"method\":\"thread/loaded/list\",\"params\":{}}\n").await?;
/// let answer = BufReader::new(read).lines().next_line().await?;
/// assert_eq!(answer.as_deref(), Some(r#"{"id":7,"result":{"data":["t"]}}"#));
/// replay.assert_finished();
/// # Ok(())
/// # }
/// ```
pub struct Replay {
    engine: Arc<Monitor<Engine>>,
    task: Mutex<Option<AbortHandle>>,
    patience: Option<Duration>,
}

impl Replay {
    /// Reads the recording in a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds no recording.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(Error::io(format!("cannot read the recording {name}")))?;
        let recording = Recording::parse(&text)
            .map_err(|error| Error::caused(format!("{name} is no recording"), error))?;
        Ok(Self::new(recording, name))
    }

    /// Reads a recording from its text.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let recording = Recording::parse(text)
            .map_err(|error| Error::caused("the text is no recording", error))?;
        Ok(Self::new(recording, "the recording".to_owned()))
    }

    fn new(recording: Recording, name: String) -> Self {
        Self {
            engine: Arc::new(Monitor::new(Engine::new(recording, name))),
            task: Mutex::new(None),
            patience: Some(PATIENCE),
        }
    }

    /// Takes any message of the recorded method and shape, in any order.
    #[must_use]
    pub fn lenient(self) -> Self {
        self.engine
            .update(|engine| engine.comparison.lenient = true);
        self
    }

    /// Speaks as slowly as the server did: in tokio's time, which may be paused. Otherwise as fast
    /// as the client can read.
    #[must_use]
    pub fn in_recorded_time(self) -> Self {
        self.engine.update(|engine| engine.paced = true);
        self
    }

    /// Does not compare this part of the client's messages, a JSON pointer such as `/params/cwd`.
    #[must_use]
    pub fn ignoring(self, pointer: &str) -> Self {
        let pointer = pointer.to_owned();
        self.engine
            .update(|engine| engine.comparison.ignored.push(pointer));
        self
    }

    /// Compares the client's messages after both have been [normalised](Normaliser).
    #[must_use]
    pub fn normalised_by(self, normaliser: Normaliser) -> Self {
        self.engine
            .update(|engine| engine.comparison.normaliser = Some(normaliser));
        self
    }

    /// How long it waits for the next message of the client's before it ends the connection and
    /// says which one did not come: [`PATIENCE`] unless told, `None` for ever. In real time.
    #[must_use]
    pub fn patience(mut self, patience: Option<Duration>) -> Self {
        self.patience = patience;
        self
    }

    /// Starts to play on the current tokio runtime, or where there is none, for a blocking client, on
    /// a thread of its own. Returns the client's ends.
    ///
    /// # Panics
    /// When it was connected before, or there is no thread to be had.
    #[track_caller]
    pub fn connect(&self) -> (ReplayRead, ReplayWrite) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(task.is_none(), "a Replay has one client");
        let (client, server) = tokio::io::duplex(BUFFER);
        let (input, output) = tokio::io::split(server);
        let playing = drive::drive(Arc::clone(&self.engine), input, output, self.patience);
        let running = background::spawn("testkit-replay", playing);
        *task = Some(running.unwrap_or_else(|error| panic!("no thread for a Replay: {error}")));
        tokio::io::split(client)
    }

    /// Plays over this process's own stdin and stdout, until the client hangs up.
    ///
    /// # Errors
    /// When a stream fails, or the client sends something else than was recorded.
    pub fn run_process(&self) -> io::Result<()> {
        drive::run_process(&self.engine)
    }

    /// Waits until the client has sent everything that it sent in the recording.
    ///
    /// # Panics
    /// When it sends something else, or not all of it within [`PATIENCE`].
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future forgets the wait and nothing else.
    #[track_caller]
    pub fn done(&self) -> impl Future<Output = ()> + Send + use<> {
        let (engine, at) = (Arc::clone(&self.engine), Location::caller());
        async move {
            match engine.until(PATIENCE, Engine::outcome).await {
                Some(Ok(())) => {}
                Some(Err(failure)) => panic!("{failure}\n(waited for at {at})"),
                None => {
                    let left = engine.read(Engine::leftovers).err().unwrap_or_default();
                    panic!("the replay was not done in time: {left}\n(waited for at {at})")
                }
            }
        }
    }

    /// Whether the client has sent what it sent in the recording, all of it and nothing else.
    ///
    /// # Errors
    /// What it sent instead, as a difference, or what it did not send.
    pub fn verify(&self) -> Result<()> {
        self.engine.read(Engine::leftovers).map_err(Error::new)
    }

    /// The assertion of [`verify`](Self::verify), for the end of a test.
    ///
    /// # Panics
    /// When the client sent something else than was recorded, or not all of it.
    #[track_caller]
    pub fn assert_finished(&self) {
        if let Err(failure) = self.verify() {
            panic!("{failure}");
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.engine.read(Engine::leftovers);
        f.debug_struct("Replay")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
