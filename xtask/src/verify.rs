//! Whether a generated crate compiles.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// Runs `cargo check` on the crate in `out`, to which a warning is an error.
pub(crate) fn check(root: &Path, out: &Path) -> Result<()> {
    // The same versions as here, so that nothing has to be fetched.
    let lock = out.join("Cargo.lock");
    let ours = root.join("Cargo.lock");
    if !lock.exists() && ours.exists() {
        fs::copy(ours, &lock).with_context(|| format!("cannot write {}", lock.display()))?;
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["check", "--quiet", "--all-features", "--manifest-path"])
        .arg(out.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(crate::root().join("target/verify"))
        .env("RUSTFLAGS", "-D warnings")
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!(
            "what was written to {} does not compile: see above",
            out.display()
        );
    }
    println!("{} compiles", out.display());
    Ok(())
}
