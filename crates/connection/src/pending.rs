//! Requests whose answers have not come.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use openai_codex_wire::{Role, ThreadId, TurnId, scope};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::router::StartId;
use super::turn::UnclaimedTurn;
use crate::error::Error;

/// How many abandoned starts are remembered, so that their turns can be
/// interrupted when the late responses come. The server answers a start within
/// milliseconds, or never: then the oldest is forgotten.
const ABANDONED: usize = 256;

/// How long a request whose caller went away keeps its place, unless it is answered
/// before: 0.163.0 leaves some without an answer when it is asked for too much.
const OWED: Duration = Duration::from_secs(30);

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The raw JSON of `result`.
    Result(Box<str>),
    /// The raw JSON of `error`.
    Error(Box<str>),
    /// The turn to be interrupted ended.
    TurnEnded,
    /// The connection is gone.
    Failed(Error),
}

/// Who waits for a response.
#[derive(Debug)]
pub(crate) enum Waiter {
    Call(oneshot::Sender<Answer>),
    /// A call whose answer says whether a thread is followed.
    Follow {
        what: Follow,
        tx: oneshot::Sender<Answer>,
    },
    /// An interrupt, which the end of its turn answers as well: 0.163.0 leaves
    /// one that comes just too late without an answer.
    Interrupt {
        thread: ThreadId,
        turn: TurnId,
        /// None where nobody waits, and the turn is to be interrupted all the same.
        tx: Option<oneshot::Sender<Answer>>,
    },
    Start(StartWaiter),
}

/// What an answer means for the threads that are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Resume,
    Unsubscribe(ThreadId),
}

impl Follow {
    /// What the answer to a request with a role means, if anything.
    pub(crate) fn of(role: Role, params: Option<&RawValue>) -> Option<Self> {
        match role {
            Role::ThreadResume => Some(Self::Resume),
            Role::ThreadUnsubscribe => {
                let ids = scope::ids(params?.get());
                Some(Self::Unsubscribe(ids.thread_id?.as_ref().into()))
            }
            _ => None,
        }
    }
}

/// A start is not forgotten with its caller, because its turn has to be
/// interrupted then: `tx` is what goes.
#[derive(Debug)]
pub(crate) struct StartWaiter {
    pub thread: ThreadId,
    pub start: StartId,
    pub tx: Option<oneshot::Sender<StartAnswer>>,
}

/// What became of the start of a turn.
#[derive(Debug)]
pub(crate) enum StartAnswer {
    Started(UnclaimedTurn),
    /// Anything but a turn.
    Other(Answer),
}

/// The waiters by request id.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    waiters: HashMap<i64, Waiter>,
    interrupts: usize,
    abandoned: VecDeque<i64>,
    /// The in-flight permits of requests that nobody waits for and the server still
    /// works on, and when they end. There are no more of them than permits.
    owed: HashMap<i64, (Instant, OwnedSemaphorePermit)>,
}

impl Pending {
    pub(crate) fn insert(&mut self, id: i64, waiter: Waiter) {
        self.interrupts += usize::from(matches!(waiter, Waiter::Interrupt { .. }));
        self.waiters.insert(id, waiter);
    }

    /// Takes the waiter of a request that was answered or cancelled.
    pub(crate) fn remove(&mut self, id: i64) -> Option<Waiter> {
        let waiter = self.waiters.remove(&id)?;
        self.interrupts -= usize::from(matches!(waiter, Waiter::Interrupt { .. }));
        if matches!(waiter, Waiter::Start(StartWaiter { tx: None, .. })) {
            self.abandoned.retain(|other| *other != id);
        }
        Some(waiter)
    }

    /// The caller of a start is gone. Returns the start, and one that is
    /// forgotten for it.
    pub(crate) fn abandon_start(&mut self, id: i64) -> [Option<(ThreadId, StartId)>; 2] {
        let Some(Waiter::Start(waiter)) = self.waiters.get_mut(&id) else {
            return [None, None];
        };
        waiter.tx = None;
        let abandoned = (waiter.thread.clone(), waiter.start);
        self.abandoned.push_back(id);
        let oldest = (self.abandoned.len() > ABANDONED)
            .then(|| self.abandoned.pop_front())
            .flatten();
        let forgotten = match oldest.and_then(|id| self.waiters.remove(&id)) {
            Some(Waiter::Start(waiter)) => Some((waiter.thread, waiter.start)),
            _ => None,
        };
        [Some(abandoned), forgotten]
    }

    /// Takes the interrupts that the end of a turn answers, or, without a turn,
    /// the end of everything on a thread.
    pub(crate) fn take_interrupts(
        &mut self,
        thread: &ThreadId,
        turn: Option<&TurnId>,
    ) -> Vec<oneshot::Sender<Answer>> {
        if self.interrupts == 0 {
            return Vec::new();
        }
        let matching = self.waiters.extract_if(|_, waiter| match waiter {
            Waiter::Interrupt {
                thread: its_thread,
                turn: its_turn,
                ..
            } => its_thread == thread && turn.is_none_or(|turn| its_turn == turn),
            _ => false,
        });
        let senders: Vec<_> = matching
            .filter_map(|(_, waiter)| match waiter {
                Waiter::Interrupt { tx, .. } => Some(tx),
                _ => None,
            })
            .collect();
        self.interrupts -= senders.len();
        senders.into_iter().flatten().collect()
    }

    /// Forgets the interrupts of a thread's turns that nobody waits for: their ends
    /// are not told any more, and 0.163.0 may not answer.
    pub(crate) fn forget_interrupts(&mut self, of: &ThreadId) {
        let forgotten = self.waiters.extract_if(|_, waiter| match waiter {
            Waiter::Interrupt { thread, tx, .. } => thread == of && tx.is_none(),
            _ => false,
        });
        self.interrupts -= forgotten.count();
    }

    /// Keeps the place of a request that nobody waits for any more, if it has one.
    /// Whatever is returned is to be given up.
    pub(crate) fn owe_some(
        &mut self,
        id: i64,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Option<OwnedSemaphorePermit> {
        let replaced = self.owed.insert(id, (Instant::now() + OWED, permit?));
        replaced.map(|(_, permit)| permit)
    }

    /// Takes the place of a request that was answered after all. Give it up without
    /// the lock, as all of these.
    pub(crate) fn take_owed(&mut self, id: i64) -> Option<OwnedSemaphorePermit> {
        self.owed.remove(&id).map(|(_, permit)| permit)
    }

    /// Takes the places that have been kept for long enough, and says when to look
    /// again.
    pub(crate) fn take_overdue(&mut self) -> (Vec<OwnedSemaphorePermit>, Instant) {
        let now = Instant::now();
        let overdue = self.owed.extract_if(|_, (until, _)| *until <= now);
        let overdue = overdue.map(|(_, (_, permit))| permit).collect();
        let next = self.owed.values().map(|(until, _)| *until).min();
        (overdue, next.unwrap_or(now + OWED))
    }

    /// Takes every place, because the connection failed.
    pub(crate) fn take_all_owed(&mut self) -> Vec<OwnedSemaphorePermit> {
        self.owed.drain().map(|(_, (_, permit))| permit).collect()
    }

    /// Takes every waiter, because the connection failed.
    pub(crate) fn take_all(&mut self) -> Vec<Waiter> {
        self.interrupts = 0;
        self.abandoned.clear();
        self.waiters.drain().map(|(_, waiter)| waiter).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    #[cfg(test)]
    pub(crate) fn owed(&self) -> usize {
        self.owed.len()
    }
}

impl Waiter {
    /// Tells a waiter that the connection is gone. Call it without the lock.
    pub(crate) fn fail(self, error: &Error) {
        let answer = Answer::Failed(error.clone());
        // Whoever does not wait any more need not be told.
        let _ = match self {
            Self::Call(tx) | Self::Follow { tx, .. } | Self::Interrupt { tx: Some(tx), .. } => {
                tx.send(answer).map_err(drop)
            }
            Self::Start(StartWaiter { tx: Some(tx), .. }) => {
                tx.send(StartAnswer::Other(answer)).map_err(drop)
            }
            Self::Interrupt { .. } | Self::Start(_) => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Limits;
    use crate::router::Router;

    fn call() -> Waiter {
        Waiter::Call(oneshot::channel().0)
    }

    #[test]
    fn a_waiter_is_taken_once() {
        let mut pending = Pending::default();
        pending.insert(1, call());
        pending.insert(2, call());
        assert!(matches!(pending.remove(1), Some(Waiter::Call(_))));
        assert!(pending.remove(1).is_none());
        assert!(pending.remove(7).is_none());
        assert_eq!(pending.len(), 1);
        assert_eq!(pending.take_all().len(), 1);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn the_end_of_a_turn_takes_its_interrupts_only() {
        let mut pending = Pending::default();
        for (id, turn) in [(1, "u"), (2, "v"), (3, "u")] {
            let tx = oneshot::channel().0;
            let (thread, turn) = ("t".into(), turn.into());
            let tx = Some(tx);
            pending.insert(id, Waiter::Interrupt { thread, turn, tx });
        }
        let (u, v) = (TurnId::from("u"), TurnId::from("v"));
        assert_eq!(pending.take_interrupts(&"t".into(), Some(&u)).len(), 2);
        assert_eq!(pending.take_interrupts(&"t".into(), Some(&u)).len(), 0);
        assert_eq!(pending.take_interrupts(&"x".into(), Some(&v)).len(), 0);
        assert_eq!(pending.take_interrupts(&"x".into(), None).len(), 0);
        assert!(pending.remove(2).is_some());
        assert_eq!(pending.interrupts, 0);
    }

    #[test]
    fn abandoned_starts_are_remembered_but_not_without_end() {
        let mut pending = Pending::default();
        let mut router = Router::new(Limits::default());
        let thread = ThreadId::from("t");
        let mut forgotten = 0;
        for id in 0..1000 {
            let start = router.open_start(&thread, false);
            pending.insert(
                id,
                Waiter::Start(StartWaiter {
                    thread: thread.clone(),
                    start,
                    tx: None,
                }),
            );
            let [abandoned, oldest] = pending.abandon_start(id);
            assert_eq!(abandoned, Some((thread.clone(), start)));
            forgotten += usize::from(oldest.is_some());
        }
        assert_eq!(pending.len(), ABANDONED);
        assert_eq!(forgotten, 1000 - ABANDONED);
        pending.remove(999);
        assert_eq!(pending.abandoned.len(), ABANDONED - 1);
    }
}
