//! The real runtime with a scripted model, for `--demo`.

use std::time::Duration;

use openai_codex::{Codex, CodexBuilder};
use openai_codex_testkit::{MockModel, ModelRequest, Result, TestRuntime};

const PATCH: &str = "*** Begin Patch
*** Add File: greeting.txt
+Hello,
+terminal.
*** End Patch";

/// Ends with this.
pub struct Demo {
    _model: MockModel,
    runtime: TestRuntime,
}

impl Demo {
    /// Sets it up.
    pub fn start() -> Result<Self> {
        let model = MockModel::start()?;
        let says = |word: &'static str, round: usize| {
            move |request: &ModelRequest| {
                let text = request.last_user_text().unwrap_or_default();
                text.contains(word) && request.round() == round
            }
        };
        model.when(says("patch", 1)).apply_patch(PATCH).every_time();
        model
            .when(says("file", 1))
            .shell_escalated("date > made-by-the-agent.txt", "To make the file")
            .every_time();
        model
            .when(says("patch", 2))
            .say("Ctrl-D shows all that I have changed.")
            .every_time();
        model
            .when(says("file", 2))
            .say("As you decided.")
            .every_time();
        let words = "This model is scripted: say “file” or “patch” for an approval, and press Esc \
                     while I talk to stop me. "
            .split_inclusive(' ');
        model
            .when(|_| true)
            .deltas(words)
            .pace(Duration::from_millis(80))
            .every_time();
        // So that patches are asked about.
        let runtime = TestRuntime::builder(&model)
            .sandbox_mode("read-only")
            .build()?;
        Ok(Self {
            _model: model,
            runtime,
        })
    }

    /// A client of it.
    pub fn builder(&self) -> CodexBuilder {
        Codex::builder()
            .codex_bin(self.runtime.binary())
            .envs(self.runtime.env())
            .cwd(self.runtime.workspace())
    }
}
