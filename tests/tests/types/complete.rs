//! Whatever the schema has, the types have, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use openai_codex_types::messages::{AnyServerRequest, AnyServerResponse};
use openai_codex_types::{METHODS, NOTIFICATIONS, Stability};
use serde_json::Value;

use crate::equal::{Defaults, root};
use crate::schema::Schema;
use crate::sites::Site;

#[track_caller]
fn same(schema: impl IntoIterator<Item = String>, table: impl IntoIterator<Item = &'static str>) {
    let schema: Vec<_> = schema
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let table: Vec<_> = table.into_iter().collect();
    assert_eq!(schema, table, "the table is not the schema's, sorted");
}

#[test]
fn the_tables_list_every_method_of_the_schema() {
    let schema = Schema::read();
    let requests = schema.client_requests();
    assert_eq!((requests.len(), METHODS.len()), (188, 188));
    same(
        requests.into_iter().map(|it| it.0),
        METHODS.iter().map(|it| it.method),
    );
    let notifications = schema.messages("ServerNotification");
    assert_eq!((notifications.len(), NOTIFICATIONS.len()), (87, 87));
    same(
        notifications.into_iter().map(|it| it.0),
        NOTIFICATIONS.iter().map(|it| it.method),
    );
    let requests = schema.messages("ServerRequest");
    assert_eq!(requests.len(), 11);
    for (method, _) in requests {
        // Whatever the payload: a known method does not end as an unknown one.
        let request = AnyServerRequest::decode(&method, r#"{"?": 1}"#);
        assert!(
            !matches!(request, Ok(AnyServerRequest::Unrecognized(_))),
            "{method}"
        );
        let response = AnyServerResponse::decode(&method, r#"{"?": 1}"#);
        assert!(
            !matches!(response, Ok(AnyServerResponse::Unrecognized(_))),
            "{method}"
        );
    }
    let client = schema.messages("ClientNotification");
    assert_eq!(client, [("initialized".to_owned(), None)]);
}

#[test]
fn the_tables_name_the_schemas_definitions() {
    let schema = Schema::read();
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (method, params) in schema.client_requests() {
        if let Some((name, _)) = params.as_ref().and_then(|params| schema.target(params)) {
            users.entry(name.to_owned()).or_default().push(method);
        }
    }
    for (name, methods) in users {
        let specs = methods
            .iter()
            .map(|method| METHODS.iter().find(|it| it.method == *method).unwrap());
        // Parameters of several methods are those of one, and a type for each of the others.
        let same = specs.filter(|it| it.params == name).count();
        assert_eq!(same, 1, "{name}: {methods:?}");
    }
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (method, params) in schema.messages("ServerNotification") {
        let name = schema.target(params.as_ref().unwrap()).unwrap().0;
        users.entry(name.to_owned()).or_default().push(method);
    }
    for (name, methods) in users {
        for method in &methods {
            let spec = NOTIFICATIONS.iter().find(|it| it.method == method).unwrap();
            // A payload of several methods is a type for each.
            assert_eq!(spec.params == name, methods.len() == 1, "{method}");
        }
    }
}

#[test]
fn every_response_belongs_to_a_method() {
    let schema = Schema::read();
    let mut claimed: Vec<_> = METHODS.iter().map(|it| it.response.to_owned()).collect();
    for (_, params) in schema.messages("ServerRequest") {
        let name = schema.target(params.as_ref().unwrap()).unwrap().0;
        claimed.push(name.replace("Params", "Response"));
    }
    claimed.sort();
    let twice: Vec<_> = claimed.windows(2).filter(|two| two[0] == two[1]).collect();
    let mut twice: Vec<_> = twice.into_iter().map(|two| two[0].as_str()).collect();
    twice.dedup();
    let shared = [
        "ConfigWriteResponse",
        "ThreadSearchCancelResponse",
        "ThreadSearchResponse",
    ];
    assert_eq!(twice, shared);
    let left: Vec<_> = schema
        .names()
        .filter(|name| name.ends_with("Response") && !claimed.contains(name))
        .collect();
    assert_eq!(left, ["JSONRPCResponse", "MockExperimentalMethodResponse"]);
}

#[test]
fn the_tables_say_what_is_experimental() {
    let text = fs::read_to_string(root().join("schema/stable.json")).unwrap();
    let stable: Value = serde_json::from_str(&text).unwrap();
    let stable: BTreeSet<&str> = (stable["methods"].as_array().unwrap().iter())
        .filter_map(Value::as_str)
        .collect();
    let mut experimental = 0;
    let requests = METHODS.iter().map(|it| (it.method, it.stability));
    let notifications = NOTIFICATIONS.iter().map(|it| (it.method, it.stability));
    for (method, stability) in requests.chain(notifications) {
        assert_eq!(
            stability == Stability::Stable,
            stable.contains(method),
            "{method}"
        );
        experimental += usize::from(stability == Stability::Experimental);
    }
    assert!(experimental > 60, "{experimental}");
}

/// The lines of a list in `schema/manifest.toml`.
fn manifest(list: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("schema/manifest.toml")).unwrap();
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("{list} = ["));
    let entries = lines.skip(1).take_while(|line| *line != "]");
    entries
        .map(|line| line.trim().trim_matches([',', '"']).to_owned())
        .collect()
}

#[test]
fn what_no_message_reaches_is_listed() {
    let schema = Schema::read();
    let reached: BTreeSet<String> = Site::all(&schema)
        .into_iter()
        .filter_map(|site| site.definition)
        .collect();
    let messages = [
        "ClientNotification",
        "ClientRequest",
        "ServerNotification",
        "ServerRequest",
    ];
    let mut left: BTreeSet<String> = schema
        .names()
        .filter(|name| !reached.contains(*name) && !messages.contains(&name.as_str()))
        .cloned()
        .collect();
    // Each of its two methods has a type of its own.
    left.insert("EnvironmentConnectionNotification".to_owned());
    left.insert("AuthRecoveryNotification".to_owned());
    assert_eq!(left, manifest("pruned"));
    assert!(reached.len() > 800, "{}", reached.len());
}

#[test]
fn the_least_of_every_place_decodes() {
    let (schema, defaults) = (Schema::read(), Defaults::of_the_schema());
    let mut places = 0;
    for site in Site::all(&schema) {
        let placed = site.place(&schema, schema.minimal(&site.schema));
        let decoded = placed
            .decode()
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", placed.place(), placed.payload));
        assert!(
            defaults.equal(&placed.payload, &decoded.json),
            "{}\n sent    {}\n written {}",
            placed.place(),
            placed.payload,
            decoded.json
        );
        // Some enums are plain strings in the schema: their values are in descriptions.
        let debug = (decoded.debug)
            .replace(r#"Unrecognized("text")"#, "")
            .replace("Unrecognized(…)", "");
        assert!(
            !debug.contains("Unrecognized"),
            "{}\n {}\n {}",
            placed.place(),
            placed.payload,
            decoded.debug
        );
        places += 1;
    }
    assert!(places > 3500, "{places}");
}
