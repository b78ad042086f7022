//! The client: one runtime, any number of threads.

use std::fmt;
use std::sync::{Arc, Weak};

use openai_codex_connection::{Connection, Deadline};
use openai_codex_types::{
    Call, ClientRequest, Effect, GetAccountParams, GetAccountResponse, InitializeResponse,
    JsonObject, LoginAccountParams, LogoutAccountParams, PROTOCOL, ThreadArchiveParams, ThreadId,
    ThreadUnarchiveParams,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::SecretString;
use crate::approval::ApprovalMode;
use crate::config::CodexBuilder;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventStream;
use crate::handler::{Handlers, Registry};
use crate::list::{Models, ThreadList};
use crate::login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
use crate::overrides;
use crate::probe::Probe;
use crate::retry::{RetryPolicy, read_once_written, retry_on_overload};
use crate::start::{ThreadFork, ThreadResume, ThreadStart};
use crate::thread::Thread;
use crate::version::{Needed, needed};

/// A client of a Codex runtime.
///
/// Clones share the runtime. It ends with [`close`](Self::close), or when the
/// last clone, [`Thread`] and [`TurnHandle`](crate::TurnHandle) is dropped.
///
/// It is made inside of a tokio runtime and ends with that. Its futures and streams may
/// be awaited there or by any other executor.
///
/// ```no_run
/// # async fn example() -> openai_codex::Result<()> {
/// use openai_codex::Codex;
///
/// let codex = Codex::new().await?;
/// let thread = codex.thread_start().model("gpt-5.4").await?;
/// let result = thread.run("Say hello in one sentence.").await?;
/// println!("{}", result.final_response.as_deref().unwrap_or("(no answer)"));
/// codex.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Codex {
    rpc: Rpc,
}

/// Any request of the protocol, typed: one function per wire method, from the
/// generated trait [`Methods`](openai_codex_types::Methods).
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// use openai_codex::types::{Methods, ThreadLoadedListParams};
///
/// let loaded = codex.rpc().thread_loaded_list(ThreadLoadedListParams::new()).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Rpc(Arc<Inner>);

struct Inner {
    connection: Connection,
    metadata: InitializeResponse,
    runtime_version: Option<String>,
    /// For a runtime that was started here and tells no version.
    probe: Option<Arc<Probe>>,
    registry: Arc<Registry>,
    /// Overrides of the configuration that have secrets, for each thread.
    secret_config: JsonObject,
}

/// A client that does not keep its connection open.
pub(crate) struct WeakCodex(Weak<Inner>);

impl WeakCodex {
    /// A client for what runs on the connection's behalf: it does not keep the
    /// connection open either. `None` when the last client is gone.
    pub(crate) fn guest(&self) -> Option<Codex> {
        Some(self.0.upgrade()?.guest())
    }
}

impl Inner {
    fn guest(&self) -> Codex {
        Codex {
            rpc: Rpc(Arc::new(Self {
                connection: self.connection.guest(),
                metadata: self.metadata.clone(),
                runtime_version: self.runtime_version.clone(),
                probe: self.probe.clone(),
                registry: Arc::clone(&self.registry),
                secret_config: self.secret_config.clone(),
            })),
        }
    }
}

impl Codex {
    /// Starts the runtime and shakes hands with it, as
    /// [`Codex::builder`]`().await` does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Launch`] when no runtime is found or it does not start;
    /// [`ErrorKind::Handshake`] when it does not answer as it should.
    ///
    /// # Cancel safety
    ///
    /// Dropping this ends the runtime that it started.
    pub async fn new() -> Result<Self> {
        Self::builder().await
    }

    /// How to start the runtime, step by step.
    pub fn builder() -> CodexBuilder {
        CodexBuilder::new()
    }

    pub(crate) fn of(
        connection: Connection,
        metadata: InitializeResponse,
        runtime_version: Option<String>,
        probe: Option<Probe>,
        registry: Arc<Registry>,
        secret_config: JsonObject,
    ) -> Self {
        let inner = Arc::new(Inner {
            connection,
            metadata,
            runtime_version,
            probe: probe.map(Arc::new),
            registry,
            secret_config,
        });
        inner.registry.set_codex(WeakCodex(Arc::downgrade(&inner)));
        Self { rpc: Rpc(inner) }
    }

    /// Adds to the configuration of a thread what may not be on the command line.
    pub(crate) fn add_secret_config(&self, config: &mut Option<JsonObject>) {
        overrides::add_to(config, &self.rpc.0.secret_config);
    }

    /// What the runtime said of itself.
    pub fn metadata(&self) -> &InitializeResponse {
        &self.rpc.0.metadata
    }

    /// The runtime's version, such as `0.163.0`.
    pub fn runtime_version(&self) -> Option<&str> {
        self.rpc.0.runtime_version.as_deref()
    }

    /// Starts a thread (`thread/start`).
    pub fn thread_start(&self) -> ThreadStart {
        ThreadStart::new(self.clone())
    }

    /// Loads a stored thread (`thread/resume`).
    pub fn thread_resume(&self, id: impl Into<ThreadId>) -> ThreadResume {
        ThreadResume::new(self.clone(), id.into())
    }

    /// Copies a thread into a new one (`thread/fork`).
    pub fn thread_fork(&self, id: impl Into<ThreadId>) -> ThreadFork {
        ThreadFork::new(self.clone(), id.into())
    }

    /// Lists threads (`thread/list`): one page, or all by its
    /// [`stream`](ThreadList::stream).
    pub fn thread_list(&self) -> ThreadList {
        ThreadList::new(self.clone())
    }

    /// A handle on a thread that is loaded already. Nothing is sent.
    ///
    /// To run a turn on one that is not loaded is an error of the server's ("thread
    /// not found"): [`thread_resume`](Self::thread_resume) loads it.
    pub fn thread(&self, id: impl Into<ThreadId>) -> Thread {
        let id = id.into();
        let hooks = self.registry().hooks(&id);
        Thread::new(self.clone(), id, None).with_hooks(hooks)
    }

    /// Archives a thread (`thread/archive`). It must have had a turn.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn thread_archive(&self, id: impl Into<ThreadId>) -> Result<()> {
        self.call(ThreadArchiveParams::new(id)).await.map(drop)
    }

    /// Takes a thread out of the archive (`thread/unarchive`). It is not loaded
    /// by that: [`thread_resume`](Self::thread_resume) does.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn thread_unarchive(&self, id: impl Into<ThreadId>) -> Result<Thread> {
        let response = self.call(ThreadUnarchiveParams::new(id)).await?;
        Ok(Thread::new(self.clone(), response.thread.id, None))
    }

    /// Lists the models (`model/list`), all pages.
    pub fn models(&self) -> Models {
        Models::new(self.clone())
    }

    /// The account that is logged in (`account/read`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn account(&self) -> Result<GetAccountResponse> {
        self.call(GetAccountParams::new().refresh_token(false))
            .await
    }

    /// Logs in with an API key (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn login_api_key(&self, key: impl Into<SecretString>) -> Result<()> {
        let params = openai_codex_types::ApiKeyLoginAccountParams::new(key);
        self.call(LoginAccountParams::from(params)).await.map(drop)
    }

    /// Begins a login in the browser (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call): the attempt may begin all the same, until another one
    /// takes its place.
    pub async fn login_chatgpt(&self) -> Result<ChatgptLoginHandle> {
        ChatgptLoginHandle::start(self).await
    }

    /// Begins a login with a code that is typed in on another device
    /// (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn login_chatgpt_device_code(&self) -> Result<DeviceCodeLoginHandle> {
        DeviceCodeLoginHandle::start(self).await
    }

    /// Logs out (`account/logout`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn logout(&self) -> Result<()> {
        self.call(LogoutAccountParams::new()).await.map(drop)
    }

    /// All that no turn subscriber owns: what concerns no thread, and what
    /// concerns turns that nobody watches. The first stream has it from the
    /// first byte on, later ones from now on. It is bounded, and says so when
    /// something had to go.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.connection().events())
    }

    /// Sends any generated request and awaits its typed response.
    ///
    /// At most 64 requests (see [`CodexBuilder::max_in_flight`]) are unanswered
    /// at a time; further ones wait. A method that only reads is sent again if
    /// the server says that it is overloaded, or that the file of a thread, which
    /// its first turn makes, is still empty.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// use openai_codex::types::SkillsListParams;
    ///
    /// let skills = codex.call(SkillsListParams::new()).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rpc`] with the server's answer, [`ErrorKind::Timeout`] after
    /// the request timeout, [`ErrorKind::Closed`] when the connection is gone,
    /// and [`ErrorKind::Decode`] when the response does not have its form.
    ///
    /// # Cancel safety
    ///
    /// Dropping this leaves nothing behind. A request that was sent may still
    /// take effect.
    pub async fn call<R: ClientRequest>(&self, params: R) -> Result<R::Response> {
        self.rpc.call(params).await
    }

    /// The same, as one function per wire method.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Sends any method, for what this version does not know.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn call_raw(&self, method: &str, params: Value) -> Result<Value> {
        let params = encode(method, &params)?;
        let answer = self
            .rpc
            .send(method.to_owned().into(), Some(&params))
            .await?;
        serde_json::from_str(answer.get())
            .map_err(|error| Error::undecodable(method.to_owned(), answer.get(), error))
            .map_err(|error| error.sent_by(self.runtime_version()))
    }

    /// Ends the runtime: what is queued is written, then stdin is closed. A
    /// child that does not exit is terminated after two seconds and killed after
    /// four, with what it started. Whoever still waits gets an error.
    ///
    /// Closing twice does no harm.
    ///
    /// # Errors
    ///
    /// None today.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the ending goes on even if this is dropped.
    pub async fn close(&self) -> Result<()> {
        Ok(self.connection().close().await?)
    }

    /// Resolves when the connection is gone, with the reason.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn closed(&self) -> Error {
        self.connection().closed().await.into()
    }

    /// Fails if a mode needs handlers that are not there.
    pub(crate) fn check_handler_for(
        &self,
        mode: ApprovalMode,
        own: Option<&Handlers>,
        thread: Option<&ThreadId>,
    ) -> Result<()> {
        let approves = || match own {
            // They take the place of those that the thread has.
            Some(own) => own.approve() || self.registry().approve(None),
            None => self.registry().approve(thread),
        };
        if mode == ApprovalMode::Ask && !approves() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "ApprovalMode::Ask needs a handler for approvals, and none is set for the client or \
                 the thread; nothing was sent",
            ));
        }
        Ok(())
    }

    /// Fails if members of params are set that the runtime is too old for. `options` are the
    /// members that builders set by another name.
    pub(crate) async fn require<R: ClientRequest>(
        &self,
        params: &R,
        options: &[(&str, &'static str)],
    ) -> Result<()> {
        let needed = needed(self.runtime_version(), params, options)?;
        let Some(too_old) = Needed::error(&needed, R::METHOD, self.runtime_version()) else {
            return Ok(());
        };
        let Some(probe) = &self.rpc.0.probe else {
            return Err(too_old);
        };
        let asking = async {
            for option in &needed {
                let known = probe.knows(option.params, option.member).await;
                if !known.map_err(|error| error.with_method(R::METHOD))? {
                    return Err(option.unknown(R::METHOD));
                }
            }
            Ok(())
        };
        self.connection().lend_timers(asking).await
    }

    /// A client that does not keep the connection open.
    pub(crate) fn guest(&self) -> Self {
        self.rpc.0.guest()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.rpc.0.registry
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.rpc.0.connection
    }
}

impl Rpc {
    async fn send(
        &self,
        method: std::borrow::Cow<'static, str>,
        params: Option<&RawValue>,
    ) -> Result<Box<RawValue>> {
        let connection = &self.0.connection;
        let again = || async {
            let answer = connection.request(method.clone(), params, Deadline::Default);
            answer.await.map_err(Error::from)
        };
        // What this version does not know is sent once.
        let spec = PROTOCOL.request(&method);
        let only_reads = spec.is_some_and(|spec| spec.effect == Effect::Reads);
        let answer = connection.lend_timers(async {
            if only_reads {
                let read = || read_once_written(again);
                retry_on_overload(RetryPolicy::default(), read).await
            } else {
                again().await
            }
        });
        let answer = answer.await;
        answer.map_err(|error| error.without_echo(&method, params))
    }
}

impl Call for Rpc {
    type Error = Error;

    async fn call<R: ClientRequest>(&self, params: R) -> Result<R::Response> {
        let raw = match R::SENDS_PARAMS {
            true => Some(encode(R::METHOD, &params)?),
            false => None,
        };
        drop(params);
        let answer = self.send(R::METHOD.into(), raw.as_deref()).await?;
        openai_codex_wire::decode(R::METHOD, answer.get())
            .map_err(|error| Error::undecodable(R::METHOD, answer.get(), error))
            .map_err(|error| error.sent_by(self.0.runtime_version.as_deref()))
    }
}

/// The raw JSON of params.
pub(crate) fn encode(method: &str, params: &impl serde::Serialize) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(params).map_err(|error| unencodable(method, error))
}

/// The error for params that are no JSON, and say why.
pub(crate) fn unencodable(method: &str, error: serde_json::Error) -> Error {
    let message = "the params cannot be written as JSON";
    Error::new(ErrorKind::InvalidInput, message)
        .with_method(method.to_owned())
        .with_source(error)
}

impl fmt::Debug for Codex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codex")
            .field("runtime_version", &self.runtime_version())
            .field("connection", self.connection())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Rpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rpc").finish_non_exhaustive()
    }
}
