//! Ends the runtime when this process is killed.
//!
//! The real one ends by itself then, as its stdin is closed. Something that does not read its stdin
//! does not: a wrapper of a launch command, a runtime that hangs. So a shell in its process group
//! waits for the end of a pipe that only this process holds open, gives the runtime a second to go,
//! asks it to, and after two seconds more kills the group. As it is of that group itself, the group's
//! id is nobody else's for as long.
//!
//! `crates/runtime/src/install/running.rs` says which roads were not taken, and why. Where there is
//! no `/bin/sh`, there is no watch.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// It is deaf to what ends the runtime, and knows only that as `$1`.
const WATCH: &str = r#"trap '' TERM HUP INT
read -r line
for signal in TERM KILL; do
    for second in 1 2; do
        kill -s 0 "$1" 2>/dev/null || exit 0
        sleep 1
    done
    kill -s "$signal" 0
done"#;

/// A shell that watches this process.
#[derive(Debug)]
pub(super) struct Watch(Child);

impl Watch {
    /// Watches over a process that leads its group, whose id nobody else can have yet.
    pub(super) fn over(leader: Pid) -> io::Result<Self> {
        let id = leader.as_raw_nonzero().get();
        let watch = Command::new("/bin/sh")
            .args(["-c", WATCH, "openai-codex-watch", &id.to_string()])
            // Nothing of ours is its business.
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(id)
            .spawn()?;
        Ok(Self(watch))
    }

    /// The process is gone.
    pub(super) fn end(&mut self) {
        // It fails only when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::{Path, PathBuf};
    use std::time::Instant;

    use super::*;
    use crate::process::ChildProcess;

    /// Says to the test, run as a process of its own, where the child's id goes.
    const FILE: &str = "OPENAI_CODEX_TEST_WATCH";

    /// A child that neither reads its stdin nor ends when it is asked to.
    fn start(file: &Path) -> ChildProcess {
        let script = "trap '' TERM HUP; echo $$ >\"$0\"; while :; do sleep 1; done";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).arg(file);
        ChildProcess::spawn(&mut command, |_| ())
            .expect("sh starts")
            .0
    }

    fn id_in(file: &Path) -> u32 {
        let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if let Some(id) = text.strip_suffix('\n') {
                return id.parse().expect("it is a number");
            }
            assert!(Instant::now() < deadline, "there is no child");
            std::thread::yield_now();
        }
    }

    /// Whether it lives: one that nobody reaps has ended.
    fn lives(id: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| !rest.starts_with(" Z"))
    }

    #[test]
    fn a_child_that_does_not_read_ends_with_a_parent_that_is_killed() {
        if let Some(file) = std::env::var_os(FILE) {
            let (file, early) = (
                PathBuf::from(&file),
                PathBuf::from(file).with_extension("id"),
            );
            let _child = start(&early);
            id_in(&early);
            // Not before it is watched.
            std::fs::rename(early, file).unwrap();
            loop {
                std::thread::park();
            }
        }
        let file = std::env::temp_dir().join(format!("codex-sdk-watch-{}", std::process::id()));
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("process::watch::tests::a_child_that_does_not_read_ends_with_a_parent_that_is_killed")
            .env(FILE, &file)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let child = id_in(&file);
        assert!(lives(child));
        parent.kill().unwrap();
        parent.wait().unwrap();
        let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
        while lives(child) {
            assert!(Instant::now() < deadline, "process {child} is still there");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_watch_is_over_when_its_process_is_reaped() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read -r line"]);
        let (tx, rx) = std::sync::mpsc::channel();
        let (child, pipes) = ChildProcess::spawn(&mut command, move |status| {
            tx.send(status).unwrap();
        })
        .unwrap();
        let group = child.id().to_string();
        drop(pipes);
        let status = rx.recv_timeout(openai_codex_testkit::PATIENCE).unwrap();
        assert!(status.is_some());
        let members = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
                let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
                rest.split_ascii_whitespace().nth(2) == Some(group.as_str())
            });
        assert_eq!(members.count(), 0);
    }
}
