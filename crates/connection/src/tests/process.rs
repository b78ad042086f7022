//! Children that misbehave, made of shell scripts.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::*;
use crate::Handshake;
use crate::error::ErrorKind;
use crate::process::{GRACE, LaunchOptions, Program};

/// A shell that answers the handshake before it runs a script. Its arguments
/// after the script mark it, to be found among the processes.
const HANDSHAKE: &str = r#"
    IFS= read -r line
    id=${line#*\"id\":}
    echo "{\"id\":${id%%,*},\"result\":{\"userAgent\":\"sh/1.2.3 (test)\"}}"
    IFS= read -r line
"#;

fn shell(script: &str) -> LaunchOptions {
    LaunchOptions {
        program: Program::Command(vec!["/bin/sh".into(), "-c".into(), script.into()]),
        ..LaunchOptions::default()
    }
}

async fn launch(script: &str) -> Result<(Connection, Handshake)> {
    launch_with(&shell(script)).await
}

async fn launch_with(options: &LaunchOptions) -> Result<(Connection, Handshake)> {
    let dispatcher: Arc<dyn Dispatcher> = Arc::new(Refuse);
    let connection_options = ConnectionOptions::default();
    Connection::launch(options, &connection_options, &dispatcher, &initialize()).await
}

fn pid(connection: &Connection) -> u32 {
    connection.core().child.as_ref().unwrap().process.id()
}

/// Whether there is such a process, dead or alive.
fn exists(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
        || cfg!(not(target_os = "linux"))
            && Command::new("kill")
                .args(["-0", &pid.to_string()])
                .status()
                .unwrap()
                .success()
}

#[track_caller]
fn assert_gone(pid: u32) {
    let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
    while exists(pid) {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::yield_now();
    }
}

/// Waits for the script to write a process id to a file.
fn read_pid(path: &std::path::Path) -> u32 {
    let deadline = Instant::now() + openai_codex_testkit::PATIENCE;
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if let Some(pid) = text.strip_suffix('\n') {
            return pid.parse().unwrap();
        }
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("codex-sdk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_child_that_exits_at_the_end_of_its_input_is_reaped_at_once() {
    let (connection, handshake) = launch(&format!("{HANDSHAKE} cat >/dev/null"))
        .await
        .unwrap();
    assert_eq!(handshake.runtime_version.as_deref(), Some("1.2.3"));
    let pid = pid(&connection);
    connection.close().await.unwrap();
    // By itself: nobody had to ask.
    assert!(connection.exit_status().success());
    assert!(!exists(pid));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn closing_is_bounded_when_the_child_reads_nothing_and_ignores_signals() {
    let script = format!("{HANDSHAKE} trap '' TERM HUP INT; while :; do sleep 1; done");
    let (connection, _) = launch(&script).await.unwrap();
    // More than any pipe holds.
    let long = raw(json!("x".repeat(1 << 20)));
    connection.notify("long", Some(&long)).await.unwrap();
    let pid = pid(&connection);
    let before = Instant::now();
    connection.close().await.unwrap();
    assert_eq!(connection.exit_status().signal(), Some(9));
    assert!(before.elapsed() >= 2 * GRACE, "{:?}", before.elapsed());
    assert!(!exists(pid));
}

#[tokio::test]
async fn a_child_that_needs_to_be_asked_is_asked() {
    let script = format!("{HANDSHAKE} trap 'exit 3' TERM; while :; do sleep 0.1; done");
    let (connection, _) = launch(&script).await.unwrap();
    let pid = pid(&connection);
    let before = Instant::now();
    connection.close().await.unwrap();
    // Asked, and not killed.
    assert_eq!(connection.exit_status().code(), Some(3));
    assert!(before.elapsed() >= GRACE, "{:?}", before.elapsed());
    assert!(!exists(pid));
}

/// Neither the last clone nor the runtime is there to see to it.
#[test]
fn the_child_ends_whoever_goes_first() {
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let script = format!("{HANDSHAKE} exec cat >/dev/null");
    let clone_first = |stubborn: bool| {
        let runtime = build();
        let script = match stubborn {
            false => script.clone(),
            true => format!("{HANDSHAKE} while :; do sleep 0.1; done"),
        };
        let (connection, _) = runtime.block_on(launch(&script)).unwrap();
        let pid = pid(&connection);
        drop(connection);
        // Nothing polls the runtime from here on.
        assert_gone(pid);
        drop(runtime);
    };
    clone_first(false);
    clone_first(true);

    let runtime = build();
    let (connection, _) = runtime.block_on(launch(&script)).unwrap();
    let id = pid(&connection);
    drop(runtime);
    assert_gone(id);
    assert!(
        connection
            .failure()
            .unwrap()
            .to_string()
            .contains("shut down")
    );
    build().block_on(connection.close()).unwrap();
}

// While one thread waits for the child's file, another feeds the child.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_runtime_started_does_not_outlive_it() {
    let folder = Folder::new("orphans");
    let path = folder.0.join("pid");
    // In a session of its own, deaf, as the runtime's commands may be.
    let command = format!(
        "setsid sh -c 'trap \"\" TERM HUP; echo $$ >{}; while :; do sleep 1; done' & \
         while [ ! -s {} ]; do sleep 0.01; done;",
        path.display(),
        path.display()
    );
    for end in [
        "kill -9 $$",
        "cat >/dev/null; exit 1",
        "trap '' TERM; while :; do sleep 1; done",
    ] {
        let (connection, _) = launch(&format!("{HANDSHAKE} {command} {end}"))
            .await
            .unwrap();
        let orphan = read_pid(&path);
        connection.closed_or_close(end.starts_with("kill")).await;
        connection.close().await.unwrap();
        assert_gone(orphan);
        std::fs::remove_file(&path).unwrap();
    }
}

#[cfg(target_os = "linux")]
impl Connection {
    async fn closed_or_close(&self, by_itself: bool) {
        if by_itself {
            let error = self.closed().await;
            assert!(error.to_string().contains("SIGKILL"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_exit_says_how_and_with_what_last_words() {
    let script = format!("{HANDSHAKE} printf 'noise\\nError: out of \\377luck\\n' >&2; exit 3");
    let (connection, _) = launch(&script).await.unwrap();
    let error = connection.closed().await;
    assert_eq!(error.kind(), ErrorKind::Closed);
    let text = error.to_string();
    assert_eq!(
        text,
        "the runtime exited (exit status: 3): Error: out of \u{fffd}luck"
    );
    assert_eq!(
        error.stderr_tail(),
        Some("noise\nError: out of \u{fffd}luck\n")
    );
}

#[tokio::test]
async fn last_words_tell_no_secret() {
    let script = format!(
        "{HANDSHAKE} printf 'OPENAI_API_KEY=hunter2\\nError: bad key sk-%s\\n' 0123456789abcdefghij >&2; exit 1"
    );
    let (connection, _) = launch(&script).await.unwrap();
    let error = connection.closed().await;
    assert_eq!(
        error.to_string(),
        "the runtime exited (exit status: 1): Error: bad key [redacted]"
    );
    let tail = error.stderr_tail().unwrap();
    assert_eq!(
        tail,
        "OPENAI_API_KEY=[redacted]\nError: bad key [redacted]\n"
    );
    let debug = format!("{error:?} {error:#?}");
    assert!(
        !debug.contains("0123456789") && !debug.contains("hunter2"),
        "{debug}"
    );
}

#[tokio::test]
async fn what_was_written_before_the_exit_is_delivered() {
    let turn = r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"u"}}}"#;
    let script = format!("{HANDSHAKE} IFS= read -r line; echo '{turn}'; exit 0");
    let (connection, _) = launch(&script).await.unwrap();
    let (turn, _) = connection.attach_turn(&"t".into(), &"u".into());
    connection.notify("go", None).await.unwrap();
    assert!(turn.completed().await.is_ok());
    assert!(
        connection
            .closed()
            .await
            .to_string()
            .contains("exit status: 0")
    );
}

#[tokio::test]
async fn stderr_is_drained_whatever_and_however_much_it_is() {
    let script = format!(
        "{HANDSHAKE} head -c 3000000 /dev/urandom >&2; echo done >&2; \
         echo '{{\"method\":\"after\",\"params\":{{}}}}'; cat >/dev/null; exit 1"
    );
    let (connection, _) = launch(&script).await.unwrap();
    let mut events = connection.events();
    assert_eq!(next(&mut events).await.method(), "after");
    drop(events);
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_child_that_closes_its_output_but_lives_is_ended() {
    let (connection, _) = launch(&format!("{HANDSHAKE} exec >&-; cat >/dev/null"))
        .await
        .unwrap();
    let pid = pid(&connection);
    let error = connection.closed().await;
    assert!(
        error.to_string().contains("closed the connection"),
        "{error}"
    );
    connection.close().await.unwrap();
    assert_gone(pid);
}

#[tokio::test]
async fn what_cannot_be_started_says_so() {
    let options = LaunchOptions {
        program: Program::Command(vec!["/nowhere/codex".into()]),
        ..LaunchOptions::default()
    };
    let error = launch_with(&options).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Launch);
    assert!(
        error.to_string().contains("cannot start /nowhere/codex"),
        "{error}"
    );
}

#[tokio::test]
async fn a_child_that_exits_before_the_handshake_is_not_tried_again() {
    let folder = Folder::new("once");
    let path = folder.0.join("starts");
    let script = format!(
        "echo x >>{}; echo 'Error: no home' >&2; exit 1",
        path.display()
    );
    let error = launch(&script).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(
        error
            .to_string()
            .contains("exit status: 1): Error: no home"),
        "{error}"
    );
    // It may be another one than is meant.
    assert!(
        error.to_string().contains("; the program is /bin/sh"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "x\n");
}

#[tokio::test]
async fn the_race_for_a_fresh_home_is_run_again() {
    run_the_race_for_a_fresh_home("race").await;
}

async fn run_the_race_for_a_fresh_home(name: &str) {
    let folder = Folder::new(name);
    let path = folder.0.join("starts");
    let path = path.display();
    let script = format!(
        "echo x >>{path}; if [ $(wc -l <{path}) -lt 3 ]; then \
         echo 'Error: failed to initialize sqlite state runtime under /home' >&2; exit 1; fi; \
         {HANDSHAKE} cat >/dev/null"
    );
    let (connection, _) = launch(&script).await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.0.join("starts")).unwrap(),
        "x\nx\nx\n"
    );
}

/// The part of the next test that runs where SIGCHLD is ignored. On its own, this
/// test does nothing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn in_a_process_whose_children_the_kernel_reaps() {
    if std::env::var_os("CHILDREN_ARE_REAPED").is_none() {
        return;
    }
    run_the_race_for_a_fresh_home("race-reaped").await;
    let script = format!("{HANDSHAKE} while :; do sleep 0.1; done");
    let (connection, _) = launch(&script).await.unwrap();
    let pid = pid(&connection);
    connection.close().await.unwrap();
    assert_gone(pid);
    println!("everything ended");
}

/// A service manager may have it ignored, and then nobody learns how a child ended.
#[cfg(target_os = "linux")]
#[test]
fn children_that_the_kernel_reaps_end_as_others_do() {
    let output = Command::new("env")
        .arg("--ignore-signal=CHLD")
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "tests::process::in_a_process_whose_children_the_kernel_reaps",
        ])
        .env("CHILDREN_ARE_REAPED", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("everything ended"), "{told}{errors}");
}

#[tokio::test]
async fn dropping_a_launch_ends_the_child() {
    let folder = Folder::new("drop");
    let path = folder.0.join("pid");
    let script = format!("echo $$ >{}; exec cat >/dev/null", path.display());
    let mut launching = Box::pin(launch(&script));
    assert!(poll_once(&mut launching).await.is_pending());
    let pid = read_pid(&path);
    drop(launching);
    tokio::task::spawn_blocking(move || assert_gone(pid))
        .await
        .unwrap();
}
