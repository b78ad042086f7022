//! Archives that hold more than they should, anywhere.

mod support;

use std::error::Error as _;
use std::io::{self, Read as _};

use openai_codex_runtime::{Client, Error};

use crate::support::{Entry, FILES, World, zip_of};

const ROOT: &str = "package/vendor/any";
const LARGE: u64 = 2 << 20;

type Tar = tar::Builder<flate2::write::GzEncoder<Vec<u8>>>;

fn header(kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

fn zeros(tar: &mut Tar, name: &str, kind: tar::EntryType, size: u64) {
    let mut header = header(kind, size);
    tar.append_data(&mut header, name, io::repeat(0).take(size))
        .expect("memory takes all writes");
}

/// A good npm package with something more in it.
fn package(first: bool, more: impl Fn(&mut Tar)) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    if first {
        more(&mut tar);
    }
    for (path, text, mode) in FILES {
        let mut header = header(tar::EntryType::Regular, text.len() as u64);
        header.set_mode(mode);
        tar.append_data(&mut header, format!("{ROOT}/{path}"), text.as_bytes())
            .expect("memory takes all writes");
    }
    if !first {
        more(&mut tar);
    }
    tar.into_inner()
        .and_then(flate2::write::GzEncoder::finish)
        .expect("memory takes all writes")
}

#[track_caller]
fn check(world: &World, client: Client, good: bool) {
    world.good_client(client);
    let installed = world.installer().install();
    if good {
        installed.expect("installed");
        return world.assert_installed();
    }
    let error = installed.expect_err("it holds too much");
    let Error::BadArchive { .. } = &error else {
        panic!("{error:?}")
    };
    let reason = error.source().expect("it has a reason").to_string();
    assert_eq!(reason, "holds more than was published");
    world.assert_not_installed();
}

#[track_caller]
fn check_tar(good: bool, more: impl Fn(&mut Tar)) {
    for first in [true, false] {
        let world = World::with_archives(b"", &package(first, &more));
        check(&world, Client::Npm, good);
    }
}

#[track_caller]
fn check_zip(good: bool, more: &[Entry]) {
    let mut entries: Vec<_> = FILES
        .map(|(path, text, mode)| Entry::file(&format!("codex_cli_bin/{path}"), text, mode))
        .into();
    entries.extend_from_slice(more);
    check(
        &World::with_archives(&zip_of(&entries), b""),
        Client::Pip,
        good,
    );
}

#[test]
fn what_a_tar_holds_beside_its_root_is_bounded() {
    let regular = tar::EntryType::Regular;
    check_tar(true, |tar| zeros(tar, "package/README.md", regular, 30_000));
    check_tar(false, |tar| zeros(tar, "package/README.md", regular, LARGE));
    check_tar(false, |tar| {
        for i in 0..40 {
            zeros(tar, &format!("package/{i}"), regular, 30_000);
        }
    });
}

#[test]
fn what_describes_the_entries_of_a_tar_is_bounded() {
    let directory = tar::EntryType::Directory;
    check_tar(true, |tar| zeros(tar, "package/docs", directory, 0));
    // A folder has no content, and so nobody counts it.
    check_tar(false, |tar| zeros(tar, "package/docs", directory, LARGE));
    // A name as long as a book, by GNU's and by POSIX's way to write long ones.
    for kind in [b'L', b'x', b'g'] {
        check_tar(false, |tar| {
            let mut header = header(tar::EntryType::new(kind), LARGE);
            tar.append_data(&mut header, "long", io::repeat(b'a').take(LARGE))
                .expect("memory takes all writes");
            zeros(tar, "package/README.md", tar::EntryType::Regular, 1);
        });
    }
}

#[test]
fn an_archive_has_no_more_entries_than_a_release_could() {
    check_tar(false, |tar| {
        for i in 0..1_100 {
            zeros(tar, &format!("{ROOT}/{i}"), tar::EntryType::Regular, 0);
        }
    });
    check_tar(false, |tar| {
        for i in 0..1_100 {
            zeros(tar, &format!("package/{i}"), tar::EntryType::Directory, 0);
        }
    });
    let many = |folder: &str| -> Vec<_> {
        (0..1_100)
            .map(|i| Entry::file(&format!("{folder}/{i}"), "", 0o644))
            .collect()
    };
    check_zip(false, &many("codex_cli_bin"));
    check_zip(false, &many("elsewhere"));
}

#[test]
fn what_a_wheel_holds_beside_its_root_is_bounded() {
    let file = |size: u64| {
        let text = "x".repeat(usize::try_from(size).expect("it fits"));
        [Entry::file("made_up-1.2.3.dist-info/RECORD", &text, 0o644)]
    };
    check_zip(true, &file(30_000));
    check_zip(false, &file(LARGE));
}
