//! Playing: over a pair of streams, or as a process.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::engine::{Action, Engine};
use crate::monitor::Monitor;

const CHUNK: usize = 16 * 1024;

/// Plays until the client hangs up, the recording says so, or something else came.
pub(super) async fn drive(
    engine: Arc<Monitor<Engine>>,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    patience: Option<Duration>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match engine.update(Engine::next) {
            Action::Write(bytes) => {
                if output.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Action::Delay(pause) => tokio::time::sleep(pause).await,
            Action::HangUp => return tell(&engine),
            Action::Read { owed } => {
                let limit = patience.filter(|_| owed);
                let read = {
                    let mut read = pin!(input.read(&mut chunk));
                    // In real time, as the test may have stopped tokio's.
                    let mut bound = pin!(async {
                        match limit {
                            Some(limit) => drop(engine.until(limit, |_| None::<()>).await),
                            None => std::future::pending().await,
                        }
                    });
                    poll_fn(|cx| match read.as_mut().poll(cx) {
                        Poll::Ready(read) => Poll::Ready(Some(read)),
                        Poll::Pending => bound.as_mut().poll(cx).map(|()| None),
                    })
                    .await
                };
                match read {
                    Some(Ok(0) | Err(_)) => return,
                    Some(Ok(length)) => engine.update(|engine| engine.receive(&chunk[..length])),
                    None => engine.update(|engine| engine.give_up(limit.unwrap_or_default())),
                }
            }
        }
    }
}

/// Says on stderr why it hangs up, which a test prints when it fails.
fn tell(engine: &Monitor<Engine>) {
    engine.read(|engine| {
        if let Some(reason) = engine.reason() {
            eprintln!("replay: {reason}");
        }
    });
}

/// Plays over this process's own streams.
pub(super) fn run_process(engine: &Monitor<Engine>) -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut chunk = vec![0; CHUNK];
    loop {
        match engine.update(Engine::next) {
            Action::Write(bytes) => {
                output.write_all(&bytes)?;
                output.flush()?;
            }
            Action::Delay(pause) => thread::sleep(pause),
            Action::HangUp => {
                let failure = engine.read(|engine| engine.failure().map(str::to_owned));
                return failure.map_or(Ok(()), |failure| Err(io::Error::other(failure)));
            }
            Action::Read { .. } => match input.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(length) => engine.update(|engine| engine.receive(&chunk[..length])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            },
        }
    }
}
