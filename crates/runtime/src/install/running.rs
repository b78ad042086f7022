//! A client that ends with us, however we end: [`Running`].
//!
//! On Unix a client runs in a process group of its own, beside a shell that waits for the end of a
//! pipe which only we hold open. Where we are killed, even by SIGKILL, the system closes it, and the
//! shell kills the group: the client, and whatever it has started that has not left the group. Until
//! then the shell also holds the lock of the cache, so that the next installer does not begin, and
//! sweep, beside a client that is still at work.
//!
//! Roads not taken:
//! - Linux's signal at the death of the parent (`PR_SET_PDEATHSIG`) must be asked for between fork
//!   and exec, which is `unsafe` in Rust; it reaches the client and not what that has started, it
//!   comes when the *thread* ends that started the client, and macOS has nothing like it.
//! - `setpriv --pdeathsig` is the same without `unsafe`, and is not everywhere, Alpine for one.
//! - A helper program of our own would have to be installed beside every program that has this
//!   crate as a library.
//!
//! On Windows a client is in a job object, which the system ends with us, and with it whatever the
//! client has started. The lock is free then before they have ended.
//!
//! Where there is no `/bin/sh`, in an image that holds nothing but uv and a program, the client runs
//! without that shell: it is ended when we end in order, and lives on when we are killed.

use std::fs::File;
use std::io;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

/// A client that has been started.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    ended: bool,
    /// After the child, which is ended before what it has started.
    _guard: platform::Guard,
}

impl Running {
    /// Starts a command, with its standard error in a pipe.
    ///
    /// `lock` stays locked until the client has ended, if this process is killed before that.
    pub(crate) fn start(command: &Command, lock: Option<&File>) -> io::Result<Self> {
        let mut guarded = platform::guarded(command.get_program(), lock)?;
        guarded.args(command.get_args()).stderr(Stdio::piped());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(name, value),
                None => guarded.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        let child = guarded.spawn()?;
        Ok(Self {
            _guard: platform::guard(&child),
            child,
            ended: false,
        })
    }

    /// Its standard error, once.
    pub(crate) fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Its status, if it has ended.
    pub(crate) fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() && !self.ended {
            self.ended = true;
            platform::release(&mut self.child);
        }
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // With the pipe goes its group. The rest fails only when it has ended.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
mod platform {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io::{self, Write as _};
    use std::os::unix::process::CommandExt as _;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    const SHELL: &str = "/bin/sh";

    /// 3 is the pipe and 4 the lock; the client gets neither. A line says that there is nothing
    /// left to guard, and the end of the pipe without one that we are gone.
    const WATCH: &str = r#"exec 3<&0 4>&1 </dev/null >/dev/null
(read -r line <&3 || kill -s KILL 0) 2>/dev/null &
exec 3<&- 4>&- "$@""#;

    /// The command that runs this program, and what follows as its arguments.
    pub(super) fn guarded(program: &OsStr, lock: Option<&File>) -> io::Result<Command> {
        let mut guarded;
        if Path::new(SHELL).exists() {
            guarded = Command::new(SHELL);
            guarded.args(["-c", WATCH, "openai-codex-runtime"]);
            guarded.arg(program).stdin(Stdio::piped());
            guarded.stdout(match lock {
                Some(lock) => lock.try_clone()?.into(),
                None => Stdio::null(),
            });
        } else {
            guarded = Command::new(program);
            guarded.stdin(Stdio::null()).stdout(Stdio::null());
        }
        guarded.process_group(0);
        Ok(guarded)
    }

    /// The shell is all there is.
    pub(super) type Guard = ();

    pub(super) fn guard(_: &Child) -> Guard {}

    /// What the client has left running on purpose may go on.
    pub(super) fn release(child: &mut Child) {
        if let Some(mut pipe) = child.stdin.take() {
            // It fails only when nobody watches any more.
            let _ = pipe.write_all(b"\n");
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::process::{Child, Command, Stdio};

    use openai_codex_job::Job;

    /// The job of the client; `None` where the system gives none.
    pub(super) type Guard = Option<Job>;

    pub(super) fn guarded(program: &OsStr, _: Option<&File>) -> io::Result<Command> {
        let mut guarded = Command::new(program);
        guarded.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(guarded)
    }

    pub(super) fn guard(child: &Child) -> Guard {
        let job = Job::new().and_then(|job| job.add(child).map(|()| job));
        job.ok()
    }

    pub(super) fn release(_: &mut Child) {}
}
