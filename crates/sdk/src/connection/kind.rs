//! What the connection itself has to know about a notification.

use openai_codex_wire::Tier;

/// The notifications that mean something to the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TurnStarted,
    TurnCompleted,
    ItemCompleted,
    TokenUsage,
    Error,
    ThreadClosed,
    ThreadArchived,
    ThreadDeleted,
    ThreadStatus,
    LoginCompleted,
    RequestResolved,
    Other,
}

impl Kind {
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "turn/started" => Self::TurnStarted,
            "turn/completed" => Self::TurnCompleted,
            "item/completed" => Self::ItemCompleted,
            "thread/tokenUsage/updated" => Self::TokenUsage,
            "error" => Self::Error,
            "thread/closed" => Self::ThreadClosed,
            "thread/archived" => Self::ThreadArchived,
            "thread/deleted" => Self::ThreadDeleted,
            "thread/status/changed" => Self::ThreadStatus,
            "account/login/completed" => Self::LoginCompleted,
            "serverRequest/resolved" => Self::RequestResolved,
            _ => Self::Other,
        }
    }
}

/// Whether the connection cannot do without a notification, so that nobody may
/// opt out of it: turns would never end, and results would lack their parts.
pub(crate) fn is_needed(method: &str) -> bool {
    Kind::of(method) != Kind::Other
}

/// What may happen to a notification when a subscriber is slow.
pub(crate) fn tier(method: &str) -> Tier {
    match method {
        "turn/started"
        | "turn/completed"
        | "item/completed"
        | "item/agentMessage/delta"
        | "item/plan/delta"
        | "item/reasoning/textDelta"
        | "item/reasoning/summaryTextDelta"
        | "item/reasoning/summaryPartAdded"
        | "thread/tokenUsage/updated"
        | "account/login/completed"
        | "error" => Tier::Lossless,
        _ => Tier::BestEffort,
    }
}
