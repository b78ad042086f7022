//! Everything at once, for a while: turns, joins, steers, interrupts, drops at any moment, faults
//! and kills, over scripted servers and the real runtime.
//!
//! A few seconds as a test; `cargo xtask soak` runs it for minutes. What happens is drawn from a
//! seed, which is printed first and can be given again. (The real runtime takes its own time, so
//! the same seed gives the same actions, not the same races.)
//!
//! At the end nothing is lost: each turn gave the text that its server said, or one of the errors
//! that the faults call for. And nothing is left: no task, no entry in a map, no memory, no
//! process.
#![allow(clippy::unwrap_used)]

#[path = "../support/client.rs"]
mod client;
mod random;
mod real;
mod scripted;

use std::alloc::System;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use openai_codex::Codex;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use random::Random;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Far more than any single step takes: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many scripted servers there are at a time.
const LANES: u64 = 3;

/// What may remain of the first round's caches, pools and lazily made things.
const SLACK: usize = 2 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_left() {
    let given = |name: &str| std::env::var(name).ok()?.parse().ok();
    let seconds = given("SOAK_SECONDS").unwrap_or(4);
    let seed = given("SOAK_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_nanos() as u64 % 1_000_000_000
    });
    println!(
        "soaking for {seconds} s with seed {seed}; again with: cargo xtask soak --seed {seed}"
    );

    // Once over everything, so that what is made once is there.
    round(seed, Duration::ZERO).await;
    no_task().await;
    let before = live_bytes();
    let done = round(seed, Duration::from_secs(seconds)).await;
    println!("{done:?}");
    no_task().await;
    let left = live_bytes().saturating_sub(before);
    println!("{left} bytes more than before");
    assert!(left < SLACK, "{left} bytes are left of {done:?}");
}

/// What was done.
#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Done {
    connections: u64,
    turns: u64,
    real: real::Tally,
}

/// At least one connection of each kind, and more until the time is over.
async fn round(seed: u64, time: Duration) -> Done {
    let until = Instant::now() + time;
    let lanes: Vec<_> = (0..LANES)
        .map(|lane| {
            tokio::spawn(async move {
                let mut random = Random::new(seed.wrapping_add(lane + 1));
                let (mut connections, mut turns) = (0, 0);
                while connections == 0 || Instant::now() < until {
                    turns += scripted::connection(&mut random).await;
                    connections += 1;
                }
                (connections, turns)
            })
        })
        .collect();
    let real = real::sessions(Random::new(seed), until).await;
    let mut done = Done {
        connections: 0,
        turns: 0,
        real,
    };
    for lane in lanes {
        let (connections, turns) = lane.await.unwrap();
        done.connections += connections;
        done.turns += turns;
    }
    done
}

/// A step that must end.
async fn in_time<T>(what: &str, step: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, step).await {
        Ok(done) => done,
        Err(_) => panic!("{what} hangs"),
    }
}

/// Waits until nothing is kept of what was done over this connection.
async fn idle(codex: &Codex) {
    let idle = "unanswered: 0, followed: 0, handlers: 0";
    let step = async {
        while !format!("{codex:?}").contains(idle) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, step).await;
    assert!(waited.is_ok(), "something is left: {codex:?}");
}

/// Waits until every task has ended, this one apart, which is none.
async fn no_task() {
    let alive = || {
        let runtime = tokio::runtime::Handle::current();
        runtime.metrics().num_alive_tasks()
    };
    let step = async {
        while alive() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, step).await;
    assert!(waited.is_ok(), "{} tasks are left", alive());
}

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}
