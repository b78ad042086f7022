//! Releases that are not published for every client.

#![cfg(unix)]

mod support;

use openai_codex_runtime::{Client, Error, Installer, Release};

use crate::support::World;

/// A newer release for npm alone, and an older one for uv and pip alone.
fn releases(world: &World) -> Vec<Release> {
    let (mut newer, mut older) = (world.release.clone(), world.release.clone());
    newer.version = "2.0.0".into();
    newer.platforms.to_mut()[0].wheel = None;
    older.platforms.to_mut()[0].npm = None;
    vec![newer, older]
}

fn installer(world: &World) -> Installer {
    world.installer().releases(releases(world))
}

#[test]
fn the_newest_that_a_client_can_have_is_installed() {
    for (client, version) in [
        (Client::Uv, "1.2.3"),
        (Client::Pip, "1.2.3"),
        (Client::Npm, "2.0.0"),
    ] {
        let world = World::new();
        world.good_client(client);
        let runtime = installer(&world).install().expect("installed");
        assert_eq!(runtime.version(), version, "{client}");
        openai_codex_runtime::verify(&runtime).expect("it is what was published");
        // What is there is not fetched again.
        installer(&world).install().expect("installed");
        assert_eq!(world.calls().len(), 1, "{client}");
    }
}

#[test]
fn the_pinned_one_is_installed_as_soon_as_its_client_is_there() {
    let world = World::new();
    world.good_client(Client::Pip);
    let runtime = installer(&world).install().expect("installed");
    assert_eq!(runtime.version(), "1.2.3");
    let note = runtime.instead_of_pinned().expect("it is another one");
    for part in [
        "codex 1.2.3 is used",
        openai_codex_runtime::VERSION,
        "openai-codex-runtime install",
    ] {
        assert!(note.contains(part), "no {part} in: {note}");
    }
    world.good_client(Client::Npm);
    let runtime = installer(&world).install().expect("installed");
    assert_eq!(runtime.version(), "2.0.0");
}

#[test]
fn a_client_that_fails_is_followed_by_the_next_release_and_a_wrong_archive_is_not() {
    let world = World::new();
    world.client("npm", "echo 'no network' >&2; exit 1");
    world.good_client(Client::Pip);
    let runtime = installer(&world).install().expect("installed");
    assert_eq!(runtime.version(), "1.2.3");

    let world = World::new();
    world.client("npm", "echo something else > \"$dest\"/x.tgz");
    world.good_client(Client::Pip);
    let error = installer(&world).install().expect_err("refused");
    assert!(matches!(error, Error::HashMismatch { .. }), "{error}");
    assert_eq!(world.calls().len(), 1);
}

#[test]
fn where_nothing_can_be_had_the_failure_of_the_newest_is_told() {
    let world = World::new();
    let error = installer(&world).install().expect_err("no client");
    assert!(matches!(error, Error::NoClient { .. }), "{error}");
    world.client("npm", "echo 'no such version' >&2; exit 1");
    let error = installer(&world).install().expect_err("it fails");
    assert!(error.to_string().contains("no such version"), "{error}");
    // A release that was asked for is not replaced.
    let world = World::new();
    world.good_client(Client::Pip);
    let newer = releases(&world).remove(0);
    let error = world.installer().release(newer).install();
    assert!(matches!(error, Err(Error::NoClient { .. })), "{error:?}");
}
