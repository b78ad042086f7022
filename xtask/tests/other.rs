//! Another runtime's schema gives what it says, and the report says what was not expected.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Other, checkout, counted};

/// Whether a text has these parts, however its lines are broken.
#[track_caller]
fn has(text: &str, parts: &[&str]) {
    let squeeze = |text: &str| {
        let text: String = text.split_whitespace().collect();
        text.replace(",}", "}").replace(",)", ")")
    };
    let text = squeeze(text);
    for part in parts {
        assert!(
            text.contains(squeeze(part).trim_end_matches(',')),
            "no `{part}`"
        );
    }
}

#[test]
fn a_new_method() {
    let mut other = Other::pinned();
    *other.definition("ThreadTeleportParams") = json!({
        "type": "object",
        "required": ["threadId", "to"],
        "properties": {
            "threadId": {"type": "string"},
            "to": {"type": "string", "description": "Where to."},
            "speed": {"type": ["integer", "null"], "format": "uint32"},
        },
    });
    *other.definition("ThreadTeleportResponse") =
        json!({"type": "object", "properties": {"arrived": {"type": "boolean", "default": false}}});
    other.add_message("ClientRequest", "thread/teleport", "ThreadTeleportParams");
    let said = other
        .generate(&["--runtime-version", "0.170.0"])
        .succeeded();
    let count = counted("client_requests");
    has(
        &said,
        &[
            // One is left out, and one is new.
            &format!("codex 0.170.0: {count} requests"),
            &format!("client_requests is {}", count + 1),
        ],
    );
    has(
        &other.generated(),
        &[
            "pub struct ThreadTeleportParams {",
            "    pub thread_id: ThreadId,",
            "    /// Where to.\n    pub to: String,",
            "    pub speed: Option<u32>,",
            "pub fn new(thread_id: impl Into<ThreadId>, to: impl Into<String>) -> Self",
            "pub struct ThreadTeleportResponse {",
            r#"MethodSpec::new("thread/teleport", "ThreadTeleportParams", "ThreadTeleportResponse").experimental()"#,
            "fn thread_teleport(",
            r#"ThreadTeleport "thread/teleport","#,
            r#"pub const RUNTIME_VERSION: &str = "0.170.0";"#,
        ],
    );
}

#[test]
fn a_new_notification() {
    let mut other = Other::pinned();
    *other.definition("TurnTeleportedNotification") = json!({
        "type": "object",
        "required": ["threadId", "turnId"],
        "properties": {"threadId": {"type": "string"}, "turnId": {"type": "string"}},
    });
    other.add_message(
        "ServerNotification",
        "turn/teleported",
        "TurnTeleportedNotification",
    );
    let said = other.generate(&[]).succeeded();
    let count = counted("notifications") + 1;
    has(
        &said,
        &[
            &format!("{count} notifications"),
            &format!("notifications is {count}"),
        ],
    );
    has(
        &other.generated(),
        &[
            "pub struct TurnTeleportedNotification {",
            r#"NotificationSpec::new("turn/teleported", "TurnTeleportedNotification")"#,
            "impl Notification for TurnTeleportedNotification",
            r#"TurnTeleported "turn/teleported","#,
        ],
    );
}

#[test]
fn a_new_value_and_a_new_kind() {
    let mut other = Other::pinned();
    let values = other.definition("TurnStatus")["enum"]
        .as_array_mut()
        .unwrap();
    values.push(json!("paused_for_now"));
    let kinds = other.definition("ThreadItem")["oneOf"]
        .as_array_mut()
        .unwrap();
    kinds.push(json!({
        "type": "object",
        "required": ["type", "id", "frames"],
        "properties": {
            "type": {"type": "string", "enum": ["hologram"]},
            "id": {"type": "string"},
            "frames": {"type": "array", "items": {"type": "integer", "format": "int64"}},
        },
    }));
    other.generate(&[]).succeeded();
    has(
        &other.generated(),
        &[
            r#"PausedForNow "paused_for_now","#,
            "    Hologram(HologramThreadItem),",
            "pub frames: Vec<i64>,",
            r#""hologram" HologramThreadItem,"#,
        ],
    );
}

#[test]
fn what_is_gone() {
    let mut other = Other::pinned();
    let left = |branch: &Value| branch["properties"]["method"]["enum"][0] != "rollout/compress";
    other.messages("ClientRequest").retain(left);
    let definitions = other.bundle["definitions"]["v2"].as_object_mut().unwrap();
    definitions.remove("RolloutCompressResponse").unwrap();
    let line = "/definitions/ClientRequest/oneOf `rollout/compress`";
    other
        .generate(&[])
        .failed_saying(&[line, "(fixups)", "--lenient-fixups"]);
    let said = other.generate(&["--lenient-fixups"]).succeeded();
    // One is left out, and one is gone.
    let count = counted("client_requests") - 2;
    has(&said, &[line, &format!("{count} requests")]);
    let generated = other.generated();
    assert!(!generated.contains("rollout/compress"), "it is still there");
    has(&generated, &["pub struct ThreadStartParams {"]);
}

#[test]
fn a_member_that_became_required_and_one_that_may_be_null() {
    let mut other = Other::pinned();
    let turn = other.definition("TurnStartParams");
    turn["required"].as_array_mut().unwrap().push(json!("cwd"));
    turn["properties"]["cwd"] = json!({"type": "string"});
    turn["properties"]["pace"] =
        json!({"anyOf": [{"$ref": "#/definitions/v2/TurnStatus"}, {"type": "null"}]});
    other.generate(&[]).succeeded();
    has(
        &other.generated(),
        &[
            r#"cwd "cwd" required,"#,
            r#"pace "pace" optional,"#,
            "pub pace: Option<TurnStatus>,",
        ],
    );
}

#[test]
fn a_response_that_no_rule_pairs_is_said() {
    let mut other = Other::pinned();
    *other.definition("GadgetsParams") = json!({"type": "object"});
    other.add_message("ClientRequest", "gadgets/list", "GadgetsParams");
    let said = other.generate(&[]).succeeded();
    has(
        &said,
        &["`gadgets/list` pairs with no response by rule or fixup"],
    );
}

#[test]
fn the_same_schema_gives_the_same_text() {
    let other = Other::pinned();
    other.generate(&[]).succeeded();
    let first = other.generated();
    other.generate(&[]).succeeded();
    assert_eq!(first, other.generated());
    other.generate(&["--check"]).succeeded();
}

#[test]
fn a_list_of_integers_is_an_integer() {
    let mut other = Other::pinned();
    other.definition("TurnStartParams")["properties"]["version"] =
        json!({"type": "integer", "format": "uint32", "enum": [1]});
    other.generate(&[]).succeeded();
    has(
        &other.generated(),
        &[
            r#"version "version" optional,"#,
            "pub version: Option<u32>,",
        ],
    );
}

#[test]
fn two_requests_with_one_type_of_parameters() {
    let mut other = Other::pinned();
    other.add_message("ClientRequest", "thread/list/stream", "ThreadListParams");
    let said = other.generate(&[]).succeeded();
    has(
        &said,
        &["a type of its own: thread/list/stream -> ThreadListStreamParams"],
    );
    has(
        &other.generated(),
        &[
            r#"MethodSpec::new("thread/list", "ThreadListParams", "ThreadListResponse")"#,
            r#"MethodSpec::new("thread/list/stream", "ThreadListStreamParams", "ThreadListResponse")"#,
            "impl ClientRequest for ThreadListParams {",
            "impl ClientRequest for ThreadListStreamParams {",
        ],
    );
}

/// What `docs/types-for-your-runtime.md` shows, in the crate that it is about.
#[test]
fn what_the_chapter_on_other_runtimes_shows_compiles() {
    let chapter = checkout().join("docs/types-for-your-runtime.md");
    let chapter = std::fs::read_to_string(chapter).unwrap();
    let (_, rest) = chapter.split_once("```rust\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let mut other = Other::pinned();
    *other.definition("ThreadTeleportParams") = json!({"type": "object"});
    *other.definition("ThreadTeleportResponse") = json!({"type": "object"});
    other.add_message("ClientRequest", "thread/teleport", "ThreadTeleportParams");
    let arguments = ["--runtime-version", "0.172.0", "--lenient-fixups"];
    other.generate(&arguments).succeeded();
    let said = other.run_example(example);
    let count = counted("client_requests");
    let has = format!("codex 0.172.0 has {count} requests");
    assert!(said.contains(&has), "{said}");
    assert!(
        said.contains("new: thread/teleport, answered by ThreadTeleportResponse"),
        "{said}"
    );
    assert!(
        said.contains(r#"thread/start {"model":"gpt-5.4"}"#),
        "{said}"
    );
}
