//! A client that is busy with everything, and a server that sends any bytes at all. The line
//! decoder, the envelope, the pending requests and the router see all of them.
//!
//! Shared by the fuzz target and by the test that replays its corpus.

use std::time::Duration;

use openai_codex::{Codex, EventStream};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

/// What the server says first; the rest is chance. The client's requests after it have the ids 2
/// (`turn/start` for a result), 3 (`turn/start` for a stream) and 4 (a call).
const HANDSHAKE: &[u8] = b"{\"id\":1,\"result\":{\"userAgent\":\"fuzz/0.163.0 (x)\",\
    \"codexHome\":\"/nowhere\",\"platformFamily\":\"unix\",\"platformOs\":\"linux\"}}\n";

/// Far more than it can take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends the bytes in pieces of several sizes. Nothing may panic, everything must end when the
/// bytes do, and what is seen must not depend on how they were split.
///
/// # Panics
///
/// When one of these does not hold.
#[allow(unreachable_pub, reason = "each user has its own crate")]
pub fn feed(bytes: &[u8]) {
    let whole = seen(bytes, usize::MAX);
    for piece in [1, 7] {
        assert_eq!(seen(bytes, piece), whole, "in pieces of {piece}");
    }
}

/// What a subscriber of the thread sees.
fn seen(bytes: &[u8], piece: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let session = tokio::time::timeout(PATIENCE, session(bytes, piece));
        session.await.expect("everything ends")
    })
}

async fn session(bytes: &[u8], piece: usize) -> Vec<String> {
    let (read, mut server) = tokio::io::duplex(64 * 1024);
    server.write_all(HANDSHAKE).await.expect("the client reads");
    let codex = Codex::builder()
        .connect_with(read, tokio::io::sink())
        .await
        .expect("the handshake is answered");
    let thread = codex.thread("t");
    let on_thread = collect(thread.events());
    let on_rest = collect(codex.events());

    let mut busy = JoinSet::new();
    let runs = thread.run("hi").send();
    busy.spawn(async move { drop(runs.await) });
    let starts = thread.turn("hi").send();
    busy.spawn(async move {
        if let Ok(turn) = starts.await {
            let mut events = turn.stream();
            while let Some(event) = events.next().await {
                if let Ok(event) = event {
                    let _ = (event.text_delta().map(str::len), event.decode().is_ok());
                }
            }
            let _ = turn.run().await;
        }
    });
    let caller = codex.clone();
    busy.spawn(async move { drop(caller.call_raw("call", Default::default()).await) });
    let attached = thread.turn_handle("attached");
    busy.spawn(async move { drop(attached.run().await) });
    let on_thread = tokio::spawn(on_thread);
    let on_rest = tokio::spawn(on_rest);
    // Each has sent its request by now.
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }

    for part in bytes.chunks(piece.clamp(1, 16 * 1024)) {
        // The client may have hung up: on a line that is too long.
        if server.write_all(part).await.is_err() {
            break;
        }
    }
    drop(server);
    assert!(codex.closed().await.is_closed());
    while let Some(ended) = busy.join_next().await {
        ended.expect("no panic");
    }
    on_rest.await.expect("no panic");
    let seen = on_thread.await.expect("no panic");
    assert!(
        format!("{codex:?}").contains("unanswered: 0, followed: 0, handlers: 0"),
        "{codex:?}"
    );
    seen
}

async fn collect(mut events: EventStream) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            // It goes to the thread that follows its turn, which is a matter of moments.
            Ok(event) if event.thread_id().is_none() => {}
            Ok(event) => seen.push(event.raw().to_owned()),
            Err(error) if error.is_closed() => {}
            Err(error) => seen.push(error.to_string()),
        }
    }
    seen
}
