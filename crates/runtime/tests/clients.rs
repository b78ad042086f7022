//! What clients may do other than deliver.

#![cfg(unix)]

mod support;

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openai_codex_runtime::{Client, Error, Progress};

use crate::support::World;

#[test]
fn clients_are_tried_in_order_until_one_delivers() {
    let world = World::new();
    world.client("uv", "echo 'error: uv has no network' >&2; exit 2");
    world.client("pip", "echo 'ERROR: pip found no version' >&2; exit 1");
    world.good_client(Client::Npm);
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    world
        .installer()
        .on_progress(move |progress| {
            if let Progress::Failed { failure } = progress {
                ear.lock().expect("unpoisoned").push(failure.to_string());
            }
        })
        .install()
        .expect("installed");
    world.assert_installed();
    let names: Vec<_> = world
        .calls()
        .iter()
        .filter_map(|call| call.split(' ').next().map(str::to_owned))
        .collect();
    assert_eq!(names, ["uv", "pip", "npm"]);
    assert_eq!(
        *told.lock().expect("unpoisoned"),
        [
            "uv failed with exit status: 2 (error: uv has no network)",
            "pip failed with exit status: 1 (ERROR: pip found no version)",
        ]
    );
}

#[test]
fn a_chosen_client_is_the_only_one_tried() {
    let world = World::new();
    world.good_client(Client::Pip);
    world.client("npm", "exit 1");
    let error = world
        .installer()
        .client(Client::Npm)
        .install()
        .expect_err("npm fails");
    assert!(matches!(error, Error::Download { failures } if failures.len() == 1));
    assert_eq!(world.calls().len(), 1);
    let error = world
        .installer()
        .client(Client::Uv)
        .install()
        .expect_err("no uv");
    assert!(matches!(error, Error::NoClient { searched } if searched == [Client::Uv]));
    world.assert_not_installed();
}

#[test]
fn when_all_clients_fail_each_is_reported_without_credentials() {
    let world = World::new();
    world.client("uv", "exit 7");
    world.client(
        "pip",
        "echo 'ERROR: 403 for https://me:hunter2@mirror.test/simple/' >&2; exit 1",
    );
    world.client("npm", "echo 'npm error //h/:_authToken=hunter2' >&2\necho 'npm error A complete log of this run is elsewhere' >&2; exit 3");
    let error = world.installer().install().expect_err("all fail");
    let text = error.to_string();
    assert_eq!(
        text,
        "the codex runtime could not be downloaded: uv failed with exit status: 7; \
         pip failed with exit status: 1 (ERROR: 403 for https://[redacted]@mirror.test/simple/); \
         npm failed with exit status: 3 (npm error //h/:_authToken=[redacted])"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    world.assert_not_installed();
}

#[test]
fn a_flood_on_standard_error_is_cut_to_its_end() {
    let world = World::new();
    world.client(
        "npm",
        "yes 'npm error noise' | head -c 3000000 >&2\necho 'npm error the reason' >&2; exit 1",
    );
    let error = world.installer().install().expect_err("npm fails");
    let Error::Download { failures } = &error else {
        panic!("{error:?}")
    };
    assert!(failures[0].stderr().len() <= 2048);
    assert!(failures[0].stderr().ends_with("npm error the reason"));
}

#[test]
fn a_python_without_pip_and_a_stand_in_that_fails_count_as_missing() {
    let world = World::new();
    world.program(
        "pip",
        "echo 'pip: command not found in this version' >&2; exit 127",
    );
    world.program("python3", "echo 'No module named pip' >&2; exit 1");
    let error = world.installer().install().expect_err("there is no client");
    assert!(matches!(error, Error::NoClient { .. }), "{error:?}");

    world.good_client(Client::Pip);
    fs::rename(
        world.folder().join("clients/pip"),
        world.folder().join("clients/python3"),
    )
    .expect("renamed");
    world.installer().install().expect("installed");
    assert!(
        world.calls()[0].starts_with("pip -m pip download "),
        "{:?}",
        world.calls()
    );
}

#[test]
fn a_client_that_stalls_is_ended_and_the_next_is_tried() {
    let world = World::new();
    world.client("uv", "echo waiting for nothing >&2; exec sleep 600");
    world.good_client(Client::Pip);
    let stalled = Arc::new(Mutex::new(None));
    let ear = Arc::clone(&stalled);
    world
        .installer()
        .stall_timeout(Duration::from_secs(2))
        .on_progress(move |progress| {
            if let Progress::Failed { failure } = progress {
                *ear.lock().expect("unpoisoned") = Some(failure.to_string());
            }
        })
        .install()
        .expect("installed");
    let stalled = stalled.lock().expect("unpoisoned").take();
    assert_eq!(
        stalled.as_deref(),
        Some("uv made no progress for 2 s (waiting for nothing)")
    );
    world.assert_installed();
}

#[test]
fn what_a_client_that_stalls_has_started_is_ended_too() {
    let world = World::new();
    let pid = world.folder().join("clients/pid");
    world.client(
        "pip",
        &format!("sleep 600 & echo $! > {}; wait", pid.display()),
    );
    let installer = world.installer().stall_timeout(Duration::from_secs(1));
    installer.install().expect_err("pip stalls");
    let pid = fs::read_to_string(pid).expect("pip has said its id");
    for _ in 0..1000 {
        let state = std::process::Command::new("ps")
            .args(["-o", "stat=", "-p", pid.trim()])
            .output();
        let state = state.expect("ps runs").stdout;
        if state.is_empty() || state.starts_with(b"Z") {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{pid} is still there");
}

#[test]
fn a_client_that_is_killed_by_a_signal_is_told_as_that() {
    let world = World::new();
    world.client("npm", "kill -s KILL $$");
    let error = world.installer().install().expect_err("npm is killed");
    assert!(error.to_string().contains("signal: 9"), "{error}");
    world.assert_not_installed();
}

#[test]
fn a_client_that_leaves_a_program_behind_does_not_hold_us_up() {
    let world = World::new();
    // It keeps standard error open for as long as it runs.
    world.client(
        "npm",
        &format!(
            "sleep 600 & echo $! > {}/log\nexit 1",
            world.folder().display()
        ),
    );
    let error = world.installer().install().expect_err("npm fails");
    let pid = world.calls().pop().expect("the pid");
    let killed = std::process::Command::new("kill")
        .arg(pid)
        .status()
        .expect("kill runs");
    assert!(killed.success(), "it was still running");
    assert!(matches!(error, Error::Download { .. }), "{error:?}");
}

#[test]
fn a_client_that_delivers_nothing_has_failed() {
    let world = World::new();
    world.client("uv", "exit 0");
    world.client("pip", "exit 0");
    let error = world
        .installer()
        .install()
        .expect_err("there is no archive");
    assert_eq!(
        error.to_string(),
        "the codex runtime could not be downloaded: uv delivered nothing; pip delivered nothing"
    );
    world.assert_not_installed();
}

#[test]
fn a_client_that_finds_the_disk_full_is_the_last_one() {
    let world = World::new();
    world.client(
        "pip",
        "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1",
    );
    world.good_client(Client::Npm);
    let error = world.installer().install().expect_err("the disk is full");
    assert!(matches!(error, Error::NoSpace { .. }), "{error:?}");
    assert_eq!(world.calls().len(), 1);
    world.assert_not_installed();
}

#[test]
fn a_client_sees_the_environment_and_keeps_its_files_in_the_cache() {
    let world = World::new();
    let report = world.folder().join("clients/report");
    world.client(
        "pip",
        &format!("echo $TMPDIR $PWD \"$HOME\" > {}\nexit 1", report.display()),
    );
    world.installer().install().expect_err("pip fails");
    let report = fs::read_to_string(report).expect("a report");
    let staging = world.runtimes().join(".staging").display().to_string();
    let words: Vec<_> = report.split_whitespace().collect();
    assert!(
        words[0].starts_with(&staging) && words[1].starts_with(&staging),
        "{report}"
    );
    assert_eq!(
        words.get(2).copied(),
        std::env::var("HOME").ok().as_deref(),
        "{report}"
    );
}
