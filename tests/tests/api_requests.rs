//! What the functions of the API ask a server, how often, and past whom.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use client::Fake;
use openai_codex::{Codex, ErrorKind};
use openai_codex_testkit::FakeServer;
use serde_json::json;

/// Else a client whose places are all taken could not stop what takes them.
#[tokio::test(start_paused = true)]
async fn steering_and_interrupting_need_no_place_among_the_requests_in_flight() {
    let fake = FakeServer::new();
    let codex = Codex::builder().max_in_flight(1).fake(&fake).await;
    fake.expect("turn/start").reply(client::turn_response("u"));
    let turn = codex.thread("t").turn("hi").await.unwrap();
    fake.expect("model/list").held_as("models");
    let asking = tokio::spawn(codex.models().into_future());
    fake.wait_for("model/list", 1).await;
    fake.expect("turn/steer").reply(json!({"turnId": "u"}));
    fake.expect("turn/interrupt").reply(json!({}));
    turn.steer("and that").await.unwrap();
    turn.interrupt().await.unwrap();
    fake.then().reply_to("models", json!({"data": []}));
    assert!(asking.await.unwrap().unwrap().is_empty());
}

/// The server decides what the next cursor is, and not whether the listing ends.
#[tokio::test]
async fn a_list_of_models_ends_when_a_cursor_comes_again() {
    for circle in [&["a"][..], &["a", "b"], &["a", "b", "c", "d"]] {
        let (fake, codex) = client::fake().await;
        fake.expect_params("model/list", json!({}))
            .reply(json!({"data": [], "nextCursor": circle[0]}));
        for (at, cursor) in circle.iter().enumerate() {
            let next = circle[(at + 1) % circle.len()];
            fake.expect_params("model/list", json!({"cursor": cursor}))
                .reply(json!({"data": [], "nextCursor": next}));
        }
        let error = codex.models().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let told = error.to_string();
        assert!(told.starts_with("model/list: "), "{told}");
        assert!(told.contains("the cursor \"a\" again"), "{told}");
        fake.assert_finished();
    }
}

#[tokio::test]
async fn a_thread_is_not_looked_for_in_a_circle() {
    let (fake, codex) = client::fake().await;
    for next in ["a", "b", "a"] {
        fake.expect("thread/loaded/list")
            .reply(json!({"data": ["other"], "nextCursor": next}));
    }
    let resume = codex.thread_resume("t").base_instructions("Be brief.");
    let told = resume.await.unwrap_err().to_string();
    assert!(told.contains("the cursor \"a\" again"), "{told}");
    fake.assert_finished();
}

#[tokio::test]
async fn reading_the_account_refreshes_no_token() {
    let (fake, codex) = client::fake().await;
    fake.expect_params("account/read", json!({"refreshToken": false}))
        .reply(json!({"requiresOpenaiAuth": false}));
    assert!(codex.account().await.unwrap().account.is_none());
    fake.assert_finished();
}

/// Settings of which the answer to a resume does not tell whether they are in effect.
#[tokio::test]
async fn a_loaded_thread_is_found_on_any_page_before_it_is_resumed_with_instructions() {
    let (fake, codex) = client::fake().await;
    let page = |id: &str, next: Option<&str>| json!({"data": [id], "nextCursor": next});
    fake.expect_params("thread/loaded/list", json!({}))
        .reply(page("other", Some("2")));
    fake.expect_params("thread/loaded/list", json!({"cursor": "2"}))
        .reply(page("t", None));
    let resume = codex.thread_resume("t").base_instructions("Be brief.");
    let error = resume.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("base_instructions"), "{error}");
    fake.assert_finished();
}

/// 0.163.0 says it twice; what it says first must do.
#[tokio::test]
async fn a_turn_that_failed_without_a_reason_has_that_of_the_error_before_it() {
    let (fake, codex) = client::fake().await;
    let reason = json!({"message": "too much to do", "codexErrorInfo": "serverOverloaded"});
    fake.expect("turn/start")
        .reply(client::turn_response("u"))
        .notify(
            "error",
            json!({"threadId": "t", "turnId": "u", "error": reason, "willRetry": false}),
        )
        .notify(
            "turn/completed",
            json!({"threadId": "t", "turn": {"id": "u", "status": "failed", "items": []}}),
        );
    let error = codex.thread("t").run("hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    assert!(error.is_overloaded());
    assert_eq!(error.to_string(), "the turn failed: too much to do");
}
