//! Running a script: over a pair of streams, or as a process.

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

/// How often a process that hangs looks whether it still has a parent.
const HANG: Duration = Duration::from_millis(500);

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
            Action::Exit(_) => return tell(&engine),
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

/// Says on stderr why it hangs up, which a test prints when it fails.
fn tell(engine: &Monitor<Engine>) {
    engine.read(|engine| {
        if let Some(failure) = engine.failure() {
            eprintln!("fake server: {failure}");
        }
    });
}

async fn more_script(engine: &Monitor<Engine>) {
    poll_fn(|cx| engine.poll_until(cx, |engine| engine.can_go_on().then_some(()))).await;
}

/// Runs a script over this process's own streams, and returns its exit code.
pub(crate) fn run_process(script: &str) -> io::Result<i32> {
    // Asked for before anything is said: once a test hears of this process, it may be killed.
    let parent = parent();
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
            Action::Hang => return Ok(hang(parent)),
            Action::Read => {
                let pace = engine.pace;
                let limit = pace.bytes.unwrap_or(CHUNK).min(CHUNK);
                match input.read(&mut chunk[..limit]) {
                    Ok(0) if engine.outlives_input => return Ok(hang(parent)),
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

/// Does nothing until it is killed, or whoever started it is gone: a test that was killed cannot
/// kill it any more.
fn hang(parent: u32) -> i32 {
    while parent == self::parent() {
        thread::park_timeout(HANG);
    }
    1
}

#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// Windows does not tell.
#[cfg(not(unix))]
fn parent() -> u32 {
    0
}
