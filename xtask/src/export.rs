//! `export-schema`: the schema out of the pinned runtime.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;
use openai_codex_runtime::{Installer, Release};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::output::{self, Mode};
use crate::schema::stable::Stable;
use crate::schema::{canonical, load, normalise, vocabulary};
use crate::{install, root};

const COMMAND: &str = "cargo xtask export-schema";

#[derive(Args)]
pub(crate) struct Options {
    /// Compare with what is there instead of writing; fail on the first difference
    #[arg(long)]
    check: bool,
    /// Write what this binary exports to schema/runtimes/VERSION/, for comparison with the pinned runtime
    #[arg(long, value_name = "PATH")]
    codex_bin: Option<PathBuf>,
}

/// What a runtime says about its protocol.
pub(crate) struct Export {
    pub(crate) bundle: Value,
    pub(crate) stable: Stable,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mode = if options.check {
        Mode::Check
    } else {
        Mode::Write
    };
    match &options.codex_bin {
        Some(binary) => other(binary, mode),
        None => pinned(mode),
    }
}

/// Keeps what a runtime that is not the pinned one exports.
fn other(binary: &Path, mode: Mode) -> Result<()> {
    let version = version_of(binary)?;
    if version == openai_codex_runtime::VERSION {
        bail!("{version} is the pinned runtime: run {COMMAND} without --codex-bin");
    }
    let export = export(binary)?;
    let folder = root().join("schema/runtimes").join(&version);
    let command = format!("{COMMAND} --codex-bin {}", binary.display());
    let text = canonical::render_lines(&export.bundle);
    output::file(&folder.join(load::CANONICAL), &text, mode, &command)?;
    let text = canonical::render_lines(&export.stable.to_json());
    output::file(&folder.join("stable.json"), &text, mode, &command)?;
    println!(
        "codex {version}: what it exports is in {}",
        folder.display()
    );
    Ok(())
}

fn pinned(mode: Mode) -> Result<()> {
    let runtime = install::with(Installer::new().release(Release::pinned()))?;
    openai_codex_runtime::verify(&runtime)?;
    let export = export(runtime.binary())?;
    let folder = root().join("schema");
    let text = canonical::render(&export.bundle);
    output::file(&folder.join(load::CANONICAL), &text, mode, COMMAND)?;
    output::file(
        &folder.join("stable.json"),
        &export.stable.render(),
        mode,
        COMMAND,
    )?;
    let path = folder.join("runtime.lock.toml");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    output::file(&path, &with_hash(&lock, &sha256(&text)), mode, COMMAND)?;
    println!(
        "codex {}: schema/ {} what {} exports",
        openai_codex_runtime::VERSION,
        if mode == Mode::Check { "is" } else { "is now" },
        runtime.binary().display()
    );
    Ok(())
}

/// Exports both schemas from a binary, in their canonical form.
pub(crate) fn export(binary: &Path) -> Result<Export> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let stable = export_to(binary, folder.path(), "stable", &[])?;
    let bundle = export_to(binary, folder.path(), "experimental", &["--experimental"])?;
    Ok(Export {
        bundle: canonical::canonicalise(bundle),
        stable: Stable::of(&vocabulary::read(&normalise::flatten(stable)?)?)?,
    })
}

fn export_to(binary: &Path, folder: &Path, name: &str, flags: &[&str]) -> Result<Value> {
    let out: PathBuf = folder.join(name);
    // A home of its own: the user's configuration must not have a say.
    let output = Command::new(binary)
        .args(["app-server", "generate-json-schema"])
        .args(flags)
        .arg("--out")
        .arg(&out)
        .env("CODEX_HOME", folder)
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let said = match stderr.trim() {
            "" => "it said nothing",
            said => said,
        };
        bail!(
            "{} could not write its schema ({}): {said}",
            binary.display(),
            output.status
        );
    }
    load::load(&out)
        .with_context(|| format!("{} is not a codex that writes its schema", binary.display()))
}

/// The version that a binary reports.
pub(crate) fn version_of(binary: &Path) -> Result<String> {
    let output = Command::new(binary)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().last() {
        Some(version) if output.status.success() => Ok(version.to_owned()),
        _ => bail!("{} --version says no version", binary.display()),
    }
}

/// The sha256 of a text, in lowercase hexadecimal.
pub(crate) fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The lock file with another `schema_sha256`.
fn with_hash(lock: &str, hash: &str) -> String {
    let lines = lock
        .lines()
        .map(|line| match line.starts_with("schema_sha256 =") {
            true => format!("schema_sha256 = \"{hash}\"\n"),
            false => format!("{line}\n"),
        });
    lines.collect()
}
