//! Every kind of secret that is found, and ordinary text that is left alone.

use openai_codex_wire::redact::{REDACTED, is_secret_name, redact, text};

use crate::samples::{CANARY, ORDINARY, TEXTS, TOKEN, TOKENS};

#[test]
fn secrets_of_every_kind_are_taken_out_of_texts() {
    let mut kept = Vec::new();
    for template in TEXTS {
        let said = template.replace("CANARY", CANARY);
        let redacted = text(&said);
        let x = *template == "password: x" && redacted == "password: [redacted]";
        if redacted.contains("Canary") || redacted.contains("hunter2") || redacted == said && !x {
            kept.push(format!("{said} => {redacted}"));
        }
        if !redacted.contains(REDACTED) {
            kept.push(format!("{said} => nothing is said of it: {redacted}"));
        }
        assert_eq!(text(&redacted), redacted, "twice: {said}");
        // The same as a string of a message.
        let message = serde_json::json!({"id": 1, "result": {"text": said}}).to_string();
        let redacted = redact(&message).unwrap();
        if redacted.contains("Canary") || redacted.contains("hunter2") {
            kept.push(format!("{message} => {redacted}"));
        }
        assert_eq!(redact(&redacted).unwrap(), redacted, "twice: {message}");
    }
    assert!(kept.is_empty(), "{} kept:\n{}", kept.len(), kept.join("\n"));
}

#[test]
fn well_known_tokens_are_taken_out_wherever_they_stand() {
    for token in TOKENS {
        let token = token.replace('…', TOKEN);
        for around in [
            "T", "a T b", "(T)", "\"T\"", "x=T", "\\nT", "a%3DT%26", "T\n", "`T`,",
        ] {
            let said = around.replace('T', &token);
            let redacted = text(&said);
            assert_eq!(redacted, around.replace('T', REDACTED), "{said}");
        }
    }
}

#[test]
fn base64_with_secrets_in_it_is_taken_out() {
    for said in [
        "api_key = hunter2Canary",
        "{\"refresh_token\":\"hunter2Canary\"}",
        "machine sk-proj-0123456789abcdef",
    ] {
        let once = base64(said.as_bytes());
        let twice = base64(once.as_bytes());
        for encoded in [once, twice] {
            for around in [
                "E",
                "it is E.",
                "data:text/plain;base64,E",
                "echo E | base64 -d",
            ] {
                let said = around.replace('E', &encoded);
                let redacted = text(&said);
                assert_eq!(redacted, around.replace('E', REDACTED), "{said}");
            }
        }
    }
    let wrapped =
        base64("line of a file\n".repeat(9).as_bytes()) + &base64(b"password = hunter2Canary");
    let lines: Vec<&str> = (0..wrapped.len().div_ceil(76))
        .map(|line| &wrapped[line * 76..wrapped.len().min(line * 76 + 76)])
        .collect();
    assert_eq!(text(&lines.join("\n")), REDACTED);
}

#[test]
fn base64_is_decoded_no_more_than_there_is_text() {
    // Six layers of escapes, and in each Base64 with as many, three times: 216 passes.
    let escapes = "%2525252520 words, and more of them, ".repeat(4);
    let mut said = escapes.repeat(64);
    for _ in 0..3 {
        said = format!("{escapes} {}", base64(said.as_bytes()));
    }
    let redacted = text(&said);
    assert!(redacted.len() < said.len() && redacted.ends_with(REDACTED));
    // What is so once is looked into.
    let once = base64(escapes.as_bytes());
    assert_eq!(text(&once), once);
}

#[test]
fn what_package_clients_print_tells_no_credentials() {
    for (said, expected) in [
        (
            "Looking in https://me:pa55@mirror.test/simple ok",
            "Looking in https://[redacted]@mirror.test/simple ok",
        ),
        ("'http://tok@h:8080/x'", "'http://[redacted]@h:8080/x'"),
        ("https://me:p/a@ss@h/x", "https://[redacted]@h/x"),
        (
            "(https://a:b@h/x),(https://c:d@i/y)",
            "(https://[redacted]@h/x),(https://[redacted]@i/y)",
        ),
        (
            "GET https://h/f.whl?sig=abc&x=1: 403",
            "GET https://h/f.whl?sig=[redacted]&x=1: 403",
        ),
        ("//h/:_authToken=npm_abc", "//h/:_authToken=[redacted]"),
        ("PASSWORD=x\nnext line", "PASSWORD=[redacted]\nnext line"),
        (
            "Authorization: Bearer abc.def then",
            "Authorization: Bearer [redacted] then",
        ),
        (
            "npm error api_key=abc _password = YWJj X-Api-Key: abc, 401",
            "npm error api_key=[redacted] _password = [redacted] X-Api-Key: [redacted], 401",
        ),
        (
            "ran pip --password abc me:abc@host/simple",
            "ran pip --password [redacted] [redacted]@host/simple",
        ),
    ] {
        assert_eq!(text(said), expected);
    }
    let said = "error: no wheel\n  for https://h/@openai/codex (a@b)  --x=1\n\n end ";
    assert_eq!(text(said), said);
}

#[test]
fn private_keys_are_taken_out() {
    for (begin, end) in [
        (
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
            "---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        ),
        ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "-----END OPENSSH PRIVATE KEY-----",
        ),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            "-----END PGP PRIVATE KEY BLOCK-----",
        ),
    ] {
        for line in ["\n", "\\n", "\r\n"] {
            let said = format!("a{line}{begin}{line}AAAA{line}BBBB{line}{end}{line}b");
            assert_eq!(text(&said), format!("a{line}{begin}{REDACTED}{end}{line}b"));
            // Broken off.
            let said = format!("a{line}{begin}{line}AAAA{line}BBBB");
            assert_eq!(text(&said), format!("a{line}{begin}{REDACTED}"));
        }
    }
}

#[test]
fn ordinary_text_is_left_alone() {
    let mut changed = Vec::new();
    for said in ORDINARY {
        let redacted = text(said);
        if redacted != *said {
            changed.push(format!("{said} => {redacted}"));
        }
        let message = serde_json::json!({"id": 1, "result": {"text": said}}).to_string();
        if redact(&message).unwrap() != message {
            changed.push(message);
        }
    }
    assert!(
        changed.is_empty(),
        "{} changed:\n{}",
        changed.len(),
        changed.join("\n")
    );
}

#[test]
fn members_of_messages_are_secret_by_their_names() {
    for (message, expected) in [
        (
            r#"{"tokens":["a","b"]}"#,
            r#"{"tokens":["[redacted]","[redacted]"]}"#,
        ),
        (
            r#"{"tokens":{"id":"a","n":5}}"#,
            r#"{"tokens":{"id":"[redacted]","n":5}}"#,
        ),
        (
            r#"{"tokens":1234,"a":{"tokens":"1,234"}}"#,
            r#"{"tokens":1234,"a":{"tokens":"1,234"}}"#,
        ),
        (
            r#"{"secrets":["a"],"apiKeys":{"a":"b"}}"#,
            r#"{"secrets":["[redacted]"],"apiKeys":{"a":"[redacted]"}}"#,
        ),
        (
            r#"{"API Key":"a","api-key":"b"}"#,
            r#"{"API Key":"[redacted]","api-key":"[redacted]"}"#,
        ),
        (
            r#"{"list":[{"name":"X-Api-Key","value":"a"},{"name":"Accept","value":"b"}]}"#,
            r#"{"list":[{"name":"X-Api-Key","value":"[redacted]"},{"name":"Accept","value":"b"}]}"#,
        ),
        (
            r#"{"value":{"a":["b"]},"name":"OPENAI_API_KEY"}"#,
            r#"{"value":{"a":["[redacted]"]},"name":"OPENAI_API_KEY"}"#,
        ),
        (
            r#"{"command":["tool","--token","a","--verbose","b"]}"#,
            r#"{"command":["tool","--token","[redacted]","--verbose","b"]}"#,
        ),
        (r#"{"sk-proj-0123456789abcdef":1}"#, r#"{"[redacted]":1}"#),
    ] {
        let redacted = redact(message).unwrap();
        assert_eq!(redacted, expected);
        assert_eq!(redact(&redacted).unwrap(), expected, "twice");
    }
}

#[test]
fn names_are_secret_in_any_form() {
    for name in [
        "api key",
        "API_KEY",
        "apiKeys",
        "x-api-key",
        "tokens",
        "secrets",
        "Client Secret",
        "refresh_tokens",
        "passwords",
        "DB_PASS",
        "credentials",
        "cookies",
        "a.b.apiKey",
        "API_KEY_2",
        "PASSWORD1",
        "DB_PASSWORD_PROD",
        "apiKeyValue",
        "user[password]",
        "envVars",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "bypass",
        "compass",
        "PWD",
        "OLDPWD",
        "outputTokens",
        "max_tokens",
        "tokenizer",
        "keys",
        "nextPageToken",
        "public_key",
        "monkey",
        "environmentId",
        "sha256",
        "returnValue",
        "path",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(*chunk.get(index).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index)) as usize & 63];
            out.push(if index <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

#[test]
fn what_is_hidden_is_the_secret_and_no_more() {
    for (said, expected) in [
        ("PASSWORD=a'b c'\"d\" next", "PASSWORD=[redacted]\" next"),
        (
            "bash -c 'TOKEN=abc123def' \"x\"",
            "bash -c 'TOKEN=[redacted]' \"x\"",
        ),
        (
            "f(password=\"abc\", \"other\")",
            "f(password=\"[redacted]\", \"other\")",
        ),
        (
            "a:\n  password: |\n    x y\n    z\n  b: c\n",
            "a:\n  password: |\n    [redacted]\n  b: c\n",
        ),
        (
            "token: \u{1b}[32mabc123def\u{1b}[0m then",
            "token: \u{1b}[32m[redacted]\u{1b}[0m then",
        ),
        (
            "token: abc\u{1b}[1m123def\u{1b}[0m then",
            "token: [redacted]\u{1b}[0m then",
        ),
        ("setx TOKEN abc123 && dir", "setx TOKEN [redacted] && dir"),
        (
            "ENV API_KEY abc def\nRUN x",
            "ENV API_KEY [redacted]\nRUN x",
        ),
        (
            "machine h login me password abc\nmachine i login you",
            "machine h login me password [redacted]\nmachine i login you",
        ),
        (
            "see https://hooks.slack.com/services/T01/B01/abc. Then",
            "see https://hooks.slack.com/services/[redacted]. Then",
        ),
        ("mysql -u me -pabc123 db", "mysql -u me -p[redacted] db"),
        (
            "[\"redis-cli\", \"-a\", \"abc\", \"ping\"]",
            "[\"redis-cli\", \"-a\", \"[redacted]\", \"ping\"]",
        ),
    ] {
        assert_eq!(text(said), expected);
        assert_eq!(text(expected), expected, "twice");
    }
    let argv = r#"{"argv":["docker","login","-u","me","-p","abc","h"]}"#;
    let expected = r#"{"argv":["docker","login","-u","me","-p","[redacted]","h"]}"#;
    assert_eq!(redact(argv).unwrap(), expected);
}
