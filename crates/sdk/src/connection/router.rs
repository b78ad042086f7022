//! Who gets which event.
//!
//! **Architecture invariant:** no I/O, no lock and no task in here. The reader
//! feeds it, callers subscribe, and all of it is tested without a runtime.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use openai_codex_wire::{ThreadId, TurnId};
use tokio::sync::Notify;

use super::effects::Effects;
use super::event::RawEvent;
use super::fold::{Fold, TurnSummary};
use super::kind::Kind;
use super::login::Logins;
use super::queue::{Limits, Overflow, Queue};
use super::turn_log::{SubId, TurnLog};

/// How many finished turns are remembered by id, the newest.
const RECENT: usize = 256;

/// How many running turns are remembered per thread, and how many threads. The
/// server runs one turn per thread; more are turns whose end was never told.
const ACTIVE_TURNS: usize = 16;
const ACTIVE_THREADS: usize = 16 * 1024;

/// Where a subscription reads.
#[derive(Clone, Debug)]
pub(crate) enum SubKey {
    Turn(ThreadId, TurnId, SubId),
    Thread(ThreadId, SubId),
    Global(SubId),
}

/// What is known of a turn that somebody attaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It runs, or its end is in the summary.
    Followed,
    /// It ended a while ago, and nothing of it was kept.
    Finished,
    /// Nothing was heard of it.
    Unknown,
}

/// The number of a `turn/start` whose response has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartId(u64);

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Whether the turn was running before, or another start of ours began it.
    pub(crate) joined: bool,
    /// The subscription that has everything since the request.
    pub(crate) subscription: Option<SubId>,
}

#[derive(Debug)]
pub(crate) struct Router {
    limits: Limits,
    threads: HashMap<ThreadId, Thread>,
    global: Ring,
    pub(crate) logins: Logins,
    recent: VecDeque<(ThreadId, TurnId)>,
    next_id: u64,
}

#[derive(Debug, Default)]
struct Thread {
    turns: HashMap<TurnId, TurnLog>,
    /// Turns that have begun and not ended, as far as was heard.
    active: Vec<TurnId>,
    starts: Vec<Start>,
    subscribers: Vec<(SubId, Queue)>,
}

/// A `turn/start` on its way.
#[derive(Debug)]
struct Start {
    id: StartId,
    /// Who is to get the turn's events from here on, whichever turn it will be.
    subscription: Option<SubId>,
    /// The turns that ran already: the start joins one of these or begins its own.
    known: Vec<TurnId>,
}

/// Subscribers that all see the same, and what came before the first of them.
#[derive(Debug)]
struct Ring {
    early: Option<Queue>,
    subscribers: Vec<(SubId, Queue)>,
}

impl Router {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            threads: HashMap::new(),
            global: Ring {
                early: Some(Queue::new(limits, Overflow::DropOldest)),
                subscribers: Vec::new(),
            },
            logins: Logins::default(),
            recent: VecDeque::new(),
            next_id: 0,
        }
    }

    /// Delivers an event. Returns the turn that it completes, if it does.
    pub(crate) fn route(
        &mut self,
        event: &Arc<RawEvent>,
        fx: &mut Effects,
    ) -> Option<(ThreadId, TurnId)> {
        let kind = Kind::of(event.method());
        if kind == Kind::LoginCompleted {
            self.logins.complete(event, fx);
        }
        let limits = self.limits;
        let mut owned = false;
        let mut completed = None;
        if let Some((id, thread)) = self.thread_of(event, kind) {
            for (_, queue) in &mut thread.subscribers {
                fx.wake(queue.push(event));
            }
            let turn = thread.turn_of(event, kind);
            if let Some(turn) = turn.as_deref() {
                owned = thread.route(turn, kind, event, limits, fx);
            }
            if kind == Kind::TurnCompleted {
                completed = turn.map(|turn| (id, TurnId::from(&*turn)));
            }
        } else if kind == Kind::TurnCompleted {
            let ids = event.thread_id().zip(event.turn_id());
            completed = ids.map(|(thread, turn)| (thread.into(), turn.into()));
        }
        if !owned {
            self.global.push(event, fx);
        }
        if let Some((thread, turn)) = &completed {
            self.release_turn(thread, turn, fx);
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((thread.clone(), turn.clone()));
        }
        completed
    }

    /// The thread that an event belongs to, if anything is kept of it.
    fn thread_of(&mut self, event: &RawEvent, kind: Kind) -> Option<(ThreadId, &mut Thread)> {
        let id = match (event.thread_id(), event.turn_id()) {
            (Some(thread), _) => match self.threads.get_key_value(thread) {
                Some((id, _)) => id.clone(),
                None if kind == Kind::TurnStarted && self.threads.len() < ACTIVE_THREADS => {
                    ThreadId::from(thread)
                }
                None => return None,
            },
            // No message of 0.163.0 has a turn and no thread; one day one may.
            (None, Some(turn)) => self
                .threads
                .iter()
                .find(|(_, thread)| thread.turns.contains_key(turn))
                .map(|(id, _)| id.clone())?,
            (None, None) => return None,
        };
        let thread = self.threads.entry(id.clone()).or_default();
        Some((id, thread))
    }

    /// Prepares for the response to a `turn/start`, which events of its turn can
    /// overtake. Call it before the request is queued.
    pub(crate) fn open_start(&mut self, thread: &ThreadId, events: bool) -> StartId {
        let id = StartId(self.new_id());
        let subscription = events.then(|| SubId(self.new_id()));
        let limits = self.limits;
        let thread = self.threads.entry(thread.clone()).or_default();
        let mut known = thread.active.clone();
        for (turn, log) in &mut thread.turns {
            if let Some(subscription) = subscription {
                log.subscribe(subscription, limits);
            }
            if log.is_owned() && !known.contains(turn) {
                known.push(turn.clone());
            }
        }
        thread.starts.push(Start {
            id,
            subscription,
            known,
        });
        id
    }

    /// Nobody waits for this start any more: its events need not be kept.
    pub(crate) fn abandon_start(&mut self, thread: &ThreadId, id: StartId) {
        let Some(thread) = self.threads.get_mut(thread) else {
            return;
        };
        let Some(start) = thread.starts.iter_mut().find(|start| start.id == id) else {
            return;
        };
        if let Some(subscription) = start.subscription.take() {
            for log in thread.turns.values_mut() {
                log.unsubscribe(subscription);
            }
        }
    }

    /// The response has come. With a turn, its subscription is what the start
    /// kept; and if somebody waits (`keep`), the turn gets a handle.
    pub(crate) fn settle_start(
        &mut self,
        thread_id: &ThreadId,
        id: StartId,
        turn: Option<&TurnId>,
        keep: bool,
        fx: &mut Effects,
    ) -> Option<Settled> {
        let limits = self.limits;
        let thread = self.threads.get_mut(thread_id)?;
        let at = thread.starts.iter().position(|start| start.id == id)?;
        let start = thread.starts.remove(at);
        if let Some(subscription) = start.subscription {
            for (id, log) in &mut thread.turns {
                if turn != Some(id) || !keep {
                    log.unsubscribe(subscription);
                }
            }
        }
        let settled = turn.map(|turn| {
            let was_known = start.known.contains(turn);
            let fold = if was_known {
                Fold::partial()
            } else {
                Fold::default()
            };
            let log = thread.log(turn, fold, limits);
            let joined = was_known || log.claimed;
            log.claimed = true;
            if keep {
                log.unclaimed = None;
                log.handles += 1;
                if let Some(subscription) = start.subscription
                    && log.queue(subscription).is_none()
                {
                    log.subscribe(subscription, limits);
                }
            }
            if !log.fold.is_complete() {
                thread.add_active(turn.clone());
            }
            Settled {
                joined,
                subscription: start.subscription.filter(|_| keep),
            }
        });
        self.release_unowned(thread_id, fx);
        settled
    }

    /// Adds a handle on a turn that somebody else started, or that was let go.
    pub(crate) fn attach_turn(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        fx: &mut Effects,
    ) -> (Known, SubId) {
        let subscription = SubId(self.new_id());
        let finished = self
            .recent
            .iter()
            .any(|(other, id)| (other, id) == (thread, turn));
        let limits = self.limits;
        let thread = self.threads.entry(thread.clone()).or_default();
        let known = match thread.turns.contains_key(turn) || thread.active.contains(turn) {
            true => Known::Followed,
            false if finished => Known::Finished,
            false => Known::Unknown,
        };
        let log = thread.log(turn, Fold::partial(), limits);
        log.handles += 1;
        log.subscribe(subscription, limits);
        // What came so far was nobody's, and what comes now is this handle's.
        if let Some(unclaimed) = log.unclaimed.take() {
            self.global.adopt(&unclaimed, fx);
        }
        (known, subscription)
    }

    /// Adds another handle on a turn that has one.
    pub(crate) fn add_handle(&mut self, thread: &ThreadId, turn: &TurnId) {
        if let Some(log) = self.turn(thread, turn) {
            log.handles += 1;
        }
    }

    pub(crate) fn drop_handle(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        subscription: Option<SubId>,
        fx: &mut Effects,
    ) {
        if let Some(log) = self.turn(thread, turn) {
            log.handles = log.handles.saturating_sub(1);
            if let Some(subscription) = subscription {
                log.unsubscribe(subscription);
            }
            self.release_turn(thread, turn, fx);
        }
    }

    /// Another subscription to a turn that has a handle: from now on, or, if
    /// the subscription `like` has not been read from, with all that it has.
    pub(crate) fn subscribe_turn(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        like: Option<SubId>,
    ) -> SubKey {
        let id = SubId(self.new_id());
        let limits = self.limits;
        if let Some(log) = self.turn(thread, turn) {
            match like {
                Some(like) => log.subscribe_like(id, like, limits),
                None => log.subscribe(id, limits),
            }
        }
        SubKey::Turn(thread.clone(), turn.clone(), id)
    }

    /// Everything that carries a thread's id, from now on.
    pub(crate) fn subscribe_thread(&mut self, thread: &ThreadId) -> SubKey {
        let id = SubId(self.new_id());
        let queue = Queue::new(self.limits, Overflow::DropOldest);
        let state = self.threads.entry(thread.clone()).or_default();
        state.subscribers.push((id, queue));
        SubKey::Thread(thread.clone(), id)
    }

    /// Everything that no turn subscriber owns. The first subscriber also gets
    /// what came before it.
    pub(crate) fn subscribe_global(&mut self) -> SubKey {
        let id = SubId(self.new_id());
        let early = self.global.early.take();
        let queue = early.unwrap_or_else(|| Queue::new(self.limits, Overflow::DropOldest));
        self.global.subscribers.push((id, queue));
        SubKey::Global(id)
    }

    pub(crate) fn unsubscribe(&mut self, key: &SubKey, fx: &mut Effects) {
        match key {
            SubKey::Turn(thread, turn, id) => {
                if let Some(log) = self.turn(thread, turn) {
                    log.unsubscribe(*id);
                    self.release_turn(thread, turn, fx);
                }
            }
            SubKey::Thread(thread, id) => {
                if let Some(state) = self.threads.get_mut(thread) {
                    state.subscribers.retain(|(other, _)| other != id);
                    self.release_thread(thread);
                }
            }
            SubKey::Global(id) => self.global.subscribers.retain(|(other, _)| other != id),
        }
    }

    pub(crate) fn queue(&mut self, key: &SubKey) -> Option<&mut Queue> {
        let (subscribers, id) = match key {
            SubKey::Turn(thread, turn, id) => return self.turn(thread, turn)?.queue(*id),
            SubKey::Thread(thread, id) => (&mut self.threads.get_mut(thread)?.subscribers, id),
            SubKey::Global(id) => (&mut self.global.subscribers, id),
        };
        let found = subscribers.iter_mut().find(|(other, _)| other == id);
        found.map(|(_, queue)| queue)
    }

    /// A turn's summary, and what tells of its completion.
    pub(crate) fn summary(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
    ) -> Option<(TurnSummary, Arc<Notify>)> {
        let log = self.turn(thread, turn)?;
        Some((log.fold.summary(), Arc::clone(&log.done)))
    }

    /// Whether a turn is complete, and what tells of it when it is not.
    pub(crate) fn completion(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
    ) -> Option<(bool, Arc<Notify>)> {
        let log = self.turn(thread, turn)?;
        Some((log.fold.is_complete(), Arc::clone(&log.done)))
    }

    /// Ends a turn whose completion was learnt in another way.
    pub(crate) fn settle_turn(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        event: &Arc<RawEvent>,
        fx: &mut Effects,
    ) {
        if let Some(state) = self.threads.get_mut(thread)
            && let Some(log) = state.turns.get_mut(turn)
            && !log.fold.is_complete()
        {
            state.active.retain(|active| active != turn);
            log.push(Kind::TurnCompleted, event, fx);
        }
    }

    /// Whether the end of a turn was seen, not too long ago.
    pub(crate) fn has_finished(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(|log| log.fold.is_complete())
            || self
                .recent
                .iter()
                .any(|(other, id)| (other, id) == (thread, turn))
    }

    /// Wakes everyone, because the connection failed.
    pub(crate) fn fail(&mut self, fx: &mut Effects) {
        for thread in self.threads.values_mut() {
            let starts = std::mem::take(&mut thread.starts);
            thread.active.clear();
            for log in thread.turns.values_mut() {
                for subscription in starts.iter().filter_map(|start| start.subscription) {
                    log.unsubscribe(subscription);
                }
                log.fail(fx);
            }
            for (_, queue) in &mut thread.subscribers {
                fx.wake(queue.take_waker());
            }
        }
        for (_, queue) in &mut self.global.subscribers {
            fx.wake(queue.take_waker());
        }
        self.logins.fail(fx);
        self.threads.retain(|_, thread| {
            thread.turns.retain(|_, log| log.is_owned());
            !thread.is_unused()
        });
    }

    fn turn(&mut self, thread: &ThreadId, turn: &TurnId) -> Option<&mut TurnLog> {
        self.threads.get_mut(thread)?.turns.get_mut(turn)
    }

    /// Forgets a turn that nobody is interested in.
    fn release_turn(&mut self, thread_id: &ThreadId, turn: &TurnId, fx: &mut Effects) {
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        let unowned = thread.turns.get(turn).is_some_and(|log| !log.is_owned());
        // While a start is on its way, this may turn out to be its turn.
        if unowned && thread.starts.is_empty() {
            let log = thread.turns.remove(turn);
            if let Some(unclaimed) = log.and_then(|log| log.unclaimed) {
                self.global.adopt(&unclaimed, fx);
            }
        }
        self.release_thread(thread_id);
    }

    /// Forgets every turn of a thread that nobody is interested in.
    fn release_unowned(&mut self, thread_id: &ThreadId, fx: &mut Effects) {
        let Some(thread) = self.threads.get_mut(thread_id) else {
            return;
        };
        if thread.starts.is_empty() {
            let unowned = thread.turns.extract_if(|_, log| !log.is_owned());
            for unclaimed in unowned.filter_map(|(_, log)| log.unclaimed) {
                self.global.adopt(&unclaimed, fx);
            }
        }
        self.release_thread(thread_id);
    }

    fn release_thread(&mut self, thread: &ThreadId) {
        if self.threads.get(thread).is_some_and(Thread::is_unused) {
            self.threads.remove(thread);
        }
    }

    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// How many things are kept, which must not grow with what has passed.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        let threads = self.threads.values();
        let kept = threads.map(|thread| {
            1 + thread.turns.len()
                + thread.active.len()
                + thread.starts.len()
                + thread.subscribers.len()
        });
        kept.sum::<usize>() + self.logins.len() + self.global.subscribers.len()
    }
}

impl Thread {
    /// The id of the turn that an event belongs to.
    fn turn_of<'a>(&self, event: &'a RawEvent, kind: Kind) -> Option<Cow<'a, str>> {
        match event.turn_id() {
            Some(id) => Some(id.into()),
            // A completion whose turn cannot be read must not leave the only
            // turn that it can mean waiting for ever.
            None if kind == Kind::TurnCompleted && self.turns.len() == 1 => {
                let only = self.turns.keys().next()?;
                Some(only.as_str().to_owned().into())
            }
            None => None,
        }
    }

    /// Delivers an event to a turn. Returns whether somebody owns that turn.
    fn route(
        &mut self,
        id: &str,
        kind: Kind,
        event: &Arc<RawEvent>,
        limits: Limits,
        fx: &mut Effects,
    ) -> bool {
        if !self.turns.contains_key(id) && !self.starts.is_empty() {
            self.expect_turn(&id.into(), limits);
        }
        match kind {
            Kind::TurnStarted => self.add_active(id.into()),
            Kind::TurnCompleted => self.active.retain(|active| active != id),
            _ => {}
        }
        match self.turns.get_mut(id) {
            Some(log) => {
                log.push(kind, event, fx);
                log.unclaimed.is_some() || log.is_owned()
            }
            None => false,
        }
    }

    /// Keeps what comes of a turn, because a start may turn out to have begun it.
    fn expect_turn(&mut self, id: &TurnId, limits: Limits) {
        let fold = match self.active.contains(id) {
            true => Fold::partial(),
            false => Fold::default(),
        };
        let log = self.log(id, fold, limits);
        log.unclaimed = Some(Queue::new(limits, Overflow::DropOldest));
    }

    /// The log of a turn. A new one is followed by every start that is open,
    /// since any of them may turn out to have begun or joined it.
    fn log(&mut self, id: &TurnId, fold: Fold, limits: Limits) -> &mut TurnLog {
        let starts = &self.starts;
        self.turns.entry(id.clone()).or_insert_with(|| {
            let mut log = TurnLog::new(fold);
            for subscription in starts.iter().filter_map(|start| start.subscription) {
                log.subscribe(subscription, limits);
            }
            log
        })
    }

    fn add_active(&mut self, turn: TurnId) {
        if !self.active.contains(&turn) {
            if self.active.len() == ACTIVE_TURNS {
                self.active.remove(0);
            }
            self.active.push(turn);
        }
    }

    fn is_unused(&self) -> bool {
        self.turns.is_empty()
            && self.active.is_empty()
            && self.starts.is_empty()
            && self.subscribers.is_empty()
    }
}

impl Ring {
    fn push(&mut self, event: &Arc<RawEvent>, fx: &mut Effects) {
        if let Some(early) = &mut self.early {
            early.push(event);
        }
        for (_, queue) in &mut self.subscribers {
            fx.wake(queue.push(event));
        }
    }

    /// Takes over the events of a turn that turned out to be nobody's.
    fn adopt(&mut self, unclaimed: &Queue, fx: &mut Effects) {
        for event in unclaimed.events() {
            self.push(event, fx);
        }
    }
}
