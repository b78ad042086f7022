//! `check-runtimes`: the types of every runtime whose export is kept.

use anyhow::Result;

use crate::{generate, kept, root, verify};

/// Generates the types of each runtime in `schema/runtimes/`, compiles them without a warning, and runs
/// the examples in their documentation.
pub(crate) fn run() -> Result<()> {
    let kept = kept::others(&root().join("schema"))?;
    for (version, folder) in &kept {
        let version = version.text();
        let out = root().join("target/runtimes").join(version);
        generate::run(&generate::Options::of_kept(folder.clone(), version, &out))?;
        verify::documentation(&out)?;
    }
    let versions: Vec<_> = kept.iter().map(|(version, _)| version.text()).collect();
    println!(
        "the types of {} compile, and their examples run",
        versions.join(", ")
    );
    Ok(())
}
