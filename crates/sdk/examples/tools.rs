//! Functions of this program's that the model can call.
//!
//! `cargo run --example tools`, offline with `-- --demo`.

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::schemars::{self, JsonSchema};
use openai_codex::{HandlerError, Tool};
use serde::Deserialize;
use serde_json::json;

/// The arguments of a tool. The model reads the doc comments.
#[derive(Deserialize, JsonSchema)]
struct Order {
    /// What is ordered, in the singular.
    article: String,
    /// How many; one, unless the customer says otherwise.
    count: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
struct Question {
    /// What the customer asks for, in the singular.
    article: String,
}

type Stock = Arc<Mutex<HashMap<String, u32>>>;

#[tokio::main]
async fn main() -> support::Result {
    let stage = support::stage(|model| {
        model.calls("in_stock", json!({"article": "lamp"}));
        model.calls("order", json!({"article": "lamp", "count": 5}));
        model.calls("order", json!({"article": "lamp", "count": 3}));
        model.say("I have ordered three lamps; there were no more.");
    })?;
    let codex = stage.builder().await?;
    let stock: Stock = Arc::new(Mutex::new(HashMap::from([("lamp".to_owned(), 3)])));

    let thread = codex
        .thread_start()
        .developer_instructions("You take orders for a shop. Use the tools.")
        .tools([in_stock(&stock), order(&stock)])
        .await?;
    let result = thread.run("Five lamps, please, or what you have.").await?;
    println!("agent> {}", result.final_response.unwrap_or_default());

    let left = stock.lock().unwrap_or_else(PoisonError::into_inner)["lamp"];
    println!("{left} left");
    codex.close().await?;
    Ok(())
}

/// What a function returns is what the model reads: text, JSON, images or a mix.
fn in_stock(stock: &Stock) -> Tool {
    let stock = Arc::clone(stock);
    Tool::new(
        "in_stock",
        "How many of an article there are",
        move |question: Question, _cx| {
            let stock = Arc::clone(&stock);
            async move {
                let stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
                let count = stock.get(&question.article).copied().unwrap_or_default();
                println!("in_stock({}) = {count}", question.article);
                Ok(json!({"article": question.article, "count": count}))
            }
        },
    )
}

/// It reads errors too, so they say what to do better.
fn order(stock: &Stock) -> Tool {
    let stock = Arc::clone(stock);
    Tool::new("order", "Orders an article", move |order: Order, _cx| {
        let stock = Arc::clone(&stock);
        async move {
            let count = order.count.unwrap_or(1);
            let mut stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
            let left = stock.entry(order.article.clone()).or_default();
            match left.checked_sub(count) {
                Some(rest) => {
                    *left = rest;
                    println!("order({}, {count}): ordered", order.article);
                    Ok(format!("ordered, {rest} left"))
                }
                None => {
                    println!("order({}, {count}): too many", order.article);
                    Err(HandlerError::new(format!("only {left} left; order fewer")))
                }
            }
        }
    })
}
