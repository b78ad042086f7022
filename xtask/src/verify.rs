//! Whether a generated crate compiles, and its examples run.

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
    if !cargo(out, &["check"])? {
        bail!(
            "what was written to {} does not compile: see above",
            out.display()
        );
    }
    println!("{} compiles", out.display());
    Ok(())
}

/// Runs the tests in the documentation of the crate in `out`.
pub(crate) fn documentation(out: &Path) -> Result<()> {
    if !cargo(out, &["test", "--doc"])? {
        bail!(
            "the examples in the documentation of {} fail: see above",
            out.display()
        );
    }
    Ok(())
}

fn cargo(out: &Path, arguments: &[&str]) -> Result<bool> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(arguments)
        .args(["--quiet", "--all-features", "--manifest-path"])
        .arg(out.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(crate::root().join("target/verify"))
        .env("RUSTFLAGS", "-D warnings")
        .status()
        .context("cannot run cargo")?;
    Ok(status.success())
}
