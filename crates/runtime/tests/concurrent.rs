//! Several installers at once, and installers that are killed.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use openai_codex_runtime::{Client, Error, Progress};

use crate::support::{WHEEL, World, names_in};

/// The folder of the world in which a started process installs.
const WORLD: &str = "OPENAI_CODEX_TEST_WORLD";

/// Not a test of its own: other tests start it in a process that they can kill. It writes each
/// step to standard output, and stays at the step at which it is told to.
#[test]
fn the_process_that_other_tests_start() {
    let Some(folder) = std::env::var_os(WORLD) else {
        return;
    };
    let stay_at = std::env::var("OPENAI_CODEX_TEST_STAY_AT").unwrap_or_default();
    let world = World::open(folder.as_ref());
    let installer = world.installer().on_progress(move |progress| {
        let step = match progress {
            Progress::Waiting => "waiting",
            Progress::Downloading { bytes: 0, .. } => return,
            Progress::Downloading { .. } => "downloading",
            Progress::Unpacking { .. } => "unpacking",
            Progress::Verifying => "verifying",
            _ => return,
        };
        say(step);
        if step == stay_at {
            loop {
                thread::park();
            }
        }
    });
    let runtime = installer.install().expect("installed");
    say(&format!("installed {}", runtime.binary().display()));
}

/// Past the capture of the test harness, and at once.
fn say(step: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "step: {step}")
        .and_then(|()| out.flush())
        .expect("somebody listens");
}

/// An installer in a process of its own, which ends with this value.
struct Process {
    child: Child,
    steps: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(world: &World, stay_at: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "the_process_that_other_tests_start",
                "--nocapture",
            ])
            .env(WORLD, world.folder())
            .env("OPENAI_CODEX_TEST_STAY_AT", stay_at)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let steps = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, steps }
    }

    /// Waits until it says this.
    #[track_caller]
    fn wait_for(&mut self, step: &str) {
        let found = self.steps.by_ref().any(|line| {
            // The harness may have begun a line of its own.
            line.expect("text").ends_with(&format!("step: {step}"))
        });
        assert!(found, "the process ended without {step}");
    }

    /// SIGKILL: nothing of it runs after this.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn installers_in_many_threads_download_once() {
    let world = Arc::new(World::new());
    world.good_client(Client::Pip);
    let barrier = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (world, barrier) = (Arc::clone(&world), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                world
                    .installer()
                    .install()
                    .expect("installed")
                    .root()
                    .to_path_buf()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), world.root());
    }
    assert_eq!(world.calls().len(), 1);
    world.assert_installed();
}

#[test]
fn installers_in_many_processes_download_once_and_the_others_wait() {
    let world = World::new();
    world.good_client(Client::Pip);
    // The first stays at work until all others are known to wait for it.
    let gate = world.folder().join("clients/gate");
    let wheel = world.folder().join(WHEEL);
    world.client(
        "pip",
        &format!(
            "cp {wheel} \"$dest\"/part; until [ -e {gate} ]; do sleep 0.05; done; mv \"$dest\"/part \"$dest\"/{WHEEL}",
            wheel = wheel.display(),
            gate = gate.display()
        ),
    );
    let mut first = Process::start(&world, "");
    first.wait_for("downloading");
    let mut others: Vec<_> = (0..4).map(|_| Process::start(&world, "")).collect();
    for other in &mut others {
        other.wait_for("waiting");
    }
    fs::write(&gate, "").expect("opened");
    let installed = format!("installed {}", world.root().join("bin/codex").display());
    first.wait_for(&installed);
    for other in &mut others {
        other.wait_for(&installed);
    }
    assert_eq!(world.calls().len(), 1);
    world.assert_installed();
}

#[test]
fn an_installer_killed_while_it_downloads_leaves_nothing_broken() {
    let world = World::new();
    let (pid, wheel) = (
        world.folder().join("clients/pid"),
        world.folder().join(WHEEL),
    );
    // The client would live on for a while, as a real one does, and what it started as well.
    world.client(
        "pip",
        &format!(
            "sleep 600 & echo $$ $! > {}; head -c 100 {} > \"$dest\"/part.whl; exec sleep 600",
            pid.display(),
            wheel.display(),
        ),
    );
    let mut process = Process::start(&world, "");
    process.wait_for("downloading");
    process.kill();
    assert_eq!(names_in(&world.runtimes().join(".staging")).len(), 1);
    assert!(!world.root().exists());

    // None of them is left to write beside the next one.
    let pids = fs::read_to_string(pid).expect("the client has said their ids");
    let alive = format!(
        "for pid in {}; do case $(ps -o stat= -p $pid) in ''|Z*) ;; *) echo alive >&2; exit 1;; esac; done\n",
        pids.trim()
    );
    let copy = format!("cp {} \"$dest\"", wheel.display());
    world.client("pip", &(alive + &copy));
    world.installer().install().expect("installed");
    world.assert_installed();
}

#[test]
fn a_client_ends_with_its_installer_whatever_ends_that() {
    for signal in ["KILL", "INT", "TERM", "HUP"] {
        let world = World::new();
        let pid = world.folder().join("clients/pid");
        // It does not care about signals that it can ignore.
        world.client(
            "npm",
            &format!(
                "trap '' INT TERM HUP; sleep 600 & echo $$ $! > {}; echo x > \"$dest\"/part; wait",
                pid.display()
            ),
        );
        let mut process = Process::start(&world, "");
        process.wait_for("downloading");
        let pids = fs::read_to_string(pid).expect("the client has said their ids");
        let id = process.child.id().to_string();
        let killed = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(killed.expect("kill runs").success());
        process.child.wait().expect("it has ended");
        for pid in pids.split_whitespace() {
            wait_for_the_end_of(pid);
        }
    }
}

/// Fails if a process is still there after a while.
#[track_caller]
fn wait_for_the_end_of(pid: &str) {
    for _ in 0..1000 {
        let output = Command::new("ps").args(["-o", "stat=", "-p", pid]).output();
        let state = output.expect("ps runs").stdout;
        // Nobody may care to collect it.
        if state.is_empty() || state.starts_with(b"Z") {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{pid} is still there");
}

#[test]
fn an_installer_killed_while_it_unpacks_leaves_nothing_broken() {
    for step in ["unpacking", "verifying"] {
        let world = World::new();
        world.good_client(Client::Pip);
        let mut process = Process::start(&world, step);
        process.wait_for(step);
        process.kill();
        assert_eq!(names_in(&world.runtimes().join(".staging")).len(), 1);
        assert!(!world.root().exists());

        world.installer().install().expect("installed");
        assert_eq!(world.calls().len(), 2);
        world.assert_installed();
    }
}

#[test]
fn one_who_waits_takes_over_from_one_who_is_killed() {
    let world = World::new();
    world.good_client(Client::Pip);
    let mut killed = Process::start(&world, "unpacking");
    killed.wait_for("unpacking");
    let mut waits = Process::start(&world, "");
    waits.wait_for("waiting");
    killed.kill();
    waits.wait_for("unpacking");
    waits.wait_for(&format!(
        "installed {}",
        world.root().join("bin/codex").display()
    ));
    world.assert_installed();
}

#[test]
fn a_lock_that_is_never_released_is_an_error_that_names_it() {
    let world = World::new();
    world.good_client(Client::Pip);
    fs::create_dir_all(world.runtimes()).expect("made");
    let path = world.runtimes().join(".lock");
    let file = File::create(&path).expect("made");
    file.lock().expect("locked");
    let error = world
        .installer()
        .lock_timeout(Duration::from_millis(10))
        .install()
        .expect_err("it is locked");
    assert!(
        matches!(&error, Error::Locked { path: told } if *told == path),
        "{error:?}"
    );
    assert!(world.calls().is_empty());
}

#[test]
fn an_installed_runtime_is_given_without_waiting_for_the_lock() {
    let world = World::new();
    world.good_client(Client::Pip);
    world.installer().install().expect("installed");
    let file = File::options()
        .write(true)
        .open(world.runtimes().join(".lock"))
        .expect("opened");
    file.lock().expect("locked");
    world
        .installer()
        .lock_timeout(Duration::ZERO)
        .install()
        .expect("found");
}
