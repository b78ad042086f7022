//! Overrides of the configuration, those with secrets apart.
//!
//! What is on a command line can be read by everyone on the machine (`/proc/PID/cmdline`, `ps`). So
//! an override that has a secret in it is not put there: it goes to the runtime over its stdin, with
//! each thread that is started, resumed or forked. 0.163.0 merges it with the others by its key, and
//! writes it nowhere.

mod toml;

use openai_codex_types::JsonObject;
use openai_codex_wire::redact;
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};

/// Overrides of the configuration.
#[derive(Clone, Default)]
pub(crate) struct Overrides {
    /// `key=value`, for the command line.
    pub(crate) arguments: Vec<String>,
    /// By their dotted keys, for each thread.
    pub(crate) secret: JsonObject,
}

impl Overrides {
    /// Takes in a setting: a key, and a value in TOML.
    ///
    /// # Errors
    /// When the key can be none, and for a value that cannot be read: it may have a secret in it.
    pub(crate) fn push(&mut self, key: &str, toml: &str) -> Result<()> {
        let key = key.trim();
        if key.is_empty() || key.contains(|c: char| c == '=' || c.is_control()) {
            // Not quoted: a key that went wrong may have the value in it.
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "config_override: this is no key of config.toml; one has dots and quotes, and \
                 neither `=` nor control characters",
            ));
        }
        let Some(value) = toml::value(toml) else {
            let message = "config_override: this value cannot be read (tables and lists with \
                           dates, infinity or comments in them are not), and secrets in it would \
                           be on the runtime's command line; give it to \
                           thread_start().config(…), or name a variable in the configuration \
                           (env_key, bearer_token_env_var, env_http_headers) and set that by \
                           CodexBuilder::env";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        if !has_secret(key, toml, &value) {
            self.arguments.push(format!("{key}={toml}"));
            return Ok(());
        }
        // As on a command line, the last one of a key holds.
        self.secret.insert(key.to_owned(), value);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.arguments.is_empty() && self.secret.is_empty()
    }
}

/// Whether a setting has a secret in it, as the redaction judges.
fn has_secret(key: &str, toml: &str, value: &Value) -> bool {
    // Text alone, as it would stand on the command line, and the value by its names.
    let line = format!("{key}={toml}");
    let setting = json!({ key: value });
    says_something(value)
        && (redact::is_secret_path(key)
            || redact::text(&line) != line
            || redact::value(&setting) != setting)
}

/// Whether there is anything in a value that could be a secret.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(says_something),
        Value::Object(members) => members.values().any(says_something),
    }
}

/// Adds the overrides with secrets to the configuration of a thread, under what is given for it.
pub(crate) fn add_to(config: &mut Option<JsonObject>, secret: &JsonObject) {
    if secret.is_empty() {
        return;
    }
    let config = config.get_or_insert_default();
    for (key, value) in secret {
        config.entry(key).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(key: &str, toml: &str) -> Result<Overrides> {
        let mut overrides = Overrides::default();
        overrides.push(key, toml).map(|()| overrides)
    }

    #[test]
    fn what_has_a_secret_stays_off_the_command_line() {
        for (key, toml, value) in [
            (
                "model_providers.x.experimental_bearer_token",
                "\"hunter2\"",
                json!("hunter2"),
            ),
            (
                "model_providers.x.http_headers",
                "{ \"X-Key\" = \"hunter2\" }",
                json!({"X-Key": "hunter2"}),
            ),
            (
                "model_providers.x.http_headers.X-Key",
                "'hunter2'",
                json!("hunter2"),
            ),
            (
                "mcp_servers.x.env",
                "{A='hunter2', \"b.c\" = \"d\"}",
                json!({"A": "hunter2", "b.c": "d"}),
            ),
            ("mcp_servers.x.env.A", "hunter2", json!("hunter2")),
            (
                "shell_environment_policy.set.A",
                "\"hunter2\"",
                json!("hunter2"),
            ),
            (
                "shell_environment_policy",
                "{set={A=\"hunter2\"}}",
                json!({"set": {"A": "hunter2"}}),
            ),
            (
                "mcp_servers.x",
                "{command=\"c\", env={A=\"hunter2\"}}",
                json!({"command": "c", "env": {"A": "hunter2"}}),
            ),
            (
                "mcp_servers.x.args",
                "[\"--token\", \"hunter2\"]",
                json!(["--token", "hunter2"]),
            ),
            (
                "mcp_servers.x.url",
                "\"https://me:hunter2@h/\"",
                json!("https://me:hunter2@h/"),
            ),
            (
                "some.text",
                "\"sk-proj-0123456789abcdef\"",
                json!("sk-proj-0123456789abcdef"),
            ),
            ("a.password", "1815", json!(1815)),
            ("a.password", "0x10", json!(16)),
            (
                "mcp_servers.x",
                "{ command = 'c', env = { A = '''hunter2''' } }",
                json!({"command": "c", "env": {"A": "hunter2"}}),
            ),
            (
                "mcp_servers.x",
                "{ name = \"\\U0001F600\", n = 0o17, env = { A = \"\"\"hunter2\"\"\" } }",
                json!({"name": "\u{1f600}", "n": 15, "env": {"A": "hunter2"}}),
            ),
        ] {
            let it = overrides(key, toml).unwrap();
            assert!(it.arguments.is_empty(), "{key}={toml}");
            assert_eq!(it.secret.get(key), Some(&value), "{key}={toml}");
        }
    }

    #[test]
    fn everything_else_goes_on_the_command_line_as_it_is() {
        for (key, toml) in [
            ("model", "\"gpt-5.4\""),
            ("model", "gpt-5.4"),
            ("model_providers.x.env_key", "\"OPENAI_API_KEY\""),
            (
                "model_providers.x.env_http_headers",
                "{ \"X-Key\" = \"KEY_VARIABLE\" }",
            ),
            ("mcp_servers.x.bearer_token_env_var", "\"TOKEN\""),
            ("mcp_servers.x.env", "{}"),
            ("features.token", "true"),
            ("model_auto_compact_token_limit", "5000"),
            ("tools.max_tokens", "5"),
            ("since", "1979-05-27T07:32:00Z"),
        ] {
            let it = overrides(key, toml).unwrap();
            assert!(it.secret.is_empty(), "{key}={toml}");
            assert_eq!(it.arguments, [format!("{key}={toml}")]);
        }
    }

    #[test]
    fn what_can_go_neither_way_is_refused_without_being_told() {
        for (key, toml) in [
            ("", "1"),
            ("token\nhunter2", "x"),
            ("api_key=hunter2", "x"),
            ("a.env", "{A=\"hunter2\""),
            ("a.token", "\"hunter2"),
            (
                "mcp_servers.x",
                "{ since = 1979-05-27, env = { A = 'hunter2' } }",
            ),
            (
                "mcp_servers.x",
                "{ at = 07:32:00, env = { A = 'hunter2' } }",
            ),
            ("mcp_servers.x", "{ limit = inf, env = { A = 'hunter2' } }"),
            ("mcp_servers.x", "{ env = { A = 'hunter2' } # x\n }"),
        ] {
            let Err(error) = overrides(key, toml) else {
                panic!("{key:?} {toml:?} is taken");
            };
            let told = format!("{error} {error:?}");
            assert!(
                told.contains("config_override") && !told.contains("hunter2"),
                "{told}"
            );
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn what_is_given_for_a_thread_comes_before_what_holds_for_all() {
        let secret = overrides("a.token", "\"all\"").unwrap().secret;
        let mut config = None;
        add_to(&mut config, &JsonObject::new());
        assert_eq!(config, None);
        add_to(&mut config, &secret);
        assert_eq!(config.as_ref().unwrap()["a.token"], "all");
        let mut config = Some(JsonObject::from_iter([(
            "a.token".to_owned(),
            json!("this"),
        )]));
        add_to(&mut config, &secret);
        assert_eq!(config.unwrap()["a.token"], "this");
    }
}
