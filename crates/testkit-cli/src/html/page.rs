//! The page of a session.

use std::time::Duration;

use super::card::{Card, Kind, Part, Tone};
use super::chart;
use super::clock::Time;
use super::lines;
use super::markup::Markup;
use super::session::{Session, Turn};
use super::text::Text;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// What the browser lets in: nothing but these two, by their SHA-256.
const POLICY: &str = include_str!("page.policy");

/// How many lines of diffs are coloured; each costs an element.
const COLOURED: usize = 20_000;

pub(super) fn render(session: &Session, title: &str) -> String {
    let mut page = Page {
        out: Markup::default(),
        session,
        coloured: 0,
    };
    page.head(title);
    page.summary(title);
    page.left_out();
    page.story();
    page.rest();
    page.out
        .raw("</main><script>")
        .raw(SCRIPT)
        .raw("</script></body></html>\n");
    page.out.into_string()
}

struct Page<'a> {
    out: Markup,
    session: &'a Session,
    coloured: usize,
}

impl Page<'_> {
    fn head(&mut self, title: &str) {
        self.out
            .raw("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"")
            .raw(POLICY.trim_ascii_end())
            .raw("\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>")
            .text(title)
            .raw("</title><style>")
            .raw(STYLE)
            .raw("</style></head><body><a class=\"skip\" href=\"#story\">Skip to the session</a>");
    }

    fn summary(&mut self, title: &str) {
        let session = self.session;
        let by = session.by.as_deref().unwrap_or("an unknown recorder");
        let runtime = session
            .runtime
            .as_deref()
            .unwrap_or("of an unknown version");
        self.out
            .raw("<header><h1>")
            .text(title)
            .raw("</h1><p class=\"dim\">Recorded by ")
            .text(by);
        self.out
            .raw(", runtime ")
            .text(runtime)
            .raw(" · ")
            .show(session.messages)
            .raw(" messages · ");
        count(&mut self.out, session.turns.len(), " turn", " turns");
        self.out.raw(" · ");
        count(
            &mut self.out,
            session.threads().len(),
            " thread",
            " threads",
        );
        self.out.raw(" · ").text(&seconds(session.last));
        if let Some(who) = session.ended {
            self.out.raw(" · the ").text(who).raw(" hung up");
        }
        self.out.raw("</p>");
        if let Some(why) = &session.cut {
            self.out
                .raw("<p class=\"note bad\">The rest is missing: ")
                .text(why)
                .raw("</p>");
        }
        self.out.raw(concat!(
            "</header><div class=\"tools\" id=\"tools\" role=\"search\" hidden>",
            "<input id=\"search\" type=\"search\" placeholder=\"Search\" aria-label=\"Search the session\" autocomplete=\"off\" aria-keyshortcuts=\"/\">",
            "<output id=\"found\" class=\"small\" for=\"search\" aria-live=\"polite\"></output>",
            "<button id=\"marks\" type=\"button\" aria-keyshortcuts=\"e\">Next mark</button>",
            "<button id=\"theme\" type=\"button\" aria-keyshortcuts=\"t\">Dark or light</button></div><main>",
            "<details class=\"small\"><summary>Keys</summary><p><kbd>/</kbd> search, then <kbd>Enter</kbd> and <kbd>Shift</kbd>+<kbd>Enter</kbd> for the next and the last hit, <kbd>Esc</kbd> for all again · ",
            "<kbd>j</kbd> <kbd>k</kbd> next and last entry · <kbd>e</kbd> next approval, refusal or error · <kbd>t</kbd> dark or light</p></details>",
        ));
        self.out
            .raw("<h2 class=\"sub\">Time of the turns</h2><ul class=\"legend small\">");
        for time in Time::ALL {
            let total: Duration = session
                .turns
                .iter()
                .map(|turn| turn.clock.total(time))
                .sum();
            let (top, height) = chart::lane(time, 14);
            self.out
                .raw("<li><svg aria-hidden=\"true\"><rect width=\"100%\" y=\"")
                .show(top);
            self.out
                .raw("\" height=\"")
                .show(height)
                .raw("\" class=\"")
                .raw(time.name())
                .raw("\"/></svg> ");
            self.out
                .raw(time.name())
                .raw(" <b>")
                .text(&seconds(total))
                .raw("</b></li>");
        }
        self.out.raw("</ul>");
        chart::axis(&mut self.out, session);
        self.out.raw("<p class=\"dim small\">Waiting is what nothing else is open in: the model has said nothing yet, or is asked again.</p>");
        chart::tokens(&mut self.out, session);
    }

    /// What the page does not have is never left out in silence.
    fn left_out(&mut self) {
        let left_out = &self.session.left_out;
        let mut notes = Vec::new();
        if let Some(since) = left_out.since {
            notes.push(format!(
                "{} entries after {}: the page has no more room. Approvals and errors are shown for longer.",
                left_out.cards,
                seconds(since)
            ));
        }
        if left_out.turns > 0 {
            notes.push(format!("the last {} turns", left_out.turns));
        }
        if left_out.usages > 0 {
            notes.push(format!(
                "the tokens of the last {} requests",
                left_out.usages
            ));
        }
        if left_out.long_lines > 0 {
            notes.push(format!(
                "{} lines over {} MiB, {} bytes in all",
                left_out.long_lines,
                lines::LONGEST / 1024 / 1024,
                left_out.long_bytes
            ));
        }
        if notes.is_empty() {
            return;
        }
        self.out.raw("<div class=\"note\" id=\"left-out\"><p>Left out of this page, and to be found in the recording:</p><ul>");
        for note in notes {
            self.out.raw("<li>").text(&note).raw("</li>");
        }
        self.out.raw("</ul></div>");
    }

    /// The turns in the order of their beginnings, and between them what belongs to none.
    fn story(&mut self) {
        let session = self.session;
        self.out.raw("<div id=\"story\" tabindex=\"-1\">");
        let mut outside = session.outside.as_slice();
        for (index, turn) in session.turns.iter().enumerate() {
            let before = outside.partition_point(|card| card.at <= turn.from);
            let (cards, rest) = outside.split_at(before);
            outside = rest;
            self.between(cards);
            self.turn(index, turn);
        }
        self.between(outside);
        self.out.raw("</div>");
    }

    fn between(&mut self, cards: &[Card]) {
        if cards.is_empty() {
            return;
        }
        self.out
            .raw("<section class=\"between\" aria-label=\"Between turns\">");
        cards.iter().for_each(|card| self.card(card));
        self.out.raw("</section>");
    }

    fn turn(&mut self, index: usize, turn: &Turn) {
        let number = index + 1;
        let to = turn.to.unwrap_or(self.session.last);
        self.out
            .raw("<section class=\"turn\" id=\"turn-")
            .show(number)
            .raw("\" aria-labelledby=\"name-")
            .show(number);
        self.out
            .raw("\"><header><h2 id=\"name-")
            .show(number)
            .raw("\">Turn ")
            .show(number)
            .raw("</h2><span class=\"mark ");
        self.out.raw(match turn.status.as_str() {
            "completed" => "good",
            "failed" => "bad",
            _ => "open",
        });
        self.out
            .raw("\">")
            .text(&word(&turn.status))
            .raw("</span><span class=\"dim\">at ");
        self.out
            .text(&seconds(turn.from))
            .raw(", ")
            .text(&seconds(to.saturating_sub(turn.from)))
            .raw("</span>");
        if self.session.threads().len() > 1 {
            self.out
                .raw("<span class=\"dim small\">thread ")
                .show(turn.thread + 1)
                .raw(", ");
            self.out
                .text(&self.session.threads()[turn.thread])
                .raw("</span>");
        }
        self.out.raw("</header>");
        let times =
            Time::ALL.map(|time| format!("{} {}", time.name(), seconds(turn.clock.total(time))));
        chart::bar(
            &mut self.out,
            turn.clock.spans(),
            (turn.from, to),
            &times.join(", "),
        );
        turn.cards.iter().for_each(|card| self.card(card));
        if turn.left_out > 0 {
            self.out.raw("<p class=\"note small\">");
            self.out
                .show(turn.left_out)
                .raw(" more entries of this turn are left out.</p>");
        }
        if let Some(diff) = &turn.diff {
            self.out
                .raw("<details><summary>All changes of this turn</summary>");
            self.diff(diff);
            self.out.raw("</details>");
        }
        self.out.raw("</section>");
    }

    fn card(&mut self, card: &Card) {
        self.out
            .raw("<article class=\"card ")
            .raw(class(card.kind))
            .raw("\"><header><span class=\"dim small\">");
        self.out.text(&seconds(card.at)).raw("</span>");
        if let Some(label) = label(card.kind).filter(|label| *label != card.title) {
            self.out
                .raw("<span class=\"kind\">")
                .raw(label)
                .raw("</span>");
        }
        self.out.raw("<h3>").text(&card.title).raw("</h3>");
        if let Some((tone, word)) = &card.mark {
            self.out
                .raw("<span class=\"mark ")
                .raw(tone_class(*tone))
                .raw("\">")
                .text(word)
                .raw("</span>");
        }
        if let Some(to) = card.to.filter(|_| card.kind != Kind::User) {
            self.out
                .raw("<span class=\"dim small\">took ")
                .text(&seconds(to.saturating_sub(card.at)))
                .raw("</span>");
        }
        if card.pieces > 1 {
            self.out
                .raw("<span class=\"dim small\">")
                .show(card.pieces)
                .raw(" pieces</span>");
        }
        self.out
            .raw("<span class=\"dim small\">line ")
            .show(card.line)
            .raw("</span></header>");
        if !card.facts.is_empty() {
            self.out.raw("<ul class=\"facts\">");
            for fact in &card.facts {
                self.out.raw("<li>").text(fact).raw("</li>");
            }
            self.out.raw("</ul>");
        }
        for part in &card.parts {
            match part {
                Part::Prose(text) => {
                    self.out.raw("<div class=\"prose\">");
                    self.text(text);
                    self.out.raw("</div>");
                }
                Part::Output(text) => {
                    self.out.raw("<pre tabindex=\"0\" aria-label=\"Output\">");
                    self.text(text);
                    self.out.raw("</pre>");
                }
                Part::Diff(name, text) => {
                    self.out.raw("<p class=\"small\">").text(name).raw("</p>");
                    self.diff(text);
                }
                Part::Folded(name, text) => {
                    self.out
                        .raw("<details><summary>")
                        .raw(name)
                        .raw("</summary><pre>");
                    self.text(text);
                    self.out.raw("</pre></details>");
                }
            }
        }
        self.out.raw("</article>");
    }

    fn text(&mut self, text: &Text) {
        let (head, left_out, tail) = text.parts();
        self.out.text(head);
        self.gap(left_out);
        self.out.text(&tail);
    }

    fn gap(&mut self, left_out: u64) {
        if left_out > 0 {
            self.out
                .raw("<span class=\"gap\">… ")
                .show(left_out)
                .raw(" bytes are left out …</span>");
        }
    }

    fn diff(&mut self, text: &Text) {
        let (head, left_out, tail) = text.parts();
        self.out.raw("<pre tabindex=\"0\" aria-label=\"Diff\">");
        self.diff_lines(head);
        self.gap(left_out);
        self.diff_lines(&tail);
        self.out.raw("</pre>");
    }

    fn diff_lines(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let class = match line.as_bytes() {
                [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => None,
                [b'+', ..] => Some("<span class=\"add\">"),
                [b'-', ..] => Some("<span class=\"del\">"),
                [b'@', b'@', ..] => Some("<span class=\"hunk\">"),
                _ => None,
            };
            match class.filter(|_| self.coloured < COLOURED) {
                Some(class) => {
                    self.coloured += 1;
                    let text = line.strip_suffix('\n').unwrap_or(line);
                    self.out.raw(class).text(text).raw("</span>");
                    self.out.text(&line[text.len()..]);
                }
                None => drop(self.out.text(line)),
            }
        }
    }

    /// The messages that nothing was told of, so that none is missing in silence.
    fn rest(&mut self) {
        if self.session.untold.is_empty() {
            return;
        }
        self.out.raw("<details class=\"small\"><summary>Messages that are only counted</summary><table><tbody>");
        for (method, count) in &self.session.untold {
            self.out
                .raw("<tr><td>")
                .show(count)
                .raw("</td><th scope=\"row\">")
                .text(method)
                .raw("</th></tr>");
        }
        self.out.raw("</tbody></table></details>");
    }
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Agent => "agent",
        Kind::Thought => "thought",
        Kind::Command => "command",
        Kind::Patch => "patch",
        Kind::Tool => "tool",
        // Not `approval` and `note`: the axis and the page's own remarks are called that.
        Kind::Approval => "asked",
        Kind::Problem => "problem",
        Kind::Request => "request",
        Kind::Note => "remark",
    }
}

fn label(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::User => Some("User"),
        Kind::Agent => Some("Agent"),
        Kind::Command => Some("Command"),
        Kind::Tool => Some("Tool"),
        Kind::Approval => Some("Approval"),
        Kind::Problem => Some("Problem"),
        Kind::Thought | Kind::Patch | Kind::Request | Kind::Note => None,
    }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Open => "open",
    }
}

fn count(out: &mut Markup, count: usize, one: &'static str, many: &'static str) {
    out.show(count).raw(if count == 1 { one } else { many });
}

/// A status as the page says it.
pub(super) fn word(status: &str) -> String {
    match status {
        "inProgress" => "not ended".to_owned(),
        other => other.to_owned(),
    }
}

/// A time as people read it.
pub(super) fn seconds(time: Duration) -> String {
    let (all, milliseconds) = (time.as_secs(), time.as_millis());
    match all {
        0 if milliseconds < 1 && !time.is_zero() => "< 1 ms".to_owned(),
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{:.2} s", time.as_secs_f64()),
        60..3600 => format!("{}:{:02} min", all / 60, all % 60),
        _ => format!("{}:{:02}:{:02} h", all / 3600, all / 60 % 60, all % 60),
    }
}
