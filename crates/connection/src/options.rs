//! What a connection and a request can be told.

use std::sync::Arc;
use std::time::Duration;

use openai_codex_wire::{MethodSpec, Protocol};

use super::queue::Limits;
use crate::transport::Tap;

/// What a connection can be told. Every bound that a user may move is here.
#[derive(Clone, Debug)]
pub struct ConnectionOptions {
    /// What there is to know of methods.
    pub protocol: &'static Protocol,
    /// How much may wait for one subscriber.
    pub limits: Limits,
    /// How many requests may be unanswered. 0.163.0 reaches its full throughput
    /// at 64, answers with overload from about 190 on, and from about 400 on
    /// does not answer some requests at all.
    pub max_in_flight: usize,
    /// How long a request may take, where nothing else is said.
    pub request_timeout: Option<Duration>,
    /// The longest line that is read. One item can embed a whole command output.
    pub max_line: usize,
    /// How many requests of the server's are handled at a time. More are refused.
    pub max_handlers: usize,
    /// Who is handed all that goes over it.
    pub tap: Option<Arc<dyn Tap>>,
}

impl ConnectionOptions {
    /// The bounds that suit most, for a protocol.
    pub fn new(protocol: &'static Protocol) -> Self {
        Self {
            protocol,
            limits: Limits::default(),
            max_in_flight: 64,
            request_timeout: Some(Duration::from_secs(60)),
            max_line: 128 * 1024 * 1024,
            max_handlers: 256,
            tap: None,
        }
    }
}

/// How long a request may take, from the call to the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deadline {
    /// What the connection says, unless the method takes as long as it takes.
    #[default]
    Default,
    /// This long.
    After(Duration),
}

impl Deadline {
    /// How long a request of a method may take.
    pub fn limit(self, spec: Option<&MethodSpec>, default: Option<Duration>) -> Option<Duration> {
        match self {
            Self::Default if spec.is_some_and(|spec| spec.waits.is_some()) => None,
            Self::Default => default,
            Self::After(limit) => Some(limit),
        }
    }
}
