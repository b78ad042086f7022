//! Logging in and out, on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use openai_codex::Codex;
use openai_codex::types::{
    Account, CancelLoginAccountParams, CancelLoginAccountStatus,
    ChatgptAuthTokensLoginAccountParams, LoginAccountParams,
};
use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;

const KEY: &str = "sk-test-0123456789";

/// A runtime that wants a login, and no key in its environment.
async fn locked(model: &MockModel) -> (TestRuntime, Codex) {
    let runtime = TestRuntime::builder(model)
        .requires_openai_auth(true)
        .env("OPENAI_API_KEY", "")
        .build()
        .unwrap();
    let codex = client::connect(&runtime).await;
    (runtime, codex)
}

#[tokio::test]
async fn an_api_key_is_logged_in_read_and_logged_out() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = locked(&model).await;
    let before = codex.account().await.unwrap();
    assert!(before.account.is_none() && before.requires_openai_auth);
    codex.login_api_key(KEY).await.unwrap();
    let account = codex.account().await.unwrap().account;
    assert!(matches!(account, Some(Account::ApiKey)), "{account:?}");
    codex.logout().await.unwrap();
    assert!(codex.account().await.unwrap().account.is_none());
}

#[tokio::test]
async fn follow_up_model_requests_carry_the_key() {
    let model = MockModel::start().unwrap();
    model.say("ok");
    let (_runtime, codex) = locked(&model).await;
    codex.login_api_key(KEY).await.unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    assert_eq!(
        model.last_request().unwrap().header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
}

/// A token of nobody's, as ChatGPT makes them: readable, and not signed.
fn token() -> String {
    let claims = json!({
        "email": "user@example.com",
        "https://api.openai.com/auth": {"chatgpt_account_id": "acct", "chatgpt_plan_type": "pro"},
    });
    let part = |text: &str| base64(text.as_bytes());
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"none"}"#),
        part(&claims.to_string()),
        part("x")
    )
}

/// URL-safe, without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        for at in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

#[tokio::test]
async fn follow_up_model_requests_carry_the_callers_chatgpt_token() {
    let model = MockModel::start().unwrap();
    model.say("ok");
    let (_runtime, codex) = locked(&model).await;
    let token = token();
    let tokens = ChatgptAuthTokensLoginAccountParams::new(token.as_str(), "acct");
    codex.call(LoginAccountParams::from(tokens)).await.unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").await.unwrap();
    let request = model.last_request().unwrap();
    assert_eq!(
        request.header("authorization"),
        Some(format!("Bearer {token}").as_str())
    );
    assert_eq!(request.header("chatgpt-account-id"), Some("acct"));
}

#[tokio::test]
async fn a_cancelled_browser_login_completes_as_failed() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = locked(&model).await;
    let login = codex.login_chatgpt().await.unwrap();
    assert!(login.auth_url().starts_with("https://"));
    let cancelled = login.cancel().await.unwrap();
    assert_eq!(cancelled.status, CancelLoginAccountStatus::Canceled);
    let completed = login.wait().await.unwrap();
    assert!(!completed.success && completed.error.is_some());
    assert_eq!(
        completed.login_id.as_deref(),
        Some(login.login_id().as_str())
    );
    assert_eq!(login.wait().await.unwrap(), completed, "waiting twice");
    let again = login.cancel().await.unwrap();
    assert_eq!(again.status, CancelLoginAccountStatus::NotFound);
}

#[tokio::test]
async fn a_replaced_browser_login_fails_and_the_new_one_goes_on() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = locked(&model).await;
    let first = codex.login_chatgpt().await.unwrap();
    let second = codex.login_chatgpt().await.unwrap();
    assert_ne!(first.login_id(), second.login_id());
    assert!(!first.wait().await.unwrap().success);
    let (completed, cancelled) = tokio::join!(second.wait(), second.cancel());
    assert_eq!(
        cancelled.unwrap().status,
        CancelLoginAccountStatus::Canceled
    );
    assert_eq!(
        completed.unwrap().login_id.as_deref(),
        Some(second.login_id().as_str())
    );
}

#[tokio::test]
async fn a_dropped_handle_leaves_the_attempt_alone() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = locked(&model).await;
    let login = codex.login_chatgpt().await.unwrap();
    let id = login.login_id().clone();
    drop(login);
    // It can still be cancelled, so it was there.
    let cancelled = codex
        .call(CancelLoginAccountParams::new(&id))
        .await
        .unwrap();
    assert_eq!(cancelled.status, CancelLoginAccountStatus::Canceled);
}

#[tokio::test]
async fn a_completion_from_before_the_answer_or_the_wait_counts() {
    let (fake, codex) = client::fake().await;
    let completed =
        |id: &str, success: bool| json!({"loginId": id, "success": success, "error": null});
    fake.expect_params("account/login/start", json!({"type": "chatgptDeviceCode"}))
        .notify("account/login/completed", completed("l1", true))
        .reply(json!({
            "type": "chatgptDeviceCode", "loginId": "l1", "userCode": "ABCD",
            "verificationUrl": "https://example.com/device",
        }));
    fake.expect_params("account/login/start", json!({"type": "chatgpt"}))
        .reply(
            json!({"type": "chatgpt", "loginId": "l2", "authUrl": "https://example.com/?secret"}),
        )
        .notify("account/login/completed", completed("other", false))
        .notify("account/login/completed", completed("l2", true));
    let device = codex.login_chatgpt_device_code().await.unwrap();
    assert_eq!(device.user_code(), "ABCD");
    assert_eq!(device.verification_url(), "https://example.com/device");
    let browser = codex.login_chatgpt().await.unwrap();
    assert!(browser.wait().await.unwrap().success);
    assert!(device.wait().await.unwrap().success);
    for shown in [format!("{device:?}"), format!("{browser:?}")] {
        assert!(
            !shown.contains("ABCD") && !shown.contains("secret"),
            "{shown}"
        );
    }
    fake.assert_finished();
}

#[tokio::test]
async fn a_login_that_breaks_off_is_an_error_for_every_wait() {
    let (fake, codex) = client::fake().await;
    fake.expect("account/login/start")
        .reply(json!({"type": "chatgpt", "loginId": "l", "authUrl": "https://example.com"}));
    let login = codex.login_chatgpt().await.unwrap();
    fake.then().exits(0);
    assert!(login.wait().await.unwrap_err().is_closed());
    assert!(login.wait().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_key_is_in_no_error_and_in_no_debug_text() {
    let (fake, codex) = client::fake().await;
    fake.expect_params(
        "account/login/start",
        json!({"type": "apiKey", "apiKey": KEY}),
    )
    .error(-32600, &format!("Invalid request: no such key `{KEY}`"));
    let error = codex.login_api_key(KEY).await.unwrap_err();
    assert!(
        error.to_string().contains("no such key `[redacted]`"),
        "{error}"
    );
    assert!(!error.rpc().unwrap().message.contains(KEY));
    assert!(!format!("{error:?} {error}").contains(KEY));
    assert!(!format!("{codex:?}").contains(KEY));
    let params = openai_codex::types::ApiKeyLoginAccountParams::new(KEY);
    assert!(!format!("{params:?}").contains(KEY));
}

#[tokio::test]
async fn an_answer_of_another_kind_of_login_is_an_error() {
    let (fake, codex) = client::fake().await;
    fake.expect("account/login/start")
        .reply(json!({"type": "apiKey"}));
    let error = codex.login_chatgpt().await.unwrap_err();
    assert_eq!(error.kind(), openai_codex::ErrorKind::Decode);
}
