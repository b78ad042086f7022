//! The real runtime, asked by a scripted model.

#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use openai_codex_testkit::{Gate, MockModel, PATIENCE, TestRuntime};
use openai_codex_wire::ThreadId;

use super::*;
use crate::core::Interrupted;
use crate::error::ErrorKind;
use crate::process::{LaunchOptions, Program};
use crate::queue::Limits;
use crate::{Deadline, Handshake, StartedTurn};

fn options(runtime: &TestRuntime) -> LaunchOptions {
    let env = runtime
        .env()
        .map(|(key, value)| (key.to_owned(), value.to_owned()));
    LaunchOptions {
        program: Program::Runtime {
            bin: runtime.binary().to_owned(),
            config: Vec::new(),
        },
        cwd: Some(runtime.workspace().to_owned()),
        env: env.collect(),
        ..LaunchOptions::default()
    }
}

async fn launch(options: &LaunchOptions) -> Result<(Connection, Handshake)> {
    let dispatcher: Arc<dyn Dispatcher> = Arc::new(Refuse);
    Connection::launch(
        options,
        &ConnectionOptions::default(),
        &dispatcher,
        &initialize(),
    )
    .await
}

async fn connect(runtime: &TestRuntime) -> Connection {
    launch(&options(runtime)).await.unwrap().0
}

#[cfg(unix)]
fn pid(connection: &Connection) -> u32 {
    connection.core().child.as_ref().unwrap().process.id()
}

async fn new_thread(connection: &Connection) -> ThreadId {
    let answer = connection.ask("thread/start", json!({})).await.unwrap();
    answer["thread"]["id"].as_str().unwrap().into()
}

async fn start(connection: &Connection, thread: &ThreadId, text: &str) -> StartedTurn {
    let input = json!([{"type": "text", "text": text}]);
    let params = raw(json!({"threadId": thread, "input": input}));
    connection
        .start_turn(thread, &params, true, Deadline::Default)
        .await
        .unwrap()
}

/// What the model said, as its deltas and its items have it.
async fn said(turn: &StartedTurn) -> (String, Vec<String>) {
    let mut deltas = String::new();
    let mut events = turn.turn.subscribe();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        if event.method() == "item/agentMessage/delta" {
            let params: Value = serde_json::from_str(event.params()).unwrap();
            deltas += params["delta"].as_str().unwrap();
        }
    }
    let summary = turn.turn.completed().await.unwrap();
    let items = summary.items().filter_map(|(_, item)| {
        let item: Value = serde_json::from_str(item?.get()).unwrap();
        (item["type"] == "agentMessage").then(|| item["text"].as_str().unwrap().to_owned())
    });
    (deltas, items.collect())
}

async fn status(turn: &StartedTurn) -> String {
    let summary = turn.turn.completed().await.unwrap();
    let turn: Value = serde_json::from_str(summary.turn().unwrap().get()).unwrap();
    turn["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn five_thousand_calls_at_once_all_succeed() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let calls: Vec<_> = (0..5000)
        .map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { connection.ask("thread/loaded/list", json!({})).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    connection.assert_idle_calls();
    connection.close().await.unwrap();
}

impl Connection {
    #[track_caller]
    fn assert_idle_calls(&self) {
        self.state(|state| {
            assert_eq!(state.pending.len(), 0);
            assert_eq!(state.outbox.len(), 0);
        });
        assert_eq!(self.core().in_flight.available_permits(), 64);
    }
}

#[tokio::test]
async fn interleaved_turns_on_two_threads_stay_apart() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let gates = [Gate::new(), Gate::new()];
    model
        .when_user_says("one")
        .deltas(["1", "1"])
        .waits_for(&gates[0])
        .deltas(["1!"]);
    model
        .when_user_says("two")
        .deltas(["2", "2"])
        .waits_for(&gates[1])
        .deltas(["2!"]);
    let (a, b) = (new_thread(&connection).await, new_thread(&connection).await);
    let a = start(&connection, &a, "one").await;
    let b = start(&connection, &b, "two").await;
    for gate in gates.iter().rev() {
        gate.reached().await;
    }
    gates[1].open();
    let b = said(&b).await;
    gates[0].open();
    let a = said(&a).await;
    assert_eq!((&*a.0, &*b.0), ("111!", "222!"));
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_second_start_joins_a_steer_adds_and_an_interrupt_ends() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let thread = new_thread(&connection).await;
    let gate = Gate::new();
    model.deltas(["first"]).waits_for(&gate);
    let first = start(&connection, &thread, "go").await;
    gate.reached().await;

    let second = start(&connection, &thread, "me too").await;
    assert_eq!(second.turn.id(), first.turn.id());
    assert_eq!((first.joined, second.joined), (false, true));
    let steer = json!({
        "threadId": thread,
        "expectedTurnId": first.turn.id(),
        "input": [{"type": "text", "text": "and this"}],
    });
    connection
        .request("turn/steer", Some(&raw(steer)), Deadline::Default)
        .await
        .unwrap();

    // Both are in the turn now, but 0.163.0 may answer a start before the turn has
    // its input: then that is heard of a round later.
    let mut gate = gate;
    while !asked_of(&model, &["me too", "and this"]) {
        let next = Gate::new();
        model.deltas(["more"]).waits_for(&next);
        gate.open();
        next.reached().await;
        gate = next;
    }
    let interrupt = || connection.interrupt(&thread, first.turn.id(), Deadline::Default);
    assert_eq!(interrupt().await.unwrap(), Interrupted::Accepted);
    assert_eq!(status(&first).await, "interrupted");
    assert_eq!(status(&second).await, "interrupted");

    // Too late is not for ever on any version.
    assert_eq!(interrupt().await.unwrap(), Interrupted::Finished);

    model.say("still here");
    let third = start(&connection, &thread, "again").await;
    assert!(!third.joined);
    assert_eq!(said(&third).await.1, ["still here"]);
    connection.close().await.unwrap();
}

/// Whether the model was given each of these.
fn asked_of(model: &MockModel, texts: &[&str]) -> bool {
    let asked = format!("{:?}", model.requests());
    texts.iter().all(|text| asked.contains(text))
}

/// Interrupts race with the end of their turns, and each resolves.
#[tokio::test]
async fn an_interrupt_of_a_turn_that_just_ends_resolves() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let thread = new_thread(&connection).await;
    for _ in 0..20 {
        model.say("quick");
        let turn = start(&connection, &thread, "go").await.turn;
        let mut events = turn.subscribe();
        while let Some(event) = events.next().await {
            if event.unwrap().method() == "item/completed" {
                break;
            }
        }
        let deadline = Deadline::After(Duration::from_secs(20));
        connection
            .interrupt(&thread, turn.id(), deadline)
            .await
            .unwrap();
        turn.completed().await.unwrap();
    }
    connection.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_runtime_that_is_killed_in_the_middle_of_a_turn_tells_everyone_at_once() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let thread = new_thread(&connection).await;
    let gate = Gate::new();
    model.deltas(["half"]).waits_for(&gate);
    let turn = start(&connection, &thread, "go").await;
    gate.reached().await;
    signal("-9", pid(&connection));
    let told = tokio::time::timeout(PATIENCE, turn.turn.completed());
    let error = told.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("SIGKILL"), "{error}");
    assert!(error.stderr_tail().is_some());
    let later = connection.ask("model/list", json!({})).await.unwrap_err();
    assert!(later.is_closed());
    connection.close().await.unwrap();
}

#[cfg(unix)]
fn signal(signal: &str, pid: u32) {
    let status = std::process::Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// The turn goes on without this client, which hears of it again after a resume.
#[tokio::test]
async fn a_thread_that_is_unsubscribed_from_leaves_nobody_waiting() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let connection = connect(&runtime).await;
    let thread = new_thread(&connection).await;
    let gate = Gate::new();
    model.deltas(["half"]).waits_for(&gate).deltas(["more"]);
    let turn = start(&connection, &thread, "go").await;
    gate.reached().await;
    let id = json!({"threadId": thread});
    connection
        .ask("thread/unsubscribe", id.clone())
        .await
        .unwrap();
    let told = tokio::time::timeout(PATIENCE, turn.turn.completed());
    assert_eq!(told.await.unwrap().unwrap_err().kind(), ErrorKind::Turn);

    connection.ask("thread/resume", id).await.unwrap();
    let joined = start(&connection, &thread, "me too").await;
    assert!(joined.joined);
    model.say("to both");
    gate.open();
    for turn in [&turn, &joined] {
        let summary = tokio::time::timeout(PATIENCE, turn.turn.completed());
        assert!(summary.await.unwrap().unwrap().is_partial());
    }
    connection.close().await.unwrap();
}

/// What the stalled one may keep: all of it, or far less.
#[tokio::test]
async fn fifty_thousand_deltas_reach_a_fast_and_a_stalled_subscriber() {
    const DELTAS: usize = 50_000;
    // Of one flow of deltas, what is read at once is a fraction of this, so that the fast
    // one cannot be cut off.
    const FEW: usize = 16 * 1024;
    let all = Limits::default();
    let few = Limits {
        hard_events: FEW,
        ..all
    };
    let expected: String = (0..DELTAS).map(|number| format!("{number} ")).collect();
    for (limits, kept) in [(all, DELTAS), (few, FEW)] {
        let model = MockModel::start().unwrap();
        let runtime = TestRuntime::new(&model).unwrap();
        let connection = launch_with_limits(&runtime, limits).await;
        let thread = new_thread(&connection).await;
        model.deltas((0..DELTAS).map(|number| format!("{number} ")));
        let started = start(&connection, &thread, "go").await;
        let mut stalled = started.turn.subscribe();
        let (deltas, items) = said(&started).await;
        assert!(deltas == expected && items == [&*expected]);

        // Nobody is subscribed but the stalled one: what is kept for it is all that there is.
        let bytes = waiting(&connection, &started);
        assert_eq!(bytes.len(), 1, "{bytes:?}");
        assert!(bytes[0] <= limits.hard_bytes, "{bytes:?}");
        let (events, error) = rest_of(&mut stalled).await;
        let is_delta = |event: &&Arc<RawEvent>| event.method() == "item/agentMessage/delta";
        let deltas: Vec<_> = events.iter().filter(is_delta).collect();
        // And nobody else holds on to a delta.
        assert!(deltas.iter().all(|event| Arc::strong_count(event) == 1));
        match kept {
            DELTAS => {
                assert!(error.is_none(), "{error:?}");
                assert_eq!(deltas.len(), DELTAS);
            }
            _ => {
                assert_eq!(events.len(), FEW);
                let kind = error.unwrap().kind();
                assert!(matches!(kind, ErrorKind::Lagged { .. }), "{kind:?}");
            }
        }
        connection.close().await.unwrap();
    }
}

async fn launch_with_limits(runtime: &TestRuntime, limits: Limits) -> Connection {
    let dispatcher: Arc<dyn Dispatcher> = Arc::new(Refuse);
    let connection_options = ConnectionOptions {
        limits,
        ..ConnectionOptions::default()
    };
    let options = options(runtime);
    Connection::launch(&options, &connection_options, &dispatcher, &initialize())
        .await
        .unwrap()
        .0
}

/// How many bytes wait for each subscriber of a turn.
fn waiting(connection: &Connection, started: &StartedTurn) -> Vec<usize> {
    let (thread, turn) = (started.turn.thread_id(), started.turn.id());
    connection.state(|state| state.router.waiting(thread, turn))
}

/// Reads to the end: the events, and the error at the end if there was one.
async fn rest_of(subscription: &mut Subscription) -> (Vec<Arc<RawEvent>>, Option<Error>) {
    let mut events = Vec::new();
    while let Some(event) = subscription.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

#[tokio::test]
async fn servers_that_are_started_at_once_on_a_fresh_home_all_come_up() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let home = runtime.workspace().join("fresh-home");
    std::fs::create_dir(&home).unwrap();
    std::fs::copy(runtime.home().join("config.toml"), home.join("config.toml")).unwrap();
    let mut options = options(&runtime);
    options.env.push(("CODEX_HOME".into(), home.into()));
    let launches: Vec<_> = (0..6)
        .map(|_| {
            let options = options.clone();
            tokio::spawn(async move { launch(&options).await })
        })
        .collect();
    for launch in launches {
        let (connection, handshake) = launch.await.unwrap().unwrap();
        assert!(handshake.runtime_version.unwrap().starts_with("0."));
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_missing_home_is_reported_and_not_tried_again() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let mut options = options(&runtime);
    options
        .env
        .push(("CODEX_HOME".into(), "/nowhere/at/all".into()));
    let error = launch(&options).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Handshake);
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_idle_and_a_busy_runtime_end_by_themselves_when_they_are_closed() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    for busy in [false, true] {
        let connection = connect(&runtime).await;
        let pid = pid(&connection);
        if busy {
            let gate = Gate::new();
            model.deltas(["half"]).waits_for(&gate);
            let thread = new_thread(&connection).await;
            start(&connection, &thread, "go").await;
            gate.reached().await;
        }
        connection.close().await.unwrap();
        // By itself, because its stdin was closed: nobody had to ask or kill it.
        assert_eq!(connection.exit_status().code(), Some(0));
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}

/// A command that is deaf to polite signals and has put itself in the background.
#[cfg(target_os = "linux")]
const DEAF: &str = "trap '' TERM HUP; sleep 3600 & echo $$ > pid.tmp; mv pid.tmp pid; wait";

#[cfg(target_os = "linux")]
async fn with_a_deaf_command(runtime: &TestRuntime, model: &MockModel) -> (Connection, u32) {
    model.shell(DEAF);
    let connection = connect(runtime).await;
    let answer = connection
        .ask("thread/start", json!({"cwd": runtime.workspace()}))
        .await;
    let thread = answer.unwrap()["thread"]["id"].as_str().unwrap().into();
    start(&connection, &thread, "go").await;
    let path = runtime.workspace().join("pid");
    (connection, read_pid(&path).await)
}

#[cfg(target_os = "linux")]
async fn read_pid(path: &Path) -> u32 {
    let read = async {
        loop {
            if let Ok(text) = std::fs::read_to_string(path) {
                return text.trim().parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

/// The processes of a session, which each of the runtime's commands leads one of.
#[cfg(target_os = "linux")]
fn session(id: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats =
        processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let of_session = stats.filter(|stat| {
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        fields.next() != Some("Z") && fields.nth(2) == Some(&id.to_string())
    });
    of_session.collect()
}

/// Waits until a session's processes are as they should be.
#[cfg(target_os = "linux")]
async fn session_until(id: u32, as_it_should: impl Fn(&[String]) -> bool) {
    let waited = async {
        while !as_it_should(&session(id)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    assert!(waited.is_ok(), "{:?}", session(id));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn commands_of_the_runtime_do_not_outlive_it() {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .sandbox_mode("danger-full-access")
        .build()
        .unwrap();
    for kill in [false, true] {
        let (connection, command) = with_a_deaf_command(&runtime, &model).await;
        session_until(command, |processes| processes.len() >= 2).await;
        if kill {
            signal("-9", pid(&connection));
            connection.closed().await;
        }
        connection.close().await.unwrap();
        // The kernel takes a moment to end what was killed.
        session_until(command, <[String]>::is_empty).await;
        std::fs::remove_file(runtime.workspace().join("pid")).unwrap();
    }
}

/// The part of the next test that is killed: a process of its own that runs a
/// turn and waits. On its own, this test does nothing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn in_a_process_that_will_be_killed() {
    let Some(folder) = std::env::var_os("TO_BE_KILLED_IN") else {
        return;
    };
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::builder(&model)
        .sandbox_mode("danger-full-access")
        .build()
        .unwrap();
    let (connection, command) = with_a_deaf_command(&runtime, &model).await;
    let pids = Path::new(&folder).join("pids");
    let text = format!("{} {command}", pid(&connection));
    std::fs::write(pids.with_extension("tmp"), text).unwrap();
    std::fs::rename(pids.with_extension("tmp"), pids).unwrap();
    std::future::pending().await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn when_this_process_is_killed_the_runtime_and_its_commands_end() {
    let folder = std::env::temp_dir().join(format!("codex-sdk-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::runtime::in_a_process_that_will_be_killed",
        ])
        .env("TO_BE_KILLED_IN", &folder)
        .env("TMPDIR", &folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let read = async {
        loop {
            if let Ok(pids) = std::fs::read_to_string(folder.join("pids")) {
                return pids;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let pids = tokio::time::timeout(PATIENCE, read).await.unwrap();
    let (runtime, command) = pids.split_once(' ').unwrap();
    let command: u32 = command.parse().unwrap();
    assert!(!session(command).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = async {
        while Path::new(&format!("/proc/{runtime}")).exists() || !session(command).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
