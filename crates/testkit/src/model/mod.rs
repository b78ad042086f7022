//! A scripted model behind the Responses API.

mod reply;
mod request;
mod script;
mod scripted;
mod server;
mod stream;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use serde_json::Value;

pub use self::reply::Reply;
pub use self::request::{FunctionOutput, ModelRequest, OfferedTool};
use self::script::{Limits, Script};
pub use self::scripted::Scripted;
use self::server::Server;
use crate::error::Result;
use crate::gate::Gate;
use crate::monitor::{Monitor, PATIENCE};

/// A model that says what the test tells it to, served on loopback as the Responses API.
///
/// **One statement is one response.** `model.shell("ls");` is a response that calls the shell,
/// `model.say("Done.");` the next one; what is chained belongs to the same response:
/// `model.reason("Hm.").deltas(["a", "b"]).usage(10, 0, 2, 0);`. A response joins the script when
/// its statement ends.
///
/// Each request of the runtime takes one response: a turn with one tool call takes two, the call
/// and what is said about its output. A request takes the first unused response that was made
/// for it with [`when`](Self::when), else the next one in order. Several threads can ask at once.
///
/// A request beyond the script gets an HTTP error that says so, and the turn fails with it;
/// [`assert_finished`](Self::assert_finished) reports it, and the responses never asked for.
///
/// The script is as long as the test makes it; of the requests only the newest are kept, see
/// [`keep_requests`](MockModelBuilder::keep_requests).
///
/// The model lives on a thread of its own, so it serves async tests, also while their runtime is
/// busy, blocking tests and plain programs. It stops on drop.
///
/// # Examples
/// ```
/// use openai_codex_testkit::{Gate, MockModel};
/// use serde_json::json;
///
/// # fn main() -> Result<(), openai_codex_testkit::Error> {
/// let model = MockModel::start()?;
/// let gate = Gate::new();
///
/// model.shell("ls");                                          // first response
/// model.deltas(["Two ", "files."]).usage(900, 800, 4, 0);     // second response
/// model.calls("weather", json!({"city": "Oslo"})).calls("weather", json!({"city": "Lima"}));
/// model.say("Working…").waits_for(&gate).say("done.");
/// model.fails(500);
/// model.when_user_says("the other thread").say("That is me.");
/// # Ok(())
/// # }
/// ```
pub struct MockModel {
    script: Arc<Monitor<Script>>,
    server: Server,
    verify_on_drop: bool,
}

/// Options of a [`MockModel`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing listens before `start`"]
pub struct MockModelBuilder {
    limits: Limits,
    verify_on_drop: bool,
}

impl MockModelBuilder {
    /// Keeps so many requests for [`MockModel::requests`], 1,024 unless told; the oldest are
    /// forgotten first, as they are when the bodies exceed 256 MiB.
    pub fn keep_requests(mut self, requests: usize) -> Self {
        // The last one tells the round of the next.
        self.limits.requests = requests.max(1);
        self
    }

    /// Calls [`MockModel::assert_finished`] on drop, unless the test is panicking already.
    pub fn verify_on_drop(mut self) -> Self {
        self.verify_on_drop = true;
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// When loopback cannot be listened on, or the thread cannot be started.
    pub fn start(self) -> Result<MockModel> {
        let script = Arc::new(Monitor::new(Script::new(self.limits)));
        let server = Server::start(Arc::clone(&script))?;
        Ok(MockModel {
            script,
            server,
            verify_on_drop: self.verify_on_drop,
        })
    }
}

impl MockModel {
    /// Starts a model with an empty script.
    ///
    /// # Errors
    /// When loopback cannot be listened on, or the thread cannot be started.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Starts with options.
    pub fn builder() -> MockModelBuilder {
        MockModelBuilder::default()
    }

    /// Where the model is, `http://127.0.0.1:PORT/v1`: the provider's `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.server.addr)
    }

    /// Adds a response that was composed apart.
    #[track_caller]
    pub fn respond(&self, reply: impl Into<Reply>) -> Scripted<'_> {
        Scripted {
            model: self,
            reply: reply.into(),
            matcher: None,
            every_time: false,
            optional: false,
            at: Location::caller(),
        }
    }

    /// Starts a response for a request that `matches`: it goes before those in order.
    ///
    /// `matches` runs on the model's thread for each request; keep it to looking.
    ///
    /// ```
    /// # use openai_codex_testkit::MockModel;
    /// # fn main() -> Result<(), openai_codex_testkit::Error> {
    /// # let model = MockModel::start()?;
    /// model.when(|request| request.round() > 1).say("I have seen the output.");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn when(
        &self,
        matches: impl Fn(&ModelRequest) -> bool + Send + Sync + 'static,
    ) -> Scripted<'_> {
        let mut scripted = self.respond(Reply::new());
        scripted.matcher = Some(Arc::new(matches));
        scripted
    }

    /// Starts a response for a request in which the user's last words are these.
    #[track_caller]
    pub fn when_user_says(&self, text: impl Into<String>) -> Scripted<'_> {
        let text = text.into();
        self.when(move |request| request.last_user_text() == Some(&text))
    }

    /// Starts a response for a request of this thread.
    #[track_caller]
    pub fn when_thread(&self, thread_id: impl AsRef<str>) -> Scripted<'_> {
        let id = thread_id.as_ref().to_owned();
        self.when(move |request| request.thread_id() == Some(&id))
    }

    /// Starts a response for the runtime's own reviewer, which decides on approvals under
    /// `auto_review`: chain [`allows`](Scripted::allows) or [`denies`](Scripted::denies).
    ///
    /// Its requests come between those of the turn that it reviews, from a thread of its own.
    /// Without a response made for them they take the next one in order, as all requests do.
    #[track_caller]
    pub fn when_reviewing(&self) -> Scripted<'_> {
        self.when(ModelRequest::is_review)
    }

    /// The requests so far, oldest first, as far as they are kept.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.script.read(Script::requests)
    }

    /// The newest request.
    pub fn last_request(&self) -> Option<ModelRequest> {
        self.requests().pop()
    }

    /// Waits until the model was asked `count` times in all, and gives the requests.
    ///
    /// # Panics
    /// When it was not within [`PATIENCE`].
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future forgets the wait and nothing else.
    #[track_caller]
    pub fn wait_for_requests(
        &self,
        count: usize,
    ) -> impl Future<Output = Vec<ModelRequest>> + Send + use<> {
        let (script, at) = (Arc::clone(&self.script), Location::caller());
        async move {
            let found = script.until(PATIENCE, |script| asked(script, count)).await;
            found.unwrap_or_else(|| too_few(&script, count, at))
        }
    }

    /// As [`wait_for_requests`](Self::wait_for_requests), blocking the thread.
    ///
    /// # Panics
    /// When there are fewer requests after [`PATIENCE`].
    #[track_caller]
    pub fn blocking_wait_for_requests(&self, count: usize) -> Vec<ModelRequest> {
        let found = self.script.wait(PATIENCE, |script| asked(script, count));
        found.unwrap_or_else(|| too_few(&self.script, count, Location::caller()))
    }

    /// Whether all went by the script: every reply was asked for, and every request had one.
    ///
    /// # Errors
    /// What did not, one thing a line, each reply with the line that scripted it.
    pub fn verify(&self) -> Result<()> {
        self.script.read(Script::verdict).map_err(crate::Error::new)
    }

    /// The assertion of [`verify`](Self::verify), for the end of a test.
    ///
    /// # Panics
    /// When a reply was never asked for, or a request had no reply.
    #[track_caller]
    pub fn assert_finished(&self) {
        if let Err(error) = self.verify() {
            panic!("{error}");
        }
    }
}

fn asked(script: &Script, count: usize) -> Option<Vec<ModelRequest>> {
    (script.total() >= count).then(|| script.requests())
}

#[track_caller]
fn too_few(script: &Monitor<Script>, count: usize, at: &Location<'_>) -> ! {
    let total = script.read(Script::total);
    panic!(
        "the model was asked {total} times within {} s, not {count} times (waited for at {at})",
        PATIENCE.as_secs()
    )
}

/// Each starts a response; what is chained to it belongs to the same one.
macro_rules! starters {
    ($($(#[doc = $doc:literal])+ $name:ident($($arg:ident: $type:ty),*);)+) => {
        impl MockModel {$(
            $(#[doc = $doc])+
            #[track_caller]
            pub fn $name(&self, $($arg: $type),*) -> Scripted<'_> {
                self.respond(Reply::new().$name($($arg),*))
            }
        )+}
    };
}

starters! {
    /// A response that says a whole message in one piece.
    say(text: impl Into<String>);
    /// A response that says something of phase `commentary`.
    commentary(text: impl Into<String>);
    /// A response that says something of phase `final_answer`.
    final_answer(text: impl Into<String>);
    /// A response that streams a message in these parts.
    deltas(parts: impl IntoIterator<Item = impl Into<String>>);
    /// A response that thinks.
    reason(summary: impl Into<String>);
    /// A response that calls a tool.
    calls(tool: impl Into<String>, arguments: Value);
    /// A response that calls a tool of a namespace, `mcp__docs` for those of an MCP server `docs`.
    calls_in(namespace: impl Into<String>, tool: impl Into<String>, arguments: Value);
    /// A response that runs a shell command inside the sandbox.
    shell(command: impl AsRef<str>);
    /// A response that asks to run a shell command outside the sandbox.
    shell_escalated(command: impl AsRef<str>, justification: impl Into<String>);
    /// A response that changes files with a patch.
    apply_patch(patch: impl AsRef<str>);
    /// A response that holds at a gate before it says anything.
    waits_for(gate: &Gate);
    /// A response that is an HTTP error.
    fails(status: u16);
    /// A response that is an HTTP error with this body.
    fails_with(status: u16, body: Value);
    /// A response that ends with `response.failed` of this code.
    fails_with_code(code: impl Into<String>, message: impl Into<String>);
    /// A response that tells of an overloaded model.
    overloaded();
    /// A response that tells that the account's plan is used up.
    usage_limit_reached();
    /// A response that tells that the conversation is too long.
    context_length_exceeded();
    /// A response that tells that the requests come too fast.
    rate_limit_exceeded();
    /// A response that breaks off after so many events.
    cuts_after(events: usize);
}

impl Drop for MockModel {
    fn drop(&mut self) {
        if self.verify_on_drop && !std::thread::panicking() {
            self.assert_finished();
        }
    }
}

impl fmt::Debug for MockModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockModel")
            .field("base_url", &self.base_url())
            .field("requests", &self.script.read(Script::total))
            .finish_non_exhaustive()
    }
}
