//! How the runtime is started and what it is told of us.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openai_codex_connection::{
    Connection, ConnectionOptions, Dispatcher, Handshake, LaunchOptions, Program, Tap,
    current_runtime,
};
use openai_codex_types::{
    ClientInfo, ClientRequest, InitializeCapabilities, InitializeParams, InitializeResponse,
    PROTOCOL,
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::codex::{Codex, encode};
use crate::error::{Error, ErrorKind, Result};
use crate::event_buffer::EventBuffer;
use crate::handler::{Handlers, Registry};
use crate::locate::locate;
use crate::options::awaitable;
use crate::overrides::Overrides;
use crate::probe::Probe;
#[cfg(feature = "record")]
use crate::record::record;
use crate::version::{VersionPolicy, is_unversioned};

/// How to start a runtime: await it for a [`Codex`].
///
/// The binary is, in this order: [`codex_bin`](Self::codex_bin); `$CODEX_BIN`;
/// the pinned runtime that `openai-codex-runtime install` has put into the
/// cache; `codex` on the `PATH` if its version satisfies the
/// [`version_policy`](Self::version_policy).
///
/// What the runtime writes to stderr is read, and its end is in the errors of a
/// runtime that failed. All of it is appended to the file that
/// `OPENAI_CODEX_STDERR` names, in this environment or in that of the builder
/// ([`env`](Self::env)); with `RUST_LOG` set for the runtime it says more.
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// use openai_codex::Codex;
///
/// let codex = Codex::builder()
///     .config_override("model_reasoning_effort", "\"high\"")
///     .client_info("my_agent", "My Agent", env!("CARGO_PKG_VERSION"))
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing until it is awaited"]
pub struct CodexBuilder {
    codex_bin: Option<PathBuf>,
    launch_command: Option<Vec<OsString>>,
    launch: LaunchOptions,
    codex_home: Option<PathBuf>,
    overrides: Overrides,
    client: ClientInfo,
    experimental_api: bool,
    opt_out: Vec<String>,
    connection: ConnectionOptions,
    version_policy: VersionPolicy,
    handlers: Handlers,
    #[cfg(feature = "record")]
    record: Option<PathBuf>,
    invalid: Option<Error>,
}

impl CodexBuilder {
    pub(crate) fn new() -> Self {
        Self {
            codex_bin: None,
            launch_command: None,
            launch: LaunchOptions::default(),
            codex_home: None,
            overrides: Overrides::default(),
            client: ClientInfo::new("codex_rust_sdk", env!("CARGO_PKG_VERSION"))
                .title("Codex Rust SDK"),
            experimental_api: true,
            opt_out: Vec::new(),
            connection: ConnectionOptions::new(&PROTOCOL),
            version_policy: VersionPolicy::default(),
            handlers: Handlers::new(),
            #[cfg(feature = "record")]
            record: None,
            invalid: None,
        }
    }

    /// The runtime's binary. What the pinned runtime brings along (`rg`) is then
    /// not put on its `PATH`.
    pub fn codex_bin(mut self, path: impl Into<PathBuf>) -> Self {
        self.codex_bin = Some(path.into());
        self
    }

    /// The whole command line, taken as it is: no binary is looked for, and
    /// [`config_override`](Self::config_override) beside it is an error. It must speak
    /// the app-server protocol on stdin and stdout.
    pub fn launch_command<I>(mut self, argv: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let argv: Vec<OsString> = argv.into_iter().map(Into::into).collect();
        if argv.is_empty() {
            self.invalid.get_or_insert_with(|| {
                let message = "launch_command is empty; it begins with the program to start";
                Error::new(ErrorKind::InvalidInput, message)
            });
        }
        self.launch_command = Some(argv);
        self
    }

    /// Overrides a setting of `config.toml`; `toml` is a value in TOML
    /// (`"\"gpt-5.4\""`, `true`, `["a"]`).
    ///
    /// It goes on the runtime's command line, which everyone on the machine can
    /// read. One that has a secret in it, by its key (`…bearer_token`, `….env`,
    /// `….http_headers`) or by the looks of its value, does not: it goes over the
    /// protocol with each thread that [`thread_start`](Codex::thread_start),
    /// [`thread_resume`](Codex::thread_resume) and
    /// [`thread_fork`](Codex::thread_fork) bring, under the `config` that is given
    /// there, and is written nowhere. What belongs to no thread (a command of
    /// [`command/exec`](openai_codex_types::CommandExecParams), a list of models)
    /// does not see it. Better is to name a variable in the configuration
    /// (`env_key`, `bearer_token_env_var`, `env_http_headers`) and to set that by
    /// [`env`](Self::env). A value with a secret that cannot be read is
    /// [`ErrorKind::InvalidInput`].
    pub fn config_override(mut self, key: impl AsRef<str>, toml: impl AsRef<str>) -> Self {
        if let Err(error) = self.overrides.push(key.as_ref(), toml.as_ref()) {
            self.invalid.get_or_insert(error);
        }
        self
    }

    /// The runtime's working directory, which is the default one of its threads. A
    /// relative one is taken from the working directory of this process.
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.launch.cwd = Some(dir.into());
        self
    }

    /// Sets a variable of the runtime's environment, over the inherited ones.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.launch.env.push((key.into(), value.into()));
        self
    }

    /// Sets several variables of the runtime's environment.
    pub fn envs<K, V>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let vars = vars
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()));
        self.launch.env.extend(vars);
        self
    }

    /// Lets the runtime inherit no environment variables.
    pub fn env_clear(mut self) -> Self {
        self.launch.env_clear = true;
        self
    }

    /// Where the runtime keeps its configuration and sessions (`CODEX_HOME`). It
    /// must exist. A relative one is taken from the working directory of this
    /// process, whatever [`cwd`](Self::cwd) says.
    pub fn codex_home(mut self, dir: impl Into<PathBuf>) -> Self {
        self.codex_home = Some(dir.into());
        self
    }

    /// Who we are: `clientInfo` of the handshake.
    pub fn client_info(
        mut self,
        name: impl Into<String>,
        title: impl Into<String>,
        version: impl Into<String>,
    ) -> Self {
        self.client = ClientInfo::new(name, version).title(title);
        self
    }

    /// Whether experimental methods and fields may be used; on by default.
    pub fn experimental_api(mut self, yes: bool) -> Self {
        self.experimental_api = yes;
        self
    }

    /// Notifications that the server shall not send, by their methods. Those that
    /// turns, logins and handlers depend on (`turn/completed`, `item/completed` and
    /// the like) cannot be done without: naming one is an error.
    pub fn opt_out_notifications<I>(mut self, methods: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.opt_out = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Answers to what the server asks. Without handlers everything is refused.
    /// A handler for attestation makes the handshake ask for such requests.
    pub fn handlers(mut self, handlers: Handlers) -> Self {
        self.handlers = handlers;
        self
    }

    /// How many requests may be unanswered at a time; further ones wait. 64 by
    /// default, where 0.163.0 reaches its full throughput; from about 400 on it
    /// leaves some unanswered.
    ///
    /// A request that timed out or was dropped counts until the server answers it,
    /// for 30 s at most. Methods that wait for a person, a command or the network
    /// have as many places of their own; interrupting and steering need none.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        if requests == 0 {
            self.invalid.get_or_insert_with(|| {
                Error::new(ErrorKind::InvalidInput, "max_in_flight must be at least 1")
            });
        }
        self.connection.max_in_flight = requests;
        self
    }

    /// How long a request may take, from the call to the answer; 60 s by
    /// default, `None` for no limit. The few methods that wait for a person, a
    /// command or the network have none either way.
    pub fn request_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.connection.request_timeout = timeout;
        self
    }

    /// How much may wait for one subscriber.
    pub fn event_buffer(mut self, buffer: EventBuffer) -> Self {
        self.connection.limits = buffer.limits();
        self
    }

    /// The longest line that is read from the server, in bytes; 128 MiB by
    /// default. A longer one ends the connection: a single item can hold the
    /// whole output of a command, so do not go far below.
    pub fn max_line_bytes(mut self, bytes: usize) -> Self {
        self.connection.max_line = bytes;
        self
    }

    /// Keeps all that goes over the connection in a file, over an earlier one of
    /// that name: a recording for `Replay` of the testkit, or to look at with
    /// `codex-testkit show`.
    ///
    /// API keys, tokens, auth URLs and the values of environment variables are
    /// [left out](openai_codex_wire::redact::redact); what the user and the
    /// model say is what it is for, so on Unix only the user may read it. It ends
    /// at 256 MiB and says so. Recording never holds the connection up: where
    /// the disk is full or does not keep up, the recording ends with a warning.
    /// After [`close`](Codex::close) it is complete.
    ///
    /// Feature `record`, which is on by default.
    #[cfg(feature = "record")]
    pub fn record(mut self, path: impl Into<PathBuf>) -> Self {
        self.record = Some(path.into());
        self
    }

    /// Which versions of the runtime are acceptable.
    pub fn version_policy(mut self, policy: VersionPolicy) -> Self {
        self.version_policy = policy;
        self
    }

    /// Starts the runtime, as awaiting the builder does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for settings that cannot be,
    /// [`ErrorKind::Launch`] when no runtime is found or it does not start,
    /// [`ErrorKind::Handshake`] when it does not answer as it should.
    ///
    /// # Cancel safety
    ///
    /// Dropping this ends the runtime that it started.
    pub async fn send(mut self) -> Result<Codex> {
        current_runtime()?;
        if self.launch_command.is_some() && !self.overrides.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "config_override does not apply to a launch_command; put `-c key=value` into its \
                 arguments",
            ));
        }
        let initialize = self.initialize()?;
        let mut launch = std::mem::take(&mut self.launch);
        if let Some(argv) = &self.launch_command {
            launch.program = Program::Command(argv.clone());
        }
        launch.check(&self.overrides.arguments)?;
        if let Some(cwd) = &launch.cwd {
            launch.cwd = Some(folder("cwd", cwd)?);
        }
        if let Some(home) = &self.codex_home {
            let home = folder("codex_home", home)?;
            launch.env.push(("CODEX_HOME".into(), home.into()));
        }
        launch.program = match self.launch_command.take() {
            Some(argv) => Program::Command(argv),
            None => {
                let found = locate(self.codex_bin.as_deref(), self.version_policy).await?;
                launch.path_prefix.extend(found.path_dir);
                Program::Runtime {
                    bin: found.binary,
                    config: std::mem::take(&mut self.overrides.arguments),
                }
            }
        };
        self.connection.tap = self.tap()?;
        let registry = Arc::new(Registry::new(self.handlers.clone()));
        let dispatcher: Arc<dyn Dispatcher> = Arc::clone(&registry) as _;
        let connected =
            Connection::launch(&launch, &self.connection, &dispatcher, &initialize).await?;
        self.welcome(connected, Some(launch), registry).await
    }

    /// Connects over the caller's own streams, one JSON message a line, instead
    /// of starting a runtime.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); `InvalidInput` for options that say how to start one:
    /// `codex_bin`, `launch_command`, `config_override`, `cwd`, `env`, `env_clear` and
    /// `codex_home`.
    ///
    /// # Cancel safety
    ///
    /// Dropping this drops the streams.
    pub async fn connect_with<R, W>(self, read: R, write: W) -> Result<Codex>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        current_runtime()?;
        self.check_nothing_to_launch()?;
        let initialize = self.initialize()?;
        let registry = Arc::new(Registry::new(self.handlers.clone()));
        let mut options = self.connection.clone();
        options.tap = self.tap()?;
        let dispatcher = Arc::clone(&registry) as _;
        let connected = Connection::connect(read, write, options, dispatcher, &initialize).await?;
        self.welcome(connected, None, registry).await
    }

    /// Fails if something is said of a launch, where there is none.
    fn check_nothing_to_launch(&self) -> Result<()> {
        let named = [
            (self.codex_bin.is_some(), "codex_bin"),
            (self.launch_command.is_some(), "launch_command"),
            (!self.overrides.is_empty(), "config_override"),
            (self.launch.cwd.is_some(), "cwd"),
            (!self.launch.env.is_empty(), "env"),
            (self.launch.env_clear, "env_clear"),
            (self.codex_home.is_some(), "codex_home"),
        ];
        match named.into_iter().find(|(is_set, _)| *is_set) {
            None => Ok(()),
            Some((_, option)) => Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "{option} says how to start a runtime, and connect_with starts none; leave it \
                     out, or give it to whoever starts the server"
                ),
            )),
        }
    }

    /// The params of the handshake.
    fn initialize(&self) -> Result<Box<serde_json::value::RawValue>> {
        if let Some(invalid) = &self.invalid {
            return Err(invalid.clone());
        }
        let mut capabilities = InitializeCapabilities::new()
            .experimental_api(self.experimental_api)
            .request_attestation(self.handlers.attest());
        let specs = self
            .opt_out
            .iter()
            .filter_map(|it| PROTOCOL.notification(it));
        let needed: Vec<&str> = specs
            .filter(|spec| spec.needed)
            .map(|spec| spec.method)
            .collect();
        if !needed.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "opt_out_notifications names {}, which this client cannot do without; leave \
                     that out",
                    needed.join(" and ")
                ),
            ));
        }
        if !self.opt_out.is_empty() {
            capabilities = capabilities.opt_out_notification_methods(self.opt_out.clone());
        }
        encode(
            InitializeParams::METHOD,
            &InitializeParams::new(self.client.clone()).capabilities(capabilities),
        )
    }

    /// Begins the recording, if there is to be one.
    #[cfg(feature = "record")]
    fn tap(&self) -> Result<Option<Arc<dyn Tap>>> {
        let create = |path: &PathBuf| {
            record(path).map_err(|error| {
                let message = format!("cannot record into {}: {error}", path.display());
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })
        };
        self.record.as_ref().map(create).transpose()
    }

    /// Nobody is handed anything.
    #[cfg(not(feature = "record"))]
    fn tap(&self) -> Result<Option<Arc<dyn Tap>>> {
        Ok(None)
    }

    async fn welcome(
        &self,
        (connection, handshake): (Connection, Handshake),
        launch: Option<LaunchOptions>,
        registry: Arc<Registry>,
    ) -> Result<Codex> {
        let version = handshake.runtime_version;
        let (method, said) = (InitializeParams::METHOD, handshake.response.get());
        let metadata: Result<InitializeResponse> =
            openai_codex_wire::decode(method, said).map_err(|error| {
                Error::undecodable(method, said, error)
                    .into_kind(ErrorKind::Handshake)
                    .sent_by(version.as_deref())
            });
        let checked = metadata.and_then(|metadata| {
            self.version_policy.check(version.as_deref())?;
            Ok(metadata)
        });
        match checked {
            Ok(metadata) => {
                // Only of a binary is it known how to ask it.
                let is_binary = |it: &LaunchOptions| matches!(it.program, Program::Runtime { .. });
                let launch = launch.filter(is_binary);
                let is_probed = is_unversioned(version.as_deref());
                let probe = launch.filter(|_| is_probed).map(Probe::new);
                let secret = self.overrides.secret.clone();
                Ok(Codex::of(
                    connection, metadata, version, probe, registry, secret,
                ))
            }
            Err(error) => {
                connection.close().await?;
                Err(error)
            }
        }
    }
}

awaitable!(CodexBuilder, Codex);

/// An existing folder as the child is told it: it would take a relative one from
/// its own working directory.
fn folder(option: &str, path: &Path) -> Result<PathBuf> {
    let wrong = |what: String| Error::new(ErrorKind::InvalidInput, what);
    let absolute = std::path::absolute(path).map_err(|error| {
        wrong(format!("{option} is no folder: {:?}", path.display())).with_source(error)
    })?;
    match absolute.is_dir() {
        true => Ok(absolute),
        false => Err(wrong(format!(
            "{option} names {}, and there is no such folder; create it first",
            absolute.display()
        ))),
    }
}

/// Without the values of the environment, of overrides and of the command line,
/// which may hold secrets.
impl std::fmt::Debug for CodexBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodexBuilder")
            .field("codex_bin", &self.codex_bin)
            .field("codex_home", &self.codex_home)
            .field("cwd", &self.launch.cwd)
            .field("handlers", &self.handlers)
            .field("version_policy", &self.version_policy)
            .finish_non_exhaustive()
    }
}
