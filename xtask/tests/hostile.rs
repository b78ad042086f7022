//! Names and texts of a schema that Rust, Markdown or a person would take for something else: refused
//! with the place, or escaped; and with `--lenient-fixups` made to compile.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Other, Tree};

/// Changes the pinned schema, and wants a refusal at this place.
#[track_caller]
fn refused(change: impl FnOnce(&mut Other), parts: &[&str]) -> Other {
    let mut other = Other::pinned();
    change(&mut other);
    other.generate(&[]).failed_saying(parts);
    other
}

fn properties(other: &mut Other) -> &mut Value {
    &mut other.definition("TurnStartParams")["properties"]
}

fn text() -> Value {
    json!({"type": "string"})
}

#[test]
fn a_definition_that_hides_a_name_of_the_prelude() {
    for name in [
        "Option", "String", "Vec", "Box", "Ok", "None", "Default", "Value", "Result",
    ] {
        let place = format!("/definitions/v2/{name} (lower)");
        let other = refused(
            |other| {
                *other.definition(name) =
                    json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}});
                properties(other)["odd"] = json!({"$ref": format!("#/definitions/v2/{name}")});
            },
            &[&place, "the generated code needs"],
        );
        let said = other.generate(&["--lenient-fixups"]).succeeded();
        assert!(said.contains(&format!("{name}2")), "{said}");
        assert!(
            other
                .generated()
                .contains(&format!("pub odd: Option<{name}2>,"))
        );
    }
}

#[test]
fn parts_that_would_have_one_name() {
    for (one, two, place) in [
        ("gpt-3.5", "gpt_3_5", "Gpt35"),
        ("a", "A", "A"),
        ("unrecognized", "b", "Unrecognized"),
        ("=", ">=", "usable name"),
        ("3d", "4d", "usable name"),
        ("", "b", "usable name"),
    ] {
        let other = refused(
            |other| {
                let values = other.definition("TurnStatus")["enum"]
                    .as_array_mut()
                    .unwrap();
                values.extend([json!(one), json!(two)]);
            },
            &["/definitions/v2/TurnStatus", "(lower)", place],
        );
        other.generate(&["--lenient-fixups"]).succeeded();
        for wire in [one, two] {
            assert!(other.generated().contains(&format!(" {wire:?},")), "{wire}");
        }
    }
}

#[test]
fn keywords_are_escaped() {
    let mut other = Other::pinned();
    for name in [
        "type", "fn", "gen", "crate", "self", "super", "Self", "async", "new", "default",
    ] {
        properties(&mut other)[name] = text();
    }
    properties(&mut other)
        .as_object_mut()
        .unwrap()
        .remove("Self");
    other.generate(&[]).succeeded();
    let generated = other.generated();
    for part in ["r#fn", "r#gen", "crate_", "self_", "super_", "r#async"] {
        assert!(
            generated.contains(&format!("pub {part}: Option<String>,")),
            "{part}"
        );
    }
    // The constructor has the name of the one, and so the setter has another.
    assert!(generated.contains("pub fn set_new(mut self, new: impl Into<String>) -> Self"));
}

#[test]
fn a_method_called_as_what_sends_it() {
    let add = |other: &mut Other| {
        *other.definition("CallParams") = json!({"type": "object"});
        *other.definition("CallResponse") = json!({"type": "object"});
        other.add_message("ClientRequest", "call", "CallParams");
    };
    let other = refused(
        add,
        &["/definitions/ClientRequest/oneOf/", "(methods)", "call"],
    );
    other.generate(&["--lenient-fixups"]).succeeded();
    assert!(other.generated().contains("fn call2("));
}

#[test]
fn more_members_than_a_table_counts() {
    refused(
        |other| {
            for number in 0..130 {
                properties(other)[format!("member{number}")] = text();
            }
        },
        &["/definitions/v2/TurnStartParams (lower)", "128 members"],
    );
}

#[test]
fn a_choice_that_is_made_of_itself() {
    refused(
        |other| {
            let itself = json!({"$ref": "#/definitions/v2/ZzLoop"});
            *other.definition("ZzLoop") = json!({"anyOf": [itself, {"type": "integer"}]});
            properties(other)["loop"] = itself;
        },
        &["/definitions/v2/ZzLoop/anyOf/0", "(lower)"],
    );
}

/// Everything at once, since to compile takes its time.
#[test]
fn what_is_written_for_a_hostile_schema_compiles() {
    let mut other = Other::pinned();
    let reference = |name: &str| json!({"$ref": format!("#/definitions/v2/{name}")});
    let or_null = |schema: Value| json!({"anyOf": [schema, {"type": "null"}]});
    // Prelude, keywords, the constructor, names that collide or are none.
    for name in [
        "Option", "String", "Vec", "Some", "Clone", "ToString", "Tier", "odd name", "3d",
    ] {
        *other.definition(name) = json!({"type": "object", "properties": {"a": text()}});
        properties(&mut other)[format!("uses {name}")] = reference(name);
    }
    for name in [
        "type", "crate", "self", "gen", "new", "default", "clone", "", "=", "3d", "a b", "a_b",
    ] {
        properties(&mut other)[name] = text();
    }
    properties(&mut other)["clear_serviceTier"] = text();
    let values = other.definition("TurnStatus")["enum"]
        .as_array_mut()
        .unwrap();
    for value in [
        "",
        "=",
        ">=",
        "count",
        "__count__",
        "a",
        "A",
        "gpt-3.5",
        "gpt_3_5",
        "unrecognized",
        "\"#",
        "*/",
        "\u{202e}",
        "a\rb",
        "self",
        "Ok",
        "completed",
    ] {
        values.push(json!(value));
    }
    other.add_message(
        "ServerNotification",
        "turn-started",
        "TurnStartedNotification",
    );
    other.add_message(
        "ServerNotification",
        "thread/\"#*/\u{202e}",
        "TurnStartedNotification",
    );
    // Types that hold themselves, alone, in pairs, in unions.
    *other.definition("ZzNode") = json!({"type": "object", "required": ["value"], "properties": {
        "next": or_null(reference("ZzNode")), "value": text()}});
    *other.definition("ZzA") =
        json!({"type": "object", "required": ["b"], "properties": {"b": reference("ZzB")}});
    *other.definition("ZzB") =
        json!({"type": "object", "properties": {"a": or_null(reference("ZzA"))}});
    *other.definition("ZzTree") = json!({"oneOf": [
        {"type": "object", "required": ["type"], "properties": {"type": {"type": "string", "enum": ["leaf"]}}},
        {"type": "object", "required": ["type", "left"], "properties": {
            "type": {"type": "string", "enum": ["fork"]}, "left": reference("ZzTree")}}]});
    *other.definition("ZzKeyed") = json!({"oneOf": [
        {"type": "string", "enum": ["end"]},
        {"type": "object", "required": ["more"], "properties": {"more": reference("ZzKeyed")}}]});
    for name in ["ZzNode", "ZzA", "ZzTree", "ZzKeyed"] {
        properties(&mut other)[name] = reference(name);
    }
    // Ids that are no text, values that are the names of traits, defaults, what is there twice.
    *other.definition("ZzCounted") = json!({"oneOf": [
        {"type": "object", "required": ["type", "id"], "properties": {
            "type": {"type": "string", "enum": ["one"]}, "id": {"type": "integer", "format": "int64"}}},
        {"type": "object", "required": ["type", "id"], "properties": {
            "type": {"type": "string", "enum": ["two"]}, "id": {"type": "integer", "format": "int64"}}},
        {"type": "object", "required": ["type"], "properties": {
            "type": {"type": "string", "enum": ["two"]}}}]});
    *other.definition("ZzTraits") = json!({"type": "string",
        "enum": ["notification", "scope", "tier", "stability", "record", "threadId", "value", "value"]});
    *other.definition("ZzDefaults") = json!({"type": "object", "properties": {
        "spaced": {"type": "string", "default": "a  b\n  c"},
        "some": {"type": "integer", "format": "uint32", "default": 4_294_967_295_u32}}});
    for name in ["ZzCounted", "ZzTraits", "ZzDefaults"] {
        other.definition("TurnStartResponse")["properties"][name] = reference(name);
    }
    other.add_message(
        "ServerNotification",
        "turn/started",
        "TurnStartedNotification",
    );
    // Texts.
    for (index, text) in [
        "a\u{202e}b\u{2066}c",
        "bare\rreturn",
        "```\ncompile_error!(\"run\")\n```",
        "~~~rust\npanic!()\n~~~",
        "- ```rust\n  panic!()\n  ```",
        "*/ \"# `[evil",
        "[x](javascript:y) <script> `open",
        "    panic!()",
        "-      panic!()",
        "1.\t\tpanic!()",
        ">      panic!()",
        "\\<img src=x onerror=alert(1) a=>",
        "\\[x](javascript:y)",
    ]
    .iter()
    .enumerate()
    {
        properties(&mut other)[format!("text{index}")] =
            json!({"type": "string", "description": text});
    }
    other.definition("TurnStartParams")["description"] = json!("[".repeat(16 << 20));
    let said = other
        .generate(&["--lenient-fixups", "--verify"])
        .succeeded();
    assert!(said.contains("compiles"), "{said}");
    for part in [
        "Option2",
        "ZzNode.next",
        "TurnStatus",
        "boxed because it would hold itself",
    ] {
        assert!(said.contains(part), "no {part} in: {said}");
    }
    other.documentation_tests_pass();
}

#[test]
fn what_does_not_compile_is_a_failure() {
    let tree = Tree::copy();
    let wire = tree.path("crates/wire");
    fs::create_dir_all(wire.join("src")).unwrap();
    fs::write(
        wire.join("Cargo.toml"),
        "[package]\nname = \"openai-codex-wire\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    )
    .unwrap();
    fs::write(wire.join("src/lib.rs"), "compile_error!(\"not this one\");").unwrap();
    let out = tree.path("out");
    tree.generate(&["--out", out.to_str().unwrap(), "--verify"])
        .failed_saying(&["not this one", "does not compile"]);
}
