//! Processes of the real runtime over one home: several threads, each in the hands of a worker
//! that does anything at any moment, until the process is closed, dropped or killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use openai_codex::{Codex, Error, ErrorKind, Result, Thread, TurnStatus};
use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;

use crate::random::Random;
use crate::{client, idle, in_time};

/// What the model always says.
const WORDS: [&str; 6] = ["I ", "say ", "the ", "same ", "every ", "time."];

const WORKERS: usize = 3;

/// What came of it all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    processes: u64,
    killed: u64,
    completed: AtomicU64,
    interrupted: AtomicU64,
    dropped: AtomicU64,
    broken: AtomicU64,
    calls: AtomicU64,
}

/// At least one process, and more until the time is over.
pub(crate) async fn sessions(mut random: Random, until: Instant) -> Tally {
    let model = MockModel::start().unwrap();
    model.deltas(WORDS).every_time().optional();
    let runtime = TestRuntime::new(&model).unwrap();
    let tally = Arc::new(Tally::default());
    let mut threads = vec![None; WORKERS];
    let (mut processes, mut killed) = (0, 0);
    while processes == 0 || Instant::now() < until {
        processes += 1;
        killed += session(&mut random, &runtime, &mut threads, &tally).await;
    }
    let home = runtime.home().to_owned();
    assert_no_process(&home).await;
    drop((runtime, model));
    let mut tally = Arc::into_inner(tally).expect("the workers are done");
    (tally.processes, tally.killed) = (processes, killed);
    tally
}

/// One process. Returns 1 if it was killed.
async fn session(
    random: &mut Random,
    runtime: &TestRuntime,
    threads: &mut [Option<String>],
    tally: &Arc<Tally>,
) -> u64 {
    let (codex, pid) = launch(runtime).await;
    let ends = Arc::new(AtomicBool::new(false));
    let stops = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for thread in threads.iter() {
        let worker = Worker {
            thread: open(&codex, thread.as_deref()).await,
            codex: codex.clone(),
            random: Random::new(random.number()),
            ends: Arc::clone(&ends),
            tally: Arc::clone(tally),
        };
        let stops = Arc::clone(&stops);
        workers.push(tokio::spawn(worker.work(stops)));
    }
    tokio::time::sleep(Duration::from_millis(300) + random.moment(1200)).await;
    let how = random.below(4);
    if how > 1 {
        // In the middle of everything.
        ends.store(true, Ordering::SeqCst);
        match (how, pid) {
            (2, Some(pid)) => kill(pid),
            _ => in_time("close()", codex.close()).await.unwrap(),
        }
        assert!(in_time("closed()", codex.closed()).await.is_closed());
    }
    stops.store(true, Ordering::SeqCst);
    for (thread, worker) in threads.iter_mut().zip(workers) {
        *thread = Some(worker.await.unwrap());
    }
    if how <= 1 {
        idle(&codex).await;
    }
    if how == 1 {
        in_time("close()", codex.close()).await.unwrap();
    }
    u64::from(how == 2 && pid.is_some())
}

struct Worker {
    codex: Codex,
    thread: Thread,
    random: Random,
    /// Whether the process is about to end, so that anything may break.
    ends: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

impl Worker {
    /// Works until told to stop, and returns the id of its thread.
    async fn work(mut self, stops: Arc<AtomicBool>) -> String {
        while !stops.load(Ordering::SeqCst) {
            if let Err(error) = self.step().await {
                let expected = error.is_closed() && self.ends.load(Ordering::SeqCst);
                assert!(expected, "{error:?} {:?}", error.turn_result());
                self.tally.broken.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.thread.id().as_str().to_owned()
    }

    async fn step(&mut self) -> Result<()> {
        match self.random.below(8) {
            0 => {
                let result = in_time("run()", self.thread.run("hi").send()).await?;
                self.check(result.status, result.final_response.as_deref());
            }
            1 => self.stream().await?,
            2 => {
                // At any moment: before the request, before the response, during the turn.
                let moment = self.random.moment(60);
                let run = self.thread.run("never mind").send();
                if let Ok(result) = tokio::time::timeout(moment, run).await {
                    result?;
                }
                self.tally.dropped.fetch_add(1, Ordering::Relaxed);
                self.rest().await?;
            }
            3 => {
                let turn = in_time("turn()", self.thread.turn("stop").send()).await?;
                tokio::time::sleep(self.random.moment(30)).await;
                in_time("interrupt()", turn.interrupt()).await?;
                let result = in_time("run()", turn.run()).await?;
                self.check(result.status, result.final_response.as_deref());
            }
            4 => {
                let turn = in_time("turn()", self.thread.turn("hi").send()).await?;
                tokio::time::sleep(self.random.moment(30)).await;
                match in_time("steer()", turn.steer("and this")).await {
                    // Too late.
                    Err(error) if matches!(error.kind(), ErrorKind::Rpc(_)) => {}
                    steered => drop(steered?),
                }
                let result = in_time("run()", turn.run()).await?;
                self.check(result.status, result.final_response.as_deref());
            }
            5 => {
                let first = in_time("turn()", self.thread.turn("one").send()).await?;
                let second = in_time("turn()", self.thread.turn("two").send()).await?;
                let (a, b) = tokio::join!(first.run(), second.run());
                for result in [a?, b?] {
                    self.check(result.status, result.final_response.as_deref());
                }
            }
            6 => {
                let turn = in_time("turn()", self.thread.turn("hi").send()).await?;
                let attached = self.thread.turn_handle(turn.id());
                drop(turn);
                let result = in_time("attached run()", attached.run()).await?;
                self.check(result.status, result.final_response.as_deref());
                // It has ended, and whoever comes now asks for it.
                let again = self.thread.turn_handle(attached.id());
                let result = in_time("late run()", again.run()).await?;
                self.check(result.status, result.final_response.as_deref());
            }
            _ => self.calls().await?,
        }
        Ok(())
    }

    async fn stream(&mut self) -> Result<()> {
        let turn = in_time("turn()", self.thread.turn("hi").send()).await?;
        let mut events = turn.stream();
        let breaks_off = self.random.one_in(3);
        let mut text = String::new();
        while let Some(event) = in_time("a stream", events.next()).await {
            text.push_str(event?.text_delta().unwrap_or_default());
            if breaks_off && self.random.one_in(4) {
                break;
            }
        }
        let result = in_time("run()", turn.run()).await?;
        if !breaks_off && result.status == TurnStatus::Completed {
            assert_eq!(text, WORDS.concat());
        }
        self.check(result.status, result.final_response.as_deref());
        Ok(())
    }

    async fn calls(&mut self) -> Result<()> {
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let codex = self.codex.clone();
                tokio::spawn(async move { codex.call_raw("thread/loaded/list", json!({})).await })
            })
            .collect();
        for call in calls {
            if self.random.one_in(10) {
                call.abort();
                continue;
            }
            in_time("a call", call).await.expect("no panic")?;
            self.tally.calls.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A turn that was let go is interrupted, and the next one is not to join it.
    async fn rest(&self) -> Result<()> {
        let step = async {
            loop {
                let read = self.thread.read(false).await?;
                let status = serde_json::to_value(&read.thread.status).unwrap_or_default();
                if status["type"] != "active" {
                    return Ok::<_, Error>(());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        in_time("the end of a turn that was dropped", step).await
    }

    /// Nobody else works on this thread, so a turn that completes has said everything.
    fn check(&self, status: TurnStatus, text: Option<&str>) {
        match status {
            TurnStatus::Completed => {
                assert_eq!(text, Some(&*WORDS.concat()));
                self.tally.completed.fetch_add(1, Ordering::Relaxed);
            }
            TurnStatus::Interrupted => {
                self.tally.interrupted.fetch_add(1, Ordering::Relaxed);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A thread to work on: the one from before, if its first turn got far enough to be kept.
async fn open(codex: &Codex, id: Option<&str>) -> Thread {
    if let Some(id) = id {
        match in_time("thread/resume", codex.thread_resume(id).send()).await {
            Ok(thread) => return thread,
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Rpc(_)), "{error:?}"),
        }
    }
    let start = codex.thread_start().send();
    in_time("thread/start", start).await.unwrap()
}

/// A client, and the id of its process where it can be killed: `exec` keeps the shell's.
async fn launch(runtime: &TestRuntime) -> (Codex, Option<u32>) {
    if cfg!(not(unix)) {
        return (client::connect(runtime).await, None);
    }
    let file = runtime.workspace().join("pid");
    let script = format!(
        "echo $$ > '{}'; exec '{}' app-server --listen stdio://",
        file.display(),
        runtime.binary().display()
    );
    let builder = Codex::builder()
        .launch_command(["sh", "-c", &script])
        .cwd(runtime.workspace())
        .envs(runtime.env());
    let codex = in_time("a launch", builder.send()).await.unwrap();
    let pid = std::fs::read_to_string(file).unwrap();
    (codex, pid.trim().parse().ok())
}

fn kill(pid: u32) {
    let kill = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// No process is left that has this home. Only Linux tells.
async fn assert_no_process(home: &Path) {
    let home = format!("CODEX_HOME={}", home.display());
    let is_left = || {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut environments =
            processes.filter_map(|entry| std::fs::read(entry.path().join("environ")).ok());
        environments.any(|text| {
            text.split(|byte| *byte == 0)
                .any(|entry| entry == home.as_bytes())
        })
    };
    let step = async {
        while is_left() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    in_time("the end of every process", step).await;
}
