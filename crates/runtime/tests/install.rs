//! Installing a made-up release through made-up clients.

mod support;

use std::fs;
use std::sync::{Arc, Mutex};

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
    // A batch file is given some of them in quotes.
    let call = call.replace('"', "");
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
        fs::remove_dir_all(world.root()).expect("removed");
        fs::write(world.root(), "a file where a folder should be").expect("written");
    });
}

#[cfg(unix)]
#[test]
fn a_runtime_whose_permissions_or_links_are_wrong_is_installed_anew() {
    use std::os::unix::fs::PermissionsExt as _;

    check_damage(|world| {
        let mode = fs::Permissions::from_mode(0o644);
        fs::set_permissions(world.root().join(BINARY), mode).expect("our own file");
    });
    check_damage(|world| {
        let binary = world.root().join(BINARY);
        fs::rename(&binary, world.root().join("moved")).expect("moved");
        std::os::unix::fs::symlink("../moved", &binary).expect("linked");
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
fn folders_of_the_search_path_that_are_relative_do_not_count() {
    let world = World::new();
    let error = Installer::new()
        .cache(world.cache())
        .release(world.release.clone())
        .search_path(std::env::join_paths([".", "relative"]).expect("no separator"))
        .install()
        .expect_err("there is no client");
    assert!(matches!(error, Error::NoClient { .. }), "{error:?}");
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
