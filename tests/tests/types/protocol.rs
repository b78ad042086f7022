//! What the specs say is what the lists that they have replaced said.
//!
//! The lists stood in the SDK and in the generator, and are kept here as they were.

use openai_codex_types::messages::AnyServerResponse;
use openai_codex_types::notifications::lookup;
use openai_codex_types::{
    Effect, METHODS, MethodSpec, NOTIFICATIONS, NotificationSpec, PROTOCOL, Role, SERVER_REQUESTS,
    Tier,
};

/// The methods of requests of which this holds, which are among those of a list.
#[track_caller]
fn requests(holds: impl Fn(&MethodSpec) -> bool, listed: &[&str]) {
    let methods = METHODS.iter().filter(|spec| holds(spec));
    same(methods.map(|spec| spec.method), listed);
}

/// The methods of notifications of which this holds.
#[track_caller]
fn notifications(holds: impl Fn(&NotificationSpec) -> bool, listed: &[&str]) {
    let methods = NOTIFICATIONS.iter().filter(|spec| holds(spec));
    same(methods.map(|spec| spec.method), listed);
}

#[track_caller]
fn same<'a>(methods: impl Iterator<Item = &'a str>, listed: &[&str]) {
    let mut listed = listed.to_vec();
    listed.sort_unstable();
    assert_eq!(methods.collect::<Vec<_>>(), listed);
}

/// `Kind::of` and `is_needed`, of the connection.
const KINDS: &[(&str, Role)] = &[
    ("turn/started", Role::TurnStarted),
    ("turn/completed", Role::TurnCompleted),
    ("item/completed", Role::ItemCompleted),
    ("thread/tokenUsage/updated", Role::TokenUsage),
    ("error", Role::TurnError),
    ("thread/closed", Role::ThreadClosed),
    ("thread/archived", Role::ThreadArchived),
    ("thread/deleted", Role::ThreadDeleted),
    ("thread/status/changed", Role::ThreadStatus),
    ("account/login/completed", Role::LoginCompleted),
    ("serverRequest/resolved", Role::RequestResolved),
];

#[test]
fn what_the_connection_understands_is_needed_and_has_its_role() {
    let kinds: Vec<_> = KINDS.iter().map(|(method, _)| *method).collect();
    notifications(|spec| spec.needed, &kinds);
    for (method, role) in KINDS {
        assert_eq!(lookup(method).unwrap().role, Some(*role), "{method}");
        assert_eq!(PROTOCOL.method(*role), Some(*method));
    }
    // `TEXT_DELTA`, of the events.
    let delta = "item/agentMessage/delta";
    notifications(|spec| spec.role.is_some(), &[&kinds[..], &[delta]].concat());
    assert_eq!(PROTOCOL.method(Role::AgentMessageDelta), Some(delta));
}

/// `tier`, of the connection; and `LOSSLESS`, of the generator, which was the same.
const LOSSLESS: &[&str] = &[
    "turn/started",
    "turn/completed",
    "item/completed",
    "item/agentMessage/delta",
    "item/plan/delta",
    "item/reasoning/textDelta",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/summaryPartAdded",
    "thread/tokenUsage/updated",
    "account/login/completed",
    "error",
];

#[test]
fn what_is_lossless_is_as_it_was() {
    // But for this, which became so later: a retry resets the deltas of an item on it.
    let lossless = [LOSSLESS, &["item/started"]].concat();
    notifications(|spec| spec.tier == Tier::Lossless, &lossless);
}

/// `is_long_running`, of the connection.
const LONG_RUNNING: &[&str] = &[
    "command/exec",
    "mcpServer/tool/call",
    "marketplace/add",
    "marketplace/upgrade",
    "plugin/install",
    "plugin/reconcile",
    "feedback/upload",
    "account/gatewayOAuth/login",
    "userVerification/enroll",
    "userVerification/verify",
    "rollout/compress",
];

#[test]
fn what_waits_is_as_it_was() {
    let since = [
        "accountSession/switch",
        "feedback/save",
        "thread/guardianReview",
        "thread/sample",
    ];
    requests(
        |spec| spec.waits.is_some(),
        &[LONG_RUNNING, &since].concat(),
    );
}

/// `only_reads`, of retrying.
const ONLY_READ: &[&str] = &[
    "account/gatewayOAuth/read",
    "account/rateLimits/read",
    "account/read",
    "account/usage/read",
    "account/workspaceMessages/read",
    "app/installed",
    "app/list",
    "app/read",
    "collaborationMode/list",
    "config/read",
    "configRequirements/read",
    "environment/info",
    "environment/status",
    "experimentalFeature/list",
    "externalAgentConfig/import/readHistories",
    "fs/getMetadata",
    "fs/readDirectory",
    "fs/readFile",
    "fuzzyFileSearch",
    "hooks/list",
    "mcpServer/resource/read",
    "mcpServerStatus/list",
    "memory/status",
    "model/list",
    "modelProvider/capabilities/read",
    "permissionProfile/list",
    "plugin/installed",
    "plugin/list",
    "plugin/read",
    "plugin/search",
    "plugin/share/list",
    "plugin/skill/read",
    "project/list",
    "project/read",
    "remoteControl/client/list",
    "remoteControl/pairing/status",
    "remoteControl/status/read",
    "server/diagnostics",
    "skills/list",
    "thread/attachment/list",
    "thread/attachmentOwner/list",
    "thread/backgroundTerminals/list",
    "thread/goal/get",
    "thread/items/list",
    "thread/items/read",
    "thread/list",
    "thread/loaded/list",
    "thread/queue/list",
    "thread/read",
    "thread/realtime/listVoices",
    "thread/search",
    "thread/searchOccurrences",
    "thread/timeline/list",
    "thread/turns/list",
    "threadSection/list",
    "userVerification/status",
    "windowsSandbox/readiness",
];

#[test]
fn what_only_reads_is_as_it_was() {
    let since = [
        "account/securitySetup/read",
        "accountSession/list",
        "modelProvider/list",
        "thread/memory/read",
        "thread/realtime/list",
        "thread/search/stream",
    ];
    requests(
        |spec| spec.effect == Effect::Reads,
        &[ONLY_READ, &since].concat(),
    );
}

/// `refusal`, of the connection.
const REFUSALS: &[(&str, &str)] = &[
    (
        "applyPatchApproval",
        r#"{"decision":{"denied":{"rejection":"this client did not approve it"}}}"#,
    ),
    (
        "execCommandApproval",
        r#"{"decision":{"denied":{"rejection":"this client did not approve it"}}}"#,
    ),
    (
        "item/commandExecution/requestApproval",
        r#"{"decision":"decline"}"#,
    ),
    (
        "item/fileChange/requestApproval",
        r#"{"decision":"decline"}"#,
    ),
    (
        "item/permissions/requestApproval",
        r#"{"permissions":{},"scope":"turn"}"#,
    ),
    ("mcpServer/elicitation/request", r#"{"action":"decline"}"#),
];

#[test]
fn what_is_refused_by_an_answer_is_as_it_was() {
    let refused = SERVER_REQUESTS
        .iter()
        .filter_map(|spec| Some((spec.method, spec.refusal?)));
    assert_eq!(refused.collect::<Vec<_>>(), REFUSALS);
    for (method, json) in REFUSALS {
        let answer = AnyServerResponse::decode(method, json).unwrap();
        assert_eq!(answer.method(), *method);
        assert!(!matches!(answer, AnyServerResponse::Unrecognized(_)));
        let given = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        let read = serde_json::to_string(&answer).unwrap();
        assert_eq!(given(&read), given(json), "{method}");
    }
}

#[test]
fn what_the_connection_asks_by_role_is_as_it_was() {
    // `Follow::of`, and the methods that the connection sends by itself.
    for (method, role) in [
        ("initialize", Role::Initialize),
        ("thread/resume", Role::ThreadResume),
        ("thread/turns/list", Role::ThreadTurnsList),
        ("thread/unsubscribe", Role::ThreadUnsubscribe),
        ("turn/interrupt", Role::TurnInterrupt),
        ("turn/start", Role::TurnStart),
    ] {
        assert_eq!(PROTOCOL.request(method).unwrap().role, Some(role));
        assert_eq!(PROTOCOL.method(role), Some(method));
    }
    assert!(
        Role::ALL
            .iter()
            .all(|role| PROTOCOL.method(*role).is_some())
    );
}

#[test]
fn what_is_urgent_is_as_it_was() {
    let since = [
        "thread/sample/cancel",
        "thread/search/cancel",
        "thread/search/stream/cancel",
    ];
    let urgent = ["turn/interrupt", "turn/steer"];
    requests(|spec| spec.urgent, &[&urgent[..], &since].concat());
}

#[test]
fn what_was_secret_is_and_so_is_what_is_not_known() {
    // `may_hold_secrets`, of errors.
    let may_hold_secrets = |method: &str| {
        let method = method.to_ascii_lowercase();
        [
            "login",
            "auth",
            "token",
            "attestation",
            "pairing",
            "userverification",
            "environment/add",
            // It came later.
            "accountsession/switch",
        ]
        .iter()
        .any(|word| method.contains(word))
    };
    let all = (METHODS.iter().map(|spec| (spec.method, spec.secret)))
        .chain(NOTIFICATIONS.iter().map(|spec| (spec.method, spec.secret)))
        .chain(
            SERVER_REQUESTS
                .iter()
                .map(|spec| (spec.method, spec.secret)),
        );
    for (method, secret) in all {
        assert_eq!(secret, may_hold_secrets(method), "{method}");
        assert_eq!(PROTOCOL.is_secret(method), secret, "{method}");
    }
    assert!(PROTOCOL.is_secret("from/the/future"));
}

#[test]
fn every_method_is_found_and_no_other() {
    for spec in METHODS {
        assert_eq!(PROTOCOL.request(spec.method), Some(spec));
        assert_eq!(PROTOCOL.notification(spec.method), None);
    }
    for spec in NOTIFICATIONS {
        assert_eq!(PROTOCOL.notification(spec.method), Some(spec));
        assert_eq!(lookup(spec.method), Some(spec));
        assert_eq!(PROTOCOL.server_request(spec.method), None);
    }
    for spec in SERVER_REQUESTS {
        assert_eq!(PROTOCOL.server_request(spec.method), Some(spec));
        assert_eq!(PROTOCOL.request(spec.method), None);
    }
    for other in ["", "turn/starts", "Turn/start", "turn/start ", "moon/phase"] {
        assert_eq!(PROTOCOL.request(other), None);
        assert_eq!(PROTOCOL.notification(other), None);
        assert_eq!(PROTOCOL.server_request(other), None);
    }
}

#[test]
fn what_an_older_runtime_lacks_is_known_with_its_version() {
    let since = |method: &str, member: &str| {
        let spec = PROTOCOL.request(method).unwrap();
        let member = spec.newer_members.iter().find(|it| it.name == member);
        member.map(|it| it.since)
    };
    // Those that the SDK guarded by hand, measured at 0.151.0.
    for member in ["toolOutput", "turnTrigger", "serviceTierForTurn"] {
        assert_eq!(since("turn/start", member), Some("0.151.0"), "{member}");
    }
    // It was guarded as well, and stands in every export.
    for method in ["thread/resume", "thread/fork"] {
        assert_eq!(since(method, "excludeTurns"), None, "{method}");
    }
    assert_eq!(since("turn/start", "input"), None);
    assert_eq!(PROTOCOL.request("thread/start").unwrap().since, None);
    assert_eq!(
        PROTOCOL.request("thread/revert").unwrap().since,
        Some("0.151.0")
    );
    assert_eq!(lookup("thread/deleted").unwrap().since, Some("0.144.4"));
    let time = PROTOCOL.server_request("currentTime/read").unwrap();
    assert_eq!(time.since, Some("0.144.4"));
}
