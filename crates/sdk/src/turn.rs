//! A turn: its events, its result, its steering wheel.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use openai_codex_connection::{Deadline, Known, StartedTurn, TurnRef, TurnSummary};
use openai_codex_types::{
    ClientRequest, SortDirection, ThreadId, ThreadItem, ThreadItemsListCursor,
    ThreadItemsListParams, ThreadTurnsListParams, TurnId, TurnStatus, TurnSteerParams,
    TurnSteerResponse,
};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use crate::codex::{Codex, unencodable};
use crate::error::{Error, ErrorKind, Result};
use crate::event::TurnStream;
use crate::input::Input;
use crate::limit::Limit;
use crate::pages::{Visited, pages};
use crate::result::TurnResult;
#[cfg(feature = "schemars")]
use crate::structured::Structured;
use crate::thread::Thread;

/// How long after the server said that a turn runs it is asked again, if nothing
/// is heard of the turn; longer each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// After so long without any event of a turn that this client started, the server
/// is asked about it. Events come within milliseconds to whoever is subscribed;
/// 0.163.0 starts turns for others as well, and tells them nothing.
// QUIRK(0.163.0, tests/tests/turns_unheard.rs::a_turn_that_nothing_is_heard_of_has_its_result_all_the_same):
// the turns of others are asked for.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the items that were not heard of may take to be read: those of a turn
/// that ran before, and those of one that only lacks its `turn/started`, of which
/// there will hardly be any.
const JOINED_ITEMS: Duration = Duration::from_secs(10);
const OWN_ITEMS: Duration = Duration::from_secs(2);

/// How long a turn that the server does not know may take to show itself: it may
/// have been started a moment ago.
const APPEARANCE: Duration = Duration::from_secs(2);

/// A turn that was started or joined, or that somebody else started.
///
/// Dropping it detaches and does nothing to the turn, unless
/// [`interrupt_on_drop`](Self::interrupt_on_drop) says so. It keeps the runtime
/// running.
///
/// # Memory
///
/// A handle keeps the events since the turn was asked for until they are read from
/// its first [`stream`](Self::stream): up to the limits of
/// [`event_buffer`](crate::CodexBuilder::event_buffer), which are 64 MiB and 65,536
/// events unless set otherwise, and besides them the completed items, out of which
/// the result is made. Where only the result is wanted,
/// [`Thread::run`](crate::Thread::run) keeps no events at all.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// let turn = thread.turn("Refactor the parser.").await?;
/// turn.steer("Leave the tests alone.").await?;
/// let result = turn.run().await?;
/// println!("{} items", result.items.len());
/// # Ok(()) }
/// ```
pub struct TurnHandle(Outcome);

impl TurnHandle {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self(outcome)
    }

    pub(crate) fn attach(thread: Thread, id: TurnId) -> Self {
        let (turn, known) = thread.codex().connection().attach_turn(thread.id(), &id);
        let is_followed = matches!(known, Known::Followed);
        let span = tracing::info_span!("turn", thread = %thread.id(), turn = %id);
        Self(Outcome {
            turn: Arc::new(turn),
            thread,
            limit: None,
            joined: true,
            asks: !is_followed,
            on_drop: OnDrop::Detach,
            span,
        })
    }

    /// The turn's id.
    pub fn id(&self) -> &TurnId {
        self.0.turn.id()
    }

    /// The thread's id.
    pub fn thread_id(&self) -> &ThreadId {
        self.0.turn.thread_id()
    }

    /// Whether the turn was not begun by the call that gave this handle, but by another
    /// one or by somebody else.
    ///
    /// A turn that the input joined keeps the settings that it began with. The approval
    /// mode, the sandbox, the model and whatever else was set for it hold from the next
    /// turn on: where that matters, [`interrupt`](Self::interrupt) it, or wait until it
    /// has ended before you start the next.
    ///
    /// ```no_run
    /// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
    /// use openai_codex::Sandbox;
    ///
    /// let turn = thread.turn("Look around.").sandbox(Sandbox::ReadOnly).await?;
    /// if turn.joined() {
    ///     turn.interrupt().await?; // it may write
    /// }
    /// # Ok(()) }
    /// ```
    pub fn joined(&self) -> bool {
        // That it is somebody else's may be seen after the response.
        self.0.joined || self.0.turn.summary().is_foreign()
    }

    /// The turn's events up to `turn/completed`; an error as the last item when the
    /// thread is closed, archived, deleted or unsubscribed from before, or when the turn
    /// fails and is not completed. The first stream of a handle
    /// that started the turn has every event since the request was sent; further
    /// ones, and those of an attached handle, begin now.
    pub fn stream(&self) -> TurnStream {
        TurnStream::new(
            Arc::clone(&self.0.turn),
            self.0.thread.clone(),
            self.0.settling(),
            self.0.limit.clone(),
        )
    }

    /// Waits for the turn to end: before, during or after streaming, and as
    /// often as you like. It does not depend on any stream.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Turn`] when the turn fails (three seconds after a final error, if the
    /// runtime does not complete it), and when its end is not told because
    /// the thread was closed, archived, deleted or unsubscribed from meanwhile (its
    /// status is `InProgress` then); `Timeout` after the timeout that the turn was
    /// started with, `Closed` when the connection breaks:
    /// [`Error::turn_result`] holds what there is. A turn that was interrupted is
    /// no error.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping this does nothing to the turn.
    pub async fn run(&self) -> Result<TurnResult> {
        self.0.wait().await
    }

    /// Waits for the turn to end as [`run`](Self::run) does, and reads its answer.
    /// The turn must have been started with a schema:
    /// [`StartTurn::output_schema_of`](crate::StartTurn::output_schema_of).
    ///
    /// # Errors
    ///
    /// As [`RunAs::send`](crate::RunAs::send), but for what is found before
    /// sending.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping this does nothing to the turn.
    #[cfg(feature = "schemars")]
    pub async fn run_as<T: serde::de::DeserializeOwned>(&self) -> Result<Structured<T>> {
        Structured::of(self.0.wait().await?)
    }

    /// Says more to the agent while it works (`turn/steer`).
    ///
    /// # Errors
    ///
    /// `Rpc(InvalidRequest)` when the turn is not active any more or cannot be
    /// steered (reviews, compaction); otherwise as [`Codex::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn steer(&self, input: impl Into<Input>) -> Result<TurnSteerResponse> {
        let input = input.into().into_wire()?;
        let params = TurnSteerParams::new(self.thread_id(), self.id(), input);
        self.codex().call(params).await
    }

    /// Interrupts the turn (`turn/interrupt`). It then ends with status
    /// `Interrupted`. Does nothing if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Codex::call`].
    ///
    /// # Cancel safety
    ///
    /// As [`Codex::call`].
    pub async fn interrupt(&self) -> Result<()> {
        let connection = self.codex().connection();
        connection.lend_timers(self.interrupt_settling()).await
    }

    async fn interrupt_settling(&self) -> Result<()> {
        if !self.0.asks {
            return self.0.interrupt().await;
        }
        // QUIRK(0.163.0, tests/tests/api_controls.rs::interrupting_a_completed_turn_does_nothing):
        // a turn that is over gets no answer; settling tells that it is.
        let mut settling = Some(self.0.settle());
        let mut interrupted = pin!(self.0.interrupt());
        std::future::poll_fn(|cx| {
            if let Some(asked) = &mut settling
                && asked.as_mut().poll(cx).is_ready()
            {
                settling = None;
            }
            interrupted.as_mut().poll(cx)
        })
        .await
    }

    /// Whether dropping this handle interrupts the turn, whoever started it.
    #[must_use]
    pub fn interrupt_on_drop(mut self, yes: bool) -> Self {
        self.0.on_drop = match yes {
            true => OnDrop::Interrupt,
            false => OnDrop::Detach,
        };
        self
    }

    fn codex(&self) -> &Codex {
        self.0.thread.codex()
    }
}

impl fmt::Debug for TurnHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnHandle")
            .field("thread_id", self.thread_id())
            .field("id", self.id())
            .finish_non_exhaustive()
    }
}

/// A future that asks the server about a turn that events tell nothing of.
pub(crate) type Settling = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A turn, and how to learn how it ends.
pub(crate) struct Outcome {
    turn: Arc<TurnRef>,
    thread: Thread,
    limit: Option<Limit>,
    /// Whether somebody else started it.
    joined: bool,
    /// Whether it may have ended unseen, so that the server must be asked.
    asks: bool,
    on_drop: OnDrop,
    span: tracing::Span,
}

/// What happens to a turn whose handle is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDrop {
    Detach,
    /// It is interrupted if it is not over.
    Interrupt,
    /// It is interrupted if it is not over and this client started it.
    InterruptOwn,
}

impl Outcome {
    pub(crate) fn started(
        thread: Thread,
        started: StartedTurn,
        ends_at: Option<Instant>,
        span: tracing::Span,
    ) -> Self {
        let turn = Arc::new(started.turn);
        let limit = ends_at.map(|ends_at| {
            let _inside = span.enter();
            Limit::new(thread.codex().connection(), &turn, ends_at)
        });
        Self {
            turn,
            thread,
            limit,
            joined: started.joined,
            asks: false,
            on_drop: OnDrop::Detach,
            span,
        }
    }

    /// Waits as [`wait`](Self::wait) does. Dropped before that is done, it interrupts
    /// the turn if this client started it.
    pub(crate) async fn run(mut self) -> Result<TurnResult> {
        self.on_drop = OnDrop::InterruptOwn;
        let result = self.wait().await;
        // The turn may go on: it is only not told of any more.
        self.on_drop = OnDrop::Detach;
        result
    }

    pub(crate) async fn wait(&self) -> Result<TurnResult> {
        let waiting = self.wait_inside().instrument(self.span.clone());
        let connection = self.thread.codex().connection();
        connection.lend_timers(waiting).await
    }

    async fn wait_inside(&self) -> Result<TurnResult> {
        let completed = self.completed();
        let completed = match &self.limit {
            None => completed.await,
            Some(limit) => match limit.within(completed).await {
                Some(completed) => completed,
                None => return Err(limit.error()),
            },
        };
        match completed {
            Ok(summary) => {
                let result = self.result(&summary, true).await;
                match result.status {
                    TurnStatus::Failed => Err(Error::turn_failed(result)),
                    _ => Ok(result),
                }
            }
            Err(error) => {
                let summary = self.turn.summary();
                let result = self.result(&summary, false).await;
                if summary.failed().is_some() {
                    return Err(Error::turn_failed(result));
                }
                Err(error.with_turn_result(result))
            }
        }
    }

    /// Waits for the turn to complete, while the server is asked whether it has.
    async fn completed(&self) -> Result<TurnSummary> {
        let mut completed = pin!(async {
            match self.asks {
                // A turn that no event tells of is just what is asked about.
                true => self.turn.completed_or_settled().await,
                false => self.turn.completed().await,
            }
            .map_err(Error::from)
        });
        let mut settling = self.settling();
        let first = std::future::poll_fn(|cx| {
            if let Poll::Ready(completed) = completed.as_mut().poll(cx) {
                return Poll::Ready(Some(completed));
            }
            settling.as_mut().poll(cx).map(|settled| match settled {
                Ok(()) => None,
                Err(error) => Some(Err(error)),
            })
        });
        match first.await {
            Some(completed) => completed,
            // The completion is there now, or comes by its event.
            None => Ok(self.turn.completed().await?),
        }
    }

    /// What has to be done besides listening, lest the end of the turn be missed.
    fn settling(&self) -> Settling {
        if self.asks {
            return self.settle();
        }
        let (turn, settle) = (Arc::clone(&self.turn), self.settle());
        Box::pin(async move {
            tokio::time::sleep(SILENCE).await;
            if turn.is_heard_of() {
                return Ok(());
            }
            tracing::warn!(
                turn = %turn.id(),
                "nothing is heard of a turn; asking the server, since its thread may not be \
                 subscribed to"
            );
            match settle.await {
                Err(error) if !error.is_closed() => {
                    tracing::warn!(%error, turn = %turn.id(), "the server does not tell of the turn either");
                    Ok(())
                }
                settled => settled,
            }
        })
    }

    async fn interrupt(&self) -> Result<()> {
        let connection = self.thread.codex().connection();
        connection
            .interrupt(self.turn.thread_id(), self.turn.id(), Deadline::Default)
            .await?;
        Ok(())
    }

    /// The result, with the items from before anybody listened if the server can
    /// be asked for them.
    async fn result(&self, summary: &TurnSummary, ask: bool) -> TurnResult {
        let is_short = summary.is_partial() || summary.dropped_items() > 0;
        let earlier = match ask && is_short {
            true => match self.in_time(self.stored_items()).await {
                Ok(items) => Some(items),
                Err(error) => {
                    tracing::warn!(%error, turn = %self.turn.id(), "the items of a turn from before it was followed cannot be read");
                    None
                }
            },
            false => None,
        };
        TurnResult::of(self.turn.thread_id(), self.turn.id(), summary, earlier)
    }

    /// Work for a turn that has ended, within what is left of its timeout. Without
    /// one it must not take long either, because what happened is known.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let ends_at = self.limit.as_ref().map(Limit::ends_at);
        let until = match (ends_at, self.joined) {
            (Some(ends_at), true) => ends_at,
            (None, true) => Instant::now() + JOINED_ITEMS,
            (ends_at, false) => {
                let until = Instant::now() + OWN_ITEMS;
                ends_at.map_or(until, |ends_at| ends_at.min(until))
            }
        };
        tokio::time::timeout_at(until, work)
            .await
            .unwrap_or_else(|_| {
                Err(Error::new(
                    ErrorKind::Timeout,
                    "the turn ended in time, and reading its items did not",
                ))
            })
    }

    async fn stored_items(&self) -> Result<Vec<ThreadItem>> {
        let (turn, codex) = (&self.turn, self.thread.codex());
        let mut items = Vec::new();
        let ask = |cursor: Option<String>| {
            let mut params = ThreadItemsListParams::new(turn.thread_id()).turn_id(turn.id());
            params.cursor = cursor.map(ThreadItemsListCursor::from);
            codex.call(params)
        };
        pages(ThreadItemsListParams::METHOD, None, ask, |page| {
            let entries = page.data.len();
            items.extend(page.data.into_iter().map(|entry| entry.item));
            let next = page.next_cursor;
            Visited::Page { entries, next }
        })
        .await?;
        Ok(items)
    }

    /// Asks whether the turn has ended, and settles it if it has; again and again
    /// as long as it runs and nothing is heard of it, because its thread may not be
    /// subscribed to. Fails if there is no such turn.
    fn settle(&self) -> Settling {
        let (turn, codex) = (Arc::clone(&self.turn), self.thread.codex().guest());
        Box::pin(async move {
            let mut pause = FIRST_PAUSE;
            let error = loop {
                match stored_turn(&codex, &turn).await {
                    Ok(Some(stored)) if stored["status"] == "inProgress" => {
                        tokio::time::sleep(pause).await;
                        if turn.is_heard_of() {
                            return Ok(());
                        }
                        pause = (2 * pause).min(LONGEST_PAUSE);
                    }
                    Ok(Some(stored)) => {
                        if let Ok(stored) = serde_json::value::to_raw_value(&stored) {
                            turn.settle(&stored);
                        }
                        return Ok(());
                    }
                    Ok(None) => {
                        break Error::new(
                            ErrorKind::InvalidInput,
                            format!("the thread {} has no turn {}", turn.thread_id(), turn.id()),
                        );
                    }
                    Err(error) if error.is_closed() => return Err(error),
                    Err(error) => break error,
                }
            };
            tokio::time::sleep(APPEARANCE).await;
            match turn.is_heard_of() {
                true => Ok(()),
                false => Err(error),
            }
        })
    }
}

/// What the server has stored of a turn.
async fn stored_turn(codex: &Codex, turn: &TurnRef) -> Result<Option<Value>> {
    const METHOD: &str = ThreadTurnsListParams::METHOD;
    let mut found = None;
    let ask = async |cursor| {
        let mut params =
            ThreadTurnsListParams::new(turn.thread_id()).sort_direction(SortDirection::Desc);
        params.cursor = cursor;
        let params = serde_json::to_value(&params).map_err(|error| unencodable(METHOD, error))?;
        codex.call_raw(METHOD, params).await
    };
    pages(METHOD, None, ask, |mut page: Value| {
        let next = page["nextCursor"].as_str().map(str::to_owned);
        // Not by index, which panics where the answer is no object.
        let turns = page.get_mut("data").and_then(Value::as_array_mut);
        let entries = turns.as_ref().map_or(0, |turns| turns.len());
        let mut turns = turns.into_iter().flatten();
        found = turns
            .find(|it| it["id"] == turn.id().as_str())
            .map(Value::take);
        if found.is_some() {
            return Visited::Enough;
        }
        Visited::Page { entries, next }
    })
    .await?;
    Ok(found)
}

impl Drop for Outcome {
    fn drop(&mut self) {
        let interrupts = match self.on_drop {
            OnDrop::Detach => false,
            OnDrop::Interrupt => true,
            // That somebody else started it may have been seen after the response.
            OnDrop::InterruptOwn => !self.joined && !self.turn.summary().is_foreign(),
        };
        if interrupts && !self.turn.summary().is_complete() {
            self.turn.interrupt_now();
        }
    }
}
