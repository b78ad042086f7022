//! What the examples have in common: with `--demo` they run offline, on the
//! real runtime with a scripted model and a scripted user.
// Each example uses its part of this.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::{Codex, CodexBuilder};
use openai_codex_testkit::{MockModel, TestRuntime};

pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What an example plays on: your Codex, or with `--demo` a scripted one.
pub(crate) struct Stage(Option<Scene>);

struct Scene {
    model: MockModel,
    runtime: TestRuntime,
}

/// Sets the stage. With `--demo`, the model says what `script` tells it to.
pub(crate) fn stage(script: impl FnOnce(&MockModel)) -> Result<Stage> {
    if !std::env::args().any(|arg| arg == "--demo") {
        return Ok(Stage(None));
    }
    let model = MockModel::start()?;
    script(&model);
    let runtime = TestRuntime::new(&model)?;
    Ok(Stage(Some(Scene { model, runtime })))
}

impl Stage {
    /// `Codex::builder()`, of the scripted runtime if this is a demo.
    pub(crate) fn builder(&self) -> CodexBuilder {
        match &self.0 {
            None => Codex::builder(),
            Some(Scene { runtime, .. }) => Codex::builder()
                .codex_bin(runtime.binary())
                .envs(runtime.env())
                .cwd(runtime.workspace()),
        }
    }

    /// `blocking::Codex::builder()`, of the scripted runtime if this is a demo.
    #[cfg(feature = "blocking")]
    pub(crate) fn blocking_builder(&self) -> openai_codex::blocking::CodexBuilder {
        use openai_codex::blocking::Codex;

        match &self.0 {
            None => Codex::builder(),
            Some(Scene { runtime, .. }) => Codex::builder()
                .codex_bin(runtime.binary())
                .envs(runtime.env())
                .cwd(runtime.workspace()),
        }
    }

    /// Whether this is a demo.
    pub(crate) fn is_demo(&self) -> bool {
        self.0.is_some()
    }

    /// The folder that the agent works in.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        Ok(match &self.0 {
            None => std::env::current_dir()?,
            Some(Scene { runtime, .. }) => Path::to_owned(runtime.workspace()),
        })
    }

    /// The scripted model, if this is a demo.
    pub(crate) fn model(&self) -> Option<&MockModel> {
        self.0.as_ref().map(|scene| &scene.model)
    }

    /// The person at the keyboard; in a demo, one who types these lines.
    pub(crate) fn user<const N: usize>(&self, demo: [&str; N]) -> User {
        let script = self.0.is_some().then(|| demo.map(str::to_owned).into());
        User(Arc::new(Mutex::new(script)))
    }
}

/// A script that was not played to its end is a mistake in the example.
impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.model().map(MockModel::verify) {
            eprintln!("the demo did not follow its script: {error}");
        }
    }
}

/// Whoever types; clones are the same person.
#[derive(Clone)]
pub(crate) struct User(Arc<Mutex<Option<VecDeque<String>>>>);

impl User {
    /// Shows a prompt and reads a line. `None` at the end of the input.
    pub(crate) async fn ask(&self, prompt: impl Into<String>) -> Option<String> {
        let (user, prompt) = (self.clone(), prompt.into());
        let reading = tokio::task::spawn_blocking(move || user.read(&prompt));
        reading.await.ok().flatten()
    }

    fn read(&self, prompt: &str) -> Option<String> {
        // One question at a time.
        let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        print!("{prompt}");
        stdout().flush().ok()?;
        match &mut *script {
            Some(script) => {
                let line = script.pop_front();
                println!("{}", line.as_deref().unwrap_or_default());
                line
            }
            None => stdin().lock().lines().next()?.ok(),
        }
    }
}
