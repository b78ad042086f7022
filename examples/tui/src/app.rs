//! What is on the screen, and what keys do to it.

use std::collections::VecDeque;
use std::mem;

use openai_codex::{ThreadId, TurnId};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::news::{Entry, Kind, Listed, News, Question, Wish};

#[derive(Debug, Default)]
pub struct App {
    pub(crate) screen: Screen,
    pub(crate) threads: Vec<Listed>,
    /// The line of the picker: 0 is a new thread.
    pub(crate) picked: usize,
    pub(crate) thread: Option<ThreadId>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) diff: String,
    pub(crate) input: String,
    pub(crate) questions: VecDeque<Question>,
    pub(crate) turn: Turn,
    /// How many lines the view is above the end.
    pub(crate) scroll: usize,
    pub(crate) status: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    #[default]
    Picker,
    Chat,
    Diff,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    #[default]
    None,
    /// It was asked for; whether it shall stop as soon as it has begun.
    Starting(bool),
    Running(TurnId),
    Stopping,
}

impl App {
    /// Takes news of the agent in.
    pub fn hear(&mut self, news: News) -> Vec<Wish> {
        let wishes = self.take_in(news);
        self.drop_settled();
        wishes
    }

    fn take_in(&mut self, news: News) -> Vec<Wish> {
        match news {
            News::Settled => {}
            News::Threads(threads) => {
                self.threads = threads;
                self.picked = self.picked.min(self.threads.len());
            }
            News::Opened(thread, entries) => {
                self.thread = Some(thread);
                self.entries.splice(0..0, entries);
                self.status.clear();
            }
            News::Began(turn) => match self.turn {
                Turn::Starting(true) => {
                    self.turn = Turn::Stopping;
                    return vec![Wish::Interrupt(turn)];
                }
                _ => self.turn = Turn::Running(turn),
            },
            News::Delta(id, text) => match self.entry(&id) {
                Some(entry) => entry.text += &text,
                None => self.entries.push(Entry {
                    id,
                    kind: Kind::Agent,
                    text,
                    output: String::new(),
                    is_cut: false,
                }),
            },
            News::Item(item) => match self.entry(&item.id) {
                Some(entry) => *entry = item,
                None => self.entries.push(item),
            },
            News::Remark(words) => self.entries.push(Entry::note(words)),
            News::Diff(diff) => self.diff = diff,
            News::Asked(question) => {
                // It is asked in the chat, and nowhere else.
                if self.screen != Screen::Chat {
                    self.screen = Screen::Chat;
                    self.scroll = 0;
                }
                self.questions.push_back(question);
            }
            News::Ended(words) => {
                self.turn = Turn::None;
                // Nobody waits for these any more.
                self.questions.clear();
                self.entries.extend(words.map(Entry::note));
                return vec![Wish::List];
            }
            News::NotOpened(words) => {
                self.status.clear();
                self.entries.push(Entry::note(words));
            }
            News::Problem(words) => self.entries.push(Entry::note(words)),
        }
        Vec::new()
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Vec<Wish> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        let is_another = self.drop_settled();
        if self.screen == Screen::Chat
            && !self.questions.is_empty()
            && let Some(accept) = answer(key)
        {
            // A key that is held down answers once, and only what was on the screen.
            if key.kind == KeyEventKind::Press && !is_another {
                self.answer(accept);
            }
            return Vec::new();
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.control(key.code);
        }
        match self.screen {
            Screen::Picker => self.key_in_picker(key.code),
            Screen::Diff => self.key_in_diff(key.code),
            // Nothing is typed meanwhile.
            Screen::Chat if !self.questions.is_empty() => {
                self.scroll_by(key.code);
                Vec::new()
            }
            Screen::Chat => self.key_in_chat(key.code),
        }
    }

    /// Takes a pasted text, which is only ever text.
    pub fn paste(&mut self, text: &str) {
        if self.screen == Screen::Chat && self.questions.is_empty() {
            self.input += text;
        }
    }

    fn control(&mut self, code: KeyCode) -> Vec<Wish> {
        match code {
            KeyCode::Char('c' | 'q') => return vec![Wish::Quit],
            // While a turn runs, its thread stays on the screen, as one that opens.
            KeyCode::Char('t') if self.turn == Turn::None && self.status.is_empty() => {
                self.screen = Screen::Picker;
                return vec![Wish::List];
            }
            KeyCode::Char('d') => {
                self.scroll = 0;
                self.screen = match self.screen {
                    Screen::Diff => Screen::Chat,
                    _ => Screen::Diff,
                };
            }
            _ => {}
        }
        Vec::new()
    }

    fn key_in_picker(&mut self, code: KeyCode) -> Vec<Wish> {
        match code {
            KeyCode::Up => self.picked = self.picked.saturating_sub(1),
            KeyCode::Down => self.picked = (self.picked + 1).min(self.threads.len()),
            KeyCode::Esc => self.screen = Screen::Chat,
            KeyCode::Enter => {
                self.screen = Screen::Chat;
                self.scroll = 0;
                self.entries.clear();
                self.diff.clear();
                self.thread = None;
                let picked = self
                    .picked
                    .checked_sub(1)
                    .and_then(|at| self.threads.get(at));
                return vec![match picked {
                    Some(thread) => {
                        self.status = "opening".to_owned();
                        Wish::Open(thread.id.clone())
                    }
                    None => Wish::New,
                }];
            }
            _ => {}
        }
        Vec::new()
    }

    fn key_in_diff(&mut self, code: KeyCode) -> Vec<Wish> {
        match code {
            KeyCode::Esc => {
                self.scroll = 0;
                self.screen = Screen::Chat;
            }
            code => self.scroll_by(code),
        }
        Vec::new()
    }

    fn answer(&mut self, accept: bool) {
        if let Some(question) = self.questions.pop_front() {
            let word = match question.answer.send(accept) {
                Ok(()) if accept => "allowed",
                Ok(()) => "refused",
                // The turn may have ended meanwhile.
                Err(_) => "too late",
            };
            self.entries
                .push(Entry::note(format!("{word}: {}", question.what)));
        }
    }

    /// Drops the questions that nobody waits for any more. Whether the one that was shown is gone.
    fn drop_settled(&mut self) -> bool {
        let shown = self.questions.front();
        let is_gone = shown.is_some_and(|question| question.answer.is_closed());
        self.questions
            .retain(|question| !question.answer.is_closed());
        is_gone
    }

    fn key_in_chat(&mut self, code: KeyCode) -> Vec<Wish> {
        match code {
            KeyCode::Esc => return self.stop(),
            KeyCode::Backspace => drop(self.input.pop()),
            KeyCode::Char(c) => self.input.push(c),
            KeyCode::Enter if self.is_ready() => {
                self.turn = Turn::Starting(false);
                self.scroll = 0;
                self.diff.clear();
                return vec![Wish::Say(mem::take(&mut self.input))];
            }
            code => self.scroll_by(code),
        }
        Vec::new()
    }

    /// Whether a message can be sent: no turn runs, and no thread is being opened.
    fn is_ready(&self) -> bool {
        self.turn == Turn::None && self.status.is_empty() && !self.input.trim().is_empty()
    }

    fn stop(&mut self) -> Vec<Wish> {
        match mem::take(&mut self.turn) {
            Turn::Running(turn) => {
                self.turn = Turn::Stopping;
                return vec![Wish::Interrupt(turn)];
            }
            Turn::Starting(_) => self.turn = Turn::Starting(true),
            other => self.turn = other,
        }
        Vec::new()
    }

    fn scroll_by(&mut self, code: KeyCode) {
        match code {
            KeyCode::PageUp => self.scroll = self.scroll.saturating_add(10),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::Up => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Down => self.scroll = self.scroll.saturating_sub(1),
            _ => {}
        }
    }

    fn entry(&mut self, id: &str) -> Option<&mut Entry> {
        // The newest, which is the likeliest, first.
        self.entries.iter_mut().rev().find(|entry| entry.id == id)
    }
}

/// What a key answers to a question. Allowed is by a chord, which nobody types in a message.
fn answer(key: KeyEvent) -> Option<bool> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('y') if is_control => Some(true),
        KeyCode::Char('n') if !is_control => Some(false),
        KeyCode::Esc => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn press(app: &mut App, code: KeyCode) -> Vec<Wish> {
        app.key(KeyEvent::from(code))
    }

    #[test]
    fn a_turn_that_is_stopped_before_it_has_begun_is_interrupted_when_it_has() {
        let mut app = App {
            screen: Screen::Chat,
            input: "go".to_owned(),
            ..App::default()
        };
        assert_eq!(
            press(&mut app, KeyCode::Enter),
            [Wish::Say("go".to_owned())]
        );
        assert_eq!(press(&mut app, KeyCode::Esc), []);
        let turn = TurnId::from("u".to_owned());
        assert_eq!(app.hear(News::Began(turn.clone())), [Wish::Interrupt(turn)]);
        assert_eq!(press(&mut app, KeyCode::Esc), []);
    }

    #[test]
    fn nothing_is_sent_while_a_turn_runs_or_a_thread_opens() {
        let mut app = App {
            screen: Screen::Chat,
            input: "go".to_owned(),
            status: "opening".to_owned(),
            ..App::default()
        };
        assert_eq!(press(&mut app, KeyCode::Enter), []);
        app.key(KeyEvent::new(KeyCode::Char('t'), KeyModifiers::CONTROL));
        app.hear(News::Problem("the threads cannot be listed".to_owned()));
        assert_eq!(app.screen, Screen::Chat);
        assert_eq!(press(&mut app, KeyCode::Enter), []);
        app.hear(News::Opened(ThreadId::from("t".to_owned()), Vec::new()));
        assert_eq!(press(&mut app, KeyCode::Enter).len(), 1);
        app.input = "more".to_owned();
        assert_eq!(press(&mut app, KeyCode::Enter), []);
    }

    fn question() -> (Question, oneshot::Receiver<bool>) {
        let (answer, answered) = oneshot::channel();
        let what = "touch it".to_owned();
        let question = Question {
            what,
            reason: None,
            answer,
        };
        (question, answered)
    }

    #[test]
    fn typing_on_allows_nothing() {
        let mut app = App {
            screen: Screen::Diff,
            ..App::default()
        };
        let (first, mut first_answer) = question();
        let (second, mut second_answer) = question();
        app.hear(News::Asked(first));
        app.hear(News::Asked(second));
        assert_eq!(app.screen, Screen::Chat);
        press(&mut app, KeyCode::Char('y'));
        press(&mut app, KeyCode::Enter);
        app.paste("y\u{19}");
        assert!(first_answer.try_recv().is_err());
        let mut chord = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL);
        app.key(chord);
        assert_eq!(first_answer.try_recv(), Ok(true));
        chord.kind = KeyEventKind::Repeat;
        app.key(chord);
        assert!(second_answer.try_recv().is_err());
        press(&mut app, KeyCode::Esc);
        assert_eq!(second_answer.try_recv(), Ok(false));
        assert_eq!(app.input, "");
    }

    #[test]
    fn settled_questions_go_and_are_not_answered() {
        let mut app = App {
            screen: Screen::Chat,
            ..App::default()
        };
        let (first, first_answer) = question();
        let (second, mut second_answer) = question();
        app.hear(News::Asked(first));
        app.hear(News::Asked(second));
        drop(first_answer);
        let chord = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL);
        // It was meant for the first.
        app.key(chord);
        assert!(second_answer.try_recv().is_err());
        assert_eq!(app.questions.len(), 1);
        app.key(chord);
        assert_eq!(second_answer.try_recv(), Ok(true));
        assert_eq!(app.entries.len(), 1);
        let (third, third_answer) = question();
        app.hear(News::Asked(third));
        drop(third_answer);
        app.hear(News::Settled);
        assert!(app.questions.is_empty());
    }

    #[test]
    fn remarks_do_not_replace_one_another() {
        let mut app = App::default();
        app.hear(News::Remark("one".to_owned()));
        app.hear(News::Remark("two".to_owned()));
        assert_eq!(app.entries.len(), 2);
    }
}
