//! Tools: functions of this program's that the model can call.

mod output;
mod toolbox;

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use self::output::{IntoToolOutput, ToolOutput};
pub(crate) use self::toolbox::Toolbox;
use crate::handler::{HandlerContext, HandlerError};

/// A function that the model can call.
///
/// It belongs to the thread that it is [given](crate::ThreadStart::tool) to when
/// that is started. The model sees its name, its description and the JSON schema
/// of its arguments, which comes from their type: doc comments become
/// descriptions.
///
/// What the function returns is what the model reads, errors included; so say in
/// them what to do better. Arguments that do not fit the type are answered with
/// what is wrong and what is expected, without calling the function. Several
/// calls may run at once, each on its own task: those of different threads, and
/// those that the model makes in one answer (runtime 0.171.0; 0.163.0 asks for
/// these one after the other).
#[cfg_attr(
    feature = "schemars",
    doc = r#"
```no_run
# async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
use openai_codex::schemars::{self, JsonSchema};
use openai_codex::{HandlerError, Tool};

#[derive(serde::Deserialize, JsonSchema)]
struct WeatherArgs {
    /// The name of a city, in English.
    city: String,
}

let weather = Tool::new(
    "weather",
    "Current weather for a city",
    |args: WeatherArgs, _cx| async move {
        match args.city.as_str() {
            "Oslo" => Ok("Oslo: sunny"),
            _ => Err(HandlerError::new("there is no such city; try Oslo")),
        }
    },
);
let thread = codex.thread_start().tool(weather).await?;
# Ok(()) }
```
"#
)]
///
/// # Resuming and forking
///
/// The runtime stores a thread's tools with the thread: after a resume and in a
/// fork the model still has them, in a new process too, and there is no way to
/// change them. Who answers is up to the client, so give the same tools to
/// [`ThreadResume::tool`](crate::ThreadResume::tool) in a new process; in the
/// same client, resuming and forking keep them. A call that nobody answers fails
/// with an error that the model sees.
#[derive(Clone)]
#[must_use = "a tool does nothing until it is given to a thread"]
pub struct Tool {
    name: String,
    description: String,
    namespace: Option<(String, String)>,
    schema: Value,
    defer_loading: Option<bool>,
    time_limit: Option<Duration>,
    run: Arc<Run>,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<ToolOutput, HandlerError>> + Send>>;
pub(crate) type Run = dyn Fn(Value, HandlerContext) -> Running + Send + Sync;

impl Tool {
    /// A tool whose arguments are a struct.
    ///
    /// Runtime 0.163.0 passes on to the model what most types need: structs, enums,
    /// lists, maps, options, and types that contain themselves. It leaves out ranges
    /// and patterns, and tells of strings where there are tuples or values of any
    /// type; better use structs there.
    #[cfg(feature = "schemars")]
    pub fn new<A, F, Fut, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        A: schemars::JsonSchema + serde::de::DeserializeOwned,
        F: Fn(A, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, HandlerError>> + Send + 'static,
        O: IntoToolOutput,
    {
        let schema = arguments_schema::<A>();
        let expected = schema.to_string();
        let function = Arc::new(function);
        let function = move |arguments: Value, cx| {
            let arguments = serde_json::from_value::<A>(arguments);
            let running = arguments.map(|arguments| function(arguments, cx));
            let running = running.map_err(|error| {
                HandlerError::new(format!(
                    "invalid arguments: {error}. They must fit this JSON schema: {expected}"
                ))
            });
            async move { running?.await?.into_tool_output() }
        };
        Self::with_schema(name, description, schema, function)
    }

    /// A tool whose arguments are JSON, described by a JSON schema of type
    /// `object`. The function checks them itself.
    pub fn with_schema<F, Fut, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        schema: Value,
        function: F,
    ) -> Self
    where
        F: Fn(Value, HandlerContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, HandlerError>> + Send + 'static,
        O: IntoToolOutput,
    {
        let run = move |arguments, cx| -> Running {
            let running = function(arguments, cx);
            Box::pin(async move { running.await?.into_tool_output() })
        };
        Self {
            name: name.into(),
            description: description.into(),
            namespace: None,
            schema,
            defer_loading: None,
            time_limit: None,
            run: Arc::new(run),
        }
    }

    /// Puts the tool into a namespace, next to others with the same name and
    /// description of the namespace.
    pub fn namespace(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.namespace = Some((name.into(), description.into()));
        self
    }

    /// Whether the model finds the tool by searching instead of having it in
    /// sight from the beginning. For tools in a namespace.
    pub fn defer_loading(mut self, yes: bool) -> Self {
        self.defer_loading = Some(yes);
        self
    }

    /// How long a call may take; as long as it likes by default. The model is
    /// told when it takes longer, and the function is dropped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.time_limit = Some(timeout);
        self
    }

    /// The tool's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The JSON schema of its arguments.
    pub fn input_schema(&self) -> &Value {
        &self.schema
    }

    pub(crate) fn run(&self) -> Arc<Run> {
        Arc::clone(&self.run)
    }

    pub(crate) fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// The name with its namespace, for messages.
    fn full_name(&self) -> Cow<'_, str> {
        match &self.namespace {
            Some((namespace, _)) => format!("{namespace}.{}", self.name).into(),
            None => Cow::Borrowed(&self.name),
        }
    }
}

/// The schema of arguments. In one piece where that is possible, since not every
/// model follows references.
#[cfg(feature = "schemars")]
fn arguments_schema<A: schemars::JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<A>();
    let mut schema = crate::structured::rooted(schema.as_value()).into_owned();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
        if schema.get("type").and_then(Value::as_str) == Some("object") {
            // A struct without fields has none, and the runtime wants them.
            schema
                .entry("properties")
                .or_insert_with(|| serde_json::json!({}));
        }
    }
    schema
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.full_name())
            .finish_non_exhaustive()
    }
}
