//! Which reply answers which request.

mod support;

use support::Stage;

#[test]
fn threads_that_run_at_once_get_the_replies_made_for_them() {
    let mut stage = Stage::new();
    let other = stage.client.thread_start();
    stage.model.when_thread(&other).shell("echo other");
    stage.model.when_thread(&other).say("I am the other");
    stage.model.when_thread(&stage.thread).say("I am the one");
    let one = stage.client.turn_start(&stage.thread, "who are you?");
    let two = stage.client.turn_start(&other, "who are you?");
    assert_eq!(stage.client.turn_end(&one).messages(), ["I am the one"]);
    let two = stage.client.turn_end(&two);
    assert_eq!(two.items("commandExecution").len(), 1);
    assert_eq!(two.messages(), ["I am the other"]);
    stage.model.assert_finished();
}

#[test]
fn a_reply_made_for_the_request_goes_before_those_in_order() {
    let mut stage = Stage::new();
    stage.model.say("in order");
    stage.model.when_user_says("special").say("made for it");
    assert_eq!(stage.turn("special").messages(), ["made for it"]);
    assert_eq!(stage.turn("special").messages(), ["in order"]);
    stage.model.assert_finished();
}

#[test]
fn rounds_count_within_a_turn() {
    let mut stage = Stage::new();
    stage
        .model
        .when(|request| request.round() == 1)
        .shell("true")
        .every_time();
    stage
        .model
        .when(|request| request.round() == 2)
        .say("done")
        .every_time();
    for _ in 0..2 {
        let turn = stage.turn("go");
        assert_eq!(turn.items("commandExecution").len(), 1);
        assert_eq!(turn.messages(), ["done"]);
    }
    let ids: Vec<_> = stage
        .model
        .requests()
        .iter()
        .map(|request| request.round())
        .collect();
    assert_eq!(ids, [1, 2, 1, 2]);
}

#[test]
fn a_reply_for_every_time_has_new_ids_each_time() {
    let mut stage = Stage::new();
    stage.model.say("always").every_time();
    let first = stage.turn("go").items("agentMessage")[0]["id"].clone();
    let second = stage.turn("go").items("agentMessage")[0]["id"].clone();
    assert_eq!((first, second), ("msg_1_1".into(), "msg_1r2_1".into()));
    stage.model.assert_finished();
}

#[test]
fn an_optional_reply_may_go_unused() {
    let stage = Stage::new();
    stage.model.say("perhaps").optional();
    stage.model.assert_finished();
}
