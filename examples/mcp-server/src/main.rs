//! `cargo run -p codex-mcp-server`: an MCP server on stdin and stdout; offline with `-- --demo`.
//!
//! In another agent's configuration: `command = "codex-mcp-server"`.

use anyhow::Result;
use codex_mcp_server::CodexServer;
use openai_codex::{Codex, CodexBuilder};
use openai_codex_testkit::{MockModel, TestRuntime};
use rmcp::ServiceExt;
use rmcp::transport::stdio;

#[tokio::main]
async fn main() -> Result<()> {
    let demo = match std::env::args().any(|arg| arg == "--demo") {
        true => Some(Demo::start()?),
        false => None,
    };
    let codex = demo
        .as_ref()
        .map_or_else(Codex::builder, Demo::builder)
        .await?;
    let server = CodexServer::new(codex.clone()).serve(stdio()).await?;
    server.waiting().await?;
    Ok(codex.close().await?)
}

/// The real runtime with a scripted model, which asks for an approval in each turn. Ends with this.
struct Demo {
    _model: MockModel,
    runtime: TestRuntime,
}

impl Demo {
    fn start() -> Result<Self> {
        let model = MockModel::start()?;
        model
            .when(|request| request.round() == 1)
            .shell_escalated("date > made-by-codex.txt", "To show an approval")
            .every_time();
        model
            .when(|request| request.round() > 1)
            .say("This model is scripted: I wanted to make a file, and you decided.")
            .every_time();
        let runtime = TestRuntime::new(&model)?;
        Ok(Self {
            _model: model,
            runtime,
        })
    }

    fn builder(&self) -> CodexBuilder {
        Codex::builder()
            .codex_bin(self.runtime.binary())
            .envs(self.runtime.env())
            .cwd(self.runtime.workspace())
    }
}
