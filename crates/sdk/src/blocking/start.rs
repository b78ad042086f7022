//! Starting, resuming and forking threads: the builders.

use std::path::Path;

use openai_codex_types::{
    Personality, ThreadForkParams, ThreadResumeParams, ThreadSource, ThreadStartParams,
    ThreadStartSource,
};
use serde_json::Value;

use super::options::mirror;
use super::thread::Thread;
use crate::approval::{ApprovalMode, Sandbox};
use crate::error::Result;
use crate::handler::Handlers;
use crate::tool::Tool;

mirror! {
    /// Starts a thread (`thread/start`). See [`crate::ThreadStart`].
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let thread = codex.thread_start().model("gpt-5.4").cwd("/src/project").send()?;
    /// # Ok(()) }
    /// ```
    ThreadStart -> Thread;
    approval_mode(mode: ApprovalMode);
    base_instructions(text: impl Into<String>);
    clear_service_tier();
    config(config: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>);
    cwd(cwd: impl AsRef<Path>);
    developer_instructions(text: impl Into<String>);
    ephemeral(yes: bool);
    handlers(handlers: Handlers);
    model(model: impl Into<String>);
    model_provider(provider: impl Into<String>);
    params(change: impl FnOnce(ThreadStartParams) -> ThreadStartParams);
    personality(personality: impl Into<Personality>);
    sandbox(sandbox: Sandbox);
    service_name(name: impl Into<String>);
    service_tier(tier: impl Into<String>);
    session_start_source(source: impl Into<ThreadStartSource>);
    thread_source(source: impl Into<ThreadSource>);
    tool(tool: Tool);
    tools(tools: impl IntoIterator<Item = Tool>);
}

mirror! {
    /// Loads a stored thread (`thread/resume`). See [`crate::ThreadResume`].
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let thread = codex.thread_resume("0198-…").send()?;
    /// # Ok(()) }
    /// ```
    ThreadResume -> Thread;
    allow_ignored_overrides(yes: bool);
    approval_mode(mode: ApprovalMode);
    base_instructions(text: impl Into<String>);
    clear_service_tier();
    config(config: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>);
    cwd(cwd: impl AsRef<Path>);
    developer_instructions(text: impl Into<String>);
    include_turns(yes: bool);
    handlers(handlers: Handlers);
    model(model: impl Into<String>);
    model_provider(provider: impl Into<String>);
    params(change: impl FnOnce(ThreadResumeParams) -> ThreadResumeParams);
    personality(personality: impl Into<Personality>);
    sandbox(sandbox: Sandbox);
    service_tier(tier: impl Into<String>);
    tool(tool: Tool);
    tools(tools: impl IntoIterator<Item = Tool>);
}

mirror! {
    /// Copies a thread into a new one (`thread/fork`). See [`crate::ThreadFork`].
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let copy = codex.thread_fork("0198-…").ephemeral(true).send()?;
    /// # Ok(()) }
    /// ```
    ThreadFork -> Thread;
    approval_mode(mode: ApprovalMode);
    base_instructions(text: impl Into<String>);
    clear_service_tier();
    config(config: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>);
    cwd(cwd: impl AsRef<Path>);
    developer_instructions(text: impl Into<String>);
    ephemeral(yes: bool);
    include_turns(yes: bool);
    handlers(handlers: Handlers);
    model(model: impl Into<String>);
    model_provider(provider: impl Into<String>);
    params(change: impl FnOnce(ThreadForkParams) -> ThreadForkParams);
    sandbox(sandbox: Sandbox);
    service_tier(tier: impl Into<String>);
    thread_source(source: impl Into<ThreadSource>);
    tool(tool: Tool);
    tools(tools: impl IntoIterator<Item = Tool>);
}

macro_rules! send {
    ($($name:ident)*) => {$(
        impl $name {
            /// Sends the request.
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`send`](crate::", stringify!($name), "::send) of the async one.")]
            pub fn send(self) -> Result<Thread> {
                let thread = self.client.wait(self.inner.send())?;
                Ok(Thread::new(thread, self.client))
            }
        }
    )*};
}

send!(ThreadStart ThreadResume ThreadFork);
