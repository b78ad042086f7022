//! The blocking client, which the snapshot of the public surface compares with
//! the async one name by name; here is how a program reads.

use openai_codex::blocking::{
    ChatgptLoginHandle, Codex, CodexBuilder, DeviceCodeLoginHandle, EventStream, Models, Rpc, Run,
    StartTurn, Thread, ThreadFork, ThreadList, ThreadListStream, ThreadResume, ThreadStart,
    TurnHandle, TurnStream, retry_on_overload,
};
use openai_codex::types::{BlockingMethods, Model, ThreadListResponse, ThreadLoadedListParams};
use openai_codex::{Event, Result, RetryPolicy, TurnResult};

pub(crate) fn everything() -> Result<()> {
    let _: Codex = Codex::new()?;
    let builder: CodexBuilder = Codex::builder();
    let codex: Codex = builder.send()?;
    let start: ThreadStart = codex.thread_start().model("gpt-5.4");
    let thread: Thread = start.send()?;
    let _: ThreadResume = codex.thread_resume("id");
    let _: ThreadFork = codex.thread_fork("id");
    let run: Run = thread.run("text");
    let _: TurnResult = retry_on_overload(RetryPolicy::default(), || run.clone().send())?;
    let turn: StartTurn = thread.turn("text");
    let turn: TurnHandle = turn.send()?;
    let stream: TurnStream = turn.stream();
    for event in stream {
        let _: Event = event?;
    }
    let events: EventStream = thread.events();
    let _: Option<Result<Event>> = events.into_iter().next();
    let list: ThreadList = codex.thread_list();
    let _: ThreadListResponse = list.clone().send()?;
    let stream: ThreadListStream = list.stream();
    let _ = stream.count();
    let models: Models = codex.models();
    let _: Vec<Model> = models.send()?;
    let browser: ChatgptLoginHandle = codex.login_chatgpt()?;
    let device: DeviceCodeLoginHandle = codex.login_chatgpt_device_code()?;
    let _ = (browser.wait()?, device.wait()?);
    let rpc: &Rpc = codex.rpc();
    let _ = rpc.thread_loaded_list(ThreadLoadedListParams::new())?;
    codex.close()
}
