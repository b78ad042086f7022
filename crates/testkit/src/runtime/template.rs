//! The warm home that each test home is copied from.
//!
//! A fresh home costs the runtime its database migrations and the unpacking of its skills, about
//! 90 ms of the 200 ms until `initialize` is answered; a copy costs about 5 ms. And two servers
//! that start on one fresh home at once race in the migrations, so that one of them exits
//! (0.163.0): with a warm home they do not.

// QUIRK(0.163.0, crates/testkit/tests/runtime.rs::several_servers_start_on_one_home_at_once):
// servers that start at once on a fresh home end each other.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::runtime::config::Config;
use crate::runtime::folder;

/// How long the runtime may take to warm a home. It takes a quarter of a second.
const BOUND: Duration = Duration::from_secs(20);

/// Part of the key: raise it when what the warm-up does changes.
const FORMAT: u32 = 1;

/// What the names of unfinished templates start with.
const DRAFT: &str = "draft";

/// One at a time in this process; other processes may make the same template, and one wins.
static MAKING: Mutex<()> = Mutex::new(());

/// Fills `home` from the template for `binary`, making the template first if there is none.
///
/// # Errors
/// The home is then as it was, or incomplete but usable: the runtime fills in what is missing.
pub(crate) fn fill(home: &Path, binary: &Path, cache: &Path) -> io::Result<()> {
    let template = cache.join(format!("home-{:016x}", key(binary)?));
    if !template.is_dir() {
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if !template.is_dir() {
            make(&template, binary, cache)?;
        }
    }
    folder::copy(&template, home, is_transient)
}

/// Which binary the template is for: another build may have other migrations.
fn key(binary: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(binary)?;
    let mut hasher = DefaultHasher::new();
    (FORMAT, binary, metadata.len(), metadata.modified().ok()).hash(&mut hasher);
    Ok(hasher.finish())
}

/// The shared memory of a database belongs to the processes that have it open.
fn is_transient(name: &OsString) -> bool {
    name.to_string_lossy().ends_with("-shm")
}

fn make(template: &Path, binary: &Path, cache: &Path) -> io::Result<()> {
    fs::create_dir_all(cache)?;
    // Another process may sweep at the same time, and what it removes first is gone here.
    drop(sweep(cache));
    let draft = folder::create_unique(cache, DRAFT)?;
    let made = warm(&draft, binary).and_then(|()| match fs::rename(&draft, template) {
        // Another process was faster.
        Err(_) if template.is_dir() => Ok(()),
        result => result,
    });
    folder::remove(&draft);
    made
}

/// Starts the runtime on a home, lets it make its databases, and waits for its end.
fn warm(home: &Path, binary: &Path) -> io::Result<()> {
    // Nothing listens there, and nothing asks.
    let config = Config::for_provider("http://127.0.0.1:9/v1");
    fs::write(home.join("config.toml"), config.render())?;
    let mut child = Command::new(binary)
        .args(super::ARGS)
        .current_dir(home)
        .envs(super::isolation(home, home))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let done = converse(&mut child);
    // Closing stdin ends the runtime; its databases are whole once it has gone.
    drop(child.stdin.take());
    let ended = wait(&mut child, BOUND);
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    fs::remove_file(home.join("config.toml"))?;
    done.and(ended)
}

/// The shortest session: the databases are there when `initialize` is answered.
fn converse(child: &mut Child) -> io::Result<()> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (tx, rx) = mpsc::sync_channel(64);
    // Ends with the child's stdout.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // What is no message answers nothing.
            let Ok(message) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            // Nobody listens any more: read on, so that the child is never blocked.
            drop(tx.try_send(message));
        }
    });
    let deadline = Instant::now() + BOUND;
    let client = json!({"name": "codex_testkit", "version": env!("CARGO_PKG_VERSION")});
    let params = json!({"clientInfo": client});
    let request = json!({"id": 1, "method": "initialize", "params": params});
    // One that is gone already is told of by its closed stdout.
    drop(writeln!(stdin, "{request}"));
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let message = rx.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::Error::from(io::ErrorKind::TimedOut),
            RecvTimeoutError::Disconnected => {
                io::Error::other("it ended before it answered; is it a Codex runtime?")
            }
        })?;
        if message["id"] == 1 && message.get("method").is_none() {
            return match message.get("error") {
                None => Ok(()),
                Some(error) => Err(io::Error::other(format!("initialize: {error}"))),
            };
        }
    }
}

fn wait(child: &mut Child, bound: Duration) -> io::Result<()> {
    let deadline = Instant::now() + bound;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // std can wait for a child with a bound by asking only.
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Removes what was left half-done: nobody works on a draft for an hour.
fn sweep(cache: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let is_draft = entry.file_name().to_string_lossy().starts_with(DRAFT);
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if is_draft && age > Duration::from_secs(3600) {
            folder::remove(&entry.path());
        }
    }
    Ok(())
}

/// Where templates are kept from run to run: beside the pinned runtime.
pub(crate) fn cache() -> PathBuf {
    let cache = openai_codex_runtime::Cache::user();
    cache
        .map_or_else(|_| std::env::temp_dir(), |cache| cache.path().to_owned())
        .join("testkit")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_runtime_is_told_at_once() {
        let home = folder::create_unique(&std::env::temp_dir(), "testkit-warm").unwrap();
        let began = Instant::now();
        let error = warm(&home, Path::new("/bin/sh")).unwrap_err();
        assert!(
            error.to_string().contains("is it a Codex runtime?"),
            "{error}"
        );
        assert!(began.elapsed() < BOUND);
        fs::remove_dir_all(home).unwrap();
    }
}
