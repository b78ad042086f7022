//! Secrets that come in the pieces of a text that grows.

use openai_codex_wire::Direction;
use openai_codex_wire::redact::{MethodSecrets, REDACTED, Redactor, SecretTable};
use serde_json::{Value, json};

use crate::kinds::base64;
use crate::samples::{CANARY, ORDINARY, TEXTS, TOKEN, TOKENS};

/// Of these, what comes before the sign that there is a secret is told: the value before its name,
/// and the user before the `@`.
const LATE: [&str; 5] = [
    "git+https://CANARY0:x-oauth-basic@example.com/x.git",
    "{\"value\": \"CANARY\", \"name\": \"OPENAI_API_KEY\"}",
    "https://CANARY@example.com/x",
    "me:CANARY@example.com",
    "proxy me:CANARY@10.0.0.1:8080 refused",
];

/// What a secret is told by: so many of its characters in a row.
const TOLD: usize = 5;

fn tells(said: &str, secret: &str) -> bool {
    let windows = secret.as_bytes().windows(TOLD);
    let mut parts = windows.map(|part| std::str::from_utf8(part).unwrap());
    parts.any(|part| said.contains(part))
}

/// What is left of a text that comes in these pieces, while another one grows.
fn left_of<'a>(redactor: &mut Redactor, pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut joined = String::new();
    for piece in pieces {
        for (item, piece) in [("b", "ok "), ("a", piece)] {
            let message = json!({
                "method": "item/agentMessage/delta",
                "params": {"itemId": item, "delta": piece},
            });
            let redacted = redactor.redact(Direction::ToClient, &message.to_string());
            let redacted: Value = serde_json::from_str(&redacted.unwrap()).unwrap();
            match item {
                "a" => joined += redacted["params"]["delta"].as_str().unwrap(),
                _ => assert_eq!(redacted, message),
            }
        }
    }
    joined
}

#[test]
fn secrets_of_every_kind_are_found_split_at_any_byte() {
    let mut told = Vec::new();
    let texts = TEXTS.iter().filter(|text| !LATE.contains(text));
    let texts = texts.map(|text| (text.replace("CANARY", CANARY), CANARY));
    let tokens = TOKENS
        .iter()
        .map(|token| (format!("it is {}, ok", token.replace('…', TOKEN)), TOKEN));
    for (text, secret) in texts.chain(tokens) {
        for at in 1..text.len() {
            let said = left_of(&mut Redactor::new(), [&text[..at], &text[at..]]);
            if tells(&said, secret) {
                told.push(format!("{:?} {:?} => {said}", &text[..at], &text[at..]));
            }
        }
        for size in [1, 2, 3, 7] {
            let pieces = text.as_bytes().chunks(size);
            let pieces = pieces.map(|piece| std::str::from_utf8(piece).unwrap());
            let said = left_of(&mut Redactor::new(), pieces);
            if tells(&said, secret) {
                told.push(format!("by {size}: {text:?} => {said}"));
            }
        }
    }
    assert!(told.is_empty(), "{} told:\n{}", told.len(), told.join("\n"));
}

#[test]
fn ordinary_text_in_pieces_is_left_alone() {
    let mut changed = Vec::new();
    for text in ORDINARY.iter().filter(|text| !text.is_empty()) {
        let said = left_of(&mut Redactor::new(), [*text]);
        if said != *text {
            changed.push(format!("{text} => {said}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

#[test]
fn the_rest_of_a_secret_that_comes_in_deltas_is_kept_out() {
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz";
    for lead in [
        "sk-proj-",
        "API_KEY=",
        "Authorization: Bearer ",
        "https://x/?code=",
    ] {
        for size in 1..secret.len() {
            let joined = in_deltas(&format!("It is {lead}{secret}, I am told"), size);
            assert!(!joined.contains("ghijk"), "{size}: {joined}");
            assert!(
                joined.ends_with("[redacted], I am told"),
                "{size}: {joined}"
            );
            assert_eq!(joined.matches("[redacted]").count(), 1, "{joined}");
        }
    }
}

/// What is left of a text that comes in pieces of a size.
fn in_deltas(text: &str, size: usize) -> String {
    let mut redactor = Redactor::new();
    let mut joined = String::new();
    for piece in text.as_bytes().chunks(size) {
        // Another text grows at the same time.
        for (item, piece) in [("b", "ok "), ("a", std::str::from_utf8(piece).unwrap())] {
            let message = serde_json::json!({
                "method": "item/agentMessage/delta",
                "params": {"itemId": item, "delta": piece},
            });
            let redacted = redactor.redact(Direction::ToClient, &message.to_string());
            let redacted: serde_json::Value = serde_json::from_str(&redacted.unwrap()).unwrap();
            if item == "a" {
                joined += redacted["params"]["delta"].as_str().unwrap();
            } else {
                assert_eq!(redacted, message);
            }
        }
    }
    joined
}

#[test]
fn many_other_items_may_come_between() {
    let mut redactor = Redactor::new();
    let start = left_of(&mut redactor, ["the key is sk-"]);
    for other in 0..500 {
        let message = json!({
            "method": "item/agentMessage/delta",
            "params": {"itemId": format!("other {other}"), "delta": "words, words"},
        });
        let redacted = redactor
            .redact(Direction::ToClient, &message.to_string())
            .unwrap();
        assert_eq!(redacted, message.to_string());
    }
    let rest = left_of(&mut redactor, [TOKEN, TOKEN, ", ok"]);
    assert_eq!(start + &rest, format!("the key is sk-{REDACTED}, ok"));
}

#[test]
fn a_private_key_is_kept_out_line_by_line() {
    for kind in ["RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        let lines = "MIIEpAIBAAKCAQEA7Canary0123456789\n".repeat(60);
        let text = format!("see\n-----BEGIN {kind}-----\n{lines}-----END {kind}-----\nthat is all");
        for size in [1, 13, 64, 700] {
            let pieces = text.as_bytes().chunks(size);
            let pieces = pieces.map(|piece| std::str::from_utf8(piece).unwrap());
            let said = left_of(&mut Redactor::new(), pieces);
            assert!(!tells(&said, "MIIEpAIBAAKCAQEA7Canary"), "{size}: {said}");
            assert!(
                said.ends_with(&format!(" {kind}-----\nthat is all")),
                "{size}: {said}"
            );
        }
    }
}

#[test]
fn the_password_of_a_url_is_kept_out_before_its_host_is_there() {
    for pieces in [
        &["https://user", ":", "hunter2Canary@h/x ok"][..],
        &["https://user:", "hunter2Canary", "@h/x ok"],
        &["https://user:hunter2", "Canary@", "h/x ok"],
        &["https://", "user:h", "unter2Canary@h/x", " ok"],
    ] {
        let said = left_of(&mut Redactor::new(), pieces.iter().copied());
        assert!(!tells(&said, CANARY) && said.ends_with("h/x ok"), "{said}");
    }
    let port = left_of(&mut Redactor::new(), ["http://localhost:80", "80/x"]);
    assert_eq!(port, "http://localhost:8080/x");
}

#[test]
fn chunks_of_output_in_base64_are_looked_into() {
    let text = "$ env\nPATH=/bin\nOPENAI_API_KEY=hunter2Canary\nHOME=/home/me\n";
    for (method, id, direction) in [
        ("command/exec/outputDelta", "processId", Direction::ToClient),
        ("process/outputDelta", "processHandle", Direction::ToClient),
        ("command/exec/write", "processId", Direction::ToServer),
    ] {
        for size in 1..text.len() {
            let mut redactor = Redactor::new();
            let mut said = String::new();
            for chunk in text.as_bytes().chunks(size) {
                for (process, chunk) in [("1", &b"quiet\n"[..]), ("2", chunk)] {
                    let mut message = json!({
                        "method": method,
                        "params": {id: process, "stream": "stdout", "deltaBase64": base64(chunk)},
                    });
                    if direction == Direction::ToServer {
                        message["id"] = json!(7);
                    }
                    let redacted = redactor.redact(direction, &message.to_string()).unwrap();
                    let redacted: Value = serde_json::from_str(&redacted).unwrap();
                    if process == "2" {
                        said += &decoded(redacted["params"]["deltaBase64"].as_str().unwrap());
                    } else {
                        assert_eq!(redacted, message);
                    }
                }
            }
            let expected = text.replace(CANARY, REDACTED);
            assert_eq!(said, expected, "{method} by {size}");
        }
    }
}

#[test]
fn texts_of_one_item_that_grow_at_a_time_are_told_apart() {
    for index in ["contentIndex", "summaryIndex", "part"] {
        let mut redactor = Redactor::new();
        let mut joined = String::new();
        for (number, piece) in [(0, "API_KEY="), (1, "and so on, "), (0, CANARY), (1, "ok")] {
            let message = json!({
                "method": "item/reasoning/textDelta",
                "params": {"itemId": "a", index: number, "delta": piece, "isLast": number == 1},
            });
            let redacted = redactor.redact(Direction::ToClient, &message.to_string());
            let redacted: Value = serde_json::from_str(&redacted.unwrap()).unwrap();
            joined += redacted["params"]["delta"].as_str().unwrap();
        }
        assert_eq!(joined, format!("API_KEY=and so on, {REDACTED}ok"));
    }
}

#[test]
fn an_id_that_is_asked_twice_keeps_all_its_secrets() {
    let question = |name: &str| {
        json!({"id": 7, "method": "item/tool/requestUserInput", "params": {
            "questions": [{"id": name, "isSecret": true}, {"id": "city", "isSecret": false}],
        }})
    };
    let answer = |name: &str| {
        json!({"id": 7, "result": {"answers": {
            name: {"answers": ["Canary"]}, "city": {"answers": ["Rome"]},
        }}})
    };
    for order in [["first", "second"], ["second", "first"]] {
        let mut redactor = Redactor::new();
        for name in ["first", "second"] {
            let asked = redactor.redact(Direction::ToClient, &question(name).to_string());
            assert_eq!(asked.unwrap(), question(name).to_string());
        }
        for name in order {
            let answered = redactor
                .redact(Direction::ToServer, &answer(name).to_string())
                .unwrap();
            assert!(
                !answered.contains("Canary") && answered.contains("Rome"),
                "{answered}"
            );
        }
        // Both are answered: what comes now is another matter.
        let other = redactor
            .redact(Direction::ToServer, &answer("first").to_string())
            .unwrap();
        assert!(other.contains("Canary"), "{other}");
    }
}

#[test]
fn answers_to_more_requests_than_are_remembered_are_hidden() {
    let mut redactor = Redactor::new();
    let mut redact = |direction, message: Value| {
        let redacted = redactor.redact(direction, &message.to_string());
        redacted.unwrap()
    };
    let answer = |id: u32| json!({"id": id, "result": {"pin": ["Canary"], "city": "Rome"}});
    for id in 0..4_100 {
        let params = json!({"questions": [{"id": "pin", "isSecret": true}]});
        let asked = json!({"id": id, "method": "item/tool/requestUserInput", "params": params});
        redact(Direction::ToClient, asked);
    }
    for id in 0..4_100 {
        let said = redact(Direction::ToServer, answer(id));
        assert!(!said.contains("Canary"), "{id}: {said}");
        assert_eq!(said.contains("Rome"), id < 4_096, "{id}: {said}");
    }
    let failed = json!({"id": 4_100, "error": {"code": 1, "message": "Canary"}});
    let said = redact(Direction::ToServer, failed);
    assert!(!said.contains("Canary"), "{said}");
}

#[test]
fn a_table_says_what_names_do_not() {
    static METHODS: [MethodSecrets<'static>; 1] = [MethodSecrets {
        method: "door/open",
        members: &["pin"],
    }];
    let mut redactor = Redactor::with_table(SecretTable { methods: &METHODS });
    let mut said = |direction, message: &str| redactor.redact(direction, message).unwrap();
    let request = r#"{"id":1,"method":"door/open","params":{"pin":"1815","door":"a"}}"#;
    let expected = request.replace("1815", REDACTED);
    assert_eq!(said(Direction::ToServer, request), expected);
    let answer = r#"{"id":1,"result":{"pin":"1815"}}"#;
    assert!(
        said(Direction::ToServer, answer).contains("1815"),
        "the server's own id 1"
    );
    assert!(!said(Direction::ToClient, answer).contains("1815"));
    let other = r#"{"method":"door/closed","params":{"pin":"1815"}}"#;
    assert_eq!(said(Direction::ToClient, other), other);
}

fn decoded(text: &str) -> String {
    let mut bits = 0_u32;
    let mut out = Vec::new();
    for (index, byte) in text.trim_end_matches('=').bytes().enumerate() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(six);
        let rest = [0, 0, 4, 2][(index + 1) % 4];
        if (index + 1) % 4 != 1 {
            out.push((bits >> rest) as u8);
        }
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_long_block_is_kept_out_to_its_end() {
    let lines: String = (0..80)
        .map(|line| format!("      line {line} of hunter2Canary{line}\n"))
        .collect();
    let text = format!("a: b\n    password: |\n{lines}    next: kept\n");
    for size in [1, 5, 16, 33, 64, 100, 1000] {
        let pieces: Vec<&str> = text
            .as_bytes()
            .chunks(size)
            .map(|piece| std::str::from_utf8(piece).unwrap())
            .collect();
        let said = left_of(&mut Redactor::new(), pieces);
        assert!(!tells(&said, CANARY), "{size}: {said}");
        assert!(!said.contains("line"), "{size}: {said}");
        assert!(said.starts_with("a: b\n    password: |\n"), "{said}");
        assert!(said.ends_with("kept\n"), "{size}: {said}");
    }
}
