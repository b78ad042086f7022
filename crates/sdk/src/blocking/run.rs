//! Starting turns: the builders.

use std::path::Path;
use std::time::Duration;

use openai_codex_types::{Personality, ReasoningEffort, ReasoningSummary, TurnStartParams};
use serde_json::Value;

use super::options::mirror;
use super::turn::TurnHandle;
use crate::approval::{ApprovalMode, Sandbox};
use crate::error::Result;
use crate::result::TurnResult;

macro_rules! turn_builder {
    ($(#[$doc:meta])* $name:ident -> $output:ty) => {
        mirror! {
            $(#[$doc])*
            $name -> $output;
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
    Run -> TurnResult
}

turn_builder! {
    /// Starts a turn. See [`crate::StartTurn`].
    StartTurn -> TurnHandle
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

impl StartTurn {
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
