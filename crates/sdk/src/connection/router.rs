//! Who gets which event.
//!
//! **Architecture invariant:** no I/O, no lock and no task in here. The reader
//! feeds it, callers subscribe, and all of it is tested without a runtime.

mod id_map;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use openai_codex_wire::{ThreadId, TurnId};
use tokio::sync::Notify;

use super::effects::Effects;
use super::event::RawEvent;
use super::fold::{Fold, TurnSummary};
use super::kind::Kind;
use super::login::Logins;
use super::queue::{End, Limits, Mailbox, Overflow, Queue};
use super::turn_log::{SubId, TurnLog};
use id_map::IdMap;

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
    threads: IdMap<ThreadId, Thread>,
    global: Ring,
    pub(crate) logins: Logins,
    recent: VecDeque<(ThreadId, TurnId)>,
    next_id: u64,
    /// The connection failed: whoever subscribes now is told so.
    failed: bool,
}

#[derive(Debug, Default)]
struct Thread {
    turns: IdMap<TurnId, TurnLog>,
    /// Turns that have begun and not ended, as far as was heard.
    active: Vec<TurnId>,
    starts: Vec<Start>,
    subscribers: Vec<(SubId, Arc<Mailbox>)>,
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
    subscribers: Vec<(SubId, Arc<Mailbox>)>,
}

impl Router {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            threads: IdMap::default(),
            global: Ring {
                early: Some(Queue::new(limits, Overflow::DropOldest)),
                subscribers: Vec::new(),
            },
            logins: Logins::default(),
            recent: VecDeque::new(),
            next_id: 0,
            failed: false,
        }
    }

    /// Delivers an event. Returns the turn that it completes, if it does.
    pub(crate) fn route(
        &mut self,
        event: &Arc<RawEvent>,
        fx: &mut Effects,
    ) -> Option<(ThreadId, TurnId)> {
        let kind = event.kind();
        let limits = self.limits;
        match kind {
            Kind::LoginCompleted => self.logins.complete(event, fx),
            Kind::TurnStarted => self.follow_thread(event),
            _ => {}
        }
        let thread = match event.thread_id() {
            Some(id) => self.threads.get_mut(id),
            // No message of 0.163.0 has a turn and no thread; one day one may.
            None => event.turn_id().and_then(|turn| {
                let mut threads = self.threads.values_mut();
                threads.find(|thread| thread.turns.contains_key(turn))
            }),
        };
        let mut turn = event.turn_id().map(Cow::Borrowed);
        let mut owned = false;
        if let Some(thread) = thread {
            for (_, mailbox) in &thread.subscribers {
                fx.wake(mailbox.lock().push(event));
            }
            if turn.is_none() && kind == Kind::TurnCompleted {
                turn = thread.only_turn().map(Cow::Owned);
            }
            if let Some(turn) = turn.as_deref() {
                owned = thread.route(turn, event, limits, fx);
            }
        }
        if !owned {
            self.global.push(event, fx);
        }
        if kind == Kind::TurnCompleted {
            let (thread, turn) = event.thread_id().zip(turn)?;
            let completed = (ThreadId::from(thread), TurnId::from(&*turn));
            self.release_turn(&completed.0, &completed.1, fx);
            if self.recent.len() == RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(completed.clone());
            return Some(completed);
        }
        None
    }

    /// A turn begins: its thread is remembered until it ends, so that a start
    /// that joins it can be told from one that begins a turn.
    fn follow_thread(&mut self, event: &RawEvent) {
        if let Some(id) = event.thread_id()
            && self.threads.len() < ACTIVE_THREADS
            && !self.threads.contains_key(id)
        {
            self.threads.insert(id.into(), Thread::default());
        }
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
                    && log.mailbox(subscription).is_none()
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
        let (limits, failed) = (self.limits, self.failed);
        let thread = self.threads.entry(thread.clone()).or_default();
        let known = match thread.turns.contains_key(turn) || thread.active.contains(turn) {
            true => Known::Followed,
            false if finished => Known::Finished,
            false => Known::Unknown,
        };
        let log = thread.log(turn, Fold::partial(), limits);
        log.handles += 1;
        let mailbox = log.subscribe(subscription, limits);
        if failed {
            mailbox.lock().end(End::Failed);
        }
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
    ) -> (SubKey, Arc<Mailbox>) {
        let id = SubId(self.new_id());
        let (limits, failed) = (self.limits, self.failed);
        let mailbox = match self.turn(thread, turn) {
            Some(log) => match like {
                Some(like) => log.subscribe_like(id, like, limits),
                None => log.subscribe(id, limits),
            },
            // Nothing will ever come: a handle keeps its turn, so this is none.
            None => Mailbox::new(Queue::new(limits, Overflow::End)),
        };
        if failed {
            mailbox.lock().end(End::Failed);
        }
        (SubKey::Turn(thread.clone(), turn.clone(), id), mailbox)
    }

    /// The subscription that a start or an attachment has made.
    pub(crate) fn take_over(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
        id: SubId,
    ) -> (SubKey, Arc<Mailbox>) {
        let key = SubKey::Turn(thread.clone(), turn.clone(), id);
        match self.mailbox(&key) {
            Some(mailbox) => (key, mailbox),
            None => self.subscribe_turn(thread, turn, None),
        }
    }

    /// Everything that carries a thread's id, from now on.
    pub(crate) fn subscribe_thread(&mut self, thread: &ThreadId) -> (SubKey, Arc<Mailbox>) {
        let id = SubId(self.new_id());
        let mailbox = self.ring_mailbox();
        let state = self.threads.entry(thread.clone()).or_default();
        state.subscribers.push((id, Arc::clone(&mailbox)));
        (SubKey::Thread(thread.clone(), id), mailbox)
    }

    /// Everything that no turn subscriber owns. The first subscriber also gets
    /// what came before it.
    pub(crate) fn subscribe_global(&mut self) -> (SubKey, Arc<Mailbox>) {
        let id = SubId(self.new_id());
        let mailbox = match self.global.early.take() {
            Some(early) => Mailbox::new(early),
            None => self.ring_mailbox(),
        };
        self.global.subscribers.push((id, Arc::clone(&mailbox)));
        (SubKey::Global(id), mailbox)
    }

    fn ring_mailbox(&self) -> Arc<Mailbox> {
        let mut queue = Queue::new(self.limits, Overflow::DropOldest);
        if self.failed {
            queue.end(End::Failed);
        }
        Mailbox::new(queue)
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

    pub(crate) fn mailbox(&mut self, key: &SubKey) -> Option<Arc<Mailbox>> {
        let (subscribers, id) = match key {
            SubKey::Turn(thread, turn, id) => (&self.turn(thread, turn)?.mailboxes, id),
            SubKey::Thread(thread, id) => (&self.threads.get(thread)?.subscribers, id),
            SubKey::Global(id) => (&self.global.subscribers, id),
        };
        let found = subscribers.iter().find(|(other, _)| other == id);
        found.map(|(_, mailbox)| Arc::clone(mailbox))
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

    /// Ends every wait, because the connection failed.
    pub(crate) fn fail(&mut self, fx: &mut Effects) {
        self.failed = true;
        for thread in self.threads.values_mut() {
            let starts = std::mem::take(&mut thread.starts);
            thread.active.clear();
            for log in thread.turns.values_mut() {
                for subscription in starts.iter().filter_map(|start| start.subscription) {
                    log.unsubscribe(subscription);
                }
                log.fail(fx);
            }
            for (_, mailbox) in &thread.subscribers {
                fx.wake(mailbox.lock().end(End::Failed));
            }
        }
        if let Some(early) = &mut self.global.early {
            early.end(End::Failed);
        }
        for (_, mailbox) in &self.global.subscribers {
            fx.wake(mailbox.lock().end(End::Failed));
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
    /// A completion whose turn cannot be read must not leave the only turn that
    /// it can mean waiting for ever.
    fn only_turn(&self) -> Option<String> {
        let only = self.turns.keys().next().filter(|_| self.turns.len() == 1)?;
        Some(only.as_str().to_owned())
    }

    /// Delivers an event to a turn. Returns whether somebody owns that turn.
    fn route(&mut self, id: &str, event: &Arc<RawEvent>, limits: Limits, fx: &mut Effects) -> bool {
        match event.kind() {
            Kind::TurnStarted => self.add_active(id.into()),
            Kind::TurnCompleted => self.active.retain(|active| active != id),
            _ => {}
        }
        if !self.starts.is_empty() && !self.turns.contains_key(id) {
            self.expect_turn(&id.into(), event.kind(), limits);
        }
        match self.turns.get_mut(id) {
            Some(log) => {
                log.push(event.kind(), event, fx);
                log.unclaimed.is_some() || log.is_owned()
            }
            None => false,
        }
    }

    /// Keeps what comes of a turn, because a start may turn out to have begun it.
    fn expect_turn(&mut self, id: &TurnId, kind: Kind, limits: Limits) {
        // One that was heard of before has had events that were not kept.
        let fold = match kind != Kind::TurnStarted && self.active.contains(id) {
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
        for (_, mailbox) in &self.subscribers {
            fx.wake(mailbox.lock().push(event));
        }
    }

    /// Takes over the events of a turn that turned out to be nobody's.
    fn adopt(&mut self, unclaimed: &Queue, fx: &mut Effects) {
        for event in unclaimed.events() {
            self.push(event, fx);
        }
    }
}
