//! Trying again when the server has too much to do.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Result};

/// How often and how patiently to try again.
///
/// The default makes 3 attempts, with pauses of 250 ms that double up to 2 s
/// and vary by a fifth, and gives up after 60 s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    first_pause: Duration,
    longest_pause: Duration,
    jitter: f64,
    budget: Option<Duration>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(2),
            jitter: 0.2,
            budget: Some(Duration::from_secs(60)),
        }
    }
}

impl RetryPolicy {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often to try in all; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause after the first attempt. It doubles after each further one.
    #[must_use]
    pub fn initial_delay(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// The longest pause, jitter included.
    #[must_use]
    pub fn max_delay(mut self, pause: Duration) -> Self {
        self.longest_pause = pause;
        self
    }

    /// By what part a pause may be shorter or longer, from 0 to 1. What is no
    /// number counts as 0.
    #[must_use]
    pub fn jitter_ratio(mut self, ratio: f64) -> Self {
        self.jitter = if ratio.is_finite() {
            ratio.clamp(0.0, 1.0)
        } else {
            0.0
        };
        self
    }

    /// How long all attempts and pauses may take together; `None` for no limit.
    /// No pause is begun that would pass it.
    #[must_use]
    pub fn budget(mut self, budget: Option<Duration>) -> Self {
        self.budget = budget;
        self
    }

    /// The pause after so many attempts.
    fn pause(&self, attempts: u32) -> Duration {
        let doubled = self
            .first_pause
            .saturating_mul(2_u32.saturating_pow(attempts - 1));
        let random = RandomState::new().hash_one(attempts) % 2001;
        let factor = 1.0 + self.jitter * (random as f64 / 1000.0 - 1.0);
        let pause = doubled.min(self.longest_pause);
        Duration::try_from_secs_f64(pause.as_secs_f64() * factor)
            .unwrap_or(Duration::MAX)
            .min(self.longest_pause)
    }
}

/// Calls `operation` again while it fails because the server, or the model, is
/// overloaded. Any other error is returned at once.
///
/// Use it for what may be done twice: the operation is repeated as a whole.
/// Requests that only read are retried in this way by themselves.
///
/// # Errors
///
/// The last error of `operation`.
///
/// # Cancel safety
///
/// As cancel safe as `operation`.
///
/// # Examples
///
/// ```no_run
/// # async fn example(thread: openai_codex::Thread) -> openai_codex::Result<()> {
/// use openai_codex::{RetryPolicy, retry_on_overload};
///
/// let result = retry_on_overload(RetryPolicy::default(), || async {
///     thread.run("Summarise the diff.").await
/// })
/// .await?;
/// # Ok(()) }
/// ```
pub async fn retry_on_overload<T, F, Fut>(policy: RetryPolicy, mut operation: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    let deadline = policy
        .budget
        .and_then(|budget| Instant::now().checked_add(budget));
    for attempt in 1.. {
        let error: Error = match operation().await {
            Err(error) if error.is_overloaded() && attempt < policy.attempts => error,
            result => return result,
        };
        let pause = policy.pause(attempt);
        if deadline
            .is_some_and(|deadline| pause > deadline.saturating_duration_since(Instant::now()))
        {
            return Err(error);
        }
        tracing::info!(
            attempt,
            ?pause,
            method = error.method(),
            "overloaded; trying again"
        );
        tokio::time::sleep(pause).await;
    }
    unreachable!("the last attempt returns")
}

/// Whether a method only reads, so that sending it twice does no harm.
pub(crate) fn only_reads(method: &str) -> bool {
    matches!(
        method.rsplit('/').next(),
        Some(
            "list"
                | "read"
                | "search"
                | "readHistories"
                | "getMetadata"
                | "readDirectory"
                | "readFile"
                | "readiness"
        )
    ) && method != "currentTime/read"
}
