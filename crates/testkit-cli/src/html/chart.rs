//! The time axis, a turn's bar, and the tokens.

use std::time::Duration;

use super::clock::{Span, Time};
use super::markup::Markup;
use super::page::{seconds, word};
use super::session::{Session, Usage};

/// How many threads have a row of their own.
const ROWS: usize = 12;
/// How many spans are drawn in one picture; the longest are.
const SPANS: usize = 1_000;
/// How many bars the chart of the tokens has; with more requests, one stands for several.
const BARS: usize = 120;
const ROW: usize = 22;

/// All turns over the time of the session, each thread in its row.
pub(super) fn axis(page: &mut Markup, session: &Session) {
    let whole = session.last.max(Duration::from_millis(1));
    let rows = session.threads().len().clamp(1, ROWS);
    page.raw("<nav aria-label=\"Turns on the time axis\"><svg class=\"axis\" height=\"")
        .show(rows * ROW)
        .raw("\">");
    let spans = session.turns.iter().map(|turn| turn.clock.spans().len());
    let is_detailed = spans.sum::<usize>() <= 4 * SPANS;
    for (index, turn) in session.turns.iter().enumerate() {
        if turn.thread >= ROWS {
            continue;
        }
        let to = turn.to.unwrap_or(session.last);
        let top = turn.thread * ROW;
        let label = format!(
            "Turn {}, at {}, {}, {}",
            index + 1,
            seconds(turn.from),
            seconds(to.saturating_sub(turn.from)),
            word(&turn.status)
        );
        page.raw("<a href=\"#turn-")
            .show(index + 1)
            .raw("\" aria-label=\"")
            .text(&label)
            .raw("\"><title>");
        page.text(&label).raw("</title>");
        let class = if turn.status == "failed" {
            "failed"
        } else {
            "whole"
        };
        rect(
            page,
            class,
            (turn.from, to),
            (Duration::ZERO, whole),
            (top + 3, ROW - 6),
        );
        if is_detailed && class == "whole" {
            for span in turn.clock.spans() {
                let (up, high) = lane(span.time, ROW - 6);
                let at = (top + 3 + up, high);
                rect(
                    page,
                    span.time.name(),
                    (span.from, span.to),
                    (Duration::ZERO, whole),
                    at,
                );
            }
        }
        page.raw("</a>");
    }
    page.raw("</svg><div class=\"scale dim small\" aria-hidden=\"true\">");
    for quarter in 0..=4 {
        page.raw("<span>")
            .text(&seconds(whole * quarter / 4))
            .raw("</span>");
    }
    page.raw("</div></nav>");
    if session.threads().len() > ROWS {
        page.raw("<p class=\"dim small\">The axis has the first ")
            .show(ROWS)
            .raw(" of ");
        page.show(session.threads().len()).raw(" threads.</p>");
    }
}

/// What the time of one turn was spent on.
pub(super) fn bar(page: &mut Markup, spans: &[Span], whole: (Duration, Duration), label: &str) {
    let mut drawn: Vec<&Span> = spans.iter().collect();
    drawn.sort_by_key(|span| std::cmp::Reverse(span.to.saturating_sub(span.from)));
    drawn.truncate(SPANS);
    page.raw("<svg class=\"bar\" height=\"14\" role=\"img\" aria-label=\"")
        .text(label)
        .raw("\">");
    let length = whole
        .1
        .saturating_sub(whole.0)
        .max(Duration::from_micros(1));
    for span in drawn {
        rect(
            page,
            span.time.name(),
            (span.from, span.to),
            (whole.0, length),
            lane(span.time, 14),
        );
    }
    page.raw("</svg>");
}

/// Told apart by height too, not only by colour: from the top, and how high.
pub(super) fn lane(time: Time, height: usize) -> (usize, usize) {
    match time {
        Time::Waiting => (height / 2 - 1, 2),
        Time::Model => (height / 4, height / 2),
        Time::Tool => (height / 8, height * 3 / 4),
        Time::Approval => (0, height),
    }
}

fn rect(
    page: &mut Markup,
    class: &'static str,
    (from, to): (Duration, Duration),
    (begin, length): (Duration, Duration),
    (top, height): (usize, usize),
) {
    let percent = |time: Duration| time.as_secs_f64() / length.as_secs_f64() * 100.0;
    let x = percent(from.saturating_sub(begin));
    let width = percent(to.saturating_sub(from)).max(0.15);
    page.raw("<rect class=\"")
        .raw(class)
        .raw("\" x=\"")
        .show(format_args!("{x:.2}%"));
    page.raw("\" width=\"").show(format_args!("{width:.2}%"));
    page.raw("\" y=\"")
        .show(top)
        .raw("\" height=\"")
        .show(height)
        .raw("\"/>");
}

/// The kinds of tokens, from the ground up.
const TOKENS: [(&str, &str); 4] = [
    ("cached", "input from the cache"),
    ("input", "input"),
    ("reasoning", "reasoning"),
    ("output", "output"),
];

fn counts(usage: &Usage) -> [u64; 4] {
    [usage.cached, usage.input, usage.reasoning, usage.output]
}

/// A bar for each request to the model, and the same as a table.
pub(super) fn tokens(page: &mut Markup, session: &Session) {
    if session.usages.is_empty() {
        return;
    }
    let each = session.usages.len().div_ceil(BARS);
    let bars: Vec<[u64; 4]> = session.usages.chunks(each).map(sum).collect();
    let totals = sum(&session.usages);
    page.raw("<section aria-labelledby=\"tokens\"><h2 class=\"sub\" id=\"tokens\">Tokens of ");
    let requests = session.usages.len();
    page.show(requests).raw(if requests == 1 {
        " request"
    } else {
        " requests"
    });
    page.raw(" to the model</h2><ul class=\"legend small\">");
    for ((class, name), total) in TOKENS.into_iter().zip(totals) {
        page.raw("<li><svg aria-hidden=\"true\"><rect width=\"100%\" height=\"100%\" class=\"")
            .raw(class);
        page.raw("\"/></svg> ")
            .raw(name)
            .raw(" <b>")
            .show(total)
            .raw("</b></li>");
    }
    page.raw("</ul><svg class=\"tokens\" height=\"80\" aria-hidden=\"true\">");
    let highest = bars
        .iter()
        .map(|bar| bar.iter().sum::<u64>())
        .max()
        .unwrap_or_default()
        .max(1);
    #[allow(clippy::cast_precision_loss)] // For a picture.
    let share = |tokens: u64, of: u64| tokens as f64 / of as f64;
    // A few bars stay as wide as bars are.
    let width = 100.0 / f64::from(u32::try_from(bars.len().max(12)).unwrap_or(u32::MAX));
    let mut x = 0.0;
    for bar in &bars {
        let mut y = 80.0;
        for ((class, _), tokens) in TOKENS.into_iter().zip(*bar) {
            let high = share(tokens, highest) * 76.0;
            y -= high;
            page.raw("<rect class=\"")
                .raw(class)
                .raw("\" x=\"")
                .show(format_args!("{:.2}%", x + width * 0.1));
            page.raw("\" width=\"")
                .show(format_args!("{:.2}%", width * 0.8));
            page.raw("\" y=\"")
                .show(format_args!("{y:.1}"))
                .raw("\" height=\"")
                .show(format_args!("{high:.1}"))
                .raw("\"/>");
        }
        x += width;
    }
    page.raw("</svg>");
    if each > 1 {
        page.raw("<p class=\"dim small\">A bar stands for ")
            .show(each)
            .raw(" requests.</p>");
    }
    table(page, session);
    page.raw("</section>");
}

fn table(page: &mut Markup, session: &Session) {
    const ROWS: usize = 300;
    page.raw(
        "<details><summary>The same as a table</summary><table><thead><tr><th>Turn</th><th>At</th>",
    );
    for (_, name) in TOKENS {
        page.raw("<th>").raw(name).raw("</th>");
    }
    page.raw("</tr></thead><tbody>");
    for usage in session.usages.iter().take(ROWS) {
        let turn = usage
            .turn
            .map_or("–".to_owned(), |turn| (turn + 1).to_string());
        page.raw("<tr><td>")
            .text(&turn)
            .raw("</td><td>")
            .text(&seconds(usage.at))
            .raw("</td>");
        for count in counts(usage) {
            page.raw("<td>").show(count).raw("</td>");
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table>");
    if session.usages.len() > ROWS {
        page.raw("<p>The table has the first ")
            .show(ROWS)
            .raw(".</p>");
    }
    page.raw("</details>");
}

fn sum(usages: &[Usage]) -> [u64; 4] {
    let mut sum = [0u64; 4];
    for usage in usages {
        for (sum, count) in sum.iter_mut().zip(counts(usage)) {
            *sum = sum.saturating_add(count);
        }
    }
    sum
}
