//! Coming from the Python SDK: what it is called here.
//!
//! The names are the same, in the case that Rust writes them in. Options that are
//! keyword arguments there are setters here: `thread_start(model="gpt-5.4")` is
//! `thread_start().model("gpt-5.4").await?`.
//!
//! # `openai_codex`
//!
//! | Python | Rust |
//! |---|---|
//! | `AsyncCodex` | [`Codex`](crate::Codex) |
//! | `Codex` | [`blocking::Codex`](crate::blocking::Codex) |
//! | `AsyncThread`, `Thread` | [`Thread`](crate::Thread), [`blocking::Thread`](crate::blocking::Thread) |
//! | `AsyncTurnHandle`, `TurnHandle` | [`TurnHandle`](crate::TurnHandle), [`blocking::TurnHandle`](crate::blocking::TurnHandle) |
//! | `AsyncChatgptLoginHandle`, `ChatgptLoginHandle` | [`ChatgptLoginHandle`](crate::ChatgptLoginHandle), [`blocking::ChatgptLoginHandle`](crate::blocking::ChatgptLoginHandle) |
//! | `AsyncDeviceCodeLoginHandle`, `DeviceCodeLoginHandle` | [`DeviceCodeLoginHandle`](crate::DeviceCodeLoginHandle), [`blocking::DeviceCodeLoginHandle`](crate::blocking::DeviceCodeLoginHandle) |
//! | `CodexConfig` | [`CodexBuilder`](crate::CodexBuilder), by [`Codex::builder`](crate::Codex::builder) |
//! | `ApprovalMode.auto_review`, `.deny_all` | [`ApprovalMode::AutoReview`](crate::ApprovalMode::AutoReview), [`DenyAll`](crate::ApprovalMode::DenyAll) |
//! | `Sandbox.read_only`, `.workspace_write`, `.full_access` | [`Sandbox::ReadOnly`](crate::Sandbox::ReadOnly), [`WorkspaceWrite`](crate::Sandbox::WorkspaceWrite), [`FullAccess`](crate::Sandbox::FullAccess) |
//! | `TurnResult` | [`TurnResult`](crate::TurnResult) |
//! | `Input` | [`Input`](crate::Input) |
//! | `InputItem` | [`InputItem`](crate::InputItem) |
//! | `RunInput` | [`TurnInput`](crate::TurnInput) |
//! | `ExternalMessage` | [`ExternalMessage`](crate::ExternalMessage) |
//! | `TextInput(text)` | [`InputItem::text`](crate::InputItem::text), or just the string |
//! | `ImageInput(url)` | [`InputItem::image`](crate::InputItem::image) |
//! | `LocalImageInput(path)` | [`InputItem::local_image`](crate::InputItem::local_image) |
//! | `SkillInput(name, path)` | [`InputItem::skill`](crate::InputItem::skill) |
//! | `MentionInput(name, path)` | [`InputItem::mention`](crate::InputItem::mention) |
//! | `retry_on_overload` | [`retry_on_overload`](crate::retry_on_overload) with a [`RetryPolicy`](crate::RetryPolicy) |
//! | `is_retryable_error(error)` | [`Error::is_retryable`](crate::Error::is_retryable) |
//! | `__version__` | `env!("CARGO_PKG_VERSION")` of the crate; the pinned runtime's is [`types::RUNTIME_VERSION`](crate::types::RUNTIME_VERSION) |
//!
//! # Errors
//!
//! One type, [`Error`](crate::Error), told apart by its [`kind`](crate::Error::kind).
//!
//! | Python | Rust |
//! |---|---|
//! | `CodexError` | [`Error`](crate::Error) |
//! | `TransportClosedError` | [`ErrorKind::Closed`](crate::ErrorKind::Closed) |
//! | `JsonRpcError`, `CodexRpcError` | [`ErrorKind::Rpc`](crate::ErrorKind::Rpc); code, message and data by [`Error::rpc`](crate::Error::rpc) |
//! | `ParseError` | [`RpcErrorKind::Parse`](crate::RpcErrorKind::Parse) |
//! | `InvalidRequestError` | [`RpcErrorKind::InvalidRequest`](crate::RpcErrorKind::InvalidRequest) |
//! | `MethodNotFoundError` | [`RpcErrorKind::MethodNotFound`](crate::RpcErrorKind::MethodNotFound) |
//! | `InvalidParamsError` | [`RpcErrorKind::InvalidParams`](crate::RpcErrorKind::InvalidParams) |
//! | `InternalRpcError` | [`RpcErrorKind::Internal`](crate::RpcErrorKind::Internal) |
//! | `ServerBusyError` | [`RpcErrorKind::Overloaded`](crate::RpcErrorKind::Overloaded), or [`Error::is_overloaded`](crate::Error::is_overloaded) |
//! | `RetryLimitExceededError` | [`RpcErrorKind::RetryLimit`](crate::RpcErrorKind::RetryLimit) |
//! | `RuntimeError` of a failed turn | [`ErrorKind::Turn`](crate::ErrorKind::Turn) |
//! | `FileNotFoundError` of the runtime | [`ErrorKind::Launch`](crate::ErrorKind::Launch) |
//! | `ValueError`, `TypeError` | [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), where the compiler does not find it |
//! | `pydantic.ValidationError` | [`ErrorKind::Decode`](crate::ErrorKind::Decode) |
//!
//! # `CodexConfig`
//!
//! | Python | Rust |
//! |---|---|
//! | `codex_bin` | [`codex_bin`](crate::CodexBuilder::codex_bin) |
//! | `launch_args_override` | [`launch_command`](crate::CodexBuilder::launch_command) |
//! | `config_overrides=("key=value",)` | [`config_override("key", "value")`](crate::CodexBuilder::config_override) |
//! | `cwd`, `env` | [`cwd`](crate::CodexBuilder::cwd), [`env`](crate::CodexBuilder::env) and [`envs`](crate::CodexBuilder::envs) |
//! | `client_name`, `client_title`, `client_version` | [`client_info`](crate::CodexBuilder::client_info) |
//! | `experimental_api` | [`experimental_api`](crate::CodexBuilder::experimental_api) |
//!
//! # `Codex`
//!
//! | Python | Rust |
//! |---|---|
//! | `Codex(config)` | [`Codex::new`](crate::Codex::new), or the builder |
//! | `with Codex() as codex:` | a value: the runtime ends with its last clone, or with `close` |
//! | `metadata` | [`metadata`](crate::Codex::metadata), [`runtime_version`](crate::Codex::runtime_version) |
//! | `close()` | [`close`](crate::Codex::close) |
//! | `login_api_key(key)` | [`login_api_key`](crate::Codex::login_api_key) |
//! | `login_chatgpt()` | [`login_chatgpt`](crate::Codex::login_chatgpt) |
//! | `login_chatgpt_device_code()` | [`login_chatgpt_device_code`](crate::Codex::login_chatgpt_device_code) |
//! | `handle.login_id`, `.auth_url`, `.user_code`, `.verification_url` | functions of the same names |
//! | `handle.wait()`, `handle.cancel()` | [`wait`](crate::ChatgptLoginHandle::wait), [`cancel`](crate::ChatgptLoginHandle::cancel) |
//! | `account(refresh_token=False)` | [`account`](crate::Codex::account); with `refresh_token`: `call(GetAccountParams::new().refresh_token(true))` |
//! | `logout()` | [`logout`](crate::Codex::logout) |
//! | `thread_start(…)` | [`thread_start`](crate::Codex::thread_start) |
//! | `thread_list(…)` | [`thread_list`](crate::Codex::thread_list): one page, or all by its `stream` |
//! | `thread_resume(id, …)` | [`thread_resume`](crate::Codex::thread_resume) |
//! | `thread_fork(id, …)` | [`thread_fork`](crate::Codex::thread_fork) |
//! | `thread_archive(id)` | [`thread_archive`](crate::Codex::thread_archive) |
//! | `thread_unarchive(id)` | [`thread_unarchive`](crate::Codex::thread_unarchive) |
//! | `models(include_hidden=False)` | [`models`](crate::Codex::models): all pages |
//!
//! # `Thread` and `TurnHandle`
//!
//! | Python | Rust |
//! |---|---|
//! | `thread.id` | [`Thread::id`](crate::Thread::id) |
//! | `thread.run(input, …)` | [`Thread::run`](crate::Thread::run) |
//! | `thread.turn(input, …)` | [`Thread::turn`](crate::Thread::turn) |
//! | `thread.read(include_turns=False)` | [`Thread::read`](crate::Thread::read) |
//! | `thread.set_name(name)` | [`Thread::set_name`](crate::Thread::set_name) |
//! | `thread.compact()` | [`Thread::compact`](crate::Thread::compact) |
//! | `turn.id`, `turn.thread_id` | [`TurnHandle::id`](crate::TurnHandle::id), [`thread_id`](crate::TurnHandle::thread_id) |
//! | `TurnHandle(client, thread_id, turn_id)` | [`Thread::turn_handle`](crate::Thread::turn_handle) |
//! | `turn.stream()` | [`TurnHandle::stream`](crate::TurnHandle::stream), as often as you like |
//! | `turn.run()` | [`TurnHandle::run`](crate::TurnHandle::run), as often as you like |
//! | `turn.steer(input)` | [`TurnHandle::steer`](crate::TurnHandle::steer) |
//! | `turn.interrupt()` | [`TurnHandle::interrupt`](crate::TurnHandle::interrupt) |
//! | `Notification` | [`Event`](crate::Event); its payload by [`decode`](crate::Event::decode) |
//! | `approval_mode`, `base_instructions`, `config`, `cwd`, `developer_instructions`, `effort`, `ephemeral`, `include_turns`, `model`, `model_provider`, `output_schema`, `personality`, `sandbox`, `service_name`, `service_tier`, `session_start_source`, `source`, `summary`, `thread_source`, `turn_service_tier` | setters of the same names |
//! | `archived`, `cursor`, `limit`, `model_providers`, `search_term`, `section_id`, `sort_direction`, `sort_key`, `source_kinds`, `use_state_db_only` | setters of [`ThreadList`](crate::ThreadList) |
//!
//! # `TurnResult`
//!
//! | Python | Rust |
//! |---|---|
//! | `id`, `status`, `error`, `final_response`, `items`, `usage` | the same |
//! | `started_at`, `completed_at` (Unix seconds) | the same, as `SystemTime` |
//! | `duration_ms` | `duration`, a `Duration` |
//!
//! # `openai_codex.types`
//!
//! [`types`](crate::types) has every type of the protocol under its name.
//!
//! | Python | Rust |
//! |---|---|
//! | `Notification` | [`types::ServerNotification`](crate::types::ServerNotification) |
//! | `JsonObject` | [`types::JsonObject`](crate::types::JsonObject) |
//! | `Thread`, `Turn`, `ThreadItem`, `TurnStatus` and the rest | the same |
//! | `CodexClient.request(method, …)` | [`Codex::call`](crate::Codex::call), [`Codex::rpc`](crate::Codex::rpc), [`Codex::call_raw`](crate::Codex::call_raw) |
//! | `approval_handler` | [`Handlers`](crate::Handlers) |
//!
//! # What is different
//!
//! - **A failed turn is an error** that holds the partial result.
//! - **Nothing is accepted unasked**: without a handler, approvals are refused.
//! - **Overload is recognised** as 0.163 says it, and requests that only read are
//!   retried.
//! - Every request has a deadline, and after the connection is gone, every call
//!   says so.
//! - A handle can be streamed and awaited more than once, and several streams of a
//!   turn do not take each other's events.
//! - Dropping the future of `run` interrupts the turn that it started.
