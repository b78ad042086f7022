//! Descriptions of the schema as Markdown.

/// What a member, type or method is marked with that needs `experimentalApi`.
pub(crate) const EXPERIMENTAL: &str =
    "**Experimental**: needs the `experimentalApi` capability and may change.";

/// The description of something marked [`EXPERIMENTAL`], which need not say so itself.
pub(crate) fn unmarked(doc: Option<&str>, experimental: bool) -> Option<String> {
    let doc = doc?.trim_start();
    let own = ["EXPERIMENTAL - ", "EXPERIMENTAL. ", "[UNSTABLE] "];
    let rest = own.iter().find_map(|mark| doc.strip_prefix(mark));
    let mut rest = match rest.filter(|_| experimental) {
        Some(rest) => rest.chars(),
        None => return Some(doc.to_owned()),
    };
    let first = rest.next()?;
    Some(first.to_uppercase().chain(rest).collect())
}

/// What is said of a name of the wire that the schema does not describe.
pub(crate) fn on_the_wire(name: &str) -> String {
    format!("{} on the wire.", code(name))
}

/// A text as inline code, whatever it is made of.
pub(crate) fn code(text: &str) -> String {
    let text: String = visible(text).replace('\n', "\\n");
    if text.is_empty() {
        return "the empty name".to_owned();
    }
    let runs = text.split(|c| c != '`').map(str::len);
    match runs.max().unwrap_or(0) {
        0 => format!("`{text}`"),
        // Longer than any run within, so that none of them ends it.
        longest => {
            let marks = "`".repeat(longest + 1);
            format!("{marks} {text} {marks}")
        }
    }
}

/// A description past this many bytes is cut: nobody reads it, and it may be an attack.
const LONGEST: usize = 64 * 1024;

/// The lines of a description: text, with what Markdown, rustdoc or rustc would take for something
/// else escaped. Code blocks are kept, and are not run as tests.
pub(crate) fn lines(description: &str) -> Vec<String> {
    let mut text = description.trim();
    if text.len() > LONGEST {
        let end = text.char_indices().map(|(at, _)| at);
        text = &text[..end.take_while(|at| *at <= LONGEST).last().unwrap_or(0)];
    }
    let mut lines = Vec::new();
    let mut fence: Option<String> = None;
    for line in visible(text).lines() {
        let content = line.trim();
        let marks = fence_of(content);
        match (&fence, marks) {
            (Some(open), Some(close)) if close.starts_with(open) && close == content => {
                lines.push(open.clone());
                fence = None;
            }
            (Some(_), _) => lines.push(line.trim_end().to_owned()),
            (None, Some(open)) => {
                // Whatever language it says it is in: rustdoc would compile and run it.
                lines.push(format!("{open}text"));
                fence = Some(open.to_owned());
            }
            (None, None) => lines.push(escape(line)),
        }
    }
    lines.extend(fence);
    if text.len() < description.trim().len() {
        lines.push(String::new());
        lines.push("(The rest of the description is left out.)".to_owned());
    }
    lines
}

/// The marks with which a line opens or closes a code block.
fn fence_of(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let marks = &line[..line.len() - line.trim_start_matches(mark).len()];
    let is_fence = marks.len() >= 3 && !line[marks.len()..].contains('`');
    is_fence.then_some(marks)
}

/// A text without characters that change how others are read, or that rustc refuses in comments.
fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\u{2028}' | '\u{2029}' => visible.push('\n'),
            '\n' | '\t' => visible.push(c),
            '\u{feff}' => {}
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => visible += &format!("U+{:04X}", u32::from(c)),
            c if c.is_control() => visible += &format!("U+{:04X}", u32::from(c)),
            c => visible.push(c),
        }
    }
    visible
}

/// Keeps a line from being read as Markdown links, HTML, or code but for inline code.
fn escape(line: &str) -> String {
    let line = line.trim_end();
    let content = line.trim_start();
    let indent = (line.len() - content.len()).min(2);
    let mut escaped = " ".repeat(indent);
    let mut rest = content;
    // What stands far behind a mark of a list or a quotation would be code, which rustdoc runs.
    while let Some((mark, after)) = mark(rest) {
        escaped.push_str(mark);
        escaped.push(' ');
        rest = after.trim_start();
    }
    if let Some(reason) = content.strip_prefix("@deprecated") {
        escaped.push_str("**Deprecated**:");
        rest = reason.trim_start_matches(':');
    }
    while let Some(c) = rest.chars().next() {
        if c == '`' {
            let (code, after) = code_span(rest);
            escaped += &code;
            rest = after;
        } else if rest.starts_with("~~~") {
            // A block may begin within a list or a quotation.
            escaped.push_str("\\~");
            rest = &rest[1..];
        } else if rest.starts_with("http://") || rest.starts_with("https://") {
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | ',' | '"' | '<' | '`'))
                .unwrap_or(rest.len());
            let url = rest[..end].trim_end_matches('.');
            escaped.push_str(&format!("<{url}>"));
            rest = &rest[url.len()..];
        } else if let Some((path, after)) = rust_path(rest) {
            escaped.push_str(&format!("`{path}`"));
            rest = after;
        } else {
            if matches!(c, '[' | ']' | '<' | '>' | '\\') {
                escaped.push('\\');
            }
            escaped.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    escaped
}

/// The mark of a list or a quotation that a line begins with, and what follows it.
fn mark(line: &str) -> Option<(&str, &str)> {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let is_mark = |c: char| {
        if digits > 0 {
            matches!(c, '.' | ')')
        } else {
            matches!(c, '-' | '*' | '+' | '>')
        }
    };
    let end = digits + 1;
    let found = line[digits..].chars().next().is_some_and(is_mark);
    let (mark, after) = found.then(|| line.split_at(end))?;
    let is_apart = after.starts_with(char::is_whitespace);
    (is_apart || (mark == ">" && !after.is_empty())).then_some((mark, after))
}

/// The inline code that a text begins with, or its first marks escaped if nothing closes them; and
/// what follows.
fn code_span(text: &str) -> (String, &str) {
    let run = |text: &str| text.len() - text.trim_start_matches('`').len();
    let marks = run(text);
    let mut at = marks;
    while let Some(next) = text[at..].find('`') {
        at += next;
        let others = run(&text[at..]);
        at += others;
        if others == marks {
            return (text[..at].to_owned(), &text[at..]);
        }
    }
    ("\\`".repeat(marks), &text[marks..])
}

/// A link into the runtime's own code (``[`Self::extensions`]``), which leads nowhere here: its
/// path, and what follows it.
fn rust_path(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('[')?;
    // No path is longer, and a text of nothing but brackets is gone through once.
    let (end, _) = inside.char_indices().take(200).find(|(_, c)| *c == ']')?;
    let (inside, after) = (&inside[..end], &inside[end + 1..]);
    let path = inside.trim_matches('`');
    let is_path = path
        .split("::")
        .all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'));
    (is_path && (path.len() < inside.len() || path.contains("::"))).then_some((path, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_said_once() {
        let doc = Some("EXPERIMENTAL - list presets.");
        assert_eq!(unmarked(doc, true).as_deref(), Some("List presets."));
        assert_eq!(unmarked(doc, false).as_deref(), doc);
        assert_eq!(unmarked(Some("Lists."), true).as_deref(), Some("Lists."));
    }

    #[test]
    fn descriptions_are_text_not_markup() {
        for (text, expected) in [
            ("see [AbsolutePathBuf]", "see \\[AbsolutePathBuf\\]"),
            ("`[x]` and <skill>", "`[x]` and \\<skill\\>"),
            (
                "at https://example.com/a_b.",
                "at <https://example.com/a_b>.",
            ),
            (
                "see [`Self::a`] or [b::C::d].",
                "see `Self::a` or `b::C::d`.",
            ),
            ("[UNSTABLE] [] clears", "\\[UNSTABLE\\] \\[\\] clears"),
            ("@deprecated Use `b`.", "**Deprecated**: Use `b`."),
            ("@deprecated: gone", "**Deprecated**: gone"),
        ] {
            assert_eq!(lines(text), [expected.trim_start()]);
        }
        assert_eq!(lines("a:\n        indented"), ["a:", "  indented"]);
    }

    #[test]
    fn a_code_block_is_text_and_is_closed() {
        for (text, expected) in [
            (
                "a\n```\nlet x = [1];\n```\n<b>",
                "a\n```text\nlet x = [1];\n```\n\\<b\\>",
            ),
            ("```rust\npanic!()", "```text\npanic!()\n```"),
            ("~~~~ sh\n```\n~~~~", "~~~~text\n```\n~~~~"),
            ("- ```rust\n  panic!()", "- \\`\\`\\`rust\n  panic!()"),
            ("> ~~~\n> panic!()", "> \\~~~\n> panic!()"),
            ("``` `x` ```", "``` `x` ```"),
            ("the `x``", "the \\`x\\`\\`"),
            ("-      abort();", "- abort();"),
            ("1.\t\tabort();", "1. abort();"),
            (">     - >     abort();", "> - > abort();"),
            ("\\<img a=>", "\\\\\\<img a=\\>"),
        ] {
            assert_eq!(lines(text).join("\n"), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        for (text, expected) in [
            ("a\u{202e}b", "aU+202Eb"),
            ("a\rb", "a\nb"),
            ("a\r\nb", "a\nb"),
            ("a\0b\u{7f}", "aU+0000bU+007F"),
            ("\u{2067}a", "U+2067a"),
            ("a `<b>", "a \\`\\<b\\>"),
        ] {
            assert_eq!(lines(text).join("\n"), expected, "{text:?}");
        }
        assert_eq!(code("a`b\u{202e}\nc"), "`` a`bU+202E\\nc ``");
        assert_eq!(code("a``<b>"), "``` a``<b> ```");
    }

    #[test]
    fn a_text_without_end_is_cut() {
        for text in [
            "`[evil".repeat(3_000_000),
            "[".repeat(16_000_000),
            "🦀".repeat(100_000),
        ] {
            let lines = lines(&text);
            assert!(lines.join("\n").len() < 3 * LONGEST);
            assert!(lines.last().unwrap().contains("left out"));
        }
    }
}
