//! `cargo run -p web-chat`, offline with `-- --demo`. Then open the link that it prints.

use anyhow::Result;
use openai_codex::{Codex, CodexBuilder};
use openai_codex_testkit::{MockModel, TestRuntime};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let demo = match std::env::args().any(|arg| arg == "--demo") {
        true => Some(Demo::start()?),
        false => None,
    };
    let builder = demo.as_ref().map_or_else(Codex::builder, Demo::builder);

    let port = if demo.is_some() { 0 } else { 3000 };
    // Of this machine only: whoever can talk to the agent can run commands here.
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    let site = web_chat::chat(builder, address).await?;
    println!("{}", site.link);
    // Not gracefully: that would wait for every page that looks at a turn.
    tokio::select! {
        served = axum::serve(listener, site.router) => served?,
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    Ok(site.codex.close().await?)
}

/// The real runtime with a scripted model. Ends with this.
struct Demo {
    _model: MockModel,
    runtime: TestRuntime,
}

impl Demo {
    fn start() -> Result<Self> {
        let model = MockModel::start()?;
        let says = |word: &'static str, first: bool| {
            move |request: &openai_codex_testkit::ModelRequest| {
                let text = request.last_user_text().unwrap_or_default();
                text.contains(word) && (request.round() == 1) == first
            }
        };
        model
            .when(says("dice", true))
            .calls("dice", json!({ "sides": 6, "dice": 2 }))
            .every_time();
        model
            .when(says("dice", false))
            .deltas(["That is ", "how they ", "fell."])
            .every_time();
        model
            .when(says("file", true))
            .shell_escalated("date > made-by-the-agent.txt", "To make the file")
            .every_time();
        model
            .when(says("file", false))
            .deltas(["As ", "you ", "decided."])
            .every_time();
        let words = "This model is scripted: say “dice” for a tool, “file” for an approval, and \
                     stop me while I talk for the rest. "
            .split_inclusive(' ');
        model
            .when(|_| true)
            .deltas(words)
            .pace(std::time::Duration::from_millis(80))
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
