//! A connection to a scripted server: its turns in every order, with noise in between, and one
//! of the ways in which a connection ends.

use openai_codex::{Codex, Thread, TurnStatus};
use openai_codex_testkit::{FakeServer, Script};
use serde_json::{Value, json};

use crate::client::{self, turn_response};
use crate::random::Random;
use crate::{idle, in_time};

/// One connection from its first line to its end. Returns how many turns it had.
pub(crate) async fn connection(random: &mut Random) -> u64 {
    let (fake, codex) = client::fake().await;
    fake.always("echo").reply(json!({"echo": true}));
    let mut lane = Lane {
        random,
        fake: &fake,
        codex: &codex,
        starts: 0,
    };
    let turns = 5 + lane.random.below(20);
    for number in 0..turns {
        lane.turn(number).await;
    }
    idle(&codex).await;
    let mut starts = lane.starts;
    match random.below(4) {
        0 => {
            fake.assert_finished();
            in_time("close()", codex.close()).await.unwrap();
        }
        1 => {
            let mut events = codex.events();
            drop(codex);
            let end = async { while let Some(Ok(_)) = events.next().await {} };
            in_time("the end of a stream", end).await;
        }
        end => {
            starts += 1;
            let script = fake.expect("turn/start").reply(turn_response("last"));
            script.notify("turn/started", started("last"));
            if end == 2 {
                script.bytes("{\"method\":\"half a li");
            }
            script.exits(1);
            let error = in_time("a broken turn", codex.thread("t").run("hi").send()).await;
            assert!(error.unwrap_err().is_closed());
            assert!(in_time("closed()", codex.closed()).await.is_closed());
        }
    }
    starts
}

struct Lane<'a> {
    random: &'a mut Random,
    fake: &'a FakeServer,
    codex: &'a Codex,
    /// How many `turn/start` the server will have seen.
    starts: u64,
}

impl Lane<'_> {
    async fn turn(&mut self, number: u64) {
        let id = format!("u{number}");
        let thread = self.codex.thread("t");
        match self.random.below(6) {
            0 | 1 => self.is_run_or_streamed(&thread, &id).await,
            2 => self.is_joined(&thread, &id).await,
            3 => self.is_dropped_while_it_runs(&thread, &id).await,
            4 => self.is_dropped_before_the_response(&thread, &id).await,
            _ => self.calls_at_once().await,
        }
        // Whatever the script still sends has been taken in when this is answered.
        self.fake.expect("sync").reply(json!({}));
        let sync = self.codex.call_raw("sync", json!({}));
        in_time("a call", sync).await.unwrap();
    }

    /// The response at any place among the events, and noise between them.
    async fn is_run_or_streamed(&mut self, thread: &Thread, id: &str) {
        self.starts += 1;
        let deltas = 1 + self.random.below(40);
        let response_at = self.random.below(deltas + 4);
        let mut at = 0;
        let mut place = |script: Script<'_>| {
            if at == response_at {
                script.reply_to("start", turn_response(id));
            }
            at += 1;
        };
        let script = self.fake.expect("turn/start").held_as("start");
        place(script);
        script.notify("turn/started", started(id));
        place(script);
        let mut text = String::new();
        for number in 0..deltas {
            noise(self.random, script);
            let delta = format!("{number} ");
            script.notify("item/agentMessage/delta", delta_of(id, &delta));
            text.push_str(&delta);
            place(script);
        }
        script.notify("item/completed", item(id, &text));
        place(script);
        script.notify("turn/completed", ended(id, "completed"));
        place(script);

        if self.random.one_in(2) {
            let result = in_time("run()", thread.run("hi").send()).await.unwrap();
            assert_eq!(result.final_response.as_deref(), Some(&*text));
            return;
        }
        let turn = in_time("turn()", thread.turn("hi").send()).await.unwrap();
        if self.random.one_in(4) {
            return;
        }
        let (mut one, mut two) = (turn.stream(), turn.stream());
        if self.random.one_in(2) {
            drop(turn.stream());
        }
        for stream in [&mut one, &mut two] {
            let mut read = String::new();
            while let Some(event) = in_time("a stream", stream.next()).await {
                read.push_str(event.unwrap().text_delta().unwrap_or_default());
            }
            assert_eq!(read, text);
        }
        for _ in 0..2 {
            let result = in_time("run()", turn.run()).await.unwrap();
            assert_eq!(result.final_response.as_deref(), Some(&*text));
            assert_eq!(result.items.len(), 1);
        }
    }

    async fn is_joined(&mut self, thread: &Thread, id: &str) {
        self.starts += 2;
        let script = self.fake.expect("turn/start").reply(turn_response(id));
        script
            .notify("turn/started", started(id))
            .notify("item/agentMessage/delta", delta_of(id, "before "));
        let script = self.fake.expect("turn/start").held_as("second");
        script.notify("item/agentMessage/delta", delta_of(id, "after"));
        if self.random.one_in(2) {
            script.reply_to("second", turn_response(id));
            script.notify("item/completed", item(id, "before after"));
            script.notify("turn/completed", ended(id, "completed"));
        } else {
            script.notify("item/completed", item(id, "before after"));
            script.notify("turn/completed", ended(id, "completed"));
            script.reply_to("second", turn_response(id));
        }

        let first = in_time("turn()", thread.turn("hi").send()).await.unwrap();
        let mut events = first.stream();
        let mut read = String::new();
        // Only what comes after its request is seen by the one that joins.
        while read.is_empty() {
            let event = in_time("a stream", events.next()).await.unwrap();
            read.push_str(event.unwrap().text_delta().unwrap_or_default());
        }
        if self.random.one_in(3) {
            drop(first);
            let joined = in_time("a join", thread.run("me too").send())
                .await
                .unwrap();
            assert_eq!(joined.final_response.as_deref(), Some("before after"));
        } else {
            let second = in_time("turn()", thread.turn("me too").send())
                .await
                .unwrap();
            let mut late = second.stream();
            let mut read_late = String::new();
            while let Some(event) = in_time("a stream", late.next()).await {
                read_late.push_str(event.unwrap().text_delta().unwrap_or_default());
            }
            assert_eq!(read_late, "after");
            let (a, b) = tokio::join!(first.run(), second.run());
            assert_eq!(a.unwrap(), b.unwrap());
        }
        while let Some(event) = in_time("a stream", events.next()).await {
            read.push_str(event.unwrap().text_delta().unwrap_or_default());
        }
        assert_eq!(read, "before after");
    }

    async fn is_dropped_while_it_runs(&mut self, thread: &Thread, id: &str) {
        self.starts += 1;
        let mut events = thread.events();
        let script = self.fake.expect("turn/start").reply(turn_response(id));
        script.notify("turn/started", started(id));
        noise(self.random, script);
        let script = self.fake.expect("turn/interrupt");
        // 0.163.0 does not always answer, and the turn's end has to do.
        if self.random.one_in(2) {
            script.reply(json!({}));
        }
        script.notify("turn/completed", ended(id, "interrupted"));

        let mut run = Box::pin(thread.run("hi").send());
        let is_underway = async {
            while in_time("a thread's events", events.next())
                .await
                .unwrap()
                .unwrap()
                .method()
                != "turn/started"
            {}
        };
        tokio::select! {
            biased;
            result = &mut run => panic!("{result:?}"),
            () = is_underway => {}
        }
        // It may have its response by now, or be dropped between that and its next step.
        drop(run);
        in_time("the script", self.fake.done()).await;
    }

    async fn is_dropped_before_the_response(&mut self, thread: &Thread, id: &str) {
        self.starts += 1;
        self.fake.expect("turn/start").held_as("start");
        // All of the script is there before the interrupt can be sent.
        let script = self.fake.expect("dropped").reply(json!({}));
        if self.random.one_in(2) {
            script.notify("turn/started", started(id));
            script.reply_to("start", turn_response(id));
        } else {
            script.reply_to("start", turn_response(id));
            script.notify("turn/started", started(id));
        }
        let script = self.fake.expect("turn/interrupt");
        script.notify("turn/completed", ended(id, "interrupted"));
        let mut run = Box::pin(thread.run("hi").send());
        let sent = self.fake.wait_for("turn/start", self.starts as usize);
        tokio::select! {
            biased;
            result = &mut run => panic!("{result:?}"),
            _ = sent => {}
        }
        drop(run);
        let dropped = self.codex.call_raw("dropped", json!({}));
        in_time("a call", dropped).await.unwrap();
        in_time("the script", self.fake.done()).await;
    }

    /// More than may be in flight, some of them dropped half-way.
    async fn calls_at_once(&mut self) {
        let calls: Vec<_> = (0..100)
            .map(|number| {
                let codex = self.codex.clone();
                tokio::spawn(async move { codex.call_raw("echo", json!({"n": number})).await })
            })
            .collect();
        if self.random.one_in(2) {
            tokio::task::yield_now().await;
        }
        for call in calls {
            if self.random.one_in(5) {
                call.abort();
            } else {
                in_time("a call", call).await.expect("no panic").unwrap();
            }
        }
    }
}

/// What a server may send besides.
fn noise(random: &mut Random, script: Script<'_>) {
    match random.below(24) {
        0 => script.line("not json"),
        1 => script.line(b"\xff\xfe{}"),
        2 => script.line(""),
        3 => script.notify("never/heard/of", json!({"threadId": "t", "turnId": 7})),
        4 => script.line(r#"{"id":987654321,"result":{}}"#),
        5 => script.line(r#"{"id":1,"result":{"again":true}}"#),
        6 => script.notify("turn/completed", json!({"threadId": "other", "turn": 7})),
        7 => script.floods("account/updated", json!({}), 50),
        8 => script.line(r#"{"method":"account/updated","params":{"x":"\ud83d"}}"#),
        _ => script,
    };
}

fn started(id: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": id, "status": TurnStatus::InProgress, "items": []}})
}

fn ended(id: &str, status: &str) -> Value {
    json!({"threadId": "t", "turn": {"id": id, "status": status, "items": []}})
}

fn delta_of(id: &str, text: &str) -> Value {
    json!({"threadId": "t", "turnId": id, "itemId": "i", "delta": text})
}

fn item(id: &str, text: &str) -> Value {
    let item = json!({"type": "agentMessage", "id": "i", "text": text});
    json!({"threadId": "t", "turnId": id, "completedAtMs": 0, "item": item})
}
