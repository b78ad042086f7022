//! How it works and why: chapters to read, with no code in them but examples.
//!
//! | chapter | what it answers |
//! |---|---|
//! | [Threads and turns](threads_and_turns) | What is a thread, and what a turn? What is kept, and where? What comes out? |
//! | [Ordering and lag](ordering_and_lag) | Which events come, in what order, and what if I am too slow? |
//! | [Cancellation](cancellation) | What happens to what I drop? How do I stop the agent? |
//! | [Approvals and the sandbox](approvals_and_sandbox) | What may the agent do, and who decides? |
#![cfg_attr(
    feature = "schemars",
    doc = "| [Tools and structured answers](tools_and_structured_answers) | How does the model call my functions, and answer in my types? |"
)]
//! | [Errors and retry](errors_and_retry) | What can go wrong, what is left of it, what may I try again? |
//! | [Testing](testing) | How do I test my agent without an account? |
#![cfg_attr(
    feature = "blocking",
    doc = "| [Blocking](blocking) | How do I use it without async? |"
)]
//! | [Compatibility](compatibility) | Does it work with another version of Codex? |
//! | [Questions and answers](faq) | Everything else that is asked often. |
//! | [Coming from the Python SDK](coming_from_python) | What is this called here? |

pub mod approvals_and_sandbox;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod cancellation;
pub mod coming_from_python;
pub mod compatibility;
pub mod errors_and_retry;
pub mod faq;
pub mod ordering_and_lag;
pub mod testing;
pub mod threads_and_turns;
#[cfg(feature = "schemars")]
pub mod tools_and_structured_answers;
