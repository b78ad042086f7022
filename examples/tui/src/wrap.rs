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
        // How many columns the line takes.
        let mut taken = 0;
        for word in clean.split_inclusive(' ') {
            if taken + wide(word.trim_end()) > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            // A word that is longer than a line.
            for c in word.chars() {
                let columns = wide(c.encode_utf8(&mut [0; 4]));
                if taken + columns > width && !line.is_empty() {
                    if c == ' ' {
                        continue;
                    }
                    lines.push(std::mem::take(&mut line));
                    taken = 0;
                }
                line.push(c);
                taken += columns;
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
        assert_eq!(wrap("日本", 1), ["日", "本"]);
    }

    #[test]
    fn a_long_line_takes_no_time() {
        let start = std::time::Instant::now();
        // Where each character measured its line, this took minutes.
        assert_eq!(wrap(&"x".repeat(300_000), 300_000).len(), 1);
        assert!(start.elapsed() < std::time::Duration::from_secs(10));
    }
}
