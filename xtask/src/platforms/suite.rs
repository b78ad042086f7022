//! The tests of one target: built, listed, run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::platforms::cargo;
use crate::platforms::known::{KNOWN, Suite, Why};
use crate::platforms::outcome::{Report, Row};
use crate::platforms::windows::TARGET;
use crate::platforms::wine::{Wine, output_of, windows_path};

/// How long the tests of one target may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A test program.
pub(crate) struct Built {
    /// The program.
    program: PathBuf,
    /// The folder of its package, in which cargo would run it.
    folder: PathBuf,
}

/// Test programs by package and target.
pub(crate) type Programs = BTreeMap<(String, String), Built>;

/// Builds the test programs of some suites.
pub(crate) fn build(suites: &[&Suite]) -> Result<Programs> {
    let mut command = cargo();
    command.args(["test", "--no-run", "--quiet", "--target", TARGET]);
    command.args(["--message-format", "json-render-diagnostics"]);
    command.args(["--lib", "--bins"]);
    for suite in suites {
        command.args(["--package", suite.package]);
        if !is_own_name(suite) {
            command.args(["--test", suite.target]);
        }
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the tests do not build for {TARGET} ({})", output.status);
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    Ok(messages
        .filter_map(|message| program_of(&message))
        .collect())
}

/// Whether a suite is what stands beside the code of a library or a program.
fn is_own_name(suite: &Suite) -> bool {
    suite.target.starts_with("openai_codex") || suite.target == "codex-testkit"
}

fn program_of(message: &Value) -> Option<((String, String), Built)> {
    if message["profile"]["test"] != true {
        return None;
    }
    let program = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?)
        .parent()?
        .to_owned();
    let target = message["target"]["name"].as_str()?.to_owned();
    // `path+file:///…/crates/wire#openai-codex-wire@0.163.0`
    let (_, package) = message["package_id"].as_str()?.rsplit_once('#')?;
    let package = package.split('@').next()?.to_owned();
    Some(((package, target), Built { program, folder }))
}

/// Where and with what to run.
pub(crate) struct Machine<'a> {
    pub(crate) wine: &'a Wine,
    /// The Windows runtime, if there is one.
    pub(crate) runtime: Option<&'a Path>,
}

impl Machine<'_> {
    /// Runs a suite and says how that went.
    pub(crate) fn run(&self, suite: &Suite, built: &Built, report: &mut Report) -> Result<()> {
        let start = Instant::now();
        let name = format!("{} {}", suite.package, suite.target);
        let tests = self
            .list(built)
            .with_context(|| format!("cannot list the tests of {name}"))?;
        for known in KNOWN {
            if known.is_of(suite) && !tests.iter().any(|test| known.is_about(test)) {
                bail!(
                    "known.rs has {} of {name}, and there is no such test",
                    known.test
                );
            }
        }
        let mut skipped = Vec::new();
        for test in tests {
            let known = KNOWN
                .iter()
                .find(|known| known.is_of(suite) && known.is_about(&test));
            match known.map(|known| known.why) {
                Some(Why::Cannot(why)) => report.skip(why, format!("{name} {test}")),
                Some(Why::NeedsRuntime) if self.runtime.is_none() => {
                    report.skip("it needs the runtime", format!("{name} {test}"));
                }
                _ => continue,
            }
            skipped.push(test);
        }
        eprintln!("running {name}");
        let mut command = self.command(built);
        command.arg("--exact");
        for test in &skipped {
            command.args(["--skip", test]);
        }
        let ended = output_of(&mut command, PATIENCE)?;
        let works = tests_that_end(&ended.output, "ok");
        let failed = tests_that_end(&ended.output, "FAILED");
        let mut fails = failed.len();
        for test in failed {
            report.fail(format!("{name} {test}"));
        }
        match ended.status {
            Some(status) if status.success() => {}
            Some(status) if fails == 0 => {
                fails = 1;
                report.fail(format!("{name} ended with {status}"));
            }
            Some(_) => {}
            None => {
                fails += 1;
                report.fail(format!(
                    "{name} did not end within {} s",
                    PATIENCE.as_secs()
                ));
            }
        }
        if fails > 0 {
            eprintln!("{}", ended.output);
        }
        report.add(Row {
            platform: TARGET,
            what: name,
            works: works.len(),
            skipped: skipped.len(),
            fails,
            time: start.elapsed(),
        });
        Ok(())
    }

    fn list(&self, built: &Built) -> Result<Vec<String>> {
        let mut command = self.command(built);
        command.args(["--list", "--format", "terse"]);
        let listed = output_of(&mut command, PATIENCE)?;
        if !listed.status.is_some_and(|status| status.success()) {
            bail!("{}", listed.output);
        }
        let tests = listed
            .output
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        Ok(tests.map(str::to_owned).collect())
    }

    fn command(&self, built: &Built) -> std::process::Command {
        let mut command = self.wine.command(&built.program);
        command.current_dir(&built.folder).env_remove("CODEX_BIN");
        if let Some(runtime) = self.runtime {
            command.env("CODEX_BIN", windows_path(runtime));
        }
        command
    }
}

/// The tests that ended in this way, by the lines of the harness.
fn tests_that_end<'a>(output: &'a str, how: &str) -> Vec<&'a str> {
    let ending = format!(" ... {how}");
    output
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(&ending))
        .collect()
}
