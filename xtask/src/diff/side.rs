//! One side of the comparison: where its schema is found.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::surface::Surface;
use crate::kept;
use crate::lock::Lock;
use crate::schema::stable::Stable;
use crate::schema::{load, normalise, vocabulary};

/// A schema that is compared.
pub(crate) struct Side {
    /// What it was asked for by.
    pub(crate) name: String,
    pub(crate) surface: Surface,
    /// How many definitions there are, and how many of them are stable.
    pub(crate) definitions: usize,
}

impl Side {
    /// Looks for a folder, a version that is kept, and a git revision, in this order.
    pub(crate) fn find(root: &Path, name: &str) -> Result<Self> {
        let schema = root.join("schema");
        if Path::new(name).is_dir() {
            return Self::folder(name, Path::new(name));
        }
        let pin = Lock::parse(&read(&schema.join("runtime.lock.toml"))?)?.version;
        if name == pin {
            return Self::folder(name, &schema);
        }
        let others = kept::others(&schema)?;
        if let Some((_, folder)) = others.iter().find(|(version, _)| version.text() == name) {
            return Self::folder(name, folder);
        }
        if let Some(bundle) = of_revision(root, name, load::CANONICAL) {
            let stable = of_revision(root, name, "stable.json");
            let stable = stable.map(|text| Stable::parse(&text)).transpose()?;
            let bundle = serde_json::from_str(&bundle)
                .with_context(|| format!("{name}:schema/{} is not JSON", load::CANONICAL))?;
            return Self::of(name, bundle, stable.as_ref());
        }
        let versions = others.iter().map(|(version, _)| version.text());
        let versions: Vec<_> = [pin.as_str()].into_iter().chain(versions).collect();
        bail!(
            "{name} is neither a folder, nor one of the versions that are kept ({}), nor a git \
             revision with schema/{}; of another version: cargo xtask export-schema --codex-bin PATH",
            versions.join(", "),
            load::CANONICAL
        )
    }

    /// A folder as the runtime writes it, or as `schema/` keeps it. Without `stable.json` nothing tells what is stable.
    pub(crate) fn folder(name: &str, folder: &Path) -> Result<Self> {
        let stable = folder.join("stable.json");
        let stable = match stable.is_file() {
            true => Some(Stable::parse(&read(&stable)?)?),
            false => None,
        };
        Self::of(name, load::load(folder)?, stable.as_ref())
            .with_context(|| format!("in {}", folder.display()))
    }

    /// A schema that was read.
    pub(crate) fn of(name: &str, bundle: Value, stable: Option<&Stable>) -> Result<Self> {
        let definitions = vocabulary::read(&normalise::flatten(bundle)?)?;
        Ok(Self {
            name: name.to_owned(),
            surface: Surface::of(&definitions, stable)?,
            definitions: definitions.len(),
        })
    }
}

/// A file of `schema/` as it is in a git revision; `None` if there is none.
fn of_revision(root: &Path, revision: &str, file: &str) -> Option<String> {
    // What begins with a hyphen would be an option of git's.
    if revision.starts_with('-') {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["show", &format!("{revision}:schema/{file}")])
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
