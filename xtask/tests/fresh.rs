//! What is checked in is what is generated, and the check sees when it is not.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Tree, generate};

/// What mends it.
const COMMAND: &str = "cargo xtask generate-types";

#[test]
fn the_checked_in_types_are_fresh() {
    let said = generate(&["--check"]).succeeded();
    assert!(said.contains("up to date"), "{said}");
}

#[test]
fn a_copy_is_fresh_until_it_is_edited() {
    let tree = Tree::copy();
    tree.generate(&["--check"]).succeeded();
    tree.edit("generated/src/turn.rs", |text| {
        text.replacen("pub ", "pub(crate) ", 1)
    });
    tree.generate(&["--check"])
        .failed_saying(&["generated/src/turn.rs", "from line", COMMAND]);
    tree.generate(&[]).succeeded();
    tree.generate(&["--check"]).succeeded();
}

#[test]
fn a_deleted_file_is_missed() {
    for path in [
        "generated/src/thread.rs",
        "generated/Cargo.toml",
        "generated/README.md",
        "crates/runtime/src/pin.rs",
    ] {
        let tree = Tree::copy();
        fs::remove_file(tree.path(path)).unwrap();
        tree.generate(&["--check"])
            .failed_saying(&[path, "is missing", COMMAND]);
    }
}

#[test]
fn an_added_file_does_not_belong_there() {
    for path in [
        "generated/src/extra.rs",
        "generated/src/deep/er.rs",
        "generated/build.rs",
    ] {
        let tree = Tree::copy();
        let added = tree.path(path);
        fs::create_dir_all(added.parent().unwrap()).unwrap();
        fs::write(&added, "").unwrap();
        tree.generate(&["--check"])
            .failed_saying(&[path, "does not belong there", COMMAND]);
        tree.generate(&[]).succeeded();
        assert!(!added.exists(), "{path} is left");
    }
}

#[test]
fn a_byte_that_is_no_text_is_a_difference() {
    let tree = Tree::copy();
    let path = tree.path("generated/src/item.rs");
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0xff);
    fs::write(path, bytes).unwrap();
    tree.generate(&["--check"])
        .failed_saying(&["generated/src/item.rs", COMMAND]);
}

#[test]
fn an_edited_schema_is_not_the_runtimes() {
    let tree = Tree::copy();
    tree.edit("schema/app-server.json", |text| {
        text.replacen("\"turn/start\"", "\"turn/begin\"", 1)
    });
    tree.generate(&["--check"]).failed_saying(&[
        "schema/app-server.json",
        openai_codex_runtime::VERSION,
        "cargo xtask export-schema",
    ]);
}

#[test]
fn a_count_that_was_not_reviewed_is_refused() {
    let tree = Tree::copy();
    let count = support::counted("notifications");
    let (is, was) = (
        format!("\nnotifications = {count}\n"),
        format!("\nnotifications = {}\n", count - 1),
    );
    tree.edit("schema/manifest.toml", |text| text.replace(&is, &was));
    tree.generate(&["--check"]).failed_saying(&[
        "/definitions/ServerNotification/oneOf (manifest)",
        &count.to_string(),
        &(count - 1).to_string(),
        "--write-manifest",
    ]);
}

#[test]
fn what_is_pruned_must_have_been_reviewed() {
    let tree = Tree::copy();
    tree.edit("schema/manifest.toml", |text| {
        text.replace("    \"JSONRPCError\",\n", "")
    });
    tree.generate(&["--check"]).failed_saying(&[
        "/definitions (manifest)",
        "pruned",
        "JSONRPCError",
    ]);
}

#[test]
fn what_older_runtimes_send_is_generated_besides_the_schema() {
    let tree = Tree::copy();
    let kept = fs::read_to_string(tree.path("schema/retired.json")).unwrap_or_default();
    // Besides what is retired already.
    let retired = |add: &dyn Fn(&mut Value)| {
        let mut all = serde_json::from_str(&kept).unwrap_or(json!({"definitions": {"v2": {}}}));
        add(&mut all["definitions"]);
        fs::write(tree.path("schema/retired.json"), all.to_string()).unwrap();
    };
    let ask = |method: &str, all: &mut Value| {
        let request = json!({"type": "object", "properties": {
            "method": {"type": "string", "enum": [method]}, "params": {"$ref": "#/definitions/v2/PotAskParams"},
        }});
        let requests = &mut all["ServerRequest"]["oneOf"];
        match requests.as_array_mut() {
            Some(requests) => requests.push(request),
            None => *requests = json!([request]),
        }
        all["v2"]["PotAskParams"] =
            json!({"type": "object", "properties": {"why": {"type": "string"}}});
        all["v2"]["PotAskResponse"] =
            json!({"type": "object", "properties": {"allow": {"type": "boolean"}}});
    };
    retired(&|all| ask("pot/ask", all));
    tree.edit("schema/methods.toml", |text| {
        text.to_owned() + "\"pot/ask\" = { refusal = \"error\" }\n"
    });
    tree.generate(&["--write-manifest"]).succeeded();
    let requests = fs::read_to_string(tree.path("generated/src/protocol.rs")).unwrap();
    assert!(requests.contains(r#""pot/ask""#), "it is not generated");
    // What came back is not retired.
    retired(&|all| ask("item/tool/call", all));
    tree.generate(&["--check"]).failed_saying(&[
        "schema/retired.json",
        "item/tool/call",
        "take it out",
    ]);
    retired(&|all| all["v2"]["Turn"] = json!({"type": "object"}));
    tree.generate(&["--check"])
        .failed_saying(&["schema/retired.json", "Turn", "take it out"]);
}

#[test]
fn a_file_that_is_fresh_is_not_touched() {
    let tree = Tree::copy();
    let path = tree.path("generated/src/thread.rs");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    tree.generate(&[]).succeeded();
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before);
}

#[test]
fn no_generated_file_is_too_long_to_read() {
    let tree = Tree::copy();
    for entry in fs::read_dir(tree.path("generated/src")).unwrap() {
        let path = entry.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 3_000, "{} has {lines} lines", path.display());
    }
}
