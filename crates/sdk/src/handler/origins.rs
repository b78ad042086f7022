//! Where threads come from: sub-agents, reviews and forks from others.

use std::collections::{BTreeMap, HashMap};

use openai_codex_types::{
    CollabAgentTool, Notification, Role, ServerNotification, SessionSource, SubAgentActivityKind,
    SubAgentSource, Thread, ThreadId, ThreadItem, ThreadStartedNotification,
};

use openai_codex_connection::RawEvent;

/// Of this many threads it is remembered where they come from, the newest. Of others
/// the server is asked again.
const ORIGINS: usize = 16_384;

/// The members of items that name another thread. Only an item with one of them is decoded.
const NAMES: [&str; 2] = ["receiverThreadIds", "agentThreadId"];

/// Where a thread comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From no other thread.
    Itself,
    /// It works for this one, or is a copy of it.
    From(ThreadId),
}

/// Where threads come from, as far as the server has said it.
#[derive(Debug, Default)]
pub(super) struct Origins {
    known: HashMap<ThreadId, (u64, Origin)>,
    ages: BTreeMap<u64, ThreadId>,
    next: u64,
}

impl Origin {
    /// What a thread's own record says; `None` for one that works for another which it
    /// does not name.
    pub(super) fn of(thread: &Thread) -> Option<Self> {
        let parent = thread.parent_thread_id.as_deref().map(ThreadId::from);
        let spawned = || match &thread.source {
            SessionSource::SubAgent(SubAgentSource::ThreadSpawn(source)) => {
                Some(source.parent_thread_id.clone())
            }
            _ => None,
        };
        let copied = || thread.forked_from_id.as_deref().map(ThreadId::from);
        match parent.or_else(spawned).or_else(copied) {
            Some(from) => Some(Self::From(from)),
            // What this version does not know may be another's work.
            None if matches!(
                thread.source,
                SessionSource::SubAgent(_) | SessionSource::Unrecognized(_)
            ) =>
            {
                None
            }
            None => Some(Self::Itself),
        }
    }
}

impl Origins {
    pub(super) fn get(&self, thread: &ThreadId) -> Option<&Origin> {
        self.known.get(thread).map(|(_, origin)| origin)
    }

    /// What was said first of a thread stays.
    pub(super) fn learn(&mut self, thread: ThreadId, origin: Origin) {
        if self.known.contains_key(&thread) || origin == Origin::From(thread.clone()) {
            return;
        }
        if self.known.len() >= ORIGINS
            && let Some((_, oldest)) = self.ages.pop_first()
        {
            self.known.remove(&oldest);
        }
        self.next += 1;
        self.ages.insert(self.next, thread.clone());
        self.known.insert(thread, (self.next, origin));
    }

    fn forget(&mut self, thread: &str) {
        if let Some((age, _)) = self.known.remove(thread) {
            self.ages.remove(&age);
        }
    }
}

/// What an event says of where threads come from.
pub(super) enum Heard {
    Of(Vec<(ThreadId, Origin)>),
    /// The thread is gone, for now or for good.
    Gone(ThreadId),
}

impl Heard {
    pub(super) fn in_event(event: &RawEvent) -> Option<Self> {
        match event.role() {
            Some(Role::ItemCompleted) if NAMES.iter().any(|it| event.params().contains(it)) => {}
            Some(Role::ThreadClosed | Role::ThreadArchived | Role::ThreadDeleted) => {
                return event.thread_id().map(ThreadId::from).map(Self::Gone);
            }
            None if event.method() == ThreadStartedNotification::METHOD => {}
            _ => return None,
        }
        let origins = match ServerNotification::decode(event.method(), event.params()).ok()? {
            ServerNotification::ThreadStarted(started) => {
                let origin = Origin::of(&started.thread)?;
                vec![(started.thread.id, origin)]
            }
            ServerNotification::ItemCompleted(completed) => match completed.item {
                // Other tools name what the model says, be it there or not.
                ThreadItem::CollabAgentToolCall(call)
                    if call.tool == CollabAgentTool::SpawnAgent =>
                {
                    let spawned = call.receiver_thread_ids.into_iter().map(ThreadId::from);
                    spawned
                        .map(|it| (it, Origin::From(call.sender_thread_id.clone())))
                        .collect()
                }
                ThreadItem::SubAgentActivity(activity)
                    if activity.kind == SubAgentActivityKind::Started =>
                {
                    vec![(activity.agent_thread_id, Origin::From(completed.thread_id))]
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(Self::Of(origins))
    }

    pub(super) fn tell(self, origins: &mut Origins) {
        match self {
            Self::Of(heard) => {
                for (thread, origin) in heard {
                    origins.learn(thread, origin);
                }
            }
            Self::Gone(thread) => origins.forget(&thread),
        }
    }
}

#[cfg(test)]
mod tests {
    use openai_codex_types::PROTOCOL;

    use super::*;

    fn id(id: &str) -> ThreadId {
        ThreadId::from(id)
    }

    fn event(json: serde_json::Value) -> RawEvent {
        use openai_codex_wire::envelope::{Message, peek};
        let line = json.to_string();
        match peek(&line) {
            Ok(Message::Notification {
                method,
                params,
                scope,
                emitted_at_ms,
            }) => {
                let spec = PROTOCOL.notification(&method);
                RawEvent::notification(&line, &method, params, &scope, emitted_at_ms, spec)
            }
            other => panic!("{other:?}"),
        }
    }

    fn heard(origins: &mut Origins, method: &str, params: serde_json::Value) {
        let event = event(serde_json::json!({"method": method, "params": params}));
        if let Some(heard) = Heard::in_event(&event) {
            heard.tell(origins);
        }
    }

    fn call(tool: &str, receiver: &str) -> serde_json::Value {
        serde_json::json!({
            "threadId": "parent", "turnId": "u", "completedAtMs": 0,
            "item": {
                "type": "collabAgentToolCall", "id": "i", "tool": tool, "status": "completed",
                "senderThreadId": "parent", "receiverThreadIds": [receiver], "agentsStates": {},
            },
        })
    }

    #[test]
    fn an_item_that_spawns_tells_of_the_child() {
        let mut origins = Origins::default();
        heard(&mut origins, "item/completed", call("spawnAgent", "child"));
        let activity = |kind: &str, agent: &str| {
            serde_json::json!({
                "threadId": "child", "turnId": "u", "completedAtMs": 0,
                "item": {
                    "type": "subAgentActivity", "id": "i", "kind": kind,
                    "agentThreadId": agent, "agentPath": "/a",
                },
            })
        };
        heard(
            &mut origins,
            "item/completed",
            activity("started", "grandchild"),
        );
        assert_eq!(origins.get(&id("child")), Some(&Origin::From(id("parent"))));
        assert_eq!(
            origins.get(&id("grandchild")),
            Some(&Origin::From(id("child")))
        );
        heard(
            &mut origins,
            "item/completed",
            activity("interacted", "other"),
        );
        assert_eq!(origins.get(&id("other")), None);
    }

    #[test]
    fn a_thread_that_a_model_only_names_does_not_become_its_child() {
        let mut origins = Origins::default();
        for tool in [
            "wait",
            "sendInput",
            "closeAgent",
            "resumeAgent",
            "listAgents",
        ] {
            heard(&mut origins, "item/completed", call(tool, "stranger"));
            assert_eq!(origins.get(&id("stranger")), None, "{tool}");
        }
        // Nor does one that is known.
        origins.learn(id("root"), Origin::Itself);
        heard(&mut origins, "item/completed", call("spawnAgent", "root"));
        assert_eq!(origins.get(&id("root")), Some(&Origin::Itself));
        heard(&mut origins, "item/completed", call("spawnAgent", "parent"));
        assert_eq!(origins.get(&id("parent")), None);
    }

    #[test]
    fn what_is_gone_is_forgotten_and_what_stays_is_bounded() {
        let mut origins = Origins::default();
        origins.learn(id("child"), Origin::From(id("parent")));
        heard(
            &mut origins,
            "thread/closed",
            serde_json::json!({"threadId": "child"}),
        );
        assert!(origins.known.is_empty() && origins.ages.is_empty());
        for n in 0..=ORIGINS {
            origins.learn(id(&n.to_string()), Origin::Itself);
        }
        assert_eq!(origins.known.len(), ORIGINS);
        assert_eq!(origins.ages.len(), ORIGINS);
        assert_eq!(origins.get(&id("0")), None);
        assert_eq!(origins.get(&id("1")), Some(&Origin::Itself));
    }

    #[test]
    fn a_thread_says_where_it_comes_from() {
        let thread = |parent: Option<&str>, copied: Option<&str>, source: serde_json::Value| {
            let thread = serde_json::json!({
                "id": "t", "sessionId": "t", "preview": "", "ephemeral": false,
                "projectId": null, "modelProvider": "mock", "createdAt": 0, "updatedAt": 0,
                "status": {"type": "idle"}, "cwd": "/", "cliVersion": "0.163.0", "turns": [],
                "parentThreadId": parent, "forkedFromId": copied, "source": source,
            });
            Origin::of(&serde_json::from_value(thread).unwrap())
        };
        let spawned = serde_json::json!({"subAgent": {"thread_spawn": {
            "depth": 1, "parent_thread_id": "c",
        }}});
        let review = serde_json::json!({"subAgent": "review"});
        let from = |it: &str| Some(Origin::From(id(it)));
        assert_eq!(thread(None, None, "vscode".into()), Some(Origin::Itself));
        assert_eq!(thread(Some("a"), Some("b"), "vscode".into()), from("a"));
        assert_eq!(thread(None, Some("b"), "vscode".into()), from("b"));
        assert_eq!(thread(None, Some("b"), spawned), from("c"));
        assert_eq!(thread(None, Some("b"), review.clone()), from("b"));
        // Somebody's, and it is not said whose.
        assert_eq!(thread(None, None, review), None);
        let new = serde_json::json!({"subAgent": {"dreaming": {}}});
        assert_eq!(thread(None, None, new), None);
        let other = serde_json::json!({"internalAgent": {}});
        assert_eq!(thread(None, None, other), None);
    }
}
