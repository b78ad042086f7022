//! The connection as a whole against a scripted server, and its pure parts
//! against simple models.

mod bad_input;
mod failure;
mod lag;
mod lost;
#[cfg(unix)]
mod process;
mod protocol;
mod requests;
mod router;
mod runtime;
mod server_requests;
mod turns;

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use openai_codex_testkit::FakeServer;
use openai_codex_types::PROTOCOL;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::core::State;
use super::dispatch::refuse;
use super::{
    Connection, ConnectionOptions, Deadline, Dispatcher, RawEvent, Reply, ServerCall, Subscription,
};
use crate::error::{Error, Result};

/// The deadline of a request that may take as long as it takes.
const FOREVER: Deadline = Deadline::After(Duration::MAX);

fn raw(json: Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(&json).unwrap()
}

fn initialize() -> Box<RawValue> {
    raw(json!({
        "clientInfo": {"name": "test", "title": "Test", "version": "0"},
        "capabilities": {"experimentalApi": true},
    }))
}

/// A dispatcher that refuses everything.
struct Refuse;

impl Dispatcher for Refuse {
    fn dispatch(&self, call: ServerCall) -> Pin<Box<dyn Future<Output = Reply> + Send>> {
        Box::pin(std::future::ready(refuse(&PROTOCOL, &call.method)))
    }
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self::new(&PROTOCOL)
    }
}

async fn connect(fake: &FakeServer) -> Connection {
    connect_with(fake, ConnectionOptions::default(), Refuse).await
}

async fn connect_with(
    fake: &FakeServer,
    options: ConnectionOptions,
    dispatcher: impl Dispatcher,
) -> Connection {
    let (read, write) = fake.connect();
    let dispatcher = Arc::new(dispatcher);
    let (connection, _) = Connection::connect(read, write, options, dispatcher, &initialize())
        .await
        .unwrap();
    fake.wait_for("initialized", 1).await;
    connection
}

impl Connection {
    async fn ask(&self, method: &'static str, params: Value) -> Result<Value> {
        let answer = self
            .request(method, Some(&raw(params)), Deadline::Default)
            .await?;
        Ok(serde_json::from_str(answer.get()).unwrap())
    }

    /// Why the connection is gone, if it is.
    fn failure(&self) -> Option<Error> {
        self.core().failure()
    }

    fn malformed_lines(&self) -> u64 {
        self.core().malformed_lines()
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.core().lock())
    }

    /// How the child ended, which it has.
    #[cfg(unix)]
    fn exit_status(&self) -> std::process::ExitStatus {
        let child = self.core().child.as_ref().unwrap();
        child.exit.borrow().unwrap().0.unwrap()
    }

    /// Nothing is in flight, and nothing is kept of what was.
    #[track_caller]
    fn assert_idle(&self) {
        self.assert_idle_but_for(0);
    }

    /// Nobody waits for anything, and the server owes so many answers.
    #[track_caller]
    fn assert_idle_but_for(&self, owed: usize) {
        self.state(|state| {
            assert_eq!(state.pending.len(), 0, "{:?}", state.pending);
            assert_eq!(state.router.entries(), 0, "{:?}", state.router);
            assert_eq!(state.outbox.len(), 0);
            assert_eq!(state.server_requests.len(), 0);
            assert_eq!(state.pending.owed(), owed);
        });
        let core = self.core();
        assert_eq!(
            core.in_flight.available_permits() + owed,
            core.options.max_in_flight
        );
    }
}

impl Subscription {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Result<Arc<RawEvent>>> {
        self.lag_as_errors();
        let item = std::future::poll_fn(|cx| self.poll_item(cx)).await?;
        Some(item.map(|item| item.event))
    }
}

/// Polls once, and says whether that was enough.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let mut future = Pin::new(future);
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// Lets the tasks run until none of them has anything to do. Under paused time
/// a sleep ends when everyone waits.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
}

async fn next(subscription: &mut Subscription) -> Arc<RawEvent> {
    let event = tokio::time::timeout(openai_codex_testkit::PATIENCE, subscription.next())
        .await
        .expect("an event should come");
    event.expect("the stream should go on").expect("no error")
}

/// Reads to the end: the methods, and the error at the end if there was one.
async fn rest(subscription: &mut Subscription) -> (Vec<String>, Option<Error>) {
    let mut methods = Vec::new();
    while let Some(event) = subscription.next().await {
        match event {
            Ok(event) => methods.push(event.method().to_owned()),
            Err(error) => return (methods, Some(error)),
        }
    }
    (methods, None)
}
