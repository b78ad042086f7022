//! Draws the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, List, ListItem, ListState, Paragraph};

use crate::app::{App, Screen, Turn};
use crate::news::{Entry, Kind, Question};
use crate::wrap::wrap;

/// How many lines of a command's output are shown.
const OUTPUT: usize = 12;

pub(crate) fn draw(app: &App, frame: &mut Frame<'_>) {
    match app.screen {
        Screen::Picker => picker(app, frame),
        Screen::Chat => chat(app, frame),
        Screen::Diff => diff(app, frame),
    }
}

fn picker(app: &App, frame: &mut Frame<'_>) {
    let new = ListItem::new("New thread".to_owned());
    let stored = app.threads.iter().map(|thread| {
        let title = match thread.title.trim() {
            "" => "(nothing was said yet)",
            title => title,
        };
        let line = wrap(title, 200).into_iter().next();
        ListItem::new(line.unwrap_or_default())
    });
    let list = List::new(std::iter::once(new).chain(stored))
        .block(Block::bordered().title(" Threads "))
        .highlight_style(Style::new().add_modifier(Modifier::REVERSED))
        .highlight_symbol("› ");
    let [body, foot] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let mut state = ListState::default().with_selected(Some(app.picked));
    frame.render_stateful_widget(list, body, &mut state);
    help(frame, foot, "↑ ↓ Enter · Ctrl-C quits");
}

fn chat(app: &App, frame: &mut Frame<'_>) {
    let input = wrap(
        &app.input,
        usize::from(frame.area().width).saturating_sub(3),
    );
    let question = app.questions.front();
    // Without the border and the foot.
    let room = frame.area().height.saturating_sub(3);
    let (below, most) = match question {
        Some(question) => {
            let lines = ask(question, frame.area().width);
            (cut(lines, usize::from(room)), room.max(1))
        }
        None => (
            input.iter().map(|line| Line::raw(line.clone())).collect(),
            8,
        ),
    };
    let height = u16::try_from(below.len()).unwrap_or(u16::MAX);
    let height = height.clamp(1, most) + 2;
    let parts = [
        Constraint::Min(0),
        Constraint::Length(height),
        Constraint::Length(1),
    ];
    let [body, bottom, foot] = Layout::vertical(parts).areas(frame.area());

    let width = usize::from(body.width);
    // From the end, as far as the screen shows any of it.
    let needed = usize::from(body.height).saturating_add(app.scroll);
    let mut entries = Vec::new();
    let mut count = 0;
    for entry in app.entries.iter().rev() {
        if count >= needed {
            break;
        }
        let lines = told(entry, width);
        count += lines.len();
        entries.push(lines);
    }
    let lines = entries.into_iter().rev().flatten().collect();
    scrolled(frame, body, lines, app.scroll);

    let block = match question {
        Some(_) => Block::bordered()
            .title(" The agent asks: Ctrl-Y allows, n or Esc refuses ")
            .border_style(Style::new().fg(Color::Yellow)),
        None => Block::bordered().title(" Your message "),
    };
    // The end of what is typed stays to be seen, and the beginning of what is asked.
    let above = match question {
        Some(_) => 0,
        None => below.len().saturating_sub(usize::from(height - 2)),
    };
    let shown = Paragraph::new(below).scroll((u16::try_from(above).unwrap_or(0), 0));
    frame.render_widget(shown.block(block), bottom);
    if question.is_none() {
        let last = input
            .last()
            .map_or(0, |line| Span::raw(line.as_str()).width());
        let column = bottom.x + 1 + u16::try_from(last).unwrap_or(0);
        frame.set_cursor_position((column, bottom.bottom().saturating_sub(2)));
    }
    let words = match &app.turn {
        // Esc is an answer now.
        _ if question.is_some() => "PgUp PgDn · Ctrl-D changes · Ctrl-C quits".to_owned(),
        Turn::None if !app.status.is_empty() => app.status.clone(),
        Turn::None => {
            "Enter sends · Ctrl-T threads · Ctrl-D changes · PgUp PgDn · Ctrl-C quits".to_owned()
        }
        Turn::Starting(false) | Turn::Running(_) => {
            "at work · Esc stops · Ctrl-D changes".to_owned()
        }
        Turn::Starting(true) | Turn::Stopping => "stopping".to_owned(),
    };
    help(frame, foot, &words);
}

fn ask(question: &Question, width: u16) -> Vec<Line<'static>> {
    let width = usize::from(width).saturating_sub(2);
    let mut lines: Vec<Line<'_>> = wrap(&question.what, width)
        .into_iter()
        .map(|line| Line::styled(line, Style::new().add_modifier(Modifier::BOLD)))
        .collect();
    let reason = question
        .reason
        .iter()
        .flat_map(|reason| wrap(reason, width));
    lines.extend(reason.map(Line::raw));
    lines
}

/// The first lines that fit, and whether there are more.
fn cut(mut lines: Vec<Line<'static>>, room: usize) -> Vec<Line<'static>> {
    if lines.len() > room {
        let shown = room.saturating_sub(1);
        let more = lines.len() - shown;
        lines.truncate(shown);
        let words = format!("… {more} more lines, for a larger terminal");
        lines.push(Line::styled(words, Style::new().fg(Color::Yellow)));
    }
    lines
}

fn diff(app: &App, frame: &mut Frame<'_>) {
    let [body, foot] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
    let block = Block::bordered().title(" What this turn has changed ");
    let inner = block.inner(body);
    frame.render_widget(block, body);
    let lines = match app.diff.is_empty() {
        true => vec![Line::raw("nothing yet")],
        false => diff_lines(&app.diff, usize::from(inner.width)).collect(),
    };
    scrolled(frame, inner, lines, app.scroll);
    help(frame, foot, "↑ ↓ PgUp PgDn · Esc back");
}

/// The end of the lines, or what is so many lines above.
fn scrolled(frame: &mut Frame<'_>, area: Rect, mut lines: Vec<Line<'_>>, up: usize) {
    let height = usize::from(area.height);
    let up = up.min(lines.len().saturating_sub(height));
    lines.truncate(lines.len() - up);
    let from = lines.len().saturating_sub(height);
    frame.render_widget(Paragraph::new(lines.split_off(from)), area);
}

fn told(entry: &Entry, width: usize) -> Vec<Line<'static>> {
    let (sign, style) = match entry.kind {
        Kind::User => ("› ", Style::new().add_modifier(Modifier::BOLD)),
        Kind::Agent => ("  ", Style::new()),
        Kind::Command => ("$ ", Style::new().fg(Color::Cyan)),
        Kind::Patch => ("± ", Style::new().fg(Color::Cyan)),
        Kind::Tool => ("⚙ ", Style::new().fg(Color::Cyan)),
        Kind::Note => ("· ", Style::new().fg(Color::Yellow)),
    };
    let inner = width.saturating_sub(2);
    let mut sign = sign;
    let mut lines: Vec<Line<'_>> = wrap(entry.text.trim_end(), inner)
        .into_iter()
        .map(|line| {
            let begins = std::mem::replace(&mut sign, "  ");
            Line::styled(format!("{begins}{line}"), style)
        })
        .collect();
    if entry.kind == Kind::Patch {
        lines.extend(diff_lines(&entry.output, inner).map(indented));
    } else if !entry.output.is_empty() {
        let output = wrap(entry.output.trim_end(), inner);
        let more = output.len().saturating_sub(OUTPUT);
        let earlier = match entry.is_cut {
            true => Some(format!("… {more} more lines, and what is not kept")),
            false => (more > 0).then(|| format!("… {more} more lines")),
        };
        lines.extend(earlier.map(|words| indented(Line::styled(words, Style::new().dim()))));
        let dim = |line: String| indented(Line::styled(line, Style::new().dim()));
        lines.extend(output.into_iter().skip(more).map(dim));
    }
    lines.push(Line::default());
    lines
}

fn indented(mut line: Line<'static>) -> Line<'static> {
    line.spans.insert(0, Span::raw("  "));
    line
}

fn diff_lines(diff: &str, width: usize) -> impl Iterator<Item = Line<'static>> {
    diff.trim_end().lines().flat_map(move |line| {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => {
                Style::new().add_modifier(Modifier::BOLD)
            }
            [b'+', ..] => Style::new().fg(Color::Green),
            [b'-', ..] => Style::new().fg(Color::Red),
            [b'@', ..] => Style::new().fg(Color::Blue),
            _ => Style::new(),
        };
        wrap(line, width)
            .into_iter()
            .map(move |line| Line::styled(line, style))
    })
}

fn help(frame: &mut Frame<'_>, area: Rect, words: &str) {
    frame.render_widget(
        Paragraph::new(words.to_owned()).style(Style::new().dim()),
        area,
    );
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use tokio::sync::oneshot;

    use super::*;
    use crate::news::News;

    fn screen(app: &App, width: u16, height: u16) -> String {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
        let Ok(_) = terminal.draw(|frame| draw(app, frame));
        terminal.backend().to_string()
    }

    fn asked(reason: &str) -> App {
        let mut app = App::default();
        app.hear(News::Asked(Question {
            what: "rm -r everything".to_owned(),
            reason: Some(reason.to_owned()),
            answer: oneshot::channel().0,
        }));
        app
    }

    #[test]
    fn no_reason_hides_the_command() {
        let app = asked(&"all is well\n".repeat(40));
        let shown = screen(&app, 60, 20);
        assert!(
            shown.contains("rm -r everything") && shown.contains("… 26 more lines"),
            "{shown}"
        );
        let shown = screen(&asked("To tidy up"), 60, 20);
        assert!(shown.contains("To tidy up") && !shown.contains("more lines"));
    }

    #[test]
    fn a_long_history_scrolls_to_its_beginning() {
        let mut app = App {
            screen: Screen::Chat,
            ..App::default()
        };
        for number in 0..100 {
            app.entries.push(Entry::note(format!("note {number}.")));
        }
        let shown = screen(&app, 40, 20);
        assert!(shown.contains("note 99.") && !shown.contains("note 50."));
        app.scroll = 98;
        let shown = screen(&app, 40, 20);
        assert!(shown.contains("note 50.") && !shown.contains("note 99."));
        app.scroll = usize::MAX;
        assert!(screen(&app, 40, 20).contains("note 0."));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut app = App {
            screen: Screen::Chat,
            ..App::default()
        };
        app.entries.push(Entry {
            kind: Kind::Command,
            output: "line\n".repeat(15),
            ..Entry::note("cat it")
        });
        assert!(screen(&app, 60, 30).contains("… 3 more lines  "));
        app.entries.iter_mut().for_each(|entry| entry.is_cut = true);
        assert!(screen(&app, 60, 30).contains("… 3 more lines, and what is not kept"));
    }

    #[test]
    fn a_terminal_of_any_size_is_drawn() {
        for size in 1..8 {
            let mut app = App::default();
            screen(&app, size, size);
            app.screen = Screen::Chat;
            screen(&app, size, size);
            screen(&asked("why"), size, size);
        }
    }
}
