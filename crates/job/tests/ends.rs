//! What is in a job ends with it.

#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use openai_codex_job::Job;

/// The file that a process holds locked for as long as it runs, and what it is to do.
const LOCK: &str = "OPENAI_CODEX_TEST_LOCK";
const ROLE: &str = "OPENAI_CODEX_TEST_ROLE";

/// Not a test of its own: the others start it as a process that they can end.
#[test]
fn the_process_that_other_tests_start() {
    let (Some(lock), Ok(role)) = (std::env::var_os(LOCK), std::env::var(ROLE)) else {
        return;
    };
    let lock = Path::new(&lock);
    match role.as_str() {
        "holds" => {
            let file = File::options().write(true).open(lock).unwrap();
            file.lock().unwrap();
            loop {
                thread::park();
            }
        }
        "starts one that holds" => drop(start("holds", lock).wait()),
        "has a job" => {
            let job = Job::new().unwrap();
            let mut child = start("starts one that holds", lock);
            job.add(&child).unwrap();
            drop(child.wait());
        }
        other => panic!("{other}"),
    }
}

fn start(role: &str, lock: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_other_tests_start"])
        .env(LOCK, lock)
        .env(ROLE, role)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until somebody holds the file, or nobody does any more.
#[track_caller]
fn wait_until_held(held: bool, lock: &Path) {
    for _ in 0..1000 {
        // Opened anew each time, so that it is not held from here.
        let file = File::options().write(true).open(lock).unwrap();
        if file.try_lock().is_err() == held {
            return;
        }
        drop(file);
        thread::sleep(Duration::from_millis(20));
    }
    panic!(
        "the file is {}",
        if held { "not held" } else { "still held" }
    );
}

#[test]
fn what_a_child_has_started_ends_when_the_job_is_dropped() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let job = Job::new().unwrap();
    let mut child = start("starts one that holds", lock.path());
    job.add(&child).unwrap();
    wait_until_held(true, lock.path());
    drop(job);
    wait_until_held(false, lock.path());
    child.wait().unwrap();
}

#[test]
fn what_a_child_has_left_running_ends_when_it_is_told_to() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let job = Job::new().unwrap();
    let mut child = start("starts one that holds", lock.path());
    job.add(&child).unwrap();
    wait_until_held(true, lock.path());
    child.kill().unwrap();
    child.wait().unwrap();
    job.end().unwrap();
    wait_until_held(false, lock.path());
    assert!(job.add(&child).is_err(), "it has ended");
}

#[test]
fn a_job_ends_with_the_process_that_has_it() {
    let lock = tempfile::NamedTempFile::new().unwrap();
    let mut owner = start("has a job", lock.path());
    wait_until_held(true, lock.path());
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_until_held(false, lock.path());
}
