//! Where a thread's questions reach the call that runs in it.

use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::{Decision, HandlerContext, Handlers};
use tokio::sync::{mpsc, oneshot};

use crate::asked::all_of;

/// A question of the agent. Dropped without an answer, it is refused.
pub(crate) struct Question {
    pub(crate) number: u64,
    pub(crate) text: String,
    /// The id of the patch that it is about.
    pub(crate) patch: Option<String>,
    answer: oneshot::Sender<bool>,
}

impl Question {
    pub(crate) fn answer(self, accepted: bool) {
        // The turn may have ended meanwhile.
        let _ = self.answer.send(accepted);
    }

    /// Resolves when nobody waits for the answer any more.
    pub(crate) async fn is_settled(&mut self) {
        self.answer.closed().await;
    }
}

#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: u64,
    call: Option<mpsc::Sender<Question>>,
}

impl Desk {
    /// Lets a call answer; `None` while another one does.
    pub(crate) fn sit(&self) -> Option<mpsc::Receiver<Question>> {
        let mut state = self.state();
        if state.call.as_ref().is_some_and(|call| !call.is_closed()) {
            return None;
        }
        // More questions than these at once are refused.
        let (call, questions) = mpsc::channel(16);
        state.call = Some(call);
        Some(questions)
    }

    /// What there are no words for, such as additional permissions, is declined.
    pub(crate) fn handlers(&self) -> Handlers {
        let (commands, files) = (self.clone(), self.clone());
        Handlers::new()
            .command_approval(move |request, cx| {
                let desk = commands.clone();
                async move {
                    match all_of(&request) {
                        Some(what) => {
                            let what = format!("May Codex do this?\n{what}");
                            desk.ask(what, request.reason, None, &cx).await
                        }
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
                    let what = "May Codex change these files?".to_owned();
                    let patch = Some(request.item_id.to_string());
                    desk.ask(what, request.reason, patch, &cx).await
                }
            })
    }

    async fn ask(
        &self,
        what: String,
        reason: Option<String>,
        patch: Option<String>,
        cx: &HandlerContext,
    ) -> Decision {
        let text = match reason {
            Some(reason) => format!("{what}\n{reason}"),
            None => what,
        };
        let (answer, answered) = oneshot::channel();
        let call = {
            let mut state = self.state();
            state.asked += 1;
            let number = state.asked;
            let question = Question {
                number,
                text,
                patch,
                answer,
            };
            state
                .call
                .as_ref()
                .map(|call| call.try_send(question).is_ok())
        };
        let accepted = tokio::select! {
            answer = answered, if call == Some(true) => answer.unwrap_or(false),
            () = cx.cancelled(), if call == Some(true) => false,
            else => false,
        };
        match accepted {
            true => Decision::Accept,
            false => Decision::Decline,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
