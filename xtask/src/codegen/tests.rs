//! Schemas at random: nothing panics, and what is written is Rust.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::notes::Notes;
use super::{Input, generate};
use crate::history::History;
use crate::manifest::Manifest;
use crate::methods_file::MethodsFile;
use crate::schema::stable::Stable;

/// What a name may be in a schema that nobody reviewed.
const NAMES: &[&str] = &[
    "Option",
    "String",
    "Self",
    "self",
    "crate",
    "type",
    "gen",
    "new",
    "rest",
    "call",
    "default",
    "Unrecognized",
    "unrecognized",
    "a",
    "A",
    "a_b",
    "a-b",
    "aB",
    "3d",
    "",
    "=",
    ">=",
    "é",
    "🦀",
    "\"#",
    "*/",
    "\u{202e}x",
    "a\rb",
    "a\nb",
    "`",
    "thread/start",
    "ThreadId",
    "RequestId",
    "id",
    "threadId",
    "clear_a",
    "n",
    "N",
    "Alpha",
    "Beta",
    "AlphaA",
    "BetaParams",
    "BetaResponse",
    "JsonObject",
    "ClientRequest",
];

const TEXTS: &[&str] = &[
    "plain",
    "```\nfn main() {}\n```",
    "~~~",
    "- ```rust",
    "[`a::b`] [[[[",
    "<b>`",
    "\u{202e}",
    "a\rb",
    "@deprecated",
    "https://a.b/c`d",
    "*/ \"#",
    "    code",
    "EXPERIMENTAL - ",
    "`` ` ```",
];

/// The definitions that a change can be about.
const TYPES: &[&str] = &["Alpha", "Beta", "Kind", "Keys", "Mode"];

#[derive(Clone, Debug)]
enum Change {
    Rename(usize, usize),
    Member {
        of: usize,
        name: usize,
        schema: Box<Value>,
    },
    Require(usize, usize),
    Value(usize),
    Kind {
        name: usize,
        schema: Box<Value>,
    },
    Key {
        name: usize,
        schema: Box<Value>,
    },
    Describe(usize, usize),
    Request(usize, usize),
    Notify(usize, usize),
    Open(usize),
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!({"type": "string"})),
        Just(json!({"type": ["string", "null"]})),
        Just(json!({"type": "boolean", "default": true})),
        Just(json!({"type": "integer", "format": "uint32", "default": 3})),
        Just(json!({"type": "integer", "enum": [1, 2]})),
        Just(json!({"type": "number", "format": "double"})),
        Just(json!({"type": "object"})),
        (0..TYPES.len()).prop_map(|it| json!({"$ref": format!("#/definitions/{}", TYPES[it])})),
        (0..NAMES.len(), 0..NAMES.len())
            .prop_map(|(a, b)| json!({"type": "string", "enum": [NAMES[a], NAMES[b]]})),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|it| json!({"type": "array", "items": it})),
            inner
                .clone()
                .prop_map(|it| json!({"type": "object", "additionalProperties": it})),
            inner
                .clone()
                .prop_map(|it| json!({"anyOf": [it, {"type": "null"}]})),
            inner.clone().prop_map(|it| json!({"allOf": [it]})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"oneOf": [a, b]})),
            (0..NAMES.len(), inner.clone(), any::<bool>()).prop_map(|(name, it, required)| {
                let required: &[&str] = if required { &[NAMES[name]] } else { &[] };
                json!({"type": "object", "required": required, "properties": {NAMES[name]: it}})
            }),
        ]
    })
}

fn change() -> impl Strategy<Value = Change> {
    let (ty, name) = (0..TYPES.len(), 0..NAMES.len());
    let boxed = || schema().prop_map(Box::new);
    prop_oneof![
        (ty.clone(), name.clone()).prop_map(|(of, to)| Change::Rename(of, to)),
        (ty.clone(), name.clone(), boxed()).prop_map(|(of, name, schema)| Change::Member {
            of,
            name,
            schema
        }),
        (ty.clone(), name.clone()).prop_map(|(of, name)| Change::Require(of, name)),
        name.clone().prop_map(Change::Value),
        (name.clone(), boxed()).prop_map(|(name, schema)| Change::Kind { name, schema }),
        (name.clone(), boxed()).prop_map(|(name, schema)| Change::Key { name, schema }),
        (ty.clone(), 0..TEXTS.len()).prop_map(|(of, text)| Change::Describe(of, text)),
        (ty.clone(), name.clone()).prop_map(|(of, name)| Change::Request(of, name)),
        (ty.clone(), name).prop_map(|(of, name)| Change::Notify(of, name)),
        ty.prop_map(Change::Open),
    ]
}

fn message(method: &str, params: &str) -> Value {
    json!({"type": "object", "required": ["method", "params"], "properties": {
        "method": {"type": "string", "enum": [method]},
        "params": {"$ref": format!("#/definitions/{params}")}}})
}

/// A protocol of one method each way, with a type of each shape.
fn small() -> Value {
    let kind = |name: &str| {
        json!({"type": "object", "required": ["type"], "properties": {
            "type": {"type": "string", "enum": [name]}, "alpha": {"$ref": "#/definitions/Alpha"}}})
    };
    json!({"definitions": {
        "ClientRequest": {"oneOf": [message("alpha/start", "AlphaParams")]},
        "ServerRequest": {"oneOf": [message("beta/ask", "BetaParams")]},
        "ServerNotification": {"oneOf": [message("alpha/done", "Alpha")]},
        "ClientNotification": {"oneOf": [
            {"type": "object", "properties": {"method": {"type": "string", "enum": ["initialized"]}}}]},
        "AlphaParams": {"type": "object", "properties": {"beta": {"$ref": "#/definitions/Beta"}}},
        "AlphaResponse": {"type": "object", "properties": {"kind": {"$ref": "#/definitions/Kind"}}},
        "BetaParams": {"type": "object", "properties": {"mode": {"$ref": "#/definitions/Mode"}}},
        "BetaResponse": {"type": "object", "properties": {"keys": {"$ref": "#/definitions/Keys"}}},
        "Alpha": {"type": "object", "properties": {"a": {"type": "string"}}},
        "Beta": {"type": "object", "properties": {"a": {"$ref": "#/definitions/Alpha"}}},
        "Kind": {"oneOf": [kind("one"), kind("two")]},
        "Keys": {"oneOf": [
            {"type": "string", "enum": ["none"]},
            {"type": "object", "required": ["some"], "properties": {"some": {"$ref": "#/definitions/Beta"}}}]},
        "Mode": {"type": "string", "enum": ["fast", "slow"]},
    }})
}

fn apply(bundle: &mut Value, change: &Change) {
    // Another change may have put something else there.
    let push = |list: &mut Value, it: Value| {
        if let Some(list) = list.as_array_mut() {
            list.push(it);
        }
    };
    let definitions = &mut bundle["definitions"];
    match change {
        Change::Rename(of, to) => {
            let (of, to) = (TYPES[*of], NAMES[*to]);
            let text = definitions.to_string();
            let quoted = |name: &str| Value::from(name).to_string();
            let text = text
                .replace(&format!("{}:", quoted(of)), &format!("{}:", quoted(to)))
                .replace(
                    &quoted(&format!("#/definitions/{of}")),
                    &quoted(&format!("#/definitions/{to}")),
                );
            *definitions = serde_json::from_str(&text).unwrap();
        }
        Change::Member { of, name, schema } => {
            definitions[TYPES[*of]]["properties"][NAMES[*name]] = *schema.clone();
        }
        Change::Require(of, name) => {
            let of = &mut definitions[TYPES[*of]];
            if of["properties"].get(NAMES[*name]).is_some() {
                of["required"] = json!([NAMES[*name]]);
            }
        }
        Change::Value(name) => {
            if let Some(values) = definitions["Mode"]["enum"].as_array_mut() {
                values.push(json!(NAMES[*name]));
            }
        }
        Change::Kind { name, schema } if definitions["Kind"]["oneOf"].is_array() => push(
            &mut definitions["Kind"]["oneOf"],
            json!({"type": "object", "required": ["type"], "properties": {
                "type": {"type": "string", "enum": [NAMES[*name]]}, "extra": schema}}),
        ),
        Change::Key { name, schema } if definitions["Keys"]["oneOf"].is_array() => push(
            &mut definitions["Keys"]["oneOf"],
            json!({"type": "object", "required": [NAMES[*name]], "properties": {NAMES[*name]: schema}}),
        ),
        Change::Kind { .. } | Change::Key { .. } => {}
        Change::Describe(of, text) => definitions[TYPES[*of]]["description"] = json!(TEXTS[*text]),
        Change::Request(of, name) => {
            push(
                &mut definitions["ClientRequest"]["oneOf"],
                message(NAMES[*name], TYPES[*of]),
            );
        }
        Change::Notify(of, name) => {
            push(
                &mut definitions["ServerNotification"]["oneOf"],
                message(NAMES[*name], TYPES[*of]),
            );
        }
        Change::Open(of) => definitions[TYPES[*of]]["additionalProperties"] = json!(true),
    }
}

fn generated(bundle: Value, lenient: bool) -> anyhow::Result<()> {
    let output = generate(Input {
        bundle,
        stable: &Stable::default(),
        manifest: &Manifest::default(),
        notes: &Notes::default(),
        methods: &MethodsFile::default(),
        methods_fit: false,
        history: &History::default(),
        runtime_version: "0.0.0",
        oldest_runtime: "0.0.0",
        pinned: false,
        lenient_fixups: lenient,
    })?;
    for (name, text) in &output.files {
        let parsed = syn::parse_file(text);
        assert!(parsed.is_ok(), "{name}: {:?}\n{text}", parsed.err());
    }
    Ok(())
}

#[test]
fn the_small_protocol_is_generated() {
    generated(small(), true).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_schema_is_refused_with_a_place_or_becomes_rust(changes in prop::collection::vec(change(), 1..8)) {
        let mut bundle = small();
        for change in &changes {
            apply(&mut bundle, change);
        }
        for lenient in [false, true] {
            if let Err(error) = generated(bundle.clone(), lenient) {
                prop_assert!(error.to_string().starts_with("/definitions"), "{error:#}");
            }
        }
    }
}
