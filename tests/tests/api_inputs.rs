//! What a turn is given, as the model gets it.
#![allow(clippy::unwrap_used)]

#[path = "support/client.rs"]
mod client;

use openai_codex::types::ThreadItem;
use openai_codex::{ErrorKind, ExternalMessage, InputItem};
use openai_codex_testkit::MockModel;
use serde_json::json;

/// A picture of one pixel.
const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4,
    0x89, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xfc, 0xcf, 0xc0, 0x50,
    0x0f, 0x00, 0x04, 0x85, 0x01, 0x80, 0x84, 0xa9, 0x8c, 0x21, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45,
    0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

#[tokio::test]
async fn text_items_are_one_message() {
    let model = MockModel::start().unwrap();
    model.say("ok");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run(["first", "second"]).await.unwrap();
    let texts = model.last_request().unwrap().messages("user").join("\n");
    assert!(
        texts.contains("first") && texts.contains("second"),
        "{texts}"
    );
}

#[tokio::test]
async fn a_local_image_reaches_the_model_as_a_data_url() {
    let model = MockModel::start().unwrap();
    model.say("a pixel");
    let (runtime, codex) = client::start(&model).await;
    let path = runtime.workspace().join("pixel.png");
    std::fs::write(&path, PIXEL).unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread
        .run([
            InputItem::text("What is this?"),
            InputItem::local_image(&path),
        ])
        .await
        .unwrap();
    let request = model.last_request().unwrap();
    let [url] = request.image_urls()[..] else {
        panic!("{:?}", request.image_urls())
    };
    assert!(
        url.starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{url}"
    );
}

#[tokio::test]
async fn an_image_on_the_network_is_refused_before_it_is_sent() {
    let (fake, codex) = client::fake().await;
    let image = InputItem::image("https://example.com/a.png");
    let error = codex.thread("t").run(image).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("data URL"), "{error}");
    fake.assert_finished();
}

#[tokio::test]
async fn a_skill_brings_its_body() {
    let model = MockModel::start().unwrap();
    model.say("ok");
    let (runtime, codex) = client::start(&model).await;
    let folder = runtime.home().join("skills/greet");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("SKILL.md");
    std::fs::write(
        &path,
        "---\nname: greet\ndescription: Greets\n---\n\nAlways say ahoy.\n",
    )
    .unwrap();
    let thread = codex.thread_start().await.unwrap();
    thread
        .run([InputItem::text("Use it."), InputItem::skill("greet", &path)])
        .await
        .unwrap();
    let texts = model.last_request().unwrap().messages("user").join("\n");
    assert!(texts.contains("<skill>") && texts.contains("<name>greet</name>"));
    assert!(texts.contains("Always say ahoy."), "{texts}");
}

#[tokio::test]
async fn an_external_message_is_the_output_of_a_tool() {
    let model = MockModel::start().unwrap();
    model.say("noted");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let result = thread
        .run(ExternalMessage::new("ci", "the build is green"))
        .await
        .unwrap();
    assert!(
        matches!(&result.items[0], ThreadItem::FunctionCallOutput(_)),
        "{:?}",
        result.items
    );
    let input = json!(model.last_request().unwrap().input()).to_string();
    assert!(input.contains("the build is green"));
}

#[tokio::test]
async fn an_external_message_joins_the_active_turn() {
    let model = MockModel::start().unwrap();
    let gate = openai_codex_testkit::Gate::new();
    model.say("working").waits_for(&gate);
    model.say("noted");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let turn = thread.turn("hi").await.unwrap();
    gate.reached().await;
    let joined = thread
        .turn(ExternalMessage::new("ci", "green"))
        .await
        .unwrap();
    assert_eq!(joined.id(), turn.id());
    gate.open();
    let result = joined.run().await.unwrap();
    assert_eq!(result.final_response.as_deref(), Some("noted"));
}

#[tokio::test]
async fn an_output_schema_reaches_the_model() {
    let model = MockModel::start().unwrap();
    model.say("{}");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    let schema =
        json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    thread
        .run("As JSON.")
        .output_schema(schema.clone())
        .await
        .unwrap();
    assert_eq!(model.last_request().unwrap().output_schema(), Some(&schema));
}

#[tokio::test]
async fn a_model_given_to_a_run_is_the_one_that_is_asked() {
    let model = MockModel::start().unwrap();
    model.say("ok");
    let (_runtime, codex) = client::start(&model).await;
    let thread = codex.thread_start().await.unwrap();
    thread.run("hi").model("another-model").await.unwrap();
    assert_eq!(model.last_request().unwrap().model(), Some("another-model"));
}
