//! What the types hold is told by `Debug`, save secrets.

use openai_codex_wire::redact::is_secret_name;
use serde_json::{Value, json};

use crate::schema::{Schema, properties, types};
use crate::sites::Site;

const SECRET: &str = "hunter2";

/// Members that may hold a secret, though their names do not say so: configuration and answers.
const OPEN: [(&str, &str); 12] = [
    ("ConfigEdit", "value"),
    ("ConfigLayer", "config"),
    ("ConfigReadResponse", "config"),
    ("ConfigRequirements", "modelProviders"),
    ("ConfigValueWriteParams", "value"),
    ("McpServerElicitationRequestResponse", "content"),
    ("OverriddenMetadata", "effectiveValue"),
    ("RequestHeader", "value"),
    ("ThreadForkParams", "config"),
    ("ThreadResumeParams", "config"),
    ("ThreadStartParams", "config"),
    ("ToolRequestUserInputAnswer", "answers"),
];

/// A page that anyone may see: what is typed in there is the secret.
const SHOWN: [&str; 1] = ["verificationUrl"];

/// Values of a member with the secret somewhere in them.
fn values(property: &Value) -> Vec<Value> {
    let any = || {
        vec![
            json!(SECRET),
            json!([SECRET]),
            json!({"key": {"key": SECRET}}),
        ]
    };
    let types: Vec<&str> = types(property);
    match types.first() {
        None if property.get("$ref").is_some() => vec![json!({"key": {"key": SECRET}})],
        None => any(),
        Some(&"string") => vec![json!(SECRET)],
        Some(&"array") if property["items"]["type"] == "string" => vec![json!([SECRET])],
        Some(&"object") if property["additionalProperties"]["type"].is_null() => {
            vec![json!({"key": SECRET, "other": {"key": SECRET}})]
        }
        Some(&"object") => vec![json!({"key": SECRET})],
        _ => vec![],
    }
}

#[test]
fn debug_tells_no_secret() {
    let schema = Schema::read();
    let (mut members, mut open, mut told) = (0, 0, Vec::new());
    for site in Site::all(&schema) {
        for (name, property) in properties(&site.schema) {
            let definition = site.definition.as_deref().unwrap_or_default();
            let is_open = OPEN.contains(&(definition, name));
            // Where telemetry comes from, such as `prod`; the path of a key; and unions, whose kinds are sites of
            // their own.
            let is_plain = [
                ("OtelRequirements", "environment"),
                ("OtelTlsConfig", "client-private-key"),
            ]
            .contains(&(definition, name));
            let target = schema.target(property);
            let is_other = is_plain || target.is_some_and(|(_, it)| it.get("oneOf").is_some());
            if is_other && !is_open {
                continue;
            }
            if !is_open && (!is_secret_name(name) || SHOWN.contains(&name.as_str())) {
                continue;
            }
            for value in values(property) {
                let mut object = schema.minimal(&site.schema);
                object[name] = value;
                let placed = site.place(&schema, object);
                let Ok(decoded) = placed.decode() else {
                    told.push(format!("{} {name} does not decode", placed.place()));
                    continue;
                };
                assert!(
                    decoded.json.to_string().contains(SECRET),
                    "{}",
                    placed.place()
                );
                if decoded.debug.contains(SECRET) {
                    told.push(format!("{definition} {} {name}", placed.place()));
                }
                members += 1;
                open += usize::from(is_open);
            }
        }
    }
    assert!(told.is_empty(), "told:\n{}", told.join("\n"));
    assert!(members > 20 && open >= OPEN.len(), "{members}, {open}");
}

#[test]
fn debug_tells_no_secret_of_a_kind_of_the_future() {
    use openai_codex_types::LoginAccountParams;

    let login = json!({"type": "futureKey", "apiKey": SECRET});
    let decoded: LoginAccountParams = serde_json::from_value(login.clone()).unwrap();
    assert!(matches!(decoded, LoginAccountParams::Unrecognized(_)));
    let debug = format!("{decoded:?} {:#?}", Some(&decoded));
    assert!(
        !debug.contains(SECRET) && debug.contains("apiKey"),
        "{debug}"
    );
    assert_eq!(serde_json::to_value(&decoded).unwrap(), login);
}
