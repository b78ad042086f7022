//! Every order of response, events and subscribers, against a model that is too
//! simple to be wrong.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use openai_codex_types::PROTOCOL;
use openai_codex_wire::envelope::{Message, peek};
use openai_codex_wire::{ThreadId, TurnId};
use proptest::prelude::*;

use crate::effects::Effects;
use crate::event::RawEvent;
use crate::queue::{End, Limits};
use crate::router::{Known, Over, Router, StartId, SubKey};

/// Far more than any of these tests sends.
pub(super) const ROOMY: Limits = Limits {
    events: 1_000_000,
    bytes: 1 << 30,
    hard_events: 1_000_000,
    hard_bytes: 1 << 30,
};

pub(super) fn event(method: &str, params: &str) -> Arc<RawEvent> {
    let line = format!("{{\"method\":\"{method}\",\"params\":{params}}}");
    match peek(&line) {
        Ok(Message::Notification {
            method,
            params,
            scope,
            ..
        }) => {
            let spec = PROTOCOL.notification(&method);
            let event = RawEvent::notification(&line, &method, params, &scope, None, spec);
            Arc::new(event)
        }
        other => panic!("{other:?}"),
    }
}

/// An event of a turn, with a number to know it by.
pub(super) fn turn_event(method: &str, thread: &str, turn: &str, number: usize) -> Arc<RawEvent> {
    let turn = match method {
        "turn/started" | "turn/completed" => format!("\"turn\":{{\"id\":\"{turn}\"}}"),
        _ => format!("\"turnId\":\"{turn}\""),
    };
    event(
        method,
        &format!("{{\"threadId\":\"{thread}\",{turn},\"number\":{number}}}"),
    )
}

fn number(event: &RawEvent) -> usize {
    let params: serde_json::Value = serde_json::from_str(event.params()).unwrap();
    params["number"].as_u64().unwrap() as usize
}

/// Reads all that waits for a subscription: the numbers, and whether it ended.
pub(super) fn read(router: &mut Router, key: &SubKey) -> (Vec<usize>, Option<End>) {
    let mut cx = Context::from_waker(Waker::noop());
    let mut batch = VecDeque::new();
    let end = loop {
        let Some(mailbox) = router.mailbox(key) else {
            break None;
        };
        let polled = mailbox.poll_take(&mut cx, &mut batch, 3);
        match polled {
            Poll::Ready(None) => {}
            Poll::Ready(end) => break end,
            Poll::Pending => break None,
        }
    };
    let numbers = batch.iter().map(|item| {
        assert_eq!(item.skipped_before, 0);
        number(&item.event)
    });
    (numbers.collect(), end)
}

pub(super) const TURN: [&str; 5] = [
    "turn/started",
    "item/completed",
    "item/agentMessage/delta",
    "item/completed",
    "turn/completed",
];

/// The response at every place among the events of its turn, and another
/// subscriber at every place.
#[test]
fn every_order_of_response_events_and_subscribers_loses_nothing() {
    let (thread, turn) = (ThreadId::from("t"), TurnId::from("u"));
    for response_at in 0..=TURN.len() {
        for late_at in 0..=TURN.len() {
            for events in [true, false] {
                let mut fx = Effects::default();
                let mut router = Router::new(ROOMY);
                let global = router.subscribe_global().0;
                let all = router.subscribe_thread(&thread).0;
                let start = router.open_start(&thread, events);
                let mut first = None;
                let mut late = None;
                for at in 0..=TURN.len() {
                    if at == response_at {
                        let settled = router
                            .settle_start(&thread, start, Some(&turn), true, &mut fx)
                            .unwrap();
                        assert!(!settled.joined);
                        first = settled.subscription;
                    }
                    if at == late_at {
                        let (_, id) = router.attach_turn(&thread, &turn, &mut fx);
                        late = Some(SubKey::Turn(thread.clone(), turn.clone(), id));
                    }
                    if let Some(method) = TURN.get(at) {
                        let event = turn_event(method, "t", "u", at);
                        let over = router.route(&event, &mut fx);
                        let is_over = over == Over::Turn(thread.clone(), turn.clone());
                        assert_eq!(is_over, at == TURN.len() - 1);
                    }
                }
                let case = format!("response {response_at}, late {late_at}, events {events}");
                assert_eq!(first.is_some(), events, "{case}");
                if let Some(first) = first {
                    let key = SubKey::Turn(thread.clone(), turn.clone(), first);
                    let everything = ((0..TURN.len()).collect(), Some(End::Complete));
                    assert_eq!(read(&mut router, &key), everything, "{case}");
                }
                let rest = ((late_at..TURN.len()).collect(), Some(End::Complete));
                assert_eq!(read(&mut router, &late.unwrap()), rest, "{case}");
                assert_eq!(read(&mut router, &all).0.len(), TURN.len(), "{case}");
                // What a late subscriber came too late for was nobody's then.
                let unowned = if late_at < response_at { late_at } else { 0 };
                assert_eq!(read(&mut router, &global).0.len(), unowned, "{case}");
                let (summary, _) = router.summary(&thread, &turn).unwrap();
                assert!(summary.is_complete(), "{case}");
                assert_eq!(summary.items().count(), 2, "{case}");
            }
        }
    }
}

#[test]
fn a_second_start_joins_the_active_turn_and_sees_it_from_its_own_request_on() {
    let (thread, turn) = (ThreadId::from("t"), TurnId::from("u"));
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let start = router.open_start(&thread, true);
    let first = router
        .settle_start(&thread, start, Some(&turn), true, &mut fx)
        .unwrap();
    router.route(&turn_event("turn/started", "t", "u", 0), &mut fx);
    let start = router.open_start(&thread, true);
    router.route(&turn_event("item/completed", "t", "u", 1), &mut fx);
    let second = router
        .settle_start(&thread, start, Some(&turn), true, &mut fx)
        .unwrap();
    router.route(&turn_event("turn/completed", "t", "u", 2), &mut fx);

    assert_eq!((first.joined, second.joined), (false, true));
    let key = |id| SubKey::Turn(thread.clone(), turn.clone(), id);
    assert_eq!(
        read(&mut router, &key(first.subscription.unwrap())).0,
        [0, 1, 2]
    );
    assert_eq!(
        read(&mut router, &key(second.subscription.unwrap())).0,
        [1, 2]
    );
    // Both handles share the summary, so the joined one's is whole.
    let (summary, _) = router.summary(&thread, &turn).unwrap();
    assert_eq!((summary.items().count(), summary.is_partial()), (1, false));
}

/// Two starts are on their way when the turn begins: the first answered is the
/// one that began it.
#[test]
fn of_two_concurrent_starts_one_begins_the_turn_and_one_joins() {
    let (thread, turn) = (ThreadId::from("t"), TurnId::from("u"));
    for completed_before in [false, true] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let a = router.open_start(&thread, true);
        let b = router.open_start(&thread, true);
        router.route(&turn_event("turn/started", "t", "u", 0), &mut fx);
        let a = router
            .settle_start(&thread, a, Some(&turn), true, &mut fx)
            .unwrap();
        if completed_before {
            router.route(&turn_event("turn/completed", "t", "u", 1), &mut fx);
        }
        let b = router
            .settle_start(&thread, b, Some(&turn), true, &mut fx)
            .unwrap();
        if !completed_before {
            router.route(&turn_event("turn/completed", "t", "u", 1), &mut fx);
        }
        assert_eq!((a.joined, b.joined), (false, true));
        for started in [&a, &b] {
            let key = SubKey::Turn(thread.clone(), turn.clone(), started.subscription.unwrap());
            assert_eq!(read(&mut router, &key), (vec![0, 1], Some(End::Complete)));
        }
    }
}

#[test]
fn a_turn_that_was_seen_to_start_is_joined_even_if_nobody_follows_it() {
    let (thread, turn) = (ThreadId::from("t"), TurnId::from("u"));
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    router.route(&turn_event("turn/started", "t", "u", 0), &mut fx);
    let start = router.open_start(&thread, false);
    let settled = router
        .settle_start(&thread, start, Some(&turn), true, &mut fx)
        .unwrap();
    assert!(settled.joined);
    let (summary, _) = router.summary(&thread, &turn).unwrap();
    assert!(summary.is_partial());
}

#[test]
fn turns_with_the_same_id_on_two_threads_are_told_apart() {
    let turn = TurnId::from("u");
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let (_, a) = router.attach_turn(&"a".into(), &turn, &mut fx);
    let (_, b) = router.attach_turn(&"b".into(), &turn, &mut fx);
    router.route(&turn_event("item/completed", "a", "u", 1), &mut fx);
    router.route(&turn_event("turn/completed", "b", "u", 2), &mut fx);
    let a = SubKey::Turn("a".into(), turn.clone(), a);
    let b = SubKey::Turn("b".into(), turn.clone(), b);
    assert_eq!(read(&mut router, &a), (vec![1], None));
    assert_eq!(read(&mut router, &b), (vec![2], Some(End::Complete)));
}

#[test]
fn a_completion_without_a_readable_turn_completes_the_only_one() {
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let (_, id) = router.attach_turn(&"t".into(), &"u".into(), &mut fx);
    router.route(
        &event("turn/completed", r#"{"threadId":"t","turn":7,"number":1}"#),
        &mut fx,
    );
    let key = SubKey::Turn("t".into(), "u".into(), id);
    assert_eq!(read(&mut router, &key), (vec![1], Some(End::Complete)));
}

#[test]
fn events_of_nobodys_turn_reach_the_thread_and_the_rest() {
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    // From the first byte on, for the first subscriber only.
    router.route(&event("configWarning", r#"{"number":0}"#), &mut fx);
    let first = router.subscribe_global().0;
    let second = router.subscribe_global().0;
    let thread = router.subscribe_thread(&"t".into()).0;
    router.route(&turn_event("item/started", "t", "u", 1), &mut fx);
    router.route(
        &event("thread/status/changed", r#"{"threadId":"x","number":2}"#),
        &mut fx,
    );
    assert_eq!(read(&mut router, &first).0, [0, 1, 2]);
    assert_eq!(read(&mut router, &second).0, [1, 2]);
    assert_eq!(read(&mut router, &thread).0, [1]);
}

#[test]
fn what_came_of_a_foreign_turn_while_a_start_was_open_is_not_swallowed() {
    let thread = ThreadId::from("t");
    for answer in [None, Some(TurnId::from("mine"))] {
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let global = router.subscribe_global().0;
        let start = router.open_start(&thread, true);
        router.route(&turn_event("item/started", "t", "foreign", 1), &mut fx);
        router.route(&turn_event("item/started", "t", "mine", 2), &mut fx);
        router.settle_start(&thread, start, answer.as_ref(), true, &mut fx);
        let mut seen = read(&mut router, &global).0;
        seen.sort_unstable();
        assert_eq!(
            seen,
            if answer.is_some() {
                vec![1]
            } else {
                vec![1, 2]
            }
        );
    }
}

#[test]
fn attaching_says_what_is_known_of_the_turn() {
    let mut fx = Effects::default();
    let mut router = Router::new(ROOMY);
    let thread = ThreadId::from("t");
    router.route(&turn_event("turn/started", "t", "runs", 0), &mut fx);
    router.route(&turn_event("turn/started", "t", "ended", 1), &mut fx);
    router.route(&turn_event("turn/completed", "t", "ended", 2), &mut fx);
    for (turn, known) in [
        ("runs", Known::Followed),
        ("ended", Known::Finished),
        ("other", Known::Unknown),
    ] {
        assert_eq!(
            router.attach_turn(&thread, &turn.into(), &mut fx).0,
            known,
            "{turn}"
        );
    }
    assert!(router.has_finished(&thread, &"ended".into()));
    assert!(!router.has_finished(&thread, &"runs".into()));
}

#[test]
fn a_hundred_thousand_turns_leave_nothing_behind() {
    let mut fx = Effects::default();
    let mut router = Router::new(Limits::default());
    let mut after_some = 0;
    for number in 0..100_000 {
        let thread = ThreadId::from(format!("t{}", number % 50));
        let turn = TurnId::from(format!("u{number}"));
        let start = router.open_start(&thread, number % 3 != 0);
        for method in ["turn/started", "item/agentMessage/delta"] {
            router.route(&turn_event(method, &thread, &turn, number), &mut fx);
        }
        // Answered; abandoned and answered; refused.
        let (answer, keep) = match number % 4 {
            0 | 1 => (Some(&turn), true),
            2 => {
                router.abandon_start(&thread, start, &mut fx);
                (Some(&turn), false)
            }
            _ => (None, true),
        };
        let settled = router.settle_start(&thread, start, answer, keep, &mut fx);
        let completed = turn_event("turn/completed", &thread, &turn, number);
        if number % 2 == 0 {
            router.route(&completed, &mut fx);
        }
        if let Some(settled) = settled.filter(|_| keep) {
            router.drop_handle(&thread, &turn, settled.subscription, &mut fx);
        }
        if number % 2 == 1 {
            router.route(&completed, &mut fx);
        }
        fx.run();
        if number == 1000 {
            after_some = router.entries();
        }
    }
    assert_eq!(router.entries(), after_some);
    assert_eq!(after_some, 0);
}

// The model: who is interested in what, and what they must have got.

#[derive(Clone, Debug)]
enum Op {
    /// A `turn/start` on a thread is queued.
    Open {
        thread: usize,
    },
    /// One of the open starts is answered with a turn, or with an error.
    Answer {
        which: usize,
        turn: Option<usize>,
        keep: bool,
    },
    Abandon {
        which: usize,
    },
    Event {
        thread: usize,
        turn: usize,
        method: usize,
    },
    Attach {
        thread: usize,
        turn: usize,
    },
    DropHandle {
        which: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (thread, turn, which) = (0..2_usize, 0..3_usize, 0..6_usize);
    prop_oneof![
        2 => thread.clone().prop_map(|thread| Op::Open { thread }),
        2 => (which.clone(), proptest::option::weighted(0.8, turn.clone()), proptest::bool::weighted(0.8))
            .prop_map(|(which, turn, keep)| Op::Answer { which, turn, keep }),
        1 => which.clone().prop_map(|which| Op::Abandon { which }),
        8 => (thread.clone(), turn.clone(), 0..TURN.len())
            .prop_map(|(thread, turn, method)| Op::Event { thread, turn, method }),
        1 => (thread, turn).prop_map(|(thread, turn)| Op::Attach { thread, turn }),
        1 => which.prop_map(|which| Op::DropHandle { which }),
    ]
}

/// A start whose answer has not come, with all that came since, by turn.
struct OpenStart {
    id: StartId,
    thread: usize,
    since: BTreeMap<usize, Vec<usize>>,
    abandoned: bool,
}

/// Someone who follows a turn.
struct Follower {
    thread: usize,
    turn: usize,
    key: SubKey,
    expected: Vec<usize>,
    ended: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn each_subscriber_sees_exactly_its_events_in_order_once(ops in prop::collection::vec(op(), 0..60)) {
        let threads = [ThreadId::from("t0"), ThreadId::from("t1")];
        let turns = [TurnId::from("u0"), TurnId::from("u1"), TurnId::from("u2")];
        let mut fx = Effects::default();
        let mut router = Router::new(ROOMY);
        let watchers = threads.clone().map(|thread| router.subscribe_thread(&thread).0);
        let global = router.subscribe_global().0;
        let mut on_thread = [Vec::new(), Vec::new()];
        let mut starts: Vec<OpenStart> = Vec::new();
        let mut followers: Vec<Follower> = Vec::new();
        // What a completed turn still sends reaches no follower of it.
        let mut sent = 0;

        for op in ops {
            match op {
                Op::Open { thread } => starts.push(OpenStart {
                    id: router.open_start(&threads[thread], true),
                    thread,
                    since: BTreeMap::new(),
                    abandoned: false,
                }),
                Op::Answer { which, turn, keep } => {
                    if starts.is_empty() { continue }
                    let start = starts.remove(which % starts.len());
                    let keep = keep && !start.abandoned;
                    let settled = router.settle_start(
                        &threads[start.thread], start.id, turn.map(|turn| &turns[turn]), keep, &mut fx,
                    );
                    prop_assert_eq!(settled.is_some(), turn.is_some());
                    let Some((turn, settled)) = turn.zip(settled) else { continue };
                    if keep {
                        let expected = start.since.get(&turn).cloned().unwrap_or_default();
                        let subscription = settled.subscription.unwrap();
                        let (thread_id, turn_id) = (threads[start.thread].clone(), turns[turn].clone());
                        let (summary, _) = router.summary(&thread_id, &turn_id).unwrap();
                        followers.push(Follower {
                            thread: start.thread,
                            turn,
                            key: SubKey::Turn(thread_id, turn_id, subscription),
                            expected,
                            ended: summary.is_complete(),
                        });
                    } else {
                        prop_assert_eq!(settled.subscription, None);
                    }
                }
                Op::Abandon { which } => {
                    if starts.is_empty() { continue }
                    let which = which % starts.len();
                    let start = &mut starts[which];
                    start.abandoned = true;
                    router.abandon_start(&threads[start.thread], start.id, &mut fx);
                }
                Op::Event { thread, turn, method } => {
                    let event = turn_event(TURN[method], &threads[thread], &turns[turn], sent);
                    let complete = router
                        .summary(&threads[thread], &turns[turn])
                        .is_some_and(|(summary, _)| summary.is_complete());
                    router.route(&event, &mut fx);
                    on_thread[thread].push(sent);
                    if !complete {
                        for start in starts.iter_mut().filter(|start| start.thread == thread) {
                            start.since.entry(turn).or_default().push(sent);
                        }
                        for follower in followers.iter_mut() {
                            if (follower.thread, follower.turn) == (thread, turn) && !follower.ended {
                                follower.expected.push(sent);
                                follower.ended = TURN[method] == "turn/completed";
                            }
                        }
                    }
                    sent += 1;
                }
                Op::Attach { thread, turn } => {
                    let (_, id) = router.attach_turn(&threads[thread], &turns[turn], &mut fx);
                    let (summary, _) = router.summary(&threads[thread], &turns[turn]).unwrap();
                    followers.push(Follower {
                        thread,
                        turn,
                        key: SubKey::Turn(threads[thread].clone(), turns[turn].clone(), id),
                        expected: Vec::new(),
                        ended: summary.is_complete(),
                    });
                }
                Op::DropHandle { which } => {
                    if followers.is_empty() { continue }
                    let follower = followers.remove(which % followers.len());
                    let SubKey::Turn(thread, turn, id) = &follower.key else { unreachable!() };
                    let (seen, end) = read(&mut router, &follower.key);
                    prop_assert_eq!(&seen, &follower.expected);
                    prop_assert_eq!(end.is_some(), follower.ended);
                    router.drop_handle(thread, turn, Some(*id), &mut fx);
                }
            }
            fx.run();
        }

        for follower in &followers {
            let (seen, end) = read(&mut router, &follower.key);
            prop_assert_eq!(&seen, &follower.expected);
            prop_assert_eq!(end.is_some(), follower.ended);
        }
        for (watcher, expected) in watchers.iter().zip(on_thread) {
            prop_assert_eq!(read(&mut router, watcher).0, expected);
        }
        // In the rest, everything once at the most.
        let mut rest = read(&mut router, &global).0;
        let length = rest.len();
        rest.sort_unstable();
        rest.dedup();
        prop_assert_eq!(rest.len(), length);

        // When everyone goes and every turn ends, nothing is left.
        for follower in followers {
            let SubKey::Turn(thread, turn, id) = &follower.key else { unreachable!() };
            router.drop_handle(thread, turn, Some(*id), &mut fx);
        }
        for start in starts {
            router.settle_start(&threads[start.thread], start.id, None, true, &mut fx);
        }
        for thread in &threads {
            for turn in &turns {
                router.route(&turn_event("turn/completed", thread, turn, 0), &mut fx);
            }
        }
        for key in watchers.iter().chain([&global]) {
            router.unsubscribe(key, &mut fx);
        }
        prop_assert_eq!(router.entries(), 0);
    }
}
