//! A chat with an agent in the browser: one client, many threads.
//!
//! | | |
//! |---|---|
//! | `GET /threads` | the stored threads, newest first |
//! | `POST /threads` | starts one |
//! | `GET /threads/{id}` | what was said in it; resumes it after a restart |
//! | `POST /threads/{id}/turns` | says something; the answer is a stream of events, and hanging up stops the turn |
//! | `POST /approvals/{id}` | answers a question of the agent's |
//!
//! All of it only for the browser that was opened with [`Site::link`], which gives it a cookie.

mod asked;
mod desk;
mod guard;
mod told;
mod turn;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use openai_codex::schemars::{self, JsonSchema};
use openai_codex::{ApprovalMode, Codex, CodexBuilder, HandlerError, Thread, Tool};
use serde::{Deserialize, Serialize};

use desk::Desk;
use guard::Guard;
use told::Told;

/// What all requests share.
#[derive(Clone)]
struct Chat {
    codex: Codex,
    desk: Desk,
    /// The threads that this process has started or resumed.
    threads: Arc<Mutex<HashMap<String, Thread>>>,
}

/// A chat that is to be served.
pub struct Site {
    /// Close it when the server has ended.
    pub codex: Codex,
    pub router: Router,
    /// What the user opens in a browser. Whoever has it can use the chat.
    pub link: String,
}

/// Starts the client and gives the pages of the chat, for a server at `address`.
pub async fn chat(builder: CodexBuilder, address: SocketAddr) -> Result<Site> {
    let guard = Guard::new(address)?;
    let link = guard.link();
    let desk = Desk::default();
    let codex = builder.handlers(desk.handlers()).await?;
    let chat = Chat {
        codex: codex.clone(),
        desk,
        threads: Arc::default(),
    };
    let router = Router::new()
        .route("/", get(page))
        .route("/chat.js", get(script))
        .route("/chat.css", get(style))
        .route("/threads", get(list).post(start))
        .route("/threads/{id}", get(history))
        .route("/threads/{id}/turns", post(turn::say))
        .route("/approvals/{id}", post(answer))
        .layer(middleware::from_fn_with_state(guard, guard::guard))
        .with_state(chat);
    Ok(Site {
        codex,
        router,
        link,
    })
}

async fn page() -> Html<&'static str> {
    Html(include_str!("page/index.html"))
}

async fn script() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/javascript")];
    (kind, include_str!("page/chat.js"))
}

async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css")],
        include_str!("page/chat.css"),
    )
}

#[derive(Serialize)]
struct Listed {
    id: String,
    title: String,
}

async fn list(State(chat): State<Chat>) -> Result<Json<Vec<Listed>>, Problem> {
    let mut stored = chat.codex.thread_list().stream();
    let mut listed = Vec::new();
    while let Some(thread) = stored.next().await {
        let thread = thread?;
        let title = thread.name.as_deref().unwrap_or(&thread.preview);
        listed.push(Listed {
            id: thread.id.to_string(),
            title: title.chars().take(60).collect(),
        });
        if listed.len() == 50 {
            break;
        }
    }
    Ok(Json(listed))
}

/// Takes JSON as all that changes something does, so that no form of another site can send it.
async fn start(
    State(chat): State<Chat>,
    Json(_): Json<serde_json::Value>,
) -> Result<Json<Listed>, Problem> {
    let thread = chat
        .codex
        .thread_start()
        .approval_mode(ApprovalMode::Ask)
        .tool(dice())
        .await?;
    let id = thread.id().to_string();
    lock(&chat.threads).insert(id.clone(), thread);
    Ok(Json(Listed {
        id,
        title: String::new(),
    }))
}

async fn history(
    State(chat): State<Chat>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Told>>, Problem> {
    let thread = chat.thread(&id).await?;
    let read = thread.read(true).await?;
    let items = read.thread.turns.iter().flat_map(|turn| &turn.items);
    Ok(Json(items.filter_map(told::told).collect()))
}

#[derive(Deserialize)]
struct Answer {
    accept: bool,
}

async fn answer(
    State(chat): State<Chat>,
    Path(id): Path<u64>,
    Json(answer): Json<Answer>,
) -> Result<StatusCode, Problem> {
    match chat.desk.answer(id, answer.accept) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem(
            StatusCode::GONE,
            "nobody waits for this answer any more".into(),
        )),
    }
}

impl Chat {
    /// A thread of this process, or one of an earlier process that goes on here.
    async fn thread(&self, id: &str) -> Result<Thread, Problem> {
        if let Some(thread) = lock(&self.threads).get(id) {
            return Ok(thread.clone());
        }
        let resumed = self
            .codex
            .thread_resume(id)
            .approval_mode(ApprovalMode::Ask)
            .tool(dice())
            .await?;
        // If two pages came at once, both have the same thread.
        lock(&self.threads).insert(id.to_owned(), resumed.clone());
        Ok(resumed)
    }
}

#[derive(Deserialize, JsonSchema)]
struct Dice {
    /// How many sides each die has.
    sides: u32,
    /// How many dice.
    dice: u32,
}

/// A tool of ours, which the model calls.
fn dice() -> Tool {
    Tool::new("dice", "Rolls dice", |args: Dice, _cx| async move {
        if args.sides == 0 || args.dice > 100 {
            return Err(HandlerError::new("at most 100 dice, with sides"));
        }
        // Each is seeded by chance.
        let roll = |_| RandomState::new().hash_one(()) % u64::from(args.sides) + 1;
        let rolls = (0..args.dice).map(roll).map(|roll| roll.to_string());
        Ok(rolls.collect::<Vec<_>>().join(", "))
    })
}

/// An answer that tells what went wrong.
struct Problem(StatusCode, String);

impl From<openai_codex::Error> for Problem {
    fn from(error: openai_codex::Error) -> Self {
        Self(StatusCode::BAD_GATEWAY, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
