//! Where the agent's questions reach the turn that runs.

use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::{Decision, HandlerContext, Handlers};
use tokio::sync::{mpsc, oneshot};

use crate::asked::all_of;
use crate::news::{News, Question};

#[derive(Clone)]
pub(crate) struct Desk {
    news: mpsc::Sender<News>,
    seat: Arc<Mutex<Option<mpsc::Sender<Asked>>>>,
}

/// A question, and the patch that it is about.
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) patch: Option<String>,
}

impl Desk {
    pub(crate) fn new(news: mpsc::Sender<News>) -> Self {
        Self {
            news,
            seat: Arc::default(),
        }
    }

    /// Gives the questions to a turn, instead of the one before.
    pub(crate) fn sit(&self) -> mpsc::Receiver<Asked> {
        // More questions than these at once are refused.
        let (seat, questions) = mpsc::channel(16);
        *self.seat.lock().unwrap_or_else(PoisonError::into_inner) = Some(seat);
        questions
    }

    /// Every approval is asked for on the screen. What it has no words for is refused.
    pub(crate) fn handlers(&self) -> Handlers {
        let (commands, files) = (self.clone(), self.clone());
        Handlers::new()
            .command_approval(move |request, cx| {
                let desk = commands.clone();
                async move {
                    match all_of(&request) {
                        Some(what) => desk.ask(what, request.reason, None, &cx).await,
                        None => desk.refuse().await,
                    }
                }
            })
            .file_change_approval(move |request, cx| {
                let desk = files.clone();
                async move {
                    if request.grant_root.is_some() {
                        return desk.refuse().await;
                    }
                    let what = "change the files above".to_owned();
                    let patch = Some(request.item_id.to_string());
                    desk.ask(what, request.reason, patch, &cx).await
                }
            })
    }

    async fn refuse(&self) -> Decision {
        let words = "refused: more than a command or a patch".to_owned();
        drop(self.news.send(News::Remark(words)).await);
        Decision::Decline
    }

    /// Hands it to the turn that runs, if there is one.
    fn hand(&self, asked: Asked) -> bool {
        let seat = self.seat.lock().unwrap_or_else(PoisonError::into_inner);
        seat.as_ref()
            .is_some_and(|seat| seat.try_send(asked).is_ok())
    }

    async fn ask(
        &self,
        what: String,
        reason: Option<String>,
        patch: Option<String>,
        cx: &HandlerContext,
    ) -> Decision {
        let (answer, answered) = oneshot::channel();
        let question = Question {
            what,
            reason,
            answer,
        };
        if !self.hand(Asked { question, patch }) {
            return Decision::Decline;
        }
        let accepted = tokio::select! {
            answer = answered => answer.unwrap_or(false),
            () = cx.cancelled() => {
                // The other future is dropped by now, so the question knows. If there is no room,
                // other news come anyway.
                drop(self.news.try_send(News::Settled));
                false
            }
        };
        match accepted {
            true => Decision::Accept,
            false => Decision::Decline,
        }
    }
}
