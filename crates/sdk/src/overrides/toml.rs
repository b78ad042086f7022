//! A value in TOML, as far as overrides have them: strings, numbers, booleans, arrays and inline
//! tables. Dates, infinity and comments are not read.

use openai_codex_types::JsonObject;
use serde_json::{Number, Value};

/// How deep a value may be nested.
const DEPTH: usize = 64;

/// Reads a value, and nothing behind it. What is no TOML and looks like none is a text, as the
/// runtime takes it too. `None` for what cannot be read.
pub(super) fn value(text: &str) -> Option<Value> {
    let text = text.trim();
    let mut reader = Reader { rest: text };
    match reader.value(DEPTH) {
        Some(value) if reader.rest.is_empty() => Some(value),
        _ if text.starts_with(['"', '\'', '[', '{']) || text.contains(['\n', '\r']) => None,
        _ => Some(Value::from(text)),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_spaces();
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            '"' | '\'' => self.string().map(Value::from),
            '[' => self.array(depth),
            '{' => self.table(depth),
            _ => {
                let end = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}');
                let word = &self.rest[..self.rest.find(end).unwrap_or(self.rest.len())];
                self.rest = &self.rest[word.len()..];
                scalar(word)
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        self.take('[')?;
        loop {
            if self.take(']').is_some() {
                return Some(Value::Array(values));
            }
            values.push(self.value(depth)?);
            if self.take(',').is_none() {
                self.take(']')?;
                return Some(Value::Array(values));
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Value> {
        let mut members = JsonObject::new();
        self.take('{')?;
        if self.take('}').is_some() {
            return Some(Value::Object(members));
        }
        loop {
            let path = self.path()?;
            self.take('=')?;
            let value = self.value(depth)?;
            insert(&mut members, &path, value)?;
            if self.take(',').is_none() {
                self.take('}')?;
                return Some(Value::Object(members));
            }
        }
    }

    /// The parts of a key.
    fn path(&mut self) -> Option<Vec<String>> {
        let mut path = Vec::new();
        loop {
            self.skip_spaces();
            path.push(match self.rest.chars().next()? {
                '"' | '\'' => self.string()?,
                _ => {
                    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
                    let key = &self.rest[..self.rest.find(|c| !is_key(c))?];
                    self.rest = &self.rest[key.len()..];
                    (!key.is_empty()).then(|| key.to_owned())?
                }
            });
            if self.take('.').is_none() {
                return Some(path);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let quote = &self.rest[..1];
        let of_lines = ["\"\"\"", "'''"];
        let triple = of_lines.into_iter().find(|it| self.rest.starts_with(it));
        let close = triple.unwrap_or(quote);
        let mut body = &self.rest[close.len()..];
        if triple.is_some() {
            let line = body.strip_prefix('\r').unwrap_or(body);
            body = line.strip_prefix('\n').unwrap_or(body);
        }
        let mut end = 0;
        while !body[end..].starts_with(close) {
            let escapes = quote == "\"" && body[end..].starts_with('\\');
            end += if escapes { 1 } else { 0 };
            end += body.get(end..)?.chars().next()?.len_utf8();
        }
        if triple.is_some() {
            // Two more may belong to what is said.
            let more = body[end + close.len()..].chars();
            end += more.take(2).take_while(|c| quote.starts_with(*c)).count();
        }
        let said = &body[..end];
        self.rest = &body[end + close.len()..];
        match quote {
            _ if triple.is_none() && said.contains('\n') => None,
            "'" => Some(said.to_owned()),
            _ => unescaped(said),
        }
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.skip_spaces();
        self.rest = self.rest.strip_prefix(sign)?;
        self.skip_spaces();
        Some(())
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// What a string in `"` says.
fn unescaped(said: &str) -> Option<String> {
    let mut out = String::with_capacity(said.len());
    let mut rest = said;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next()?;
        rest = &rest[at + 1 + escape.len_utf8()..];
        let digits = match escape {
            'b' => Err('\u{8}'),
            't' => Err('\t'),
            'n' => Err('\n'),
            'f' => Err('\u{c}'),
            'r' => Err('\r'),
            'e' => Err('\u{1b}'),
            '"' | '\\' => Err(escape),
            'x' => Ok(2),
            'u' => Ok(4),
            'U' => Ok(8),
            ' ' | '\t' | '\r' | '\n' => {
                // The line goes on with the next word.
                let spaces = rest.len() - rest.trim_start().len();
                (escape == '\n' || rest[..spaces].contains('\n')).then_some(())?;
                rest = rest.trim_start();
                continue;
            }
            _ => return None,
        };
        match digits {
            Err(c) => out.push(c),
            Ok(count) => {
                let code = rest.get(..count).filter(|it| !it.starts_with('+'))?;
                out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                rest = &rest[count..];
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// Puts a value where a dotted key says. `None` if something else is there.
fn insert(members: &mut JsonObject, path: &[String], value: Value) -> Option<()> {
    let (key, rest) = path.split_first()?;
    if rest.is_empty() {
        return members.insert(key.clone(), value).is_none().then_some(());
    }
    let inner = members
        .entry(key.clone())
        .or_insert_with(|| Value::Object(JsonObject::new()));
    insert(inner.as_object_mut()?, rest, value)
}

fn scalar(word: &str) -> Option<Value> {
    match word {
        "true" => return Some(Value::Bool(true)),
        "false" => return Some(Value::Bool(false)),
        _ => {}
    }
    let plain = word.replace('_', "");
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = plain.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).ok().map(Value::from);
        }
    }
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if let Ok(number) = plain.parse::<i64>() {
        return Some(number.into());
    }
    let is_float = plain.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && plain
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-+.eE".contains(&byte));
    let float = plain.parse().ok().filter(|_| is_float);
    float.and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::value;

    #[test]
    fn values_are_read_as_toml_has_them() {
        for (text, expected) in [
            (r#" "a \"b\" \u00e9" "#, json!("a \"b\" é")),
            (r"'C:\x'", json!(r"C:\x")),
            ("1_000", json!(1000)),
            ("-2.5e3", json!(-2500.0)),
            ("0x1_0", json!(16)),
            ("0o17", json!(15)),
            ("0b11", json!(3)),
            ("true", json!(true)),
            (r#""\U0001F600\e""#, json!("\u{1f600}\u{1b}")),
            ("'''a'b'''", json!("a'b")),
            ("'''\na\nb'''", json!("a\nb")),
            (r#""""a"b\n""""#, json!("a\"b\n")),
            ("\"\"\"a \\\n  b\"\"\"\"", json!("a b\"")),
            ("\"\"", json!("")),
            ("{ a = '''b''' }", json!({"a": "b"})),
            ("[ 1, 'a', [], ]", json!([1, "a", []])),
            (
                "{ a = 1, b.c = 'x', \"d e\" = {}, b.f = [true] }",
                json!({"a": 1, "b": {"c": "x", "f": [true]}, "d e": {}}),
            ),
            ("{}", json!({})),
            ("plain text", json!("plain text")),
            ("gpt-5.4", json!("gpt-5.4")),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
        let deep = "[".repeat(1000);
        for text in [
            "\"a",
            "'a",
            "{a=1",
            "{a=1,a=2}",
            "[1",
            "\"\"\"a\"\"",
            "\"a\"b",
            "\"\\x\"",
            "\"\\",
            "\"\\u12\"",
            "\"\\UFFFFFFFF\"",
            "\"a\nb\"",
            "[inf]",
            "{ a = 07:32:00 }",
            "[1979-05-27T07:32:00Z]",
            "[1 # one\n]",
            "{a}",
            &deep,
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
