//! A call of the tool: one turn.

use std::collections::HashMap;

use anyhow::Context;
use openai_codex::types::{FileUpdateChange, PatchChangeKind, ServerNotification, ThreadItem};
use openai_codex::{Error, Event, Thread, TurnHandle, TurnId, TurnStatus, TurnStream};
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::{Peer, RoleServer};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::desk::{Desk, Question};

/// A turn that runs. Dropped, it is stopped.
pub(crate) struct Call {
    turn: TurnHandle,
    events: TurnStream,
    questions: mpsc::Receiver<Question>,
    /// The patches that are under way, in words.
    patches: HashMap<String, String>,
    steps: u32,
}

pub(crate) enum Next {
    Asks(Question),
    Ended(Result<Value, Error>),
}

impl Call {
    pub(crate) async fn begin(
        thread: &Thread,
        desk: &Desk,
        prompt: String,
    ) -> anyhow::Result<Self> {
        // Before the turn, which may ask at once.
        let questions = desk
            .sit()
            .context("another call is at work in this thread")?;
        let turn = thread.turn(prompt).await?.interrupt_on_drop(true);
        Ok(Self {
            events: turn.stream(),
            turn,
            questions,
            patches: HashMap::new(),
            steps: 0,
        })
    }

    pub(crate) fn turn_id(&self) -> &TurnId {
        self.turn.id()
    }

    /// Goes on to the next question or to the end, and tells what happens meanwhile.
    pub(crate) async fn next(
        &mut self,
        client: &Peer<RoleServer>,
        token: Option<&ProgressToken>,
    ) -> Next {
        loop {
            let event = tokio::select! {
                // A question comes after the item that it is about.
                biased;
                event = self.events.next() => match event {
                    Some(Ok(event)) => event,
                    // What ended the stream, the result tells as well.
                    Some(Err(_)) | None => return Next::Ended(self.end().await),
                },
                Some(question) = self.questions.recv() => match self.with_patch(question) {
                    Some(question) => return Next::Asks(question),
                    None => continue,
                },
            };
            self.note_patch(&event);
            let step = token.zip(step(&event));
            let Some((token, words)) = step else { continue };
            self.steps += 1;
            let progress = ProgressNotificationParam::new(token.clone(), f64::from(self.steps));
            // A client that does not listen is no reason to stop.
            drop(client.notify_progress(progress.with_message(words)).await);
        }
    }

    /// The question with the patch that it is about, if there is one. A question about a patch
    /// that is not known, as one of a sub-agent's, is refused.
    fn with_patch(&self, mut question: Question) -> Option<Question> {
        if let Some(id) = &question.patch {
            let patch = self.patches.get(id)?;
            question.text = format!("{}\n{patch}", question.text);
        }
        Some(question)
    }

    fn note_patch(&mut self, event: &Event) {
        match event.decode() {
            Ok(ServerNotification::ItemStarted(started)) => {
                if let ThreadItem::FileChange(patch) = &started.item {
                    let changes = patch.changes.iter().map(words).collect();
                    self.patches.insert(patch.id.to_string(), changes);
                }
            }
            Ok(ServerNotification::ItemCompleted(completed)) => {
                if let ThreadItem::FileChange(patch) = &completed.item {
                    self.patches.remove(patch.id.as_str());
                }
            }
            _ => {}
        }
    }

    async fn end(&mut self) -> Result<Value, Error> {
        let result = self.turn.run().await?;
        let answer = match result.status {
            TurnStatus::Interrupted => Some("the turn was interrupted".to_owned()),
            _ => result.final_response,
        };
        Ok(json!({ "thread_id": result.thread_id.as_str(), "answer": answer }))
    }
}

/// A change in full: what becomes of the file, and its lines.
fn words(change: &FileUpdateChange) -> String {
    let what = match &change.kind {
        PatchChangeKind::Add => "new".to_owned(),
        PatchChangeKind::Delete => "deleted".to_owned(),
        PatchChangeKind::Update(update) => match &update.move_path {
            Some(path) => format!("moved to {path}"),
            None => "changed".to_owned(),
        },
        _ => "changed in a way that is not known".to_owned(),
    };
    format!("{} ({what}):\n{}\n", change.path, change.diff.trim_end())
}

/// What is told of an event, if it is a step.
fn step(event: &Event) -> Option<String> {
    match event.decode().ok()? {
        ServerNotification::ItemStarted(started) => match &started.item {
            ThreadItem::CommandExecution(command) => Some(format!("$ {}", command.command)),
            ThreadItem::FileChange(patch) => {
                let paths = patch.changes.iter().map(|change| change.path.as_str());
                Some(format!("changes {}", paths.collect::<Vec<_>>().join(", ")))
            }
            ThreadItem::WebSearch(search) => Some(format!("searches {}", search.query)),
            _ => None,
        },
        ServerNotification::ItemCompleted(completed) => match &completed.item {
            ThreadItem::AgentMessage(message) => Some(message.text.clone()),
            _ => None,
        },
        ServerNotification::Error(error) if error.will_retry => Some(error.error.message.clone()),
        _ => None,
    }
}
