//! What the server tells, as it comes.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;
use openai_codex_connection::{Delivered, RawEvent, Subscription, TurnRef};
use openai_codex_types::{DecodeError, Role, ServerNotification};

use crate::error::{Error, ErrorKind, Result};
use crate::limit::{Limit, Over, OwnedTask};
use crate::result::TurnResult;
use crate::thread::Thread;
use crate::turn::Settling;

/// A notification of the server's.
///
/// Nothing is decoded until it is asked for: [`method`](Self::method) and the
/// ids are known from routing, [`text_delta`](Self::text_delta) reads one
/// member, and [`decode`](Self::decode) the whole payload, once.
///
/// ```no_run
/// # fn example(event: openai_codex::Event) -> openai_codex::Result<()> {
/// use openai_codex::types::ServerNotification;
///
/// if let Some(text) = event.text_delta() {
///     print!("{text}");
/// } else if let ServerNotification::ItemCompleted(completed) = event.decode()? {
///     println!("{} is done", completed.item.kind());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Event {
    raw: Arc<RawEvent>,
    skipped_before: u64,
    decoded: OnceLock<Arc<Result<ServerNotification, DecodeError>>>,
}

impl Event {
    pub(crate) fn new(delivered: Delivered) -> Self {
        Self {
            raw: delivered.event,
            skipped_before: delivered.skipped_before,
            decoded: OnceLock::new(),
        }
    }

    /// The method on the wire, such as `item/completed`. Empty for a line that
    /// is no message of the protocol; [`decode`](Self::decode) then says why.
    pub fn method(&self) -> &str {
        self.raw.method()
    }

    /// The thread that it concerns.
    pub fn thread_id(&self) -> Option<&str> {
        self.raw.thread_id()
    }

    /// The turn that it concerns.
    pub fn turn_id(&self) -> Option<&str> {
        self.raw.turn_id()
    }

    /// When the server emitted it.
    pub fn emitted_at(&self) -> Option<SystemTime> {
        let ms = u64::try_from(self.raw.emitted_at_ms()?).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
    }

    /// The whole message as it came, in JSON.
    pub fn raw(&self) -> &str {
        self.raw.line()
    }

    /// How many events were left out up to here that no earlier event has said, because this
    /// subscriber did not keep up; 0 nearly always. Lossless events may stand between those that
    /// were left out. Which events a slow subscriber misses, and which never:
    /// [`concepts::ordering_and_lag`](crate::concepts::ordering_and_lag).
    pub fn skipped_before(&self) -> u64 {
        self.skipped_before
    }

    /// The typed notification. A method that this version does not know is
    /// `Ok(ServerNotification::Unrecognized(…))`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) when the payload of a
    /// known method does not have its form, naming the member. Nothing is lost:
    /// [`raw`](Self::raw) is what came.
    pub fn decode(&self) -> Result<&ServerNotification> {
        let raw = &self.raw;
        let decoded = self.decoded.get_or_init(|| {
            Arc::new(match raw.malformed() {
                Some(reason) => Err(DecodeError::new("a line that is no message", &reason)),
                None => {
                    let decoded = ServerNotification::decode(raw.method(), raw.params());
                    if let Ok(ServerNotification::Unrecognized(_)) = &decoded {
                        tracing::debug!(
                            method = raw.method(),
                            "a notification that this version does not know"
                        );
                    }
                    decoded
                }
            })
        });
        match &**decoded {
            Ok(notification) => Ok(notification),
            Err(error) => Err(Error::undecodable(
                raw.method().to_owned(),
                raw.line(),
                error.clone(),
            )),
        }
    }

    /// The text that this adds to an agent's message, if that is what it does.
    pub fn text_delta(&self) -> Option<&str> {
        match self.raw.role() {
            Some(Role::AgentMessageDelta) => self.raw.delta(),
            _ => None,
        }
    }
}

/// The ids and the method; the payload may hold a prompt.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("method", &self.method())
            .field("thread_id", &self.thread_id())
            .field("turn_id", &self.turn_id())
            .finish_non_exhaustive()
    }
}

macro_rules! stream {
    ($name:ident) => {
        impl $name {
            /// Says by an error of kind [`Lagged`](crate::ErrorKind::Lagged) that events were
            /// left out, before the event whose [`skipped_before`](Event::skipped_before) would
            /// say it.
            #[must_use]
            pub fn lag_as_errors(mut self) -> Self {
                self.events.lag_as_errors();
                self
            }

            /// The next event; `None` at the end.
            ///
            /// # Errors
            ///
            /// When the connection or the turn ends in an error, which is the last item.
            /// [`ErrorKind::Lagged`](crate::ErrorKind::Lagged) is one where this
            /// subscriber was so slow that even lossless events of a turn could not be
            /// kept. With [`lag_as_errors`](Self::lag_as_errors) that kind also stands where
            /// events were left out, and the stream goes on after it.
            ///
            /// # Cancel safety
            ///
            /// Cancel safe: an event that is not returned is not taken.
            pub async fn next(&mut self) -> Option<Result<Event>> {
                std::future::poll_fn(|cx| self.poll_event(cx)).await
            }
        }

        impl Stream for $name {
            type Item = Result<Event>;

            fn poll_next(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                self.poll_event(cx)
            }
        }
    };
}

/// The events of a thread or of the whole connection.
///
/// It does not keep the connection open, and ends with it: the last item is the
/// reason. When a subscriber does not keep up, the oldest events go, and
/// [`Event::skipped_before`] of the next one says how many.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let mut events = codex.events();
/// while let Some(event) = events.next().await {
///     let event = event?;
///     println!("{} {:?}", event.method(), event.thread_id());
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct EventStream {
    events: Subscription,
}

impl EventStream {
    pub(crate) fn new(events: Subscription) -> Self {
        Self { events }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        self.events
            .poll_item(cx)
            .map(|item| item.map(|item| Ok(Event::new(item?))))
    }
}

stream!(EventStream);

/// The events of one turn, up to and including `turn/completed`.
///
/// A turn may have several; each has its own place. It keeps the connection
/// open, and the thread's handlers and tools, until it is dropped. Dropping it does
/// nothing to the turn.
///
/// When the turn was started with a [`timeout`](crate::StartTurn::timeout) and does
/// not end within it, the last item, after the events of its interruption, is an
/// error of kind `Timeout`.
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// let turn = thread.turn("Explain the build.").await?;
/// let mut events = turn.stream();
/// while let Some(event) = events.next().await {
///     print!("{}", event?.text_delta().unwrap_or_default());
/// }
/// # Ok(()) }
/// ```
pub struct TurnStream {
    events: Subscription,
    asking: Asking,
    limit: Option<(Limit, Over)>,
    /// Whether an error was the last item.
    failed: bool,
    turn: Arc<TurnRef>,
    /// Whose requests are answered by the client and by the thread's handlers.
    thread: Thread,
}

/// Asks the server about a turn that nothing is heard of: once the stream waits,
/// and on the connection's own runtime, because that of the stream may be any.
enum Asking {
    Later(Settling),
    Now(OwnedTask<Result<()>>),
    Done,
}

impl TurnStream {
    pub(crate) fn new(
        turn: Arc<TurnRef>,
        thread: Thread,
        settling: Settling,
        limit: Option<Limit>,
    ) -> Self {
        Self {
            events: turn.subscribe(),
            asking: Asking::Later(settling),
            limit: limit.map(|limit| {
                let over: Over = Box::pin(limit.over());
                (limit, over)
            }),
            failed: false,
            turn,
            thread,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        match self.events.poll_item(cx) {
            Poll::Ready(Some(item)) => {
                let item = item.map_err(Error::from);
                // After a gap it goes on; after any other error, and where even lossless events
                // could not be kept, it does not.
                self.failed = item.is_err() && self.events.is_ended();
                return Poll::Ready(Some(match item {
                    Ok(event) => Ok(Event::new(event)),
                    Err(error) => Err(self.explained(error)),
                }));
            }
            Poll::Ready(None) => {
                let is_overdue = |(limit, _): &(Limit, _)| limit.is_overdue();
                return match self.limit.as_ref().is_some_and(is_overdue) {
                    true => self.poll_over(cx),
                    false => Poll::Ready(None),
                };
            }
            Poll::Pending => {}
        }
        // Nothing is there yet. What this learns comes as an event as well.
        if let Poll::Ready(Err(error)) = self.poll_asking(cx) {
            return self.fail(error);
        }
        self.poll_over(cx)
    }

    /// An error of the events, with the reason if it is that the turn failed.
    fn explained(&self, error: Error) -> Error {
        let turn = &self.turn;
        let summary = turn.summary();
        if matches!(error.kind(), ErrorKind::Turn) && summary.failed().is_some() {
            let result = TurnResult::of(turn.thread_id(), turn.id(), &summary, None);
            return Error::turn_failed(result);
        }
        error
    }

    /// Whether the turn's time is over.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let Some((limit, over)) = &mut self.limit else {
            return Poll::Pending;
        };
        std::task::ready!(over.as_mut().poll(cx));
        let error = limit.error();
        self.fail(error)
    }

    fn poll_asking(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut task = match std::mem::replace(&mut self.asking, Asking::Done) {
            Asking::Later(settling) => {
                let runtime = self.thread.codex().connection().runtime();
                OwnedTask::spawn(runtime, settling)
            }
            Asking::Now(task) => task,
            Asking::Done => return Poll::Ready(Ok(())),
        };
        match Pin::new(&mut task).poll(cx) {
            // Without its runtime the connection fails, which the events tell.
            Poll::Ready(asked) => Poll::Ready(asked.unwrap_or(Ok(()))),
            Poll::Pending => {
                self.asking = Asking::Now(task);
                Poll::Pending
            }
        }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Event>>> {
        self.failed = true;
        Poll::Ready(Some(Err(error)))
    }
}

stream!(TurnStream);

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TurnStream").field(&self.events).finish()
    }
}
