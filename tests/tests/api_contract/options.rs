//! The options of threads and turns, each under the name of its wire field.

use std::time::Duration;

use openai_codex::types::{
    JsonObject, SortDirection, ThreadSortKey, ThreadSource, ThreadSourceKind, ThreadStartParams,
    ThreadStartSource,
};
use openai_codex::{ApprovalMode, Codex, Result, Sandbox, Thread, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Empty {}

pub(crate) async fn threads(codex: Codex, tool: Tool, source: ThreadSource) -> Result<()> {
    let start = codex
        .thread_start()
        .approval_mode(ApprovalMode::Inherit)
        .base_instructions("text")
        .config(JsonObject::default())
        .cwd("/")
        .developer_instructions("text")
        .ephemeral(true)
        .model("model")
        .model_provider("provider")
        .personality("none")
        .sandbox(Sandbox::ReadOnly)
        .service_name("name")
        .service_tier("tier")
        .session_start_source(ThreadStartSource::from("startup"))
        .thread_source(source.clone())
        .tool(tool.clone())
        .params(|params: ThreadStartParams| params.ephemeral(false));
    let _: Thread = start.clone().send().await?;
    let _: Thread = start.await?;
    let _: Thread = codex
        .thread_resume("id")
        .approval_mode(ApprovalMode::DenyAll)
        .base_instructions("text")
        .config(JsonObject::default())
        .cwd("/")
        .developer_instructions("text")
        .include_turns(true)
        .model("model")
        .model_provider("provider")
        .personality("none")
        .sandbox(Sandbox::ReadOnly)
        .service_tier("tier")
        .tool(tool.clone())
        .params(|params| params)
        .await?;
    let _: Thread = codex
        .thread_fork("id")
        .approval_mode(ApprovalMode::DenyAll)
        .base_instructions("text")
        .config(JsonObject::default())
        .cwd("/")
        .developer_instructions("text")
        .ephemeral(true)
        .include_turns(true)
        .model("model")
        .model_provider("provider")
        .sandbox(Sandbox::ReadOnly)
        .service_tier("tier")
        .thread_source(source)
        .tool(tool)
        .params(|params| params)
        .await?;
    let page = codex
        .thread_list()
        .archived(true)
        .cursor("cursor")
        .cwd("/".to_owned())
        .limit(1_u32)
        .model_providers(["provider"])
        .search_term("text")
        .section_id("section")
        .unsectioned()
        .sort_direction(SortDirection::Desc)
        .sort_key(ThreadSortKey::from("created_at"))
        .source_kinds([ThreadSourceKind::from("cli")])
        .use_state_db_only(true)
        .params(|params| params);
    let _ = page.send().await?;
    Ok(())
}

macro_rules! turn_options {
    ($turn:expr) => {
        $turn
            .approval_mode(ApprovalMode::AutoReview)
            .cwd("/")
            .effort("high")
            .model("model")
            .personality("none")
            .sandbox(Sandbox::WorkspaceWrite)
            .service_tier("tier")
            .turn_service_tier("default")
            .source("source")
            .summary("auto")
            .timeout(Duration::from_secs(1))
            .output_schema(json!({}))
            .params(|params| params)
    };
}

pub(crate) async fn turns(thread: Thread) -> Result<()> {
    let _ = turn_options!(thread.run("text")).send().await?;
    let _ = turn_options!(thread.turn("text")).send().await?;
    let _ = turn_options!(thread.run_as::<Empty>("text")).send().await?;
    Ok(())
}
