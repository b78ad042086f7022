//! Colours for terminals.

use std::io::{IsTerminal, stdout};

/// Paints text, or leaves it alone.
#[derive(Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// With colours or without; unless told, with them on a terminal whose user has not said no.
    pub(crate) fn new(colors: Option<bool>) -> Self {
        let wanted = || {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            stdout().is_terminal() && !refused
        };
        Self(colors.unwrap_or_else(wanted))
    }

    fn with(&self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn client(&self, text: &str) -> String {
        self.with("36", text)
    }

    pub(crate) fn server(&self, text: &str) -> String {
        self.with("32", text)
    }

    /// What the server asks, and what is answered.
    pub(crate) fn asking(&self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn error(&self, text: &str) -> String {
        self.with("31;1", text)
    }
}
