//! Job objects of Windows: what a child process starts ends with its parent.
//!
//! A process can end its child there, but neither what the child has started nor, when it is killed
//! itself, anything at all. A job can: Windows ends all processes in it when its last handle is
//! closed, and closes the handles of every process that ends.
//!
//! On other systems this crate is empty.
#![cfg_attr(
    windows,
    doc = r#"
# Examples

```no_run
use std::process::Command;

use openai_codex_job::Job;

let mut child = Command::new("codex.exe").spawn()?;
let job = Job::new()?;
job.add(&child)?;
child.wait()?;
drop(job); // ends what it has left running
# Ok::<(), std::io::Error>(())
```
"#
)]

#[cfg(windows)]
mod job;

#[cfg(windows)]
pub use job::Job;
