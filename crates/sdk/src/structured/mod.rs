//! Answers of a type of the caller's.

mod root;
mod strict;

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use openai_codex_types::{
    Personality, ReasoningEffort, ReasoningSummary, TurnStartParams as Params, TurnStatus,
};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use self::root::rooted;
use crate::approval::{ApprovalMode, Sandbox};
use crate::error::{Error, ErrorKind, Result};
use crate::input::TurnInput;
use crate::options::setters;
use crate::result::TurnResult;
use crate::run::{Request, turn_options};
use crate::thread::Thread;

/// An answer of a type of yours, and the turn that gave it: see
/// [`Thread::run_as`].
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::schemars::{self, JsonSchema};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Review {
///     summary: String,
/// }
///
/// let review = thread.run_as::<Review>("Review the diff.").await?;
/// println!("{}", review.value.summary);
/// println!("{:?}", review.turn.usage);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Structured<T> {
    /// The answer.
    pub value: T,
    /// The turn, with the answer as text in its `final_response`.
    pub turn: TurnResult,
}

/// Runs a turn (`turn/start`) to its end when it is awaited, and reads its answer: a
/// [`Structured`]. See [`Thread::run_as`].
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::schemars::{self, JsonSchema};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct Review {
///     summary: String,
/// }
///
/// let review = thread.run_as::<Review>("Review the diff.").effort("high").await?.value;
/// # Ok(()) }
/// ```
#[must_use = "a turn is started when this is awaited"]
pub struct RunAs<T>(Request, PhantomData<fn() -> T>);

impl<T> RunAs<T> {
    pub(crate) fn new(thread: Thread, input: TurnInput) -> Self {
        Self(Request::new(thread, input), PhantomData)
    }

    turn_options!();
}

impl<T: JsonSchema + DeserializeOwned> RunAs<T> {
    /// Runs the turn.
    ///
    /// # Errors
    ///
    /// `InvalidInput` that names the field, before anything is sent, when the
    /// type has no strict schema. [`ErrorKind::Decode`] when the answer does not
    /// have the type, or there is none; [`ErrorKind::Turn`] when the turn was
    /// interrupted. [`Error::turn_result`] holds the turn then, and the answer as
    /// text in its `final_response`. Otherwise as
    /// [`Run::send`](crate::Run::send).
    ///
    /// # Cancel safety
    ///
    /// As [`Run::send`](crate::Run::send).
    pub async fn send(mut self) -> Result<Structured<T>> {
        if self.0.params.output_schema.is_none() {
            self.0.params.output_schema = Some(strict_schema::<T>()?);
        }
        Structured::of(self.0.run().await?)
    }
}

impl<T: JsonSchema + DeserializeOwned + 'static> IntoFuture for RunAs<T> {
    type Output = Result<Structured<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<T> Clone for RunAs<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T> fmt::Debug for RunAs<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunAs").field(&self.0).finish()
    }
}

impl<T: DeserializeOwned> Structured<T> {
    /// Reads the answer of a turn.
    pub(crate) fn of(turn: TurnResult) -> Result<Self> {
        if turn.status == TurnStatus::Interrupted {
            let message = "the turn was interrupted before it gave its answer";
            return Err(Error::new(ErrorKind::Turn, message).with_turn_result(turn));
        }
        let Some(text) = &turn.final_response else {
            let message = "the turn ended without an answer";
            return Err(Error::new(ErrorKind::Decode, message).with_turn_result(turn));
        };
        match serde_json::from_str(text) {
            Ok(value) => Ok(Self { value, turn }),
            Err(error) => Err(Error::unfit_answer(text, error).with_turn_result(turn)),
        }
    }
}

/// The strict schema of a type, or why there is none.
pub(crate) fn strict_schema<T: JsonSchema>() -> Result<Value> {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let schema = generator.into_root_schema_for::<T>();
    strict::strict(schema.as_value()).map_err(|error| {
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "the type {} has no strict JSON schema: {error}; or give a schema of your own with \
                 `run` and `output_schema`",
                type_name::<T>()
            ),
        )
        .with_source(error)
    })
}
