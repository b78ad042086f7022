//! What a turn amounts to, kept up to date by the reader.
//!
//! `run()` waits on this and not on the event log, so nothing that happens to
//! a stream can lose a result.

use std::sync::Arc;

use openai_codex_wire::Role;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::RawEvent;
use super::signs::Sign;

/// How many bytes of items one turn may hold on to. A single item can embed a
/// whole command output of tens of megabytes.
pub(crate) const MAX_BYTES: usize = 512 * 1024 * 1024;

/// The events of a turn that its result is made of.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    started: Option<Arc<RawEvent>>,
    items: Vec<Arc<RawEvent>>,
    usage: Option<Arc<RawEvent>>,
    error: Option<Arc<RawEvent>>,
    completed: Option<Arc<RawEvent>>,
    has_events: bool,
    /// Whether events were missed in the middle.
    gap: bool,
    bytes: usize,
    dropped_items: u64,
}

impl Fold {
    pub(crate) fn apply(&mut self, event: &Arc<RawEvent>) {
        if self.completed.is_some() {
            return;
        }
        self.has_events = true;
        let Some(role) = event.role() else { return };
        let kept = || Some(Arc::clone(event));
        match role {
            Role::TurnStarted => self.started = kept(),
            Role::ItemCompleted => {
                if self.bytes + event.weight() > MAX_BYTES {
                    self.dropped_items += 1;
                    return;
                }
                self.bytes += event.weight();
                self.items.extend(kept());
            }
            Role::TokenUsage => self.usage = kept(),
            Role::TurnError => self.error = kept(),
            Role::TurnCompleted => self.completed = kept(),
            _ => {}
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.completed.is_some()
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.is_some()
    }

    pub(crate) fn has_events(&self) -> bool {
        self.has_events
    }

    /// Whether the turn ran before it was listened to: `turn/started` is the first
    /// event of a turn.
    pub(crate) fn is_foreign(&self) -> bool {
        self.has_events && self.started.is_none()
    }

    pub(crate) fn mark_gap(&mut self) {
        self.gap = true;
    }

    pub(crate) fn summary(&self) -> TurnSummary {
        TurnSummary {
            items: self.items.clone(),
            usage: self.usage.clone(),
            error: self.error.clone(),
            completed: self.completed.clone(),
            is_partial: self.started.is_none() || self.gap,
            is_foreign: self.is_foreign(),
            failed: None,
            dropped_items: self.dropped_items,
        }
    }
}

/// A turn as far as it is known, in raw JSON.
#[derive(Clone, Debug, Default)]
pub struct TurnSummary {
    items: Vec<Arc<RawEvent>>,
    usage: Option<Arc<RawEvent>>,
    error: Option<Arc<RawEvent>>,
    completed: Option<Arc<RawEvent>>,
    is_partial: bool,
    is_foreign: bool,
    pub(super) failed: Option<Sign>,
    dropped_items: u64,
}

impl TurnSummary {
    /// Whether `turn/completed` has come.
    pub fn is_complete(&self) -> bool {
        self.completed.is_some()
    }

    /// What says that the turn failed, if its completion did not come.
    pub fn failed(&self) -> Option<Sign> {
        self.failed
    }

    /// Whether the turn may have completed items that this connection did not
    /// hear of: they have to be asked for.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// Whether the turn was seen to run before this connection asked for it.
    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// How many items were too large to hold on to, beyond half a gibibyte.
    pub fn dropped_items(&self) -> u64 {
        self.dropped_items
    }

    /// The `item` of each `item/completed`, in order, with the event it is of.
    pub fn items(&self) -> impl Iterator<Item = (&RawEvent, Option<&RawValue>)> {
        self.items
            .iter()
            .map(|event| (&**event, Members::of(event).item))
    }

    /// The `tokenUsage` of the last `thread/tokenUsage/updated`.
    pub fn usage(&self) -> Option<&RawValue> {
        Members::of(self.usage.as_deref()?).token_usage
    }

    /// The `error` of the last `error` notification, retried ones included.
    pub fn error(&self) -> Option<&RawValue> {
        Members::of(self.error.as_deref()?).error
    }

    /// The `turn` of `turn/completed`.
    pub fn turn(&self) -> Option<&RawValue> {
        Members::of(self.completed.as_deref()?).turn
    }
}

/// The members of `params` that a summary is made of.
#[derive(Default)]
struct Members<'a> {
    item: Option<&'a RawValue>,
    turn: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    token_usage: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    /// What is there; nothing if `params` is no JSON object.
    fn of(event: &'a RawEvent) -> Self {
        serde_json::from_str(event.params()).unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    let raw = Some(map.next_value::<&'de RawValue>()?);
                    match &*key {
                        "item" => members.item = raw,
                        "turn" => members.turn = raw,
                        "error" => members.error = raw,
                        "tokenUsage" => members.token_usage = raw,
                        _ => {}
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
