//! What a runtime that did not exit by itself leaves running.
//!
//! The runtime gives each shell command a session of its own, so no signal to a
//! group reaches them. One that exits ends them itself; one that is killed does
//! not (0.163.0 on Linux: a command that ignores SIGTERM goes on for ever). They
//! all inherit the runtime's environment, though, and a variable in it says
//! whose they are.
//!
//! Only Linux lets a process read the environment of another. Elsewhere this
//! does nothing, and such commands go on. Where `shell_environment_policy` keeps the
//! variable from commands, those that were seen while the runtime lived are ended:
//! see `family`.

use std::hash::{BuildHasher, RandomState};
use std::process::Command;

/// The variable that marks a runtime and whatever it starts.
const VARIABLE: &str = "OPENAI_CODEX_SDK_RUNTIME";

/// Marks one runtime and whatever it starts.
#[derive(Clone, Debug)]
pub(super) struct Marker(String);

impl Marker {
    /// A marker that no other process has.
    pub(super) fn new() -> Self {
        let id = RandomState::new().hash_one(std::process::id());
        Self(format!("{}-{id:016x}", std::process::id()))
    }

    pub(super) fn put_on(&self, command: &mut Command) {
        command.env(VARIABLE, &self.0);
    }

    /// Kills whatever bears the marker.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn sweep(&self) {}

    /// Kills whatever bears the marker.
    #[cfg(target_os = "linux")]
    pub(super) fn sweep(&self) {
        // What is killed may just have started something.
        for _ in 0..3 {
            if self.sweep_once() == 0 {
                break;
            }
        }
    }

    /// Returns how many were killed.
    #[cfg(target_os = "linux")]
    fn sweep_once(&self) -> usize {
        use rustix::process::{
            Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal,
        };

        let Ok(processes) = std::fs::read_dir("/proc") else {
            return 0;
        };
        let ids = processes
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw);
        let bearers = ids.filter(|id| self.is_on(*id));
        let killed = bearers.filter(|id| {
            match pidfd_open(*id, PidfdFlags::empty()) {
                // Looked at again now that the id cannot pass to another process.
                Ok(process) if self.is_on(*id) => pidfd_send_signal(process, Signal::KILL).is_ok(),
                Ok(_) => false,
                // Looked at as late as can be: here the id can pass.
                Err(error) if knows_only_ids(error) && self.is_on(*id) => {
                    kill_process(*id, Signal::KILL).is_ok()
                }
                Err(_) => false,
            }
        });
        killed.count()
    }

    #[cfg(target_os = "linux")]
    fn is_on(&self, id: rustix::process::Pid) -> bool {
        // Another user's process cannot be read, and is none of ours.
        let environment = std::fs::read(format!("/proc/{}/environ", id.as_raw_nonzero()));
        let variable = format!("{VARIABLE}={}", self.0);
        environment.is_ok_and(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == variable.as_bytes())
        })
    }
}

/// Whether the kernel is older than 5.3 and has no other way to name a process
/// than its id. Any other error is about this process: it is gone, say.
#[cfg(target_os = "linux")]
fn knows_only_ids(error: rustix::io::Errno) -> bool {
    error == rustix::io::Errno::NOSYS
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn only_an_old_kernel_is_a_reason_to_kill_by_id() {
        assert!(knows_only_ids(Errno::NOSYS));
        for error in [Errno::SRCH, Errno::MFILE, Errno::PERM, Errno::INVAL] {
            assert!(!knows_only_ids(error), "{error}");
        }
    }

    #[test]
    fn what_bears_the_marker_is_killed_and_nothing_else() {
        let mine = Marker::new();
        let other = Marker::new();
        let start = |marker: &Marker| {
            let mut command = Command::new("sleep");
            marker.put_on(command.arg("3600"));
            command.spawn().unwrap()
        };
        let (mut doomed, mut spared) = (start(&mine), start(&other));
        mine.sweep();
        assert!(!doomed.wait().unwrap().success());
        assert!(spared.try_wait().unwrap().is_none());
        other.sweep();
        assert!(!spared.wait().unwrap().success());
    }
}
