//! Starting turns: the builders.

use std::path::Path;
use std::time::Duration;

use openai_codex_types::{Personality, ReasoningEffort, ReasoningSummary, TurnStartParams};
use serde_json::Value;
#[cfg(feature = "schemars")]
use {schemars::JsonSchema, serde::de::DeserializeOwned};

use super::options::mirror;
use super::turn::TurnHandle;
use crate::approval::{ApprovalMode, Sandbox};
use crate::error::Result;
use crate::result::TurnResult;
#[cfg(feature = "schemars")]
use crate::structured::Structured;

macro_rules! turn_builder {
    ($(#[$doc:meta])* $name:ident $(<$T:ident>)? -> $output:ty) => {
        mirror! {
            $(#[$doc])*
            $name $(<$T>)? -> $output;
            approval_mode(mode: ApprovalMode);
            clear_service_tier();
            cwd(cwd: impl AsRef<Path>);
            effort(effort: impl Into<ReasoningEffort>);
            model(model: impl Into<String>);
            output_schema(schema: impl Into<Value>);
            params(change: impl FnOnce(TurnStartParams) -> TurnStartParams);
            personality(personality: impl Into<Personality>);
            sandbox(sandbox: Sandbox);
            service_tier(tier: impl Into<String>);
            source(source: impl Into<String>);
            summary(summary: impl Into<ReasoningSummary>);
            timeout(timeout: Duration);
            turn_service_tier(tier: impl Into<String>);
        }
    };
}

turn_builder! {
    /// Runs a turn to its end. See [`crate::Run`].
    ///
    /// ```no_run
    /// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
    /// let result = thread.run("Find the slowest test.").effort("high").send()?;
    /// # Ok(()) }
    /// ```
    Run -> TurnResult
}

turn_builder! {
    /// Starts a turn. See [`crate::StartTurn`].
    ///
    /// ```no_run
    /// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
    /// let turn = thread.turn("Explain the build.").send()?;
    /// let result = turn.run()?;
    /// # Ok(()) }
    /// ```
    StartTurn -> TurnHandle
}

#[cfg(feature = "schemars")]
turn_builder! {
    /// Runs a turn to its end, and reads its answer. See [`crate::RunAs`].
    ///
    /// ```no_run
    /// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
    /// use openai_codex::schemars::{self, JsonSchema};
    ///
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Review {
    ///     summary: String,
    /// }
    ///
    /// let review = thread.run_as::<Review>("Review the diff.").send()?;
    /// println!("{}", review.value.summary);
    /// # Ok(()) }
    /// ```
    RunAs<T> -> Structured<T>
}

impl Run {
    /// Runs the turn.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::Run::send) of the async one.
    pub fn send(self) -> Result<TurnResult> {
        self.client.wait(self.inner.send())
    }
}

#[cfg(feature = "schemars")]
impl<T: JsonSchema + DeserializeOwned> RunAs<T> {
    /// Runs the turn.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::RunAs::send) of the async one.
    pub fn send(self) -> Result<Structured<T>> {
        self.client.wait(self.inner.send())
    }
}

impl StartTurn {
    /// As [`output_schema_of`](crate::StartTurn::output_schema_of) of the async one.
    #[cfg(feature = "schemars")]
    pub fn output_schema_of<T: JsonSchema>(mut self) -> Self {
        self.inner = self.inner.output_schema_of::<T>();
        self
    }

    /// Starts the turn.
    ///
    /// # Errors
    ///
    /// As [`send`](crate::StartTurn::send) of the async one.
    pub fn send(self) -> Result<TurnHandle> {
        let turn = self.client.wait(self.inner.send())?;
        Ok(TurnHandle::new(turn, self.client))
    }
}
