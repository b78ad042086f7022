//! How the runtime is started.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::codex::Codex;
use super::runtime::{Client, Runtime};
use crate::error::Result;
use crate::event_buffer::EventBuffer;
use crate::handler::Handlers;
use crate::version::VersionPolicy;

/// How to start a runtime: [`send`](Self::send) gives a [`Codex`].
///
/// ```no_run
/// # fn example() -> openai_codex::Result<()> {
/// use openai_codex::blocking::Codex;
///
/// let codex = Codex::builder()
///     .config_override("model_reasoning_effort", "\"high\"")
///     .send()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens until this is sent"]
pub struct CodexBuilder(crate::CodexBuilder);

macro_rules! setters {
    ($($(#[$attr:meta])* $setter:ident($($arg:ident: $ty:ty),*);)*) => {$(
        $(#[$attr])*
        #[doc = concat!(
            "As [`", stringify!($setter), "`](crate::CodexBuilder::", stringify!($setter),
            ") of the async one."
        )]
        pub fn $setter(self, $($arg: $ty),*) -> Self {
            Self(self.0.$setter($($arg),*))
        }
    )*};
}

impl CodexBuilder {
    pub(super) fn new() -> Self {
        Self(crate::Codex::builder())
    }

    setters! {
        codex_bin(path: impl Into<PathBuf>);
        config_override(key: impl AsRef<str>, toml: impl AsRef<str>);
        cwd(dir: impl Into<PathBuf>);
        env(key: impl Into<OsString>, value: impl Into<OsString>);
        env_clear();
        codex_home(dir: impl Into<PathBuf>);
        client_info(name: impl Into<String>, title: impl Into<String>, version: impl Into<String>);
        experimental_api(yes: bool);
        max_in_flight(requests: usize);
        request_timeout(timeout: Option<Duration>);
        event_buffer(buffer: EventBuffer);
        handlers(handlers: Handlers);
        max_line_bytes(bytes: usize);
        #[cfg(feature = "record")]
        record(path: impl Into<PathBuf>);
        version_policy(policy: VersionPolicy);
    }

    /// As [`launch_command`](crate::CodexBuilder::launch_command) of the async one.
    pub fn launch_command<I>(self, argv: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Self(self.0.launch_command(argv))
    }

    /// As [`envs`](crate::CodexBuilder::envs) of the async one.
    pub fn envs<K, V>(self, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        Self(self.0.envs(vars))
    }

    /// As [`opt_out_notifications`](crate::CodexBuilder::opt_out_notifications) of
    /// the async one.
    pub fn opt_out_notifications<I>(self, methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self(self.0.opt_out_notifications(methods))
    }

    /// Starts the runtime.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::CodexBuilder::send) of the async one; `InvalidInput`
    /// inside an async runtime.
    pub fn send(self) -> Result<Codex> {
        let runtime = Runtime::start()?;
        let codex = runtime.block_on(self.0.send())??;
        Ok(Codex::of(Client::new(codex, runtime)))
    }

    /// Connects over the caller's own streams instead of starting a runtime. They
    /// must not depend on an async runtime that can end before this client.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn connect_with<R, W>(self, read: R, write: W) -> Result<Codex>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let runtime = Runtime::start()?;
        let codex = runtime.block_on(self.0.connect_with(read, write))??;
        Ok(Codex::of(Client::new(codex, runtime)))
    }
}
