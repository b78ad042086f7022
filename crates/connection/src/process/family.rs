//! What a runtime has started, looked at while it lives.
//!
//! Whoever is killed leaves its children to the system, and then nothing tells any more whose they
//! were: the marker in their environment is not there if `shell_environment_policy` keeps it from
//! them, or `env -i` does. So the children are looked for while the runtime lives: ten times a
//! second, of which nine read one small file if it has none and has done nothing for a second, and
//! less often where a look takes long, so that the looks take a twentieth of a core at the most.
//!
//! What was started later than the last look, and has no marker either, is not known. A sub-reaper
//! would know it, and would give this process children that it has not started: that is for whoever
//! owns the process to decide. Only Linux tells the children of a process without `unsafe`.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How many processes are remembered.
const MOST: usize = 4096;

/// So many looks after the last one that found something done, and of later ones each of as many, are
/// not spared: what takes less than a clock tick counts as nothing done.
const EAGER: u32 = 10;

/// A runtime, and the processes that it has started, theirs included.
#[derive(Debug)]
pub(super) struct Family {
    runtime: Pid,
    /// When it began, if it was there to be asked.
    began: Option<u64>,
    /// How long the runtime had computed when it was looked at last.
    worked: u64,
    /// How many looks have found nothing done.
    idle: u32,
    /// Each with when it began: so it is told from a later one of the same id.
    members: BTreeMap<i32, u64>,
}

/// What is known of a process.
struct Stat {
    parent: i32,
    began: u64,
    worked: u64,
}

impl Family {
    pub(super) fn of(runtime: Pid) -> Self {
        Self {
            runtime,
            began: stat(runtime.as_raw_nonzero().get()).map(|it| it.began),
            worked: 0,
            idle: 0,
            members: BTreeMap::new(),
        }
    }

    /// Looks for what has been started since.
    pub(super) fn look(&mut self) {
        let runtime = self.runtime.as_raw_nonzero().get();
        let (Some(now), Some(began)) = (stat(runtime), self.began) else {
            return;
        };
        let is_idle = now.worked == self.worked && self.members.is_empty();
        self.worked = now.worked;
        self.idle = if is_idle {
            self.idle.saturating_add(1)
        } else {
            0
        };
        if self.idle > EAGER && !self.idle.is_multiple_of(EAGER) {
            return;
        }
        self.follow(vec![(runtime, began)]);
    }

    /// Kills all that is left.
    pub(super) fn end(&mut self) {
        // What is killed may just have started something.
        for _ in 0..3 {
            self.follow(Vec::new());
            if self.members.is_empty() {
                break;
            }
            for (id, began) in &self.members {
                kill(*id, *began);
            }
        }
    }

    /// Remembers those that are still there, and what these and the given ones have started.
    fn follow(&mut self, mut parents: Vec<(i32, u64)>) {
        let is_there = |id: i32, began: u64| stat(id).is_some_and(|it| it.began == began);
        self.members.retain(|id, began| is_there(*id, *began));
        parents.extend(self.members.iter().map(|(id, began)| (*id, *began)));
        while let Some((parent, began)) = parents.pop() {
            let found: Vec<(i32, Stat)> = children(parent)
                .into_iter()
                .filter_map(|child| Some((child, stat(child)?)))
                .filter(|(_, stat)| stat.parent == parent)
                .collect();
            // The id of one that ended meanwhile may be a stranger's by now, and so may these.
            if !is_there(parent, began) {
                continue;
            }
            for (child, stat) in found {
                if self.members.len() < MOST && !self.members.contains_key(&child) {
                    self.members.insert(child, stat.began);
                    parents.push((child, stat.began));
                }
            }
        }
    }
}

fn kill(id: i32, began: u64) {
    let Some(pid) = Pid::from_raw(id) else { return };
    if let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
        // Looked at again now that the id cannot pass to another process.
        && stat(id).is_some_and(|it| it.began == began)
    {
        // One that is gone is what was wanted.
        let _ = pidfd_send_signal(process, Signal::KILL);
    }
}

/// The processes that a process has started and that have not ended.
fn children(id: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{id}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let ids = list.split_ascii_whitespace().map(str::parse);
            ids.flatten().collect::<Vec<i32>>()
        })
        .collect()
}

fn stat(id: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // One that waits to be reaped has ended.
    if *fields.first()? == "Z" {
        return None;
    }
    let number = |field: usize| fields.get(field)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        began: number(19)?,
        worked: number(11)?.saturating_add(number(12)?),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::process::ChildProcess;

    #[test]
    fn whatever_a_process_has_started_is_ended_after_it() {
        // In a session of its own, deaf, without a variable, and a child of its own.
        let script = "setsid env -i /bin/sh -c 'trap \"\" TERM HUP; sleep 3600 & echo $$; echo $!; \
                      wait' & wait";
        let mut parent = Command::new("/bin/sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
        let ids: Vec<i32> = (0..2)
            .map(|_| lines.next().unwrap().unwrap().parse().unwrap())
            .collect();
        let mut stranger = Command::new("sleep").arg("3600").spawn().unwrap();
        let mut family = Family::of(Pid::from_child(&parent));
        family.look();
        parent.kill().unwrap();
        parent.wait().unwrap();
        assert!(ids.iter().all(|id| stat(*id).is_some()));
        family.end();
        let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
        while ids.iter().any(|id| stat(*id).is_some()) {
            assert!(Instant::now() < deadline, "{ids:?}");
            std::thread::yield_now();
        }
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn an_id_that_another_process_has_is_not_killed() {
        let mut stranger = Command::new("sleep").arg("3600").spawn().unwrap();
        let id = i32::try_from(stranger.id()).unwrap();
        let mut family = Family::of(Pid::from_child(&stranger));
        family.members.insert(id, stat(id).unwrap().began - 1);
        family.end();
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[test]
    fn what_a_killed_child_started_without_a_marker_does_not_outlive_it() {
        let file = std::env::temp_dir().join(format!("codex-sdk-family-{}", std::process::id()));
        let script = "setsid env -i /bin/sh -c 'trap \"\" TERM HUP; echo $$ >\"$0\"; \
                      while :; do /bin/sleep 1; done' \"$0\" & wait";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(&file);
        let (child, _pipes) = ChildProcess::spawn(&mut command, |_| ()).unwrap();
        let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
        let id: i32 = loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(id) = text.strip_suffix('\n') {
                break id.parse().unwrap();
            }
            assert!(Instant::now() < deadline, "nothing was started");
            std::thread::yield_now();
        };
        // Longer than the looks that may be spared.
        std::thread::sleep(Duration::from_millis(1500));
        let killed = Command::new("kill")
            .args(["-9", &child.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        while stat(id).is_some() {
            assert!(Instant::now() < deadline, "process {id} is still there");
            std::thread::yield_now();
        }
        fs::remove_file(&file).unwrap();
    }
}
