//! What a runtime that tells no version understands: it is asked for its own schema.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::error::{Error, ErrorKind, Result};
use crate::process::LaunchOptions;

/// How long the runtime may take to write its schema. It takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// The params with members that older runtimes ignore.
const PARAMS: [&str; 3] = ["TurnStartParams", "ThreadResumeParams", "ThreadForkParams"];

/// A build of the runtime, such as one from a checkout, whose schema is asked for once.
pub(crate) struct Probe {
    launch: LaunchOptions,
    known: OnceCell<BTreeSet<String>>,
}

impl Probe {
    pub(crate) fn new(launch: LaunchOptions) -> Self {
        Self {
            launch,
            known: OnceCell::new(),
        }
    }

    /// Whether the schema of the params has a member, as `TurnStartParams.input`.
    pub(crate) async fn knows(&self, member: &str) -> Result<bool> {
        let known = self.known.get_or_try_init(|| self.members()).await?;
        Ok(known.contains(member))
    }

    async fn members(&self) -> Result<BTreeSet<String>> {
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
        let mut members = BTreeSet::new();
        for params in PARAMS {
            let path = folder.0.join("v2").join(params).with_extension("json");
            let schema = fs::read(path).map_err(|error| failed("wrote none").with_source(error))?;
            let schema: Value = serde_json::from_slice(&schema)
                .map_err(|error| failed("wrote one that cannot be read").with_source(error))?;
            let properties = schema["properties"].as_object().into_iter().flatten();
            members.extend(properties.map(|(name, _)| format!("{params}.{name}")));
        }
        Ok(members)
    }
}

/// A temporary folder, gone with this.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        static FOLDERS: AtomicU64 = AtomicU64::new(0);

        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let name = format!("openai-codex-schema-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}
