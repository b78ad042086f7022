//! What ties a wire method to its parameters, its response and its scope.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request that the client sends, identified by the type of its parameters.
pub trait ClientRequest: Serialize + Send + Sync + 'static {
    /// The method on the wire, such as `thread/start`.
    const METHOD: &'static str;
    /// Whether the message has a `params` member. Few methods take none.
    const SENDS_PARAMS: bool = true;
    /// Whether the server wants `experimentalApi` for it.
    const STABILITY: Stability = Stability::Stable;
    /// What the server answers.
    type Response: DeserializeOwned + Send + 'static;
}

/// A request that the server sends and this process answers.
pub trait ServerRequest: DeserializeOwned + Send + 'static {
    /// The method on the wire, such as `item/commandExecution/requestApproval`.
    const METHOD: &'static str;
    /// Whether only a client with `experimentalApi` is asked.
    const STABILITY: Stability = Stability::Stable;
    /// What the server expects as the answer.
    type Response: Serialize + Send + 'static;
}

/// A notification that the client sends.
pub trait ClientNotification: Serialize + Send + Sync + 'static {
    /// The method on the wire.
    const METHOD: &'static str;
    /// Whether the message has a `params` member.
    const SENDS_PARAMS: bool = true;
}

/// A notification that the server sends, identified by the type of its parameters.
pub trait Notification: DeserializeOwned + Serialize + Send + Sync + 'static {
    /// The method on the wire, such as `turn/completed`.
    const METHOD: &'static str;
    /// What may happen to it when a subscriber is slow.
    const TIER: Tier;
    /// The ids by which it is routed.
    fn scope(&self) -> Scope<'_>;
}

/// Whether a method belongs to the stable protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stability {
    /// Available to every client.
    Stable,
    /// Needs the `experimentalApi` capability and may change without notice.
    Experimental,
}

/// What may happen to a notification when a subscriber does not keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Kept for every subscriber: what a transcript or a result is made of.
    Lossless,
    /// May be skipped for a slow subscriber, which is told how many were.
    BestEffort,
}

/// The ids that say whom a message concerns. Absent ones are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    /// `threadId`, `thread.id` or the legacy `conversationId`.
    pub thread_id: Option<&'a str>,
    /// `turnId` or `turn.id`.
    pub turn_id: Option<&'a str>,
    /// `itemId` or `item.id`.
    pub item_id: Option<&'a str>,
    /// `loginId`.
    pub login_id: Option<&'a str>,
}

/// Sends requests and awaits their responses. The generated `Methods` trait
/// adds a wrapper for every wire method to whatever implements this.
pub trait Call: Sync {
    /// Why a call failed.
    type Error: Send;

    /// Sends `params` under their method and awaits the typed response.
    fn call<R: ClientRequest>(
        &self,
        params: R,
    ) -> impl Future<Output = Result<R::Response, Self::Error>> + Send;
}

/// [`Call`] for callers that block.
pub trait BlockingCall {
    /// Why a call failed.
    type Error;

    /// Sends `params` under their method and waits for the typed response.
    fn call<R: ClientRequest>(&self, params: R) -> Result<R::Response, Self::Error>;
}
