//! Who gets which event.
//!
//! **Architecture invariant:** no I/O, no lock and no task in here. The reader
//! feeds it, callers subscribe, and all of it is tested without a runtime.

mod doomed;
mod ending;
mod id_map;
mod resumed;
mod ring;
mod thread;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use openai_codex_wire::{Role, ThreadId, TurnId};
use tokio::sync::Notify;

use super::effects::Effects;
use super::event::RawEvent;
use super::fold::TurnSummary;
use super::login::Logins;
use super::queue::{End, Limits, Mailbox, Overflow, Queue};
use super::signs::Noted;
use super::turn_log::{Lost, Progress, SubId, TurnLog};
use doomed::Doomed;
pub(crate) use ending::OtherName;
use id_map::IdMap;
pub(crate) use resumed::Resumed;
pub(super) use resumed::stored_end;
use ring::Ring;
use thread::Thread;

/// How many finished turns are remembered by id, the newest.
const RECENT: usize = 256;

/// On how many threads the running turns are remembered.
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
pub enum Known {
    /// It runs, or its end is in the summary.
    Followed,
    /// It ended a while ago, and nothing of it was kept.
    Finished,
    /// Nothing was heard of it.
    Unknown,
}

/// What is over with an event, or to be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Nothing,
    Turn(ThreadId, TurnId),
    /// Nothing yet: a turn began that is to be interrupted.
    Doomed(ThreadId, TurnId),
    /// Nothing yet: the turn that is to be interrupted began by its other name, the second.
    Renamed(ThreadId, TurnId, TurnId),
    /// Every turn of the thread, because nothing more is told of them.
    Thread(ThreadId),
}

/// The number of a `turn/start` whose response has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartId(u64);

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Whether the turn was running before, or another start of ours began it.
    pub joined: bool,
    /// The subscription that has everything since the request.
    pub subscription: Option<SubId>,
}

#[derive(Debug)]
pub(crate) struct Router {
    limits: Limits,
    threads: IdMap<ThreadId, Thread>,
    global: Ring,
    pub logins: Logins,
    recent: VecDeque<(ThreadId, TurnId)>,
    pub doomed: Doomed,
    /// The signs of an end that were seen and not taken yet.
    noted: Vec<Noted>,
    next_id: u64,
    /// The connection failed: whoever subscribes now is told so.
    failed: bool,
}

impl Router {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            threads: IdMap::default(),
            global: Ring::new(limits),
            logins: Logins::default(),
            recent: VecDeque::new(),
            doomed: Doomed::default(),
            noted: Vec::new(),
            next_id: 0,
            failed: false,
        }
    }

    /// Delivers an event. Returns the turns that are over with it: the one that it
    /// completes, or those whose end nothing will tell of.
    pub(crate) fn route(&mut self, event: &Arc<RawEvent>, fx: &mut Effects) -> Over {
        let role = event.role();
        let limits = self.limits;
        match role {
            Some(Role::LoginCompleted) => self.logins.complete(event, fx),
            Some(Role::TurnStarted) => self.follow_thread(event),
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
            if turn.is_none() && role == Some(Role::TurnCompleted) {
                turn = thread.only_turn().map(Cow::Owned);
            }
            if role == Some(Role::ThreadStatus) && thread.is_busy {
                thread.is_busy = resumed::is_active(event);
            }
            if let Some(turn) = turn.as_deref() {
                owned = thread.route(turn, event, limits, fx);
            }
            let (noted, next_id) = (&mut self.noted, &mut self.next_id);
            thread.note_signs(event, |turn| {
                *next_id += 1;
                let (thread, turn) = (event.thread_id()?.into(), turn.clone());
                let number = *next_id;
                noted.push(Noted {
                    thread,
                    turn,
                    number,
                });
                Some(number)
            });
        }
        if !owned {
            self.global.push(event, fx);
        }
        match role {
            Some(Role::TurnStarted) => match self.doomed.began(event) {
                Some((thread, turn, None)) => Over::Doomed(thread, turn),
                Some((thread, turn, Some(name))) => Over::Renamed(thread, turn, name),
                None => Over::Nothing,
            },
            Some(Role::TurnCompleted) => {
                let Some((thread, turn)) = event.thread_id().zip(turn) else {
                    return Over::Nothing;
                };
                let completed = (ThreadId::from(thread), TurnId::from(&*turn));
                self.release_turn(&completed.0, &completed.1, fx);
                if self.recent.len() == RECENT {
                    self.recent.pop_front();
                }
                self.recent.push_back(completed.clone());
                self.doomed.forget(&completed.0, Some(&completed.1));
                Over::Turn(completed.0, completed.1)
            }
            Some(Role::ThreadClosed) => self.thread_over(event, Lost::Closed, fx),
            Some(Role::ThreadArchived) => self.thread_over(event, Lost::Archived, fx),
            Some(Role::ThreadDeleted) => self.thread_over(event, Lost::Deleted, fx),
            Some(Role::ThreadStatus) if resumed::is_not_loaded(event) => {
                self.thread_over(event, Lost::Closed, fx)
            }
            _ => Over::Nothing,
        }
    }

    fn thread_over(&mut self, event: &RawEvent, lost: Lost, fx: &mut Effects) -> Over {
        let Some(thread) = event.thread_id().map(ThreadId::from) else {
            return Over::Nothing;
        };
        self.lose_thread(&thread, lost, fx);
        Over::Thread(thread)
    }

    /// No more is heard of a thread: whoever waits for one of its turns is told.
    pub(crate) fn lose_thread(&mut self, id: &ThreadId, lost: Lost, fx: &mut Effects) {
        self.doomed.forget(id, None);
        if let Some(thread) = self.threads.get_mut(id) {
            thread.lose(lost, fx);
            self.release_unowned(id, fx);
        }
    }

    /// A thread is followed from now on, with what the server says of its turns.
    pub(crate) fn resume_thread(&mut self, resumed: &Resumed, fx: &mut Effects) {
        if self.threads.len() >= ACTIVE_THREADS && !self.threads.contains_key(&resumed.thread) {
            return;
        }
        let thread = self.threads.get_or_default(&resumed.thread);
        thread.resume(resumed, fx);
        self.release_unowned(&resumed.thread, fx);
    }

    /// A turn begins: its thread is remembered until it ends, so that a start
    /// that joins it can be told from one that begins a turn.
    fn follow_thread(&mut self, event: &RawEvent) {
        if let Some(id) = event.thread_id()
            && self.threads.len() < ACTIVE_THREADS
        {
            self.threads.get_or_default(&id.into());
        }
    }

    /// Prepares for the response to a `turn/start`, which events of its turn can
    /// overtake. Call it before the request is queued.
    pub(crate) fn open_start(&mut self, thread: &ThreadId, events: bool) -> StartId {
        let id = StartId(self.new_id());
        let subscription = events.then(|| SubId(self.new_id()));
        let limits = self.limits;
        let thread = self.threads.get_or_default(thread);
        thread.open(id, subscription, limits);
        id
    }

    /// Nobody waits for this start any more: its events need not be kept. If it
    /// was the last that was waited for, neither need those of other turns.
    pub(crate) fn abandon_start(&mut self, thread: &ThreadId, id: StartId, fx: &mut Effects) {
        if let Some(state) = self.threads.get_mut(thread) {
            state.abandon(id);
            self.release_unowned(thread, fx);
        }
    }

    /// Whether a turn of the thread is being given up that the server may just be
    /// beginning: a start now would join it, and be interrupted with it.
    pub(crate) fn is_held_up(&self, thread: &ThreadId) -> bool {
        let state = self.threads.get(thread);
        state.is_some_and(Thread::is_held_up) || self.doomed.holds_up(thread)
    }

    /// What is being given up on the thread takes too long to be waited for.
    pub(crate) fn hold_up_no_longer(&mut self, thread: &ThreadId) {
        self.doomed.hold_up_no_longer(thread);
        if let Some(state) = self.threads.get_mut(thread) {
            state.hold_up_no_longer();
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
        let finished = turn.is_some_and(|turn| self.is_recent(thread_id, turn));
        let thread = self.threads.get_mut(thread_id)?;
        let start = thread.take_start(id)?;
        let settled = thread.settle(&start, turn, keep, finished, limits);
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
        let finished = self.is_recent(thread, turn);
        let (limits, failed) = (self.limits, self.failed);
        let thread = self.threads.get_or_default(thread);
        let known = match thread.is_followed(turn) {
            true => Known::Followed,
            false if finished => Known::Finished,
            false => Known::Unknown,
        };
        let log = thread.log(turn, limits);
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
            Some(log) => log.subscribe_like(id, like, limits),
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
        let state = self.threads.get_or_default(thread);
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
        let mut summary = log.fold.summary();
        summary.failed = log.failed();
        Some((summary, Arc::clone(&log.done)))
    }

    /// How far a turn is, and what tells of its end.
    pub(crate) fn progress(
        &mut self,
        thread: &ThreadId,
        turn: &TurnId,
    ) -> Option<(Progress, Arc<Notify>)> {
        let log = self.turn(thread, turn)?;
        Some((log.progress(), Arc::clone(&log.done)))
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
            log.push(event, fx);
        }
    }

    /// Whether to ask the server to interrupt a turn that nobody waits for, and
    /// whether to tell of its [answer](Doomed::answered).
    pub(crate) fn doom(&mut self, thread: &ThreadId, turn: &TurnId) -> Option<bool> {
        if self.has_finished(thread, turn) {
            return None;
        }
        let state = self.threads.get(thread);
        let has_begun = state.is_some_and(|state| state.has_begun(turn));
        Some(self.doomed.add(thread, turn, has_begun))
    }

    /// Whether a turn was promised by the response to a start and has not begun.
    pub(crate) fn is_to_begin(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(|log| log.claimed && !log.fold.has_events() && !log.is_lost())
    }

    /// Whether the end of a turn was seen, not too long ago.
    pub(crate) fn has_finished(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(|log| log.fold.is_complete()) || self.is_recent(thread, turn)
    }

    /// Whether a turn is waited for whose end nothing tells of.
    pub(crate) fn has_lost(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(TurnLog::is_lost)
    }

    /// Whether events of a turn came, and more will unless it is complete.
    pub(crate) fn is_heard_of(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        let state = self.threads.get(thread);
        let log = state.and_then(|state| state.turns.get(turn));
        log.is_some_and(|log| log.fold.has_events() && !log.is_lost())
    }

    fn is_recent(&self, thread: &ThreadId, turn: &TurnId) -> bool {
        self.recent
            .iter()
            .any(|(other, id)| (other, id) == (thread, turn))
    }

    /// Ends every wait, because the connection failed.
    pub(crate) fn fail(&mut self, fx: &mut Effects) {
        self.failed = true;
        for thread in self.threads.values_mut() {
            thread.fail(fx);
        }
        self.global.fail(fx);
        self.logins.fail(fx);
        self.doomed.clear();
        self.threads.retain(|thread| {
            thread.turns.retain(|log| log.is_owned());
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
        if unowned && !thread.awaits_response() {
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
        if !thread.awaits_response() {
            let unowned = thread.turns.extract_if(|log| !log.is_owned());
            for unclaimed in unowned.filter_map(|log| log.unclaimed) {
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

    /// How many bytes wait for each subscriber of a turn.
    #[cfg(test)]
    pub(crate) fn waiting(&mut self, thread: &ThreadId, turn: &TurnId) -> Vec<usize> {
        let mailboxes = self.turn(thread, turn).map(|log| &log.mailboxes);
        let mailboxes = mailboxes.into_iter().flatten();
        mailboxes.map(|(_, it)| it.lock().bytes()).collect()
    }

    /// How many things are kept, which must not grow with what has passed.
    pub(crate) fn entries(&self) -> usize {
        let threads = self.threads.values();
        let kept = threads.map(|thread| {
            1 + thread.turns.len()
                + thread.active.len()
                + thread.starts.len()
                + thread.subscribers.len()
        });
        kept.sum::<usize>() + self.logins.len() + self.global.subscribers.len() + self.doomed.len()
    }
}
