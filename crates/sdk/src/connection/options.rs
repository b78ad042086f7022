//! What a connection and a request can be told.

use std::time::Duration;

use super::queue::Limits;
use crate::transport::Tap;

/// What a connection can be told. Every bound that a user may move is here.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionOptions {
    /// How much may wait for one subscriber.
    pub(crate) limits: Limits,
    /// How many requests may be unanswered. 0.163.0 reaches its full throughput
    /// at 64, answers with overload from about 190 on, and from about 400 on
    /// does not answer some requests at all.
    pub(crate) max_in_flight: usize,
    /// How long a request may take, where nothing else is said.
    pub(crate) request_timeout: Option<Duration>,
    /// The longest line that is read. One item can embed a whole command output.
    pub(crate) max_line: usize,
    /// How many requests of the server's are handled at a time. More are refused.
    pub(crate) max_handlers: usize,
    /// What is to be kept of all that goes over it.
    pub(crate) record: Option<Tap>,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_in_flight: 64,
            request_timeout: Some(Duration::from_secs(60)),
            max_line: 128 * 1024 * 1024,
            max_handlers: 256,
            record: None,
        }
    }
}

/// What a single request can be told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestOptions {
    pub(crate) deadline: Deadline,
    /// Whether it passes by the requests that wait for their turn. For what must
    /// get through while everything else is stuck: interrupting, steering.
    pub(crate) urgent: bool,
}

/// How long a request may take, from the call to the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// What the connection says, unless the method takes as long as it takes.
    #[default]
    Default,
    /// This long.
    After(Duration),
    /// As long as it takes.
    None,
}

/// Methods that are answered when something outside of the server is done,
/// which may take any time. They have no deadline unless the caller gives one,
/// and since they may take all day, they have in-flight permits of their own.
pub(crate) fn is_long_running(method: &str) -> bool {
    matches!(
        method,
        // Answered when the command has exited.
        "command/exec"
        // Answered when the tool has: it may be anything, a human included.
        | "mcpServer/tool/call"
        // Clone repositories over the network.
        | "marketplace/add"
        | "marketplace/upgrade"
        | "plugin/install"
        | "plugin/reconcile"
        // Uploads logs.
        | "feedback/upload"
        // Wait for a human at a browser or a fingerprint reader.
        | "account/gatewayOAuth/login"
        | "userVerification/enroll"
        | "userVerification/verify"
        // Reads every session on the disk.
        | "rollout/compress"
    )
}

impl Deadline {
    pub(crate) fn limit(self, method: &str, default: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Default if is_long_running(method) => None,
            Self::Default => default,
            Self::After(limit) => Some(limit),
            Self::None => None,
        }
    }
}
