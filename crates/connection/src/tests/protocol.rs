//! A protocol whose methods have other names: what the connection understands, it is told.

use openai_codex_wire::{MethodSpec, NotificationSpec, Protocol, Role, ServerRequestSpec};

use super::*;
use crate::core::Interrupted;

static REQUESTS: &[MethodSpec] = &[
    MethodSpec::new("initialize", "", "").role(Role::Initialize),
    MethodSpec::new("go", "", "").role(Role::TurnStart),
    MethodSpec::new("halt", "", "")
        .urgent()
        .role(Role::TurnInterrupt),
    MethodSpec::new("leave", "", "").role(Role::ThreadUnsubscribe),
];

static NOTIFICATIONS: &[NotificationSpec] = &[
    NotificationSpec::new("began", "")
        .lossless()
        .role(Role::TurnStarted),
    NotificationSpec::new("made", "")
        .lossless()
        .role(Role::ItemCompleted),
    NotificationSpec::new("over", "")
        .lossless()
        .role(Role::TurnCompleted),
];

static SERVER_REQUESTS: &[ServerRequestSpec] =
    &[ServerRequestSpec::new("may I?", "", "").refusal(r#"{"no":true}"#)];

static OTHER: Protocol = Protocol::new(
    |method| REQUESTS.iter().find(|spec| spec.method == method),
    |method| NOTIFICATIONS.iter().find(|spec| spec.method == method),
    |method| SERVER_REQUESTS.iter().find(|spec| spec.method == method),
    |role| {
        let requests = REQUESTS.iter().map(|spec| (spec.role, spec.method));
        let notifications = NOTIFICATIONS.iter().map(|spec| (spec.role, spec.method));
        let mut all = requests.chain(notifications);
        all.find(|(its, _)| *its == Some(role)).map(|(_, it)| it)
    },
);

#[tokio::test]
async fn turns_run_by_roles_whatever_the_methods_are_called() {
    let fake = FakeServer::new();
    let connection = connect_with(&fake, ConnectionOptions::new(&OTHER), Refuse).await;
    let of_turn = |turn: &str| json!({"threadId": "t", "turn": {"id": turn}});
    for turn in ["u", "v"] {
        fake.expect("go").reply(json!({"turn": {"id": turn}}));
        let params = raw(json!({}));
        let started = connection
            .start_turn(&"t".into(), &params, true, Deadline::Default)
            .await
            .unwrap();
        fake.then().notify("began", of_turn(turn));
        fake.then()
            .notify("made", json!({"threadId": "t", "turnId": turn, "item": {}}));
        if turn == "u" {
            fake.then().notify("over", of_turn(turn));
            let summary = started.turn.completed().await.unwrap();
            assert_eq!(summary.items().count(), 1);
            // What others call the end of a turn is nothing here.
            fake.then().notify("turn/completed", of_turn("v"));
        } else {
            fake.expect("halt").reply(json!({}));
            let interrupted = connection
                .interrupt(&"t".into(), &turn.into(), Deadline::Default)
                .await;
            assert_eq!(interrupted.unwrap(), Interrupted::Accepted);
            fake.expect("leave").reply(json!({}));
            let params = json!({"threadId": "t"});
            connection.ask("leave", params).await.unwrap();
            let error = started.turn.completed().await.unwrap_err();
            assert!(error.to_string().contains("unsubscribed"), "{error}");
        }
    }
}

#[test]
fn a_refusal_is_what_the_protocol_says() {
    let answer = |method| refuse(&OTHER, method);
    assert_eq!(answer("may I?").unwrap().get(), r#"{"no":true}"#);
    assert_eq!(answer("applyPatchApproval").unwrap_err().code, -32601);
}

#[tokio::test]
async fn what_no_method_has_the_role_of_cannot_be_done() {
    static NONE: Protocol = Protocol::new(
        |_| None,
        |_| None,
        |_| None,
        |role| (role == Role::Initialize).then_some("initialize"),
    );
    let fake = FakeServer::new();
    let connection = connect_with(&fake, ConnectionOptions::new(&NONE), Refuse).await;
    let params = raw(json!({}));
    let error = connection
        .start_turn(&"t".into(), &params, true, Deadline::Default)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("no method for turn-start"),
        "{error}"
    );
}
