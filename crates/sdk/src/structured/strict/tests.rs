use std::collections::{BTreeMap, HashSet};

use schemars::{JsonSchema, schema_for};

use super::*;

fn of<T: JsonSchema>() -> Result<Value, String> {
    strict(schema_for!(T).as_value()).map_err(|error| error.to_string())
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Review {
    /// In one sentence.
    summary: String,
    issues: Vec<Issue>,
    score: Option<u8>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Issue {
    /// How bad it is.
    severity: Severity,
    place: Option<Place>,
    follow_ups: Vec<Issue>,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
enum Severity {
    /// Bad.
    High,
    /// Not so bad.
    Low,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
#[serde(tag = "kind")]
enum Place {
    File { path: String, line: Option<u32> },
    Nowhere,
}

#[test]
fn objects_are_closed_and_complete_and_optional_is_nullable() {
    let strict = of::<Review>().unwrap();
    assert_eq!(
        strict["required"],
        json!(["issues", "score", "summary", "tags"])
    );
    assert_eq!(strict["additionalProperties"], false);
    assert_eq!(
        strict["properties"]["summary"]["description"],
        "In one sentence."
    );
    assert_eq!(
        strict["properties"]["score"]["type"],
        json!(["integer", "null"])
    );
    assert_eq!(strict["properties"]["tags"]["type"], "array");
    assert_eq!(
        strict["properties"]["issues"]["items"],
        json!({"$ref": "#/$defs/Issue"})
    );
    let issue = &strict["$defs"]["Issue"];
    assert_eq!(
        issue["properties"]["severity"],
        json!({"$ref": "#/$defs/Severity"})
    );
    assert_eq!(
        issue["properties"]["place"]["anyOf"],
        json!([{"$ref": "#/$defs/Place"}, {"type": "null"}])
    );
    assert_eq!(
        issue["properties"]["follow_ups"]["items"],
        json!({"$ref": "#/$defs/Issue"})
    );
    assert_eq!(
        strict["$defs"]["Severity"]["anyOf"][0]["enum"],
        json!(["High"])
    );
    let place = &strict["$defs"]["Place"]["anyOf"];
    assert_eq!(place[0]["required"], json!(["kind", "line", "path"]));
    assert_eq!(place[1]["additionalProperties"], false);
    assert!(!strict.to_string().contains("oneOf"));
    assert!(!strict.to_string().contains("uint8"));
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct With<T> {
    inner: Inner<T>,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
#[schemars(inline)]
struct Inner<T> {
    items: Vec<T>,
}

#[track_caller]
fn refused<T: JsonSchema>(reason: &str) {
    let error = of::<With<T>>().unwrap_err();
    assert!(
        error.starts_with("inner.items[]") && error.contains(reason),
        "{error}"
    );
}

#[test]
fn what_cannot_be_strict_is_an_error_that_names_the_field() {
    refused::<Value>("anything");
    refused::<BTreeMap<String, u8>>("not known in advance");
    refused::<Map<String, Value>>("not known in advance");
    refused::<(u8, String)>("prefixItems");
    refused::<HashSet<u8>>("uniqueItems");
    refused::<char>("Length");
    assert!(of::<With<String>>().is_ok());
    assert!(of::<String>().unwrap_err().starts_with("the type itself"));
    assert!(
        of::<Severity>()
            .unwrap_err()
            .contains("wrap it into a struct")
    );
    assert!(of::<Vec<Review>>().is_err());
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Node {
    name: String,
    children: Vec<Node>,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Flat {
    id: String,
    #[serde(flatten)]
    base: Base,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Base {
    size: u8,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct FlatEnum {
    id: String,
    #[serde(flatten)]
    place: Place,
}

#[test]
fn a_type_may_contain_itself() {
    let strict = of::<Node>().unwrap();
    let children = &strict["properties"]["children"]["items"]["$ref"];
    assert!(children == "#" || children == "#/$defs/Node", "{strict}");
}

#[test]
fn a_flattened_struct_is_part_of_its_parent_and_a_flattened_enum_is_refused() {
    let strict = of::<Flat>().unwrap();
    assert_eq!(strict["required"], json!(["id", "size"]));
    let error = of::<FlatEnum>().unwrap_err();
    assert!(error.contains("flatten"), "{error}");
}

#[test]
fn an_enum_cannot_be_the_answer_itself() {
    assert!(of::<Place>().unwrap_err().contains("wrap it"));
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Newtype(Review);

/// Of a newtype.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct Outermost(Newtype);

#[derive(JsonSchema)]
#[allow(dead_code)]
struct OfItself(Node);

#[derive(JsonSchema)]
#[allow(dead_code)]
struct OfEnum(Place);

#[derive(JsonSchema)]
#[allow(dead_code)]
#[schemars(rename = "Größe / %")]
struct Odd {
    size: u8,
}

#[derive(JsonSchema)]
#[allow(dead_code)]
struct OfOdd(Odd);

#[derive(JsonSchema)]
#[allow(dead_code)]
struct OfMap(Scores);

#[derive(JsonSchema)]
#[allow(dead_code)]
struct Scores {
    scores: BTreeMap<String, u8>,
}

#[test]
fn a_newtype_of_a_struct_is_the_struct() {
    for newtype in [of::<Newtype>(), of::<Outermost>()] {
        let newtype = newtype.unwrap();
        let of_struct = of::<Review>().unwrap();
        assert_eq!(newtype["type"], "object");
        assert_eq!(newtype["properties"], of_struct["properties"]);
        assert_eq!(newtype["required"], of_struct["required"]);
    }
    assert_eq!(of::<Outermost>().unwrap()["description"], "Of a newtype.");
    let recursive = of::<OfItself>().unwrap();
    assert_eq!(
        recursive["properties"]["children"]["items"]["$ref"],
        "#/$defs/Node"
    );
    assert_eq!(
        recursive["$defs"]["Node"]["required"],
        json!(["children", "name"])
    );
    assert_eq!(of::<OfOdd>().unwrap()["required"], json!(["size"]));
    // It is judged as what it stands for.
    assert!(of::<OfEnum>().unwrap_err().contains("wrap it"));
    let error = of::<OfMap>().unwrap_err();
    assert!(error.contains("scores: its keys are not known"), "{error}");
}

#[test]
fn a_root_that_leads_nowhere_is_an_error() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}}),
        json!({"$ref": "#/$defs/B", "$defs": {}}),
        json!({"$ref": "https://example.com/schema"}),
    ] {
        assert!(strict(&schema).is_err(), "{schema}");
    }
}
