//! The only way to the page: markup is written in this program, text is escaped.

use std::fmt::{self, Write};

#[derive(Debug, Default)]
pub(super) struct Markup(String);

impl Markup {
    /// What is written in this program, as it is.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0 += markup;
        self
    }

    /// What may have been written by anyone, in an element or in a quoted attribute.
    ///
    /// What would turn the text around or is a control is shown as a dot.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0 += "&amp;",
                '<' => self.0 += "&lt;",
                '>' => self.0 += "&gt;",
                '"' => self.0 += "&quot;",
                '\'' => self.0 += "&#39;",
                '\n' | '\t' => self.0.push(c),
                // Of a line that ends as lines of Windows and of terminals do.
                '\r' => {}
                c if crate::plain::is_obeyed(c) => self.0.push('·'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Numbers and words of this program, which are escaped all the same.
    pub(super) fn show(&mut self, what: impl fmt::Display) -> &mut Self {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(text, "{what}");
        self.text(&text)
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut markup = Markup::default();
        markup
            .raw("<p title=\"")
            .text("\"><script>'&\u{202e}\u{1b}\r\n")
            .raw("\">");
        let expected = "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;··\n\">";
        assert_eq!(markup.into_string(), expected);
    }
}
