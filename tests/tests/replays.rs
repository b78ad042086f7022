//! Every recorded message decodes into its type and back to equal JSON, and so
//! does what a newer server might send in its place.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Defaults, Kind, Message, other_runtimes, recorded, recorded_by};

#[test]
fn every_recorded_message_survives_the_round_trip() {
    let defaults = Defaults::of_the_schema();
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut in_another_order = 0;
    for Message {
        place,
        kind,
        method,
        payload,
        text,
    } in recorded()
    {
        // As it was sent, kinds first, and with sorted members, kinds anywhere.
        let sorted = payload.to_string();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), payload);
        in_another_order += usize::from(text.replace(' ', "") != sorted.replace(' ', ""));
        for text in [text, sorted] {
            let decoded = kind
                .decode(&method, &text)
                .unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(
                defaults.equal(&payload, &decoded.json),
                "{place}: {kind:?} {method}\n sent    {payload}\n written {}",
                decoded.json
            );
            assert!(
                !decoded.debug.contains("Unrecognized"),
                "{place}: {}",
                decoded.debug
            );
        }
        *counts.entry(kind).or_default() += 1;
    }
    assert!(
        counts.len() == 5 && counts.values().sum::<usize>() > 3000,
        "{counts:?}"
    );
    assert!(in_another_order > 1000, "{in_another_order}");
}

/// What an older or a newer runtime sends decodes, and nothing of it is lost on the way back but what
/// the types do not have.
#[test]
fn every_message_of_another_runtime_decodes() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for version in other_runtimes() {
        for Message {
            place,
            kind,
            method,
            text,
            ..
        } in recorded_by(&version)
        {
            let decoded = kind
                .decode(&method, &text)
                .unwrap_or_else(|error| panic!("{version}/{place}: {error}"));
            kind.decode(&method, &decoded.json.to_string())
                .unwrap_or_else(|error| panic!("{version}/{place}, written again: {error}"));
            *counts.entry(version.clone()).or_default() += 1;
        }
    }
    assert!(
        counts.len() >= 3 && counts.values().all(|it| *it > 100),
        "{counts:?}"
    );
}

/// A few messages of each kind and method: the mutations below are many per message.
fn samples() -> Vec<Message> {
    let mut seen: BTreeMap<(Kind, String), usize> = BTreeMap::new();
    let mut samples = recorded();
    samples.retain(|message| {
        let count = seen
            .entry((message.kind, message.method.clone()))
            .or_default();
        *count += 1;
        *count <= 12
    });
    samples
}

/// The pointers of every value within a value.
fn pointers(value: &Value) -> Vec<String> {
    fn visit(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    visit(
                        member,
                        &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                        found,
                    );
                }
            }
            Value::Array(members) => {
                for (index, member) in members.iter().enumerate() {
                    visit(member, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(value, "", &mut found);
    found
}

#[test]
fn an_unknown_string_anywhere_survives() {
    let defaults = Defaults::of_the_schema();
    let mut unrecognized = 0;
    for Message {
        place,
        kind,
        method,
        payload,
        ..
    } in samples()
    {
        for pointer in pointers(&payload) {
            let mut changed = payload.clone();
            match changed.pointer_mut(&pointer) {
                Some(Value::String(text)) => *text = "from a newer server".to_owned(),
                _ => continue,
            }
            let decoded = kind
                .decode(&method, &changed.to_string())
                .unwrap_or_else(|error| panic!("{place} at {pointer}: {error}"));
            assert!(
                defaults.equal(&changed, &decoded.json),
                "{place} at {pointer}\n sent    {changed}\n written {}",
                decoded.json
            );
            unrecognized += usize::from(decoded.debug.contains("Unrecognized"));
        }
    }
    assert!(
        unrecognized > 500,
        "only {unrecognized} mutations met an enum or a union"
    );
}

#[test]
fn unknown_members_of_unions_survive() {
    let defaults = Defaults::of_the_schema();
    let error = |info: Value| json!({"error": {"message": "m", "codexErrorInfo": info}, "threadId": "t", "turnId": "u", "willRetry": false});
    let item =
        |item: Value| json!({"item": item, "threadId": "t", "turnId": "u", "completedAtMs": 1});
    for (kind, method, payload) in [
        (
            Kind::Notification,
            "error",
            error(json!({"quantumFlux": {"level": 3, "deep": [{"a": null}]}})),
        ),
        (Kind::Notification, "error", error(json!("quantumFlux"))),
        (Kind::Notification, "error", error(json!(["a", 1]))),
        (
            Kind::Notification,
            "item/completed",
            item(json!({"type": "hologram", "id": "i", "frames": [1, 2.5, {"x": "y"}]})),
        ),
        (
            Kind::Notification,
            "item/completed",
            item(json!({"id": "i", "frames": [], "type": "hologram"})),
        ),
        (
            Kind::Notification,
            "thread/holograms/updated",
            json!({"threadId": "t", "n": 1}),
        ),
        (
            Kind::ServerResponse,
            "item/commandExecution/requestApproval",
            json!({"decision": {"acceptOnTuesdays": {"weeks": 2}}}),
        ),
    ] {
        let decoded = kind.decode(method, &payload.to_string()).unwrap();
        assert!(
            defaults.equal(&payload, &decoded.json),
            "{method}\n sent    {payload}\n written {}",
            decoded.json
        );
        assert!(decoded.debug.contains("Unrecognized"), "{}", decoded.debug);
    }
}

/// Members of recorded messages that are maps.
const MAPS: [&str; 3] = ["/answers", "/readStates", "/tools"];

/// The members on the way to a pointer, without list indices and keys of maps.
fn members_of(pointer: &str) -> String {
    let mut members: Vec<&str> = Vec::new();
    let mut after_map = false;
    for segment in pointer.split('/').skip(1) {
        if !after_map && segment.parse::<usize>().is_err() {
            members.push(segment);
        }
        after_map = !after_map && MAPS.iter().any(|map| &map[1..] == segment);
    }
    members.join(".")
}

#[test]
fn extra_members_are_ignored() {
    for Message {
        place,
        kind,
        method,
        payload,
        ..
    } in samples()
    {
        for pointer in pointers(&payload) {
            let mut changed = payload.clone();
            match changed.pointer_mut(&pointer) {
                Some(Value::Object(members)) => {
                    members.insert("fromANewerServer".to_owned(), json!({"x": [1]}))
                }
                _ => continue,
            };
            // Of a map, every member must be a value of the map.
            if MAPS.iter().any(|map| pointer.ends_with(map)) {
                continue;
            }
            if let Err(error) = kind.decode(&method, &changed.to_string()) {
                panic!("{place} at {pointer}: {error}");
            }
        }
    }
}

#[test]
fn a_missing_required_member_is_an_error_that_names_it() {
    let mut required = 0;
    for Message {
        place,
        kind,
        method,
        payload,
        ..
    } in samples()
    {
        for pointer in pointers(&payload).into_iter().skip(1) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let mut changed = payload.clone();
            match changed.pointer_mut(parent) {
                Some(Value::Object(members)) => {
                    members.remove(&name.replace("~1", "/").replace("~0", "~"))
                }
                _ => continue,
            };
            if let Err(error) = kind.decode(&method, &changed.to_string()) {
                let named =
                    error.contains(&method) && error.contains(&format!("missing field `{name}`"));
                assert!(named, "{place} without {pointer}: {error}");
                let path = members_of(parent);
                assert!(
                    path.is_empty() || error.contains(&format!("at {path}:")),
                    "{place} without {pointer}: {error}"
                );
                required += 1;
            }
        }
    }
    assert!(required > 1000, "only {required} members were required");
}

#[test]
fn an_open_object_keeps_what_the_schema_does_not_describe() {
    let config =
        json!({"config": {"model": "m", "my_own_key": {"a": [1, "b"]}, "x": null}, "origins": {}});
    let decoded = Kind::ClientResponse
        .decode("config/read", &config.to_string())
        .unwrap();
    assert_eq!(decoded.json["config"]["my_own_key"], json!({"a": [1, "b"]}));
}
