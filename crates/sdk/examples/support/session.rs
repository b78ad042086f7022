//! For the tests: a demo that is recorded, and one that is replayed without
//! runtime and model. `tests/examples.rs` sets the variables.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, fs, process, thread};

use openai_codex_testkit::Replay;

/// How this program is told to be the server: with a recording after it.
const SERVER: &str = "--replay-server";

/// How often the server says what it waits for.
const BEAT: Duration = Duration::from_millis(10);

/// A folder with a recording for each client that the demo starts.
pub(crate) struct Session {
    folder: PathBuf,
    pub(crate) is_replay: bool,
    clients: AtomicUsize,
}

impl Session {
    /// The one that the environment names.
    pub(crate) fn from_env() -> Option<Self> {
        let of = |name: &str, is_replay| {
            env::var_os(name).map(|folder| Self {
                folder: folder.into(),
                is_replay,
                clients: AtomicUsize::new(0),
            })
        };
        of("EXAMPLE_RECORD", false).or_else(|| of("EXAMPLE_REPLAY", true))
    }

    /// The recording of the next client.
    pub(crate) fn next(&self) -> PathBuf {
        let number = self.clients.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!("{number}.jsonl"))
    }

    /// The command line of a server that replays the next client's recording.
    pub(crate) fn server(&self) -> super::Result<[PathBuf; 3]> {
        Ok([env::current_exe()?, SERVER.into(), self.next()])
    }

    /// Remembers the folder that the agent worked in.
    pub(crate) fn keep_workspace(&self, workspace: &Path) -> super::Result {
        let text = workspace.to_str().ok_or("the path is not UTF-8")?;
        Ok(fs::write(self.folder.join("workspace"), text)?)
    }

    /// The folder that the agent worked in, empty again.
    pub(crate) fn workspace(&self) -> super::Result<PathBuf> {
        let workspace = PathBuf::from(fs::read_to_string(self.folder.join("workspace"))?);
        fs::create_dir_all(&workspace)?;
        Ok(workspace)
    }

    /// Waits until the recorded user broke the turn off.
    pub(crate) async fn interrupt(&self) {
        let newest = self.clients.load(Ordering::Relaxed).saturating_sub(1);
        let awaited = self.folder.join(format!("{newest}.awaited"));
        while !fs::read_to_string(&awaited).is_ok_and(|text| text.contains("turn/interrupt")) {
            tokio::time::sleep(BEAT).await;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_replay
            && let Ok(workspace) = self.workspace()
        {
            // A folder that stays is in nobody's way.
            drop(fs::remove_dir_all(&workspace));
            drop(workspace.parent().map(fs::remove_dir));
        }
    }
}

/// Is the server, if this program was told so, and ends with it. What is awaited
/// of the client, and in the end nothing, stands in a file beside the recording.
pub(crate) fn serve() -> super::Result {
    let arguments: Vec<String> = env::args().collect();
    let [_, flag, recording] = &arguments[..] else {
        return Ok(());
    };
    if flag != SERVER {
        return Ok(());
    }
    let replay = Replay::open(recording)?;
    let awaited = Path::new(recording).with_extension("awaited");
    let state = || match replay.verify() {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                drop(fs::write(&awaited, state()));
                thread::sleep(BEAT);
            }
        });
        // What went wrong is what it still waits for.
        drop(replay.run_process());
        is_over.store(true, Ordering::Relaxed);
    });
    fs::write(&awaited, state())?;
    process::exit(0);
}
