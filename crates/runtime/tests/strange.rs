//! What else may lie in a cache: links, pipes, and the folders of somebody else.

#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use openai_codex_runtime::{Client, Error, Runtime};

use crate::support::{BINARY, FILES, World, names_in};

/// What somebody keeps, and nobody else may touch.
const PRECIOUS: &str = "precious";

/// A folder of somebody, below which one has a name as the installer gives them.
fn somebodys_folder(world: &World) -> std::path::PathBuf {
    // Where the world does not look for what an installation has left.
    let folder = world.folder().join("clients/somebody");
    for name in ["notes", "123-456"] {
        fs::create_dir_all(folder.join(name)).expect("made");
        fs::write(folder.join(name).join("file"), PRECIOUS).expect("written");
    }
    folder
}

#[track_caller]
fn assert_untouched(folder: &Path) {
    assert_eq!(names_in(folder), ["123-456", "notes"]);
    for name in ["notes", "123-456"] {
        let text = fs::read_to_string(folder.join(name).join("file"));
        assert_eq!(text.expect("it is still there"), PRECIOUS);
    }
}

/// Runs something that may not wait for the other end of a pipe.
#[track_caller]
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || drop(done.send(work())));
    result
        .recv_timeout(Duration::from_secs(30))
        .expect("it does not hang")
}

#[track_caller]
fn install(world: &World) -> Result<Runtime, Error> {
    let installer = world.installer();
    in_time(move || installer.install())
}

#[track_caller]
fn locate(world: &World) -> Option<Runtime> {
    let (cache, release) = (world.cache(), world.release.clone());
    in_time(move || cache.locate_release(&release, &release.platforms[0])).expect("it can be read")
}

#[track_caller]
fn pipe_at(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success());
}

/// Puts something into the cache, and checks that it stops the installer before it does anything.
#[track_caller]
fn check_in_the_way(path: &str, is: &str, put: impl FnOnce(&Path, &Path)) {
    let world = World::new();
    world.good_client(Client::Pip);
    let folder = somebodys_folder(&world);
    let path = world.runtimes().join(path);
    fs::create_dir_all(path.parent().expect("it has one")).expect("made");
    put(&folder, &path);
    let error = install(&world).expect_err("it is in the way");
    let Error::InTheWay { path: told, found } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((told.as_path(), *found), (path.as_path(), is));
    let text = error.to_string();
    assert!(text.contains("OPENAI_CODEX_CACHE"), "{text}");
    assert!(world.calls().is_empty(), "nothing is downloaded");
    assert!(fs::symlink_metadata(&path).is_ok(), "it is left alone");
    assert_untouched(&folder);
    assert!(locate(&world).is_none());
}

#[test]
fn a_link_where_a_folder_of_ours_should_be_is_not_followed() {
    for path in [".staging", ""] {
        check_in_the_way(path, "a link", |folder, path| {
            let path = path.components().as_path();
            // The parent of all has been made for what lies in it.
            let _ = fs::remove_dir(path);
            symlink(folder, path).expect("linked");
        });
    }
    check_in_the_way(".staging", "a link", |_, path| {
        symlink("nowhere", path).expect("linked");
    });
}

#[test]
fn a_lock_that_is_no_plain_file_is_neither_followed_nor_waited_for() {
    check_in_the_way(".lock", "a link", |folder, path| {
        symlink(folder.join("notes/file"), path).expect("linked");
    });
    // Its target would be made.
    check_in_the_way(".lock", "a link", |folder, path| {
        symlink(folder.join("new"), path).expect("linked");
    });
    check_in_the_way(".lock", "a named pipe", |_, path| pipe_at(path));
    check_in_the_way(".lock", "a folder", |_, path| {
        fs::create_dir(path).expect("made");
    });
    check_in_the_way(".lock", "a link", |_, path| {
        symlink("/dev/null", path).expect("linked");
    });
    check_in_the_way(".lock", "a socket", |_, path| {
        drop(std::os::unix::net::UnixListener::bind(path).expect("bound"));
    });
}

#[test]
fn the_cache_folder_itself_may_be_a_link() {
    let world = World::new();
    world.good_client(Client::Pip);
    let elsewhere = world.folder().join("clients/elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    symlink(&elsewhere, world.folder().join("cache")).expect("linked");
    install(&world).expect("installed");
    world.assert_installed();
}

#[test]
fn only_what_an_installer_has_made_is_swept() {
    let world = World::new();
    world.good_client(Client::Pip);
    let staging = world.runtimes().join(".staging");
    let folder = somebodys_folder(&world);
    fs::create_dir_all(staging.join("12-34")).expect("made");
    fs::write(staging.join("12-34/file"), PRECIOUS).expect("written");
    fs::create_dir(staging.join("notes")).expect("made");
    fs::write(staging.join("56-78"), PRECIOUS).expect("written");
    symlink(&folder, staging.join("90-12")).expect("linked");
    // Made, and then killed before anything was in it.
    fs::create_dir(staging.join("34-56")).expect("made");
    // Killed at work.
    fs::create_dir(staging.join("78-90")).expect("made");
    fs::write(staging.join("78-90/.made-by-openai-codex-runtime"), "").expect("written");
    fs::create_dir(staging.join("78-90/download")).expect("made");
    symlink(&folder, staging.join("78-90/link")).expect("linked");

    install(&world).expect("installed");
    assert_eq!(names_in(&staging), ["12-34", "56-78", "90-12", "notes"]);
    assert_eq!(names_in(&staging.join("12-34")), ["file"]);
    assert_untouched(&folder);
}

/// Puts something in the place of the runtime or into it, and checks that it counts as not
/// installed, and that a runtime is installed all the same.
#[track_caller]
fn check_replaced(put: impl FnOnce(&World, &Path)) -> World {
    let world = World::new();
    world.good_client(Client::Pip);
    install(&world).expect("installed");
    let folder = somebodys_folder(&world);
    put(&world, &folder);
    assert!(locate(&world).is_none());
    install(&world).expect("installed anew");
    assert_eq!(world.calls().len(), 2);
    world.assert_installed();
    assert!(
        !fs::symlink_metadata(world.root())
            .expect("it is there")
            .is_symlink()
    );
    assert_untouched(&folder);
    world
}

/// What has been set aside.
#[track_caller]
fn set_aside(world: &World) -> std::path::PathBuf {
    let names = names_in(&world.runtimes());
    let mut aside = names.iter().filter(|name| name.contains(".set-aside-"));
    let name = aside.next().expect("something is set aside");
    assert_eq!(aside.next(), None);
    world.runtimes().join(name)
}

#[test]
fn what_is_no_runtime_is_set_aside_and_not_removed() {
    let world = check_replaced(|world, folder| {
        fs::remove_dir_all(world.root()).expect("removed");
        symlink(folder, world.root()).expect("linked");
    });
    assert!(
        fs::symlink_metadata(set_aside(&world))
            .expect("it is there")
            .is_symlink()
    );

    let world = check_replaced(|world, _| {
        fs::remove_dir_all(world.root()).expect("removed");
        fs::create_dir(world.root()).expect("made");
        fs::write(world.root().join("file"), PRECIOUS).expect("written");
    });
    assert_eq!(names_in(&set_aside(&world)), ["file"]);
}

#[test]
fn a_list_of_sums_that_is_no_plain_file_makes_no_runtime() {
    let sums = |world: &World| world.root().join("SHA256SUMS");
    check_replaced(|world, _| {
        fs::remove_file(sums(world)).expect("removed");
        pipe_at(&sums(world));
    });
    check_replaced(|world, _| {
        fs::remove_file(sums(world)).expect("removed");
        fs::create_dir(sums(world)).expect("made");
    });
    check_replaced(|world, _| {
        // The right content, somewhere else.
        fs::rename(sums(world), world.root().join("moved")).expect("moved");
        symlink("moved", sums(world)).expect("linked");
    });
    check_replaced(|world, _| {
        // One that would not fit into memory.
        let file = fs::File::options()
            .write(true)
            .open(sums(world))
            .expect("opened");
        file.set_len(1 << 40).expect("made large");
    });
}

#[test]
fn a_runtime_with_a_link_on_the_way_to_a_file_is_none() {
    check_replaced(|world, _| {
        let bin = world.root().join("bin");
        fs::rename(&bin, world.root().join("moved")).expect("moved");
        symlink("moved", &bin).expect("linked");
    });
    check_replaced(|world, _| {
        // All of it, with the right content.
        let moved = world.folder().join("clients/moved");
        fs::rename(world.root(), &moved).expect("moved");
        symlink(moved, world.root()).expect("linked");
    });
}

#[test]
fn verify_does_not_wait_for_a_pipe() {
    for (path, ..) in FILES {
        let world = World::new();
        world.good_client(Client::Pip);
        let runtime = install(&world).expect("installed");
        fs::remove_file(world.root().join(path)).expect("removed");
        pipe_at(&world.root().join(path));
        let verified = in_time(move || openai_codex_runtime::verify(&runtime));
        let error = verified.expect_err("it is a pipe");
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(locate(&world).is_none());
    }
}

#[test]
fn an_archive_that_is_no_plain_file_is_none() {
    let deliveries = [
        "mkfifo \"$dest\"/made_up.whl",
        "mkdir \"$dest\"/made_up.whl",
        "ln -s /dev/zero \"$dest\"/made_up.whl",
        "ln -s ../../../../../made_up-1.2.3-py3-none-any.whl \"$dest\"/made_up.whl",
    ];
    for script in deliveries {
        let world = World::new();
        world.client("pip", script);
        let error = install(&world).expect_err("there is no archive");
        assert!(
            error.to_string().ends_with("pip delivered nothing"),
            "{script}: {error}"
        );
        world.assert_not_installed();
    }
}

#[test]
fn what_uv_has_unpacked_is_not_waited_for() {
    let world = World::new();
    let pipe = format!("cd \"$dest\"/codex_cli_bin; rm {BINARY}; mkfifo {BINARY}");
    world.client("uv", &world.uv_that_unpacks(&pipe));
    let error = install(&world).expect_err("a file is a pipe");
    assert!(matches!(error, Error::UnsafeEntry { .. }), "{error:?}");
    world.assert_not_installed();
}

/// Set in the process that installs under another umask.
const WORLD: &str = "OPENAI_CODEX_TEST_UMASK_WORLD";

/// Not a test of its own: the next one starts it under a umask that allows everything.
#[test]
fn the_process_that_runs_under_another_umask() {
    let Some(folder) = std::env::var_os(WORLD) else {
        return;
    };
    let installed = World::open(folder.as_ref()).installer().install();
    installed.expect("installed");
}

#[test]
fn nobody_else_may_write_what_is_installed_whatever_the_umask_allows() {
    for client in [Client::Uv, Client::Pip, Client::Npm] {
        let world = World::new();
        world.good_client(client);
        let suid = "chmod 4777 \"$dest\"/codex_cli_bin/bin/codex";
        if client == Client::Uv {
            world.client("uv", &world.uv_that_unpacks(suid));
        }
        let output = Command::new("/bin/sh")
            .args([
                "-c",
                "umask 000; exec \"$0\" --exact the_process_that_runs_under_another_umask",
            ])
            .arg(std::env::current_exe().expect("this program"))
            .env(WORLD, world.folder())
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{output:?}");
        world.assert_installed();
        let mut found = vec![world.folder().join("cache")];
        let mut seen = 0;
        while let Some(path) = found.pop() {
            let meta = fs::symlink_metadata(&path).expect("it is there");
            let mode = meta.permissions().mode();
            assert_eq!(mode & 0o7022, 0, "{mode:o} {}", path.display());
            seen += 1;
            if meta.is_dir() {
                found.extend(names_in(&path).iter().map(|name| path.join(name)));
            }
        }
        assert!(seen > 10, "{seen}");
        let staging = fs::metadata(world.runtimes().join(".staging")).expect("it is there");
        assert_eq!(staging.permissions().mode() & 0o777, 0o700);
    }
}
