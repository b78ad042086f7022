//! The blocking client on the real runtime: without an async runtime, and inside one.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use openai_codex::blocking::{Codex, CodexBuilder, retry_on_overload};
use openai_codex::types::{BlockingMethods, ThreadLoadedListParams};
use openai_codex::{
    ApprovalMode, Decision, Error, ErrorKind, HandlerError, Handlers, RetryPolicy, Tool, TurnStatus,
};
use openai_codex_testkit::{Gate, MockModel, TestRuntime};
use serde_json::{Value, json};

fn builder(runtime: &TestRuntime) -> CodexBuilder {
    Codex::builder()
        .codex_bin(runtime.binary())
        .cwd(runtime.workspace())
        .envs(runtime.env())
}

fn start(model: &MockModel) -> (TestRuntime, Codex) {
    let runtime = TestRuntime::new(model).unwrap();
    let codex = builder(&runtime).send().unwrap();
    (runtime, codex)
}

#[test]
fn a_program_without_tokio_runs_streams_steers_and_interrupts() {
    let model = MockModel::start().unwrap();
    model.say("Hello.");
    model.deltas(["a", "b", "c"]);
    let (_runtime, codex) = start(&model);
    assert_eq!(
        codex.runtime_version(),
        codex.metadata().user_agent.split(['/', ' ']).nth(1)
    );
    let thread = codex.thread_start().model("mock-model").send().unwrap();
    let result = thread.run("Say hello.").send().unwrap();
    assert_eq!(result.final_response.as_deref(), Some("Hello."));

    let turn = thread.turn("Spell.").send().unwrap();
    let mut text = String::new();
    for event in turn.stream() {
        text.push_str(event.unwrap().text_delta().unwrap_or_default());
    }
    assert_eq!(text, "abc");
    assert_eq!(turn.run().unwrap().final_response.as_deref(), Some("abc"));

    let gate = Gate::new();
    model.say("first").waits_for(&gate);
    let turn = thread.turn("Wait.").send().unwrap();
    gate.blocking_reached();
    turn.steer("and this").unwrap();
    turn.interrupt().unwrap();
    assert_eq!(turn.run().unwrap().status, TurnStatus::Interrupted);

    let loaded = codex
        .rpc()
        .thread_loaded_list(ThreadLoadedListParams::new())
        .unwrap();
    assert_eq!(loaded.data, [thread.id().as_str()]);
    let listed: Vec<_> = codex
        .thread_list()
        .stream()
        .map(|thread| thread.unwrap().id)
        .collect();
    assert_eq!(listed, [thread.id().clone()]);
    codex.close().unwrap();
    codex.close().unwrap();
    assert!(codex.closed().is_closed());
    assert!(thread.run("too late").send().unwrap_err().is_closed());
}

#[test]
fn a_failed_turn_is_an_error_and_the_thread_can_be_resumed_by_the_next_client() {
    let model = MockModel::start().unwrap();
    model.fails(500);
    model.say("again");
    let (runtime, codex) = start(&model);
    let thread = codex.thread_start().send().unwrap();
    let error = thread.run("Fail.").send().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Turn);
    let id = thread.id().clone();
    // The last handle waits for the runtime to end, which frees the thread.
    drop((thread, codex));
    let codex = builder(&runtime).send().unwrap();
    let thread = codex.thread_resume(&id).send().unwrap();
    let result = thread.run("Go on.").send().unwrap();
    assert_eq!(result.final_response.as_deref(), Some("again"));
}

#[test]
fn tools_and_handlers_answer_while_a_call_waits() {
    let model = MockModel::start().unwrap();
    model.calls("weather", json!({"city": "Ulm"}));
    model.shell_escalated("echo granted", "to see");
    model.say("done");
    let runtime = TestRuntime::new(&model).unwrap();
    let handlers =
        Handlers::new().command_approval(|_, _| async { Ok::<_, HandlerError>(Decision::Accept) });
    let codex = builder(&runtime).handlers(handlers).send().unwrap();
    let weather = Tool::with_schema(
        "weather",
        "Current weather for a city",
        json!({"type": "object", "properties": {"city": {"type": "string"}}}),
        |arguments: Value, _| async move { Ok(format!("{}: sunny", arguments["city"])) },
    );
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .tools([weather])
        .send()
        .unwrap();
    thread.run("Look.").send().unwrap();
    let request = model.last_request().unwrap();
    let outputs: Vec<String> = (request.function_outputs().iter())
        .map(|output| output.text())
        .collect();
    assert!(outputs[0].contains("sunny"), "{outputs:?}");
    assert!(outputs[1].contains("granted"), "{outputs:?}");
}

#[test]
fn handles_are_used_from_several_threads() {
    let model = MockModel::start().unwrap();
    for n in 0..4 {
        model
            .when_user_says(format!("say {n}"))
            .say(format!("said {n}"));
    }
    let (_runtime, codex) = start(&model);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let codex = codex.clone();
            scope.spawn(move || {
                let thread = codex.thread_start().send().unwrap();
                let result = thread.run(format!("say {n}")).send().unwrap();
                assert_eq!(result.final_response, Some(format!("said {n}")));
            });
        }
    });
}

fn refused(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("inside an async runtime"),
        "{error}"
    );
}

fn everything_is_refused(codex: &Codex) {
    refused(&Codex::new().unwrap_err());
    refused(&codex.account().unwrap_err());
    refused(&codex.thread_start().send().unwrap_err());
    refused(&codex.thread("t").run("hi").send().unwrap_err());
    refused(&codex.thread("t").turn_handle("u").run().unwrap_err());
    refused(&codex.close().unwrap_err());
    refused(&codex.closed());
    for mut events in [codex.events(), codex.thread("t").events()] {
        refused(&events.next().unwrap().unwrap_err());
        assert!(events.next().is_none(), "a loop over it ends");
    }
    let mut threads = codex.thread_list().stream();
    refused(&threads.next().unwrap().unwrap_err());
    assert!(threads.next().is_none());
}

#[test]
fn inside_a_runtime_it_is_an_error_and_never_a_panic_also_on_drop() {
    let model = MockModel::start().unwrap();
    for multi_thread in [false, true] {
        let (_runtime, codex) = start(&model);
        let mut builder = match multi_thread {
            false => tokio::runtime::Builder::new_current_thread(),
            true => tokio::runtime::Builder::new_multi_thread(),
        };
        let outer = builder.enable_all().build().unwrap();
        outer.block_on(async move {
            everything_is_refused(&codex);
            tokio::spawn(async move {
                everything_is_refused(&codex);
                // The last one: the owned runtime ends here, in the background.
                drop(codex);
            })
            .await
            .unwrap();
        });
    }
}

/// Where users of async frameworks put what blocks.
#[test]
fn on_a_thread_for_blocking_work_it_waits_as_anywhere() {
    let model = MockModel::start().unwrap();
    let test = TestRuntime::new(&model).unwrap();
    for multi_thread in [false, true] {
        let mut outer = match multi_thread {
            false => tokio::runtime::Builder::new_current_thread(),
            true => tokio::runtime::Builder::new_multi_thread(),
        };
        let outer = outer.enable_all().build().unwrap();
        model.say("Hello.");
        let builder = builder(&test);
        outer.block_on(async {
            let work = tokio::task::spawn_blocking(move || {
                let codex = builder.send().unwrap();
                let thread = codex.thread_start().send().unwrap();
                let result = thread.run("Say hello.").send().unwrap();
                let listed = codex.thread_list().stream().count();
                assert!(listed > 0);
                (codex, result.final_response)
            });
            let (codex, answer) = work.await.unwrap();
            assert_eq!(answer.as_deref(), Some("Hello."));
            everything_is_refused(&codex);
            let unbudgeted = codex.clone();
            tokio::spawn(tokio::task::unconstrained(async move {
                everything_is_refused(&unbudgeted);
            }))
            .await
            .unwrap();
            // The budget is put back: this future goes on as if nothing had been asked.
            assert!(tokio::task::coop::has_budget_remaining());
            let closed = tokio::task::spawn_blocking(move || codex.close());
            closed.await.unwrap().unwrap();
        });
    }
}

#[test]
fn overload_is_tried_again_without_a_runtime() {
    let policy = RetryPolicy::new()
        .max_attempts(3)
        .initial_delay(Duration::from_millis(1));
    let model = MockModel::start().unwrap();
    for _ in 0..2 {
        model.overloaded();
    }
    model.say("at last");
    let (_runtime, codex) = start(&model);
    let thread = codex.thread_start().send().unwrap();
    let result = retry_on_overload(policy, || thread.run("hi").send()).unwrap();
    assert_eq!(result.final_response.as_deref(), Some("at last"));
}
