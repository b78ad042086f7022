//! A child process that always ends and is always reaped.
//!
//! A thread of its own waits for each child, and another one ends it step by
//! step. So neither depends on an async runtime that may be gone, or not be
//! polled, by the time the child has to go. While the child has not been
//! reaped its id cannot be reused, so no signal ever hits a stranger. (A program
//! that forks must do so before: the copy neither ends the child nor learns of its end.)
//!
//! If this process is killed itself, nothing here runs: then the child finds its
//! stdin closed and exits, 0.163.0 within 65 ms, and ends what it started. One that
//! does not is ended by a shell that watches, on Unix; on Windows the system ends
//! both.

use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::orphans::Marker;

/// How long each step of the ending waits before the next one.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// A thread that only waits needs little.
const STACK: usize = 64 * 1024;

/// A running child. Dropping it ends the child without blocking.
pub(crate) struct ChildProcess(Arc<Shared>);

/// The pipes of a child.
pub(crate) struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

struct Shared {
    /// The process that has started the child. A copy that it forks has no thread that waits, and
    /// so does not know whether the id is still the child's.
    owner: u32,
    target: platform::Target,
    state: Mutex<State>,
    reaped: Condvar,
}

#[derive(Default)]
struct State {
    reaped: bool,
    ending: bool,
}

impl ChildProcess {
    /// Starts `command` with pipes, in a process group of its own. `on_exit` is
    /// called once, on another thread, when the child is gone and reaped.
    pub(crate) fn spawn(
        command: &mut Command,
        on_exit: impl FnOnce(Option<ExitStatus>) + Send + 'static,
    ) -> io::Result<(Self, Pipes)> {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        platform::prepare(command);
        let marker = Marker::new();
        marker.put_on(command);
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the child has no pipes");
        let pipes = Pipes {
            stdin: child.stdin.take().ok_or_else(missing)?,
            stdout: child.stdout.take().ok_or_else(missing)?,
            stderr: child.stderr.take().ok_or_else(missing)?,
        };
        let (target, mut waiter) = platform::split(child);
        let shared = Arc::new(Shared {
            owner: std::process::id(),
            target,
            state: Mutex::default(),
            reaped: Condvar::new(),
        });
        let process = Self(Arc::clone(&shared));
        thread::Builder::new()
            .name("codex-wait".into())
            .stack_size(STACK)
            .spawn(move || {
                waiter.wait(&shared.target);
                let mut state = shared.state();
                let status = waiter.reap(&shared.target);
                state.reaped = true;
                drop(state);
                shared.reaped.notify_all();
                if !status.is_some_and(|status| status.success()) {
                    waiter.end_orphans();
                    marker.sweep();
                }
                on_exit(status);
            })
            // Dropping `process` ends the child; it stays a zombie until this
            // process ends, for want of a thread that could reap it.
            ?;
        Ok((process, pipes))
    }

    /// Begins to end the child, if nobody has yet: it gets [`GRACE`] to exit by
    /// itself, which it does once its stdin is closed; then it is asked to
    /// terminate, and after another [`GRACE`] it is killed.
    pub(crate) fn end(&self) {
        if self.0.is_of_a_copy() {
            return;
        }
        let mut state = self.0.state();
        if state.reaped || state.ending {
            return;
        }
        state.ending = true;
        drop(state);
        let shared = Arc::clone(&self.0);
        let spawned = thread::Builder::new()
            .name("codex-end".into())
            .stack_size(STACK)
            .spawn(move || shared.end_step_by_step());
        if spawned.is_err() {
            // No thread left to wait on: skip the waiting.
            self.0.signal(platform::kill);
        }
    }

    /// The id of the process, which is its group's as well on Unix.
    #[cfg(test)]
    pub(crate) fn id(&self) -> u32 {
        self.0.target.id()
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process is a fork of the one that has started the child.
    fn is_of_a_copy(&self) -> bool {
        std::process::id() != self.owner
    }

    fn end_step_by_step(&self) {
        for signal in [platform::terminate, platform::kill] {
            if self.is_reaped_within(GRACE) {
                return;
            }
            self.signal(signal);
        }
    }

    fn is_reaped_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut state = self.state();
        while !state.reaped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .reaped
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn signal(&self, signal: fn(&platform::Target)) {
        // Under the lock, so that the child is not reaped meanwhile.
        let state = self.state();
        if !state.reaped {
            signal(&self.target);
        }
    }
}

#[cfg(unix)]
mod platform {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, ExitStatus};
    #[cfg(target_os = "linux")]
    use std::time::{Duration, Instant};

    #[cfg(target_os = "linux")]
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::process::{
        Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
    };
    #[cfg(target_os = "linux")]
    use rustix::process::{PidfdFlags, pidfd_open};

    #[cfg(target_os = "linux")]
    use super::super::family::Family;
    use super::super::watch::Watch;

    pub(super) struct Target(Pid);

    impl Target {
        #[cfg(test)]
        pub(super) fn id(&self) -> u32 {
            self.0.as_raw_nonzero().get().unsigned_abs()
        }
    }

    pub(super) struct Waiter {
        child: Child,
        /// Whether it is dead and keeps its id, which nobody else can have then.
        is_zombie: bool,
        /// `None` where there is no shell.
        watch: Option<Watch>,
        #[cfg(target_os = "linux")]
        family: Family,
    }

    /// How often it is looked at what the child has started.
    #[cfg(target_os = "linux")]
    const LOOKS: Duration = Duration::from_millis(100);

    /// The longest that is waited at a time.
    #[cfg(target_os = "linux")]
    const LONGEST: Duration = Duration::from_millis(900);

    /// So many times as long as a look took, the next one waits.
    #[cfg(target_os = "linux")]
    const SPARED: u32 = 20;

    /// A group of its own keeps the terminal's Ctrl-C away from the runtime, and
    /// lets a signal reach what the runtime started.
    pub(super) fn prepare(command: &mut Command) {
        command.process_group(0);
    }

    pub(super) fn split(child: Child) -> (Target, Waiter) {
        let target = Target(Pid::from_child(&child));
        let waiter = Waiter {
            is_zombie: false,
            watch: Watch::over(target.0).ok(),
            #[cfg(target_os = "linux")]
            family: Family::of(target.0),
            child,
        };
        (target, waiter)
    }

    impl Waiter {
        /// Waits without reaping: the zombie keeps the process id and the
        /// group's, so that what is left of the group can be killed.
        pub(super) fn wait(&mut self, target: &Target) {
            #[cfg(target_os = "linux")]
            self.look_on(target);
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            self.is_zombie = loop {
                match waitid(WaitId::Pid(target.0), options) {
                    Err(Errno::INTR) => {}
                    // This process ignores SIGCHLD, as it may have been started to:
                    // the kernel has reaped, and there is no status to learn.
                    Err(_) => break false,
                    Ok(_) => break true,
                }
            };
        }

        pub(super) fn reap(&mut self, target: &Target) -> Option<ExitStatus> {
            if self.is_zombie {
                kill(target);
            }
            // Before its group's id is free.
            if let Some(watch) = &mut self.watch {
                watch.end();
            }
            self.child.wait().ok()
        }

        /// Looks at what the child starts until it has ended. An old kernel, which cannot wait for
        /// so long and no longer, has the marker alone.
        #[cfg(target_os = "linux")]
        fn look_on(&mut self, target: &Target) {
            let Ok(process) = pidfd_open(target.0, PidfdFlags::empty()) else {
                return;
            };
            let mut ended = [PollFd::new(&process, PollFlags::IN)];
            let mut next = Instant::now() + LOOKS;
            loop {
                let left = next.saturating_duration_since(Instant::now());
                let timeout = Timespec {
                    tv_sec: 0,
                    tv_nsec: left.min(LONGEST).subsec_nanos().into(),
                };
                match poll(&mut ended, Some(&timeout)) {
                    Ok(0) | Err(Errno::INTR) if Instant::now() < next => {}
                    Ok(0) | Err(Errno::INTR) => {
                        let begun = Instant::now();
                        self.family.look();
                        next = Instant::now() + LOOKS.max(SPARED * begun.elapsed());
                    }
                    Ok(_) | Err(_) => break,
                }
            }
        }

        /// Kills what the child has left running.
        #[cfg(target_os = "linux")]
        pub(super) fn end_orphans(&mut self) {
            self.family.end();
        }

        /// Nothing tells whose they are.
        #[cfg(not(target_os = "linux"))]
        pub(super) fn end_orphans(&mut self) {}
    }

    pub(super) fn terminate(target: &Target) {
        signal(target, Signal::TERM);
    }

    pub(super) fn kill(target: &Target) {
        signal(target, Signal::KILL);
    }

    fn signal(target: &Target, signal: Signal) {
        // A child that is gone already is what was wanted.
        let _ = kill_process_group(target.0, signal);
        let _ = kill_process(target.0, signal);
    }
}

/// Windows has neither signals nor process groups that could be ended. A job stands for both: the
/// runtime is in it, and so is what that starts, and it ends with this process, even killed.
#[cfg(windows)]
mod platform {
    use std::io;
    use std::os::windows::process::CommandExt;
    use std::process::{Child, Command, ExitStatus};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;
    use std::time::Duration;

    use openai_codex_job::Job;

    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

    pub(super) struct Target {
        child: Arc<Mutex<Child>>,
        /// `None` where the system gives none: then only the child is ended.
        job: Option<Job>,
    }

    impl Target {
        #[cfg(test)]
        pub(super) fn id(&self) -> u32 {
            self.child
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .id()
        }
    }

    pub(super) struct Waiter(Arc<Mutex<Child>>);

    /// A group of its own keeps the console's Ctrl-C away from the runtime.
    pub(super) fn prepare(command: &mut Command) {
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }

    pub(super) fn split(child: Child) -> (Target, Waiter) {
        let job = Job::new().and_then(|job| job.add(&child).map(|()| job));
        let child = Arc::new(Mutex::new(child));
        let target = Target {
            child: Arc::clone(&child),
            job: job.ok(),
        };
        (target, Waiter(child))
    }

    impl Waiter {
        /// `std` can wait for a child or kill it, but not both at once, so this
        /// looks again and again.
        pub(super) fn wait(&mut self, _target: &Target) {
            while let Ok(None) = self.try_wait() {
                thread::sleep(Duration::from_millis(20));
            }
        }

        pub(super) fn reap(&mut self, target: &Target) -> Option<ExitStatus> {
            if let Some(job) = &target.job {
                // What the child has left running; none is what was wanted.
                let _ = job.end();
            }
            self.try_wait().ok().flatten()
        }

        /// They were in the job.
        pub(super) fn end_orphans(&mut self) {}

        fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_wait()
        }
    }

    pub(super) fn terminate(target: &Target) {
        kill(target);
    }

    pub(super) fn kill(target: &Target) {
        // A child that is gone already is what was wanted.
        let _ = target.job.as_ref().map(Job::end);
        let mut child = target.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
    }
}
