//! The cases, each with a runtime and a model of its own.

use openai_codex::types::{
    CustomReviewTarget, ReviewStartParams, ServerNotification, ThreadItem, TurnStatus,
};
use openai_codex::{
    ApprovalMode, Codex, CodexBuilder, Decision, ErrorKind, HandlerError, Handlers, Result, Thread,
    Tool, VersionPolicy,
};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::Case;
use crate::support::recorded_by;

macro_rules! cases {
    ($($name:literal $case:ident)*) => {
        /// Every case, in the order of the table.
        pub(crate) const ALL: &[Case] = &[$(($name, || Box::pin($case()))),*];
    };
}

cases! {
    "handshake" handshake
    "a turn" turn
    "deltas" deltas
    "a command" command
    "an approval" approval
    "a tool" tool
    "a structured answer" structured
    "steering" steer
    "an interrupt" interrupt
    "an interrupt after the end" late_interrupt
    "a second start while a turn runs" joined
    "a failing model" failing
    "resuming in a new process" resume
    "a fork" fork
    "a review" review
    "a compaction" compaction
    "recorded sessions" recorded
}

fn builder(runtime: &TestRuntime) -> CodexBuilder {
    // The handshake is a case of its own; the others tell what would be.
    Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .version_policy(VersionPolicy::Any)
        .envs(runtime.env())
}

async fn start(model: &MockModel) -> Result<(TestRuntime, Codex, Thread)> {
    let runtime = TestRuntime::new(model).unwrap();
    let codex = builder(&runtime).await?;
    let thread = codex.thread_start().await?;
    Ok((runtime, codex, thread))
}

async fn handshake() -> Result<()> {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = builder(&runtime)
        .version_policy(VersionPolicy::Compatible)
        .await?;
    codex.close().await
}

async fn turn() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say("Hello, world.").usage(11, 0, 7, 0);
    let (_runtime, codex, thread) = start(&model).await?;
    let result = thread.run("Say hello.").await?;
    assert_eq!(result.final_response.as_deref(), Some("Hello, world."));
    assert_eq!(result.usage.unwrap().last.output_tokens, 7);
    codex.close().await
}

async fn deltas() -> Result<()> {
    let model = MockModel::start().unwrap();
    let words: Vec<String> = (0..50).map(|n| format!("{n} ")).collect();
    model.deltas(words.clone());
    let (_runtime, codex, thread) = start(&model).await?;
    let turn = thread.turn("Count.").await?;
    let (mut events, mut text) = (turn.stream(), String::new());
    while let Some(event) = events.next().await {
        text.push_str(event?.text_delta().unwrap_or_default());
    }
    assert_eq!(text, words.concat());
    codex.close().await
}

async fn command() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.shell("echo from the shell");
    model.say("done");
    let (_runtime, codex, thread) = start(&model).await?;
    let result = thread.run("Run it.").await?;
    let output = result.items.iter().find_map(|item| match item {
        ThreadItem::CommandExecution(command) => command.aggregated_output.clone(),
        _ => None,
    });
    assert_eq!(output.as_deref(), Some("from the shell\n"));
    codex.close().await
}

async fn approval() -> Result<()> {
    for (decision, runs) in [(Decision::Accept, true), (Decision::Decline, false)] {
        let model = MockModel::start().unwrap();
        model.shell_escalated("touch decided", "May I?");
        model.say("done");
        let runtime = TestRuntime::new(&model).unwrap();
        let handlers = Handlers::new().command_approval(move |_request, _cx| {
            let decision = decision.clone();
            async move { decision }
        });
        let codex = builder(&runtime).handlers(handlers).await?;
        let asking = codex.thread_start().approval_mode(ApprovalMode::Ask);
        let result = asking.await?.run("Do it.").await?;
        assert_eq!(result.final_response.as_deref(), Some("done"));
        assert_eq!(runtime.workspace().join("decided").exists(), runs);
        codex.close().await?;
    }
    Ok(())
}

#[derive(Deserialize, JsonSchema)]
struct City {
    city: String,
}

async fn tool() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.calls("weather", json!({"city": "Oslo"}));
    model.say("It is sunny.");
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = builder(&runtime).await?;
    let weather = Tool::new("weather", "Current weather", |args: City, _cx| async move {
        Ok::<_, HandlerError>(format!("{}: sunny", args.city))
    });
    let thread = codex.thread_start().tool(weather).await?;
    let result = thread.run("How is the weather?").await?;
    assert_eq!(result.final_response.as_deref(), Some("It is sunny."));
    let told = model.last_request().unwrap().function_outputs()[0].text();
    assert!(told.contains("Oslo: sunny"), "{told}");
    codex.close().await
}

async fn structured() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say(r#"{"city": "Oslo"}"#);
    let (_runtime, codex, thread) = start(&model).await?;
    let answer = thread.run_as::<City>("Which city?").await?;
    assert_eq!(answer.value.city, "Oslo");
    codex.close().await
}

async fn steer() -> Result<()> {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.say("first").waits_for(&gate);
    model.say("both");
    let (_runtime, codex, thread) = start(&model).await?;
    let turn = thread.turn("first").await?;
    let mut events = turn.stream();
    loop {
        let event = events.next().await.unwrap()?;
        if let ServerNotification::ItemCompleted(done) = event.decode()?
            && matches!(done.item, ThreadItem::AgentMessage(_))
        {
            break;
        }
    }
    turn.steer("and also this").await?;
    gate.open();
    let result = turn.run().await?;
    assert_eq!(result.final_response.as_deref(), Some("both"));
    let last = model.last_request().unwrap();
    assert_eq!(last.last_user_text(), Some("and also this"));
    codex.close().await
}

async fn interrupt() -> Result<()> {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.say("never").waits_for(&gate);
    let (_runtime, codex, thread) = start(&model).await?;
    let turn = thread.turn("first").await?;
    gate.reached().await;
    turn.interrupt().await?;
    assert_eq!(turn.run().await?.status, TurnStatus::Interrupted);
    model.say("still here");
    let result = thread.run("second").await?;
    assert_eq!(result.final_response.as_deref(), Some("still here"));
    codex.close().await
}

async fn late_interrupt() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say("done");
    let (_runtime, codex, thread) = start(&model).await?;
    let turn = thread.turn("hi").await?;
    let result = turn.run().await?;
    turn.interrupt().await?;
    assert_eq!(turn.run().await?, result);
    codex.close().await
}

async fn joined() -> Result<()> {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model.say("first").waits_for(&gate);
    model.say("second");
    let (_runtime, codex, thread) = start(&model).await?;
    let first = thread.turn("one").await?;
    gate.reached().await;
    let second = thread.turn("two").await?;
    gate.open();
    assert_eq!(first.run().await?.status, TurnStatus::Completed);
    let result = second.run().await?;
    assert_eq!(result.final_response.as_deref(), Some("second"));
    codex.close().await
}

async fn failing() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.shell("echo before");
    model.fails(500);
    let (_runtime, codex, thread) = start(&model).await?;
    let error = thread.run("Fail.").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn, "{error}");
    let partial = error.turn_result().unwrap();
    assert_eq!(partial.status, TurnStatus::Failed);
    let ran = |item: &ThreadItem| matches!(item, ThreadItem::CommandExecution(_));
    assert!(partial.items.iter().any(ran));
    codex.close().await
}

async fn resume() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say("one");
    model.say("two");
    let (runtime, codex, thread) = start(&model).await?;
    thread.run("first").await?;
    let id = thread.id().clone();
    codex.close().await?;
    let codex = builder(&runtime).await?;
    let thread = codex.thread_resume(&id).await?;
    let result = thread.run("second").await?;
    assert_eq!(result.final_response.as_deref(), Some("two"));
    let last = model.last_request().unwrap();
    let said = last.messages("user").join(" ");
    assert!(said.contains("first"), "it has forgotten: {said}");
    codex.close().await
}

async fn fork() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say("one");
    model.say("two");
    let (_runtime, codex, thread) = start(&model).await?;
    thread.run("first").await?;
    let forked = codex.thread_fork(thread.id()).await?;
    assert_ne!(forked.id(), thread.id());
    let result = forked.run("second").await?;
    assert_eq!(result.final_response.as_deref(), Some("two"));
    codex.close().await
}

async fn review() -> Result<()> {
    let model = MockModel::start().unwrap();
    let finding = json!({
        "findings": [], "overall_correctness": "patch is correct", "overall_explanation": "fine",
        "overall_confidence_score": 0.9,
    });
    model.say(finding.to_string());
    let (_runtime, codex, thread) = start(&model).await?;
    let target = CustomReviewTarget::new("Look at it.");
    let params = ReviewStartParams::new(thread.id(), target.into());
    let id = codex.call(params).await?.turn.id;
    let result = thread.turn_handle(&id).run().await?;
    assert_eq!(result.status, TurnStatus::Completed);
    codex.close().await
}

async fn compaction() -> Result<()> {
    let model = MockModel::start().unwrap();
    model.say("something long");
    model
        .when(|request| request.round() == 2 || request.kind() == Some("compaction"))
        .say("In short: nothing.");
    let (_runtime, codex, thread) = start(&model).await?;
    thread.run("first").await?;
    let mut events = thread.events();
    thread.compact().await?;
    // The item `contextCompaction` came after 0.133.
    loop {
        if events.next().await.unwrap()?.method() == "turn/completed" {
            break;
        }
    }
    assert_eq!(model.requests().len(), 2);
    codex.close().await
}

/// What was recorded of this version, if there is something.
async fn recorded() -> Result<()> {
    let model = MockModel::start().unwrap();
    let runtime = TestRuntime::new(&model).unwrap();
    let codex = builder(&runtime).await?;
    let version = codex.runtime_version().unwrap_or_default().to_owned();
    codex.close().await?;
    for message in recorded_by(&version) {
        let decoded = message.kind.decode(&message.method, &message.text);
        decoded.unwrap_or_else(|error| panic!("{}: {error}", message.place));
    }
    Ok(())
}
