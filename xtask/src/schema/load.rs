//! Finding the bundle in a folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The bundle that holds everything; the flat v2 bundle lacks the server requests.
pub(crate) const BUNDLE: &str = "codex_app_server_protocol.schemas.json";
/// The canonical copy of it that the repository keeps.
pub(crate) const CANONICAL: &str = "app-server.json";

/// Reads the bundle from a folder as the runtime writes it, or as `schema/` keeps it.
pub(crate) fn load(folder: &Path) -> Result<Value> {
    for name in [BUNDLE, CANONICAL] {
        let path = folder.join(name);
        if path.is_file() {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            return serde_json::from_str(&text)
                .with_context(|| format!("{} is not JSON", path.display()));
        }
    }
    if !folder.is_dir() {
        bail!("{} is no folder", folder.display());
    }
    bail!(
        "no schema in {}: expected {BUNDLE}, as `codex app-server generate-json-schema --experimental --out DIR` writes it",
        folder.display()
    )
}
