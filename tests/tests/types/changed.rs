//! Whatever stands where something else should: it is kept or refused, and never told.

use serde_json::{Value, json};

use crate::equal::Defaults;
use crate::random::{Random, instance};
use crate::schema::{Schema, is_null};

/// A member that no schema has.
const EXTRA: &str = "fromANewerServer";

/// Text that an error must not repeat, with what might end a quotation of it.
const TEXT: &str = r#"SECRET", expected `SECRET` string "SECRET \"#;

/// A kind that no union has.
const TAG: &str = "aKind";

/// Values of every form.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(TEXT),
        json!([]),
        json!([null, TEXT]),
        json!([[TEXT]]),
        json!([{ EXTRA: TEXT }]),
        json!({}),
        json!({ EXTRA: TEXT }),
        json!({ EXTRA: { TEXT: TEXT } }),
        json!({"type": TAG, EXTRA: [TEXT]}),
    ]
}

/// A place in a value, by chance.
fn place(value: &Value, random: &mut Random) -> String {
    let mut pointer = String::new();
    let mut at = value;
    loop {
        let (name, within) = match at {
            Value::Object(members) if !members.is_empty() => {
                let (name, within) = members.iter().nth(random.below(members.len())).unwrap();
                (name.replace('~', "~0").replace('/', "~1"), within)
            }
            Value::Array(elements) if !elements.is_empty() => {
                let index = random.below(elements.len());
                (index.to_string(), &elements[index])
            }
            _ => return pointer,
        };
        if random.below(6) == 0 {
            return pointer;
        }
        pointer = format!("{pointer}/{name}");
        at = within;
    }
}

/// What has to be written of a value that was read: extra members need not, and a tag is one where
/// there is no union. That unions keep it is tested elsewhere.
fn least(value: &Value) -> Value {
    let is_extra = |name: &str, value: &Value| name == EXTRA || (name == "type" && value == TAG);
    match value {
        Value::Object(members) => {
            let known = members.iter().filter(|(name, it)| !is_extra(name, it));
            Value::Object(known.map(|(name, it)| (name.clone(), least(it))).collect())
        }
        Value::Array(elements) => elements.iter().map(least).collect(),
        other => other.clone(),
    }
}

/// Takes a member out that was set to null: where the schema has a default, it is that.
fn without_null(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

#[test]
fn what_does_not_fit_is_kept_or_refused_and_never_told() {
    let (schema, defaults, values) = (Schema::read(), Defaults::of_the_schema(), values());
    let (mut kept, mut refused) = (0, 0);
    for payload in schema.payloads() {
        // A method without params has no place for anything.
        if is_null(&payload.schema) {
            continue;
        }
        for seed in 0..6 {
            let mut random = Random(seed);
            let whole = instance(&schema, &payload.schema, &mut random, 5);
            let pointer = place(&whole, &mut random);
            for value in &values {
                let mut sent = whole.clone();
                *sent.pointer_mut(&pointer).unwrap() = value.clone();
                let place = format!("{:?} {} at {pointer}", payload.kind, payload.method);
                match payload.kind.decode(&payload.method, &sent.to_string()) {
                    Ok(decoded) => {
                        if value.is_null() {
                            without_null(&mut sent, &pointer);
                        }
                        if sent.is_null() && decoded.json.is_object() {
                            sent = json!({});
                        }
                        assert!(
                            defaults.equal(&least(&sent), &least(&decoded.json)),
                            "{place}\n sent    {sent}\n written {}",
                            decoded.json
                        );
                        kept += 1;
                    }
                    Err(error) => {
                        assert!(error.contains(&payload.method), "{place}: {error}");
                        assert!(!error.contains("SECRET"), "{place}: {error}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("{kept} kept, {refused} refused");
    assert!(kept > 3_000 && refused > 10_000, "{kept}, {refused}");
}
