//! The real runtime over a temporary home.

mod binary;
mod builder;
mod config;
mod folder;
mod leftovers;
mod template;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use self::binary::Binary;
pub use self::builder::{McpServer, TestRuntimeBuilder};
use crate::error::Result;
use crate::model::MockModel;

/// What comes after the binary: an app-server on stdin and stdout.
const ARGS: [&str; 3] = ["app-server", "--listen", "stdio://"];

/// Names the file that the SDK copies the runtime's stderr to.
const STDERR_VARIABLE: &str = "OPENAI_CODEX_STDERR";

/// How many of the last lines of stderr a failing test shows.
const SHOWN_LINES: usize = 40;

/// The real Codex runtime, set up to ask a [`MockModel`] and nobody else.
///
/// It owns a temporary `CODEX_HOME`, a temporary workspace to work in and a temporary `HOME`, and
/// knows the binary, the arguments and the environment to start it with; a client does the
/// starting: the SDK, or [`command`](Self::command) for one of your own. Nothing of the user's is
/// read (configuration, accounts, skills) and nothing goes to the network.
///
/// The binary is `$CODEX_BIN` if that is set, else the pinned runtime, which is installed the
/// first time, with a word about it on stderr.
///
/// All folders are removed on drop. Where a test was killed before that, a later one removes them
/// once they are an hour old. To look at them afterwards set `OPENAI_CODEX_TESTKIT_KEEP=1`, or call
/// [`keep`](TestRuntimeBuilder::keep); their place is then printed. When a test panics,
/// the last lines that the runtime wrote to [`stderr`](Self::stderr) are printed too.
///
/// # Examples
/// ```no_run
/// use openai_codex_testkit::{MockModel, TestRuntime};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let model = MockModel::start()?;
/// let runtime = TestRuntime::new(&model)?;
/// model.say("Hello.");
///
/// let mut server = runtime.command().spawn()?; // JSON lines on its stdin and stdout
/// # server.kill()?;
/// # Ok(())
/// # }
/// ```
pub struct TestRuntime {
    binary: Binary,
    /// Holds all the others.
    root: PathBuf,
    home: PathBuf,
    workspace: PathBuf,
    env: Vec<(OsString, OsString)>,
    keep: bool,
    /// Says that the folders are in use.
    claim: Option<File>,
}

impl TestRuntime {
    /// Sets up a runtime that asks this model.
    ///
    /// # Errors
    /// When there is no runtime and it cannot be installed, or the folders cannot be made.
    pub fn new(model: &MockModel) -> Result<Self> {
        Self::builder(model).build()
    }

    /// Sets up with options.
    pub fn builder(model: &MockModel) -> TestRuntimeBuilder {
        Self::builder_for(model.base_url())
    }

    /// Sets up for any provider of the Responses API, by its `base_url`.
    pub fn builder_for(base_url: impl AsRef<str>) -> TestRuntimeBuilder {
        TestRuntimeBuilder::new(base_url.as_ref())
    }

    /// The runtime's executable.
    pub fn binary(&self) -> &Path {
        &self.binary.path
    }

    /// Its `CODEX_HOME`.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The folder that it works in, empty at first.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The environment that it needs on top of what it inherits.
    pub fn env(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.env
            .iter()
            .map(|(key, value)| (key.as_os_str(), value.as_os_str()))
    }

    /// The arguments for an app-server on stdin and stdout.
    pub fn args(&self) -> [&'static str; 3] {
        ARGS
    }

    /// A command that starts it as an app-server: stdin and stdout piped, stderr written to the
    /// file that [`stderr`](Self::stderr) reads.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.binary());
        command
            .args(ARGS)
            .envs(self.env())
            // For the SDK, which would copy what goes to the file at once here.
            .env_remove(STDERR_VARIABLE)
            .current_dir(self.workspace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.log().map_or_else(|_| Stdio::null(), Stdio::from));
        command
    }

    /// What runtimes started by [`command`](Self::command), or by the SDK with the variables of
    /// [`env`](Self::env), have written to stderr so far.
    pub fn stderr(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn log(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
    }

    fn log_path(&self) -> PathBuf {
        self.root.join("stderr.log")
    }
}

impl fmt::Debug for TestRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntime")
            .field("root", &self.root)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

impl Drop for TestRuntime {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let stderr = self.stderr();
            let lines: Vec<&str> = stderr.lines().collect();
            if !lines.is_empty() {
                let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
                eprintln!(
                    "--- stderr of the Codex runtime ---\n{}\n---",
                    shown.join("\n")
                );
            }
        }
        if self.keep {
            eprintln!("kept the test runtime's folders: {}", self.root.display());
        } else {
            leftovers::remove(std::mem::take(&mut self.root), self.claim.take());
        }
    }
}

/// What keeps the runtime away from the user's own things and from the network.
fn isolation(codex_home: &Path, user_home: &Path) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = vec![
        ("CODEX_HOME".into(), codex_home.into()),
        // The databases belong to the home, wherever the user keeps theirs.
        ("CODEX_SQLITE_HOME".into(), codex_home.into()),
        // The user's skills, instructions and shell profile must not change a test.
        ("HOME".into(), user_home.into()),
        ("USERPROFILE".into(), user_home.into()),
        ("CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG".into(), "1".into()),
        ("RUST_LOG".into(), "warn".into()),
        // Its log is read by people and by assertions, not by a terminal.
        ("NO_COLOR".into(), "1".into()),
    ];
    // The model is on loopback, whatever proxy the machine has.
    let loopback = "127.0.0.1,localhost,::1";
    env.extend(["NO_PROXY", "no_proxy"].map(|name| (name.into(), loopback.into())));
    // An empty key counts as none.
    let keys = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"];
    env.extend(keys.map(|name| (name.into(), OsString::new())));
    env
}
