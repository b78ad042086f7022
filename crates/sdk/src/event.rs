//! What the server tells, as it comes.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use futures_core::Stream;
use openai_codex_types::{DecodeError, ServerNotification};

use crate::connection::{Connection, RawEvent, Subscription, TurnRef};
use crate::error::{Error, Result};
use crate::turn::Settling;

/// The method of the deltas that make up the agent's messages.
const TEXT_DELTA: &str = "item/agentMessage/delta";

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
    decoded: OnceLock<Arc<Result<ServerNotification, DecodeError>>>,
}

impl Event {
    pub(crate) fn new(raw: Arc<RawEvent>) -> Self {
        Self {
            raw,
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
        match self.method() {
            TEXT_DELTA => self.raw.delta(),
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
            /// The next event; `None` at the end.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::Lagged`](crate::ErrorKind::Lagged) where events were
            /// left out because this subscriber did not keep up: the stream goes
            /// on after it. Any other error is the last item.
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
/// reason. When a subscriber does not keep up, the oldest events go, and an
/// error of kind `Lagged` stands in their place.
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
            .map(|item| item.map(|item| item.map(Event::new)))
    }
}

stream!(EventStream);

/// The events of one turn, up to and including `turn/completed`.
///
/// A turn may have several; each has its own place. It keeps the connection
/// open until it is dropped. Dropping it does nothing to the turn.
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
    /// Asks the server about a turn that nothing is heard of.
    settling: Option<Settling>,
    /// Whether it could not be asked: the stream is over.
    failed: bool,
    _turn: Arc<TurnRef>,
    _connection: Connection,
}

impl TurnStream {
    pub(crate) fn new(turn: Arc<TurnRef>, connection: Connection, settling: Settling) -> Self {
        Self {
            events: turn.subscribe(),
            settling: Some(settling),
            failed: false,
            _turn: turn,
            _connection: connection,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        if self.failed {
            return Poll::Ready(None);
        }
        if let Poll::Ready(item) = self.events.poll_item(cx) {
            return Poll::Ready(item.map(|item| item.map(Event::new)));
        }
        // Nothing is there yet. What this learns comes as an event as well.
        if let Some(settling) = &mut self.settling
            && let Poll::Ready(settled) = settling.as_mut().poll(cx)
        {
            self.settling = None;
            if let Err(error) = settled {
                self.failed = true;
                return Poll::Ready(Some(Err(error)));
            }
        }
        Poll::Pending
    }
}

stream!(TurnStream);

impl fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TurnStream").field(&self.events).finish()
    }
}
