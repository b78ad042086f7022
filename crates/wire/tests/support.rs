//! The table-driven serde forms, on types such as the generator writes.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use openai_codex_wire::support::JsonObject;
use openai_codex_wire::{keyed, outline, record, string_enum, string_newtype, tagged, untagged};
use serde_json::{Value, json};

#[derive(Clone, Debug, PartialEq)]
struct Params {
    id: String,
    parent: Option<String>,
    note: Option<String>,
    tier: Option<Option<String>>,
    tags: Vec<String>,
}

record! { Params {
    0 id "id" required,
    1 parent "parentId" nullable,
    2 note "note" optional,
    3 tier "serviceTier" three_state,
    4 tags "tags" default(Vec::new()),
} }

#[derive(Clone, Debug, PartialEq)]
struct Open {
    id: i64,
    rest: JsonObject,
}

record! { Open {
    0 id "id" required,
} keeps rest }

struct Outlined {
    id: i64,
    env: Option<BTreeMap<String, Option<String>>>,
    value: Value,
    answers: Vec<String>,
    rest: JsonObject,
}

outline! { Outlined {
    id "id" shown,
    env "env" names,
    value "value" names,
    answers "answers" names,
    rest "rest" names,
} }

#[derive(Clone, Debug, PartialEq)]
struct Renamed {
    owner: String,
    id: String,
}

record! { Renamed {
    0 owner "owner_id" required,
    1 id "id" required,
} also {
    2 "ownerId" is 0 owner,
} }

#[derive(Clone, Debug, PartialEq)]
struct Empty {}

record! { Empty {
} }

#[derive(Clone, Debug, PartialEq)]
enum Status {
    InProgress,
    Done,
    Unrecognized(String),
}

string_enum! { Status {
    InProgress "inProgress",
    Done "done",
} }

#[derive(Clone, Debug, PartialEq)]
enum Only {
    Array,
}

string_enum! { Only closed {
    Array "array",
} }

#[derive(Clone, Debug, PartialEq)]
struct Path(String);

string_newtype! { Path }

#[derive(Clone, PartialEq)]
enum Item {
    Message(Box<Params>),
    Idle,
    Unrecognized(Value),
}

tagged! { Item "type" {
    0 Message "message" payload,
    1 Idle "idle",
} }

#[derive(Clone, PartialEq)]
enum Reason {
    Overloaded,
    Http(Open),
    Unrecognized(Value),
}

keyed! { Reason {
    Overloaded "overloaded",
} {
    0 Http "http",
} }

#[derive(Clone, PartialEq)]
enum Body {
    Text(String),
    Items(Vec<Status>),
    Unrecognized(Value),
}

untagged! { Body {
    Text String,
    Items Array,
} }

#[derive(Clone, Debug, PartialEq)]
struct Holder {
    items: Vec<Item>,
    only: Option<Only>,
    path: Option<Path>,
}

record! { Holder {
    0 items "items" required,
    1 only "only" optional,
    2 path "path" optional,
} }

#[track_caller]
fn keeps<T: serde::de::DeserializeOwned + serde::Serialize>(json: Value) -> T {
    let value: T = serde_json::from_str(&json.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), json);
    value
}

#[track_caller]
fn refuses<T: serde::de::DeserializeOwned + std::fmt::Debug>(json: &str, reason: &str) {
    let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn absent_null_and_value_are_three_states() {
    let base = json!({"id": "a", "parentId": null, "tags": []});
    assert_eq!(keeps::<Params>(base.clone()).tier, None);
    let mut cleared = base.clone();
    cleared["serviceTier"] = Value::Null;
    assert_eq!(keeps::<Params>(cleared).tier, Some(None));
    let mut set = base;
    set["serviceTier"] = json!("flex");
    assert_eq!(keeps::<Params>(set).tier, Some(Some("flex".into())));
}

#[derive(Clone, Debug, PartialEq)]
struct Question {
    is_blocking: bool,
    parent: Option<String>,
}

record! { Question {
    0 is_blocking "isBlocking" required_or(true),
    1 parent "parentId" nullable,
} }

#[test]
fn what_an_older_runtime_leaves_out_is_null_or_what_its_absence_means() {
    let older: Question = serde_json::from_str("{}").unwrap();
    assert_eq!(
        older,
        Question {
            is_blocking: true,
            parent: None
        }
    );
    assert_eq!(
        serde_json::to_string(&older).unwrap(),
        r#"{"isBlocking":true,"parentId":null}"#
    );
    keeps::<Question>(json!({"isBlocking": false, "parentId": "a"}));
    refuses::<Question>(
        r#"{"isBlocking":null}"#,
        "at isBlocking: invalid type: null",
    );
}

#[test]
fn a_missing_required_member_is_named_with_its_path() {
    refuses::<Params>("{}", "missing field `id`");
    refuses::<Params>(r#"{"parentId":null}"#, "missing field `id`");
    refuses::<Holder>(
        r#"{"items":[{"type":"message","parentId":"a"}]}"#,
        "at items: missing field `id` at line 1 column",
    );
    refuses::<Holder>(
        r#"{"items":[{"type":"message","id":7}]}"#,
        "at items.id: invalid type",
    );
}

#[test]
fn a_member_may_have_two_names() {
    for json in [
        r#"{"owner_id":"o","id":"i"}"#,
        r#"{"id":"i","ownerId":"o"}"#,
    ] {
        let renamed: Renamed = serde_json::from_str(json).unwrap();
        assert_eq!((&*renamed.owner, &*renamed.id), ("o", "i"));
    }
    refuses::<Renamed>(r#"{"id":"i"}"#, "missing field `owner_id`");
    refuses::<Renamed>(r#"{"ownerId":"o"}"#, "missing field `id`");
    refuses::<Renamed>(r#"{"id":"i","ownerId":7}"#, "at ownerId: invalid type");
}

#[test]
fn a_failure_ends_the_reading() {
    refuses::<Params>(
        r#"{"id":1,"parentId":{"a":[}"#,
        "at id: invalid type: integer `1`, expected a string at line 1 column 7",
    );
    refuses::<Params>(r#"{"other":[1,}"#, "expected value at line 1 column 13");
    refuses::<Open>(r#"{"other":[1,}"#, "expected value at line 1 column 13");
    refuses::<Open>(r#"{"id":1"#, "EOF while parsing an object");
}

#[test]
fn extra_members_are_ignored_where_the_schema_is_closed_and_kept_where_it_is_open() {
    let open: Open = keeps(json!({"id": 1, "x": {"y": [1.5, null]}}));
    assert_eq!(open.rest.len(), 1);
    let closed: Params =
        serde_json::from_str(r#"{"zzz":[{}],"id":"a","parentId":null,"id2":0}"#).unwrap();
    assert_eq!(closed.id, "a");
    let empty: Empty = serde_json::from_str(r#"{"later":1}"#).unwrap();
    assert_eq!(serde_json::to_string(&empty).unwrap(), "{}");
}

#[test]
fn null_stands_for_a_default() {
    let params: Params = serde_json::from_str(r#"{"id":"a","parentId":"b","tags":null}"#).unwrap();
    assert!(params.tags.is_empty());
}

#[test]
fn unknown_values_survive() {
    assert_eq!(
        keeps::<Status>(json!("paused")),
        Status::Unrecognized("paused".into())
    );
    assert_eq!(
        keeps::<Item>(json!({"type": "video", "n": [1, 2.5]})).kind(),
        "video"
    );
    keeps::<Reason>(json!("quantum"));
    keeps::<Reason>(json!({"quantum": {"a": 1}, "b": 2}));
    keeps::<Reason>(json!([1, -2, 1.5, true, null]));
    assert!(matches!(
        keeps::<Body>(json!({"a": 1})),
        Body::Unrecognized(_)
    ));
}

#[test]
fn the_tag_may_come_anywhere() {
    let first = r#"{"type":"message","id":"a","parentId":null,"tags":["x"]}"#;
    let last = r#"{"tags":["x"],"id":"a","parentId":null,"type":"message"}"#;
    let first: Item = serde_json::from_str(first).unwrap();
    let last: Item = serde_json::from_str(last).unwrap();
    assert_eq!(first, last);
    let unknown: Item = serde_json::from_str(r#"{"a":1,"type":"later"}"#).unwrap();
    assert_eq!(unknown.kind(), "later");
    assert_eq!(keeps::<Item>(json!({"type": "idle"})), Item::Idle);
    refuses::<Item>(r#"{"id":"a"}"#, "missing field `type`");
    refuses::<Item>(r#"{"a":1,"type":7}"#, "must be a string");
    refuses::<Item>("{}", "missing field `type`");
    refuses::<Item>("[]", "an object with a member `type` (Item)");
}

#[test]
fn a_known_kind_with_a_body_that_does_not_fit_is_an_error_not_something_else() {
    refuses::<Item>(r#"{"type":"message"}"#, "missing field `id`");
    refuses::<Item>(r#"{"id":7,"type":"message"}"#, "at id: invalid type");
    refuses::<Reason>(r#"{"http":{}}"#, "missing field `id`");
}

#[test]
fn keyed_and_untagged_members_are_told_apart() {
    assert_eq!(keeps::<Reason>(json!("overloaded")), Reason::Overloaded);
    assert!(matches!(
        keeps::<Reason>(json!({"http": {"id": 3}})),
        Reason::Http(_)
    ));
    assert_eq!(keeps::<Body>(json!("x")), Body::Text("x".into()));
    assert_eq!(
        keeps::<Body>(json!(["done", "inProgress", "later"])),
        Body::Items(vec![
            Status::Done,
            Status::InProgress,
            Status::Unrecognized("later".into())
        ])
    );
    refuses::<Only>("\"object\"", "Only");
    let holder = keeps::<Holder>(json!({"items": [], "only": "array", "path": "/x"}));
    assert_eq!(holder.path.unwrap().as_str(), "/x");
}

#[test]
fn an_outline_tells_names_and_no_values() {
    let mut outlined = Outlined {
        id: 7,
        env: Some(BTreeMap::from([("KEY".to_owned(), Some("x".to_owned()))])),
        value: json!({"name": {"name": "x"}}),
        answers: vec!["x".to_owned(), "x".to_owned()],
        rest: JsonObject::from_iter([("more".to_owned(), json!("x"))]),
    };
    assert_eq!(
        format!("{outlined:?}"),
        r#"Outlined { id: 7, env: Some({"KEY": …}), value: {"name": …}, answers: […, …], rest: {"more": …} }"#
    );
    outlined.env = None;
    for (value, shown) in [
        (json!(null), "Null"),
        (json!("x"), "…"),
        (json!(12), "…"),
        (json!(["x"]), "[…]"),
    ] {
        outlined.value = value;
        let text = format!("{outlined:?}");
        assert!(
            text.contains(&format!("env: None, value: {shown},")),
            "{text}"
        );
    }
}

#[test]
fn debug_of_what_is_not_known_tells_names_alone() {
    let secret = json!({"type": "future", "apiKey": "hunter2", "list": ["hunter2"]});
    let item: Item = serde_json::from_value(secret.clone()).unwrap();
    let reason: Reason = serde_json::from_value(json!({"future": "hunter2"})).unwrap();
    let body: Body = serde_json::from_value(json!({"future": "hunter2"})).unwrap();
    let text: Reason = serde_json::from_value(json!("hunter2")).unwrap();
    for debug in [
        format!("{item:?} {item:#?}"),
        format!("{reason:?}"),
        format!("{body:?}"),
        format!("{text:?}"),
    ] {
        assert!(debug.starts_with("Unrecognized("), "{debug}");
        assert!(!debug.contains("hunter2"), "{debug}");
    }
    assert!(format!("{item:?}").contains("apiKey"));
    assert_eq!(
        serde_json::to_value(&item).unwrap(),
        secret,
        "it is kept all the same"
    );
}
