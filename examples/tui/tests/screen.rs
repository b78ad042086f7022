//! The client as a whole: keys in, screen out, with the real runtime and a scripted model.
#![allow(clippy::unwrap_used)]

use openai_codex::Codex;
use openai_codex_testkit::{Gate, MockModel, PATIENCE, TestRuntime};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use tui::Client;

struct Screen {
    client: Client,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    async fn start(runtime: &TestRuntime) -> Self {
        let builder = Codex::builder()
            .codex_bin(runtime.binary())
            .envs(runtime.env())
            .cwd(runtime.workspace());
        Self {
            client: Client::start(builder).await.unwrap(),
            terminal: Terminal::new(TestBackend::new(72, 18)).unwrap(),
        }
    }

    fn text(&mut self) -> String {
        self.terminal.draw(|frame| self.client.draw(frame)).unwrap();
        self.terminal.backend().to_string()
    }

    /// Waits until the screen has this text.
    async fn shows(&mut self, text: &str) {
        let shown = async {
            while !self.text().contains(text) {
                self.client.news().await;
            }
        };
        if tokio::time::timeout(PATIENCE, shown).await.is_err() {
            panic!("no {text:?} on\n{}", self.text());
        }
    }

    fn press(&mut self, code: KeyCode) {
        assert!(self.client.key(KeyEvent::from(code)));
    }

    fn control(&mut self, c: char) -> bool {
        self.client
            .key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
    }

    fn say(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
        self.press(KeyCode::Enter);
    }

    /// The colour of the first cell of this text.
    fn color(&mut self, text: &str) -> Color {
        let screen = self.text();
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap();
        // The lines are quoted.
        let column = line.split_once(text).unwrap().0.chars().count() - 1;
        let buffer = self.terminal.backend().buffer();
        buffer[(u16::try_from(column).unwrap(), u16::try_from(row).unwrap())].fg
    }
}

#[tokio::test]
async fn a_turn_streams_and_esc_stops_it() {
    let model = MockModel::start().unwrap();
    let gate = Gate::new();
    model
        .deltas(["I talk "])
        .waits_for(&gate)
        .deltas(["for ever."]);
    model.say("Yes?");
    let runtime = TestRuntime::new(&model).unwrap();
    let mut screen = Screen::start(&runtime).await;
    screen.shows("New thread").await;
    screen.press(KeyCode::Enter);
    screen.say("Talk.");
    screen.shows("I talk").await;
    screen.shows("at work").await;
    screen.press(KeyCode::Esc);
    screen.shows("· stopped").await;
    screen.say("Hello?");
    screen.shows("Yes?").await;
    screen.shows("Enter sends").await;
    assert!(!screen.control('c'));
    screen.client.close().await.unwrap();
}

#[tokio::test]
async fn commands_run_only_when_they_are_allowed() {
    for allow in [true, false] {
        let model = MockModel::start().unwrap();
        model.shell_escalated("touch done.txt", "To note it");
        model.say("So be it.");
        let runtime = TestRuntime::new(&model).unwrap();
        let mut screen = Screen::start(&runtime).await;
        screen.press(KeyCode::Enter);
        screen.say("Note it.");
        screen.shows("Ctrl-Y allows, n or Esc refuses").await;
        screen.shows("To note it").await;
        // What was meant for something else answers nothing.
        screen.press(KeyCode::Enter);
        screen.press(KeyCode::Char('y'));
        match allow {
            true => assert!(screen.control('y')),
            false => screen.press(KeyCode::Esc),
        }
        screen.shows("So be it.").await;
        assert_eq!(runtime.workspace().join("done.txt").exists(), allow);
        screen.client.close().await.unwrap();
    }
}

#[tokio::test]
async fn changes_are_shown_in_colour() {
    let model = MockModel::start().unwrap();
    model.apply_patch("*** Begin Patch\n*** Add File: a.txt\n+first\n+second\n*** End Patch");
    model.apply_patch(
        "*** Begin Patch\n*** Update File: a.txt\n@@\n first\n-second\n+third\n*** End Patch",
    );
    model.say("Patched.");
    let runtime = TestRuntime::new(&model).unwrap();
    let mut screen = Screen::start(&runtime).await;
    screen.press(KeyCode::Enter);
    screen.say("Patch.");
    // What is asked about is to be seen.
    screen.shows("Ctrl-Y allows").await;
    assert_eq!(screen.color("+second"), Color::Green);
    screen.control('y');
    screen.shows("-second").await;
    screen.shows("Ctrl-Y allows").await;
    screen.control('y');
    screen.shows("Patched.").await;
    assert_eq!(screen.color("-second"), Color::Red);
    assert_eq!(screen.color("+third"), Color::Green);
    screen.control('d');
    screen.shows("What this turn has changed").await;
    screen.shows("+third").await;
    assert!(
        !screen.text().contains("-second"),
        "the file is new in this turn"
    );
    screen.press(KeyCode::Esc);
    screen.shows("Patched.").await;
    screen.client.close().await.unwrap();
}

#[tokio::test]
async fn a_stored_thread_is_picked_and_goes_on() {
    let model = MockModel::start().unwrap();
    model.say("I will remember.");
    model.say("I do.");
    let runtime = TestRuntime::new(&model).unwrap();
    let mut screen = Screen::start(&runtime).await;
    screen.press(KeyCode::Enter);
    screen.say("Remember this.");
    screen.shows("I will remember.").await;
    screen.shows("Enter sends").await;
    screen.client.close().await.unwrap();

    let mut screen = Screen::start(&runtime).await;
    screen.shows("Remember this.").await;
    screen.press(KeyCode::Down);
    screen.press(KeyCode::Enter);
    screen.shows("I will remember.").await;
    screen.say("Do you?");
    screen.shows("I do.").await;
    let request = model.last_request().unwrap();
    assert!(request.user_texts().contains(&"Remember this."));
    // And a new thread knows nothing of it.
    screen.shows("Enter sends").await;
    screen.control('t');
    screen.shows("Threads").await;
    screen.press(KeyCode::Up);
    screen.press(KeyCode::Enter);
    assert!(!screen.text().contains("I do."));
    screen.client.close().await.unwrap();
}

#[tokio::test]
async fn a_thread_that_cannot_be_opened_leaves_none_open() {
    let model = MockModel::start().unwrap();
    model.say("Noted.");
    model.say("Noted too.");
    model.say("Hello.");
    let runtime = TestRuntime::new(&model).unwrap();
    let mut screen = Screen::start(&runtime).await;
    screen.press(KeyCode::Enter);
    screen.say("An old secret.");
    screen.shows("Noted.").await;
    screen.shows("Enter sends").await;
    screen.client.close().await.unwrap();

    let mut screen = Screen::start(&runtime).await;
    screen.press(KeyCode::Enter);
    screen.say("A secret.");
    screen.shows("Noted too.").await;
    screen.shows("Enter sends").await;
    screen.control('t');
    screen.shows("An old secret.").await;
    remove_thread(&runtime, "An old secret.");
    screen.press(KeyCode::Down);
    screen.press(KeyCode::Down);
    screen.press(KeyCode::Enter);
    screen.shows("Enter sends").await;
    assert!(!screen.text().contains("secret"));
    screen.say("Who knows it?");
    screen.shows("Hello.").await;
    let request = model.last_request().unwrap();
    assert!(!format!("{:?}", request.user_texts()).contains("secret"));
    screen.client.close().await.unwrap();
}

/// Removes the file of the thread in which this was said.
fn remove_thread(runtime: &TestRuntime, said: &str) {
    let mut folders = vec![runtime.home().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false
                    if path.extension().is_some_and(|it| it == "jsonl")
                        && std::fs::read_to_string(&path).unwrap().contains(said) =>
                {
                    std::fs::remove_file(path).unwrap();
                }
                false => {}
            }
        }
    }
}

#[tokio::test]
async fn what_fails_is_told() {
    let model = MockModel::start().unwrap();
    model.usage_limit_reached();
    model.say("Better.");
    let runtime = TestRuntime::new(&model).unwrap();
    let mut screen = Screen::start(&runtime).await;
    screen.press(KeyCode::Enter);
    screen.say("Try.");
    screen.shows("usage limit").await;
    screen.shows("Enter sends").await;
    screen.say("Again.");
    screen.shows("Better.").await;
    screen.client.close().await.unwrap();
}
