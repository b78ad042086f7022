use super::*;

fn answered(json: &str) -> Error {
    Error::answered("model/list", RpcError::parse(json))
}

#[test]
fn an_error_is_one_word_wide() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn overload_is_recognised_with_and_without_data() {
    for json in [
        r#"{"code":-32001,"message":"Server overloaded; retry later."}"#,
        r#"{"code":-32001,"message":"x","data":{"codexErrorInfo":"serverOverloaded"}}"#,
        r#"{"code":-32050,"message":"x","data":"SERVER_OVERLOADED"}"#,
        r#"{"code":-32050,"message":"x","data":{"error":[{"codex_error_info":"server_overloaded"}]}}"#,
        r#"{"code":-32050,"message":"x","data":{"reason":"serializedRequestQueue","retryable":true}}"#,
    ] {
        let error = answered(json);
        assert_eq!(
            error.kind(),
            ErrorKind::Rpc(RpcErrorKind::Overloaded),
            "{json}"
        );
        assert!(error.is_overloaded() && error.is_retryable(), "{json}");
    }
}

#[test]
fn other_answers_are_not_retried() {
    for (json, kind) in [
        (r#"{"code":-32700,"message":"x"}"#, RpcErrorKind::Parse),
        (
            r#"{"code":-32600,"message":"x"}"#,
            RpcErrorKind::InvalidRequest,
        ),
        (
            r#"{"code":-32601,"message":"x"}"#,
            RpcErrorKind::MethodNotFound,
        ),
        (
            r#"{"code":-32602,"message":"x"}"#,
            RpcErrorKind::InvalidParams,
        ),
        (r#"{"code":-32603,"message":"x"}"#, RpcErrorKind::Internal),
        (
            r#"{"code":-32001,"message":"Retry limit exceeded"}"#,
            RpcErrorKind::RetryLimit,
        ),
        (
            r#"{"code":-32050,"message":"x"}"#,
            RpcErrorKind::Other(-32050),
        ),
        (r#"{"message":7}"#, RpcErrorKind::Other(0)),
        (r#""boom""#, RpcErrorKind::Other(0)),
        ("not json", RpcErrorKind::Other(0)),
    ] {
        let error = answered(json);
        assert_eq!(error.kind(), ErrorKind::Rpc(kind), "{json}");
        assert!(!error.is_retryable(), "{json}");
    }
}

#[test]
fn display_names_the_method_and_keeps_the_source_to_itself() {
    let source = serde_json::from_str::<u8>("x").unwrap_err();
    let error = Error::undecodable("thread/start", "é".repeat(2000).as_str(), source);
    assert_eq!(
        error.to_string(),
        "thread/start: what the server sent does not fit the expected type"
    );
    assert!(error.source().is_some());
    assert_eq!(error.raw().unwrap().len(), EVIDENCE);
}

#[test]
fn what_the_server_repeats_of_a_secret_is_taken_out() {
    let rpc = RpcError::parse(
        r#"{"code":-32600,"message":"no `sk-12345678`: sk-12345678-9","data":[{"sk-12345678":"sk-12345678"}]}"#,
    );
    let params = RawValue::from_string(
        r#"{"type":"apiKey","apiKey":"sk-12345678","other":["sk-12345678-9"]}"#.to_owned(),
    )
    .unwrap();
    let error = |method: &'static str| {
        Error::answered(method, rpc.clone()).without_echo(method, Some(&params))
    };
    let told = error("account/login/start");
    assert_eq!(
        told.to_string(),
        "account/login/start: the server answered -32600: no `[redacted]`: [redacted]"
    );
    assert!(!format!("{told:?} {:?}", told.rpc()).contains("12345678"));
    // What carries none is told as it is.
    assert!(error("thread/start").to_string().contains("12345678"));
}

#[test]
fn no_evidence_is_kept_of_what_may_be_a_secret() {
    for method in [
        "account/login/start",
        "mcpServer/oauth/login",
        "account/chatgptAuthTokens/refresh",
    ] {
        let source = serde_json::from_str::<u8>("x").unwrap_err();
        let error = Error::undecodable(method, r#"{"authUrl":"secret"}"#, source);
        assert_eq!(error.raw(), None, "{method}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}

#[test]
fn an_error_tells_no_secret_wherever_it_came_from() {
    const KEY: &str = "sk-proj-0123456789abcdef";
    let rpc = RpcError::parse(&format!(
        r#"{{"code":1,"message":"Incorrect API key provided: {KEY}","data":{{"apiKey":"x1","said":"{KEY}"}}}}"#
    ));
    let raw = format!("{{\"note\":\"{KEY}\",\"text\":\"{}\"}}", "x".repeat(5000));
    let source = std::io::Error::other(format!("it said {KEY}"));
    for error in [
        Error::new(ErrorKind::Launch, format!("it said {KEY}")),
        Error::answered("model/list", rpc),
        Error::undecodable("model/list", &raw, source),
        Error::closed("gone").with_stderr_tail(&format!("API_KEY='{KEY}'")),
    ] {
        let told = format!("{error} {error:?} {:?} {:?}", error.raw(), error.rpc());
        assert!(
            !told.contains("0123456789") && !told.contains("x1"),
            "{told}"
        );
        assert!(told.contains("[redacted]"), "{told}");
    }
}
