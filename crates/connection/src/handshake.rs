//! The first exchange on a connection.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use openai_codex_wire::Role;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use super::core::Exit;
use super::dispatch::Dispatcher;
use super::options::{ConnectionOptions, Deadline};
use crate::error::{Error, ErrorKind, Result};
use crate::process::LaunchOptions;
use crate::transport::{LineReader, LineWriter};

/// How often a start is tried that fails because another runtime creates the
/// same home at the same time.
const ATTEMPTS: u32 = 8;

/// The pause before the second attempt; it doubles each time, up to a second.
const BACKOFF: Duration = Duration::from_millis(50);

/// The notification that ends the handshake. It is the only one that a client sends, and so
/// the only method that is called by its name here.
const INITIALIZED: &str = "initialized";

/// What the server said of itself.
#[derive(Clone, Debug)]
pub struct Handshake {
    /// The `result` of `initialize`.
    pub response: Box<RawValue>,
    /// The runtime's version, `0.163.0`.
    pub runtime_version: Option<String>,
}

impl Connection {
    /// Starts the runtime and shakes hands with it. `initialize` is the params
    /// of that request.
    ///
    /// Several runtimes that create the same home at once get in each other's
    /// way: 0.163.0 then exits with a complaint about its sqlite database. That
    /// is tried again.
    ///
    /// # Errors
    ///
    /// When the runtime cannot be started, exits, or does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping this ends the runtime that it started.
    pub async fn launch(
        launch: &LaunchOptions,
        options: &ConnectionOptions,
        dispatcher: &Arc<dyn Dispatcher>,
        initialize: &RawValue,
    ) -> Result<(Self, Handshake)> {
        let mut pause = BACKOFF;
        let mut options = options.clone();
        for attempt in 1.. {
            let connection = Self::spawn(launch, options.clone(), Arc::clone(dispatcher))?;
            let error = match connection.handshake(initialize).await {
                Ok(handshake) => return Ok((connection, handshake)),
                Err(error) => error,
            };
            if attempt == ATTEMPTS || !connection.lost_startup_race(&error) {
                connection.close().await?;
                return Err(error.started_as(launch.program()));
            }
            tracing::debug!(
                attempt,
                "the runtime lost the race for a fresh home; trying again"
            );
            drop(connection);
            if let Some(tap) = &mut options.tap {
                *tap = tap.next_attempt();
            }
            tokio::time::sleep(pause + jitter(pause)).await;
            pause = (2 * pause).min(Duration::from_secs(1));
        }
        unreachable!("the last attempt returns")
    }

    /// Connects over the caller's own streams, one message a line, and shakes
    /// hands.
    ///
    /// # Errors
    ///
    /// When the server hangs up or does not answer.
    pub async fn connect(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        options: ConnectionOptions,
        dispatcher: Arc<dyn Dispatcher>,
        initialize: &RawValue,
    ) -> Result<(Self, Handshake)> {
        let source = LineReader::new(read, options.max_line);
        let connection = Self::open(source, LineWriter::new(write), options, dispatcher)?;
        let handshake = connection.handshake(initialize).await?;
        Ok((connection, handshake))
    }

    /// Sends `initialize`, and `initialized` when it is answered.
    pub async fn handshake(&self, initialize: &RawValue) -> Result<Handshake> {
        let failed = |error: Error| error.into_kind(ErrorKind::Handshake);
        let method = self.core().method(Role::Initialize).map_err(failed)?;
        let response = self
            .request(method, Some(initialize), Deadline::Default)
            .await
            .map_err(failed)?;
        self.notify(INITIALIZED, None).await.map_err(failed)?;
        let client = client_name(initialize).unwrap_or_default();
        let runtime_version = UserAgent::of(&response)
            .and_then(|agent| version(&agent.0, &client).map(str::to_owned));
        let span = &self.core().span;
        span.record("runtime", runtime_version.as_deref());
        tracing::info!(parent: span, runtime_version, "connected");
        Ok(Handshake {
            response,
            runtime_version,
        })
    }

    /// Whether the runtime exited because another one was creating its home.
    fn lost_startup_race(&self, error: &Error) -> bool {
        let Some(child) = &self.core().child else {
            return false;
        };
        let may_have_lost = match *child.exit.borrow() {
            None => false,
            Some(Exit(Some(status))) => status.code() == Some(1),
            // Where SIGCHLD is ignored.
            Some(Exit(None)) => true,
        };
        let tail = error.stderr_tail().unwrap_or_default();
        may_have_lost
            && ["sqlite", "state runtime", "database is locked"]
                .iter()
                .any(|sign| tail.contains(sign))
    }
}

/// Up to as long as `pause`, so that those who collided do not collide again.
fn jitter(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8);
    pause.mul_f64((random % 1024) as f64 / 1024.0)
}

/// The version in `<client>/<version> (…) …`: there is no field for it. The client's
/// name may have slashes, and another one may have taken its place.
fn version<'a>(user_agent: &'a str, client: &str) -> Option<&'a str> {
    let named = user_agent.strip_prefix(client);
    let rest = match named.and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => rest,
        None => user_agent.split_once('/')?.1,
    };
    rest.split_whitespace().next()
}

/// The client's name in the params of `initialize`.
fn client_name(initialize: &RawValue) -> Option<String> {
    let params: serde_json::Value = serde_json::from_str(initialize.get()).ok()?;
    Some(params["clientInfo"]["name"].as_str()?.to_owned())
}

struct UserAgent(String);

impl UserAgent {
    fn of(response: &RawValue) -> Option<Self> {
        let mut response =
            serde_json::Map::deserialize(&mut serde_json::Deserializer::from_str(response.get()))
                .ok()?;
        match response.remove("userAgent")? {
            serde_json::Value::String(agent) => Some(Self(agent)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_word_after_the_first_slash() {
        let agent = "lab/0.163.0 (Debian 12.0.0; x86_64) xterm (lab; 0.1.0)";
        for client in ["lab", "other", ""] {
            assert_eq!(version(agent, client), Some("0.163.0"));
            assert_eq!(
                version("codex_cli_rs/0.170.0-alpha.1", client),
                Some("0.170.0-alpha.1")
            );
            assert_eq!(version("no version", client), None);
            assert_eq!(version("trailing/", client), None);
        }
    }

    #[test]
    fn a_client_may_have_slashes_in_its_name() {
        let agent = "acme/bot/0.163.0 (Debian 12.0.0; x86_64) xterm (acme/bot; 0.1.0)";
        assert_eq!(version(agent, "acme/bot"), Some("0.163.0"));
    }
}
