//! What a runtime that tells no version understands: it is asked for its own schema.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openai_codex_connection::LaunchOptions;
use openai_codex_types::METHODS;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};

/// How long the runtime may take to write its schema. It takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// A build of the runtime, such as one from a checkout, whose schema is asked for once.
pub(crate) struct Probe {
    launch: LaunchOptions,
    /// Of each type of params that has members which older runtimes ignore, its members.
    known: OnceCell<BTreeMap<&'static str, BTreeSet<String>>>,
}

impl Probe {
    pub(crate) fn new(launch: LaunchOptions) -> Self {
        Self {
            launch,
            known: OnceCell::new(),
        }
    }

    /// Whether the schema of the params has a member.
    pub(crate) async fn knows(&self, params: &str, member: &str) -> Result<bool> {
        let known = self.known.get_or_try_init(|| self.members()).await?;
        Ok(known.get(params).is_some_and(|it| it.contains(member)))
    }

    async fn members(&self) -> Result<BTreeMap<&'static str, BTreeSet<String>>> {
        let failed = |what: &str| {
            let message =
                format!("a runtime without a version was asked for its schema, and {what}");
            Error::new(ErrorKind::InvalidInput, message)
        };
        let folder = Folder::new().map_err(|error| {
            failed("there is no folder for it in the system's temporary one").with_source(error)
        })?;
        let command = self.launch.schema_command(&folder.0);
        let command = command.map_err(|error| failed("cannot be started").with_source(error))?;
        let mut command = Command::from(command);
        let command = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        // What counts is what it has written.
        let ended = tokio::time::timeout(PATIENCE, command.status()).await;
        if ended.is_err() {
            return Err(failed("did not answer within 30 s"));
        }
        let mut members = BTreeMap::new();
        let asked = METHODS.iter().filter(|it| !it.newer_members.is_empty());
        for params in asked.map(|spec| spec.params) {
            let path = folder.0.join("v2").join(params).with_extension("json");
            // It does not know what it has no schema of.
            let Ok(schema) = fs::read(path) else { continue };
            let schema: Value = serde_json::from_slice(&schema)
                .map_err(|error| failed("wrote one that cannot be read").with_source(error))?;
            let properties = schema["properties"].as_object().into_iter().flatten();
            let names = properties.map(|(name, _)| name.clone()).collect();
            members.insert(params, names);
        }
        if members.is_empty() {
            return Err(failed("wrote none"));
        }
        Ok(members)
    }
}

/// A temporary folder, gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static FOLDERS: AtomicU64 = AtomicU64::new(0);

        loop {
            let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
            let name = format!("openai-codex-schema-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                // Left by a process that was killed and had the id that this one has: in
                // containers they are mostly the same.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_left_behind_is_in_nobodys_way() {
        let first = Folder::new().unwrap();
        let name = first.0.to_str().unwrap();
        let (begin, number) = name.rsplit_once('-').unwrap();
        let next = number.parse::<u64>().unwrap() + 1;
        let left = Folder(format!("{begin}-{next}").into());
        fs::create_dir(&left.0).unwrap();
        let second = Folder::new().unwrap();
        assert_ne!(second.0, left.0);
        assert!(second.0.is_dir());
    }
}
