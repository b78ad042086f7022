//! The tools of a thread.

use std::collections::HashMap;

use openai_codex_types::{
    DynamicToolNamespaceTool, DynamicToolSpec, FunctionDynamicToolNamespaceTool,
    FunctionDynamicToolSpec, NamespaceDynamicToolSpec,
};

use super::Tool;
use crate::error::{Error, ErrorKind, Result};

/// How long a tool's name may be.
const NAME: usize = 128;

/// How long a namespace's name may be.
const NAMESPACE: usize = 64;

/// Tools that runtime 0.163.0 has without a namespace. It takes others by these
/// names, and offers the model its own all the same.
const BUILT_IN: &[&str] = &[
    "create_goal",
    "exec_command",
    "get_goal",
    "request_user_input",
    "update_goal",
    "view_image",
    "write_stdin",
];

/// The tools of a thread, by namespace and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Toolbox(HashMap<(Option<String>, String), Tool>);

impl Toolbox {
    /// Checks the tools, so that nothing is sent that the runtime refuses or that
    /// is ambiguous.
    pub(crate) fn new(tools: Vec<Tool>) -> Result<Self> {
        let mut toolbox = HashMap::new();
        let mut namespaces: HashMap<String, String> = HashMap::new();
        for tool in tools {
            let full_name = tool.full_name().into_owned();
            check_name("tool", &tool.name, NAME)?;
            if tool.schema["type"] != "object" {
                return Err(invalid(format!(
                    "the arguments of the tool {full_name:?} must be an object: use a struct, or a \
                     schema of type object"
                )));
            }
            if let Some((name, description)) = &tool.namespace {
                check_name("namespace", name, NAMESPACE)?;
                let known = namespaces
                    .entry(name.clone())
                    .or_insert_with(|| description.clone());
                if known != description {
                    return Err(invalid(format!(
                        "the namespace {name:?} has two descriptions; give its tools the same one"
                    )));
                }
            } else if BUILT_IN.contains(&&*tool.name) {
                return Err(invalid(format!(
                    "{full_name:?} is a tool of the runtime's, which would hide this one; choose \
                     another name, or a namespace"
                )));
            } else if tool.defer_loading == Some(true) {
                return Err(invalid(format!(
                    "the tool {full_name:?} can only be deferred in a namespace"
                )));
            }
            let namespace = tool.namespace.as_ref().map(|(name, _)| name.clone());
            let key = (namespace, tool.name.clone());
            if toolbox.insert(key, tool).is_some() {
                return Err(invalid(format!("there are two tools {full_name:?}")));
            }
        }
        Ok(Self(toolbox))
    }

    /// The same, or nothing if none are given.
    pub(crate) fn given(tools: Vec<Tool>) -> Result<Option<Self>> {
        match tools.is_empty() {
            true => Ok(None),
            false => Self::new(tools).map(Some),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn find(&self, namespace: Option<&str>, name: &str) -> Option<&Tool> {
        let key = (namespace.map(str::to_owned), name.to_owned());
        self.0.get(&key)
    }

    /// What the runtime is told, in an order that does not change.
    pub(crate) fn specs(&self) -> Vec<DynamicToolSpec> {
        let mut tools: Vec<_> = self.0.values().collect();
        tools.sort_by_key(|tool| tool.full_name());
        let mut specs = Vec::new();
        let mut namespaces: Vec<NamespaceDynamicToolSpec> = Vec::new();
        for tool in tools {
            let (about, schema) = (tool.description.as_str(), tool.schema.clone());
            let Some((name, description)) = &tool.namespace else {
                let mut function = FunctionDynamicToolSpec::new(about, schema, &*tool.name);
                function.defer_loading = tool.defer_loading;
                specs.push(DynamicToolSpec::from(function));
                continue;
            };
            let mut function = FunctionDynamicToolNamespaceTool::new(about, schema, &*tool.name);
            function.defer_loading = tool.defer_loading;
            let function = DynamicToolNamespaceTool::from(function);
            match namespaces.iter_mut().find(|it| it.name == *name) {
                Some(namespace) => namespace.tools.push(function),
                None => {
                    let (name, description) = (name.clone(), description.clone());
                    namespaces.push(NamespaceDynamicToolSpec::new(description, name, [function]));
                }
            }
        }
        specs.extend(namespaces.into_iter().map(DynamicToolSpec::from));
        specs
    }
}

/// The rules of the runtime and of the Responses API.
fn check_name(what: &str, name: &str, limit: usize) -> Result<()> {
    let is_valid = !name.is_empty()
        && name.len() <= limit
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-'));
    if !is_valid {
        return Err(invalid(format!(
            "{name:?} is no name for a {what}: it takes 1 to {limit} letters, digits, _ and -"
        )));
    }
    if name == "mcp" || name.starts_with("mcp__") {
        return Err(invalid(format!(
            "{name:?} is no name for a {what}: those that begin with mcp are the runtime's"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
