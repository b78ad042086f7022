//! What is known of the protocol's methods beside their types: as data, so that a
//! connection needs to know none of them by name.

use std::fmt;

use crate::method::{Stability, Tier};

/// What is known of a request that the client sends, by its method alone.
///
/// ```
/// use openai_codex_wire::{Effect, MethodSpec};
///
/// const SPEC: MethodSpec = MethodSpec::new("moon/phase", "MoonPhaseParams", "MoonPhaseResponse")
///     .reads()
///     .since("0.154.0");
/// assert_eq!(SPEC.effect, Effect::Reads);
/// assert_eq!(SPEC.waits, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MethodSpec {
    /// The method on the wire.
    pub method: &'static str,
    /// The Rust type of its parameters.
    pub params: &'static str,
    /// The Rust type of its response.
    pub response: &'static str,
    /// Whether it belongs to the stable protocol.
    pub stability: Stability,
    /// Whether sending it twice does more than sending it once.
    pub effect: Effect,
    /// Why its answer may take any time, if it may: then it has no deadline.
    pub waits: Option<&'static str>,
    /// Whether it must get through while everything else waits.
    pub urgent: bool,
    /// Whether it carries keys, tokens or codes, either way.
    pub secret: bool,
    /// What it is to a connection.
    pub role: Option<Role>,
    /// The oldest runtime known to have it; `None` if every known one has.
    pub since: Option<&'static str>,
    /// The members of its parameters that came after the method itself.
    pub newer_members: &'static [MemberSpec],
}

/// A member of parameters that older runtimes do not know, and ignore in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// The oldest runtime known to have it.
    pub since: &'static str,
}

/// What is known of a notification that the server sends, by its method alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotificationSpec {
    /// The method on the wire.
    pub method: &'static str,
    /// The Rust type of its payload.
    pub params: &'static str,
    /// What may happen to it when a subscriber is slow.
    pub tier: Tier,
    /// Whether it belongs to the stable protocol.
    pub stability: Stability,
    /// Whether a client cannot do without it, so that nobody may opt out of it.
    pub needed: bool,
    /// Whether it carries keys, tokens or codes.
    pub secret: bool,
    /// What it is to a connection.
    pub role: Option<Role>,
    /// The oldest runtime known to send it; `None` if every known one does.
    pub since: Option<&'static str>,
}

/// What is known of a request that the server sends, by its method alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerRequestSpec {
    /// The method on the wire.
    pub method: &'static str,
    /// The Rust type of its parameters.
    pub params: &'static str,
    /// The Rust type of its response.
    pub response: &'static str,
    /// Whether it belongs to the stable protocol.
    pub stability: Stability,
    /// The answer that grants nothing, in JSON, for a client without a handler for it;
    /// `None` if that is an error.
    pub refusal: Option<&'static str>,
    /// Whether it carries keys, tokens or codes, either way.
    pub secret: bool,
    /// The oldest runtime known to send it; `None` if every known one does.
    pub since: Option<&'static str>,
}

/// What sending a request again does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing: it only reads, and may be sent again when the server is overloaded.
    Reads,
    /// More: it changes something.
    Changes,
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident $name:literal,)*) => {
        /// What a connection must understand of a method, whatever its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Role {
            $($(#[$doc])* $role,)*
        }

        impl Role {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$role),*];

            /// Its name in `schema/methods.toml`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$role => $name,)*
                }
            }
        }
    };
}

roles! {
    /// The request that begins a connection.
    Initialize "initialize",
    /// The request that starts a turn, or joins the one that runs.
    TurnStart "turn-start",
    /// The request that interrupts a turn.
    TurnInterrupt "turn-interrupt",
    /// The request after whose answer a thread is followed.
    ThreadResume "thread-resume",
    /// The request after whose answer a thread is not followed any more.
    ThreadUnsubscribe "thread-unsubscribe",
    /// Lists the turns of a thread.
    ThreadTurnsList "thread-turns-list",
    /// A turn began.
    TurnStarted "turn-started",
    /// A turn ended.
    TurnCompleted "turn-completed",
    /// A turn met an error, after which it may go on.
    TurnError "turn-error",
    /// An item of a turn is complete.
    ItemCompleted "item-completed",
    /// More of the text of an agent's message.
    AgentMessageDelta "agent-message-delta",
    /// How many tokens a thread has used.
    TokenUsage "token-usage",
    /// A thread was unloaded.
    ThreadClosed "thread-closed",
    /// A thread was archived.
    ThreadArchived "thread-archived",
    /// A thread was deleted.
    ThreadDeleted "thread-deleted",
    /// A thread became busy, idle or not loaded.
    ThreadStatus "thread-status",
    /// A login attempt is over.
    LoginCompleted "login-completed",
    /// A request of the server's needs no answer any more.
    RequestResolved "request-resolved",
}

impl Role {
    /// Whether it is for a request of the client's, and not for a notification.
    pub const fn is_of_request(self) -> bool {
        matches!(
            self,
            Self::Initialize
                | Self::TurnStart
                | Self::TurnInterrupt
                | Self::ThreadResume
                | Self::ThreadUnsubscribe
                | Self::ThreadTurnsList
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A protocol as a connection needs to know it: what there is to know of a method, and
/// which method has a role. The generated types have one, `types::PROTOCOL`.
#[derive(Clone, Copy)]
pub struct Protocol {
    requests: fn(&str) -> Option<&'static MethodSpec>,
    notifications: fn(&str) -> Option<&'static NotificationSpec>,
    server_requests: fn(&str) -> Option<&'static ServerRequestSpec>,
    roles: fn(Role) -> Option<&'static str>,
}

impl Protocol {
    /// A protocol out of its four tables. A method with a role is of one of the first two.
    pub const fn new(
        requests: fn(&str) -> Option<&'static MethodSpec>,
        notifications: fn(&str) -> Option<&'static NotificationSpec>,
        server_requests: fn(&str) -> Option<&'static ServerRequestSpec>,
        roles: fn(Role) -> Option<&'static str>,
    ) -> Self {
        Self {
            requests,
            notifications,
            server_requests,
            roles,
        }
    }

    /// What is known of a request that the client sends.
    pub fn request(&self, method: &str) -> Option<&'static MethodSpec> {
        (self.requests)(method)
    }

    /// What is known of a notification that the server sends.
    pub fn notification(&self, method: &str) -> Option<&'static NotificationSpec> {
        (self.notifications)(method)
    }

    /// What is known of a request that the server sends.
    pub fn server_request(&self, method: &str) -> Option<&'static ServerRequestSpec> {
        (self.server_requests)(method)
    }

    /// The method that has a role; `None` where this protocol has none.
    pub fn method(&self, role: Role) -> Option<&'static str> {
        (self.roles)(role)
    }

    /// Whether a method carries keys, tokens or codes. One that is not known may.
    pub fn is_secret(&self, method: &str) -> bool {
        let request = || self.request(method).map(|spec| spec.secret);
        let notification = || self.notification(method).map(|spec| spec.secret);
        let server_request = || self.server_request(method).map(|spec| spec.secret);
        request()
            .or_else(notification)
            .or_else(server_request)
            .unwrap_or(true)
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol").finish_non_exhaustive()
    }
}

impl MethodSpec {
    /// A request that changes something, of the stable protocol, and nothing else.
    pub const fn new(method: &'static str, params: &'static str, response: &'static str) -> Self {
        Self {
            method,
            params,
            response,
            stability: Stability::Stable,
            effect: Effect::Changes,
            waits: None,
            urgent: false,
            secret: false,
            role: None,
            since: None,
            newer_members: &[],
        }
    }

    /// It needs the experimental API.
    pub const fn experimental(mut self) -> Self {
        self.stability = Stability::Experimental;
        self
    }

    /// It only reads.
    pub const fn reads(mut self) -> Self {
        self.effect = Effect::Reads;
        self
    }

    /// Its answer may take any time, for this reason.
    pub const fn waits(mut self, why: &'static str) -> Self {
        self.waits = Some(why);
        self
    }

    /// It must get through while everything else waits.
    pub const fn urgent(mut self) -> Self {
        self.urgent = true;
        self
    }

    /// It carries keys, tokens or codes.
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// What it is to a connection.
    pub const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The oldest runtime known to have it.
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// The members of its parameters that came after it.
    pub const fn newer_members(mut self, members: &'static [MemberSpec]) -> Self {
        self.newer_members = members;
        self
    }
}

impl MemberSpec {
    /// A member, and the oldest runtime known to have it.
    pub const fn new(name: &'static str, since: &'static str) -> Self {
        Self { name, since }
    }
}

impl NotificationSpec {
    /// A notification that may be left out, of the stable protocol, and nothing else.
    pub const fn new(method: &'static str, params: &'static str) -> Self {
        Self {
            method,
            params,
            tier: Tier::BestEffort,
            stability: Stability::Stable,
            needed: false,
            secret: false,
            role: None,
            since: None,
        }
    }

    /// It needs the experimental API.
    pub const fn experimental(mut self) -> Self {
        self.stability = Stability::Experimental;
        self
    }

    /// It is kept for every subscriber.
    pub const fn lossless(mut self) -> Self {
        self.tier = Tier::Lossless;
        self
    }

    /// A client cannot do without it.
    pub const fn needed(mut self) -> Self {
        self.needed = true;
        self
    }

    /// It carries keys, tokens or codes.
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// What it is to a connection.
    pub const fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self
    }

    /// The oldest runtime known to send it.
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }
}

impl ServerRequestSpec {
    /// A request whose refusal is an error, of the stable protocol, and nothing else.
    pub const fn new(method: &'static str, params: &'static str, response: &'static str) -> Self {
        Self {
            method,
            params,
            response,
            stability: Stability::Stable,
            refusal: None,
            secret: false,
            since: None,
        }
    }

    /// It needs the experimental API.
    pub const fn experimental(mut self) -> Self {
        self.stability = Stability::Experimental;
        self
    }

    /// The answer that grants nothing, in JSON.
    pub const fn refusal(mut self, json: &'static str) -> Self {
        self.refusal = Some(json);
        self
    }

    /// It carries keys, tokens or codes.
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The oldest runtime known to send it.
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OPEN: MethodSpec = MethodSpec::new("open", "OpenParams", "OpenResponse");
    static SECRET: ServerRequestSpec =
        ServerRequestSpec::new("ask", "AskParams", "AskResponse").secret();

    const PROTOCOL: Protocol = Protocol::new(
        |method| (method == OPEN.method).then_some(&OPEN),
        |_| None,
        |method| (method == SECRET.method).then_some(&SECRET),
        |role| (role == Role::TurnStart).then_some("open"),
    );

    #[test]
    fn what_is_not_known_may_be_a_secret() {
        assert!(!PROTOCOL.is_secret("open"));
        assert!(PROTOCOL.is_secret("ask"));
        assert!(PROTOCOL.is_secret("from/the/future"));
    }

    #[test]
    fn a_role_has_one_method_and_one_name() {
        assert_eq!(PROTOCOL.method(Role::TurnStart), Some("open"));
        assert_eq!(PROTOCOL.method(Role::TurnInterrupt), None);
        let names: std::collections::BTreeSet<_> = Role::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Role::ALL.len());
        assert_eq!(Role::TurnStart.to_string(), "turn-start");
    }
}
