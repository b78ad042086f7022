//! A stream of events.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::core::Core;
use super::effects::Effects;
use super::queue::{Delivered, End, Mailbox};
use super::router::SubKey;
use crate::error::{Error, Result};

/// How many events are taken over with one lock.
const BATCH: usize = 64;

/// Events of a turn, of a thread, or of the connection.
///
/// A subscriber that lags is told by the event after those that were left out;
/// if even lossless events of a turn could not be kept, an error of kind
/// `Lagged` is the last item. The end of a turn ends its stream. The
/// failure of the connection is the last item of any other stream.
///
/// Dropping it unsubscribes. Taking the next item is cancel safe.
pub struct Subscription {
    core: Arc<Core>,
    key: SubKey,
    mailbox: Arc<Mailbox>,
    batch: VecDeque<Delivered>,
    ended: bool,
    lag_as_errors: bool,
}

impl Subscription {
    pub(super) fn new(core: Arc<Core>, (key, mailbox): (SubKey, Arc<Mailbox>)) -> Self {
        Self {
            core,
            key,
            mailbox,
            batch: VecDeque::new(),
            ended: false,
            lag_as_errors: false,
        }
    }

    /// Says by an error of kind `Lagged` where events were left out, before the event after them.
    pub fn lag_as_errors(&mut self) {
        self.lag_as_errors = true;
    }

    /// Whether nothing comes after what was given last.
    pub fn is_ended(&self) -> bool {
        self.ended && self.batch.is_empty()
    }

    /// The next event; nothing at the end.
    pub fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Delivered>>> {
        loop {
            match self.batch.pop_front() {
                Some(mut item) => {
                    let skipped = item.skipped_before;
                    if skipped > 0 {
                        tracing::warn!(of = ?self.key, skipped, "a subscriber lags");
                    }
                    if skipped > 0 && self.lag_as_errors {
                        item.skipped_before = 0;
                        self.batch.push_front(item);
                        return Poll::Ready(Some(Err(Error::lagged(skipped))));
                    }
                    return Poll::Ready(Some(Ok(item)));
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
    type Item = Result<Delivered>;

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
