//! How long a turn may take.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use openai_codex_connection::{Connection, Deadline, TurnRef};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;

use crate::error::{Error, ErrorKind};
use crate::result::TurnResult;

/// How long a turn that was interrupted by its timeout may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// The time of a turn. When it is over, the turn is interrupted, whether or not
/// anybody is polling just then. Clones are the same; with the last one this ends.
#[derive(Clone)]
pub(crate) struct Limit(Arc<Watched>);

/// Resolves when the time of a turn is over.
pub(crate) type Over = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Watched {
    ends_at: Instant,
    turn: Arc<TurnRef>,
    stage: watch::Receiver<Stage>,
    _task: OwnedTask<()>,
}

/// How far a turn with a timeout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InTime,
    Overdue,
    /// It was interrupted, or could not be within the grace.
    Over,
}

impl Limit {
    pub(crate) fn new(connection: &Connection, turn: &Arc<TurnRef>, ends_at: Instant) -> Self {
        let (tx, stage) = watch::channel(Stage::InTime);
        let work = {
            // It must not keep open what it watches.
            let (connection, turn) = (connection.guest(), Arc::clone(turn));
            async move {
                if tokio::time::timeout_at(ends_at, turn.completed())
                    .await
                    .is_ok()
                {
                    return;
                }
                tx.send_replace(Stage::Overdue);
                interrupt(&connection, &turn).await;
                tx.send_replace(Stage::Over);
            }
        };
        let task = OwnedTask::spawn(connection.runtime(), work.in_current_span());
        Self(Arc::new(Watched {
            ends_at,
            turn: Arc::clone(turn),
            stage,
            _task: task,
        }))
    }

    pub(crate) fn ends_at(&self) -> Instant {
        self.0.ends_at
    }

    /// Whether the time was over before the turn was.
    pub(crate) fn is_overdue(&self) -> bool {
        *self.0.stage.borrow() != Stage::InTime
    }

    /// Resolves when the time is over and the turn was interrupted; never, if the
    /// turn ends in time.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stage = self.0.stage.clone();
        async move {
            let told = stage.wait_for(|stage| *stage == Stage::Over).await.is_ok();
            // Where the executor of an overdue turn is gone, nobody interrupts it any more.
            if !told && *stage.borrow() == Stage::InTime {
                std::future::pending().await
            }
        }
    }

    /// What waiting for the turn comes to, unless its time is over first.
    pub(crate) async fn within<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        let mut waiting = pin!(waiting);
        let mut over = pin!(self.over());
        let mut is_late = false;
        poll_fn(|cx| {
            if !is_late && let Poll::Ready(waited) = waiting.as_mut().poll(cx) {
                // The end of a turn that was interrupted for being late is not in time.
                if !self.is_overdue() {
                    return Poll::Ready(Some(waited));
                }
                is_late = true;
            }
            over.as_mut().poll(cx).map(|()| None)
        })
        .await
    }

    /// What a turn that is overdue came to.
    pub(crate) fn error(&self) -> Error {
        let turn = &self.0.turn;
        let result = TurnResult::of(turn.thread_id(), turn.id(), &turn.summary(), None);
        Error::new(
            ErrorKind::Timeout,
            "the turn did not end within its timeout and was interrupted",
        )
        .with_turn_result(result)
    }
}

async fn interrupt(connection: &Connection, turn: &TurnRef) {
    let interrupted = async {
        connection
            .interrupt(turn.thread_id(), turn.id(), Deadline::After(GRACE))
            .await?;
        turn.completed().await
    };
    if !matches!(tokio::time::timeout(GRACE, interrupted).await, Ok(Ok(_))) {
        tracing::warn!(turn = %turn.id(), "a turn whose time is over could not be interrupted");
    }
}

/// A task that ends with its owner.
pub(crate) struct OwnedTask<T>(JoinHandle<T>);

impl<T: Send + 'static> OwnedTask<T> {
    pub(crate) fn spawn(runtime: &Handle, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(runtime.spawn(work))
    }
}

/// `None` when the runtime that it ran in is gone.
impl<T> Future for OwnedTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl<T> Drop for OwnedTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
