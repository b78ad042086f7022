//! `check-runtimes`: the types of every runtime whose export is kept.

use std::fs;

use anyhow::{Context, Result};

use crate::{generate, root, verify};

/// Generates the types of each runtime in `schema/runtimes/`, compiles them without a warning, and runs
/// the examples in their documentation.
pub(crate) fn run() -> Result<()> {
    let folder = root().join("schema/runtimes");
    let mut versions = Vec::new();
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        versions.push(entry?.file_name().to_string_lossy().into_owned());
    }
    versions.sort();
    for version in &versions {
        let out = root().join("target/runtimes").join(version);
        generate::run(&generate::Options::of_kept(
            folder.join(version),
            version,
            &out,
        ))?;
        verify::documentation(&out)?;
    }
    println!(
        "the types of {} compile, and their examples run",
        versions.join(", ")
    );
    Ok(())
}
