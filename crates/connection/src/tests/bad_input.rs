use super::*;

/// What may come between the events of a turn, and whether it is no message.
fn oddities() -> Vec<(Vec<u8>, bool)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let mut oddities = vec![
        (text("garbage"), true),
        (text("{\"method\":"), true),
        (text("[]"), true),
        (text("{}"), true),
        (text("null"), true),
        (text("{\"method\":7,\"params\":{}}"), true),
        (text("{\"id\":1.5,\"result\":{}}"), true),
        (b"\xff\xfe\x00".to_vec(), true),
        (text(""), false),
        (text("  \r"), false),
        // Understood as far as routing goes, whatever is in them.
        (text("{\"method\":\"from/the/future\",\"params\":{\"threadId\":\"t\",\"turnId\":\"u\",\"x\":1}}"), false),
        (text("{\"method\":\"item/completed\",\"params\":{\"item\":7,\"threadId\":\"t\",\"turnId\":\"u\"}}"), false),
        (text("{\"method\":\"item/completed\",\"params\":{\"item\":{\"type\":\"hologram\"},\"threadId\":\"t\",\"turnId\":\"u\"}}"), false),
        (text("{\"method\":\"item/started\",\"params\":null}"), false),
        (text("{\"method\":\"item/started\",\"params\":[1,2]}"), false),
        (text("{\"method\":\"item/started\"}"), false),
        (text("{\"id\":77,\"result\":{}}"), false),
        (text("{\"id\":\"nothing\",\"error\":null}"), false),
        (text("{\"method\":\"serverRequest/resolved\",\"params\":{\"requestId\":[]}}"), false),
        (text("{\"method\":\"account/login/completed\",\"params\":{\"loginId\":5}}"), false),
        (text("{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"t\",\"turnId\":\"u\",\"delta\":\"\\ud83d\"}}"), false),
        (b"{\"method\":\"item/agentMessage/delta\",\"params\":{\"threadId\":\"t\",\"turnId\":\"u\",\"delta\":\"\xf0\x9f\"}}".to_vec(), false),
    ];
    // As long as they come: 0.163.0 embeds whole command outputs.
    let long = "x".repeat(32 * 1024 * 1024);
    oddities.push((
        format!("{{\"method\":\"item/completed\",\"params\":{{\"item\":{{\"text\":\"{long}\"}},\"threadId\":\"t\",\"turnId\":\"u\"}}}}").into_bytes(),
        false,
    ));
    oddities
}

#[tokio::test]
async fn whatever_comes_the_turn_completes_and_nothing_is_hidden() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("turn/start")
        .reply(json!({"turn": {"id": "u"}}));
    let mut malformed = Vec::new();
    for (line, is_malformed) in oddities() {
        fake.then().line(&line);
        if is_malformed {
            malformed.push(String::from_utf8_lossy(&line).into_owned());
        }
    }
    let mut others = connection.events();
    let last = json!({"threadId": "t", "turn": {"id": "u", "status": "dancing", "items": [7]}});
    fake.then().notify("turn/completed", last);

    let params = raw(json!({}));
    let started = connection
        .start_turn(&"t".into(), &params, true, FOREVER)
        .await;
    let turn = started.unwrap().turn;
    let summary = turn.completed().await.unwrap();
    assert_eq!(summary.items().count(), 3);
    let (methods, error) = rest(&mut turn.subscribe()).await;
    assert!(error.is_none());
    assert_eq!(
        methods,
        [
            "from/the/future",
            "item/completed",
            "item/completed",
            "item/agentMessage/delta",
            "item/agentMessage/delta",
            "item/completed",
            "turn/completed",
        ]
    );

    // The rest is where everything is that nobody owns, as it came.
    connection.close().await.unwrap();
    let mut seen = Vec::new();
    while let Some(Ok(event)) = others.next().await {
        if event.malformed().is_some() {
            assert_eq!(event.method(), "");
            seen.push(event.line().to_owned());
        }
    }
    assert_eq!(seen, malformed);
    // Two lines were not UTF-8, one of which was a message once repaired.
    assert_eq!(connection.malformed_lines(), malformed.len() as u64 + 2);
}

#[tokio::test]
async fn repaired_text_is_what_subscribers_get() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let mut events = connection.thread_events(&"t".into());
    fake.then()
        .line(r#"{"method":"x","params":{"threadId":"t","delta":"a\ud83db"}}"#)
        .line(b"{\"method\":\"x\",\"params\":{\"threadId\":\"t\",\"delta\":\"a\xf0b\"}}");
    for _ in 0..2 {
        let event = next(&mut events).await;
        let params: Value = serde_json::from_str(event.params()).unwrap();
        assert_eq!(params["delta"], "a\u{fffd}b");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_inside_is_an_error_of_its_caller_only() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    let call = async |line: &str| {
        fake.expect("call");
        let mut call = Box::pin(connection.ask("call", json!({})));
        assert!(poll_once(&mut call).await.is_pending());
        let id = fake.wait_for("call", fake.received().len() - 1).await["id"].clone();
        fake.then().line(line.replace("ID", &id.to_string()));
        call.await
    };
    let kind = |result: Result<Value>| result.unwrap_err().kind();
    use crate::error::{ErrorKind, RpcErrorKind};
    assert_eq!(
        kind(call(r#"{"id":ID,"result":{"a":tru}}"#).await),
        ErrorKind::Decode
    );
    assert_eq!(call(r#"{"id":ID}"#).await.unwrap(), Value::Null);
    let odd = ErrorKind::Rpc(RpcErrorKind::Other(0));
    assert_eq!(kind(call(r#"{"id":ID,"error":"what"}"#).await), odd);
    assert_eq!(kind(call(r#"{"id":ID,"error":{"code":"x"}}"#).await), odd);
    assert!(connection.failure().is_none());
}

/// Some wrappers of Windows begin what they write with it.
#[tokio::test]
async fn a_byte_order_mark_before_an_answer_loses_nothing() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.expect("call").held_as("call");
    let mut call = Box::pin(connection.ask("call", json!({})));
    assert!(poll_once(&mut call).await.is_pending());
    let id = fake.wait_for("call", 1).await["id"].clone();
    fake.then()
        .line(format!("\u{feff}{{\"id\":{id},\"result\":7}}"));
    assert_eq!(call.await.unwrap(), 7);
    assert_eq!(connection.malformed_lines(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_what_was_skipped_meanwhile() {
    let fake = FakeServer::new();
    let connection = connect(&fake).await;
    fake.always("call");
    let timed_out = async || {
        let error = connection.ask("call", json!({})).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Timeout);
        error.to_string()
    };
    assert!(!timed_out().await.contains("skipped"));
    fake.expect("next")
        .line("{")
        .line(r#"{"id":2,"result":{}}{"id":3,"apiKey":"sk-proj-0123456789abcdef"}"#);
    let error = connection.ask("next", json!({})).await.unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("next: no answer within"), "{told}");
    assert!(told.contains("2 lines were skipped meanwhile"), "{told}");
    assert!(told.contains(r#"{\"id\":2,\"result\":{}}{"#), "{told}");
    assert!(told.contains("; the runtime may still act on it"), "{told}");
    assert!(!told.contains("0123456789"), "{told}");
    // What was skipped before is not to blame.
    assert!(!timed_out().await.contains("skipped"));
}
