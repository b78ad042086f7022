//! Passes everything on to an app-server, and records it.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{self, ExitCode, Stdio};
use std::thread;

use openai_codex_recording::Direction;
use openai_codex_testkit::Recorder;

use crate::Result;

pub(crate) fn record(file: &Path, command: &[String]) -> Result<ExitCode> {
    let argv = argv(command)?;
    let mut child = process::Command::new(&argv[0])
        .args(&argv[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", argv[0].display()))?;
    // Only now: where there is no server, an earlier recording stays. Without this one, the server
    // ends as its input does.
    let recorder = Recorder::create(file).map_err(|error| format!("{error:?}"))?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let (Some(stdin), Some(stdout)) = (stdin, stdout) else {
        return Err("the app-server has no pipes".to_owned());
    };
    // Nobody waits for this one: where the server ends first, it is still reading.
    thread::spawn({
        let recorder = recorder.clone();
        move || {
            let input = BufReader::new(io::stdin());
            // A server that is gone is told of by its status.
            drop(pass_on(input, stdin, &recorder, Direction::ToServer));
        }
    });
    let passed = pass_on(
        BufReader::new(stdout),
        io::stdout(),
        &recorder,
        Direction::ToClient,
    );
    if passed.is_err() {
        // The client does not read any more, and the server would not notice.
        drop(child.kill());
    }
    let status = child
        .wait()
        .map_err(|error| format!("cannot wait: {error}"))?;
    recorder.finish().map_err(|error| format!("{error:?}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn argv(command: &[String]) -> Result<Vec<OsString>> {
    if !command.is_empty() {
        return Ok(command.iter().map(OsString::from).collect());
    }
    let named = env::var_os("CODEX_BIN").filter(|path| !path.is_empty());
    let program = match named {
        Some(path) => path,
        None => match openai_codex_runtime::locate() {
            Ok(Some(runtime)) => runtime.binary().into(),
            Ok(None) => "codex".into(),
            Err(error) => return Err(format!("cannot look for the Codex runtime: {error}")),
        },
    };
    let arguments = ["app-server", "--listen", "stdio://"].map(OsString::from);
    Ok(std::iter::once(program).chain(arguments).collect())
}

fn pass_on(
    mut from: impl BufRead,
    mut to: impl Write,
    recorder: &Recorder,
    direction: Direction,
) -> io::Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        // First, so that no answer is recorded before its request.
        recorder.message(direction, &line);
        to.write_all(&line)?;
        to.flush()?;
        line.clear();
    }
    recorder.hung_up(direction);
    Ok(())
}
