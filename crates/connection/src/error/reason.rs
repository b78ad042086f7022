//! The reason in an error's one line.

use std::error::Error as StdError;

use openai_codex_wire::DecodeError;

/// How much of a reason is told.
const LONGEST: usize = 600;

/// What an error and those behind it say, in one line: each that says more than those before it.
pub(super) fn told(error: &(dyn StdError + 'static)) -> String {
    let mut told = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = one(error);
        if !said.is_empty() && !told.contains(&said) {
            if !told.is_empty() {
                told.push_str(": ");
            }
            told.push_str(&said);
        }
        next = error.source();
    }
    super::cut(&told, LONGEST).to_owned()
}

fn one(error: &(dyn StdError + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<DecodeError>() {
        // The method is told already.
        return plain(error.reason());
    }
    if error.is::<serde_json::Error>() {
        // serde quotes what it did not expect, which may be a prompt or a token.
        return plain(DecodeError::new("", &error).reason());
    }
    plain(&error.to_string())
}

/// One line, without what would move the cursor.
fn plain(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A message with its reason: after what failed, and before what to do about it.
pub(super) fn with(message: &str, reason: &str) -> String {
    match message.split_once("; ") {
        Some((what, remedy)) => format!("{what}: {reason}; {remedy}"),
        None => format!("{message}: {reason}"),
    }
}

/// Whether serde gave up because of the depth, which its words only hint at.
pub(super) fn is_too_deep(reason: &str) -> bool {
    reason.contains("recursion limit exceeded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_stands_before_the_remedy() {
        assert_eq!(
            with("it failed; do that", "no disk"),
            "it failed: no disk; do that"
        );
        assert_eq!(with("it failed", "no disk"), "it failed: no disk");
    }
}
