//! Records any session, of any client.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use openai_codex_recording::{DEFAULT_LIMIT, Direction, Encoder, create_file};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::error::{Error, Result};

/// A line longer than this ends the recording: nobody would look at it.
const MAX_LINE: usize = 128 * 1024 * 1024;

const CHUNK: usize = 64 * 1024;

/// Writes what a client and a server say to each other to a file, for [`Replay`](crate::Replay),
/// `codex-testkit show` and people.
///
/// The SDK records by itself, with `Codex::builder().record(path)`. This is for any other client:
/// [`wrap`](Self::wrap) its streams, put a [proxy](Self::proxy) before the server, or hand over
/// [each message](Self::message).
///
/// Secrets are left out as [`redact`](openai_codex_wire::redact::redact) says. A recording ends
/// at its [limit](Self::limit), and says so. A file that cannot be written ends the recording, not
/// the session; [`finish`](Self::finish) has the reason.
///
/// # Examples
/// ```
/// use openai_codex_testkit::{FakeServer, Recorder, Replay};
/// # use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("recorder-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("session.jsonl");
/// let server = FakeServer::new();
/// let recorder = Recorder::create(&path)?;
/// let (from, to) = server.connect();
/// let (read, mut write) = recorder.wrap(from, to);
/// // … give them to a client; here it sends one request …
/// write.write_all(b"{\"id\":1,\"method\":\"initialize\",\"params\":{}}\n").await?;
/// # BufReader::new(read).lines().next_line().await?;
/// recorder.finish()?;
///
/// let replay = Replay::open(&path)?;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<State>>);

struct State {
    path: PathBuf,
    /// `None` once the recording is over.
    file: Option<BufWriter<File>>,
    failure: Option<io::Error>,
    encoder: Encoder,
    headed: bool,
    /// Who hung up first, while the other side may still have something to say.
    ended: Option<(Direction, Duration)>,
    began: Instant,
}

impl Recorder {
    /// Begins a recording in a file, over an earlier one of that name. On Unix only the user may
    /// read it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = create_file(path)
            .map_err(Error::io(format!("cannot record into {}", path.display())))?;
        Ok(Self(Arc::new(Mutex::new(State {
            path: path.to_owned(),
            file: Some(BufWriter::new(file)),
            failure: None,
            encoder: Encoder::new(DEFAULT_LIMIT),
            headed: false,
            ended: None,
            began: Instant::now(),
        }))))
    }

    /// How many bytes the file may have, before anything is recorded; 256 MiB unless told.
    #[must_use]
    pub fn limit(self, bytes: u64) -> Self {
        self.state().encoder = Encoder::new(bytes);
        self
    }

    /// Records a message; its line end may be missing.
    pub fn message(&self, direction: Direction, message: &[u8]) {
        self.state().message(direction, message);
    }

    /// Records that a side has hung up, the sender in this direction.
    ///
    /// The other one may have more to say. The recording ends when both have hung up, and with
    /// [`finish`](Self::finish) or the last clone of this where only one has; its last line says
    /// who was the first.
    pub fn hung_up(&self, by: Direction) {
        let mut state = self.state();
        match state.ended {
            Some((first, _)) if first != by => state.end(),
            Some(_) => {}
            None => state.ended = Some((by, state.began.elapsed())),
        }
    }

    /// Records what is read from a server and what is written to it.
    pub fn wrap<R, W>(&self, read: R, write: W) -> (Recorded<R>, Recorded<W>) {
        let recorded = Tee {
            recorder: self.clone(),
            direction: Direction::ToClient,
            partial: Vec::new(),
        };
        let sent = Tee {
            direction: Direction::ToServer,
            ..recorded.clone()
        };
        (
            Recorded {
                inner: read,
                tee: recorded,
            },
            Recorded {
                inner: write,
                tee: sent,
            },
        )
    }

    /// Passes everything on between a client and a server until the server hangs up, and records
    /// it. What the server says after the client has hung up still counts.
    ///
    /// `client` is what the client's messages are read from and where its answers go, `server` the
    /// same of the server.
    ///
    /// # Errors
    /// When reading from one side or writing to the other fails.
    ///
    /// # Cancel safety
    /// Dropping this ends both connections, perhaps in the middle of a message.
    pub async fn proxy<CR, CW, SR, SW>(&self, client: (CR, CW), server: (SR, SW)) -> io::Result<()>
    where
        CR: AsyncRead + Unpin,
        CW: AsyncWrite + Unpin,
        SR: AsyncRead + Unpin,
        SW: AsyncWrite + Unpin,
    {
        let (from_server, to_server) = self.wrap(server.0, server.1);
        let up = pass_on(client.0, to_server);
        let down = pass_on(from_server, client.1);
        // The server ends once its input has; what it still says counts.
        let up = async {
            match up.await {
                Ok(()) => std::future::pending().await,
                error => error,
            }
        };
        let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
        std::future::poll_fn(|cx| match down.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(done),
            Poll::Pending => up.as_mut().poll(cx),
        })
        .await
    }

    /// Writes out what is still in memory, and the last line if a side has hung up.
    ///
    /// # Errors
    /// When the file could not be written, now or before.
    pub fn finish(&self) -> Result<()> {
        let mut state = self.state();
        state.end();
        if let Some(file) = &mut state.file
            && let Err(error) = file.flush()
        {
            state.failure = Some(error);
        }
        let path = state.path.display().to_string();
        match state.failure.take() {
            Some(error) => Err(Error::caused(
                format!("cannot write the recording {path}"),
                error,
            )),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn message(&mut self, direction: Direction, message: &[u8]) {
        self.write(|encoder, at| encoder.message(direction, at, message));
    }

    /// Writes the last line, if a side has hung up.
    fn end(&mut self) {
        if let Some((by, at)) = self.ended {
            self.write(|encoder, _| encoder.end(by, at));
        }
    }

    fn write(&mut self, line: impl FnOnce(&mut Encoder, Duration) -> String) {
        let Some(file) = &mut self.file else { return };
        let mut text = String::new();
        if !self.headed {
            self.headed = true;
            let by = concat!("openai-codex-testkit ", env!("CARGO_PKG_VERSION"));
            text = self.encoder.header(by, openai_codex_runtime::VERSION);
        }
        text += &line(&mut self.encoder, self.began.elapsed());
        let written = file.write_all(text.as_bytes());
        // A session may end with its process killed.
        if let Err(error) = written.and_then(|()| file.flush()) {
            self.failure = Some(error);
            self.file = None;
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("path", &self.state().path)
            .finish_non_exhaustive()
    }
}

/// A stream whose messages a [`Recorder`] keeps.
#[derive(Debug)]
pub struct Recorded<S> {
    inner: S,
    tee: Tee,
}

#[derive(Clone, Debug)]
struct Tee {
    recorder: Recorder,
    direction: Direction,
    /// A line that has not ended.
    partial: Vec<u8>,
}

impl Tee {
    fn take(&mut self, state: &mut State, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                state.message(self.direction, &line);
            } else if self.partial.len() > MAX_LINE {
                self.partial = Vec::new();
                let why = "a message is too long";
                state.write(|encoder, at| encoder.cut(at, why));
            }
        }
    }

    fn end(&mut self) {
        if !self.partial.is_empty() {
            let line = std::mem::take(&mut self.partial);
            self.recorder.message(self.direction, &line);
        }
        self.recorder.hung_up(self.direction);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Recorded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        if read.is_empty() {
            self.tee.end();
        } else {
            let recorder = self.tee.recorder.clone();
            self.tee.take(&mut recorder.state(), read);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Recorded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Locked meanwhile, so that no answer is recorded before its request.
        let recorder = self.tee.recorder.clone();
        let mut state = recorder.state();
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.tee.take(&mut state, &buf[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tee.end();
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

async fn pass_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk).await? {
            0 => return to.shutdown().await,
            length => {
                to.write_all(&chunk[..length]).await?;
                to.flush().await?;
            }
        }
    }
}
