//! What the schema gets wrong, or cannot say, about the runtime: one entry each, with the reason.
//!
//! A fixup edits the normalised definitions, mostly by an `x-…` annotation that
//! lowering understands. Every target of a fixup must be there and must need
//! it; one that changes nothing is an error, so that the list cannot rot. For
//! another runtime's schema `--lenient-fixups` turns those errors into a report.

mod target;

use anyhow::{Result, bail};
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde_json::{Value, json};

use super::read::{Definitions, literal, object, object_mut, property, property_mut, types};
pub(crate) use target::member_place;
use target::{
    annotate, annotate_members, member_of, missed, missed_by, place, request_of, request_place,
    union_of,
};

/// One upstream quirk.
struct Fixup {
    name: &'static str,
    why: &'static str,
    /// Applies it; returns the targets that it did not apply to, each with its place.
    apply: fn(&mut Definitions) -> Vec<String>,
}

const FIXUPS: &[Fixup] = &[
    Fixup {
        name: "methods_left_out",
        why: "`mock/*` exists for the runtime's own tests",
        apply: leave_out_methods,
    },
    Fixup {
        name: "response_pairs",
        why: "the schema does not pair methods with responses, and these do not follow `XParams` -> `XResponse`",
        apply: pair_responses,
    },
    Fixup {
        name: "three_state_fields",
        why: "the runtime tells absent from null here; the JSON schema does not say so, its TypeScript export or the member's description does",
        apply: mark_three_state,
    },
    Fixup {
        name: "open_strings",
        why: "documented values of what the schema calls a plain string",
        apply: name_open_strings,
    },
    Fixup {
        name: "open_objects",
        why: "the runtime flattens a map into it; the JSON schema drops that, its TypeScript export does not",
        apply: open_objects,
    },
    Fixup {
        name: "untagged_member_names",
        why: "members without a tag have no name in the schema",
        apply: name_untagged_members,
    },
    Fixup {
        name: "secrets",
        why: "keys, tokens, pairing codes and authorisation URLs must not appear in `Debug`",
        apply: mark_secrets,
    },
    Fixup {
        name: "outlines",
        why: "configuration, variables and answers can hold keys and passwords, so `Debug` tells their names alone",
        apply: outline,
    },
    Fixup {
        name: "own_ids",
        why: "a member called just `id` does not say of what",
        apply: mark_ids,
    },
    Fixup {
        name: "catch_all_of_codex_error_info",
        why: "its last branch allows any string or object, which is what `Unrecognized` keeps",
        apply: drop_catch_all,
    },
    Fixup {
        name: "elicitation_mode_names",
        why: "`openai/form` and `openaiForm` are two modes and would be one name",
        apply: name_elicitation_modes,
    },
    Fixup {
        name: "absent_before",
        why: "older runtimes do not send these, and the types decode what they send",
        apply: mark_absent_before,
    },
    Fixup {
        name: "realtime_item_aliases",
        why: "the runtime's two exports disagree on the case of these members; both are accepted",
        apply: alias_realtime_members,
    },
];

/// Applies every fixup.
///
/// Returns a line for each target that one did not apply to.
///
/// # Errors
/// One that does not apply, unless `lenient`.
pub(crate) fn apply(definitions: &mut Definitions, lenient: bool) -> Result<Vec<String>> {
    let mut report = Vec::new();
    for fixup in FIXUPS {
        for missed in (fixup.apply)(definitions) {
            let line = format!(
                "{missed} (fixups): {} no longer applies; it is there because {}",
                fixup.name, fixup.why
            );
            if !lenient {
                bail!(
                    "{line}; for another runtime's schema pass --lenient-fixups, for the pin mend xtask/src/schema/fixups.rs"
                );
            }
            report.push(line);
        }
    }
    Ok(report)
}

/// Methods that are not generated.
pub(crate) const METHODS_LEFT_OUT: &[&str] = &["mock/experimentalMethod"];

fn leave_out_methods(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        METHODS_LEFT_OUT,
        |method| request_place(method),
        |method| {
            // It stays where it is, or the pointers to what follows it would not be right.
            annotate(request_of(definitions, method), "x-left-out", json!(true))
        },
    )
}

/// The requests whose response does not have their name.
pub(crate) const RESPONSES: &[(&str, &str)] = &[
    ("account/gatewayOAuth/cancel", "GatewayOAuthCancelResponse"),
    ("account/gatewayOAuth/login", "GatewayOAuthLoginResponse"),
    ("account/gatewayOAuth/read", "GatewayOAuthReadResponse"),
    ("account/logout", "LogoutAccountResponse"),
    (
        "account/securitySetup/read",
        "GetAccountSecuritySetupResponse",
    ),
    (
        "account/workspaceMessages/read",
        "GetWorkspaceMessagesResponse",
    ),
    ("accountSession/list", "AccountSessionsResponse"),
    ("config/batchWrite", "ConfigWriteResponse"),
    ("config/mcpServer/reload", "McpServerRefreshResponse"),
    ("config/value/write", "ConfigWriteResponse"),
    ("configRequirements/read", "ConfigRequirementsReadResponse"),
    (
        "externalAgentConfig/import/readHistories",
        "ExternalAgentConfigImportHistoriesReadResponse",
    ),
    ("memory/reset", "MemoryResetResponse"),
    // Seen with 0.171.0.
    ("modelProvider/default/set", "ConfigWriteResponse"),
    (
        "remoteControl/status/read",
        "RemoteControlStatusReadResponse",
    ),
    ("rollout/compress", "RolloutCompressResponse"),
    (
        "windowsSandbox/readiness",
        "WindowsSandboxReadinessResponse",
    ),
];

fn pair_responses(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        RESPONSES,
        |(method, response)| format!("{} -> {response}", request_place(method)),
        |(method, response)| {
            if !definitions.contains_key(*response) {
                return false;
            }
            let request = request_of(definitions, method);
            annotate(request, "x-response", json!(response))
        },
    )
}

const THREE_STATE: &[(&str, &str)] = &[
    ("ProcessSpawnParams", "outputBytesCap"),
    ("ProcessSpawnParams", "timeoutMs"),
    ("ThreadForkParams", "serviceTier"),
    ("ThreadGoalSetParams", "tokenBudget"),
    ("ThreadListParams", "projectId"),
    ("ThreadListParams", "sectionId"),
    ("ThreadMetadataGitInfoUpdateParams", "branch"),
    ("ThreadMetadataGitInfoUpdateParams", "originUrl"),
    ("ThreadMetadataGitInfoUpdateParams", "sha"),
    ("ThreadRealtimeStartParams", "prompt"),
    ("ThreadResumeParams", "serviceTier"),
    ("ThreadSectionUpdateParams", "appearance"),
    ("ThreadSettingsUpdateParams", "serviceTier"),
    ("ThreadStartParams", "serviceTier"),
    ("TurnSettingsUpdateParams", "serviceTier"),
    ("TurnStartParams", "serviceTier"),
];

fn mark_three_state(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        THREE_STATE,
        |(name, member)| place(&[name, "properties", member]),
        |(name, member)| {
            annotate(
                member_of(definitions, name, None, member),
                "x-three-state",
                json!(true),
            )
        },
    )
}

const OPEN_STRINGS: &[(&str, &[&str])] = &[
    (
        "ReasoningEffort",
        &[
            "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra",
        ],
    ),
    (
        "ThreadSource",
        &["user", "subagent", "memory_consolidation"],
    ),
];

fn name_open_strings(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        OPEN_STRINGS,
        |(name, _)| place(&[name]),
        |(name, values)| {
            let schema = definitions.get_mut(*name).filter(|schema| {
                types(schema) == [InstanceType::String] && schema.enum_values.is_none()
            });
            let values = values.iter().map(|value| json!(value));
            schema.is_some_and(|it| it.enum_values.replace(values.collect()).is_none())
        },
    )
}

/// Objects that have members besides those that the schema names.
const OPEN_OBJECTS: &[&str] = &["AppsConfig"];

fn open_objects(definitions: &mut Definitions) -> Vec<String> {
    missed(OPEN_OBJECTS, |name| {
        let any = Some(Box::new(Schema::Bool(true)));
        let object = definitions.get_mut(name).and_then(|it| it.object.as_mut());
        object.is_some_and(|it| {
            it.additional_properties.is_none() && {
                it.additional_properties = any;
                true
            }
        })
    })
}

/// Definition, kind of a tagged union, member.
const SECRETS: &[(&str, Option<&str>, &str)] = &[
    ("AccountSessionsSwitchResponse", Some("Login"), "auth_url"),
    ("AttestationGenerateResponse", None, "token"),
    ("ChatgptAuthTokensRefreshResponse", None, "accessToken"),
    ("EnvironmentAddParams", None, "authBearerToken"),
    ("GatewayOAuthChangedNotification", None, "authUrl"),
    ("GatewayOAuthPrompt", None, "userCode"),
    ("LoginAccountParams", Some("amazonBedrock"), "apiKey"),
    (
        "LoginAccountParams",
        Some("amazonBedrockAccessKeys"),
        "accessKeyId",
    ),
    (
        "LoginAccountParams",
        Some("amazonBedrockAccessKeys"),
        "secretAccessKey",
    ),
    (
        "LoginAccountParams",
        Some("amazonBedrockAccessKeys"),
        "sessionToken",
    ),
    ("LoginAccountParams", Some("apiKey"), "apiKey"),
    (
        "LoginAccountParams",
        Some("chatgptAuthTokens"),
        "accessToken",
    ),
    ("LoginAccountResponse", Some("chatgpt"), "authUrl"),
    (
        "LoginAccountResponse",
        Some("chatgptDeviceCode"),
        "userCode",
    ),
    ("McpServerOauthLoginResponse", None, "authorizationUrl"),
    (
        "RemoteControlPairingStartResponse",
        None,
        "manualPairingCode",
    ),
    ("RemoteControlPairingStartResponse", None, "pairingCode"),
    (
        "RemoteControlPairingStatusParams",
        None,
        "manualPairingCode",
    ),
    ("RemoteControlPairingStatusParams", None, "pairingCode"),
    ("UserVerificationProof", None, "signature"),
];

fn mark_secrets(definitions: &mut Definitions) -> Vec<String> {
    annotate_members(definitions, SECRETS, "x-type", &json!("secret"))
}

/// Definition, kind of a tagged union, member.
const OUTLINES: &[(&str, Option<&str>, &str)] = &[
    ("CommandExecParams", None, "env"),
    ("ConfigEdit", None, "value"),
    ("ConfigLayer", None, "config"),
    ("ConfigRequirements", None, "modelProviders"),
    ("ConfigValueWriteParams", None, "value"),
    ("LocalShellAction", Some("exec"), "env"),
    ("McpServerElicitationRequestResponse", None, "content"),
    ("OtelExporter", Some("otlp-grpc"), "headers"),
    ("OtelExporter", Some("otlp-http"), "headers"),
    ("OverriddenMetadata", None, "effectiveValue"),
    ("ProcessSpawnParams", None, "env"),
    ("RequestHeader", None, "value"),
    ("ThreadForkParams", None, "config"),
    ("ThreadResumeParams", None, "config"),
    ("ThreadStartParams", None, "config"),
    ("ToolRequestUserInputAnswer", None, "answers"),
];

fn outline(definitions: &mut Definitions) -> Vec<String> {
    annotate_members(definitions, OUTLINES, "x-outlined", &json!(true))
}

fn mark_ids(definitions: &mut Definitions) -> Vec<String> {
    let mut missed = missed_by(
        &[("Thread", "thread"), ("Turn", "turn")],
        |(name, _)| place(&[name, "properties", "id"]),
        |(name, id)| {
            annotate(
                member_of(definitions, name, None, "id"),
                "x-type",
                json!(id),
            )
        },
    );
    let mut marked = 0;
    for branch in union_of(definitions, "ThreadItem").into_iter().flatten() {
        let id = property_mut(object_mut(branch), "id");
        marked += usize::from(annotate(id, "x-type", json!("item")));
    }
    if marked == 0 {
        missed.push(format!(
            "{}/*/properties/id",
            place(&["ThreadItem", "oneOf"])
        ));
    }
    missed
}

fn drop_catch_all(definitions: &mut Definitions) -> Vec<String> {
    missed(&["CodexErrorInfo"], |name| {
        let Some(branches) = union_of(definitions, name) else {
            return false;
        };
        let before = branches.len();
        let any = [InstanceType::String, InstanceType::Object];
        branches.retain(|branch| types(object(branch)) != any);
        branches.len() < before
    })
}

fn name_elicitation_modes(definitions: &mut Definitions) -> Vec<String> {
    let union = "McpServerElicitationRequestParams";
    let name = |mode: &&str| format!("{} `{mode}`", place(&[union, "oneOf"]));
    missed_by(&["openai/form"], name, |mode| {
        let is_of_mode =
            |branch: &&mut SchemaObject| property(branch, "mode").and_then(literal) == Some(*mode);
        let branches = union_of(definitions, union).into_iter().flatten();
        let branch = branches.map(object_mut).find(is_of_mode);
        annotate(branch, "x-name", json!("OpenaiFormExtension"))
    })
}

const UNTAGGED: &[(&str, &[&str])] = &[
    ("AccountSessionsSwitchResponse", &["Sessions", "Login"]),
    ("ForcedChatgptWorkspaceIds", &["One", "Many"]),
    ("FunctionCallOutputBody", &["Text", "ContentItems"]),
    ("ThreadItemsListCursor", &["Opaque", "Anchor"]),
    ("ThreadListCwdFilter", &["One", "Many"]),
];

fn name_untagged_members(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        UNTAGGED,
        |(name, _)| place(&[name]),
        |(name, members)| {
            let Some(branches) = union_of(definitions, name) else {
                return false;
            };
            branches.len() == members.len()
                && branches
                    .iter_mut()
                    .map(object_mut)
                    .zip(*members)
                    .all(|(branch, member)| annotate(Some(branch), "x-name", json!(member)))
        },
    )
}

/// A required member that came with a version, and what its absence before that means.
pub(crate) struct AbsentBefore {
    pub(crate) definition: &'static str,
    /// Of a tagged union: the kind that has the member.
    pub(crate) kind: Option<&'static str>,
    pub(crate) member: &'static str,
    pub(crate) version: &'static str,
    /// As JSON.
    pub(crate) means: &'static str,
}

/// Checked against the exports in `schema/runtimes/`, which also say what is missing here. What may
/// be null needs no entry: there absence is null.
pub(crate) const ABSENT_BEFORE: &[AbsentBefore] = &[
    AbsentBefore {
        definition: "ExternalAgentConfigImportHistoriesReadResponse",
        kind: None,
        member: "connectors",
        version: "0.151.0",
        means: "[]",
    },
    // Profiles that were not allowed were not listed.
    AbsentBefore {
        definition: "PermissionProfileSummary",
        kind: None,
        member: "allowed",
        version: "0.144.4",
        means: "true",
    },
    AbsentBefore {
        definition: "PluginDetail",
        kind: None,
        member: "appTemplates",
        version: "0.144.4",
        means: "[]",
    },
    // A turn waited for every answer.
    AbsentBefore {
        definition: "ToolRequestUserInputParams",
        kind: None,
        member: "isBlocking",
        version: "0.151.0",
        means: "true",
    },
];

fn mark_absent_before(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        ABSENT_BEFORE,
        |it| member_place(it.definition, it.kind, it.member),
        |it| {
            let value: Value = serde_json::from_str(it.means).expect("the meaning is JSON");
            let member = member_of(definitions, it.definition, it.kind, it.member);
            annotate(
                member,
                "x-absent-before",
                json!({"version": it.version, "value": value}),
            )
        },
    )
}

fn alias_realtime_members(definitions: &mut Definitions) -> Vec<String> {
    missed_by(
        &[("item_id", "itemId"), ("turn_id", "turnId")],
        |(member, _)| {
            let union = place(&["ThreadRealtimeItem", "oneOf"]);
            format!("{union} `bemItemPromoted`, member {member}")
        },
        |(member, alias)| {
            annotate(
                member_of(
                    definitions,
                    "ThreadRealtimeItem",
                    Some("bemItemPromoted"),
                    member,
                ),
                "x-alias",
                json!(alias),
            )
        },
    )
}
