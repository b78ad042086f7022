//! Starting, resuming and forking threads: the builders.

mod fork;
mod new;
mod resume;

pub use fork::ThreadFork;
pub use new::ThreadStart;
pub use resume::ThreadResume;
