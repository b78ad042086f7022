//! What the examples have in common: with `--demo` they run offline, on the
//! real runtime with a scripted model and a scripted user.
// Each example uses its part of this.
#![allow(dead_code)]

mod session;

use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openai_codex::{Codex, CodexBuilder};
use openai_codex_testkit::{Gate, MockModel, TestRuntime, TestRuntimeBuilder};
use tokio::sync::{Mutex, mpsc};

use session::Session;

pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What an example plays on: your Codex, or with `--demo` a scripted one.
pub(crate) struct Stage(Option<Scene>);

struct Scene {
    /// None where a recording takes their place.
    live: Option<(MockModel, TestRuntime)>,
    session: Option<Arc<Session>>,
}

/// Sets the stage. With `--demo`, the model says what `script` tells it to.
pub(crate) fn stage(script: impl FnOnce(&MockModel)) -> Result<Stage> {
    stage_with(script, |runtime| runtime)
}

/// [`stage`], with options for the runtime of a demo.
pub(crate) fn stage_with(
    script: impl FnOnce(&MockModel),
    options: impl FnOnce(TestRuntimeBuilder) -> TestRuntimeBuilder,
) -> Result<Stage> {
    session::serve()?;
    if !std::env::args().any(|arg| arg == "--demo") {
        return Ok(Stage(None));
    }
    let session = Session::from_env().map(Arc::new);
    if session.as_ref().is_some_and(|session| session.is_replay) {
        return Ok(Stage(Some(Scene {
            live: None,
            session,
        })));
    }
    let model = MockModel::start()?;
    script(&model);
    let runtime = options(TestRuntime::builder(&model)).build()?;
    if let Some(session) = &session {
        session.keep_workspace(runtime.workspace())?;
    }
    Ok(Stage(Some(Scene {
        live: Some((model, runtime)),
        session,
    })))
}

/// The builder of either client, on this stage.
macro_rules! configured {
    ($stage:expr, $builder:expr) => {{
        let mut builder = $builder;
        if let Some(scene) = &$stage.0 {
            if let Some((_, runtime)) = &scene.live {
                builder = builder
                    .codex_bin(runtime.binary())
                    .envs(runtime.env())
                    .cwd(runtime.workspace());
            }
            match &scene.session {
                Some(session) if session.is_replay => {
                    let server = session.server().expect("this program is there");
                    builder = builder.launch_command(server);
                }
                #[cfg(feature = "record")]
                Some(session) => builder = builder.record(session.next()),
                _ => {}
            }
        }
        builder
    }};
}

impl Stage {
    /// `Codex::builder()`, of the scripted runtime if this is a demo.
    pub(crate) fn builder(&self) -> CodexBuilder {
        configured!(self, Codex::builder())
    }

    /// `blocking::Codex::builder()`, of the scripted runtime if this is a demo.
    #[cfg(feature = "blocking")]
    pub(crate) fn blocking_builder(&self) -> openai_codex::blocking::CodexBuilder {
        use openai_codex::blocking::Codex;

        configured!(self, Codex::builder())
    }

    /// Whether this is a demo.
    pub(crate) fn is_demo(&self) -> bool {
        self.0.is_some()
    }

    /// The folder that the agent works in.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        Ok(match &self.0 {
            None => std::env::current_dir()?,
            Some(scene) => match (&scene.live, &scene.session) {
                (Some((_, runtime)), _) => Path::to_owned(runtime.workspace()),
                (None, Some(session)) => session.workspace()?,
                (None, None) => return Err("the stage is empty".into()),
            },
        })
    }

    /// The scripted model, if this is a demo.
    pub(crate) fn model(&self) -> Option<&MockModel> {
        let live = self.0.as_ref()?.live.as_ref()?;
        Some(&live.0)
    }

    /// The person at the keyboard; in a demo, one who types these lines.
    pub(crate) fn user<const N: usize>(&self, demo: [&str; N]) -> User {
        let (lines, typed) = mpsc::channel(N.max(1));
        match self.is_demo() {
            true => demo
                .into_iter()
                .for_each(|line| drop(lines.try_send(line.to_owned()))),
            // Not a blocking task: the program must be able to end while this reads.
            false => drop(std::thread::spawn(move || {
                for line in stdin().lock().lines().map_while(Result::ok) {
                    if lines.blocking_send(line).is_err() {
                        break;
                    }
                }
            })),
        }
        User {
            typed: Arc::new(Mutex::new(typed)),
            is_demo: self.is_demo(),
            breaks_off_at: Arc::default(),
            session: self.0.as_ref().and_then(|scene| scene.session.clone()),
        }
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
pub(crate) struct User {
    typed: Arc<Mutex<mpsc::Receiver<String>>>,
    is_demo: bool,
    breaks_off_at: Arc<Mutex<Option<Gate>>>,
    session: Option<Arc<Session>>,
}

impl User {
    /// Lets the user of a demo press Ctrl-C, once, when the model is at this gate.
    pub(crate) fn breaks_off_at(mut self, gate: &Gate) -> Self {
        self.breaks_off_at = Arc::new(Mutex::new(Some(gate.clone())));
        self
    }

    /// Shows a prompt and reads a line. `None` at the end of the input.
    pub(crate) async fn ask(&self, prompt: &str) -> Option<String> {
        // One question at a time.
        let mut typed = self.typed.lock().await;
        print!("{prompt}");
        stdout().flush().ok()?;
        let line = typed.recv().await;
        if self.is_demo {
            println!("{}", line.as_deref().unwrap_or_default());
        }
        line
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn ctrl_c(&self) {
        if !self.is_demo {
            return drop(tokio::signal::ctrl_c().await);
        }
        let mut gate = self.breaks_off_at.lock().await;
        match &*gate {
            Some(reached) => match self.session.as_deref() {
                Some(session) if session.is_replay => session.interrupt().await,
                _ => reached.reached().await,
            },
            None => std::future::pending().await,
        }
        // What was printed should be seen before the answer to it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        *gate = None;
    }
}
