//! The client.

use std::sync::Arc;

use openai_codex_types::{
    BlockingCall, Call, ClientRequest, GetAccountResponse, InitializeResponse, ThreadId,
};
use serde_json::Value;

use super::config::CodexBuilder;
use super::event::EventStream;
use super::list::{Models, ThreadList};
use super::login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
use super::runtime::Client;
use super::start::{ThreadFork, ThreadResume, ThreadStart};
use super::thread::Thread;
use crate::SecretString;
use crate::error::{Error, Result};

/// A client of a Codex runtime, for programs without an async runtime: see
/// [`crate::Codex`].
///
/// The runtime ends with [`close`](Self::close), or when the last clone,
/// [`Thread`] and other handle of it is dropped, which waits for that unless it
/// is inside an async runtime.
///
/// ```no_run
/// # fn example() -> openai_codex::Result<()> {
/// use openai_codex::blocking::Codex;
///
/// let codex = Codex::new()?;
/// for thread in codex.thread_list().stream() {
///     println!("{}", thread?.id);
/// }
/// codex.close()
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Codex {
    rpc: Rpc,
}

/// Any request of the protocol, typed: one function per wire method, from the
/// generated trait [`BlockingMethods`](openai_codex_types::BlockingMethods).
///
/// ```no_run
/// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
/// use openai_codex::types::{BlockingMethods, ThreadLoadedListParams};
///
/// let loaded = codex.rpc().thread_loaded_list(ThreadLoadedListParams::new())?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Rpc(Arc<Client>);

impl Codex {
    /// Starts the runtime and shakes hands with it.
    ///
    /// # Errors
    ///
    /// As [`crate::Codex::new`]; `InvalidInput` inside an async runtime, as for
    /// everything here that waits.
    pub fn new() -> Result<Self> {
        Self::builder().send()
    }

    /// How to start the runtime, step by step.
    pub fn builder() -> CodexBuilder {
        CodexBuilder::new()
    }

    pub(super) fn of(client: Arc<Client>) -> Self {
        Self { rpc: Rpc(client) }
    }

    /// What the runtime said of itself.
    pub fn metadata(&self) -> &InitializeResponse {
        self.inner().metadata()
    }

    /// The runtime's version, such as `0.163.0`.
    pub fn runtime_version(&self) -> Option<&str> {
        self.inner().runtime_version()
    }

    /// Starts a thread (`thread/start`).
    pub fn thread_start(&self) -> ThreadStart {
        ThreadStart::new(self.inner().thread_start(), self.client())
    }

    /// Loads a stored thread (`thread/resume`).
    pub fn thread_resume(&self, id: impl Into<ThreadId>) -> ThreadResume {
        ThreadResume::new(self.inner().thread_resume(id), self.client())
    }

    /// Copies a thread into a new one (`thread/fork`).
    pub fn thread_fork(&self, id: impl Into<ThreadId>) -> ThreadFork {
        ThreadFork::new(self.inner().thread_fork(id), self.client())
    }

    /// Lists threads (`thread/list`).
    pub fn thread_list(&self) -> ThreadList {
        ThreadList::new(self.inner().thread_list(), self.client())
    }

    /// A handle on a thread that is loaded already. Nothing is sent.
    pub fn thread(&self, id: impl Into<ThreadId>) -> Thread {
        Thread::new(self.inner().thread(id), self.client())
    }

    /// Archives a thread (`thread/archive`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn thread_archive(&self, id: impl Into<ThreadId>) -> Result<()> {
        self.rpc.0.wait(self.inner().thread_archive(id))
    }

    /// Takes a thread out of the archive (`thread/unarchive`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn thread_unarchive(&self, id: impl Into<ThreadId>) -> Result<Thread> {
        let thread = self.rpc.0.wait(self.inner().thread_unarchive(id))?;
        Ok(Thread::new(thread, self.client()))
    }

    /// Lists the models (`model/list`), all pages.
    pub fn models(&self) -> Models {
        Models::new(self.inner().models(), self.client())
    }

    /// The account that is logged in (`account/read`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn account(&self) -> Result<GetAccountResponse> {
        self.rpc.0.wait(self.inner().account())
    }

    /// Logs in with an API key (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn login_api_key(&self, key: impl Into<SecretString>) -> Result<()> {
        self.rpc.0.wait(self.inner().login_api_key(key))
    }

    /// Begins a login in the browser (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn login_chatgpt(&self) -> Result<ChatgptLoginHandle> {
        let login = self.rpc.0.wait(self.inner().login_chatgpt())?;
        Ok(ChatgptLoginHandle::new(login, self.client()))
    }

    /// Begins a login with a code that is typed in on another device
    /// (`account/login/start`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn login_chatgpt_device_code(&self) -> Result<DeviceCodeLoginHandle> {
        let login = self.rpc.0.wait(self.inner().login_chatgpt_device_code())?;
        Ok(DeviceCodeLoginHandle::new(login, self.client()))
    }

    /// Logs out (`account/logout`).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn logout(&self) -> Result<()> {
        self.rpc.0.wait(self.inner().logout())
    }

    /// All that no turn subscriber owns: see [`crate::Codex::events`].
    pub fn events(&self) -> EventStream {
        EventStream::new(self.inner().events(), self.client())
    }

    /// Sends any generated request and waits for its typed response.
    ///
    /// # Errors
    ///
    /// As [`crate::Codex::call`].
    pub fn call<R: ClientRequest>(&self, params: R) -> Result<R::Response> {
        self.rpc.call(params)
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
    pub fn call_raw(&self, method: &str, params: Value) -> Result<Value> {
        self.rpc.0.wait(self.inner().call_raw(method, params))
    }

    /// Ends the runtime. Closing twice does no harm.
    ///
    /// # Errors
    ///
    /// `InvalidInput` inside an async runtime.
    pub fn close(&self) -> Result<()> {
        self.rpc.0.wait(self.inner().close())
    }

    /// Waits until the connection is gone, and returns the reason; inside an async
    /// runtime, that it cannot wait.
    pub fn closed(&self) -> Error {
        match self.rpc.0.block_on(self.inner().closed()) {
            Ok(reason) | Err(reason) => reason,
        }
    }

    fn inner(&self) -> &crate::Codex {
        self.rpc.0.codex()
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.rpc.0)
    }
}

impl BlockingCall for Rpc {
    type Error = Error;

    fn call<R: ClientRequest>(&self, params: R) -> Result<R::Response> {
        self.0.wait(Call::call(self.0.codex().rpc(), params))
    }
}
