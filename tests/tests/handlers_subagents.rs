//! Whose handlers answer for threads that work for others: sub-agents of the real
//! runtime, and what only a scripted server can show.
#![allow(clippy::unwrap_used)]

#[path = "support/handlers.rs"]
mod support;
#[path = "support/warnings.rs"]
mod warnings;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use openai_codex::{
    ApprovalMode, Codex, Decision, ElicitationAnswer, HandlerError, Handlers, PermissionGrant,
    Sandbox, Tool, UserInputAnswers,
};
use openai_codex_testkit::{FakeServer, McpServer, MockModel, ModelRequest, TestRuntime};
use serde_json::{Value, json};

use support::{connect, fake, thread_response};
use warnings::Warnings;

const COMMAND: &str = "item/commandExecution/requestApproval";

/// Who was asked for what.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Asked {
    fn note(&self, who: &str, what: &str) {
        self.0.lock().unwrap().push(format!("{who}: {what}"));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Handlers for all kinds of requests, which note who was asked.
fn handlers(who: &'static str, yes: bool, asked: &Asked) -> Handlers {
    macro_rules! noted {
        ($what:literal, |$request:ident| $yes:expr, $no:expr) => {{
            let asked = asked.clone();
            move |$request, _cx| {
                asked.note(who, $what);
                let answer = if yes { $yes } else { $no };
                async move { answer }
            }
        }};
    }
    Handlers::new()
        .command_approval(noted!(
            "command",
            |_request| Decision::Accept,
            Decision::Decline
        ))
        .file_change_approval(noted!(
            "change",
            |_request| Decision::Accept,
            Decision::Decline
        ))
        .permissions_approval(noted!(
            "permissions",
            |request| PermissionGrant::everything(&request),
            PermissionGrant::none()
        ))
        .user_input(noted!(
            "question",
            |request| Ok(UserInputAnswers::new().answer(&request.questions[0].id, "Blue")),
            Err(HandlerError::new("no"))
        ))
        .elicitation(noted!(
            "elicitation",
            |_request| ElicitationAnswer::accept(json!({"name": "Ada"})),
            ElicitationAnswer::decline()
        ))
}

/// What an agent does that makes the server ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Command,
    Change,
    Permissions,
    Elicitation,
}

impl Kind {
    /// Those that a sub-agent may have. Questions are not: "request_user_input can only be
    /// used by the root thread", says 0.163.0; and it does not offer them the client's tools.
    const ALL: [Self; 4] = [
        Self::Command,
        Self::Change,
        Self::Permissions,
        Self::Elicitation,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Change => "change",
            Self::Permissions => "permissions",
            Self::Elicitation => "elicitation",
        }
    }

    /// What the model says.
    fn acts(self, reply: openai_codex_testkit::Scripted<'_>) {
        match self {
            Self::Command => reply.shell_escalated("echo it ran", "May I?"),
            Self::Change => {
                reply.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+hi\n*** End Patch")
            }
            Self::Permissions => reply.calls(
                "request_permissions",
                json!({"reason": "need it", "permissions": {"network": {"enabled": true}}}),
            ),
            Self::Elicitation => reply.calls_in("mcp__directory", "ask", json!({})),
        };
    }

    /// Whether the agent got what it asked for.
    fn was_granted(self, told: &str) -> bool {
        match self {
            Self::Command => told.contains("it ran") && told.contains("exited with code 0"),
            Self::Change => told.contains("Success"),
            Self::Permissions => told.contains("\"enabled\":true"),
            Self::Elicitation => told.contains("Ada"),
        }
    }
}

fn runtime(model: &MockModel) -> TestRuntime {
    TestRuntime::builder(model)
        .feature("exec_permission_approvals", true)
        .feature("request_permissions_tool", true)
        .feature("default_mode_request_user_input", true)
        .config("agents.max_depth", 3)
        .mcp_server(
            "directory",
            McpServer::stdio(env!("CARGO_BIN_EXE_mcp-server")),
        )
        .build()
        .unwrap()
}

/// Which agent asks: the thread's own at 0, its sub-agent at 1, that one's at 2.
fn depth(request: &ModelRequest) -> usize {
    let texts = request.user_texts();
    let said = |it: &str| texts.iter().any(|text| text.contains(it));
    match (said("Level 1"), said("Level 2")) {
        (_, true) => 2,
        (true, false) => 1,
        _ => 0,
    }
}

/// Scripts agents that hand a task on so many times, and the last one's tools. Returns
/// what that one is told of its tools by `result`.
fn script(model: &MockModel, generations: usize, kind: Kind) {
    for level in 0..=generations {
        let at = move |round: usize| {
            move |request: &ModelRequest| depth(request) == level && request.round() == round
        };
        match level == generations {
            true => kind.acts(model.when(at(1))),
            false => drop(model.when(at(1)).calls_in(
                "multi_agent_v1",
                "spawn_agent",
                json!({"message": format!("Level {}", level + 1)}),
            )),
        }
        model.when(at(2)).say("done");
    }
    // The end of a sub-agent reaches the one above it before or after its last round.
    let is_told = |request: &ModelRequest| request.round() > 2;
    model.when(is_told).say("done").every_time().optional();
}

/// Runs a thread whose sub-agent of so many generations asks for something. Returns who
/// was asked, and whether it was granted.
async fn descendant(
    kind: Kind,
    generations: usize,
    client: Option<bool>,
    own: Option<bool>,
) -> (Vec<String>, bool) {
    let model = MockModel::start().unwrap();
    script(&model, generations, kind);
    let runtime = runtime(&model);
    let asked = Asked::default();
    let client = client.map_or_else(Handlers::new, |yes| handlers("client", yes, &asked));
    let codex = connect(&runtime, client).await;
    let mut start = codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .sandbox(Sandbox::ReadOnly);
    if let Some(yes) = own {
        start = start.handlers(handlers("thread", yes, &asked));
    }
    let thread = start.await.unwrap();
    thread.run("Level 0").await.unwrap();
    let is_last = |it: &ModelRequest| depth(it) == generations && it.round() == 2;
    let mut count = 2 * (generations + 1);
    let last = loop {
        let requests = model.wait_for_requests(count).await;
        count = requests.len() + 1;
        if let Some(last) = requests.into_iter().find(is_last) {
            break last;
        }
    };
    assert_ne!(last.thread_id(), Some(thread.id().as_str()));
    let told = last.function_outputs().last().unwrap().text().to_owned();
    codex.close().await.unwrap();
    (asked.take(), kind.was_granted(&told))
}

#[tokio::test]
async fn a_sub_agents_requests_go_to_the_handlers_of_its_thread() {
    for kind in Kind::ALL {
        let (asked, granted) = descendant(kind, 1, Some(true), Some(false)).await;
        assert_eq!(asked, [format!("thread: {}", kind.name())]);
        assert!(!granted, "{kind:?}");
    }
}

#[tokio::test]
async fn a_sub_agent_is_answered_where_only_its_thread_has_handlers() {
    for kind in Kind::ALL {
        let (asked, granted) = descendant(kind, 1, None, Some(true)).await;
        assert_eq!(asked, [format!("thread: {}", kind.name())]);
        assert!(granted, "{kind:?}");
    }
}

#[tokio::test]
async fn a_sub_agent_of_a_thread_without_handlers_is_answered_by_the_client() {
    let (asked, granted) = descendant(Kind::Command, 1, Some(true), None).await;
    assert_eq!((asked, granted), (vec!["client: command".to_owned()], true));
}

#[tokio::test]
async fn so_do_those_of_its_sub_agents() {
    for (client, own) in [(Some(true), false), (None, true)] {
        let (asked, granted) = descendant(Kind::Command, 2, client, Some(own)).await;
        assert_eq!((asked, granted), (vec!["thread: command".to_owned()], own));
    }
}

/// A scripted server with a thread `t` that declines, and a client that accepts.
async fn strict(server: &FakeServer, asked: &Asked) -> (Codex, openai_codex::Thread) {
    let codex = fake(server, handlers("client", true, asked)).await;
    server.expect("thread/start").reply(thread_response("t"));
    let own = handlers("thread", false, asked);
    let thread = codex.thread_start().handlers(own).await.unwrap();
    (codex, thread)
}

/// Asks about a thread, and gives the answer.
async fn ask(server: &FakeServer, method: &str, thread: &str) -> Value {
    ask_and(server, method, thread, |_| ()).await
}

/// The same, and what the server is asked meanwhile.
async fn ask_and(
    server: &FakeServer,
    method: &str,
    thread: &str,
    meanwhile: impl FnOnce(&FakeServer),
) -> Value {
    let params = match method {
        COMMAND => json!({
            "threadId": thread, "turnId": "u", "itemId": "i", "startedAtMs": 0, "command": "ls",
        }),
        "item/fileChange/requestApproval" => json!({
            "threadId": thread, "turnId": "u", "itemId": "i", "startedAtMs": 0,
        }),
        "item/permissions/requestApproval" => json!({
            "threadId": thread, "turnId": "u", "itemId": "i", "startedAtMs": 0, "cwd": "/",
            "permissions": {"network": {"enabled": true}},
        }),
        "item/tool/requestUserInput" => json!({
            "threadId": thread, "turnId": "u", "itemId": "i", "isBlocking": true,
            "questions": [{"id": "q", "header": "h", "question": "?"}],
        }),
        "mcpServer/elicitation/request" => json!({
            "threadId": thread, "turnId": "u", "serverName": "s", "mode": "form",
            "message": "?", "requestedSchema": {"type": "object", "properties": {}},
        }),
        other => panic!("{other}"),
    };
    server.then().ask("q", method, params);
    meanwhile(server);
    server.expect_answer("q");
    server.done().await;
    server.received().pop().unwrap()
}

fn spawned(parent: &str, child: &str) -> Value {
    json!({
        "threadId": parent, "turnId": "u", "completedAtMs": 0,
        "item": {
            "type": "collabAgentToolCall", "id": "i", "tool": "spawnAgent",
            "status": "completed", "senderThreadId": parent, "receiverThreadIds": [child],
            "agentsStates": {},
        },
    })
}

/// What the server says of a thread.
fn record(id: &str, with: Value) -> Value {
    let mut record = thread_response(id)["thread"].take();
    let more = with.as_object().unwrap().clone();
    record.as_object_mut().unwrap().extend(more);
    json!({"thread": record})
}

#[tokio::test]
async fn what_the_server_has_said_need_not_be_asked_for() {
    let server = FakeServer::new();
    let asked = Asked::default();
    let (_codex, _thread) = strict(&server, &asked).await;
    let from = |it: &str| json!({"forkedFromId": it});
    server
        .then()
        .notify("item/completed", spawned("t", "child"))
        .notify("item/completed", spawned("child", "grandchild"))
        .notify("thread/started", record("fork", from("t")))
        .notify("thread/started", record("its fork", from("grandchild")))
        .notify("thread/started", record("other", json!({})));
    for thread in ["child", "grandchild", "fork", "its fork"] {
        for (method, what) in [
            (COMMAND, "command"),
            ("item/fileChange/requestApproval", "change"),
            ("item/permissions/requestApproval", "permissions"),
            ("item/tool/requestUserInput", "question"),
            ("mcpServer/elicitation/request", "elicitation"),
        ] {
            let answer = ask(&server, method, thread).await;
            assert_eq!(
                asked.take(),
                [format!("thread: {what}")],
                "{thread} {answer}"
            );
        }
    }
    ask(&server, COMMAND, "other").await;
    assert_eq!(asked.take(), ["client: command"]);
}

#[tokio::test]
async fn the_server_is_asked_where_it_has_not_said_it() {
    let server = FakeServer::new();
    let asked = Asked::default();
    let (_codex, _thread) = strict(&server, &asked).await;
    let spawned = json!({"subAgent": {"thread_spawn": {"depth": 1, "parent_thread_id": "t"}}});
    for (id, with, expected) in [
        ("child", json!({"parentThreadId": "t"}), "thread: command"),
        ("spawned", json!({"source": spawned}), "thread: command"),
        (
            "review",
            json!({"forkedFromId": "t", "source": {"subAgent": "review"}}),
            "thread: command",
        ),
        (
            "grandchild",
            json!({"parentThreadId": "child"}),
            "thread: command",
        ),
        ("other", json!({}), "client: command"),
        (
            "its child",
            json!({"parentThreadId": "other"}),
            "client: command",
        ),
    ] {
        ask_and(&server, COMMAND, id, |server| {
            let read = server.expect_params("thread/read", json!({"threadId": id}));
            read.reply(record(id, with));
        })
        .await;
        assert_eq!(asked.take(), [expected], "{id}");
        // Once.
        ask(&server, COMMAND, id).await;
        assert_eq!(asked.take(), [expected], "{id}");
    }
}

#[tokio::test]
async fn without_handlers_of_any_thread_nothing_is_asked_of_the_server() {
    let server = FakeServer::new();
    let asked = Asked::default();
    let _codex = fake(&server, handlers("client", true, &asked)).await;
    ask(&server, COMMAND, "unheard of").await;
    assert_eq!(asked.take(), ["client: command"]);
}

#[tokio::test]
async fn the_client_does_not_accept_for_threads_of_unknown_origin() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let server = FakeServer::new();
    let asked = Asked::default();
    let (_codex, _thread) = strict(&server, &asked).await;
    let refused = async |thread: &str, answers: Vec<Option<Value>>| {
        let answer = ask_and(&server, COMMAND, thread, |server| {
            for answer in answers {
                let read = server.expect("thread/read");
                match answer {
                    Some(answer) => read.reply(answer),
                    None => read.error(-32600, "thread not found"),
                };
            }
        })
        .await;
        assert_eq!(answer["result"]["decision"], "decline", "{answer}");
        assert_eq!(asked.take(), [] as [&str; 0], "{thread}");
        warnings.take(thread)
    };
    let warned = refused("gone", vec![None]).await;
    assert!(warned.contains("cannot be learnt"), "{warned}");
    // Somebody's, and it is not said whose.
    let review = json!({"source": {"subAgent": "review"}});
    refused("review", vec![Some(record("review", review))]).await;
    // An answer about another one.
    refused("answered wrongly", vec![Some(record("another", json!({})))]).await;
    let from = |it: &str| json!({"parentThreadId": it});
    refused("orphan", vec![Some(record("orphan", from("lost"))), None]).await;
    let circle = vec![record("a", from("b")), record("b", from("a"))];
    let warned = refused("a", circle.into_iter().map(Some).collect()).await;
    assert!(warned.contains("too many"), "{warned}");
    // Not answered at all.
    let begun = std::time::Instant::now();
    let answer = ask_and(&server, COMMAND, "slow", |server| {
        server.expect("thread/read").held_as("never");
    });
    assert_eq!(answer.await["result"]["decision"], "decline");
    assert_eq!(asked.take(), [] as [&str; 0]);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn what_an_agent_only_names_is_not_its_own() {
    let server = FakeServer::new();
    let asked = Asked::default();
    let (_codex, _thread) = strict(&server, &asked).await;
    let mut named = spawned("lenient", "t's child");
    named["item"]["tool"] = json!("wait");
    server.then().notify("item/completed", named);
    ask_and(&server, COMMAND, "t's child", |server| {
        let own = json!({"parentThreadId": "t"});
        server.expect("thread/read").reply(record("t's child", own));
    })
    .await;
    assert_eq!(asked.take(), ["thread: command"]);
}

#[tokio::test]
async fn the_tools_of_a_thread_are_there_for_its_sub_agents() {
    let server = FakeServer::new();
    let codex = fake(&server, Handlers::new()).await;
    server.expect("thread/start").reply(thread_response("t"));
    let schema = json!({"type": "object"});
    let oracle = Tool::with_schema("oracle", "Knows", schema, |_, cx| async move {
        Ok(format!("forty-two, {}", cx.thread_id().unwrap()))
    });
    let _thread = codex.thread_start().tool(oracle).await.unwrap();
    server
        .then()
        .notify("item/completed", spawned("t", "child"));
    let call = json!({
        "threadId": "child", "turnId": "u", "callId": "c", "tool": "oracle", "arguments": {},
    });
    server.then().ask("q", "item/tool/call", call);
    server.expect_answer("q");
    server.done().await;
    let answer = server.received().pop().unwrap();
    assert_eq!(
        answer["result"]["contentItems"][0]["text"],
        "forty-two, child"
    );
}

#[tokio::test]
async fn a_fork_asks_the_original_for_what_its_own_handlers_do_not_answer() {
    let server = FakeServer::new();
    let asked = Asked::default();
    let (codex, _thread) = strict(&server, &asked).await;
    let mut response = thread_response("fork");
    response["thread"]["forkedFromId"] = json!("t");
    server.expect("thread/fork").reply(response);
    let note = asked.clone();
    let own = Handlers::new().command_approval(move |_, _| {
        note.note("fork", "command");
        async { Decision::Accept }
    });
    let _fork = codex.thread_fork("t").handlers(own).await.unwrap();
    ask(&server, COMMAND, "fork").await;
    ask(&server, "item/fileChange/requestApproval", "fork").await;
    assert_eq!(asked.take(), ["fork: command", "thread: change"]);
}
