//! What the threads have of their own, and which of them are on their way.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openai_codex_types::{DynamicToolCallParams, ServerRequest, Thread, ThreadId};
use tokio::sync::watch;

use super::Handlers;
use super::origins::{Heard, Origin, Origins};
use crate::approval::WorkspaceOverrides;
use crate::tool::Toolbox;

/// From this many threads on, those that nobody has a handle on are forgotten:
/// first those without handlers and tools, then the oldest.
const THREADS: usize = 1024;

/// Of this many threads it is remembered that they had handlers or tools, which
/// are forgotten: what these may have refused is not for the client to accept.
const FORGOTTEN: usize = 65_536;

/// How long a request may wait for a thread that is being started. Only a server
/// that answers the start after the request, if ever, gets there.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a thread has of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThreadHooks {
    pub(super) handlers: Handlers,
    pub(super) tools: Toolbox,
    /// What its own configuration says of the workspace-write mode.
    workspace: Option<WorkspaceOverrides>,
}

impl ThreadHooks {
    /// Handlers and tools over what is there, and these settings. Nothing, if there
    /// is neither.
    pub(crate) fn over(
        before: Option<&Self>,
        handlers: Option<Handlers>,
        tools: Option<Toolbox>,
        workspace: Option<WorkspaceOverrides>,
    ) -> Option<Arc<Self>> {
        if before.is_none() && handlers.is_none() && tools.is_none() && workspace.is_none() {
            return None;
        }
        let before = before.cloned().unwrap_or_default();
        Some(Arc::new(Self {
            handlers: handlers.unwrap_or(before.handlers),
            tools: tools.unwrap_or(before.tools),
            workspace,
        }))
    }

    pub(crate) fn workspace(&self) -> Option<&WorkspaceOverrides> {
        self.workspace.as_ref()
    }

    /// Whether a request of this method may be for these.
    fn answer(&self, method: &str) -> bool {
        match method == DynamicToolCallParams::METHOD && !self.tools.is_empty() {
            true => true,
            false => !self.handlers.is_empty(),
        }
    }
}

/// The threads that this client has started, resumed or forked.
pub(super) struct Threads {
    known: Mutex<Known>,
    /// The starts that are not answered yet: of which thread, where that is known
    /// beforehand, and with what. A request about a thread that is not known may
    /// concern one of these.
    starting: watch::Sender<Starts>,
    /// Apart, because the reader of the connection takes it.
    origins: Mutex<Origins>,
}

#[derive(Default)]
struct Known {
    /// Those without hooks too, so that they wait for nobody.
    hooks: HashMap<ThreadId, (u64, Option<Arc<ThreadHooks>>)>,
    next: u64,
    forgotten: Forgotten,
}

/// Threads whose handlers and tools are forgotten, the oldest first.
#[derive(Default)]
struct Forgotten {
    ids: HashSet<ThreadId>,
    ages: VecDeque<ThreadId>,
}

#[derive(Default)]
struct Starts {
    open: BTreeMap<u64, (Option<ThreadId>, Arc<ThreadHooks>)>,
    next: u64,
}

/// A thread that is being started, resumed or forked. Requests that may concern
/// it wait until this is gone.
pub(crate) struct Starting {
    threads: Arc<Threads>,
    start: Option<(u64, Arc<ThreadHooks>)>,
}

/// Whose a request is.
pub(super) enum Owner {
    /// A thread with these.
    Thread(Arc<ThreadHooks>),
    /// A thread without any, or one that this client does not know.
    Nobody,
    /// A thread that may have handlers that should answer, which are not there,
    /// and why.
    Unknown(&'static str),
}

impl Threads {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::default(),
            starting: watch::Sender::default(),
            origins: Mutex::default(),
        })
    }

    /// Where a thread comes from, if the server has said it.
    pub(super) fn origin(&self, thread: &ThreadId) -> Option<Origin> {
        self.origins().get(thread).cloned()
    }

    /// What the server says of a thread; where it comes from, if that is said.
    pub(super) fn learn(&self, thread: &Thread) -> Option<Origin> {
        let origin = Origin::of(thread)?;
        let mut origins = self.origins();
        origins.learn(thread.id.clone(), origin);
        origins.get(&thread.id).cloned()
    }

    /// What an event says of where threads come from.
    pub(super) fn hear(&self, heard: Heard) {
        heard.tell(&mut self.origins());
    }

    /// Whether a thread may have, or have had, something that answers such requests.
    pub(super) fn any_answer(&self, method: &str) -> bool {
        let known = self.lock();
        let mut hooks = known.hooks.values().filter_map(|(_, hooks)| hooks.as_ref());
        !known.forgotten.ids.is_empty()
            || hooks.any(|hooks| hooks.answer(method))
            || self.starting.borrow().any_answer(method)
    }

    pub(super) fn hooks(&self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        self.lock().get(thread)?
    }

    /// Says that a thread is on its way: this one, if that can be known already.
    pub(super) fn starting(
        self: &Arc<Self>,
        thread: Option<&ThreadId>,
        hooks: Option<Arc<ThreadHooks>>,
    ) -> Starting {
        let start = hooks.map(|hooks| {
            let mut number = 0;
            self.starting.send_modify(|starts| {
                number = starts.next;
                starts.next += 1;
                let start = (thread.cloned(), Arc::clone(&hooks));
                starts.open.insert(number, start);
            });
            (number, hooks)
        });
        Starting {
            threads: Arc::clone(self),
            start,
        }
    }

    /// Whose a request is. Waits for the threads that were on their way when it
    /// came, if it may concern one of these, until they are there or are not to be.
    pub(super) async fn owner(&self, thread: &ThreadId, method: &str) -> Owner {
        let mut starting = self.starting.subscribe();
        // In this order: a thread is known before it stops being started.
        let before = starting.borrow_and_update().candidates(thread, method);
        let (known, is_forgotten) = {
            let known = self.lock();
            (known.get(thread), known.forgotten.ids.contains(thread))
        };
        let candidates: Vec<u64> = match &known {
            Some(Some(hooks)) => return Owner::Thread(Arc::clone(hooks)),
            // It is there, so that only a resume can give it hooks.
            Some(None) => before.resumed,
            None if is_forgotten && before.resumed.is_empty() => {
                return Owner::Unknown("its thread's handlers went with the last handle on it");
            }
            None => before.resumed.into_iter().chain(before.new).collect(),
        };
        let there = async {
            loop {
                let is_over = {
                    let now = starting.borrow_and_update();
                    !candidates.iter().any(|it| now.open.contains_key(it))
                };
                if let Some(hooks) = self.hooks(thread) {
                    return Owner::Thread(hooks);
                }
                if is_over || starting.changed().await.is_err() {
                    return Owner::Nobody;
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, there).await;
        waited.unwrap_or(Owner::Unknown(
            "its thread may be one that is still being started",
        ))
    }

    fn origins(&self) -> MutexGuard<'_, Origins> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers of starts that a request may concern.
struct Candidates {
    /// Of resumes of its thread.
    resumed: Vec<u64>,
    /// Of threads whose ids are not known yet.
    new: Vec<u64>,
}

impl Starts {
    fn any_answer(&self, method: &str) -> bool {
        self.open.values().any(|(_, hooks)| hooks.answer(method))
    }

    fn candidates(&self, thread: &ThreadId, method: &str) -> Candidates {
        let of = |wanted: Option<&ThreadId>| {
            let open = self.open.iter();
            open.filter(|(_, (id, hooks))| id.as_ref() == wanted && hooks.answer(method))
                .map(|(number, _)| *number)
                .collect()
        };
        Candidates {
            resumed: of(Some(thread)),
            new: of(None),
        }
    }
}

impl Known {
    fn get(&self, thread: &ThreadId) -> Option<Option<Arc<ThreadHooks>>> {
        self.hooks.get(thread).map(|(_, hooks)| hooks.clone())
    }

    fn insert(&mut self, thread: ThreadId, hooks: Option<Arc<ThreadHooks>>) {
        if self.hooks.len() >= THREADS && !self.hooks.contains_key(&thread) {
            let unused = self.hooks.iter().filter(|(_, (_, hooks))| {
                hooks.as_ref().is_none_or(|it| Arc::strong_count(it) == 1)
            });
            let least = unused.min_by_key(|(_, (age, hooks))| (hooks.is_some(), *age));
            if let Some(least) = least.map(|(id, _)| id.clone()) {
                let hooks = self.hooks.remove(&least);
                if matches!(hooks, Some((_, Some(_)))) {
                    self.forgotten.add(least);
                }
            }
        }
        self.forgotten.remove(&thread);
        self.next += 1;
        let known = self.hooks.entry(thread).or_default();
        // A resume that brings none leaves those that another one has brought.
        *known = (self.next, hooks.or_else(|| known.1.take()));
    }
}

impl Forgotten {
    fn add(&mut self, thread: ThreadId) {
        if self.ages.len() >= FORGOTTEN
            && let Some(oldest) = self.ages.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.ages.push_back(thread.clone());
        self.ids.insert(thread);
    }

    fn remove(&mut self, thread: &ThreadId) {
        if self.ids.remove(thread) {
            self.ages.retain(|it| it != thread);
        }
    }
}

impl Starting {
    /// The thread is there.
    pub(crate) fn started(self, thread: &Thread) -> Option<Arc<ThreadHooks>> {
        self.threads.learn(thread);
        self.there(&thread.id)
    }

    fn there(self, thread: &ThreadId) -> Option<Arc<ThreadHooks>> {
        let hooks = self.start.as_ref().map(|(_, hooks)| Arc::clone(hooks));
        self.threads.lock().insert(thread.clone(), hooks.clone());
        hooks
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.start {
            self.threads.starting.send_modify(|starts| {
                starts.open.remove(number);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use super::*;
    use crate::handler::{Decision, HandlerContext};

    const APPROVAL: &str = "item/commandExecution/requestApproval";
    const TOOL_CALL: &str = "item/tool/call";

    fn with_handlers() -> Option<Arc<ThreadHooks>> {
        let handlers =
            Handlers::new().command_approval(|_, _: HandlerContext| async { Decision::Decline });
        ThreadHooks::over(None, Some(handlers), None, None)
    }

    fn id(id: &str) -> ThreadId {
        ThreadId::from(id)
    }

    async fn owner(threads: &Arc<Threads>, thread: &str, method: &str) -> &'static str {
        match threads.owner(&id(thread), method).await {
            Owner::Thread(_) => "thread",
            Owner::Nobody => "nobody",
            Owner::Unknown(_) => "unknown",
        }
    }

    /// A request that is looked at once, and waited for later.
    struct Request(Pin<Box<dyn Future<Output = &'static str>>>);

    fn request(threads: &Arc<Threads>, thread: &'static str) -> Request {
        let threads = Arc::clone(threads);
        Request(Box::pin(
            async move { owner(&threads, thread, APPROVAL).await },
        ))
    }

    impl Request {
        async fn waits(&mut self) -> bool {
            poll_fn(|cx| Poll::Ready(self.0.as_mut().poll(cx).is_pending())).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_of_a_known_thread_waits_for_no_start() {
        let threads = Threads::new();
        threads.starting(None, None).there(&id("plain"));
        threads.starting(None, with_handlers()).there(&id("own"));
        let _starting = threads.starting(None, with_handlers());
        assert_eq!(owner(&threads, "plain", APPROVAL).await, "nobody");
        assert_eq!(owner(&threads, "own", APPROVAL).await, "thread");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_the_start_that_it_may_concern() {
        let threads = Threads::new();
        for (thread, started_as, expected) in [
            ("a", Some("a"), "thread"),
            ("b", Some("c"), "nobody"),
            ("d", None, "nobody"),
        ] {
            let starting = threads.starting(None, with_handlers());
            let mut request = request(&threads, thread);
            assert!(request.waits().await);
            // One that comes later does not hold it up.
            let _later = threads.starting(None, with_handlers());
            match started_as {
                Some(id) => drop(starting.there(&ThreadId::from(id))),
                None => drop(starting),
            }
            assert_eq!(request.0.await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_for_no_start_that_cannot_concern_it() {
        let threads = Threads::new();
        let _other = threads.starting(Some(&id("other")), with_handlers());
        let _without = threads.starting(None, None);
        let _empty = threads.starting(None, Some(Arc::default()));
        assert_eq!(owner(&threads, "a", APPROVAL).await, "nobody");
        assert_eq!(owner(&threads, "a", TOOL_CALL).await, "nobody");
        let mut request = request(&threads, "other");
        assert!(request.waits().await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_thread_waits_for_its_resume() {
        let threads = Threads::new();
        threads.starting(None, None).there(&id("a"));
        let resume = threads.starting(Some(&id("a")), with_handlers());
        let mut request = request(&threads, "a");
        assert!(request.waits().await);
        resume.there(&id("a"));
        assert_eq!(request.0.await, "thread");
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_is_never_answered_holds_nothing_up_for_ever() {
        let threads = Threads::new();
        let _starting = threads.starting(None, with_handlers());
        assert_eq!(owner(&threads, "a", APPROVAL).await, "unknown");
    }

    #[test]
    fn what_was_forgotten_is_not_remembered_for_ever() {
        let mut forgotten = Forgotten::default();
        for n in 0..=FORGOTTEN {
            forgotten.add(id(&n.to_string()));
        }
        assert!(!forgotten.ids.contains("0") && forgotten.ids.contains("1"));
        forgotten.remove(&id("1"));
        assert!(!forgotten.ids.contains("1"));
        assert_eq!(forgotten.ids.len(), FORGOTTEN - 1);
        assert_eq!(forgotten.ages.len(), FORGOTTEN - 1);
    }

    #[tokio::test]
    async fn threads_without_a_handle_are_forgotten_first() {
        let threads = Threads::new();
        let kept = threads.starting(None, with_handlers()).there(&id("kept"));
        drop(threads.starting(None, with_handlers()).there(&id("used")));
        for n in 0..2 * THREADS {
            threads.starting(None, None).there(&id(&n.to_string()));
        }
        assert_eq!(threads.lock().hooks.len(), THREADS);
        assert!(threads.hooks(&id("kept")).is_some() && kept.is_some());
        assert!(threads.hooks(&id("used")).is_some());
        for n in 0..2 * THREADS {
            drop(
                threads
                    .starting(None, with_handlers())
                    .there(&id(&n.to_string())),
            );
        }
        assert_eq!(threads.lock().hooks.len(), THREADS);
        assert!(threads.hooks(&id("kept")).is_some());
        assert!(threads.hooks(&id("used")).is_none());
        // Those of the client do not answer instead, until it is resumed.
        assert_eq!(owner(&threads, "used", APPROVAL).await, "unknown");
        threads.starting(Some(&id("used")), None).there(&id("used"));
        assert_eq!(owner(&threads, "used", APPROVAL).await, "nobody");
    }
}
