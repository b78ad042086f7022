//! Finds, installs and verifies the [Codex](https://github.com/openai/codex) runtime that the
//! Rust SDK for Codex is made for.
//!
//! The SDK drives a program, `codex`, and each release of the SDK is made from one version of it:
//! [`VERSION`]. This crate knows that version, and older ones that are supported as well, the sha256
//! of every file that was published of them for each platform, and where on this machine they are
//! kept.
//!
//! # Finding it
//!
//! [`locate`] looks into the user's cache. It is quick, and needs no network.
//!
//! ```no_run
//! match openai_codex_runtime::locate()? {
//!     Some(runtime) => println!("{}", runtime.binary().display()),
//!     None => println!("run `openai-codex-runtime install` first"),
//! }
//! # Ok::<(), openai_codex_runtime::Error>(())
//! ```
//!
//! To start it, put [`Runtime::path_dir`] first on its `PATH`: there lies the `rg` that it comes
//! with.
//!
//! # Installing it
//!
//! On the command line, with the program of this package:
//!
//! ```text
//! cargo install openai-codex-runtime
//! openai-codex-runtime install
//! ```
//!
//! or in a program, with the feature `install`: see `Installer`.
//!
//! The download goes through the package client that the user has: `uv`, else `pip`, else `npm`.
//! So it comes from where the user's packages come from, through the same proxy, with the same
//! credentials. The mirror need not be trusted: what it delivers is compared with the sha256 in
//! this crate before it is unpacked, and the unpacked files once more. (uv cannot deliver the
//! archive itself, so there it is uv which compares it, with the sha256 given to it.)
//! Where no client can have the pinned version, as it is not published for it, the newest supported
//! one that can be had is installed instead: see [`Runtime::instead_of_pinned`].
//! Configuration for the user and the environment count; a configuration file in the current
//! folder does not, since the client runs in a folder of its own.
//!
//! An installation downloads about 150 MB and takes about 380 MB of disk, and 530 MB while it is
//! at work. Several installers may run at once: one downloads and the others wait. One that is
//! killed leaves nothing that could be taken for a runtime, and the next one sweeps up. On Unix the
//! client is killed with it, and what the client started too, through a shell that watches over
//! them, or goes on to its end where there is no `/bin/sh`. On Windows a job object ends them.
//!
//! # Where it is kept
//!
//! In `$OPENAI_CODEX_CACHE` if that is set, or else in `openai-codex` in the platform's folder for
//! caches: see [`Cache::user`]. Versions lie side by side, and any folder may be deleted.
//!
//! The cache folder may be a link. Below it no link is followed, only plain files are opened, and
//! nothing is removed that an installer has not made: what stands in the way is an
//! [`Error::InTheWay`], and what stands in the place of a runtime without being one is set aside.
//!
//! # Features
//!
//! | feature | brings | crates |
//! |---|---|---|
//! | none | [`locate`], [`Cache`], [`Runtime`] | libc, on Unix |
//! | `verify` | `verify`: compare an installed runtime with what was published | sha2 |
//! | `install` | `Installer` | zip, tar, flate2 |
//! | `cli` (default) | the program `openai-codex-runtime` | clap, indicatif |

mod cache;
mod error;
mod files;
#[cfg(feature = "install")]
mod install;
#[rustfmt::skip]
mod pin;
mod release;
mod runtime;
#[cfg(feature = "verify")]
mod verify;

pub use cache::Cache;
pub use error::Error;
#[cfg(feature = "install")]
pub use install::{Client, ClientFailure, Installer, Progress};
pub use pin::VERSION;
pub use release::{Archive, PinnedFile, Platform, Release, current_target};
pub use runtime::Runtime;
#[cfg(feature = "verify")]
pub use verify::verify;

/// Its examples are tests.
#[cfg(all(doctest, feature = "install"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Finds the pinned runtime in the user's cache, else the newest supported one there; `None` when none is
/// installed.
///
/// The same as [`Cache::locate`] of [`Cache::user`].
///
/// # Errors
///
/// [`Error::NoCacheFolder`] when the environment names no place for a cache, and as
/// [`Cache::locate`]. A caller that knows other places to look at can go on to them.
pub fn locate() -> Result<Option<Runtime>, Error> {
    Cache::user()?.locate()
}
