//! Messages made up from the schema, by a seed.

use openai_codex_types::OLDEST_RUNTIME;
use serde_json::{Map, Number, Value, json};

use crate::equal::{Defaults, root};
use crate::schema::{Schema, branches, is_null, least, properties, requires, types};

/// Numbers that depend on the seed alone.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn text(&mut self) -> String {
        let parts = [
            "",
            "a",
            "é",
            "\u{1F980}",
            "\"",
            "\\",
            "\n",
            "\0",
            "null",
            "  ",
            "/",
            "{}",
        ];
        (0..self.below(5)).map(|_| self.pick(&parts)).collect()
    }

    fn any(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => json!(self.text()),
            1 => json!(self.next() as i64),
            2 => json!(self.next().is_multiple_of(2)),
            3 => json!(self.below(1000) as f64 / 8.0),
            4 => json!(u64::MAX - self.next() % 9),
            5 => (0..self.below(3)).map(|_| self.any(depth - 1)).collect(),
            _ => Value::Object(self.map(|random| random.any(depth - 1))),
        }
    }

    fn map(&mut self, mut value: impl FnMut(&mut Self) -> Value) -> Map<String, Value> {
        (0..self.below(3))
            .map(|index| (format!("{}{index}", self.text()), value(self)))
            .collect()
    }

    fn integer(&mut self, schema: &Value) -> Value {
        let format = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or("int64");
        let most: u64 = match format {
            "uint8" => u64::from(u8::MAX),
            "uint16" => u64::from(u16::MAX),
            "uint32" => u64::from(u32::MAX),
            "int32" => i32::MAX as u64,
            "int64" => i64::MAX as u64,
            "uint" | "uint64" => u64::MAX,
            other => panic!("the format {other}"),
        };
        let least = least(schema);
        match self.below(4) {
            0 => json!(most),
            1 => json!(least.unwrap_or(if format == "int32" {
                i32::MIN.into()
            } else {
                i64::MIN
            })),
            2 => json!(least.unwrap_or(0)),
            _ => json!((self.next() % most).max(least.unwrap_or(0) as u64)),
        }
    }
}

/// An instance of a schema. Below `depth` it has only what it must.
pub(crate) fn instance(schema: &Schema, of: &Value, random: &mut Random, depth: usize) -> Value {
    if depth == 0 {
        return schema.minimal(of);
    }
    if let Some((_, target)) = schema.target(of) {
        let is_empty = target.get("type") == Some(&json!("object"))
            && ["properties", "additionalProperties", "oneOf", "anyOf"]
                .iter()
                .all(|keyword| target.get(*keyword).is_none());
        // A definition without members has none, while a member that is an object may have any.
        return match is_empty {
            true => json!({}),
            false => instance(schema, target, random, depth),
        };
    }
    if let Some(values) = of.get("enum").and_then(Value::as_array) {
        return random.pick(values);
    }
    if let Some(branches) = branches(of) {
        let branch = random.pick(branches);
        let own = instance(schema, &branch, random, depth);
        return match (own, object(schema, of, random, depth)) {
            (Value::Object(mut own), Value::Object(shared)) => {
                for (name, value) in shared {
                    own.entry(name).or_insert(value);
                }
                Value::Object(own)
            }
            (own, _) => own,
        };
    }
    match types(of).as_slice() {
        [] => random.any(2),
        several => match random.pick(several) {
            "null" => Value::Null,
            "boolean" => json!(random.next().is_multiple_of(2)),
            "string" => json!(random.text()),
            "integer" => random.integer(of),
            // An eighth is exact in every form of the text.
            "number" => {
                Value::Number(Number::from_f64(random.below(1_000_000) as f64 / 8.0).unwrap())
            }
            "array" => {
                let items = of.get("items").cloned().unwrap_or(json!({}));
                (0..random.below(3))
                    .map(|_| instance(schema, &items, random, depth - 1))
                    .collect()
            }
            "object" => object(schema, of, random, depth),
            other => panic!("the type {other}"),
        },
    }
}

fn object(schema: &Schema, of: &Value, random: &mut Random, depth: usize) -> Value {
    let mut members = match of.get("additionalProperties") {
        Some(Value::Bool(true)) => random.map(|random| random.any(2)),
        Some(values @ Value::Object(_)) => {
            random.map(|random| instance(schema, values, random, depth - 1))
        }
        None if of.get("properties").is_none() && branches(of).is_none() => {
            random.map(|random| random.any(2))
        }
        _ => Map::new(),
    };
    for (name, property) in properties(of) {
        if requires(of, name) || random.below(3) > 0 {
            members.insert(name.clone(), instance(schema, property, random, depth - 1));
        }
    }
    Value::Object(members)
}

/// The members that tell kinds apart.
const TAGS: [&str; 4] = ["type", "mode", "kind", "handlerType"];

/// The text of a value with kinds first, as the runtime writes them. Sorted, hardly one is.
fn kinds_first(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let rank = |name: &str| TAGS.iter().position(|tag| *tag == name);
            members.sort_by_key(|(name, _)| rank(name).unwrap_or(TAGS.len()));
            let texts = members
                .into_iter()
                .map(|(name, it)| format!("{}:{}", json!(name), kinds_first(it)));
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Value::Array(elements) => {
            let texts: Vec<_> = elements.iter().map(kinds_first).collect();
            format!("[{}]", texts.join(","))
        }
        other => other.to_string(),
    }
}

#[test]
fn random_messages_survive_the_round_trip() {
    let (schema, defaults) = (Schema::read(), Defaults::of_the_schema());
    let mut bytes = 0;
    for payload in schema.payloads() {
        for seed in 0..100 {
            let mut random = Random(seed);
            let depth = 3 + random.below(6);
            let mut sent = instance(&schema, &payload.schema, &mut random, depth);
            let place = format!("{:?} {}, seed {seed}", payload.kind, payload.method);
            let text = sent.to_string();
            let decoded = (payload.kind.decode(&payload.method, &text))
                .unwrap_or_else(|error| panic!("{place}: {error}\n{sent}"));
            let as_written = payload.kind.decode(&payload.method, &kinds_first(&sent));
            assert_eq!(as_written.unwrap().debug, decoded.debug, "{place}");
            if sent.is_null() && decoded.json.is_object() {
                sent = json!({});
            }
            assert!(
                defaults.equal(&sent, &decoded.json),
                "{place}\n sent    {sent}\n written {}",
                decoded.json
            );
            bytes += text.len();
        }
    }
    assert!(bytes > 4_000_000, "{bytes}");
}

#[test]
fn the_same_seed_gives_the_same_message() {
    let schema = Schema::read();
    let of = json!({"$ref": "#/definitions/TurnCompletedNotification"});
    let make = |seed| instance(&schema, &of, &mut Random(seed), 6);
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
    assert!(!is_null(&of));
}

/// The runtimes that are supported besides the pinned one.
#[test]
fn whatever_another_runtime_may_send_decodes() {
    let folder = root().join("schema/runtimes");
    let mut versions = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let version = entry.unwrap().file_name().into_string().unwrap();
        if numbers(&version) < numbers(OLDEST_RUNTIME) {
            continue;
        }
        let schema = Schema::of_runtime(&version);
        let payloads = schema.received();
        assert!(payloads.len() > 150, "{version}: {}", payloads.len());
        for (at, payload) in payloads.iter().enumerate() {
            for round in 0..40 {
                let mut random = Random(round * 1_000 + at as u64);
                let sent = instance(
                    &schema,
                    &payload.schema,
                    &mut random,
                    2 + round as usize % 5,
                );
                let decoded = payload.kind.decode(&payload.method, &sent.to_string());
                if let Err(error) = decoded {
                    // A record there, and a union by `mode` in 0.171.0: docs/runtimes.md tells it.
                    let is_known = version == "0.169.0"
                        && error
                            .to_string()
                            .contains("moderation.display: missing field `mode`");
                    if is_known {
                        continue;
                    }
                    panic!(
                        "{version}: {:?} {}: {error}\n{sent}",
                        payload.kind, payload.method
                    );
                }
            }
        }
        versions += 1;
    }
    assert!(versions > 1, "{versions}");
}

fn numbers(version: &str) -> Vec<u32> {
    let numbers = version.split('.').map(str::parse);
    numbers.collect::<Result<_, _>>().unwrap()
}
