//! Whom to wake once the lock is released.

use std::sync::Arc;
use std::task::Waker;

use tokio::sync::Notify;

use super::dispatch::OpenRequest;

/// Wakers run code that is not ours, so they are collected under the lock and
/// called after it. What is sent wakes as well.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    wakers: Vec<Waker>,
    notifies: Vec<Arc<Notify>>,
    withdrawn: Vec<OpenRequest>,
}

impl Effects {
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    pub(crate) fn notify(&mut self, notify: &Arc<Notify>) {
        self.notifies.push(Arc::clone(notify));
    }

    pub(crate) fn withdraw(&mut self, request: OpenRequest) {
        self.withdrawn.push(request);
    }

    /// Wakes everyone. Call it without the lock.
    pub(crate) fn run(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
        for notify in self.notifies.drain(..) {
            notify.notify_waiters();
        }
        for request in self.withdrawn.drain(..) {
            request.withdraw();
        }
    }
}
