//! Running a script: over a pair of streams, or as a process.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::engine::{Action, Engine};
use crate::monitor::Monitor;

const CHUNK: usize = 16 * 1024;

/// Runs a script that may grow meanwhile. Returns when the server ends or the client hangs up.
pub(crate) async fn drive(
    engine: Arc<Monitor<Engine>>,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        match engine.update(Engine::next) {
            Action::Write(bytes) => {
                if output.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            // There is nowhere to put it.
            Action::Stderr(_) => {}
            Action::Delay(pause) => tokio::time::sleep(pause).await,
            Action::Exit(_) => return,
            Action::Hang => more_script(&engine).await,
            Action::Read => {
                let pace = engine.read(|engine| engine.pace);
                let limit = pace.bytes.unwrap_or(CHUNK).min(CHUNK);
                let read = {
                    let mut read = pin!(input.read(&mut chunk[..limit]));
                    let mut more = pin!(more_script(&engine));
                    poll_fn(|cx| {
                        if more.as_mut().poll(cx).is_ready() {
                            return Poll::Ready(None);
                        }
                        read.as_mut().poll(cx).map(Some)
                    })
                    .await
                };
                match read {
                    None => {}
                    Some(Ok(0) | Err(_)) => {
                        if !engine.read(|engine| engine.outlives_input) {
                            return;
                        }
                        more_script(&engine).await;
                    }
                    Some(Ok(length)) => {
                        engine.update(|engine| engine.receive(&chunk[..length]));
                        if !pace.pause.is_zero() {
                            tokio::time::sleep(pace.pause).await;
                        }
                    }
                }
            }
        }
    }
}

async fn more_script(engine: &Monitor<Engine>) {
    poll_fn(|cx| engine.poll_until(cx, |engine| engine.can_go_on().then_some(()))).await;
}

/// Runs a script over this process's own streams, and returns its exit code.
pub(crate) fn run_process(script: &str) -> io::Result<i32> {
    let mut engine = Engine::from_script(script).map_err(io::Error::other)?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut chunk = vec![0; CHUNK];
    loop {
        match engine.next() {
            Action::Write(bytes) => {
                output.write_all(&bytes)?;
                output.flush()?;
            }
            Action::Stderr(bytes) => io::stderr().lock().write_all(&bytes)?,
            Action::Delay(pause) => thread::sleep(pause),
            Action::Exit(code) => {
                if let Err(failure) = engine.leftovers()
                    && code != 0
                {
                    eprintln!("{failure}");
                }
                return Ok(code);
            }
            Action::Hang => loop {
                thread::park();
            },
            Action::Read => {
                let pace = engine.pace;
                let limit = pace.bytes.unwrap_or(CHUNK).min(CHUNK);
                match input.read(&mut chunk[..limit]) {
                    Ok(0) if engine.outlives_input => loop {
                        thread::park();
                    },
                    Ok(0) => return Ok(0),
                    Ok(length) => engine.receive(&chunk[..length]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                if !pace.pause.is_zero() {
                    thread::sleep(pace.pause);
                }
            }
        }
    }
}
