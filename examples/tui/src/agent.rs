//! Does what the user wants, on tasks of its own, and tells what happens.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use openai_codex::types::{ServerNotification, ThreadItem};
use openai_codex::{ApprovalMode, Codex, CodexBuilder, Event, Result, Thread, TurnStatus};
use tokio::sync::mpsc;

use crate::desk::{Asked, Desk};
use crate::news::{Entry, Listed, News, Wish};

#[derive(Clone)]
pub(crate) struct Agent {
    codex: Codex,
    news: mpsc::Sender<News>,
    desk: Desk,
    /// The thread of the screen.
    thread: Arc<Mutex<Option<Thread>>>,
}

impl Agent {
    pub(crate) async fn start(builder: CodexBuilder, news: mpsc::Sender<News>) -> Result<Self> {
        let desk = Desk::new(news.clone());
        Ok(Self {
            codex: builder.handlers(desk.handlers()).await?,
            news,
            desk,
            thread: Arc::default(),
        })
    }

    /// Does it, without waiting for it.
    pub(crate) fn grant(&self, wish: Wish) {
        if matches!(wish, Wish::New | Wish::Open(_)) {
            // At once: nothing is said any more in the thread that leaves the screen, not even if
            // the next one cannot be opened.
            self.keep(None);
        }
        let failed = match wish {
            Wish::Open(_) => News::NotOpened,
            Wish::Say(_) => |words| News::Ended(Some(words)),
            _ => News::Problem,
        };
        let agent = self.clone();
        tokio::spawn(async move {
            if let Err(error) = agent.try_grant(wish).await {
                agent.tell(failed(error.to_string())).await;
            }
        });
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.codex.close().await
    }

    async fn try_grant(&self, wish: Wish) -> Result<()> {
        match wish {
            Wish::List => self.list().await,
            Wish::Open(id) => {
                let thread = self
                    .codex
                    .thread_resume(id)
                    .approval_mode(ApprovalMode::Ask)
                    .await?;
                let read = thread.read(true).await?;
                let items = read.thread.turns.iter().flat_map(|turn| &turn.items);
                let entries = items.filter_map(Entry::of).collect();
                let opened = News::Opened(thread.id().clone(), entries);
                self.keep(Some(thread));
                self.tell(opened).await;
                Ok(())
            }
            Wish::Say(text) => self.turn(text).await,
            Wish::Interrupt(turn) => match self.open() {
                Some(thread) => thread.turn_handle(turn).interrupt().await,
                None => Ok(()),
            },
            Wish::New | Wish::Quit => Ok(()),
        }
    }

    async fn list(&self) -> Result<()> {
        let mut stored = self.codex.thread_list().stream();
        let mut listed = Vec::new();
        while let Some(thread) = stored.next().await {
            let thread = thread?;
            let title = thread.name.as_deref().unwrap_or(&thread.preview).to_owned();
            listed.push(Listed {
                id: thread.id.clone(),
                title,
            });
            if listed.len() == 100 {
                break;
            }
        }
        self.tell(News::Threads(listed)).await;
        Ok(())
    }

    async fn turn(&self, text: String) -> Result<()> {
        let thread = match self.open() {
            Some(thread) => thread,
            None => {
                let start = self.codex.thread_start().approval_mode(ApprovalMode::Ask);
                let thread = start.await?;
                self.keep(Some(thread.clone()));
                self.tell(News::Opened(thread.id().clone(), Vec::new()))
                    .await;
                thread
            }
        };
        // Before the turn, which may ask at once.
        let mut questions = self.desk.sit();
        let turn = thread.turn(text).await?;
        self.tell(News::Began(turn.id().clone())).await;
        let mut events = turn.stream();
        // What ends the stream with an error, the result tells as well.
        let mut patches = HashSet::new();
        loop {
            let told = tokio::select! {
                // A question comes after the item that it is about.
                biased;
                event = events.next() => {
                    let Some(Ok(event)) = event else { break };
                    patches.extend(patch(&event));
                    news(&event)
                }
                Some(asked) = questions.recv() => Some(match asked {
                    // As one of a sub-agent's.
                    Asked { patch: Some(id), .. } if !patches.contains(&id) => {
                        News::Remark("refused: a change that is not to be seen here".to_owned())
                    }
                    asked => News::Asked(asked.question),
                }),
            };
            if let Some(told) = told {
                self.tell(told).await;
            }
        }
        drop(questions);
        let words = match turn.run().await {
            Ok(result) if result.status == TurnStatus::Interrupted => Some("stopped".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        self.tell(News::Ended(words)).await;
        Ok(())
    }

    async fn tell(&self, news: News) {
        // The screen may be gone already.
        drop(self.news.send(news).await);
    }

    fn open(&self) -> Option<Thread> {
        self.thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, thread: Option<Thread>) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = thread;
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

fn news(event: &Event) -> Option<News> {
    match event.decode().ok()? {
        ServerNotification::AgentMessageDelta(delta) => {
            Some(News::Delta(delta.item_id.to_string(), delta.delta.clone()))
        }
        ServerNotification::ItemStarted(started) => Entry::of(&started.item).map(News::Item),
        ServerNotification::ItemCompleted(completed) => Entry::of(&completed.item).map(News::Item),
        ServerNotification::TurnDiffUpdated(updated) => Some(News::Diff(updated.diff.clone())),
        ServerNotification::Error(error) if error.will_retry => {
            Some(News::Remark(error.error.message.clone()))
        }
        _ => None,
    }
}
