//! Threads from their start to the archive, on the real runtime.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use openai_codex::types::{ServerNotification, ThreadItem, ThreadSortKey};
use openai_codex::{Codex, ErrorKind, RpcErrorKind, Thread};
use openai_codex_testkit::{Gate, MockModel};
use serde_json::json;

/// A thread with one turn, so that it is stored.
async fn used(codex: &Codex, model: &MockModel, text: &str) -> Thread {
    model.when_user_says(text).say("ok");
    let thread = codex.thread_start().await.unwrap();
    thread.run(text).await.unwrap();
    thread
}

async fn listed(codex: &Codex, archived: bool) -> Vec<String> {
    let mut threads = codex.thread_list().archived(archived).stream();
    let mut ids = Vec::new();
    while let Some(thread) = threads.next().await {
        ids.push(thread.unwrap().id.to_string());
    }
    assert!(threads.next().await.is_none());
    ids.sort();
    ids
}

#[tokio::test]
async fn the_handshake_tells_who_the_runtime_is() {
    let model = MockModel::start().unwrap();
    let (runtime, codex) = client::start(&model).await;
    let metadata = codex.metadata();
    let version = client::version_of(&runtime);
    let agent = format!("codex_rust_sdk/{version} (");
    assert!(
        metadata.user_agent.starts_with(&agent),
        "{}",
        metadata.user_agent
    );
    assert_eq!(codex.runtime_version(), Some(version.as_str()));
    let home = runtime.home().canonicalize().unwrap();
    assert_eq!(metadata.codex_home.as_str(), home.to_str().unwrap());
}

#[tokio::test]
async fn a_name_is_stored() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "hi").await;
    thread.set_name("A fine thread").await.unwrap();
    let read = thread.read(false).await.unwrap();
    assert_eq!(read.thread.name.as_deref(), Some("A fine thread"));
    assert_eq!(&read.thread.id, thread.id());
    assert!(read.thread.turns.is_empty());
}

#[tokio::test]
async fn reading_with_turns_gives_the_history() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "remember this").await;
    let read = thread.read(true).await.unwrap();
    let [turn] = read.thread.turns.as_slice() else {
        panic!("{:?}", read.thread.turns)
    };
    assert!(matches!(
        turn.items.as_slice(),
        [ThreadItem::UserMessage(_), ThreadItem::AgentMessage(answer)] if answer.text == "ok"
    ));
}

#[tokio::test]
async fn archived_threads_are_listed_apart() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let mut threads = Vec::new();
    for text in ["one", "two", "three"] {
        threads.push(used(&codex, &model, text).await);
    }
    let ids = |threads: &[&Thread]| {
        let mut ids: Vec<String> = threads
            .iter()
            .map(|thread| thread.id().to_string())
            .collect();
        ids.sort();
        ids
    };
    codex.thread_archive(threads[0].id()).await.unwrap();
    assert_eq!(
        listed(&codex, false).await,
        ids(&[&threads[1], &threads[2]])
    );
    assert_eq!(listed(&codex, true).await, ids(&[&threads[0]]));
    let page = codex.thread_list().limit(1_u32).await.unwrap();
    assert_eq!(page.data.len(), 1);
    assert!(page.next_cursor.is_some());

    let back = codex.thread_unarchive(threads[0].id()).await.unwrap();
    assert_eq!(back.id(), threads[0].id());
    assert_eq!(listed(&codex, false).await.len(), 3);
    assert!(listed(&codex, true).await.is_empty());
    // It is not loaded by that; a resume makes it usable.
    let resumed = codex.thread_resume(back.id()).await.unwrap();
    model.say("welcome back");
    let result = resumed.run("hello again").await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("welcome back"));
}

#[tokio::test]
async fn a_list_is_streamed_page_by_page() {
    let (fake, codex) = client::fake().await;
    let page = |id: &str, next: Option<&str>| json!({"data": [client::stored_thread(id)], "nextCursor": next});
    fake.expect_params("thread/list", json!({"limit": 1}))
        .reply(page("a", Some("after a")));
    fake.expect_params("thread/list", json!({"limit": 1, "cursor": "after a"}))
        .reply(page("b", Some("after b")));
    fake.expect_params("thread/list", json!({"limit": 1, "cursor": "after b"}))
        .error(-32600, "no");
    let mut threads = codex.thread_list().limit(1_u32).stream();
    assert_eq!(threads.next().await.unwrap().unwrap().id.as_str(), "a");
    assert_eq!(threads.next().await.unwrap().unwrap().id.as_str(), "b");
    assert!(threads.next().await.unwrap().is_err());
    assert!(threads.next().await.is_none(), "an error is the last item");
    fake.assert_finished();

    // A server that leads in a circle does not keep us for ever.
    for next in ["x", "y", "x"] {
        fake.expect("thread/list").reply(page("a", Some(next)));
    }
    let mut threads = codex.thread_list().stream();
    for _ in 0..3 {
        assert_eq!(threads.next().await.unwrap().unwrap().id.as_str(), "a");
    }
    let told = threads.next().await.unwrap().unwrap_err().to_string();
    assert!(told.contains("the cursor \"x\" again"), "{told}");
    assert!(threads.next().await.is_none());
    fake.assert_finished();
}

/// By creation, 0.163.0 leaves some out that are of the same second.
#[tokio::test]
async fn a_list_by_update_has_every_thread_however_small_its_pages() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four", "five"] {
        ids.push(used(&codex, &model, text).await.id().clone());
    }
    let list = codex.thread_list().limit(1);
    let mut threads = list.sort_key(ThreadSortKey::UpdatedAt).stream();
    while let Some(thread) = threads.next().await {
        let id = thread.unwrap().id;
        let at = ids.iter().position(|it| *it == id);
        ids.swap_remove(at.expect("each is listed once"));
    }
    assert!(ids.is_empty(), "{ids:?}");
}

#[tokio::test]
async fn a_list_has_the_threads_of_the_configured_provider_unless_it_is_told_others() {
    let model = MockModel::start().unwrap();
    let (runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "hello").await;
    codex.close().await.unwrap();
    let provider = format!(
        "{{name = \"Other\", base_url = {:?}, wire_api = \"responses\"}}",
        model.base_url()
    );
    let codex = client::builder(&runtime)
        .config_override("model_providers.other", provider)
        .config_override("model_provider", "\"other\"")
        .await
        .unwrap();
    assert!(listed(&codex, false).await.is_empty());
    let every: Vec<String> = Vec::new();
    let page = codex.thread_list().model_providers(every).await.unwrap();
    assert_eq!(page.data[0].id, *thread.id());
}

#[tokio::test]
async fn a_thread_without_a_turn_cannot_be_forked_and_the_error_says_so() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let error = codex.thread_fork(thread.id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rpc(RpcErrorKind::InvalidRequest));
    assert!(
        error.rpc().unwrap().message.contains("no rollout found"),
        "{error}"
    );
}

#[tokio::test]
async fn a_fork_is_another_thread_with_the_same_past() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "shared past").await;
    let fork = codex
        .thread_fork(thread.id())
        .include_turns(true)
        .await
        .unwrap();
    assert_ne!(fork.id(), thread.id());
    assert_eq!(fork.info().unwrap().thread.turns.len(), 1);
    model.say("from the fork");
    fork.run("and now?").await.unwrap();
    let request = model.last_request().unwrap();
    assert_eq!(
        request
            .user_texts()
            .iter()
            .rev()
            .take(2)
            .collect::<Vec<_>>(),
        [&"and now?", &"shared past"]
    );
    assert_eq!(thread.read(true).await.unwrap().thread.turns.len(), 1);
}

#[tokio::test]
async fn a_resume_in_a_new_process_remembers() {
    let model = MockModel::start().unwrap();
    let (runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "the first words").await;
    codex.close().await.unwrap();
    let again = client::connect(&runtime).await;
    let resumed = again
        .thread_resume(thread.id())
        .include_turns(false)
        .await
        .unwrap();
    assert!(resumed.info().unwrap().thread.turns.is_empty());
    model.say("yes");
    resumed.run("do you remember?").await.unwrap();
    let texts = model.last_request().unwrap().messages("user");
    assert!(texts.iter().any(|text| text == "the first words"));
}

#[tokio::test]
async fn models_are_listed_across_pages() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let visible = codex.models().await.unwrap();
    let all = codex.models().include_hidden(true).await.unwrap();
    assert!(!visible.is_empty() && visible.len() <= all.len());
    assert!(visible.iter().all(|model| !model.hidden));

    let (fake, codex) = client::fake().await;
    let entry = serde_json::to_value(&all[0]).unwrap();
    fake.expect("model/list")
        .reply(json!({"data": [entry], "nextCursor": "2"}));
    fake.expect_params("model/list", json!({"cursor": "2"}))
        .reply(json!({"data": [entry], "nextCursor": null}));
    assert_eq!(codex.models().await.unwrap().len(), 2);
    fake.assert_finished();
}

#[tokio::test]
async fn compaction_asks_the_model_and_can_be_watched() {
    let model = MockModel::start().unwrap();
    let (_runtime, codex) = client::start(&model).await;
    let thread = used(&codex, &model, "something long").await;
    let gate = Gate::new();
    model
        .when(|request| request.kind() == Some("compaction"))
        .say("In short: nothing.")
        .waits_for(&gate);
    let mut events = thread.events();
    thread.compact().await.unwrap();
    gate.reached().await;
    let refused = thread.run("not now").await.unwrap_err();
    assert!(
        refused.to_string().contains("ActiveTurnNotSteerable"),
        "{refused}"
    );
    gate.open();
    let mut turn = None;
    let mut compacted = false;
    loop {
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.thread_id(), Some(thread.id().as_str()));
        match event.decode().unwrap() {
            ServerNotification::TurnStarted(started) => turn = Some(started.turn.id.clone()),
            ServerNotification::ItemCompleted(done) => {
                compacted |= matches!(done.item, ThreadItem::ContextCompaction(_));
            }
            ServerNotification::TurnCompleted(done) => {
                assert_eq!(Some(&done.turn.id), turn.as_ref());
                break;
            }
            _ => {}
        }
    }
    assert!(compacted);
    assert_eq!(model.requests().len(), 2);
    model.say("still here");
    thread.run("go on").await.unwrap();
}

#[tokio::test]
async fn including_turns_is_sent_inverted_or_not_at_all() {
    let (fake, codex) = client::fake().await;
    for method in ["thread/resume", "thread/fork"] {
        fake.always(method).reply(client::thread_response("t"));
    }
    codex.thread_resume("t").include_turns(true).await.unwrap();
    codex.thread_fork("t").include_turns(false).await.unwrap();
    let sent = |method| client::params_of(&fake, method);
    assert_eq!(
        sent("thread/resume"),
        json!({"threadId": "t", "excludeTurns": false})
    );
    assert_eq!(
        sent("thread/fork"),
        json!({"threadId": "t", "excludeTurns": true})
    );
}

#[tokio::test]
async fn every_option_reaches_the_wire_under_its_name() {
    let (fake, codex) = client::fake().await;
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        fake.always(method).reply(client::thread_response("t"));
    }
    fake.always("thread/list").reply(json!({"data": []}));
    let config = [("a.b", 1)];
    codex
        .thread_start()
        .base_instructions("b")
        .config(config)
        .cwd("/w")
        .developer_instructions("d")
        .ephemeral(true)
        .model("m")
        .model_provider("p")
        .personality("none")
        .service_name("s")
        .service_tier("flex")
        .session_start_source("clear")
        .thread_source("automation")
        .await
        .unwrap();
    assert_eq!(
        client::params_of(&fake, "thread/start"),
        json!({
            "approvalPolicy": "on-request", "approvalsReviewer": "auto_review",
            "baseInstructions": "b", "config": {"a.b": 1}, "cwd": "/w",
            "developerInstructions": "d", "ephemeral": true, "model": "m", "modelProvider": "p",
            "personality": "none", "serviceName": "s", "serviceTier": "flex",
            "sessionStartSource": "clear", "threadSource": "automation",
        })
    );
    codex
        .thread_fork("t")
        .config(config)
        .ephemeral(true)
        .thread_source("automation")
        .clear_service_tier()
        .await
        .unwrap();
    assert_eq!(
        client::params_of(&fake, "thread/fork"),
        json!({
            "threadId": "t", "config": {"a.b": 1}, "ephemeral": true,
            "threadSource": "automation", "serviceTier": null,
        })
    );
    codex
        .thread_list()
        .archived(true)
        .cursor("c")
        .cwd("/w")
        .limit(5_u32)
        .model_providers(vec!["p".to_owned()])
        .search_term("x")
        .section_id("s")
        .sort_direction("asc")
        .sort_key("updated_at")
        .use_state_db_only(true)
        .await
        .unwrap();
    assert_eq!(
        client::params_of(&fake, "thread/list"),
        json!({
            "archived": true, "cursor": "c", "cwd": "/w", "limit": 5, "modelProviders": ["p"],
            "searchTerm": "x", "sectionId": "s", "sortDirection": "asc", "sortKey": "updated_at",
            "useStateDbOnly": true,
        })
    );
    fake.expect("turn/start").reply(client::turn_response("u"));
    let schema = json!({"type": "object"});
    codex
        .thread("t")
        .turn("hi")
        .cwd("/w")
        .effort("high")
        .model("m")
        .output_schema(schema.clone())
        .personality("none")
        .turn_service_tier("default")
        .clear_service_tier()
        .source("cron")
        .summary("concise")
        .await
        .unwrap();
    assert_eq!(
        client::params_of(&fake, "turn/start"),
        json!({
            "threadId": "t", "input": [{"type": "text", "text": "hi"}],
            "cwd": "/w", "effort": "high", "model": "m", "outputSchema": schema,
            "personality": "none", "serviceTierForTurn": "default", "serviceTier": null,
            "turnTrigger": "cron", "summary": "concise",
        })
    );
}

#[tokio::test]
async fn what_can_be_cleared_is_sent_as_null() {
    let (fake, codex) = client::fake().await;
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        fake.always(method).reply(client::thread_response("t"));
    }
    fake.always("thread/loaded/list").reply(json!({"data": []}));
    fake.always("turn/start").reply(client::turn_response("u"));
    fake.always("thread/list").reply(json!({"data": []}));
    let start = codex.thread_start().service_tier("flex");
    let thread = start.clear_service_tier().await.unwrap();
    let resume = codex.thread_resume("t").clear_service_tier();
    resume.await.unwrap();
    codex.thread_fork("t").clear_service_tier().await.unwrap();
    thread.turn("hi").clear_service_tier().await.unwrap();
    for method in ["thread/start", "thread/resume", "thread/fork", "turn/start"] {
        let sent = client::params_of(&fake, method);
        assert_eq!(sent.get("serviceTier"), Some(&json!(null)), "{method}");
    }
    codex.thread_list().unsectioned().await.unwrap();
    let sent = client::params_of(&fake, "thread/list");
    assert_eq!(sent, json!({"sectionId": null}));
    // Left alone, neither is sent.
    codex.thread_list().await.unwrap();
    assert_eq!(client::params_of(&fake, "thread/list"), json!({}));
}
