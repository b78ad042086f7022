//! The semantic diff: each kind of change with a pair made for it, and what is known of real runtimes.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use support::{Outcome, checkout};
use tempfile::TempDir;

fn diff(arguments: &[&str]) -> Outcome {
    support::run("diff", arguments)
}

/// A small protocol: a request that is sent, its answer, a notification and a request of the server's.
fn protocol() -> Value {
    let message = |method: &str, params: &str| {
        json!({"type": "object", "required": ["method", "params"], "properties": {
            "method": {"type": "string", "enum": [method]}, "params": {"$ref": format!("#/definitions/v2/{params}")},
        }})
    };
    let kind = |kind: &str, members: Value, required: &[&str]| {
        let mut properties = members;
        properties["type"] = json!({"type": "string", "enum": [kind]});
        let required: Vec<_> = required.iter().chain(&["type"]).collect();
        json!({"type": "object", "properties": properties, "required": required})
    };
    json!({"definitions": {
        "ClientRequest": {"oneOf": [message("pot/fill", "PotFillParams")]},
        "ServerNotification": {"oneOf": [message("pot/full", "PotFullNotification")]},
        "ServerRequest": {"oneOf": [message("pot/ask", "PotAskParams")]},
        "v2": {
            "PotFillParams": {"type": "object", "required": ["pot"], "properties": {
                "pot": {"type": "string"}, "millilitres": {"type": ["integer", "null"], "format": "int64"},
                "input": {"$ref": "#/definitions/v2/Input"},
            }},
            "PotFillResponse": {"type": "object", "required": ["level"], "properties": {
                "level": {"type": "integer", "format": "int64"}, "colour": {"$ref": "#/definitions/v2/Colour"},
            }},
            "PotFullNotification": {"type": "object", "required": ["item", "at"], "properties": {
                "item": {"$ref": "#/definitions/v2/Item"}, "at": {"type": "integer"},
            }},
            "PotAskParams": {"type": "object", "properties": {"why": {"type": "string"}}},
            "PotAskResponse": {"type": "object", "properties": {"allow": {"type": "boolean"}}},
            "Colour": {"type": "string", "enum": ["red", "green"]},
            "Input": {"oneOf": [kind("text", json!({"text": {"type": "string"}}), &["text"])]},
            "Item": {"oneOf": [
                kind("water", json!({"result": {"type": "string"}, "degrees": {"type": "number"}}), &["result"]),
                kind("tea", json!({"leaf": {"type": "string"}}), &[]),
            ]},
        },
    }})
}

/// The names of all of it: nothing is experimental.
fn stable() -> Value {
    json!({
        "methods": ["pot/fill", "pot/full", "pot/ask"],
        "definitions": {
            "PotFillParams": ["pot", "millilitres", "input"],
            "Item": ["=water", "=tea", "result", "degrees", "leaf", "type"],
        },
    })
}

/// The changes between the protocol and an edit of it.
#[track_caller]
fn changes(edit: impl FnOnce(&mut Value, &mut Value)) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let (mut bundle, mut stable) = (protocol(), stable());
    let old = write(&folder, "old", &bundle, &stable);
    edit(&mut bundle, &mut stable);
    let new = write(&folder, "new", &bundle, &stable);
    let said = diff(&[&old, &new, "--json"]).succeeded();
    let said: Value = serde_json::from_str(&said).unwrap();
    said["changes"].as_array().unwrap().clone()
}

fn write(folder: &TempDir, name: &str, bundle: &Value, stable: &Value) -> String {
    let folder = folder.path().join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("app-server.json"), bundle.to_string()).unwrap();
    fs::write(folder.join("stable.json"), stable.to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

/// What, kind, place; whether it breaks source; whether it breaks the wire.
#[track_caller]
fn one(changes: &[Value]) -> (&str, &str, &str, bool, bool) {
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let it = &changes[0];
    assert!(!it["on_the_wire"].as_str().unwrap().is_empty());
    (
        it["what"].as_str().unwrap(),
        it["kind"].as_str().unwrap(),
        it["place"].as_str().unwrap(),
        it["breaks_source"].as_bool().unwrap(),
        it["breaks_wire"].as_bool().unwrap(),
    )
}

/// The schema of a definition.
fn definition<'a>(bundle: &'a mut Value, name: &str) -> &'a mut Value {
    &mut bundle["definitions"]["v2"][name]
}

fn rename(object: &mut Value, from: &str, to: &str) {
    let object = object.as_object_mut().unwrap();
    let value = object.remove(from).unwrap();
    object.insert(to.to_owned(), value);
}

#[test]
fn what_is_said_for_people_is_no_difference() {
    let none = changes(|bundle, _| {
        definition(bundle, "Colour")["description"] = json!("A colour.");
        definition(bundle, "PotFillParams")["properties"]["pot"]["description"] = json!("Which.");
        definition(bundle, "PotFillParams")["title"] = json!("PotFillParams");
    });
    assert_eq!(none, Vec::<Value>::new());
}

#[test]
fn methods_come_and_go() {
    let message = json!({"type": "object", "properties": {"method": {"type": "string", "enum": ["pot/new"]}}});
    for (union, what, wire) in [
        ("ClientRequest", "request", true),
        ("ServerNotification", "notification", true),
        ("ServerRequest", "server-request", false),
    ] {
        let added = changes(|bundle, stable| {
            let all = bundle["definitions"][union]["oneOf"]
                .as_array_mut()
                .unwrap();
            all.push(message.clone());
            stable["methods"]
                .as_array_mut()
                .unwrap()
                .push(json!("pot/new"));
        });
        assert_eq!(one(&added), (what, "added", "pot/new", false, false));
        // There is always one left.
        let removed = changes(|bundle, _| {
            let all = bundle["definitions"][union]["oneOf"]
                .as_array_mut()
                .unwrap();
            all[0] = json!({"type": "object", "properties": {"method": {"type": "string", "enum": ["x"]}}});
        });
        let removed: Vec<_> = removed
            .iter()
            .filter(|it| it["place"] != "x")
            .cloned()
            .collect();
        let (is, kind, _, source, breaks) = one(&removed);
        assert_eq!((is, kind, source, breaks), (what, "removed", true, wire));
    }
}

#[test]
fn a_method_with_another_name_is_guessed() {
    let renamed = changes(|bundle, _| {
        let request = &mut bundle["definitions"]["ClientRequest"]["oneOf"][0];
        request["properties"]["method"]["enum"][0] = json!("pot/fillUp");
    });
    let renamed: Vec<_> = renamed
        .iter()
        .filter(|it| it["kind"] == "renamed")
        .cloned()
        .collect();
    assert_eq!(
        one(&renamed),
        ("request", "renamed", "pot/fillUp", true, true)
    );
    assert_eq!(renamed[0]["from"], "pot/fill");
}

#[test]
fn a_method_takes_and_gives_other_types() {
    let retyped = changes(|bundle, _| {
        let v2 = &mut bundle["definitions"]["v2"];
        v2["KettleParams"] = json!({"type": "object", "properties": {"x": {"type": "string"}}});
        let request = &mut bundle["definitions"]["ServerRequest"]["oneOf"][0];
        request["properties"]["params"] = json!({"$ref": "#/definitions/v2/KettleParams"});
    });
    let of_method: Vec<_> = retyped
        .iter()
        .filter(|it| it["what"] == "server-request")
        .cloned()
        .collect();
    assert_eq!(
        one(&of_method),
        ("server-request", "retyped", "pot/ask", true, false)
    );
    assert_eq!(of_method[0]["from"], "PotAskParams -> PotAskResponse");
    assert_eq!(of_method[0]["to"], "KettleParams");
}

#[test]
fn types_come_go_and_get_other_names() {
    let added = changes(|bundle, _| {
        *definition(bundle, "Lid") =
            json!({"type": "object", "properties": {"x": {"type": "string"}}});
    });
    assert_eq!(one(&added), ("type", "added", "Lid", false, false));
    let removed = changes(|bundle, _| {
        let types = bundle["definitions"]["v2"].as_object_mut().unwrap();
        types.remove("PotAskResponse");
    });
    let removed: Vec<_> = removed
        .iter()
        .filter(|it| it["what"] == "type")
        .cloned()
        .collect();
    assert_eq!(
        one(&removed),
        ("type", "removed", "PotAskResponse", true, false)
    );
    let renamed = changes(|bundle, _| {
        rename(&mut bundle["definitions"]["v2"], "Colour", "Colours");
        definition(bundle, "PotFillResponse")["properties"]["colour"]["$ref"] =
            json!("#/definitions/v2/Colours");
    });
    assert_eq!(renamed[0]["from"], "Colour");
    assert_eq!(
        one(&renamed[..1]),
        ("type", "renamed", "Colours", true, false)
    );
    // Its user's member has another type by it.
    assert_eq!(one(&renamed[1..]).2, "PotFillResponse.colour");
}

#[test]
fn a_type_gets_another_form() {
    let retyped = changes(|bundle, _| {
        *definition(bundle, "Colour") =
            json!({"type": "object", "properties": {"red": {"type": "integer"}}});
    });
    assert_eq!(one(&retyped), ("type", "retyped", "Colour", true, true));
}

#[test]
fn members_come_and_go() {
    let member = json!({"type": "string"});
    let optional = changes(|bundle, _| {
        definition(bundle, "PotFillResponse")["properties"]["lid"] = member.clone();
    });
    let lid = "PotFillResponse.lid";
    assert_eq!(one(&optional), ("member", "added", lid, false, false));
    for (name, place, wire) in [
        ("PotFillParams", "PotFillParams.lid", true),
        ("PotFillResponse", "PotFillResponse.lid", false),
    ] {
        let required = changes(|bundle, stable| {
            definition(bundle, name)["properties"]["lid"] = member.clone();
            let required = definition(bundle, name)["required"].as_array_mut().unwrap();
            required.push(json!("lid"));
            if let Some(names) = stable["definitions"].get_mut(name) {
                names.as_array_mut().unwrap().push(json!("lid"));
            }
        });
        assert_eq!(one(&required), ("member", "added", place, true, wire));
    }
    let removed = changes(|bundle, _| {
        let members = &mut definition(bundle, "PotFullNotification")["properties"];
        members.as_object_mut().unwrap().remove("at");
    });
    assert_eq!(
        one(&removed),
        ("member", "removed", "PotFullNotification.at", true, true)
    );
}

#[test]
fn a_member_with_another_name_is_guessed_and_two_are_not() {
    let renamed = changes(|bundle, _| {
        rename(
            &mut definition(bundle, "PotFillResponse")["properties"],
            "colour",
            "colours",
        );
    });
    assert_eq!(
        one(&renamed),
        ("member", "renamed", "PotFillResponse.colours", true, false)
    );
    let told = changes(|bundle, _| {
        let members = &mut definition(bundle, "PotFillResponse")["properties"];
        members["colourA"] = members["colour"].clone();
        rename(members, "colour", "colourB");
    });
    let kinds: Vec<_> = told.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["removed", "added", "added"]);
}

#[test]
fn a_member_gets_another_type() {
    let retyped = changes(|bundle, _| {
        definition(bundle, "PotFillResponse")["properties"]["level"] = json!({"type": "number"});
    });
    assert_eq!(
        one(&retyped),
        ("member", "retyped", "PotFillResponse.level", true, true)
    );
    assert_eq!(retyped[0]["from"], "integer (int64)");
    assert_eq!(retyped[0]["to"], "number");
    let nullable = changes(|bundle, _| {
        definition(bundle, "PotFillResponse")["properties"]["level"]["type"] =
            json!(["integer", "null"]);
    });
    assert_eq!(one(&nullable).1, "retyped");
    // Of what may be absent, null is the same.
    let same = changes(|bundle, _| {
        definition(bundle, "PotFillParams")["properties"]["millilitres"]["type"] = json!("integer");
    });
    assert_eq!(same, Vec::<Value>::new());
}

#[test]
fn a_member_is_required_or_may_be_left_out() {
    let sent = changes(|bundle, _| {
        definition(bundle, "PotFillParams")["required"] = json!(["pot", "input"]);
    });
    assert_eq!(
        one(&sent),
        ("member", "required", "PotFillParams.input", true, true)
    );
    let received = changes(|bundle, _| {
        definition(bundle, "PotFillResponse")["required"] = json!(["level", "colour"]);
    });
    assert_eq!(
        one(&received),
        ("member", "required", "PotFillResponse.colour", true, false)
    );
    let of_kind = changes(|bundle, _| {
        definition(bundle, "Item")["oneOf"][0]["required"] = json!(["type"]);
    });
    assert_eq!(
        one(&of_kind),
        ("member", "optional", "Item::water.result", true, true)
    );
    let sent = changes(|bundle, _| {
        definition(bundle, "PotFillParams")["required"] = json!([]);
    });
    assert_eq!(
        one(&sent),
        ("member", "optional", "PotFillParams.pot", true, false)
    );
}

#[test]
fn variants_come_go_and_get_other_names() {
    let added = changes(|bundle, _| {
        definition(bundle, "Colour")["enum"] = json!(["red", "green", "blue"]);
    });
    assert_eq!(
        one(&added),
        ("variant", "added", "Colour::blue", false, false)
    );
    let removed = changes(|bundle, _| definition(bundle, "Colour")["enum"] = json!(["red"]));
    assert_eq!(
        one(&removed),
        ("variant", "removed", "Colour::green", true, false)
    );
    let kind = changes(|bundle, _| {
        definition(bundle, "Item")["oneOf"]
            .as_array_mut()
            .unwrap()
            .pop();
    });
    assert_eq!(one(&kind), ("variant", "removed", "Item::tea", true, false));
    let of_sent = changes(|bundle, _| {
        let kind = &mut definition(bundle, "Input")["oneOf"][0];
        kind["properties"]["type"]["enum"][0] = json!("texts");
    });
    assert_eq!(
        one(&of_sent),
        ("variant", "renamed", "Input::texts", true, true)
    );
}

#[test]
fn what_was_experimental_is_stable() {
    let less = |stable: &mut Value| {
        stable["methods"] = json!(["pot/full", "pot/ask"]);
        stable["definitions"]["PotFillParams"] = json!(["pot", "input"]);
        stable["definitions"]["Item"] = json!(["=water", "result", "degrees", "leaf", "type"]);
    };
    let now = changes(|_, stable| less(stable));
    let told: Vec<_> = now
        .iter()
        .map(|it| {
            let told = (it["what"].as_str().unwrap(), it["kind"].as_str().unwrap());
            assert_eq!(
                (&it["breaks_source"], &it["breaks_wire"]),
                (&json!(false), &json!(true))
            );
            (told.0, told.1, it["place"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("request", "experimental", "pot/fill"),
            ("member", "experimental", "PotFillParams.millilitres"),
            ("variant", "experimental", "Item::tea"),
        ]
    );
    // And the other way round.
    let folder = tempfile::tempdir().unwrap();
    let mut before = stable();
    less(&mut before);
    let old = write(&folder, "old", &protocol(), &before);
    let new = write(&folder, "new", &protocol(), &stable());
    let said = diff(&[&old, &new, "--json"]).succeeded();
    let said: Value = serde_json::from_str(&said).unwrap();
    let stable = said["changes"].as_array().unwrap();
    assert!(
        stable
            .iter()
            .all(|it| it["kind"] == "stable" && it["breaks_wire"] == false)
    );
    assert_eq!(stable.len(), 3);
}

/// Requests, of them stable ones, requests of the server's, notifications, definitions.
const KNOWN: &[(&str, [u64; 5])] = &[
    ("0.154.0", [159, 99, 11, 81, 836]),
    ("0.163.0", [172, 105, 11, 85, 885]),
    ("0.169.0", [184, 109, 11, 86, 939]),
    ("0.171.0", [189, 110, 10, 87, 956]),
];

#[test]
fn what_is_known_of_the_runtimes_that_are_kept() {
    for pair in KNOWN.windows(2) {
        let ((old, was), (new, is)) = (pair[0], pair[1]);
        let said = diff(&[old, new, "--json"]).succeeded();
        let said: Value = serde_json::from_str(&said).unwrap();
        for (side, counts) in [("from", was), ("to", is)] {
            let names = [
                "requests",
                "stable_requests",
                "server_requests",
                "notifications",
                "definitions",
            ];
            for (name, count) in names.into_iter().zip(counts) {
                assert_eq!(said[side]["counts"][name], count, "{old} -> {new}: {name}");
            }
        }
        // What comes and goes is the difference of the counts.
        let count = |what: &str, kind: &str| {
            let changes = said["changes"].as_array().unwrap().iter();
            changes
                .filter(|it| it["what"] == what && it["kind"] == kind)
                .count() as u64
        };
        for (what, at) in [
            ("request", 0),
            ("server-request", 2),
            ("notification", 3),
            ("type", 4),
        ] {
            let is_now = was[at] + count(what, "added") - count(what, "removed");
            assert_eq!(is_now, is[at], "{old} -> {new}: {what}");
        }
    }
}

#[test]
fn what_went_from_0_163_to_0_171_is_told() {
    let said = diff(&["0.163.0", "0.171.0"]).succeeded();
    for line in [
        "! - currentTime/read ",
        "! - Project.position: integer (int64)",
        "! ~ ThreadItem::imageGeneration.result is optional now",
        "! ~ UserInput::audio.url is optional now",
        "! - ReviewDelivery::detached",
        "  + thread/search/stream: ThreadSearchParams",
        "  + CodexErrorInfo::modelNotFound",
    ] {
        assert!(said.contains(line), "no `{line}` in: {said}");
    }
}

#[test]
fn a_revision_of_git_is_compared_too() {
    let root = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t", "-C"])
            .arg(root.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    let schema = root.path().join("schema");
    fs::create_dir(&schema).unwrap();
    let lock = fs::read(checkout().join("schema/runtime.lock.toml")).unwrap();
    fs::write(schema.join("runtime.lock.toml"), lock).unwrap();
    let put =
        |bundle: &Value| fs::write(schema.join("app-server.json"), bundle.to_string()).unwrap();
    fs::write(schema.join("stable.json"), stable().to_string()).unwrap();
    git(&["init", "--quiet"]);
    put(&protocol());
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "old"]);
    let mut bundle = protocol();
    definition(&mut bundle, "Colour")["enum"] = json!(["red"]);
    put(&bundle);
    let (root, schema) = (root.path().to_str().unwrap(), schema.to_str().unwrap());
    let said = diff(&["--root", root, "HEAD", schema]).succeeded();
    assert!(said.contains("! - Colour::green"), "{said}");
    diff(&["--root", root, "HEAD", "nowhere"]).failed_saying(&[
        "nowhere is neither a folder",
        "nor a git revision",
        "export-schema --codex-bin",
    ]);
    diff(&["--root", root, "HEAD", "--", "--output=x"]).failed_saying(&["neither a folder"]);
}
