use super::*;
use crate::TurnRef;
use crate::error::ErrorKind;
use crate::queue::Limits;

const FEW: Limits = Limits {
    events: 100,
    bytes: 1 << 20,
    hard_events: 1000,
    hard_bytes: 1 << 20,
};

async fn started(fake: &FakeServer) -> (Connection, TurnRef) {
    let options = ConnectionOptions {
        limits: FEW,
        ..ConnectionOptions::default()
    };
    let connection = connect_with(fake, options, Refuse).await;
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    let params = raw(json!({}));
    let started = connection
        .start_turn(&"t".into(), &params, true, FOREVER)
        .await;
    (connection, started.unwrap().turn)
}

fn complete(fake: &FakeServer) {
    fake.then().notify(
        "turn/completed",
        json!({"threadId": "t", "turn": {"id": "u"}}),
    );
}

async fn numbers(events: &mut Subscription) -> Vec<Result<i64, ErrorKind>> {
    let mut numbers = Vec::new();
    while let Some(event) = events.next().await {
        numbers.push(match event {
            Ok(event) => {
                let params: Value = serde_json::from_str(event.params()).unwrap();
                let number = params["n"].as_str().map(|number| number.parse().unwrap());
                Ok(number.unwrap_or(-1))
            }
            Err(error) => Err(error.kind()),
        });
    }
    numbers
}

#[tokio::test]
async fn a_stalled_subscriber_is_told_what_it_missed_and_disturbs_nobody() {
    let fake = FakeServer::new();
    let (connection, turn) = started(&fake).await;
    let mut stalled = turn.subscribe();
    let mut fast = turn.subscribe();
    let fast = tokio::spawn(async move { numbers(&mut fast).await });
    let params = json!({"threadId": "t", "turnId": "u", "n": "{i}"});
    // In pieces that the fast one can keep up with.
    for _ in 0..50 {
        fake.then()
            .floods("item/commandExecution/outputDelta", params.clone(), 50);
        fake.expect("sync").reply(json!({}));
        connection.ask("sync", json!({})).await.unwrap();
        tokio::task::yield_now().await;
    }
    complete(&fake);
    turn.completed().await.unwrap();
    let fast = fast.await.unwrap();
    assert_eq!(fast.len(), 2501);
    assert!(fast.iter().all(Result::is_ok));

    let stalled = numbers(&mut stalled).await;
    assert_eq!(stalled.len(), 102);
    assert!(stalled[..100].iter().all(Result::is_ok));
    assert_eq!(stalled[100], Err(ErrorKind::Lagged { skipped: 2400 }));
    assert_eq!(stalled[101], Ok(-1));
}

#[tokio::test]
async fn a_stalled_subscriber_learns_that_an_item_starts_again() {
    let fake = FakeServer::new();
    let (_connection, turn) = started(&fake).await;
    let mut stalled = turn.subscribe();
    let of_turn = |n: &str| json!({"threadId": "t", "turnId": "u", "n": n});
    let item = json!({"threadId": "t", "turnId": "u", "item": {"id": "i"}});
    fake.then().notify("item/started", item.clone());
    fake.then().notify("item/agentMessage/delta", of_turn("1"));
    fake.then()
        .floods("item/commandExecution/outputDelta", of_turn("{i}"), 500);
    // The connection to the model broke, and the item begins anew.
    fake.then().notify("item/started", item);
    fake.then().notify("item/agentMessage/delta", of_turn("2"));
    complete(&fake);
    turn.completed().await.unwrap();
    let mut methods = Vec::new();
    while let Some(event) = stalled.next().await {
        match event {
            Ok(event) if event.method().ends_with("outputDelta") => {}
            Ok(event) => methods.push(event.method().to_owned()),
            Err(error) => methods.push(format!("{:?}", error.kind())),
        }
    }
    assert_eq!(
        methods,
        [
            "item/started",
            "item/agentMessage/delta",
            "item/started",
            "item/agentMessage/delta",
            "Lagged { skipped: 402 }",
            "turn/completed",
        ]
    );
}

#[tokio::test]
async fn past_the_hard_limit_only_that_subscription_ends() {
    let fake = FakeServer::new();
    let (_connection, turn) = started(&fake).await;
    let mut stalled = turn.subscribe();
    let params = json!({"threadId": "t", "turnId": "u", "n": "{i}"});
    fake.then().floods("item/agentMessage/delta", params, 5000);
    fake.then().notify(
        "item/completed",
        json!({"threadId": "t", "turnId": "u", "item": {}}),
    );
    complete(&fake);
    let summary = turn.completed().await.unwrap();
    assert_eq!(summary.items().count(), 1);
    let stalled = numbers(&mut stalled).await;
    assert_eq!(stalled.len(), 1001);
    let expected: Vec<_> = (0..1000).map(Ok).collect();
    assert_eq!(stalled[..1000], expected[..]);
    // The rest of the deltas, the item and the completion.
    assert_eq!(stalled[1000], Err(ErrorKind::Lagged { skipped: 4002 }));
}

#[tokio::test]
async fn the_rings_keep_the_newest() {
    let fake = FakeServer::new();
    let (connection, turn) = started(&fake).await;
    let mut on_thread = connection.thread_events(&"t".into());
    // Nobody has asked for these yet: they are kept from the first byte on.
    fake.then().floods(
        "thread/status/changed",
        json!({"threadId": "t", "n": "{i}"}),
        5000,
    );
    complete(&fake);
    turn.completed().await.unwrap();
    let mut others = connection.events();
    connection.close().await.unwrap();
    for events in [&mut others, &mut on_thread] {
        let numbers = numbers(events).await;
        let kept: Vec<_> = numbers
            .iter()
            .flatten()
            .copied()
            .filter(|n| *n >= 0)
            .collect();
        let newest: Vec<_> = (5000 - kept.len() as i64..5000).collect();
        assert!((90..=100).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept, newest);
        assert!(matches!(numbers[0], Err(ErrorKind::Lagged { skipped }) if skipped >= 4900));
        assert_eq!(*numbers.last().unwrap(), Err(ErrorKind::Closed));
    }
}
