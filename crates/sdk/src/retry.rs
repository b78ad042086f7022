//! Trying again when the server has too much to do.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result, RpcErrorKind};

/// How often and how patiently to try again.
///
/// The default makes 3 attempts, with pauses of 250 ms that double up to 2 s
/// and vary by a fifth, and gives up after 60 s.
///
/// ```
/// use openai_codex::RetryPolicy;
/// use std::time::Duration;
///
/// let patient = RetryPolicy::new()
///     .max_attempts(8)
///     .initial_delay(Duration::from_millis(500))
///     .max_delay(Duration::from_secs(20))
///     .budget(Some(Duration::from_secs(300)));
/// ```
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

    /// How long to pause before trying again, or `None` to give up.
    pub(crate) fn pause_after(
        &self,
        attempt: u32,
        elapsed: Duration,
        error: &Error,
    ) -> Option<Duration> {
        if !error.is_overloaded() || attempt >= self.attempts {
            return None;
        }
        let pause = self.pause(attempt);
        let is_within = self
            .budget
            .is_none_or(|budget| pause <= budget.saturating_sub(elapsed));
        if !is_within {
            return None;
        }
        tracing::info!(
            attempt,
            ?pause,
            method = error.method(),
            "overloaded; trying again"
        );
        Some(pause)
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
/// Requests that only read are retried in this way by themselves. Outside of a tokio
/// runtime, where it could not pause, it tries once.
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
    let begun = Instant::now();
    let mut attempt = 1;
    loop {
        let result = operation().await;
        let pause = match &result {
            Err(error) => policy.pause_after(attempt, begun.elapsed(), error),
            Ok(_) => None,
        };
        let Some(pause) = pause.filter(|_| Handle::try_current().is_ok()) else {
            return result;
        };
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// How often, and after what pauses, the file of a thread is read that has nothing in it.
const UNWRITTEN_ATTEMPTS: u32 = 20;
const UNWRITTEN_PAUSE: Duration = Duration::from_millis(25);

/// Reads again while the answer is that the file of a thread is empty: 0.163.0 makes it with the
/// first turn, and writes to it a moment later. Where it stays so, that is the answer.
// QUIRK(0.163.0, tests/tests/api_start.rs::a_thread_that_is_just_being_written_is_read_a_moment_later):
// without it, a thread that was just started cannot be read now and then.
pub(crate) async fn read_once_written<T, F, Fut>(mut read: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
    for _ in 1..UNWRITTEN_ATTEMPTS {
        match read().await {
            Err(error) if is_unwritten(&error) => tokio::time::sleep(UNWRITTEN_PAUSE).await,
            answer => return answer,
        }
    }
    read().await
}

fn is_unwritten(error: &Error) -> bool {
    error.kind() == ErrorKind::Rpc(RpcErrorKind::Internal)
        && error.rpc().is_some_and(|rpc| {
            rpc.message.contains("rollout at ") && rpc.message.ends_with(" is empty")
        })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::error::RpcError;

    fn overloaded() -> Error {
        Error::answered("x", RpcError::parse(r#"{"code":-32001,"message":"x"}"#))
    }

    /// How often a policy tries, and how long that takes.
    async fn tried(policy: RetryPolicy, error: Error) -> (u32, Duration) {
        let (tries, begun) = (Cell::new(0), Instant::now());
        let result: Result<()> = retry_on_overload(policy, || {
            tries.set(tries.get() + 1);
            let error = error.clone();
            async move { Err(error) }
        })
        .await;
        assert_eq!(result.unwrap_err().kind(), error.kind());
        (tries.get(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn overload_is_tried_three_times_with_doubling_pauses() {
        let steady = RetryPolicy::new().jitter_ratio(0.0);
        let (tries, took) = tried(steady, overloaded()).await;
        assert_eq!((tries, took.as_millis()), (3, 750));
        let patient = steady.max_attempts(7);
        let (tries, took) = tried(patient, overloaded()).await;
        assert_eq!(
            (tries, took.as_millis()),
            (7, 250 + 500 + 1000 + 2000 + 2000 + 2000)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_but_overload_is_tried_again() {
        for error in [
            Error::new(ErrorKind::Closed, "x"),
            Error::new(ErrorKind::Timeout, "x"),
            Error::answered("x", RpcError::parse(r#"{"code":-32600,"message":"x"}"#)),
            Error::answered(
                "x",
                RpcError::parse(r#"{"code":-32001,"message":"retry limit"}"#),
            ),
        ] {
            assert_eq!(tried(RetryPolicy::new(), error).await.0, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_spans_attempts_and_pauses() {
        let policy = RetryPolicy::new()
            .jitter_ratio(0.0)
            .max_attempts(100)
            .budget(Some(Duration::from_secs(4)));
        let (tries, took) = tried(policy, overloaded()).await;
        assert_eq!((tries, took.as_millis()), (5, 3750));
        assert_eq!(
            tried(policy.budget(Some(Duration::ZERO)), overloaded())
                .await
                .0,
            1
        );
        let endless = policy.budget(None).max_attempts(5);
        assert_eq!(tried(endless, overloaded()).await.0, 5);
    }

    #[test]
    fn jitter_stays_within_its_part_and_the_longest_pause() {
        let policy = RetryPolicy::new().jitter_ratio(0.5);
        for _ in 0..200 {
            let first = policy.pause(1).as_millis();
            assert!((125..=375).contains(&first), "{first}");
            assert!(policy.pause(20) <= Duration::from_secs(2));
            assert!(policy.pause(u32::MAX) >= Duration::from_secs(1));
        }
        assert_eq!(
            RetryPolicy::new().jitter_ratio(f64::NAN),
            RetryPolicy::new().jitter_ratio(0.0)
        );
        assert_eq!(RetryPolicy::new().max_attempts(0).attempts, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_after_overload_is_the_result() {
        let tries = Cell::new(0);
        let result = retry_on_overload(RetryPolicy::new(), || {
            tries.set(tries.get() + 1);
            let now = tries.get();
            async move { if now < 3 { Err(overloaded()) } else { Ok(now) } }
        })
        .await;
        assert_eq!(result.unwrap(), 3);
    }
}
