//! A full-screen client for the terminal: streaming, diffs, approvals, interrupts, a thread picker.
//!
//! [`App`] is what is on the screen and what keys do, without a terminal and without an agent; the
//! agent does what it wants ([`Wish`]) and tells what happens ([`News`]).

mod agent;
mod app;
mod asked;
pub mod demo;
mod desk;
mod news;
mod view;
mod wrap;

use openai_codex::{CodexBuilder, Result};
use ratatui::Frame;
use ratatui::crossterm::event::KeyEvent;
use tokio::sync::mpsc;

use agent::Agent;
pub use app::App;
pub use news::{Entry, Kind, Listed, News, Question, Wish};

/// The client as a whole.
pub struct Client {
    app: App,
    agent: Agent,
    news: mpsc::Receiver<News>,
}

impl Client {
    /// Starts the agent and asks for its threads.
    pub async fn start(builder: CodexBuilder) -> Result<Self> {
        // When the screen is slower than the agent, the agent's events wait in the SDK.
        let (sender, news) = mpsc::channel(256);
        let agent = Agent::start(builder, sender).await?;
        let client = Self {
            app: App::default(),
            agent,
            news,
        };
        client.agent.grant(Wish::List);
        Ok(client)
    }

    /// What the screen shows.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        view::draw(&self.app, frame);
    }

    /// Waits for news of the agent. Cancel safe.
    pub async fn news(&mut self) {
        if let Some(news) = self.news.recv().await {
            for wish in self.app.hear(news) {
                self.agent.grant(wish);
            }
        }
    }

    /// A key was pressed. Whether the client goes on.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        for wish in self.app.key(key) {
            if wish == Wish::Quit {
                return false;
            }
            self.agent.grant(wish);
        }
        true
    }

    /// A text was pasted.
    pub fn paste(&mut self, text: &str) {
        self.app.paste(text);
    }

    /// Ends the agent.
    pub async fn close(self) -> Result<()> {
        self.agent.close().await
    }
}
