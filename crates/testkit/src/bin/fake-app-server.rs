//! An app-server over stdin and stdout that follows the script in the file that
//! `FAKE_APP_SERVER_SCRIPT` names, and ignores its arguments.

use std::process::ExitCode;

use openai_codex_testkit::FakeServer;

fn main() -> ExitCode {
    let script = std::env::var_os("FAKE_APP_SERVER_SCRIPT").unwrap_or_default();
    let run = std::fs::read_to_string(&script).and_then(|text| FakeServer::run_process(&text));
    match run {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Err(error) => {
            eprintln!("fake-app-server: {}: {error}", script.display());
            ExitCode::FAILURE
        }
    }
}
