//! Trying again when the server has too much to do.

use std::time::Instant;

use crate::error::Result;
use crate::retry::RetryPolicy;

/// Calls `operation` again while it fails because the server, or the model, is
/// overloaded. See [`crate::retry_on_overload`].
///
/// # Errors
///
/// The last error of `operation`.
///
/// # Examples
///
/// ```no_run
/// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
/// use openai_codex::RetryPolicy;
/// use openai_codex::blocking::retry_on_overload;
///
/// let result = retry_on_overload(RetryPolicy::default(), || {
///     thread.run("Summarise the diff.").send()
/// })?;
/// # Ok(()) }
/// ```
pub fn retry_on_overload<T, F>(policy: RetryPolicy, mut operation: F) -> Result<T>
where
    F: FnMut() -> Result<T>,
{
    let begun = Instant::now();
    let mut attempt = 1;
    loop {
        let result = operation();
        let pause = match &result {
            Err(error) => policy.pause_after(attempt, begun.elapsed(), error),
            Ok(_) => None,
        };
        let Some(pause) = pause else { return result };
        std::thread::sleep(pause);
        attempt += 1;
    }
}
