//! The schema as this test reads it: with nothing of what generates the types.

use std::fs;

use openai_codex_types::METHODS;
use serde_json::{Map, Value, json};

use crate::equal::root;
use crate::kind::Kind;

/// `schema/app-server.json`, and what older runtimes send besides.
pub(crate) struct Schema {
    definitions: Map<String, Value>,
}

/// What a message carries.
pub(crate) struct Payload {
    pub(crate) kind: Kind,
    pub(crate) method: String,
    pub(crate) schema: Value,
}

impl Schema {
    pub(crate) fn read() -> Self {
        let mut definitions = definitions("app-server.json").expect("it is there");
        for (name, mut it) in definitions_of_retired() {
            match definitions.get_mut(&name) {
                Some(known) => {
                    let known = known["oneOf"].as_array_mut().unwrap();
                    known.append(it["oneOf"].as_array_mut().unwrap());
                }
                None => drop(definitions.insert(name, it)),
            }
        }
        Self { definitions }
    }

    /// What another runtime exports, by the folder's name in `schema/runtimes/`.
    pub(crate) fn of_runtime(version: &str) -> Self {
        let file = format!("runtimes/{version}/app-server.json");
        let definitions = definitions(&file).expect("it is kept");
        Self { definitions }
    }

    /// The payload of every message that the server of another runtime sends, of methods that the types know.
    pub(crate) fn received(&self) -> Vec<Payload> {
        let mut payloads = Vec::new();
        for (kind, union) in [
            (Kind::ServerRequest, "ServerRequest"),
            (Kind::Notification, "ServerNotification"),
        ] {
            for (method, params) in self.messages(union) {
                let schema = params.unwrap();
                payloads.push(Payload {
                    kind,
                    method,
                    schema,
                });
            }
        }
        for (method, _) in self.client_requests() {
            let known = METHODS.iter().find(|it| it.method == method);
            let response = known.map(|it| it.response);
            if let Some(response) = response.filter(|it| self.definitions.contains_key(*it)) {
                let (kind, schema) = (Kind::ClientResponse, refer(response));
                payloads.push(Payload {
                    kind,
                    method,
                    schema,
                });
            }
        }
        payloads
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.definitions.keys()
    }

    /// The definition that `$ref` points to, and its name.
    pub(crate) fn target<'a>(&'a self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let name = schema.get("$ref")?.as_str()?.rsplit('/').next().unwrap();
        Some((name, self.definition(name)))
    }

    pub(crate) fn definition(&self, name: &str) -> &Value {
        let found = self.definitions.get(name);
        found.unwrap_or_else(|| panic!("{name} is no definition"))
    }

    /// The methods of a union of messages, with their parameters.
    pub(crate) fn messages(&self, union: &str) -> Vec<(String, Option<Value>)> {
        let branches = self.definition(union)["oneOf"].as_array().unwrap();
        let message = |branch: &Value| {
            let properties = &branch["properties"];
            let method = properties["method"]["enum"][0].as_str().unwrap();
            (method.to_owned(), properties.get("params").cloned())
        };
        branches.iter().map(message).collect()
    }

    /// The client's requests that are in the types.
    pub(crate) fn client_requests(&self) -> Vec<(String, Option<Value>)> {
        let mut requests = self.messages("ClientRequest");
        requests.retain(|(method, _)| !method.starts_with("mock/"));
        requests
    }

    /// The payload of every message, in both directions.
    pub(crate) fn payloads(&self) -> Vec<Payload> {
        let mut payloads = Vec::new();
        let mut add = |kind, method: &str, schema: Value| {
            payloads.push(Payload {
                kind,
                method: method.to_owned(),
                schema,
            });
        };
        for (method, params) in self.client_requests() {
            // Where the schema has no params, so has the message.
            add(
                Kind::ClientRequest,
                &method,
                params.unwrap_or(json!({"type": "null"})),
            );
            let response = METHODS.iter().find(|it| it.method == method).unwrap();
            add(Kind::ClientResponse, &method, refer(response.response));
        }
        for (method, params) in self.messages("ServerRequest") {
            let params = params.unwrap();
            let name = self.target(&params).unwrap().0;
            let response = name.replace("Params", "Response");
            add(Kind::ServerResponse, &method, refer(&response));
            add(Kind::ServerRequest, &method, params);
        }
        for (method, params) in self.messages("ServerNotification") {
            add(Kind::Notification, &method, params.unwrap());
        }
        payloads
    }

    /// The least that a schema takes.
    pub(crate) fn minimal(&self, schema: &Value) -> Value {
        if let Some((_, target)) = self.target(schema) {
            return self.minimal(target);
        }
        if let Some(values) = schema.get("enum") {
            return values[0].clone();
        }
        if let Some(branches) = branches(schema) {
            let first = branches.iter().find(|branch| !is_null(branch)).unwrap();
            return self.beside(schema, self.minimal(first));
        }
        match types(schema).first().copied() {
            None => json!("anything"),
            Some("null") => Value::Null,
            Some("boolean") => json!(true),
            Some("string") => json!("text"),
            Some("integer") => json!(least(schema).unwrap_or(-1)),
            Some("number") => json!(1.5),
            Some("array") => json!([]),
            Some("object") => self.object(schema),
            Some(other) => panic!("the type {other}"),
        }
    }

    /// The required members of an object.
    pub(crate) fn object(&self, schema: &Value) -> Value {
        let members = required(schema).map(|name| {
            let property = &schema["properties"][name];
            (name.to_owned(), self.minimal(property))
        });
        Value::Object(members.collect())
    }

    /// A branch of a union, with the members that stand beside the branches.
    pub(crate) fn beside(&self, union: &Value, branch: Value) -> Value {
        match (branch, self.object(union)) {
            (Value::Object(mut members), Value::Object(shared)) => {
                for (name, value) in shared {
                    members.entry(name).or_insert(value);
                }
                Value::Object(members)
            }
            (branch, _) => branch,
        }
    }
}

fn refer(name: &str) -> Value {
    json!({"$ref": format!("#/definitions/{name}")})
}

/// The branches of a union; `allOf` of one is that one.
pub(crate) fn branches(schema: &Value) -> Option<&Vec<Value>> {
    ["oneOf", "anyOf", "allOf"]
        .iter()
        .find_map(|keyword| schema.get(keyword)?.as_array())
}

/// The types that a schema names, null last.
pub(crate) fn types(schema: &Value) -> Vec<&str> {
    let mut names: Vec<_> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    names.sort_by_key(|name| *name == "null");
    names
}

/// The least that an integer may be.
pub(crate) fn least(schema: &Value) -> Option<i64> {
    let unsigned = schema.get("format")?.as_str()?.starts_with("uint");
    let minimum = schema.get("minimum").and_then(Value::as_f64);
    // The schema writes `0.0`.
    minimum
        .map(|minimum| minimum as i64)
        .or(unsigned.then_some(0))
}

pub(crate) fn is_null(schema: &Value) -> bool {
    types(schema) == ["null"]
}

/// Whether a schema takes null.
pub(crate) fn takes_null(schema: &Value) -> bool {
    let by_branch = branches(schema).is_some_and(|branches| branches.iter().any(is_null));
    by_branch || types(schema).contains(&"null")
}

pub(crate) fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}

pub(crate) fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names
        .into_iter()
        .flatten()
        .map(|name| name.as_str().unwrap())
}

pub(crate) fn requires(schema: &Value, name: &str) -> bool {
    required(schema).any(|required| required == name)
}

fn definitions_of_retired() -> Map<String, Value> {
    definitions("retired.json").unwrap_or_default()
}

/// The definitions of a file in `schema/`, flat; `None` if there is no such file.
fn definitions(file: &str) -> Option<Map<String, Value>> {
    let text = fs::read_to_string(root().join("schema").join(file)).ok()?;
    let mut bundle: Value = serde_json::from_str(&text).unwrap();
    let Value::Object(mut outer) = bundle["definitions"].take() else {
        panic!("no definitions in {file}");
    };
    let Some(Value::Object(mut definitions)) = outer.remove("v2") else {
        panic!("no definitions of version 2 in {file}");
    };
    definitions.append(&mut outer);
    Some(definitions)
}
