//! What is required is, what is open stays open, and null is not absent.

use serde_json::{Value, json};

use crate::equal::Defaults;
use crate::kind::Kind;
use crate::schema::{Schema, branches, is_null, properties, required, requires, takes_null, types};
use crate::sites::{Placed, Site, tag};

/// Sites whose schema has members of its own.
fn objects(schema: &Schema) -> impl Iterator<Item = Site> {
    let all = Site::all(schema).into_iter();
    all.filter(|site| site.schema.get("properties").is_some())
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[track_caller]
fn survives(placed: &Placed, defaults: &Defaults) -> String {
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
    decoded.debug
}

/// Required members that older runtimes do not send, with what their absence means.
const OLDER: &[(&str, &str)] = &[
    ("allowed", "true"),
    ("appTemplates", "[]"),
    ("connectors", "[]"),
    ("isBlocking", "true"),
];

#[test]
fn every_required_member_is_missed_by_name() {
    let (schema, defaults) = (Schema::read(), Defaults::of_the_schema());
    let (mut errors, mut kept, mut older) = (0, 0, 0);
    for site in objects(&schema) {
        for name in required(&site.schema) {
            let value = without(schema.minimal(&site.schema), name);
            let placed = site.place(&schema, value);
            // The way to the object may have put the member back: it stands beside the union.
            if placed
                .payload
                .pointer(&placed.pointer)
                .unwrap()
                .get(name)
                .is_some()
            {
                continue;
            }
            match placed.decode() {
                Err(error) => {
                    assert!(
                        error.contains(&placed.method)
                            && error.contains(&format!("missing field `{name}`")),
                        "{} without {name}: {error}",
                        placed.place()
                    );
                    errors += 1;
                }
                // Runtimes that are older than a member leave it out.
                Ok(decoded) if takes_null(&site.schema["properties"][name]) => {
                    let written = decoded.json.pointer(&placed.pointer).unwrap();
                    assert_eq!(
                        written[name],
                        Value::Null,
                        "{} without {name}",
                        placed.place()
                    );
                    older += 1;
                }
                Ok(decoded) if OLDER.iter().any(|(member, _)| *member == name) => {
                    let written = decoded.json.pointer(&placed.pointer).unwrap();
                    let meant = OLDER.iter().find(|(member, _)| *member == name).unwrap().1;
                    assert_eq!(written[name].to_string(), meant, "{}", placed.place());
                    older += 1;
                }
                // Of a union without a tag, it may be another branch that takes this.
                Ok(_) if site.is_below_untagged() => kept += 1,
                Ok(_) => {
                    let debug = survives(&placed, &defaults);
                    assert!(
                        debug.contains("Unrecognized"),
                        "{} without {name}: {debug}",
                        placed.place()
                    );
                    kept += 1;
                }
            }
        }
    }
    println!("{errors} errors, {kept} kept by unions, {older} that older runtimes leave out");
    assert!(older >= 8, "{older} that older runtimes leave out");
    assert!(errors > 1000, "{errors} errors, {kept} kept by unions");
}

#[test]
fn an_unknown_value_of_every_enum_survives() {
    let (schema, defaults) = (Schema::read(), Defaults::of_the_schema());
    let (mut strings, mut tagged) = (0, 0);
    for site in Site::all(&schema) {
        let is_tag_of_its_own = site
            .schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|values| values.len() == 1);
        if site.schema.get("enum").is_some() && !is_tag_of_its_own {
            let placed = site.place(&schema, json!("from a newer server"));
            let debug = survives(&placed, &defaults);
            assert!(
                debug.contains("Unrecognized"),
                "{}: {debug}",
                placed.place()
            );
            strings += 1;
        }
        if let Some(tag) = tag(&site.schema) {
            // With the tag first and last, and members that no kind has.
            for value in [
                json!({&tag: "aKind", "zeta": [1, {"x": null}]}),
                json!({"alpha": "a", &tag: "aKind", "id": 7}),
            ] {
                let placed = site.place(&schema, value);
                let debug = survives(&placed, &defaults);
                assert!(
                    debug.contains("Unrecognized"),
                    "{}: {debug}",
                    placed.place()
                );
            }
            tagged += 1;
        }
    }
    println!("{strings} enums, {tagged} tagged unions");
    assert!(
        strings > 120 && tagged > 40,
        "{strings} enums, {tagged} tagged unions"
    );
}

/// Members of what the client sends that the runtime's documentation says to be cleared by null.
const CLEARED_BY_NULL: [(&str, &str); 6] = [
    ("thread/start", "serviceTier"),
    ("thread/resume", "serviceTier"),
    ("thread/fork", "serviceTier"),
    ("turn/start", "serviceTier"),
    ("thread/list", "projectId"),
    ("thread/list", "sectionId"),
];

#[test]
fn absent_null_and_a_value_are_told_apart() {
    let (schema, defaults) = (Schema::read(), Defaults::of_the_schema());
    let (mut members, mut exact) = (0, 0);
    for site in objects(&schema) {
        for (name, property) in properties(&site.schema) {
            if requires(&site.schema, name) || !takes_null(property) {
                continue;
            }
            let least = schema.minimal(&site.schema);
            let value = without_null(&schema, property);
            let mut written = Vec::new();
            for state in [None, Some(Value::Null), Some(value)] {
                let mut object = least.clone();
                if let Some(value) = state {
                    object[name] = value;
                }
                let placed = site.place(&schema, object);
                survives(&placed, &defaults);
                let json = placed.decode().unwrap().json;
                written.push(json.pointer(&placed.pointer).unwrap().get(name).cloned());
            }
            let place = site.place(&schema, least);
            assert!(
                written[0].is_none(),
                "{} {name}: absent became {written:?}",
                place.place()
            );
            assert!(
                written[1].as_ref().is_none_or(Value::is_null),
                "{} {name}: null became {written:?}",
                place.place()
            );
            assert!(
                written[2].as_ref().is_some_and(|value| !value.is_null()),
                "{} {name}: a value became {written:?}",
                place.place()
            );
            // Null by itself and by what it refers to.
            let twice = branches(property).is_some_and(|branches| {
                branches.iter().any(|branch| {
                    let target = schema.target(branch).map_or(branch, |(_, target)| target);
                    !is_null(branch) && takes_null(target)
                })
            });
            let listed = place.kind == Kind::ClientRequest
                && place.pointer.is_empty()
                && CLEARED_BY_NULL.contains(&(&place.method, name));
            if twice || listed {
                assert_eq!(written[1], Some(Value::Null), "{} {name}", place.place());
                exact += 1;
            }
            members += 1;
        }
    }
    println!("{members} members, {exact} of them exactly");
    assert!(
        members > 500 && exact > CLEARED_BY_NULL.len(),
        "{members}, {exact}"
    );
}

/// The least value that is not null.
fn without_null(schema: &Schema, property: &Value) -> Value {
    if types(property).is_empty() && branches(property).is_none() && property.get("$ref").is_none()
    {
        return json!({"any": "thing"});
    }
    schema.minimal(property)
}
