//! Tools of this program's, called by the model on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openai_codex::types::ThreadItem;
use openai_codex::{ErrorKind, HandlerError, Handlers, Tool, ToolOutput, TurnResult, TurnStatus};
use openai_codex_testkit::{FakeServer, MockModel};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify, mpsc};

use support::{connect, fake, start, thread_response};

#[derive(Deserialize, JsonSchema)]
struct WeatherArgs {
    /// The name of a city.
    city: String,
    #[serde(default)]
    days: Option<Days>,
}

#[derive(Deserialize, JsonSchema)]
struct Days {
    count: u8,
}

fn weather() -> Tool {
    Tool::new(
        "weather",
        "Current weather for a city",
        |args: WeatherArgs, _cx| async move {
            match args.city.as_str() {
                "Oslo" => Ok(format!(
                    "Oslo: sunny for {}",
                    args.days.map_or(1, |it| it.count)
                )),
                "Atlantis" => panic!("as it should in this test"),
                city => Err(HandlerError::new(format!("there is no {city}; try Oslo"))),
            }
        },
    )
}

/// What the model was told by its tools in its last request.
fn told(model: &MockModel) -> Vec<String> {
    let request = model.last_request().unwrap();
    let outputs = request.function_outputs();
    outputs.iter().map(|it| it.text().to_owned()).collect()
}

fn successes(result: &TurnResult) -> Vec<Option<bool>> {
    let calls = result.items.iter().filter_map(|item| match item {
        ThreadItem::DynamicToolCall(call) => Some(call.success),
        _ => None,
    });
    calls.collect()
}

#[tokio::test]
async fn the_model_is_offered_a_tool_and_reads_what_it_says() {
    let model = MockModel::start().unwrap();
    model.calls("weather", json!({"city": "Oslo", "days": {"count": 3}}));
    model.calls("weather", json!({"city": "Ys"}));
    model.calls("weather", json!({"town": "Oslo"}));
    model.calls("weather", json!({"city": "Atlantis"}));
    model.calls("weather", json!({"city": "Oslo"}));
    model.say("It is sunny.");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().tool(weather()).await.unwrap();
    let result = thread.run("How is the weather?").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("It is sunny."));

    let request = model.requests().remove(0);
    let offered = request.tool("weather").unwrap();
    let parameters = offered.parameters;
    assert_eq!(offered.description, "Current weather for a city");
    assert_eq!(parameters["properties"]["city"]["type"], "string");
    assert_eq!(parameters["required"], json!(["city"]));
    assert!(parameters.to_string().contains("count"), "{parameters}");

    let told = told(&model);
    assert_eq!(told[0], "Oslo: sunny for 3");
    assert_eq!(told[1], "there is no Ys; try Oslo");
    assert!(told[2].contains("missing field `city`") && told[2].contains("\"properties\""));
    assert_eq!(told[3], "the tool panicked");
    assert_eq!(told[4], "Oslo: sunny for 1");
    let expected = [true, false, false, false, true].map(Some);
    assert_eq!(successes(&result), expected);
}

/// A tool whose calls wait for each other.
fn meet(calls: usize) -> Tool {
    let barrier = Arc::new(Barrier::new(calls));
    Tool::new("meet", "Meets another call", move |_: NoArgs, _cx| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok("met")
        }
    })
}

/// 0.163.0 asks for the calls of one turn one after the other, 0.171.0 for all at once.
#[tokio::test]
async fn calls_in_one_answer_of_the_model_are_all_answered() {
    let model = MockModel::start().unwrap();
    model
        .calls("weather", json!({"city": "Oslo"}))
        .calls("weather", json!({"city": "Ys"}))
        .calls("weather", json!({"city": "Oslo", "days": {"count": 2}}));
    model.say("done");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().tool(weather()).await.unwrap();
    let result = thread.run("Compare.").await.unwrap();
    let mut successes = successes(&result);
    // They stand in the order in which they ended.
    successes.sort_unstable();
    assert_eq!(successes, [false, true, true].map(Some));
    let expected = [
        "Oslo: sunny for 1",
        "there is no Ys; try Oslo",
        "Oslo: sunny for 2",
    ];
    assert_eq!(told(&model), expected);
}

#[tokio::test]
async fn calls_of_two_threads_run_at_the_same_time() {
    let model = MockModel::start().unwrap();
    model.calls("meet", json!({}));
    model.calls("meet", json!({}));
    model.say("They met.");
    model.say("They met.");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let meet = meet(2);
    let one = codex.thread_start().tool(meet.clone()).await.unwrap();
    let other = codex.thread_start().tool(meet).await.unwrap();
    let (one, other) = tokio::join!(one.run("Meet."), other.run("Meet."));
    assert_eq!(successes(&one.unwrap()), [Some(true)]);
    assert_eq!(successes(&other.unwrap()), [Some(true)]);
}

#[derive(Deserialize, JsonSchema)]
struct Turnstile {
    number: usize,
}

/// And not as if there were no such tool.
#[tokio::test]
async fn arguments_that_are_too_deep_are_answered_with_that() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    server.expect("thread/start").reply(thread_response("t"));
    let schema = json!({"type": "object"});
    let take = |_: Value, _cx| async { Ok("taken") };
    let tool = Tool::with_schema("any", "Takes anything", schema, take);
    let _thread = codex.thread_start().tool(tool).await.unwrap();
    for (id, depth) in [(1, 100), (2, 127), (3, 400)] {
        let arguments = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        server.then().line(format!(
            r#"{{"id":{id},"method":"item/tool/call","params":{{"threadId":"t","turnId":"u","callId":"c","tool":"any","arguments":{{"a":{arguments}}}}}}}"#
        ));
        server.expect_answer(id);
        server.done().await;
        let answer = server.received().pop().unwrap()["result"].clone();
        let text = answer["contentItems"][0]["text"].as_str().unwrap();
        if depth == 100 {
            assert_eq!(text, "taken");
        } else {
            assert!(text.contains("nested too deeply"), "{answer}");
            assert_eq!(answer["success"], false);
        }
    }
}

/// The later call is answered first.
#[tokio::test]
async fn calls_of_one_thread_run_at_the_same_time_where_the_runtime_lets_them() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    server.expect("thread/start").reply(thread_response("t"));
    let (entered, mut calls) = mpsc::unbounded_channel();
    let gates = [(); 2].map(|()| Arc::new(Notify::new()));
    let doors = gates.clone();
    let tool = Tool::new("pass", "Passes", move |args: Turnstile, _cx| {
        let (entered, door) = (entered.clone(), Arc::clone(&doors[args.number]));
        async move {
            entered.send(args.number)?;
            door.notified().await;
            Ok("passed")
        }
    });
    let _thread = codex.thread_start().tool(tool).await.unwrap();
    for number in [0, 1] {
        let params = json!({
            "threadId": "t", "turnId": "u", "callId": number.to_string(), "tool": "pass",
            "arguments": {"number": number},
        });
        server.then().ask(number, "item/tool/call", params);
    }
    let both = [calls.recv().await.unwrap(), calls.recv().await.unwrap()];
    assert!(both == [0, 1] || both == [1, 0]);
    for number in [1, 0] {
        gates[number].notify_one();
        server.expect_answer(number);
        server.done().await;
        let answer = server.received().pop().unwrap();
        let items = json!([{"type": "inputText", "text": "passed"}]);
        let passed = json!({"contentItems": items, "success": true});
        assert_eq!(answer["result"], passed);
    }
}

#[tokio::test]
async fn a_tool_that_takes_too_long_is_an_error_and_one_may_call_the_client() {
    let model = MockModel::start().unwrap();
    model.calls("hang", json!({}));
    model.calls("rename", json!({}));
    model.say("done");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let hang = Tool::new("hang", "Hangs", |_: NoArgs, _cx| async {
        std::future::pending::<Result<&str, HandlerError>>().await
    });
    let rename = Tool::new("rename", "Renames the thread", |_: NoArgs, cx| async move {
        let id = cx.thread_id().unwrap();
        cx.codex().thread(id).set_name("renamed").await?;
        Ok("renamed")
    });
    let hang = hang.timeout(Duration::from_millis(100));
    let thread = codex.thread_start().tools([hang, rename]).await.unwrap();
    let result = thread.run("Go on.").await.unwrap();
    assert_eq!(successes(&result), [Some(false), Some(true)]);
    let expected = ["the tool did not answer within 100ms", "renamed"];
    assert_eq!(told(&model), expected);
    let read = thread.read(false).await.unwrap();
    assert_eq!(read.thread.name.as_deref(), Some("renamed"));
}

#[tokio::test]
async fn a_tool_is_told_when_its_turn_is_over() {
    let model = MockModel::start().unwrap();
    model.calls("wait", json!({}));
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let (says, mut said) = mpsc::unbounded_channel();
    let wait = Tool::new("wait", "Waits", move |_: NoArgs, cx| {
        let says = says.clone();
        async move {
            says.send("called")?;
            cx.cancelled().await;
            says.send("cancelled")?;
            Ok("too late")
        }
    });
    let thread = codex.thread_start().tool(wait).await.unwrap();
    let turn = thread.turn("Wait.").await.unwrap();
    assert_eq!(said.recv().await, Some("called"));
    turn.interrupt().await.unwrap();
    assert_eq!(said.recv().await, Some("cancelled"));
    assert_eq!(turn.run().await.unwrap().status, TurnStatus::Interrupted);
}

#[derive(Deserialize, JsonSchema)]
struct NoArgs {}

/// A PNG of one red pixel.
const RED_DOT: &[u8] = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\
    \x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\
    \x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82";

#[tokio::test]
async fn a_tool_gives_json_images_and_a_mix() {
    let model = MockModel::start().unwrap();
    model.calls("json", json!({}));
    model.calls("mixed", json!({}));
    model.say("Seen.");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let as_json = Tool::new("json", "d", |_: NoArgs, _cx| async {
        Ok(json!({"a": [1]}))
    });
    let mixed = Tool::new("mixed", "d", |_: NoArgs, _cx| async {
        Ok(ToolOutput::text("a dot:").and_image("image/png", RED_DOT))
    });
    let thread = codex.thread_start().tools([as_json, mixed]).await.unwrap();
    let result = thread.run("Look.").await.unwrap();
    assert_eq!(successes(&result), [Some(true), Some(true)]);
    assert_eq!(told(&model)[0], r#"{"a":[1]}"#);
    let request = model.last_request().unwrap();
    let mixed = &request.function_outputs()[1].output;
    assert_eq!(mixed[0]["text"], "a dot:");
    assert_eq!(mixed[1]["type"], "input_image", "{mixed}");
    let url = mixed[1]["image_url"].as_str().unwrap();
    assert!(
        url.starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{mixed}"
    );
}

fn lookup() -> Tool {
    Tool::new("lookup", "Looks up", |_: NoArgs, _cx| async { Ok("found") })
}

#[tokio::test]
async fn tools_of_the_same_name_live_in_namespaces() {
    let model = MockModel::start().unwrap();
    model.calls_in("crm", "lookup", json!({}));
    model.calls("lookup", json!({}));
    model.say("done");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let other = Tool::new("lookup", "Looks up", |_: NoArgs, _cx| async {
        Ok("elsewhere")
    });
    let thread = codex
        .thread_start()
        .tool(lookup().namespace("crm", "customers"))
        .tool(other)
        .await
        .unwrap();
    thread.run("Look it up.").await.unwrap();
    assert_eq!(told(&model), ["found", "elsewhere"]);
}

/// 0.163.0 stores a thread's tools with it, and gives them to forks.
#[tokio::test]
async fn tools_stay_after_a_resume_and_in_a_fork() {
    let model = MockModel::start().unwrap();
    model.say("hi");
    let (runtime, codex) = start(&model, Handlers::new()).await;
    let thread = codex.thread_start().tool(weather()).await.unwrap();
    thread.run("Hi.").await.unwrap();
    let id = thread.id().clone();
    drop(thread);

    // In the same client they are answered without further ado.
    for thread in [
        codex.thread_resume(&id).await.unwrap(),
        codex.thread_fork(&id).await.unwrap(),
    ] {
        model.calls("weather", json!({"city": "Oslo"}));
        model.say("ok");
        let result = thread.run("And now?").await.unwrap();
        assert!(model.last_request().unwrap().tool("weather").is_some());
        assert_eq!(successes(&result), [Some(true)]);
    }
    codex.close().await.unwrap();

    // In another process the model still has them, and who answers is given anew.
    let codex = connect(&runtime, Handlers::new()).await;
    let thread = codex.thread_resume(&id).await.unwrap();
    model.calls("weather", json!({"city": "Oslo"}));
    model.say("ok");
    let result = thread.run("Still?").await.unwrap();
    assert!(model.last_request().unwrap().tool("weather").is_some());
    assert_eq!(successes(&result), [Some(false)]);
    let thread = codex.thread_resume(&id).tool(weather()).await.unwrap();
    model.calls("weather", json!({"city": "Oslo"}));
    model.say("ok");
    let result = thread.run("Again?").await.unwrap();
    assert_eq!(successes(&result), [Some(true)]);
    let fork = codex.thread_fork(&id).tool(weather()).await.unwrap();
    model.calls("weather", json!({"city": "Oslo"}));
    model.say("ok");
    assert_eq!(successes(&fork.run("There?").await.unwrap()), [Some(true)]);
}

#[tokio::test]
async fn tools_that_the_runtime_would_refuse_are_refused_before_anything_is_sent() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    let named = |name: &str| Tool::new(name, "d", |_: NoArgs, _cx| async { Ok("") });
    let untyped = |schema: Value| Tool::with_schema("t", "d", schema, |_, _cx| async { Ok("") });
    let longest = "a".repeat(128);
    for (tools, reason) in [
        (vec![named("weather now")], "no name for a tool"),
        (vec![named("")], "no name for a tool"),
        (vec![named(&(longest + "a"))], "no name for a tool"),
        (vec![named("mcp__x")], "the runtime's"),
        (vec![named("a"), named("a")], "two tools \"a\""),
        (
            vec![named("a").namespace("n!", "d")],
            "no name for a namespace",
        ),
        (
            vec![
                named("a").namespace("n", "d"),
                named("b").namespace("n", "e"),
            ],
            "two descriptions",
        ),
        (vec![named("a").defer_loading(true)], "in a namespace"),
        (
            vec![untyped(json!({"type": "string"}))],
            "must be an object",
        ),
        (vec![untyped(json!(true))], "must be an object"),
        (
            vec![Tool::new("t", "d", |_: String, _cx| async { Ok("") })],
            "must be an object",
        ),
    ] {
        let error = codex.thread_start().tools(tools).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let methods = server.received();
    assert!(methods.iter().all(|it| it["method"] != "thread/start"));
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code)]
struct Query {
    /// What to look for.
    filter: Filter,
    limits: Option<Limits>,
    order: Vec<(String, bool)>,
    labels: BTreeMap<String, f64>,
    more: Value,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Filter {
    All { of: Vec<Filter> },
    Text { contains: String, mode: Mode },
    Nothing,
}

#[derive(Deserialize, JsonSchema)]
enum Mode {
    /// As it is written.
    Exact,
    Fuzzy,
}

#[derive(Deserialize, JsonSchema)]
#[allow(dead_code)]
struct Limits {
    #[schemars(range(min = 1, max = 100))]
    count: u8,
}

#[tokio::test]
async fn arguments_may_be_of_any_shape_that_serde_reads() {
    let model = MockModel::start().unwrap();
    let arguments = json!({
        "filter": {"kind": "all", "of": [
            {"kind": "text", "contains": "a", "mode": "Fuzzy"}, {"kind": "nothing"},
        ]},
        "limits": {"count": 3}, "order": [["name", true]], "labels": {"x": 1.5}, "more": [null],
    });
    model.calls("query", arguments);
    model.say("done");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let query = Tool::new("query", "Queries", |query: Query, _cx| async move {
        let Filter::All { of } = query.filter else {
            return Err(HandlerError::new("another filter"));
        };
        Ok(format!("{} filters, {:?}", of.len(), query.labels))
    });
    let thread = codex.thread_start().tool(query).await.unwrap();
    thread.run("Query.").await.unwrap();
    assert_eq!(told(&model), ["2 filters, {\"x\": 1.5}"]);
    let request = model.last_request().unwrap();
    let offered = request.tool("query").unwrap().parameters;
    let properties = &offered["properties"];
    assert_eq!(properties["filter"]["description"], "What to look for.");
    assert_eq!(properties["filter"]["oneOf"].as_array().unwrap().len(), 3);
    let inner = &properties["filter"]["oneOf"][0]["properties"]["of"]["items"];
    assert_eq!(*inner, json!({"$ref": "#/$defs/Filter"}));
    assert!(offered["$defs"]["Filter"].is_object());
    assert_eq!(properties["limits"]["type"], json!(["object", "null"]));
    assert_eq!(
        properties["labels"]["additionalProperties"]["type"],
        "number"
    );
    // 0.163.0 has no word for these, and tells the model of strings.
    assert_eq!(properties["more"]["type"], "string");
    assert_eq!(properties["order"]["items"]["items"]["type"], "string");
}

/// 0.163.0 takes such tools, and does not offer them.
#[tokio::test]
async fn a_tool_that_the_runtime_would_hide_behind_its_own_is_refused() {
    let model = MockModel::start().unwrap();
    model.say("Hi.");
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    codex
        .thread_start()
        .await
        .unwrap()
        .run("Hi.")
        .await
        .unwrap();
    let request = model.last_request().unwrap();
    let own = request.tools().into_iter();
    // This one is no function, and does not hide one of its name.
    let own: Vec<_> = own
        .filter(|it| it.namespace.is_none() && it.name != "web_search")
        .map(|it| it.name)
        .collect();
    assert!(own.contains(&"exec_command"));
    for name in own {
        let tool = |name| Tool::new(name, "d", |_: NoArgs, _cx| async { Ok("") });
        let error = codex.thread_start().tool(tool(name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}: {error}");
        let elsewhere = tool(name).namespace("mine", "d");
        codex.thread_start().tool(elsewhere).await.unwrap();
    }
}

/// What this crate lets through, the runtime takes.
#[tokio::test]
async fn every_tool_that_is_sent_is_taken() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = start(&model, Handlers::new()).await;
    let named = |name: &str| Tool::new(name, "d", |_: NoArgs, _cx| async { Ok("") });
    let tools = [
        named(&"a".repeat(128)),
        named("A-b_9").namespace("n".repeat(64), "d"),
        named("later").namespace("x", "").defer_loading(true),
        weather().namespace("x", ""),
    ];
    codex.thread_start().tools(tools).await.unwrap();
}
