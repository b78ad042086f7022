//! One scripted response of the model: what it says, step by step, and how it ends.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::gate::Gate;

/// One response of the model, composed by chaining.
///
/// Steps are sent in the order in which they are chained. Without a fault the response completes.
/// The same methods follow every `model.say(…)`, so a `Reply` of its own is needed only to build
/// one apart from its model.
///
/// # Examples
/// ```
/// use openai_codex_testkit::{MockModel, Reply};
/// use serde_json::json;
///
/// # fn main() -> Result<(), openai_codex_testkit::Error> {
/// let look_up = |city: &str| {
///     Reply::new()
///         .reason("The user asks for the weather.")
///         .commentary("Let me look.")
///         .calls("weather", json!({"city": city}))
///         .usage(120, 100, 30, 12)
/// };
///
/// let model = MockModel::start()?;
/// model.respond(look_up("Oslo"));
/// model.respond(look_up("Lima"));
/// model.say("Snow in Oslo, fog in Lima.");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a reply is sent once it is given to a model"]
pub struct Reply {
    pub(crate) steps: Vec<Step>,
    pub(crate) usage: Usage,
    pub(crate) ending: Ending,
    pub(crate) pace: Option<Duration>,
    /// Cut the connection after so many events.
    pub(crate) cut: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A finished message.
    Message {
        text: String,
        phase: Option<&'static str>,
    },
    /// A part of a message that streams; the parts of consecutive steps are one message.
    Delta(String),
    Reason(String),
    Call {
        namespace: Option<String>,
        name: String,
        arguments: Value,
        call_id: Option<String>,
    },
    /// A finished item as is.
    Item(Value),
    /// An event as is.
    Event(Value),
    Hold(Gate),
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Ending {
    #[default]
    Completed,
    /// `response.failed` at the end of the stream.
    Failed { code: String, message: String },
    /// No stream at all, but an HTTP error.
    Http { status: u16, body: Value },
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) input: u64,
    pub(crate) cached: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
}

impl Reply {
    /// An empty response: it completes without having said anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a failure report calls this reply.
    pub(crate) fn title(&self) -> String {
        if let Ending::Http { status, .. } = &self.ending {
            return format!("HTTP {status}");
        }
        let mut steps = self
            .steps
            .iter()
            .filter(|step| !matches!(step, Step::Hold(_)));
        match (steps.next(), &self.ending) {
            (Some(step), _) if steps.next().is_none() => step.to_string(),
            (Some(step), _) => format!("{step}, …"),
            (None, Ending::Failed { code, .. }) => format!("response.failed {code}"),
            (None, _) => "an empty response".to_owned(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(40).collect::<String>();
        match self {
            Step::Message { text, .. } => write!(f, "message {:?}", short(text)),
            Step::Delta(text) => write!(f, "deltas from {:?}", short(text)),
            Step::Reason(text) => write!(f, "reasoning {:?}", short(text)),
            Step::Call {
                namespace: Some(space),
                name,
                ..
            } => write!(f, "call of {name} in {space}"),
            Step::Call { name, .. } => write!(f, "call of {name}"),
            Step::Item(item) => write!(f, "item {}", item["type"]),
            Step::Event(event) => write!(f, "event {}", event["type"]),
            Step::Hold(_) => f.write_str("gate"),
        }
    }
}

/// A message in one piece.
impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Reply::new().say(text)
    }
}

/// A message in one piece.
impl From<String> for Reply {
    fn from(text: String) -> Self {
        Reply::new().say(text)
    }
}

/// The arguments of a shell call.
pub(crate) fn shell_arguments(command: &str) -> Value {
    json!({"cmd": command, "yield_time_ms": 10_000})
}

/// A reviewer's answer.
pub(crate) fn verdict(risk: &str, outcome: &str, rationale: &str) -> String {
    let verdict = json!({
        "risk_level": risk,
        "user_authorization": if outcome == "allow" { "high" } else { "low" },
        "outcome": outcome,
        "rationale": rationale,
    });
    verdict.to_string()
}

/// As a model sends a patch: through the shell, as a here-document that the runtime intercepts.
pub(crate) fn patch_command(patch: &str) -> String {
    // The delimiter must not be a line of the patch.
    let mut delimiter = "PATCH".to_owned();
    while patch.lines().any(|line| line == delimiter) {
        delimiter.push('_');
    }
    format!(
        "apply_patch <<'{delimiter}'\n{}\n{delimiter}\n",
        patch.trim_end_matches('\n')
    )
}

/// The chain, written once for [`Reply`] and for [`Scripted`](crate::Scripted): `$edit` gives
/// `&mut Reply` from `self`.
macro_rules! reply_chain {
    ($this:ident => $edit:expr) => {
        /// Says a whole message in one piece, without deltas.
        pub fn say(self, text: impl Into<String>) -> Self {
            self.step(Step::Message { text: text.into(), phase: None })
        }

        /// Says a whole message of phase `commentary`: it never becomes the final response.
        pub fn commentary(self, text: impl Into<String>) -> Self {
            self.step(Step::Message { text: text.into(), phase: Some("commentary") })
        }

        /// Says a whole message of phase `final_answer`.
        pub fn final_answer(self, text: impl Into<String>) -> Self {
            self.step(Step::Message { text: text.into(), phase: Some("final_answer") })
        }

        /// Streams a message in these parts. Deltas that follow each other, also with a gate
        /// between them, are one message; it ends with the next other step or the response.
        pub fn deltas<S: Into<String>>(self, parts: impl IntoIterator<Item = S>) -> Self {
            parts.into_iter().fold(self, |this, part| this.step(Step::Delta(part.into())))
        }

        /// Thinks: a reasoning item with this summary.
        pub fn reason(self, summary: impl Into<String>) -> Self {
            self.step(Step::Reason(summary.into()))
        }

        /// Calls a tool under a generated call id. Several calls in one response run together.
        pub fn calls(self, tool: impl Into<String>, arguments: Value) -> Self {
            self.step(Step::Call {
                namespace: None,
                name: tool.into(),
                arguments,
                call_id: None,
            })
        }

        /// Calls a tool of a namespace. The tools of an MCP server `docs` are in `mcp__docs`.
        pub fn calls_in(
            self,
            namespace: impl Into<String>,
            tool: impl Into<String>,
            arguments: Value,
        ) -> Self {
            self.step(Step::Call {
                namespace: Some(namespace.into()),
                name: tool.into(),
                arguments,
                call_id: None,
            })
        }

        /// Calls a tool under this call id, which is the id of the thread's item too.
        pub fn calls_as(
            self,
            call_id: impl Into<String>,
            tool: impl Into<String>,
            arguments: Value,
        ) -> Self {
            let call_id = Some(call_id.into());
            self.step(Step::Call { namespace: None, name: tool.into(), arguments, call_id })
        }

        /// Runs a shell command inside the sandbox.
        pub fn shell(self, command: impl AsRef<str>) -> Self {
            self.calls("exec_command", shell_arguments(command.as_ref()))
        }

        /// Runs a shell command outside the sandbox, which needs approval for this reason.
        ///
        /// With `approval_policy` `on-request` the runtime asks its client or its reviewer; with
        /// `never` it refuses by itself.
        pub fn shell_escalated(
            self,
            command: impl AsRef<str>,
            justification: impl Into<String>,
        ) -> Self {
            let mut arguments = shell_arguments(command.as_ref());
            arguments["sandbox_permissions"] = "require_escalated".into();
            arguments["justification"] = justification.into().into();
            self.calls("exec_command", arguments)
        }

        /// Changes files with a patch, `*** Begin Patch` to `*** End Patch`.
        pub fn apply_patch(self, patch: impl AsRef<str>) -> Self {
            self.shell(patch_command(patch.as_ref()))
        }

        /// Answers the runtime's reviewer: the action may go ahead. With
        /// [`when_reviewing`](crate::MockModel::when_reviewing).
        pub fn allows(self, rationale: impl AsRef<str>) -> Self {
            self.say(verdict("low", "allow", rationale.as_ref()))
        }

        /// Answers the runtime's reviewer: the action must not go ahead. With
        /// [`when_reviewing`](crate::MockModel::when_reviewing).
        pub fn denies(self, rationale: impl AsRef<str>) -> Self {
            self.say(verdict("high", "deny", rationale.as_ref()))
        }

        /// Gives a finished item as it is, for what has no method here: `{"type": …, …}`.
        pub fn item(self, item: Value) -> Self {
            self.step(Step::Item(item))
        }

        /// Sends an event of the stream as it is, `{"type": …, …}`; also one that is wrong.
        pub fn event(self, event: Value) -> Self {
            self.step(Step::Event(event))
        }

        /// Holds here until the test opens the gate.
        pub fn waits_for(self, gate: &Gate) -> Self {
            self.step(Step::Hold(gate.clone()))
        }

        /// Waits this long before each event, for demonstrations. Tests use gates.
        pub fn pace(self, pause: Duration) -> Self {
            self.edit(|reply| reply.pace = Some(pause))
        }

        /// Reports this usage when the response completes; zeros otherwise. Cached tokens are
        /// part of the input, reasoning tokens of the output.
        pub fn usage(self, input: u64, cached: u64, output: u64, reasoning: u64) -> Self {
            self.edit(|reply| reply.usage = Usage { input, cached, output, reasoning })
        }

        /// Answers an HTTP error instead of a stream. Gates before it are still waited for.
        pub fn fails(self, status: u16) -> Self {
            let message = format!("scripted failure {status}");
            let error = json!({"message": message, "type": "mock_model", "code": null});
            self.fails_with(status, json!({ "error": error }))
        }

        /// Answers an HTTP error with this body instead of a stream.
        pub fn fails_with(self, status: u16, body: Value) -> Self {
            self.edit(|reply| reply.ending = Ending::Http { status, body })
        }

        /// Answers 429 `usage_limit_reached`: the account's plan is used up.
        pub fn usage_limit_reached(self) -> Self {
            let error = json!({
                "type": "usage_limit_reached",
                "message": "The usage limit has been reached",
                "plan_type": "plus",
                "resets_in_seconds": 3600,
            });
            self.fails_with(429, json!({ "error": error }))
        }

        /// Ends the stream with `response.failed` of this code, after the steps.
        pub fn fails_with_code(
            self,
            code: impl Into<String>,
            message: impl Into<String>,
        ) -> Self {
            let ending = Ending::Failed { code: code.into(), message: message.into() };
            self.edit(|reply| reply.ending = ending)
        }

        /// Ends with `server_is_overloaded`.
        pub fn overloaded(self) -> Self {
            self.fails_with_code("server_is_overloaded", "The model is overloaded")
        }

        /// Ends with `context_length_exceeded`.
        pub fn context_length_exceeded(self) -> Self {
            self.fails_with_code(
                "context_length_exceeded",
                "Your input exceeds the context window of this model",
            )
        }

        /// Ends with `rate_limit_exceeded`.
        pub fn rate_limit_exceeded(self) -> Self {
            self.fails_with_code("rate_limit_exceeded", "Rate limit reached for the mock model")
        }

        /// Cuts the connection after so many events, `response.created` being the first, or at
        /// the latest before `response.completed`.
        pub fn cuts_after(self, events: usize) -> Self {
            self.edit(|reply| reply.cut = Some(events))
        }

        fn step(self, step: Step) -> Self {
            self.edit(|reply| reply.steps.push(step))
        }

        fn edit(mut self, change: impl FnOnce(&mut Reply)) -> Self {
            let $this = &mut self;
            change($edit);
            self
        }
    };
}
pub(crate) use reply_chain;

impl Reply {
    reply_chain!(this => this);
}
