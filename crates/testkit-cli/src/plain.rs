//! Text of a recording, which anyone may have written, without what a terminal would obey.

/// One line, in which what would move the cursor, paint or turn the text around is only marked.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' => '⏎',
            c if is_obeyed(c) => '·',
            c => c,
        })
        .collect()
}

/// JSON on one line that says the same and can be read as JSON again.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // They stand in strings only, where JSON has an escape for each; all are of one unit.
        match c {
            '\t' => out.push(c),
            c if is_obeyed(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Controls of terminals, and those of the direction of text.
pub(crate) fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_for_a_terminal_to_obey() {
        assert_eq!(line("a\u{1b}[2J\nb\u{9b}1m\u{202e}c ü→"), "a·[2J⏎b·1m·c ü→");
        let text = json("{\"a\":\"\u{9b}1m\u{202e}\u{7f}ü\"}");
        assert_eq!(text, "{\"a\":\"\\u009b1m\\u202e\\u007fü\"}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["a"], "\u{9b}1m\u{202e}\u{7f}ü");
    }
}
