//! Which module a type stands in: the domain of the methods that use it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Model, Owner, TypeName};
use super::names;

/// Modules, with the first segments of the methods that they hold.
const MODULES: &[(&str, &[&str])] = &[
    ("account", &["account", "userVerification", "attestation"]),
    ("command", &["command", "process"]),
    (
        "config",
        &[
            "config",
            "configRequirements",
            "configWarning",
            "experimentalFeature",
            "permissionProfile",
            "collaborationMode",
            "externalAgentConfig",
        ],
    ),
    (
        "environment",
        &["environment", "remoteControl", "windowsSandbox", "windows"],
    ),
    ("fs", &["fs", "fuzzyFileSearch"]),
    (
        "item",
        &[
            "item",
            "rawResponseItem",
            "applyPatchApproval",
            "execCommandApproval",
        ],
    ),
    ("mcp", &["mcpServer", "mcpServerStatus"]),
    ("model", &["model", "modelProvider"]),
    (
        "plugin",
        &["plugin", "marketplace", "skills", "app", "hooks", "hook"],
    ),
    (
        "project",
        &["project", "threadSection", "memory", "rollout"],
    ),
    ("thread", &["thread"]),
    ("turn", &["turn", "review"]),
];

/// The module of what belongs to no domain alone: handshake, warnings, feedback.
const SERVER: &str = "server";
/// The module of what several domains share.
const COMMON: &str = "common";

/// What each module is about, for its documentation.
pub(crate) const ABOUT: &[(&str, &str)] = &[
    (
        "account",
        "Logins, accounts, rate limits and user verification.",
    ),
    (
        "command",
        "Commands and processes that the client runs through the server.",
    ),
    (
        "common",
        "What several domains share: sandbox, approvals, models of content.",
    ),
    (
        "config",
        "Configuration, requirements, features and permission profiles.",
    ),
    ("environment", "Execution environments and remote control."),
    ("fs", "File system access and fuzzy file search."),
    (
        "item",
        "The items of a turn, their deltas, and the approvals they ask for.",
    ),
    ("mcp", "MCP servers: status, tools, resources, elicitation."),
    ("model", "Models and what they offer."),
    ("plugin", "Plugins, marketplaces, skills, apps and hooks."),
    ("project", "Projects, thread sections and memory."),
    (
        "server",
        "The handshake, warnings, feedback and what else concerns the server as a whole.",
    ),
    (
        "thread",
        "Threads: start, resume, fork, list, read, settings, goals, realtime.",
    ),
    (
        "turn",
        "Turns: start, steer, interrupt, review, plans and errors.",
    ),
];

/// The module of every type.
pub(crate) fn modules(model: &Model) -> BTreeMap<TypeName, &'static str> {
    let mut users: BTreeMap<&TypeName, BTreeSet<&'static str>> = BTreeMap::new();
    let mut fixed: BTreeMap<&TypeName, &'static str> = BTreeMap::new();
    let messages = (model.requests.iter().chain(&model.server_requests))
        .flat_map(|it| {
            [
                (it.method.as_str(), &it.params),
                (it.method.as_str(), &it.response),
            ]
        })
        .chain(
            model
                .notifications
                .iter()
                .chain(&model.client_notifications)
                .map(|it| (it.method.as_str(), &it.params)),
        );
    for (method, ty) in messages {
        let module = of_method(method);
        fixed.entry(ty).or_insert(module);
        for name in model.reachable([ty]) {
            users.entry(name).or_default().insert(module);
        }
    }
    let mut modules = BTreeMap::new();
    for name in model.types.keys() {
        let users = users.get(name);
        let module = match (
            fixed.get(name).copied(),
            by_name(name),
            users.map(|it| it.iter().copied().collect::<Vec<_>>()),
        ) {
            (Some(module), _, _) | (None, Some(module), _) => module,
            (None, None, Some(users)) if users.len() == 1 => users[0],
            _ => COMMON,
        };
        modules.insert(name.clone(), module);
    }
    // An inline part stays with what it is a part of.
    for (name, ty) in &model.types {
        let mut owner: Option<&Owner> = ty.owner.as_ref();
        while let Some(Owner { definition, .. }) = owner {
            if let Some(module) = modules.get(definition).copied() {
                modules.insert(name.clone(), module);
            }
            owner = model.types.get(definition).and_then(|ty| ty.owner.as_ref());
        }
    }
    modules
}

fn of_method(method: &str) -> &'static str {
    let domain = method.split('/').next().unwrap_or(method);
    MODULES
        .iter()
        .find(|(_, domains)| domains.contains(&domain))
        .map_or(SERVER, |(module, _)| module)
}

/// Types whose name says where a reader looks for them.
fn by_name(name: &str) -> Option<&'static str> {
    let words = names::snake(name);
    let starts = |prefix: &str| words == prefix || words.starts_with(&format!("{prefix}_"));
    if starts("thread_item") {
        return Some("item");
    }
    [
        ("thread", "thread"),
        ("turn", "turn"),
        ("mcp", "mcp"),
        ("plugin", "plugin"),
        ("hook", "plugin"),
        ("skill", "plugin"),
        ("account", "account"),
    ]
    .into_iter()
    .find(|(prefix, _)| starts(prefix))
    .map(|(_, module)| module)
}
