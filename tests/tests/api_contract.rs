//! Every name that programs are promised, used as promised: this file stops
//! compiling when one is lost. Nothing of it runs but what needs no runtime.
#![allow(clippy::unwrap_used)]

#[path = "api_contract/blocking.rs"]
mod blocking;
#[path = "api_contract/options.rs"]
mod options;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use futures_core::Stream;
use openai_codex::prelude;
use openai_codex::types::messages::{
    AnyClientRequest, AnyClientResponse, AnyServerRequest, AnyServerResponse,
};
use openai_codex::types::{
    ChatgptAuthTokensRefreshParams, ChatgptAuthTokensRefreshResponse, CodexErrorInfo, DecodeError,
    GetAccountResponse, InitializeResponse, Methods, Model, ServerNotification, Thread as Stored,
    ThreadItem, ThreadListResponse, ThreadLoadedListParams, ThreadReadResponse, ThreadTokenUsage,
    TurnError, TurnSteerResponse,
};
use openai_codex::{
    ApprovalMode, ChatgptLoginHandle, Codex, CodexBuilder, Decision, DeviceCodeLoginHandle, Error,
    ErrorKind, Event, EventBuffer, EventStream, ExternalMessage, Handlers, InputItem, Models,
    RetryPolicy, Rpc, RpcErrorKind, Run, RunAs, Sandbox, SecretString, StartTurn, Structured,
    Thread, ThreadFork, ThreadId, ThreadInfo, ThreadList, ThreadResume, ThreadStart, Tool,
    TurnHandle, TurnId, TurnResult, TurnStatus, TurnStream, VersionPolicy, retry_on_overload,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

type Result<T> = openai_codex::Result<T>;

#[derive(Deserialize, JsonSchema)]
struct Review {
    summary: String,
    issues: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct WeatherArgs {
    city: String,
}

async fn codex() -> Result<()> {
    let _: Codex = Codex::new().await?;
    let builder: CodexBuilder = Codex::builder();
    let codex: Codex = builder.await?;
    let _: &InitializeResponse = codex.metadata();
    let _: Option<&str> = codex.runtime_version();
    let _: ThreadStart = codex.thread_start();
    let _: ThreadResume = codex.thread_resume("id");
    let _: ThreadFork = codex.thread_fork("id".to_owned());
    let list: ThreadList = codex.thread_list();
    let _: ThreadListResponse = list.clone().await?;
    let mut threads = list.stream();
    let _: Option<Result<Stored>> = threads.next().await;
    let _: Thread = codex.thread(ThreadId::from("id"));
    let () = codex.thread_archive("id").await?;
    let _: Thread = codex.thread_unarchive("id").await?;
    let models: Models = codex.models();
    let _: Vec<Model> = models.include_hidden(true).await?;
    let _: GetAccountResponse = codex.account().await?;
    let () = codex.login_api_key(SecretString::from("key")).await?;
    let () = codex.login_api_key("key").await?;
    let browser: ChatgptLoginHandle = codex.login_chatgpt().await?;
    let device: DeviceCodeLoginHandle = codex.login_chatgpt_device_code().await?;
    let _ = (
        browser.wait().await?,
        browser.cancel().await?,
        browser.auth_url(),
    );
    let _ = (
        device.wait().await?,
        device.cancel().await?,
        device.user_code(),
    );
    let () = codex.logout().await?;
    let _: EventStream = codex.events();
    let _: Vec<String> = codex.call(ThreadLoadedListParams::new()).await?.data;
    let rpc: &Rpc = codex.rpc();
    let _: Vec<String> = rpc
        .thread_loaded_list(ThreadLoadedListParams::new())
        .await?
        .data;
    let _: Value = codex.call_raw("thread/loaded/list", json!({})).await?;
    let () = codex.close().await?;
    let _: Error = codex.closed().await;
    Ok(())
}

async fn builder(methods: Vec<String>, handlers: Handlers) -> Result<()> {
    let builder = Codex::builder()
        .codex_bin(PathBuf::from("codex"))
        .launch_command(["codex", "app-server"])
        .config_override("model", "\"gpt-5.4\"")
        .cwd("/")
        .env("KEY", "value")
        .env_clear()
        .codex_home("/")
        .client_info("name", "title", "version")
        .experimental_api(true)
        .opt_out_notifications(methods)
        .handlers(handlers)
        .max_in_flight(64)
        .request_timeout(Some(Duration::from_secs(60)))
        .event_buffer(EventBuffer::default())
        .version_policy(VersionPolicy::default());
    let (read, write) = tokio::io::duplex(1);
    let _: Codex = builder.connect_with(read, write).await?;
    let _ = [
        VersionPolicy::Exact,
        VersionPolicy::Compatible,
        VersionPolicy::Any,
    ];
    Ok(())
}

async fn thread(thread: Thread) -> Result<()> {
    let _: &ThreadId = thread.id();
    let info: Option<&ThreadInfo> = thread.info();
    if let Some(info) = info {
        let _ = (&info.model, &info.cwd, &info.sandbox, &info.approval_policy);
    }
    let run: Run = thread.run("text");
    let _: TurnResult = run.await?;
    let run: RunAs<Review> = thread.run_as::<Review>("Review the diff");
    let review: Structured<Review> = run.await?;
    let _: (&String, &Vec<String>) = (&review.value.summary, &review.value.issues);
    let _: &TurnResult = &review.turn;
    let turn: StartTurn = thread.turn(String::from("text"));
    let _: TurnHandle = turn.await?;
    let _: TurnHandle = thread.turn_handle("id");
    let _: ThreadReadResponse = thread.read(true).await?;
    let () = thread.set_name("name").await?;
    let () = thread.compact().await?;
    let mut events: EventStream = thread.events();
    let _: Option<Result<Event>> = events.next().await;
    Ok(())
}

async fn turn(turn: TurnHandle) -> Result<()> {
    let _: &TurnId = turn.id();
    let _: &ThreadId = turn.thread_id();
    let mut stream: TurnStream = turn.stream();
    let _: Option<Result<Event>> = stream.next().await;
    let _: TurnResult = turn.run().await?;
    let _: TurnSteerResponse = turn.steer("more").await?;
    let () = turn.interrupt().await?;
    let _: TurnHandle = turn.interrupt_on_drop(true);
    Ok(())
}

fn result(result: TurnResult, event: &Event) -> Result<()> {
    let _: (TurnId, ThreadId, TurnStatus) = (result.id, result.thread_id, result.status);
    let _: Option<TurnError> = result.error;
    let _: [Option<SystemTime>; 2] = [result.started_at, result.completed_at];
    let _: Option<Duration> = result.duration;
    let _: Option<String> = result.final_response;
    let _: Vec<ThreadItem> = result.items;
    let _: Option<ThreadTokenUsage> = result.usage;
    let _: &str = event.method();
    let _ = (event.thread_id(), event.turn_id(), event.emitted_at());
    let _: &str = event.raw();
    let _: &ServerNotification = event.decode()?;
    let _: Option<&str> = event.text_delta();
    Ok(())
}

fn inputs(thread: &Thread) {
    let item = || InputItem::text("text");
    let _ = thread.turn("text");
    let _ = thread.turn(String::from("text"));
    let _ = thread.turn(item());
    let _ = thread.turn([item(), InputItem::image("data:image/png;base64,")]);
    let _ = thread.turn(vec![
        InputItem::local_image("/a.png"),
        InputItem::skill("name", "/path"),
        InputItem::mention("name", "/path"),
    ]);
    let message = ExternalMessage::new("tool", "content").namespace("space");
    let _ = thread.turn(message);
    let _ = [
        ApprovalMode::AutoReview,
        ApprovalMode::DenyAll,
        ApprovalMode::Ask,
        ApprovalMode::Inherit,
    ];
    let _ = [
        Sandbox::ReadOnly,
        Sandbox::WorkspaceWrite,
        Sandbox::FullAccess,
    ];
}

fn handlers(token: ChatgptAuthTokensRefreshResponse) -> (Handlers, Tool) {
    let handlers = Handlers::new()
        .command_approval(|_req, cx| async move {
            let _ = (cx.codex(), cx.thread_id(), cx.turn_id(), cx.request_id());
            cx.cancelled().await;
            Decision::Accept
        })
        .file_change_approval(|_req, _cx| async move { Decision::Decline })
        .permissions_approval(|_req, _cx| async move { openai_codex::PermissionGrant::none() })
        .user_input(|_req, _cx| async move { openai_codex::UserInputAnswers::new() })
        .elicitation(|_req, _cx| async move { openai_codex::ElicitationAnswer::decline() })
        .on::<ChatgptAuthTokensRefreshParams, _, _>(move |_req, _cx| {
            let token = token.clone();
            async move { Ok(token) }
        })
        .fallback(|_method, _params, _cx| async move { Ok(json!({})) });
    let weather = Tool::new(
        "weather",
        "Current weather for a city",
        |args: WeatherArgs, _cx| async move { Ok(format!("{}: sunny", args.city)) },
    );
    (handlers, weather)
}

fn errors(error: &Error) {
    let _: (ErrorKind, Option<&str>) = (error.kind(), error.method());
    if let Some(rpc) = error.rpc() {
        let _: (i64, &String, &Option<Value>) = (rpc.code, &rpc.message, &rpc.data);
    }
    let _: Option<&TurnResult> = error.turn_result();
    let _: Option<&CodexErrorInfo> = error.codex_error_info();
    let _: Option<&str> = error.stderr_tail();
    let _: [bool; 5] = [
        error.is_overloaded(),
        error.is_retryable(),
        error.is_closed(),
        error.is_timeout(),
        error.is_interrupted(),
    ];
    let _ = [
        ErrorKind::Launch,
        ErrorKind::Handshake,
        ErrorKind::Closed,
        ErrorKind::Decode,
        ErrorKind::Turn,
        ErrorKind::Lagged { skipped: 1 },
        ErrorKind::Timeout,
        ErrorKind::InvalidInput,
        ErrorKind::Rpc(RpcErrorKind::Parse),
        ErrorKind::Rpc(RpcErrorKind::InvalidRequest),
        ErrorKind::Rpc(RpcErrorKind::MethodNotFound),
        ErrorKind::Rpc(RpcErrorKind::InvalidParams),
        ErrorKind::Rpc(RpcErrorKind::Internal),
        ErrorKind::Rpc(RpcErrorKind::Overloaded),
        ErrorKind::Rpc(RpcErrorKind::RetryLimit),
        ErrorKind::Rpc(RpcErrorKind::Other(0_i64)),
    ];
}

fn messages(method: &str, json: &str) -> std::result::Result<Value, DecodeError> {
    let request = AnyClientRequest::decode(method, json)?;
    let _: &str = request.method();
    let response = AnyClientResponse::decode(method, json)?;
    let asked = AnyServerRequest::decode(method, json)?;
    let answered = AnyServerResponse::decode(method, json)?;
    let notification = ServerNotification::decode(method, json)?;
    Ok(json!([request, response, asked, answered, notification]))
}

fn sent_between_threads<T: Clone + Send + Sync + std::fmt::Debug>() {}
fn streamed<T: Stream<Item = Result<Event>> + Send>() {}

#[test]
fn every_promised_name_is_there() {
    sent_between_threads::<Codex>();
    sent_between_threads::<Thread>();
    sent_between_threads::<Event>();
    sent_between_threads::<Error>();
    streamed::<TurnStream>();
    streamed::<EventStream>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    let _ = (
        codex, builder, thread, turn, result, inputs, handlers, errors, messages,
    );
    let _ = (options::threads, options::turns, blocking::everything);
}

#[test]
fn the_prelude_has_what_most_programs_want() {
    fn is<A: 'static, B: 'static>() -> bool {
        std::any::TypeId::of::<A>() == std::any::TypeId::of::<B>()
    }
    assert!(is::<prelude::Codex, Codex>() && is::<prelude::Thread, Thread>());
    assert!(is::<prelude::TurnHandle, TurnHandle>() && is::<prelude::TurnResult, TurnResult>());
    assert!(is::<prelude::TurnStatus, TurnStatus>() && is::<prelude::Event, Event>());
    assert!(is::<prelude::Error, Error>() && is::<prelude::ErrorKind, ErrorKind>());
    assert!(is::<prelude::InputItem, InputItem>() && is::<prelude::Sandbox, Sandbox>());
    assert!(is::<prelude::ApprovalMode, ApprovalMode>());
    assert!(is::<prelude::Result<()>, Result<()>>());
}

#[tokio::test(start_paused = true)]
async fn the_retry_helper_takes_a_policy_and_an_operation() {
    let result: Result<u8> = retry_on_overload(RetryPolicy::default(), || async { Ok(7) }).await;
    assert_eq!(result.unwrap(), 7);
}

#[test]
fn the_testkit_has_its_names() {
    use openai_codex_testkit::{FakeServer, MockModel, Recorder, Replay, TestRuntime};
    fn is_public<T>() {}
    is_public::<(MockModel, TestRuntime, FakeServer, Recorder, Replay)>();
}
