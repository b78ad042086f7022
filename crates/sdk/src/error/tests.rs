use openai_codex_wire::DecodeError;

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

/// One of each sort, with the reason that its line must have.
fn each_sort() -> Vec<(Error, &'static str)> {
    let source = || std::io::Error::other("the disk\nis full");
    let raw = r#"{"thread":{"id":7}}"#;
    let mut turn = crate::result::TurnResult::of(
        &"t".into(),
        &"u".into(),
        &openai_codex_connection::TurnSummary::default(),
        None,
    );
    let unknown_end = turn.clone();
    turn.error = Some(openai_codex_types::TurnError::new("no such model"));
    let wrong = serde_json::from_str::<std::collections::BTreeMap<String, u8>>(r#"{"a":"x"}"#);
    vec![
        (
            Error::new(ErrorKind::Launch, "no pipe").with_source(source()),
            "the disk is full",
        ),
        (
            Error::new(ErrorKind::Handshake, "no answer; do that").with_source(source()),
            "the disk is full; do that",
        ),
        (
            Error::new(ErrorKind::Closed, "it ended").with_source(source()),
            "the disk is full",
        ),
        (
            answered(r#"{"code":-32600,"message":"no such thread"}"#),
            "no such thread",
        ),
        (answered("not json"), "no JSON-RPC error object"),
        (
            Error::undecodable(
                "thread/start",
                raw,
                DecodeError::new("x", &"at thread: invalid type"),
            ),
            "at thread: invalid type",
        ),
        (
            Error::undecodable("thread/start", raw, source()),
            "the disk is full",
        ),
        (
            Error::undecodable("account/login/start", raw, source()),
            "the disk is full",
        ),
        (
            Error::undecodable("thread/read", raw, too_deep()),
            "nested too deeply",
        ),
        (
            Error::unfit_answer(r#"{"a":"x"}"#, wrong.unwrap_err()),
            "`a` of the answer",
        ),
        (Error::turn_failed(turn), "no such model"),
        (Error::turn_failed(unknown_end), "the server gave no reason"),
        (Base::lagged(3).into(), "did not keep up"),
        (
            Base::timed_out("model/list", std::time::Duration::from_secs(60)).into(),
            "no answer within 60s",
        ),
        (
            Error::new(ErrorKind::InvalidInput, "a bad name").with_source(source()),
            "the disk is full",
        ),
    ]
}

fn too_deep() -> serde_json::Error {
    serde_json::from_str::<serde_json::Value>(&"[".repeat(200)).unwrap_err()
}

/// Every sort is in [`each_sort`], which the compiler sees to: a new one has no arm here.
fn sort(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Launch => "launch",
        ErrorKind::Handshake => "handshake",
        ErrorKind::Closed => "closed",
        ErrorKind::Rpc(_) => "rpc",
        ErrorKind::Decode => "decode",
        ErrorKind::Turn => "turn",
        ErrorKind::Lagged { .. } => "lagged",
        ErrorKind::Timeout => "timeout",
        ErrorKind::InvalidInput => "invalid input",
    }
}

#[test]
fn every_sort_of_error_says_its_reason_in_one_line() {
    let mut sorts = std::collections::BTreeSet::new();
    for (error, reason) in each_sort() {
        let told = error.to_string();
        assert!(told.contains(reason), "{told}");
        assert!(!told.contains('\n'), "{told}");
        assert_eq!(told.matches(reason).count(), 1, "{told}");
        sorts.insert(sort(error.kind()));
    }
    assert_eq!(sorts.len(), 9);
}

/// Wherever an error is made out of another one, it says what that said.
#[test]
fn no_error_behind_another_is_dropped() {
    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    sources(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 50);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let words: String = text.split_whitespace().collect();
        // In two pieces, so that this is none.
        let dropped = concat!("map_err(|_|", "Error::new(");
        assert!(
            !words.contains(dropped),
            "{} drops an error",
            path.display()
        );
    }
}

#[test]
fn display_names_the_method_the_reason_and_the_remedy() {
    let source = serde_json::from_str::<u8>("x").unwrap_err();
    let error = Error::undecodable("thread/start", "é".repeat(2000).as_str(), source);
    assert_eq!(
        error.to_string(),
        "thread/start: what the server sent does not fit the expected type: expected value at line \
         1 column 1; Error::raw has the beginning of it"
    );
    assert!(error.source().is_some());
    assert_eq!(error.raw().unwrap().len(), 2048);
}

#[test]
fn a_decode_error_of_another_runtime_names_both_versions() {
    let error = || Error::undecodable("thread/start", "{}", too_deep());
    let told = error().sent_by(Some("0.144.4")).to_string();
    assert!(
        told.contains("codex 0.144.4") && told.contains(RUNTIME_VERSION),
        "{told}"
    );
    for same in [None, Some(RUNTIME_VERSION)] {
        assert_eq!(error().sent_by(same).to_string(), error().to_string());
    }
}

#[test]
fn a_reason_quotes_nothing_that_was_not_expected() {
    let source = serde_json::from_str::<u8>("\"my prompt\"").unwrap_err();
    let told = Error::undecodable("thread/start", "", source).to_string();
    assert!(
        told.contains("expected u8") && !told.contains("prompt"),
        "{told}"
    );
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
        Base::closed("gone")
            .with_stderr_tail(&format!("API_KEY='{KEY}'"))
            .into(),
    ] {
        let told = format!("{error} {error:?} {:?} {:?}", error.raw(), error.rpc());
        assert!(
            !told.contains("0123456789") && !told.contains("x1"),
            "{told}"
        );
        assert!(told.contains("[redacted]"), "{told}");
    }
}

#[test]
fn a_missing_and_a_busy_thread_are_told_by_the_words_of_every_version() {
    let said = |code: i64, message: &str| {
        answered(&serde_json::json!({"code": code, "message": message}).to_string())
    };
    for message in [
        "no rollout found for thread id 019ab3c4-0000-7000-8000-000000000000",
        "no rollout found for conversation id 019ab3c4-0000-7000-8000-000000000000",
        "thread not found: 019ab3c4-0000-7000-8000-000000000000",
        "thread not loaded: 019ab3c4-0000-7000-8000-000000000000",
        "session 019ab3c4 is archived. Run `codex unarchive 019ab3c4` to unarchive it first.",
        "invalid thread id: invalid character: expected an optional prefix",
    ] {
        let error = said(-32600, message);
        assert!(
            error.is_thread_missing() && !error.is_thread_busy(),
            "{message}"
        );
    }
    for message in [
        "cannot steer a review turn",
        "cannot steer a compact turn",
        "failed to start turn: ActiveTurnNotSteerable { turn_kind: Compact }",
        "thread 019ab3c4 is closing; retry thread/resume after the thread is closed",
    ] {
        let error = said(-32603, message);
        assert!(
            error.is_thread_busy() && !error.is_thread_missing(),
            "{message}"
        );
        assert!(error.is_retryable(), "{message}");
    }
    let by_data = answered(
        r#"{"code":-32600,"message":"x","data":{"codexErrorInfo":{"activeTurnNotSteerable":{"turnKind":"review"}}}}"#,
    );
    assert!(by_data.is_thread_busy());
    for message in [
        "failed to read the rollout: bad JSON",
        "no such model",
        "the turn is over",
    ] {
        let error = said(-32603, message);
        assert!(
            !error.is_thread_missing() && !error.is_thread_busy(),
            "{message}"
        );
    }
}

#[test]
fn a_turn_that_is_refused_for_want_of_a_login_says_what_to_do() {
    let mut turn = crate::result::TurnResult::of(
        &"t".into(),
        &"u".into(),
        &openai_codex_connection::TurnSummary::default(),
        None,
    );
    let reason = "unexpected status 401 Unauthorized: Missing bearer";
    turn.error = Some(openai_codex_types::TurnError::new(reason));
    let error = Error::turn_failed(turn);
    assert!(error.is_not_logged_in());
    assert!(error.to_string().contains("401 Unauthorized"));
    assert!(error.to_string().contains("; log in first"), "{error}");
}
