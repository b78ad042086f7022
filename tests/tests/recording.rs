//! What a client keeps of its session, and what not.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::collections::BTreeSet;
use std::path::Path;

use client::{Fake, builder};
use openai_codex::Codex;
use openai_codex_recording::{Direction, Recording};
use openai_codex_testkit::{FakeServer, MockModel};
use openai_codex_wire::redact::{Redactor, redact};
use serde_json::{Value, json};

fn read(path: &Path) -> Recording {
    Recording::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Their names do not tell that they are secret; the schema's reviewed list does.
#[test]
fn what_the_protocol_says_is_secret_is_not_recorded() {
    let mut redactor = Redactor::with_table(openai_codex::types::SECRETS);
    for (method, params, result, secret) in [
        (
            "account/login/start",
            json!({"type": "chatgptDeviceCode"}),
            json!({"type": "chatgptDeviceCode", "userCode": "ABCD-1234", "loginId": "l"}),
            "ABCD-1234",
        ),
        (
            "remoteControl/pairing/start",
            json!({}),
            json!({"pairingCode": "77 12 09", "manualPairingCode": "x"}),
            "77 12 09",
        ),
    ] {
        let ask = json!({"id": 7, "method": method, "params": params});
        let answer = json!({"id": 7, "result": result});
        redactor
            .redact(Direction::ToServer, &ask.to_string())
            .unwrap();
        let kept = redactor
            .redact(Direction::ToClient, &answer.to_string())
            .unwrap();
        assert!(!kept.contains(secret), "{kept}");
    }
}

#[tokio::test]
async fn a_session_is_recorded_both_ways_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let fake = FakeServer::new();
    let codex = Codex::builder().record(&path).fake(&fake).await;
    fake.expect("account/login/start")
        .notify("warning", json!({"message": "hm"}))
        .reply(json!({"type": "apiKey"}));
    codex.login_api_key("a very secret key").await.unwrap();
    let codex_version = codex.runtime_version().map(str::to_owned);
    codex.close().await.unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("very secret"), "{text}");
    let recording = read(&path);
    assert_eq!(recording.runtime_version(), codex_version);
    assert_eq!(recording.ended.unwrap().0, Direction::ToServer);
    let messages: Vec<Value> = recording
        .entries
        .iter()
        .map(|entry| serde_json::from_str(entry.json().unwrap()).unwrap())
        .collect();
    let methods: Vec<&str> = messages
        .iter()
        .map(|message| message["method"].as_str().unwrap_or("an answer"))
        .collect();
    assert_eq!(
        methods,
        [
            "initialize",
            "an answer",
            "initialized",
            "account/login/start",
            "warning",
            "an answer"
        ]
    );
    assert_eq!(messages[3]["params"]["apiKey"], "[redacted]");
    assert_eq!(messages[4]["params"], json!({"message": "hm"}));
}

#[tokio::test]
async fn a_turn_of_the_real_runtime_is_recorded_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let model = MockModel::start().unwrap();
    model.deltas(["Hel", "lo."]);
    let runtime = openai_codex_testkit::TestRuntime::new(&model).unwrap();
    let codex = builder(&runtime).record(&path).await.unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread.run("Hi").await.unwrap();
    codex.close().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("turn/completed") && text.ends_with("}\n"));
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("{\"end\":\"client\""), "{last}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_recorded_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let fake = FakeServer::new();
    let codex = Codex::builder().record(&path).fake(&fake).await;
    fake.hang_up();
    codex.closed().await;
    codex.close().await.unwrap();
    assert_eq!(read(&path).ended.unwrap().0, Direction::ToClient);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_ends_the_recording_and_nothing_else() {
    let fake = FakeServer::new();
    let codex = Codex::builder().record("/dev/full").fake(&fake).await;
    fake.always("thread/loaded/list").reply(json!({"data": []}));
    for _ in 0..100 {
        codex
            .call_raw("thread/loaded/list", json!({}))
            .await
            .unwrap();
    }
    codex.close().await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_at_once() {
    let fake = FakeServer::new();
    let (from, to) = fake.connect();
    let error = Codex::builder()
        .record("/no/such/folder/x")
        .connect_with(from, to)
        .await;
    let error = error.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot record into /no/such/folder/x"),
        "{error}"
    );
}

/// The members that the generated types hold as `SecretString`.
fn secret_members() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in std::fs::read_dir(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join("generated/src"),
    )
    .unwrap()
    {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let field = line
                .trim()
                .strip_prefix("pub ")
                .and_then(|line| line.split_once(": "));
            let Some((name, _)) =
                field.filter(|(_, ty)| ty.ends_with(',') && ty.contains("SecretString"))
            else {
                continue;
            };
            let mut parts = name.split('_');
            let mut wire = parts.next().unwrap().to_owned();
            for part in parts {
                wire += &part[..1].to_uppercase();
                wire += &part[1..];
            }
            // Some are in snake case on the wire too.
            let named = |wire: &str| text.contains(&format!("{name} \"{wire}\""));
            let wire = if named(&wire) { wire } else { name.to_owned() };
            let kebab = name.replace('_', "-");
            let wire = if named(&wire) { wire } else { kebab };
            assert!(named(&wire), "{name}");
            found.insert(wire);
        }
    }
    found
}

/// Every way to fill a schema with members, with `secret` wherever a member of `secrets` is text.
/// Of alternatives all are tried, one at a time; of the rest, everything that is optional is there.
fn samples(schema: &Value, whole: &Value, secrets: &BTreeSet<String>, depth: usize) -> Vec<Value> {
    if depth == 0 {
        return vec![Value::Null];
    }
    let next = |schema: &Value| samples(schema, whole, secrets, depth - 1);
    if let Some(path) = schema["$ref"].as_str() {
        return next(whole.pointer(path.trim_start_matches('#')).unwrap());
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema[key].as_array() {
            return options.iter().flat_map(next).collect();
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let mut whole_object = serde_json::Map::new();
        let mut found = Vec::new();
        for (name, property) in properties {
            let values = if secrets.contains(name) {
                vec![json!(SECRET)]
            } else {
                next(property)
            };
            found.extend(values.iter().skip(1).map(|value| json!({name: value})));
            whole_object.insert(name.clone(), values.into_iter().next().unwrap_or_default());
        }
        found.insert(0, Value::Object(whole_object));
        return found;
    }
    if schema["items"].is_object() {
        return next(&schema["items"])
            .into_iter()
            .map(|item| json!([item]))
            .collect();
    }
    if schema["additionalProperties"].is_object() {
        let values = next(&schema["additionalProperties"]);
        return values
            .into_iter()
            .map(|value| json!({"name": value}))
            .collect();
    }
    vec![json!("text")]
}

const SECRET: &str = "the one that nobody may see";

#[test]
fn no_secret_of_any_method_gets_into_a_recording() {
    let mut secrets = secret_members();
    assert!(secrets.len() > 8, "{secrets:?}");
    // The types keep these as plain text: they are shown to a person, but not to be kept.
    secrets.extend(["userCode".to_owned(), "verificationUrl".to_owned()]);
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join("schema/app-server.json"),
    )
    .unwrap();
    let whole: Value = serde_json::from_str(&text).unwrap();
    let (mut fed, mut bearing) = (0, BTreeSet::new());
    let definitions = whole["definitions"].as_object().unwrap();
    let later = definitions["v2"].as_object().unwrap();
    for (name, definition) in definitions.iter().chain(later) {
        let payload = ["Params", "Response", "Notification"]
            .iter()
            .any(|end| name.ends_with(end));
        for sample in samples(definition, &whole, &secrets, 8)
            .iter()
            .filter(|_| payload)
        {
            let messages = [
                (
                    Direction::ToServer,
                    json!({"id": 1, "method": "m", "params": sample}),
                ),
                (Direction::ToClient, json!({"id": 1, "result": sample})),
                (
                    Direction::ToClient,
                    json!({"method": "m", "params": sample}),
                ),
            ];
            for (direction, message) in messages {
                let message = message.to_string();
                let redacted = Redactor::new().redact(direction, &message).unwrap();
                assert!(!redacted.contains(SECRET), "{name}: {redacted}");
                assert_eq!(redact(&redacted).unwrap(), redacted);
                fed += 1;
                if message.contains(SECRET) {
                    bearing.insert(name);
                }
            }
        }
    }
    assert!(
        fed > 1000 && bearing.len() >= 8,
        "{fed} messages; {bearing:?}"
    );
}

#[tokio::test]
async fn the_environment_of_a_command_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.jsonl");
    let fake = FakeServer::new();
    let codex = Codex::builder().record(&path).fake(&fake).await;
    fake.always("command/exec")
        .reply(json!({"exitCode": 0, "stdout": "", "stderr": ""}));
    let params = json!({"command": ["env"], "env": {"DEPLOY_KEY": "hunter2"}});
    codex.call_raw("command/exec", params).await.unwrap();
    codex.close().await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("DEPLOY_KEY") && !text.contains("hunter2"));
}
