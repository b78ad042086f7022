//! A schema that the generator would misunderstand is refused, with the place and the pass.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Other, Tree, generate};

/// Changes the pinned schema, and wants a refusal that says all of this.
#[track_caller]
fn refused(change: impl FnOnce(&mut Other), parts: &[&str]) {
    let mut other = Other::pinned();
    change(&mut other);
    // Lenient about fixups, so that it is not a fixup that complains.
    refused_by(&other, &["--lenient-fixups"], parts);
}

/// The same of a name, which `--lenient-fixups` changes.
#[track_caller]
fn name_refused(change: impl FnOnce(&mut Other), parts: &[&str]) {
    let mut other = Other::pinned();
    change(&mut other);
    refused_by(&other, &[], parts);
    other.generate(&["--lenient-fixups"]).succeeded();
}

#[track_caller]
fn refused_by(other: &Other, arguments: &[&str], parts: &[&str]) {
    let said = other.generate(arguments).failed_saying(parts);
    // What it points to is in the bundle, unless it says that it is not.
    let line = said.lines().last().unwrap();
    let (pointer, reason) = line
        .strip_prefix("error: ")
        .unwrap()
        .split_once(" (")
        .unwrap();
    let is_there = other.bundle.pointer(pointer).is_some();
    let is_missing = reason.contains("is missing") || reason.contains("has no definitions");
    assert!(is_there || is_missing, "{line}");
}

fn property<'a>(other: &'a mut Other, definition: &str, name: &str) -> &'a mut Value {
    &mut other.definition(definition)["properties"][name]
}

#[test]
fn a_keyword_that_is_not_known() {
    refused(
        |other| property(other, "TurnStartParams", "threadId")["const"] = json!("x"),
        &[
            "/definitions/v2/TurnStartParams/properties/threadId (vocabulary)",
            "`const`",
        ],
    );
}

#[test]
fn a_method_behind_one_that_is_left_out() {
    let pinned = Other::pinned();
    let requests = &pinned.bundle["definitions"]["ClientRequest"]["oneOf"];
    let last = requests.as_array().unwrap().len() - 1;
    refused(
        |other| {
            let request = other.messages("ClientRequest").last_mut().unwrap();
            *request = json!({"type": "object"});
        },
        &[&format!(
            "/definitions/ClientRequest/oneOf/{last} (methods): has no method"
        )],
    );
}

#[test]
fn a_type_that_is_not_known() {
    refused(
        |other| *property(other, "Turn", "id") = json!({"type": "text"}),
        &[
            "/definitions/v2/Turn/properties/id (vocabulary)",
            "`type`",
            "text",
        ],
    );
}

#[test]
fn a_reference_to_nothing() {
    refused(
        |other| *property(other, "Turn", "status") = json!({"$ref": "#/definitions/v2/Nowhere"}),
        &[
            "/definitions/v2/Turn/properties/status (vocabulary)",
            "Nowhere",
            "points to no definition",
        ],
    );
}

#[test]
fn a_format_that_is_not_known() {
    refused(
        |other| *property(other, "Turn", "id") = json!({"type": "integer", "format": "uint128"}),
        &["/definitions/v2/Turn/properties/id (vocabulary)", "uint128"],
    );
}

#[test]
fn a_discriminator_that_changed_in_one_branch() {
    refused(
        |other| {
            let branch = &mut other.definition("ThreadItem")["oneOf"][0];
            let properties = branch["properties"].as_object_mut().unwrap();
            let tag = properties.remove("type").unwrap();
            properties.insert("sort".to_owned(), tag);
            branch["required"] = json!(["id", "sort"]);
        },
        &["/definitions/v2/ThreadItem", "(lower)"],
    );
}

#[test]
fn two_kinds_of_one_name() {
    name_refused(
        |other| {
            let kinds = other.definition("ThreadItem")["oneOf"]
                .as_array_mut()
                .unwrap();
            let mut twin = kinds[0].clone();
            twin["properties"]["type"]["enum"] = json!(["user_message"]);
            kinds.push(twin);
        },
        &[
            "/definitions/v2/ThreadItem/oneOf/",
            "(lower)",
            "UserMessage",
        ],
    );
}

#[test]
fn two_definitions_of_one_name() {
    refused(
        |other| other.bundle["definitions"]["Turn"] = json!({"type": "string"}),
        &["/definitions/Turn (normalise)", "/definitions/v2"],
    );
}

#[test]
fn two_members_of_one_name() {
    name_refused(
        |other| *property(other, "Turn", "started_at") = json!({"type": "string"}),
        &[
            "/definitions/v2/Turn/properties/started_at (lower)",
            "started_at",
        ],
    );
}

#[test]
fn two_methods_of_one_name() {
    name_refused(
        |other| {
            other.add_message(
                "ServerNotification",
                "turn/started",
                "TurnStartedNotification",
            )
        },
        &[
            "/definitions/ServerNotification/oneOf/",
            "(methods)",
            "`turn/started`",
        ],
    );
}

#[test]
fn an_inline_type_that_has_the_name_of_another() {
    name_refused(
        |other| {
            *property(other, "Turn", "error") =
                json!({"type": "object", "properties": {"a": {"type": "string"}}});
        },
        &[
            "/definitions/",
            "(lower)",
            "TurnError",
            "which another type has",
        ],
    );
}

#[test]
fn a_name_that_is_none() {
    name_refused(
        |other| *property(other, "Turn", "%") = json!({"type": "string"}),
        &[
            "/definitions/v2/Turn/properties/%",
            "(lower)",
            "usable name",
        ],
    );
}

#[test]
fn a_message_with_more_than_parameters() {
    refused(
        |other| {
            other.messages("ServerNotification")[0]["properties"]["urgent"] =
                json!({"type": "boolean"});
        },
        &[
            "/definitions/ServerNotification/oneOf/0/properties/urgent (methods)",
            "besides",
        ],
    );
}

#[test]
fn a_bundle_without_definitions() {
    refused(
        |other| other.bundle = json!({"title": "empty"}),
        &["/definitions (normalise)"],
    );
    refused(
        |other| {
            other.bundle["definitions"]
                .as_object_mut()
                .unwrap()
                .remove("ServerRequest");
        },
        &["/definitions/ServerRequest (methods)", "missing"],
    );
}

#[test]
fn a_fixup_that_no_longer_applies() {
    let mut other = Other::pinned();
    let params = other.definition("TurnStartParams")["properties"]
        .as_object_mut()
        .unwrap();
    params.remove("serviceTier").unwrap();
    let line =
        "/definitions/v2/TurnStartParams/properties/serviceTier (fixups): three_state_fields";
    other
        .generate(&[])
        .failed_saying(&[line, "--lenient-fixups", "xtask/src/schema/fixups.rs"]);
    let said = other.generate(&["--lenient-fixups"]).succeeded();
    assert!(said.contains(line), "{said}");
}

#[test]
fn fixups_of_the_pin_are_not_lenient() {
    generate(&["--lenient-fixups"]).failed_saying(&["--schema", "xtask/src/schema/fixups.rs"]);

    // The pin is whatever the lock file says: here one that a fixup does not fit.
    let tree = Tree::copy();
    let (path, lock) = ("schema/app-server.json", "schema/runtime.lock.toml");
    tree.edit(path, |text| {
        text.replace("\"ThreadListCwdFilter\"", "\"ThreadListFolders\"")
            .replace("/ThreadListCwdFilter\"", "/ThreadListFolders\"")
    });
    let said = tree.generate(&["--check"]);
    let hash = said.said.split("sha256 is ").nth(1).unwrap()[..64].to_owned();
    tree.edit(lock, |text| {
        let lines = text
            .lines()
            .map(|line| match line.starts_with("schema_sha256") {
                true => format!("schema_sha256 = \"{hash}\"\n"),
                false => format!("{line}\n"),
            });
        lines.collect()
    });
    let line = "/definitions/ThreadListCwdFilter (fixups): untagged_member_names no longer applies";
    tree.generate(&["--check"]).failed_saying(&[line]);
    let schema = tree.path("schema");
    let out = tree.path("out");
    tree.generate(&[
        "--schema",
        schema.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--lenient-fixups",
    ])
    .failed_saying(&[line, "--lenient-fixups does nothing"]);
}

#[test]
fn a_source_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (empty, out) = (path("empty"), path("out"));
    fs::create_dir(&empty).unwrap();
    generate(&["--schema", &empty, "--out", &out]).failed_saying(&[
        "no schema in",
        &empty,
        "codex app-server generate-json-schema --experimental --out DIR",
    ]);
    let nowhere = path("nowhere");
    generate(&["--schema", &nowhere, "--out", &out]).failed_saying(&[&nowhere, "is no folder"]);
    generate(&["--codex-bin", &nowhere, "--out", &out]).failed_saying(&["cannot run", &nowhere]);
    fs::write(path("empty/app-server.json"), "{").unwrap();
    generate(&["--schema", &empty, "--out", &out])
        .failed_saying(&["app-server.json", "is not JSON"]);
    assert!(!fs::exists(&out).unwrap(), "something was written");
}

#[test]
fn another_crate_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Cargo.toml"), "[package]\n").unwrap();
    let schema = support::checkout().join("schema");
    generate(&[
        "--schema",
        schema.to_str().unwrap(),
        "--out",
        folder.path().to_str().unwrap(),
    ])
    .failed_saying(&["something else", "--out an empty folder"]);
}

#[test]
fn a_note_that_no_longer_fits() {
    for (from, to, parts) in [
        (
            "[TurnStatus]",
            "[TurnState]",
            ["[TurnState]", "no such type"],
        ),
        (
            "inProgress = \"It runs.\"\n\n[TurnError]",
            "paused = \"It rests.\"\n\n[TurnError]",
            ["\"paused\" in [TurnStatus]", "no such member"],
        ),
        (
            "[Turn]\n",
            "[Turn]\nid = \"Its id.\"\n",
            ["\"id\" in [Turn]", "the schema says something else"],
        ),
        (
            "\"plugin/install\" = \"Installs a plugin.\"\n",
            "",
            ["lacks a sentence", "\"plugin/install\""],
        ),
    ] {
        let tree = Tree::copy();
        tree.edit("schema/notes.toml", |text| text.replace(from, to));
        let said = tree.generate(&["--check"]).failed_saying(&parts);
        assert!(said.contains("schema/notes.toml"), "{said}");
    }
}
