//! The options of a test runtime.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::{fmt, fs};

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::runtime::binary::Binary;
use crate::runtime::config::{Config, key};
use crate::runtime::leftovers;
use crate::runtime::{STDERR_VARIABLE, TestRuntime, folder, isolation, template};

/// Options of a [`TestRuntime`]; each setter replaces what it set before.
///
/// # Examples
/// ```no_run
/// use openai_codex_testkit::{McpServer, MockModel, TestRuntime};
///
/// # fn main() -> Result<(), openai_codex_testkit::Error> {
/// let model = MockModel::start()?;
/// let runtime = TestRuntime::builder(&model)
///     .approval_policy("on-request")
///     .sandbox_mode("workspace-write")
///     .feature("goals", true)
///     .mcp_server("search", McpServer::stdio("my-mcp-server").arg("--stdio"))
///     .config("model_reasoning_effort", "high")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is set up before `build`"]
pub struct TestRuntimeBuilder {
    config: Config,
    env: BTreeMap<OsString, OsString>,
    binary: Option<PathBuf>,
    keep: bool,
}

impl TestRuntimeBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        let keep = std::env::var_os("OPENAI_CODEX_TESTKIT_KEEP").is_some_and(|it| !it.is_empty());
        let config = Config::for_provider(base_url);
        TestRuntimeBuilder {
            config,
            env: BTreeMap::new(),
            binary: None,
            keep,
        }
    }

    /// Switches a feature of the runtime on or off.
    pub fn feature(self, name: &str, on: bool) -> Self {
        self.config(&format!("features.{}", key(name)), on)
    }

    /// When the runtime asks before it acts: `never` (the default here) or `on-request`.
    pub fn approval_policy(self, policy: &str) -> Self {
        self.config("approval_policy", policy)
    }

    /// What commands may do: `read-only` (the default here), `workspace-write` or
    /// `danger-full-access`.
    pub fn sandbox_mode(self, mode: &str) -> Self {
        self.config("sandbox_mode", mode)
    }

    /// Makes the runtime start or reach an MCP server.
    pub fn mcp_server(self, name: &str, server: McpServer) -> Self {
        self.config(&format!("mcp_servers.{}", key(name)), server.0)
    }

    /// Whether the model's provider wants the account's credentials, for tests of logins.
    pub fn requires_openai_auth(self, yes: bool) -> Self {
        self.config("model_providers.mock_provider.requires_openai_auth", yes)
    }

    /// How often the runtime tries again when a request fails, and when a stream breaks; never
    /// unless told.
    pub fn retries(self, request: u32, stream: u32) -> Self {
        self.config("model_providers.mock_provider.request_max_retries", request)
            .config("model_providers.mock_provider.stream_max_retries", stream)
    }

    /// Sets a key of `config.toml`, dotted as in `tools.view_image`. Null leaves it out.
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.config.set(key, value);
        self
    }

    /// Appends text to `config.toml` as it is: whole tables, that is.
    pub fn extra_toml(mut self, toml: &str) -> Self {
        self.config.append(toml);
        self
    }

    /// Sets a variable of the runtime's environment, also one that the kit sets.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Runs this binary instead of `$CODEX_BIN` or the pinned runtime.
    pub fn codex_bin(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Keeps the folders after the test and prints their place.
    pub fn keep(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Finds or installs the runtime and makes the folders.
    ///
    /// # Errors
    /// When there is no runtime and it cannot be installed, or the folders cannot be made.
    pub fn build(self) -> Result<TestRuntime> {
        let binary = match self.binary {
            Some(path) => Binary::at(path)?,
            None => Binary::find()?,
        };
        let temp = std::env::temp_dir();
        // The runtime reports resolved paths, and tests compare with them.
        #[cfg(unix)]
        let temp = temp.canonicalize().unwrap_or(temp);
        let root = folder::create_unique(&temp, leftovers::PREFIX).map_err(Error::io(format!(
            "cannot make a folder in {}",
            temp.display()
        )))?;
        // From here on its drop cleans up.
        let mut runtime = TestRuntime {
            binary,
            home: root.join("codex-home"),
            workspace: root.join(leftovers::WORKSPACE),
            claim: if self.keep {
                None
            } else {
                leftovers::claim(&root)
            },
            root,
            env: Vec::new(),
            keep: self.keep,
        };
        leftovers::sweep_beside(&runtime.root);
        let (home, user_home) = (runtime.home(), runtime.root.join("user-home"));
        for folder in [home, runtime.workspace(), &user_home] {
            fs::create_dir(folder).map_err(Error::io(format!(
                "cannot make the folder {}",
                folder.display()
            )))?;
        }
        // Without a template the runtime makes its own way, only slower.
        if let Err(error) = template::fill(home, runtime.binary(), &template::cache()) {
            eprintln!(
                "codex-testkit: no warm home for {}: {error}",
                runtime.binary().display()
            );
        }
        fs::write(home.join("config.toml"), self.config.render())
            .map_err(Error::io("cannot write the test home's config.toml"))?;

        let mut env: BTreeMap<_, _> = isolation(home, &user_home).into_iter().collect();
        if let Some(path) = runtime.binary.search_path() {
            env.insert("PATH".into(), path);
        }
        env.insert(STDERR_VARIABLE.into(), runtime.log_path().into());
        env.extend(self.env);
        runtime.env = env.into_iter().collect();
        Ok(runtime)
    }
}

/// Names only: the values may be secrets.
impl fmt::Debug for TestRuntimeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRuntimeBuilder")
            .field("config", &self.config)
            .field("env", &self.env.keys())
            .field("binary", &self.binary)
            .field("keep", &self.keep)
            .finish()
    }
}

/// An MCP server for [`mcp_server`](TestRuntimeBuilder::mcp_server).
#[derive(Clone)]
#[must_use = "an MCP server is configured once it is given to a runtime"]
pub struct McpServer(Value);

impl fmt::Debug for McpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpServer").finish_non_exhaustive()
    }
}

impl McpServer {
    /// A program that the runtime starts and talks to over its stdin and stdout.
    pub fn stdio(command: impl Into<String>) -> Self {
        McpServer(json!({"command": command.into(), "args": []}))
    }

    /// A server behind an HTTP URL.
    pub fn http(url: impl Into<String>) -> Self {
        McpServer(json!({"url": url.into()}))
    }

    /// Adds an argument to the program's command line.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        if let Value::Array(args) = &mut self.0["args"] {
            args.push(arg.into().into());
        }
        self
    }

    /// Sets a variable of the program's environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0["env"][name.into()] = value.into().into();
        self
    }

    /// Sets any other key of the server's configuration, `startup_timeout_sec` for one.
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_in_debug_text() {
        let builder = TestRuntimeBuilder::new("http://127.0.0.1:1")
            .env("TOKEN", "secret-1")
            .config("model_providers.x.experimental_bearer_token", "secret-2")
            .mcp_server("m", McpServer::stdio("x").env("KEY", "secret-3"));
        let text = format!("{builder:?} {:?}", McpServer::http("http://secret-4"));
        assert!(text.contains("TOKEN") && text.contains("experimental_bearer_token"));
        assert!(!text.contains("secret"), "{text}");
    }
}
