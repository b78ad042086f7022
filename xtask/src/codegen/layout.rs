//! Which module a type stands in: the domain of the methods that use it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Model, TypeName};
use super::names;

/// A module: its name, what it is about, and the methods that it holds, by the first segments of
/// their names. The longest that fits a method decides.
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    methods: &'static [&'static str],
}

const fn module(
    name: &'static str,
    about: &'static str,
    methods: &'static [&'static str],
) -> Module {
    Module {
        name,
        about,
        methods,
    }
}

/// The module of what belongs to no domain alone.
const SERVER: &str = "server";
/// The module of what several domains share.
const COMMON: &str = "common";

/// All modules, in the order in which a reader wants them.
pub(crate) const MODULES: &[Module] = &[
    module(
        "thread",
        "Threads: what they are, their state, archive, delete.",
        &["thread"],
    ),
    module(
        "thread_start",
        "How a thread begins: start, resume, fork.",
        &["thread/fork", "thread/resume", "thread/start"],
    ),
    module(
        "turn",
        "Turns: start, steer, interrupt, review, plans and errors.",
        &["turn", "review"],
    ),
    module(
        "item",
        "The items of a turn, and their deltas.",
        &["item", "rawResponseItem"],
    ),
    module(
        "approval",
        "What the agent asks for: approvals, answers, and what the runtime's own reviewer says.",
        &[
            "item/autoApprovalReview",
            "item/commandExecution/requestApproval",
            "item/fileChange/requestApproval",
            "item/permissions",
            "item/tool/requestUserInput",
            "applyPatchApproval",
            "autoApprovalReview",
            "execCommandApproval",
            "guardianWarning",
        ],
    ),
    module(
        "thread_history",
        "What is stored of threads: lists, search, turns and items by the page, reverts.",
        &[
            "thread/inject_items",
            "thread/items",
            "thread/list",
            "thread/loaded",
            "thread/read",
            "thread/readState",
            "thread/revert",
            "thread/reverted",
            "thread/search",
            "thread/searchOccurrences",
            "thread/timeline",
            "thread/turns",
        ],
    ),
    module(
        "thread_settings",
        "Names, settings and places of threads, and what is attached to them.",
        &[
            "thread/attachment",
            "thread/attachmentOwner",
            "thread/memoryMode",
            "thread/metadata",
            "thread/name",
            "thread/section",
            "thread/settings",
        ],
    ),
    module(
        "thread_work",
        "What a thread does by itself: goals, queued messages, commands in the background.",
        &[
            "thread/backgroundTerminals",
            "thread/goal",
            "thread/prediction",
            "thread/queue",
            "thread/shellCommand",
        ],
    ),
    module(
        "thread_realtime",
        "Spoken conversations in threads.",
        &["thread/realtime"],
    ),
    module(
        "response_item",
        "Items as the model's interface has them.",
        &[],
    ),
    module(
        "model",
        "Models and what they offer.",
        &["model", "modelProvider"],
    ),
    module(
        "account",
        "Logins, accounts and rate limits.",
        &["account", "accountSession"],
    ),
    module(
        "user_verification",
        "Proofs that the user is there, and of the client itself.",
        &["userVerification", "attestation"],
    ),
    module(
        "config",
        "Configuration, requirements, features and permission profiles.",
        &[
            "config",
            "configWarning",
            "experimentalFeature",
            "permissionProfile",
            "collaborationMode",
        ],
    ),
    module(
        "requirements",
        "What a company requires of the configuration.",
        &["configRequirements"],
    ),
    module(
        "mcp",
        "MCP servers: status, tools, resources, elicitation.",
        &["mcpServer", "mcpServerStatus"],
    ),
    module(
        "plugin",
        "Plugins and marketplaces.",
        &["plugin", "marketplace"],
    ),
    module(
        "skill",
        "Skills, apps and hooks.",
        &["skills", "app", "hooks", "hook"],
    ),
    module(
        "command",
        "Commands and processes that the client runs through the server.",
        &["command", "process"],
    ),
    module(
        "fs",
        "File system access and fuzzy file search.",
        &["fs", "fuzzyFileSearch"],
    ),
    module(
        "environment",
        "Execution environments and remote control.",
        &["environment", "remoteControl", "windowsSandbox", "windows"],
    ),
    module(
        "project",
        "Projects, thread sections and memory.",
        &["project", "threadSection", "memory", "rollout"],
    ),
    module(
        "external_agent",
        "Taking over settings and sessions from other agents.",
        &["externalAgentConfig"],
    ),
    module(
        SERVER,
        "The handshake, warnings, feedback and what else concerns the server as a whole.",
        &[],
    ),
    module(
        COMMON,
        "What several domains share: sandbox, approvals, models of content.",
        &[],
    ),
];

/// The module of every type: of what a message carries the message's, of a telling name what it
/// tells, and of everything else its users' if they stand in one.
pub(crate) fn modules(model: &Model) -> BTreeMap<TypeName, &'static str> {
    let requests = (model.requests.iter().chain(&model.server_requests))
        .flat_map(|it| [&it.params, &it.response].map(|ty| (it.method.as_str(), ty)));
    let notifications = (model
        .notifications
        .iter()
        .chain(&model.client_notifications))
    .map(|it| (it.method.as_str(), &it.params));
    let mut fixed: BTreeMap<&TypeName, &'static str> = BTreeMap::new();
    for (method, ty) in requests.chain(notifications) {
        fixed.entry(ty).or_insert(of_method(method));
    }
    let mut users: BTreeMap<&TypeName, BTreeSet<&TypeName>> = BTreeMap::new();
    for (user, ty) in &model.types {
        for used in ty.shape.mentions().into_iter().filter(|used| *used != user) {
            users.entry(used).or_default().insert(user);
        }
    }
    let mut modules: BTreeMap<TypeName, &'static str> = BTreeMap::new();
    for (name, ty) in &model.types {
        // An inline part stays with what it is a part of.
        let by_name = || ty.owner.is_none().then(|| by_name(name)).flatten();
        if let Some(module) = fixed.get(name).copied().or_else(by_name) {
            modules.insert(name.clone(), module);
        }
    }
    loop {
        // Types that use each other in a circle go with the users that have a module already.
        let by_all = next(model, &users, &modules, false);
        let found = by_all.or_else(|| next(model, &users, &modules, true));
        let Some((name, module)) = found else {
            break;
        };
        modules.insert(name.clone(), module);
    }
    modules
}

/// A type whose users all have a module, or some if that will do, and the module that it gets by them.
fn next<'a>(
    model: &'a Model,
    users: &BTreeMap<&TypeName, BTreeSet<&TypeName>>,
    modules: &BTreeMap<TypeName, &'static str>,
    some_will_do: bool,
) -> Option<(&'a TypeName, &'static str)> {
    model.types.iter().find_map(|(name, ty)| {
        if modules.contains_key(name) {
            return None;
        }
        if let Some(owner) = &ty.owner {
            return Some((name, *modules.get(&owner.definition)?));
        }
        let users = users.get(name).into_iter().flatten();
        let mut theirs: BTreeSet<Option<&'static str>> =
            users.map(|user| modules.get(*user).copied()).collect();
        let is_open = theirs.remove(&None);
        if is_open && (!some_will_do || theirs.is_empty()) {
            return None;
        }
        let module = match theirs.first() {
            Some(Some(module)) if theirs.len() == 1 => module,
            _ => COMMON,
        };
        Some((name, module))
    })
}

/// The module that a method belongs to.
pub(crate) fn of_method(method: &str) -> &'static str {
    let fits = |prefix: &str| {
        let rest = method.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let all = MODULES
        .iter()
        .flat_map(|module| module.methods.iter().map(|prefix| (module.name, *prefix)));
    all.filter(|(_, prefix)| fits(prefix))
        .max_by_key(|(_, prefix)| prefix.len())
        .map_or(SERVER, |(name, _)| name)
}

/// Types whose name says where a reader looks for them: by the words that it begins with.
const BY_NAME: &[(&str, &str)] = &[
    ("thread_item", "item"),
    ("thread_goal", "thread_work"),
    ("thread_queue", "thread_work"),
    ("thread_realtime", "thread_realtime"),
    ("thread_attachment", "thread_settings"),
    ("thread_settings", "thread_settings"),
    ("thread_metadata", "thread_settings"),
    ("thread_section", "thread_settings"),
    ("thread_background", "thread_work"),
    ("thread_items", "thread_history"),
    ("thread_list", "thread_history"),
    ("thread_search", "thread_history"),
    ("thread_timeline", "thread_history"),
    ("thread_turns", "thread_history"),
    ("response_item", "response_item"),
    ("thread", "thread"),
    ("turn", "turn"),
    ("mcp", "mcp"),
    ("plugin", "plugin"),
    ("hook", "skill"),
    ("skill", "skill"),
    ("account", "account"),
];

fn by_name(name: &str) -> Option<&'static str> {
    let words = names::snake(name);
    let starts = |prefix: &str| words == prefix || words.starts_with(&format!("{prefix}_"));
    let mut all = BY_NAME.iter();
    all.find(|(prefix, _)| starts(prefix))
        .map(|(_, module)| *module)
}
