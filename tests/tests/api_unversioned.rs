//! Builds of the runtime that tell no version, such as those of a checkout: they are
//! asked for their own schema.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use openai_codex::{Codex, ErrorKind, ExternalMessage};
use openai_codex_testkit::{MockModel, TestRuntime};

/// The real runtime, in a script that has it say that it is 0.0.0, and does as told when
/// it is to write its schema into the folder `$out`.
struct Checkout {
    model: MockModel,
    runtime: TestRuntime,
    folder: tempfile::TempDir,
}

impl Checkout {
    fn new(schema: &str) -> Self {
        let model = MockModel::start().unwrap();
        let runtime = TestRuntime::new(&model).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (real, asked) = (runtime.binary(), folder.path().join("asked"));
        let version = client::version_of(&runtime).replace('.', "\\.");
        let script = format!(
            "#!/bin/sh\nreal='{}'\nfor out; do :; done\ncase \"$*\" in *generate-json-schema*)\n\
             echo asked >> '{}'\n{schema}\nexit;;\nesac\n\
             \"$real\" \"$@\" | sed -u 's|/{version} |/0.0.0 |'\n",
            real.display(),
            asked.display(),
        );
        let bin = folder.path().join("codex");
        // By another process: a child of a test beside this one could hold the file open
        // for writing, and then it cannot be started.
        let write = "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", write]).arg(&bin).arg(script);
        assert!(shell.status().unwrap().success());
        Self {
            model,
            runtime,
            folder,
        }
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("codex")
    }

    async fn connect(&self) -> Codex {
        let builder = client::builder(&self.runtime).codex_bin(self.bin());
        let codex = builder.await.unwrap();
        assert_eq!(codex.runtime_version(), Some("0.0.0"));
        codex
    }

    fn times_asked(&self) -> usize {
        let asked = fs::read_to_string(self.folder.path().join("asked"));
        asked.unwrap_or_default().lines().count()
    }
}

#[tokio::test]
async fn a_checkout_is_asked_for_its_schema_once() {
    let checkout = Checkout::new("\"$real\" \"$@\"");
    let codex = checkout.connect().await;
    let thread = codex.thread_start().await.unwrap();
    checkout.model.say("one");
    thread.run("plain").await.unwrap();
    assert_eq!(checkout.times_asked(), 0, "there was no need");
    checkout.model.say("two");
    checkout.model.say("three");
    let run = thread.run("labelled").source("cron");
    run.turn_service_tier("default").await.unwrap();
    let report = ExternalMessage::new("ci", "green");
    thread.run(report).await.unwrap();
    let resume = codex.thread_resume(thread.id()).include_turns(false);
    assert!(
        resume
            .await
            .unwrap()
            .info()
            .unwrap()
            .thread
            .turns
            .is_empty()
    );
    assert_eq!(checkout.times_asked(), 1);
    codex.close().await.unwrap();
}

#[tokio::test]
async fn what_is_not_in_the_schema_of_a_checkout_is_refused_before_it_is_sent() {
    let checkout = Checkout::new(
        "mkdir \"$out/v2\"; for it in TurnStart ThreadResume ThreadFork; do \
         echo '{\"properties\": {\"input\": {}}}' > \"$out/v2/${it}Params.json\"; done",
    );
    let codex = checkout.connect().await;
    let thread = codex.thread_start().await.unwrap();
    let refused = [
        thread.run("hi").source("cron").await.unwrap_err(),
        thread
            .run(ExternalMessage::new("ci", "green"))
            .await
            .unwrap_err(),
        codex
            .thread_fork(thread.id())
            .params(|params| params.before_turn_id("u"))
            .await
            .unwrap_err(),
    ];
    for (error, option) in refused.iter().zip(["source", "external", "before_turn_id"]) {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(
            text.contains(option) && text.contains("without a version"),
            "{text}"
        );
    }
    assert!(checkout.model.requests().is_empty());
    assert_eq!(checkout.times_asked(), 1);
    codex.close().await.unwrap();
}

#[tokio::test]
async fn a_checkout_that_does_not_tell_its_schema_is_asked_again_and_otherwise_usable() {
    let checkout = Checkout::new("exit 1");
    let codex = checkout.connect().await;
    let thread = codex.thread_start().await.unwrap();
    for times in 1..3 {
        let error = thread.run("hi").source("cron").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(
            error.to_string().contains("asked for its schema"),
            "{error}"
        );
        assert_eq!(checkout.times_asked(), times);
    }
    checkout.model.say("hello");
    thread.run("plain").await.unwrap();
    codex.close().await.unwrap();
}

#[tokio::test]
async fn a_custom_launch_without_a_version_is_taken_for_an_old_one() {
    let checkout = Checkout::new("\"$real\" \"$@\"");
    let argv = [
        checkout.bin(),
        "app-server".into(),
        "--listen".into(),
        "stdio://".into(),
    ];
    let builder = Codex::builder().envs(checkout.runtime.env());
    let codex = builder.launch_command(argv).await.unwrap();
    assert_eq!(codex.runtime_version(), Some("0.0.0"));
    let thread = codex.thread_start().await.unwrap();
    let error = thread.run("hi").source("cron").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("0.151.0"), "{error}");
    assert_eq!(checkout.times_asked(), 0);
    codex.close().await.unwrap();
}
