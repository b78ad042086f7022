//! What an installation is doing: [`Progress`].

use std::path::Path;

use crate::install::client::Client;
use crate::install::process::ClientFailure;
use crate::release::Archive;

/// What an installation is doing right now.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is installing; this one waits for it. Told once.
    Waiting,
    /// A client downloads. Told at the start and then several times a second.
    Downloading {
        /// The client.
        client: Client,
        /// What it downloads.
        archive: &'a Archive,
        /// Where the runtime will lie.
        into: &'a Path,
        /// How many bytes have been written so far. uv unpacks while it downloads, so they count
        /// unpacked there.
        bytes: u64,
        /// How many there will be.
        total: u64,
    },
    /// A client has failed. The next one is tried, if there is one.
    Failed {
        /// What it said.
        failure: &'a ClientFailure,
    },
    /// The archive is compared with what was published, before it is unpacked.
    Checking,
    /// The archive is unpacked.
    Unpacking {
        /// How many bytes have been written so far.
        bytes: u64,
        /// How many there will be.
        total: u64,
    },
    /// The unpacked files are compared with what was published.
    Verifying,
}
