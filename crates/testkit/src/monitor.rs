//! State that several threads and tasks wait on, executor-agnostic.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long the kit's waits last before they fail the test.
///
/// Long, because a wait that succeeds costs nothing and a loaded machine must not turn a test red.
/// Measured in real time: a test whose tokio clock is paused waits as long as any other.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A value behind a lock, with everybody who waits for it to change: threads and tasks alike.
#[derive(Debug)]
pub(crate) struct Monitor<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    value: T,
    /// One per waiting task; emptied by each update, so stale ones do not pile up.
    wakers: Vec<Waker>,
}

impl<T> Monitor<T> {
    pub(crate) fn new(value: T) -> Self {
        Monitor {
            state: Mutex::new(State {
                value,
                wakers: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panicking test must still be able to print what the model saw.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the value without telling anyone.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the value and wakes everybody who waits.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state.value);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    /// Ready as soon as `check` finds what it looks for. No bound: for the model's own tasks,
    /// which end with their connection.
    pub(crate) fn poll_until<R>(
        &self,
        cx: &mut Context<'_>,
        mut check: impl FnMut(&T) -> Option<R>,
    ) -> Poll<R> {
        let mut state = self.lock();
        if let Some(found) = check(&state.value) {
            return Poll::Ready(found);
        }
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Blocks this thread until `check` finds what it looks for, `None` once `bound` has passed.
    pub(crate) fn wait<R>(
        &self,
        bound: Duration,
        mut check: impl FnMut(&T) -> Option<R>,
    ) -> Option<R> {
        let deadline = Instant::now() + bound;
        let mut state = self.lock();
        loop {
            if let Some(found) = check(&state.value) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// As [`wait`](Self::wait), for a task of any executor.
    pub(crate) async fn until<R>(
        &self,
        bound: Duration,
        mut check: impl FnMut(&T) -> Option<R>,
    ) -> Option<R> {
        let mut alarm = None;
        poll_fn(|cx| {
            if let Poll::Ready(found) = self.poll_until(cx, &mut check) {
                return Poll::Ready(Some(found));
            }
            alarm.get_or_insert_with(|| Alarm::after(bound)).poll(cx)
        })
        .await
    }
}

/// A deadline in real time, kept by a thread of its own.
///
/// Not a tokio timer: under paused time that would fire the moment the test is idle, which is
/// exactly when it waits for the model. The thread ends with the alarm.
struct Alarm {
    shared: Arc<AlarmState>,
    thread: Option<Thread>,
}

struct AlarmState {
    over: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl AlarmState {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm {
    fn after(bound: Duration) -> Self {
        let shared = Arc::new(AlarmState {
            over: AtomicBool::new(false),
            waker: Mutex::new(None),
        });
        let deadline = Instant::now() + bound;
        let state = Arc::clone(&shared);
        let spawned = thread::Builder::new()
            .name("testkit-alarm".into())
            .spawn(move || {
                while let Some(left) = deadline.checked_duration_since(Instant::now()) {
                    if state.over.load(Ordering::Acquire) {
                        return;
                    }
                    thread::park_timeout(left);
                }
                state.over.store(true, Ordering::Release);
                if let Some(waker) = state.waker().take() {
                    waker.wake();
                }
            });
        // A machine out of threads: give up at once rather than wait without a bound.
        if spawned.is_err() {
            shared.over.store(true, Ordering::Release);
        }
        Alarm {
            shared,
            thread: spawned.ok().map(|handle| handle.thread().clone()),
        }
    }

    fn poll<R>(&self, cx: &mut Context<'_>) -> Poll<Option<R>> {
        *self.shared.waker() = Some(cx.waker().clone());
        if self.shared.over.load(Ordering::Acquire) {
            Poll::Ready(None)
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;

    use super::*;

    struct Unpark(Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }

    #[test]
    fn a_task_is_woken_by_a_change_it_waits_for() {
        let monitor = Arc::new(Monitor::new(0));
        let other = Arc::clone(&monitor);
        let writer = thread::spawn(move || (1..=3).for_each(|n| other.update(|value| *value = n)));
        let seen = block_on(monitor.until(PATIENCE, |value| (*value == 3).then_some(*value)));
        assert_eq!(seen, Some(3));
        writer.join().unwrap();
    }

    #[test]
    fn both_forms_of_waiting_give_up_at_the_bound() {
        let monitor = Monitor::new(());
        let bound = Duration::from_millis(20);
        assert_eq!(monitor.wait(bound, |()| None::<()>), None);
        assert_eq!(block_on(monitor.until(bound, |()| None::<()>)), None);
    }
}
