//! A stream of events.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::core::Core;
use super::effects::Effects;
use super::event::RawEvent;
use super::queue::{End, Item, Mailbox};
use super::router::SubKey;
use crate::error::{Error, Result};

/// How many events are taken over with one lock.
const BATCH: usize = 64;

/// Events of a turn, of a thread, or of the connection.
///
/// A subscriber that lags gets an error of kind `Lagged` where events were left
/// out, and goes on after it; if even lossless events of a turn could not be
/// kept, that error is the last item. The end of a turn ends its stream. The
/// failure of the connection is the last item of any other stream.
///
/// Dropping it unsubscribes. Taking the next item is cancel safe.
pub struct Subscription {
    core: Arc<Core>,
    key: SubKey,
    mailbox: Arc<Mailbox>,
    batch: VecDeque<Item>,
    ended: bool,
}

impl Subscription {
    pub(super) fn new(core: Arc<Core>, (key, mailbox): (SubKey, Arc<Mailbox>)) -> Self {
        Self {
            core,
            key,
            mailbox,
            batch: VecDeque::new(),
            ended: false,
        }
    }

    /// The next event, or that some were left out; nothing at the end.
    pub fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Arc<RawEvent>>>> {
        loop {
            match self.batch.pop_front() {
                Some(Item::Event(event)) => return Poll::Ready(Some(Ok(event))),
                Some(Item::Lagged(skipped)) => {
                    tracing::warn!(of = ?self.key, skipped, "a subscriber lags");
                    return Poll::Ready(Some(Err(Error::lagged(skipped))));
                }
                None if self.ended => return Poll::Ready(None),
                None => {}
            }
            let polled = self.mailbox.poll_take(cx, &mut self.batch, BATCH);
            let Poll::Ready(end) = polled else {
                return Poll::Pending;
            };
            self.ended = end.is_some();
            match end {
                None | Some(End::Complete) => {}
                Some(End::Overflow(lost)) => {
                    tracing::warn!(of = ?self.key, lost, "a subscriber lags too far and is cut off");
                    return Poll::Ready(Some(Err(Error::lagged(lost))));
                }
                Some(End::Lost(lost)) => return Poll::Ready(Some(Err(lost.error()))),
                Some(End::Failed) => return Poll::Ready(Some(Err(self.core.gone()))),
            }
        }
    }
}

impl Stream for Subscription {
    type Item = Result<Arc<RawEvent>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut fx = Effects::default();
        self.core.lock().router.unsubscribe(&self.key, &mut fx);
        fx.run();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
