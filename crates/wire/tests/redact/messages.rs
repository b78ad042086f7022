//! What is taken out of messages, and what is kept.

use openai_codex_wire::Direction;
use openai_codex_wire::redact::{Redactor, is_secret_name, redact};

#[test]
fn secrets_are_found_by_name_wherever_they_are() {
    for (message, expected) in [
        (r#"{"apiKey":"x"}"#, r#"{"apiKey":"[redacted]"}"#),
        (
            r#"{"a":[{"access_token": "x"}]}"#,
            r#"{"a":[{"access_token":"[redacted]"}]}"#,
        ),
        (
            r#"{"env":{"A":"x","B":null}}"#,
            r#"{"env":{"A":"[redacted]","B":null}}"#,
        ),
        (r#"{"password":1234}"#, r#"{"password":0}"#),
        (
            r#"{"refreshToken":true,"token":""}"#,
            r#"{"refreshToken":true,"token":""}"#,
        ),
        (
            r#"{"value":"x","keyPath":"model_providers.p.experimental_bearer_token"}"#,
            r#"{"value":"[redacted]","keyPath":"model_providers.p.experimental_bearer_token"}"#,
        ),
        (
            r#"{"keyPath":"mcp_servers.s.env.KEY","value":"x"}"#,
            r#"{"keyPath":"mcp_servers.s.env.KEY","value":"[redacted]"}"#,
        ),
        (
            r#"{"config":{"mcp_servers.s.http_headers":{"X":"y"}}}"#,
            r#"{"config":{"mcp_servers.s.http_headers":{"X":"[redacted]"}}}"#,
        ),
        (
            r#"{"extension":{"requestHeaders":[{"name":"X","value":"y"}]}}"#,
            r#"{"extension":{"requestHeaders":[{"name":"[redacted]","value":"[redacted]"}]}}"#,
        ),
    ] {
        let redacted = redact(message).unwrap();
        assert_eq!(redacted, expected);
        assert_eq!(redact(&redacted).unwrap(), expected, "twice");
    }
}

#[test]
fn what_only_sounds_like_a_secret_is_kept() {
    for name in [
        "tokenUsage",
        "inputTokens",
        "total_tokens",
        "env_key",
        "keyPath",
        "authMode",
        "code",
        "environmentId",
        "cancellationToken",
        "sortKey",
        "bearer_token_env_var",
        "secretive",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn secrets_are_found_by_their_looks() {
    for (text, expected) in [
        ("key sk-proj-0123456789abcdef, ok?", "key [redacted], ok?"),
        ("see task-0123456789abcdefgh", "see task-0123456789abcdefgh"),
        (
            "Authorization: Bearer abcdefghij",
            "Authorization: Bearer [redacted]",
        ),
        ("bearer of bad news", "bearer of bad news"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[redacted]"),
        (
            "https://auth.example/x?client_id=me&state=abc&code_challenge=d-e&x=1",
            "https://auth.example/x?client_id=me&state=[redacted]&code_challenge=[redacted]&x=1",
        ),
        (
            "http://localhost:1/cb#access_token=abc",
            "http://localhost:1/cb#access_token=[redacted]",
        ),
        ("a=b & c=d", "a=b & c=d"),
        (
            "git clone https://me:hunter2@example.com/x",
            "git clone https://[redacted]@example.com/x",
        ),
        (
            "see https://example.com:80/@me",
            "see https://example.com:80/@me",
        ),
        (
            "export DB_PASSWORD=hunter2\nPUBLIC_KEY= A_TOKEN=abc; KEY=1",
            "export DB_PASSWORD=[redacted]\nPUBLIC_KEY= A_TOKEN=[redacted]; KEY=1",
        ),
        // What `cat auth.json` prints, and the same within a string.
        (
            "{\n  \"refresh_token\" : \"rt.1\",\n  \"account\": \"me\", \"password\":\"a \\\"b\" }",
            "{\n  \"refresh_token\" : \"[redacted]\",\n  \"account\": \"me\", \"password\":\"[redacted]\" }",
        ),
        (
            r#"echo "{\"token\":\"abc\",\"a\": \"b\"}""#,
            r#"echo "{\"token\":\"[redacted]\",\"a\": \"b\"}""#,
        ),
        (
            r#"{"token":"", "secret": null}"#,
            r#"{"token":"", "secret": null}"#,
        ),
        (r#"{"token":"abc"#, r#"{"token":"[redacted]"#),
        (r#"say "token": it's one"#, r#"say "token": it's one"#),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nabc\ndef\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\nx",
        ),
        ("no PRIVATE KEY----- here", "no PRIVATE KEY----- here"),
        ("glpat-0123456789abcdefgh", "[redacted]"),
    ] {
        let message = serde_json::json!({"text": text}).to_string();
        let expected = serde_json::json!({"text": expected}).to_string();
        let redacted = redact(&message).unwrap();
        assert_eq!(redacted, expected);
        assert_eq!(redact(&redacted).unwrap(), expected, "twice");
    }
}

#[test]
fn answers_to_secret_questions_are_kept_out() {
    let mut redactor = Redactor::new();
    let question = r#"{"id":0,"method":"item/tool/requestUserInput","params":{"questions":[{"id":"pin","isSecret":true},{"id":"name","isSecret":false}]}}"#;
    assert_eq!(
        redactor.redact(Direction::ToClient, question).unwrap(),
        question
    );
    let answer =
        r#"{"id":0,"result":{"answers":{"name":{"answers":["Ada"]},"pin":{"answers":["1815"]}}}}"#;
    let other = redactor.redact(Direction::ToClient, r#"{"id":0,"result":{"pin":"kept"}}"#);
    assert!(
        other.unwrap().contains("kept"),
        "the server's own id 0 is another one"
    );
    assert_eq!(
        redactor.redact(Direction::ToServer, answer).unwrap(),
        r#"{"id":0,"result":{"answers":{"name":{"answers":["Ada"]},"pin":{"answers":["[redacted]"]}}}}"#
    );
}

#[test]
fn what_is_repeated_of_params_that_are_too_deep_is_taken_out() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let params = format!(r#"{{"code":"1815\"-1852","deep":{deep},"door":"x"}}"#);
    let echo = openai_codex_wire::redact::Echo::of(&params);
    let told = echo.remove_from("1815\"-1852 is no code");
    assert_eq!(told, "[redacted] is no code");
}

#[test]
fn half_of_a_surrogate_pair_does_not_lose_the_message() {
    let message = r#"{"method":"m","params":{"delta":"a\ud83d","apiKey":"x"}}"#;
    let redacted = redact(message).unwrap();
    assert!(
        redacted.contains("[redacted]") && redacted.contains("\"a\\u"),
        "{redacted}"
    );
    assert!(redact("{\"a\":").is_err());
}

#[test]
fn configuration_by_dotted_names_keeps_no_values_of_the_environment() {
    for (message, expected) in [
        (
            r#"{"config":{"mcp_servers.s.env.DATABASE_URL":"x","mcp_servers.s.http_headers.X-Foo":"y"}}"#,
            r#"{"config":{"mcp_servers.s.env.DATABASE_URL":"[redacted]","mcp_servers.s.http_headers.X-Foo":"[redacted]"}}"#,
        ),
        (
            r#"{"shell_environment_policy":{"inherit":"all","set":{"A":"x"}}}"#,
            r#"{"shell_environment_policy":{"inherit":"all","set":{"A":"[redacted]"}}}"#,
        ),
        (
            r#"{"p":{"shell_environment_policy.set.A":"x","profiles.q.shell_environment_policy":{"set":{"B":"x"}}}}"#,
            r#"{"p":{"shell_environment_policy.set.A":"[redacted]","profiles.q.shell_environment_policy":{"set":{"B":"[redacted]"}}}}"#,
        ),
        (
            r#"{"keyPath":"shell_environment_policy","value":{"set":{"A":"x"},"inherit":"all"}}"#,
            r#"{"keyPath":"shell_environment_policy","value":{"set":{"A":"[redacted]"},"inherit":"all"}}"#,
        ),
        (
            r#"{"keyPath":"shell_environment_policy.set.A","value":"x"}"#,
            r#"{"keyPath":"shell_environment_policy.set.A","value":"[redacted]"}"#,
        ),
        (
            r#"{"overriddenMetadata":{"message":"m","effectiveValue":{"A":["x",1]}}}"#,
            r#"{"overriddenMetadata":{"message":"m","effectiveValue":{"A":["[redacted]",0]}}}"#,
        ),
        (
            r#"{"set":{"A":"x"},"other.set":"y"}"#,
            r#"{"set":{"A":"x"},"other.set":"y"}"#,
        ),
    ] {
        let redacted = redact(message).unwrap();
        assert_eq!(redacted, expected);
        assert_eq!(redact(&redacted).unwrap(), expected, "twice");
    }
}

#[test]
fn secrets_are_found_next_to_escapes_and_in_urls() {
    const KEY: &str = "sk-proj-0123456789abcdef";
    for (text, expected) in [
        ("https://user:token@host/x", "https://[redacted]@host/x"),
        ("https://token@host:1?a=@", "https://[redacted]@host:1?a=@"),
        ("at https://host/@me, a@b", "at https://host/@me, a@b"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
        ("\u{1b}[32mKEY\u{1b}[0m", "\u{1b}[32m[redacted]\u{1b}[0m"),
        ("\u{1b}[1;32mKEY", "\u{1b}[1;32m[redacted]"),
        ("\u{1}KEY", "\u{1}[redacted]"),
        ("a%3DKEY", "a%3D[redacted]"),
        ("\"\\nKEY\"", "\"\\n[redacted]\""),
        ("\\u001bKEY \\x1bKEY", "\\u001b[redacted] \\x1b[redacted]"),
        ("xKEY", "xKEY"),
    ] {
        let (text, expected) = (text.replace("KEY", KEY), expected.replace("KEY", KEY));
        let message = serde_json::json!({"text": text}).to_string();
        let expected = serde_json::json!({"text": expected}).to_string();
        let redacted = redact(&message).unwrap();
        assert_eq!(redacted, expected);
        assert_eq!(redact(&redacted).unwrap(), expected, "twice");
    }
    let message = r#"{"a":"https:\/\/user:token@host","b":"\u001b[32msk-proj-0123456789abcdef"}"#;
    let redacted = redact(message).unwrap();
    assert!(!redacted.contains("token") && !redacted.contains("sk-"));
}

#[test]
fn contents_in_base64_are_looked_into() {
    // `key sk-proj-0123456789abcdef`, `{"refresh_token":"x"}`, `Hello there`.
    for (contents, kept) in [
        ("a2V5IHNrLXByb2otMDEyMzQ1Njc4OWFiY2RlZg==", false),
        ("eyJyZWZyZXNoX3Rva2VuIjoieCJ9", false),
        ("SGVsbG8gdGhlcmU=", true),
        ("W3JlZGFjdGVkXQ==", true),
    ] {
        let message = format!(r#"{{"id":1,"result":{{"dataBase64":"{contents}"}}}}"#);
        let expected = if kept { contents } else { "W3JlZGFjdGVkXQ==" };
        assert_eq!(
            redact(&message).unwrap(),
            message.replace(contents, expected)
        );
    }
}

#[test]
fn long_texts_take_time_in_proportion_to_their_length() {
    // What took time with the square of the length would take a minute.
    for text in [
        "KEY=",
        "A_KEY=\n",
        "a=b\n",
        "&a=b\n",
        "=",
        "ask-",
        "-eyJ",
        "?a",
        "x://y@",
        "[1",
        "\"token\":\"",
        "\\\"token\\\": \\\"",
        "\"",
        "\\",
        "\" ",
        "token:",
        "token: ",
        "token=(",
        "authorization:",
        "authorization: digest ",
        "authorization: [redacted] ",
        "cookie: a ",
        "cookie:[redacted]",
        "--token ",
        "\"--token\",",
        "curl -u ",
        "<token>",
        "[",
        "{\"",
        "{\"a\":[",
        "{\"name\":\"token\",\"value\":",
        "%25",
        "%2525",
        "-eyJ.",
        "Bearer ",
        "user:pw@",
        "https://a:b/",
        "token: a=",
        "token = \"\"\"",
        "a token: x::y, ",
        "dG9rZW4gPSBhYmMxMjM0NTY3ODk",
        "[redacted]",
        "token: [redacted] ",
        "sk-",
        "sk-0123456789abcdef ",
        "(\"token\",",
        "name: token\nvalue: ",
        "token = [\"",
        "&quot;",
        "&amp;quot;",
        "---- BEGIN PRIVATE KEY ----",
        "sshpass -p ",
        "PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
    ] {
        let text = format!("https://x {}", text.repeat(100_000 / text.len()));
        let message = serde_json::json!({"text": text}).to_string();
        assert!(redact(&message).is_ok());
    }
}
