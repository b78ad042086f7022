//! Where the agent's questions wait for the page's answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use openai_codex::{Decision, HandlerContext, Handlers};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::asked::all_of;
use crate::lock;

/// A question about what the agent wants to do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Question {
    pub(crate) id: u64,
    what: String,
    reason: Option<String>,
    /// The id of the patch that it is about.
    #[serde(skip)]
    pub(crate) patch: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: u64,
    /// The page that looks at each thread while a turn runs.
    seats: HashMap<String, mpsc::Sender<Question>>,
    open: HashMap<u64, oneshot::Sender<bool>>,
}

impl Desk {
    /// What there are no words for, such as additional permissions, is declined.
    pub(crate) fn handlers(&self) -> Handlers {
        let (commands, files) = (self.clone(), self.clone());
        Handlers::new()
            .command_approval(move |request, cx| {
                let desk = commands.clone();
                async move {
                    match all_of(&request) {
                        Some(what) => desk.ask(what, request.reason, None, &cx).await,
                        None => Decision::Decline,
                    }
                }
            })
            .file_change_approval(move |request, cx| {
                let desk = files.clone();
                async move {
                    if request.grant_root.is_some() {
                        return Decision::Decline;
                    }
                    let what = "change the files above".to_owned();
                    let patch = Some(request.item_id.to_string());
                    desk.ask(what, request.reason, patch, &cx).await
                }
            })
    }

    /// Asks the page that looks at the thread. Where nobody looks, nothing is accepted.
    async fn ask(
        &self,
        what: String,
        reason: Option<String>,
        patch: Option<String>,
        cx: &HandlerContext,
    ) -> Decision {
        let (answer, answered) = oneshot::channel();
        let asked = {
            let mut state = lock(&self.0);
            state.asked += 1;
            let id = state.asked;
            let thread = cx.thread_id().map(ToString::to_string).unwrap_or_default();
            let question = Question {
                id,
                what,
                reason,
                patch,
            };
            let seat = state.seats.get(&thread);
            if seat.is_none_or(|seat| seat.try_send(question).is_err()) {
                return Decision::Decline;
            }
            state.open.insert(id, answer);
            id
        };
        let accepted = tokio::select! {
            answer = answered => answer.unwrap_or(false),
            () = cx.cancelled() => false,
        };
        lock(&self.0).open.remove(&asked);
        match accepted {
            true => Decision::Accept,
            false => Decision::Decline,
        }
    }

    /// Whether someone waited for this answer.
    pub(crate) fn answer(&self, id: u64, accept: bool) -> bool {
        let waiting = lock(&self.0).open.remove(&id);
        waiting.is_some_and(|waiting| waiting.send(accept).is_ok())
    }

    /// Lets a page answer for a thread; `None` if another page does.
    pub(crate) fn sit(&self, thread: &str) -> Option<Seat> {
        let mut state = lock(&self.0);
        if state.seats.contains_key(thread) {
            return None;
        }
        // More questions than these at once are declined.
        let (asked, questions) = mpsc::channel(16);
        state.seats.insert(thread.to_owned(), asked);
        Some(Seat {
            desk: self.clone(),
            thread: thread.to_owned(),
            questions,
        })
    }
}

/// A page that looks, until this is dropped.
pub(crate) struct Seat {
    desk: Desk,
    thread: String,
    pub(crate) questions: mpsc::Receiver<Question>,
}

impl Seat {
    /// Declines what the page cannot show.
    pub(crate) fn decline(&self, question: u64) {
        self.desk.answer(question, false);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.desk.0).seats.remove(&self.thread);
    }
}
