//! A turn as a stream of events.

use std::collections::HashSet;
use std::convert::Infallible;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event as Sse, KeepAlive, Sse as Stream};
use futures_util::Stream as Events;
use futures_util::stream::unfold;
use openai_codex::types::{ServerNotification, ThreadItem};
use openai_codex::{Event, TurnHandle, TurnStream};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::desk::Seat;
use crate::{Chat, Problem, told};

#[derive(Deserialize)]
pub(crate) struct Say {
    text: String,
}

/// One turn. Everything that it has is dropped with the stream, which is when the page hangs up.
struct Turn {
    turn: TurnHandle,
    events: TurnStream,
    seat: Seat,
    /// The patches that the page has been shown.
    patches: HashSet<String>,
    is_over: bool,
}

pub(crate) async fn say(
    State(chat): State<Chat>,
    Path(id): Path<String>,
    Json(say): Json<Say>,
) -> Result<Stream<impl Events<Item = Result<Sse, Infallible>>>, Problem> {
    let thread = chat.thread(&id).await?;
    // Before the turn, which may ask at once.
    let Some(seat) = chat.desk.sit(&id) else {
        let busy = "the agent is at work in this thread, for another page";
        return Err(Problem(StatusCode::CONFLICT, busy.to_owned()));
    };
    let turn = thread.turn(say.text).await?.interrupt_on_drop(true);
    let turn = Turn {
        events: turn.stream(),
        turn,
        seat,
        patches: HashSet::new(),
        is_over: false,
    };
    let events = unfold(turn, |mut turn| async move {
        let event = turn.next().await?;
        Some((Ok(event), turn))
    });
    Ok(Stream::new(events).keep_alive(KeepAlive::default()))
}

impl Turn {
    /// The next event for the page.
    async fn next(&mut self) -> Option<Sse> {
        if self.is_over {
            return None;
        }
        loop {
            let event = tokio::select! {
                // A question comes after the item that it is about.
                biased;
                event = self.events.next() => match event {
                    Some(Ok(event)) => {
                        self.patches.extend(patch(&event));
                        shown(&event)
                    }
                    // The end, or what made it one: the result tells which.
                    Some(Err(_)) | None => {
                        self.is_over = true;
                        return Some(self.end().await);
                    }
                },
                Some(question) = self.seat.questions.recv() => match &question.patch {
                    // As one of a sub-agent's.
                    Some(id) if !self.patches.contains(id) => {
                        self.seat.decline(question.id);
                        let words = "refused: a change that is not to be seen here";
                        Some(sse("problem", &json!({ "text": words })))
                    }
                    _ => Some(sse("approval", &question)),
                },
            };
            if event.is_some() {
                return event;
            }
        }
    }

    async fn end(&mut self) -> Sse {
        match self.turn.run().await {
            Ok(result) => sse("done", &json!({ "status": result.status.as_str() })),
            Err(error) => sse("problem", &json!({ "text": error.to_string() })),
        }
    }
}

/// The id of a patch that has begun.
fn patch(event: &Event) -> Option<String> {
    match event.decode().ok()? {
        ServerNotification::ItemStarted(started) => match &started.item {
            ThreadItem::FileChange(patch) => Some(patch.id.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// What the page is shown of an event.
fn shown(event: &Event) -> Option<Sse> {
    match event.decode().ok()? {
        ServerNotification::AgentMessageDelta(delta) => {
            let id = delta.item_id.as_str();
            Some(sse("delta", &json!({ "id": id, "text": delta.delta })))
        }
        ServerNotification::ItemStarted(started) => {
            told::told(&started.item).map(|told| sse("item", &told))
        }
        ServerNotification::ItemCompleted(completed) => {
            told::told(&completed.item).map(|told| sse("item", &told))
        }
        ServerNotification::Error(error) if error.will_retry => {
            Some(sse("retry", &json!({ "text": error.error.message })))
        }
        _ => None,
    }
}

fn sse(name: &str, data: &impl Serialize) -> Sse {
    let event = Sse::default().event(name);
    match event.json_data(data) {
        Ok(event) => event,
        Err(error) => Sse::default().event("problem").data(error.to_string()),
    }
}
