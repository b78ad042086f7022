//! What a notification costs from the socket to the subscriber.
//!
//! One stream of notifications over 1, 100 and 1,000 turns goes through the complete client: line
//! reader, envelope, router, a subscriber per turn that reads each text delta. Beside it, in the
//! same run, the floor: what it costs to find the lines in the same bytes and to walk the JSON
//! in each without keeping anything.
//!
//! `cargo bench -p openai-codex-tests --bench route [notifications]`

use std::alloc::System;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use openai_codex::Codex;
use serde_json::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 10;

/// How much a read returns, as a pipe does.
const READ: usize = 64 * 1024;

fn main() {
    // `cargo bench` passes `--bench`; a test run of the benches passes nothing, and is short.
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let given = arguments.iter().find_map(|argument| argument.parse().ok());
    let full = arguments.iter().any(|argument| argument == "--bench");
    let count = given.unwrap_or(if full { 1_000_000 } else { 10_000 });

    let mut least = f64::INFINITY;
    println!("{count} deltas, {ROUNDS} rounds, the fastest of each");
    println!(" turns  ns/event  floor  ratio  allocations  bytes  MB/s  to fewest turns");
    for turns in [1, 100, 1000] {
        let stream = Stream::new(turns, count / ROUNDS);
        // In turn, so that what else the machine does hits both alike.
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| (stream.floor(), stream.client()))
            .collect();
        let fastest = |cost: fn(&(Cost, Cost)) -> &Cost| {
            let costs = rounds.iter().map(cost);
            costs
                .min_by(|a, b| a.nanos.total_cmp(&b.nanos))
                .expect("there are rounds")
        };
        let (floor, client) = (fastest(|round| &round.0), fastest(|round| &round.1));
        least = least.min(client.nanos);
        println!(
            "{turns:>6} {:>9.0} {:>6.0} {:>6.2} {:>12.2} {:>6.0} {:>5.0} {:>16.2}",
            client.nanos,
            floor.nanos,
            client.nanos / floor.nanos,
            client.allocations,
            client.allocated,
            client.megabytes,
            client.nanos / least,
        );
    }
}

/// What one notification cost.
struct Cost {
    nanos: f64,
    allocations: f64,
    allocated: f64,
    megabytes: f64,
}

/// The bytes of a server's stdout.
struct Stream {
    turns: usize,
    /// One round of deltas, one for each turn or a thousand for few turns.
    round: Arc<[u8]>,
    rounds: usize,
    count: usize,
    /// The ends of the turns.
    end: Arc<[u8]>,
}

fn thread_id(turn: usize) -> String {
    format!("01a1fd37-f37c-7f93-8b56-{turn:012x}")
}

fn turn_id(turn: usize) -> String {
    format!("01a1fd37-f38b-7891-a915-{turn:012x}")
}

impl Stream {
    fn new(turns: usize, count: usize) -> Self {
        let per_round = 1000;
        let mut round = String::new();
        for number in 0..per_round {
            let (thread, turn) = (thread_id(number % turns), turn_id(number % turns));
            round += &format!(
                "{{\"method\":\"item/agentMessage/delta\",\"params\":{{\"threadId\":\"{thread}\",\
                 \"turnId\":\"{turn}\",\"itemId\":\"msg_1\",\"delta\":\"some words \"}},\
                 \"emittedAtMs\":1795249664987}}\n"
            );
        }
        let end: String = (0..turns)
            .map(|turn| {
                format!(
                    "{{\"method\":\"turn/completed\",\"params\":{{\"threadId\":\"{}\",\"turn\":\
                     {{\"id\":\"{}\",\"items\":[],\"status\":\"completed\",\"error\":null}}}}}}\n",
                    thread_id(turn),
                    turn_id(turn)
                )
            })
            .collect();
        let rounds = count.div_ceil(per_round);
        Self {
            turns,
            round: round.into_bytes().into(),
            rounds,
            count: rounds * per_round,
            end: end.into_bytes().into(),
        }
    }

    fn cost(&self, elapsed: Duration, allocations: usize, allocated: usize) -> Cost {
        let count = self.count as f64;
        let bytes = (self.round.len() * self.rounds) as f64;
        Cost {
            nanos: elapsed.as_nanos() as f64 / count,
            allocations: allocations as f64 / count,
            allocated: allocated as f64 / count,
            megabytes: bytes / 1e6 / elapsed.as_secs_f64(),
        }
    }

    /// Finds the lines and walks the JSON.
    fn floor(&self) -> Cost {
        let region = Region::new(ALLOCATOR);
        let before = Instant::now();
        let mut lines = 0;
        for _ in 0..self.rounds {
            for line in self
                .round
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
            {
                serde_json::from_slice::<serde::de::IgnoredAny>(line).expect("the lines are JSON");
                lines += 1;
            }
        }
        let elapsed = before.elapsed();
        assert_eq!(lines, self.count);
        let change = region.change();
        self.cost(elapsed, change.allocations, change.bytes_allocated)
    }

    /// Sends it all through a client on one thread, so that nothing is hidden by another core.
    fn client(&self) -> Cost {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        runtime.block_on(async {
            let server = Server::default();
            let codex = Codex::builder()
                .connect_with(Output(server.clone()), Input(server.clone(), Vec::new()))
                .await
                .expect("the server shakes hands");
            let mut readers = Vec::new();
            for turn in 0..self.turns {
                server.begin(turn);
                let thread = codex.thread(thread_id(turn));
                let handle = thread.turn("go").await.expect("the server starts a turn");
                let mut events = handle.stream();
                readers.push(tokio::spawn(async move {
                    let (mut deltas, mut text) = (0, 0);
                    while let Some(event) = events.next().await {
                        let event = event.expect("no subscriber lags");
                        if let Some(delta) = event.text_delta() {
                            deltas += 1;
                            text += delta.len();
                        }
                    }
                    assert_eq!(text, deltas * "some words ".len());
                    drop(handle);
                    deltas
                }));
            }
            let region = Region::new(ALLOCATOR);
            let before = Instant::now();
            server.play(self);
            let mut deltas = 0;
            for reader in readers {
                deltas += reader.await.expect("the reader does not panic");
            }
            let elapsed = before.elapsed();
            let change = region.change();
            assert_eq!(deltas, self.count, "every delta arrives");
            codex.close().await.expect("closing succeeds");
            self.cost(
                elapsed,
                change.allocations + change.reallocations,
                change.bytes_allocated,
            )
        })
    }
}

/// A server that shakes hands, starts turns, and then plays a stream.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What is to be sent, with how much of the first piece has been.
    pending: VecDeque<Arc<[u8]>>,
    sent: usize,
    turn: usize,
    reader: Option<Waker>,
    ended: bool,
}

impl Server {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics under the lock")
    }

    /// The next turn to be started is this one.
    fn begin(&self, turn: usize) {
        self.state().turn = turn;
    }

    fn play(&self, stream: &Stream) {
        let mut state = self.state();
        for _ in 0..stream.rounds {
            state.pending.push_back(Arc::clone(&stream.round));
        }
        state.pending.push_back(Arc::clone(&stream.end));
        state.wake();
    }

    fn receive(&self, line: &[u8]) {
        let message: Value = serde_json::from_slice(line).expect("the client sends JSON");
        let (id, mut state) = (&message["id"], self.state());
        let result = match message["method"].as_str() {
            Some("initialize") => serde_json::json!({
                "userAgent": "bench/0.163.0 (none)", "codexHome": "/", "platformFamily": "unix",
                "platformOs": "linux",
            }),
            Some("turn/start") => serde_json::json!({
                "turn": {"id": turn_id(state.turn), "items": [], "status": "inProgress"},
            }),
            _ => return,
        };
        let line = format!("{}\n", serde_json::json!({"id": id, "result": result}));
        state.pending.push_back(line.into_bytes().into());
        state.wake();
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// The server's output, which the client reads.
struct Output(Server);

impl AsyncRead for Output {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        let Some(piece) = state.pending.front().cloned() else {
            if state.ended {
                return Poll::Ready(Ok(()));
            }
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        let rest = &piece[state.sent..];
        let length = rest.len().min(READ).min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        state.sent += length;
        if state.sent == piece.len() {
            state.pending.pop_front();
            state.sent = 0;
        }
        Poll::Ready(Ok(()))
    }
}

/// The server's input, which the client writes.
struct Input(Server, Vec<u8>);

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.1.extend_from_slice(bytes);
        while let Some(end) = self.1.iter().position(|byte| *byte == b'\n') {
            let line: Vec<_> = self.1.drain(..=end).collect();
            self.0.receive(&line);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        state.ended = true;
        state.wake();
        Poll::Ready(Ok(()))
    }
}
