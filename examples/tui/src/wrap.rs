//! Text in lines that fit.

use ratatui::text::Span;

/// The lines of a text, broken between words where there are any. What a terminal would obey is
/// shown as a dot.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let clean: String = paragraph
            .trim_end_matches('\r')
            .chars()
            .flat_map(shown)
            .collect();
        let mut line = String::new();
        for word in clean.split_inclusive(' ') {
            if wide(&line) + wide(word.trim_end()) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            // A word that is longer than a line.
            for c in word.chars() {
                if wide(&line) + wide(c.encode_utf8(&mut [0; 4])) > width {
                    if c == ' ' {
                        continue;
                    }
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        lines.push(line);
    }
    lines
}

/// How many columns it takes.
fn wide(text: &str) -> usize {
    Span::raw(text).width()
}

fn shown(c: char) -> impl Iterator<Item = char> {
    let (c, times) = match c {
        '\t' => (' ', 4),
        c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
            ('·', 1)
        }
        c => (c, 1),
    };
    std::iter::repeat_n(c, times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        assert_eq!(wrap("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrap("abcdefgh\n\nx", 3), ["abc", "def", "gh", "", "x"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("\u{1b}[2J\tx\r", 80), ["·[2J    x"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
