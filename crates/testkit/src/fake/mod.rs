//! An app-server that does what a test says, wrong things included.

mod drive;
mod engine;
mod step;

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio::task::AbortHandle;

use self::engine::Engine;
use self::step::Step;
use crate::background;
use crate::monitor::{Monitor, PATIENCE};

/// The stream that a client reads a [`FakeServer`] from.
pub type FakeRead = ReadHalf<DuplexStream>;

/// The stream that a client writes to a [`FakeServer`] with.
pub type FakeWrite = WriteHalf<DuplexStream>;

/// How much may be on its way in each direction.
const BUFFER: usize = 64 * 1024;

/// An app-server in memory, scripted line by line: for what the real runtime does too rarely, too
/// fast, or never.
///
/// The script is a list of steps: what it [expects](Self::expect) of the client, and what it does
/// about it. Steps may be added while it runs; they are done as soon as those before them are. A
/// request that comes when the script is over is answered at once with an error that says so, and
/// [`assert_finished`](Self::assert_finished) says it too; for one that is to stay unanswered,
/// [expect](Self::expect) it and do nothing. A
/// message that the script does not expect ends it: a request is answered with an error that says
/// what was expected where, and [`done`](Self::done) and
/// [`assert_finished`](Self::assert_finished) say it too.
///
/// The handshake is answered by itself unless the script expects it, and so is whatever has an
/// answer by [`always`](Self::always). Dropping the server hangs up.
///
/// The same script can be run by a child process: write [`script`](Self::script) to a file and
/// name it in `FAKE_APP_SERVER_SCRIPT` for the program `fake-app-server`, which
/// `cargo install openai-codex-testkit` brings. A program of your own package does as well, of
/// which Cargo tells your tests where it is (`env!("CARGO_BIN_EXE_…")`): it only has to hand the
/// text to [`run_process`](Self::run_process).
///
/// # Examples
/// ```
/// use openai_codex_testkit::FakeServer;
/// use serde_json::json;
/// # use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let fake = FakeServer::new();
/// fake.expect("thread/start")
///     .notify("warning", json!({"message": "careful"}))
///     .reply(json!({"thread": {"id": "t"}}));
///
/// let (read, mut write) = fake.connect();
/// write.write_all(b"{\"id\":1,\"method\":\"thread/start\",\"params\":{}}\n").await?;
/// let mut lines = BufReader::new(read).lines();
/// assert!(lines.next_line().await?.unwrap().contains("careful"));
/// assert_eq!(lines.next_line().await?.unwrap(), r#"{"id":1,"result":{"thread":{"id":"t"}}}"#);
/// fake.done().await;
/// fake.assert_finished();
/// # Ok(())
/// # }
/// ```
pub struct FakeServer {
    engine: Arc<Monitor<Engine>>,
    task: Mutex<Option<AbortHandle>>,
}

impl FakeServer {
    /// A server that shakes hands and then does as it is told.
    pub fn new() -> Self {
        let fake = Self::bare();
        fake.always("initialize").reply(json!({
            "userAgent": format!("fake/{} (test; none) none (fake; 0)", openai_codex_runtime::VERSION),
            "codexHome": "/nowhere",
            "platformFamily": "unix",
            "platformOs": "linux",
        }));
        fake.always("initialized");
        fake
    }

    /// A server that does nothing by itself.
    pub fn bare() -> Self {
        Self {
            engine: Arc::new(Monitor::new(Engine::default())),
            task: Mutex::new(None),
        }
    }

    /// The next message must be of this method. What follows is done when it has come, and replies
    /// answer it.
    #[track_caller]
    pub fn expect(&self, method: &str) -> Script<'_> {
        self.expect_with(method, None)
    }

    /// As [`expect`](Self::expect), and the message's params must contain these: each member that
    /// is named here, others do not matter.
    #[track_caller]
    pub fn expect_params(&self, method: &str, params: Value) -> Script<'_> {
        self.expect_with(method, Some(params))
    }

    #[track_caller]
    fn expect_with(&self, method: &str, params: Option<Value>) -> Script<'_> {
        self.then().add(Step::Expect {
            method: method.to_owned(),
            params,
            at: Location::caller().to_string(),
        })
    }

    /// The next message must answer this [request](Script::ask) of the server's.
    #[track_caller]
    pub fn expect_answer(&self, id: impl Into<Value>) -> Script<'_> {
        self.then().add(Step::ExpectAnswer {
            id: id.into(),
            at: Location::caller().to_string(),
        })
    }

    /// Messages of this method are dealt with whenever they come and need not be expected. Given
    /// twice, the later one counts.
    pub fn always(&self, method: &str) -> Script<'_> {
        let standing = self.engine.update(|engine| engine.push_standing(method));
        Script {
            fake: self,
            standing: Some(standing),
        }
    }

    /// More of the script, whatever comes from the client.
    pub fn then(&self) -> Script<'_> {
        Script {
            fake: self,
            standing: None,
        }
    }

    /// Starts the server on the current tokio runtime, or where there is none, for a blocking client,
    /// on a thread of its own. Returns the client's ends.
    ///
    /// # Panics
    /// When it was connected before, or there is no thread to be had.
    #[track_caller]
    pub fn connect(&self) -> (FakeRead, FakeWrite) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(task.is_none(), "a FakeServer has one client");
        let (client, server) = tokio::io::duplex(BUFFER);
        let (input, output) = tokio::io::split(server);
        let driving = drive::drive(Arc::clone(&self.engine), input, output);
        let running = background::spawn("testkit-fake", driving);
        *task = Some(running.unwrap_or_else(|error| panic!("no thread for a FakeServer: {error}")));
        tokio::io::split(client)
    }

    /// Waits until the script so far is done.
    ///
    /// # Panics
    /// When the client sends something else than is expected, or nothing within [`PATIENCE`].
    #[track_caller]
    pub fn done(&self) -> impl Future<Output = ()> + Send + use<> {
        let (engine, at) = (Arc::clone(&self.engine), Location::caller());
        async move {
            match engine.until(PATIENCE, Engine::outcome).await {
                Some(Ok(())) => {}
                Some(Err(failure)) => panic!("{failure} (waited for at {at})"),
                None => {
                    let left = engine.read(Engine::leftovers);
                    let left = left.err().unwrap_or_default();
                    panic!("the script was not done in time: {left} (waited for at {at})")
                }
            }
        }
    }

    /// Waits until the client has sent so many messages of this method, and returns the last.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`].
    #[track_caller]
    pub fn wait_for(
        &self,
        method: &str,
        count: usize,
    ) -> impl Future<Output = Value> + Send + use<> {
        let (engine, at) = (Arc::clone(&self.engine), Location::caller());
        let method = method.to_owned();
        async move {
            let found = engine
                .until(PATIENCE, |engine| {
                    let mut of_method = engine
                        .received()
                        .iter()
                        .filter(|message| message["method"] == *method);
                    of_method.nth(count.checked_sub(1)?).cloned()
                })
                .await;
            found.unwrap_or_else(|| panic!("{count} × {method} did not come (waited for at {at})"))
        }
    }

    /// Every message that the client has sent.
    pub fn received(&self) -> Vec<Value> {
        self.engine.read(|engine| engine.received().to_vec())
    }

    /// Fails the test if the script is not done, or if something came that nobody expected.
    ///
    /// # Panics
    /// That is how it fails the test.
    #[track_caller]
    pub fn assert_finished(&self) {
        if let Err(failure) = self.engine.read(Engine::leftovers) {
            panic!("{failure}");
        }
    }

    /// The script that is still to be done, as text.
    pub fn script(&self) -> String {
        self.engine.read(Engine::to_script)
    }

    /// Hangs up, at once and in the middle of anything.
    pub fn hang_up(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.abort();
        }
    }

    /// Does what a script says, over this process's own stdin, stdout and stderr. Returns the exit
    /// code that the script asks for: 0 when the client hangs up, 1 when it does the unexpected.
    ///
    /// # Errors
    /// When the text is no script, or a stream fails.
    pub fn run_process(script: &str) -> io::Result<i32> {
        drive::run_process(script)
    }
}

impl Default for FakeServer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.hang_up();
    }
}

impl fmt::Debug for FakeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.engine.read(Engine::leftovers);
        f.debug_struct("FakeServer").field("state", &state).finish()
    }
}

/// Adds steps to the script of a [`FakeServer`].
#[derive(Clone, Copy, Debug)]
pub struct Script<'a> {
    fake: &'a FakeServer,
    /// The number of the standing answer that this adds to.
    standing: Option<u64>,
}

impl Script<'_> {
    fn add(self, step: Step) -> Self {
        self.fake.engine.update(|engine| match self.standing {
            Some(standing) => engine.push_to_standing(standing, step),
            None => engine.push(step),
        });
        self
    }

    /// Answers the message that was expected last.
    pub fn reply(self, result: Value) -> Self {
        self.add(Step::Reply { to: None, result })
    }

    /// Answers the message that was expected last with an error.
    pub fn error(self, code: i64, message: &str) -> Self {
        let error = json!({"code": code, "message": message});
        self.add(Step::Error { to: None, error })
    }

    /// Remembers the message that was expected last, to be answered later by
    /// [`reply_to`](Self::reply_to).
    pub fn held_as(self, name: &str) -> Self {
        self.add(Step::Hold(name.to_owned()))
    }

    /// Answers a message that was [held](Self::held_as).
    pub fn reply_to(self, name: &str, result: Value) -> Self {
        let to = Some(name.to_owned());
        self.add(Step::Reply { to, result })
    }

    /// Answers a message that was [held](Self::held_as) with an error.
    pub fn error_to(self, name: &str, code: i64, message: &str) -> Self {
        let to = Some(name.to_owned());
        let error = json!({"code": code, "message": message});
        self.add(Step::Error { to, error })
    }

    /// Sends a notification.
    pub fn notify(self, method: &str, params: Value) -> Self {
        let method = method.to_owned();
        self.add(Step::Notify { method, params })
    }

    /// Sends a request. Its answer must be [expected](FakeServer::expect_answer).
    pub fn ask(self, id: impl Into<Value>, method: &str, params: Value) -> Self {
        self.add(Step::Ask {
            id: id.into(),
            method: method.to_owned(),
            params,
        })
    }

    /// Sends so many notifications. `{i}` in the text of the params is the number of each, from 0.
    pub fn floods(self, method: &str, params: Value, count: u64) -> Self {
        self.add(Step::Flood {
            method: method.to_owned(),
            params,
            next: 0,
            count,
        })
    }

    /// Sends a line, whatever it says.
    pub fn line(self, line: impl AsRef<[u8]>) -> Self {
        let mut bytes = line.as_ref().to_vec();
        bytes.push(b'\n');
        self.add(Step::Write(bytes))
    }

    /// Sends bytes: half a line, say.
    pub fn bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        self.add(Step::Write(bytes.as_ref().to_vec()))
    }

    /// Writes to stderr. In memory there is none.
    pub fn stderr(self, bytes: impl AsRef<[u8]>) -> Self {
        self.add(Step::Stderr(bytes.as_ref().to_vec()))
    }

    /// Does nothing for a while; in memory, in tokio's time, which may be paused.
    pub fn waits(self, pause: Duration) -> Self {
        self.add(Step::Delay(pause))
    }

    /// From here on reads only so many bytes at a time, and pauses after each.
    pub fn reads_slowly(self, bytes: usize, pause: Duration) -> Self {
        self.add(Step::Pace { bytes, pause })
    }

    /// When the script is done, reads nothing more and says nothing more, until there is more of
    /// the script. As a process it ends only when it is killed, or its parent is gone (on Unix).
    pub fn hangs(self) -> Self {
        self.add(Step::Hang)
    }

    /// Goes on when the client hangs up.
    pub fn outlives_input(self) -> Self {
        self.add(Step::OutliveInput)
    }

    /// Exits with a code; in memory, hangs up.
    pub fn exits(self, code: i32) {
        self.add(Step::Exit(code));
    }
}
