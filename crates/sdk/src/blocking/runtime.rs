//! The async runtime behind a blocking client.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};
use tokio::task::coop;

use crate::error::{Error, ErrorKind, Result};

/// No future has a larger budget: tokio gives 128.
const MOST_BUDGET: u32 = 1024;

/// A tokio runtime that can be dropped anywhere.
pub(super) struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    /// A runtime with one thread.
    pub(super) fn start() -> Result<Self> {
        refuse_inside()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("openai-codex")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(
                    ErrorKind::Launch,
                    "the thread that talks to the runtime cannot be started",
                )
                .with_source(error)
            })?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for a future on this thread.
    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        refuse_inside()?;
        let runtime = self
            .0
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Closed, "closed"))?;
        // Not `Runtime::block_on`, which panics where this thread belongs to another runtime.
        let _inside = runtime.enter();
        Ok(drive(future))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

/// Polls a future on this thread, which sleeps in between.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Fails where waiting would block a thread that drives futures. One of `spawn_blocking` drives
/// none.
fn refuse_inside() -> Result<()> {
    if Handle::try_current().is_err() || !drives_futures() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "the blocking client cannot wait inside an async runtime; use openai_codex::Codex there, \
         tokio::task::spawn_blocking, or a thread of its own",
    ))
}

/// Whether this is called by a future that tokio polls: on a worker's thread, or on one that is in
/// `block_on`, where what is polled has a budget. Blocking threads have neither.
fn drives_futures() -> bool {
    if tokio::runtime::worker_index().is_some() {
        return true;
    }
    let mut cx = Context::from_waker(Waker::noop());
    let mut taken = Vec::new();
    let has_budget = (0..=MOST_BUDGET).any(|_| match coop::poll_proceed(&mut cx) {
        Poll::Ready(unit) => {
            taken.push(unit);
            false
        }
        Poll::Pending => true,
    });
    // Each puts back what there was before it, so that the first one has the last word.
    while let Some(unit) = taken.pop() {
        drop(unit);
    }
    has_budget
}

/// The async client and its runtime, which every handle shares.
#[derive(Debug)]
pub(super) struct Client {
    codex: crate::Codex,
    runtime: Option<Runtime>,
}

impl Client {
    pub(super) fn new(codex: crate::Codex, runtime: Runtime) -> Arc<Self> {
        Arc::new(Self {
            codex,
            runtime: Some(runtime),
        })
    }

    pub(super) fn codex(&self) -> &crate::Codex {
        &self.codex
    }

    /// Waits for a future that fails as the client does.
    pub(super) fn wait<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        self.block_on(future)?
    }

    /// Waits for any future.
    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        self.runtime
            .as_ref()
            .expect("the runtime is taken by drop alone")
            .block_on(future)
    }
}

/// Ends the connection before the runtime that drives it, on a thread of its own,
/// because this may run inside an async runtime. Elsewhere it waits for that: at
/// most the four seconds after which a child is killed.
impl Drop for Client {
    fn drop(&mut self) {
        let (codex, runtime) = (self.codex.clone(), self.runtime.take());
        let ending = thread::Builder::new()
            .name("openai-codex-close".to_owned())
            .spawn(move || {
                if let Some(runtime) = runtime {
                    // A failure to close is no news to anybody here.
                    let _ = runtime.block_on(codex.close());
                }
            });
        if let Ok(ending) = ending
            && refuse_inside().is_ok()
        {
            let _ = ending.join();
        }
    }
}
