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
    format!("`{name}` on the wire.")
}

/// Keeps a description from being read as Markdown links, HTML or indented code.
pub(crate) fn escape(line: &str) -> String {
    let line = line.trim_end();
    let content = line.trim_start();
    let indent = (line.len() - content.len()).min(2);
    let mut escaped = " ".repeat(indent);
    let mut rest = content;
    if let Some(reason) = content.strip_prefix("@deprecated") {
        escaped.push_str("**Deprecated**:");
        rest = reason.trim_start_matches(':');
    }
    let mut code = false;
    while let Some(c) = rest.chars().next() {
        if c == '`' {
            code = !code;
        }
        if !code && (rest.starts_with("http://") || rest.starts_with("https://")) {
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ')' | '>' | ',' | '"'))
                .unwrap_or(rest.len());
            let url = rest[..end].trim_end_matches('.');
            escaped.push_str(&format!("<{url}>"));
            rest = &rest[url.len()..];
            continue;
        }
        if !code && let Some((path, after)) = rust_path(rest) {
            escaped.push_str(&format!("`{path}`"));
            rest = after;
            continue;
        }
        if !code && matches!(c, '[' | ']' | '<' | '>') && !(c == '>' && escaped.trim().is_empty()) {
            escaped.push('\\');
        }
        escaped.push(c);
        rest = &rest[c.len_utf8()..];
    }
    escaped
}

/// A link into the runtime's own code (``[`Self::extensions`]``), which leads nowhere here: its
/// path, and what follows it.
fn rust_path(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('[')?.split_once(']')?;
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
            ("        indented", "  indented"),
            (
                "see [`Self::a`] or [b::C::d].",
                "see `Self::a` or `b::C::d`.",
            ),
            ("[UNSTABLE] [] clears", "\\[UNSTABLE\\] \\[\\] clears"),
            ("@deprecated Use `b`.", "**Deprecated**: Use `b`."),
            ("@deprecated: gone", "**Deprecated**: gone"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }
}
