//! Taking credentials out of what a client said.

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// Replaces the user and password of every URL, its query, and the values of `…auth…=`,
/// `…token…=`, `…password…=`, `Bearer …` and `Basic …`.
///
/// It works word by word and hides too much rather than too little.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_scheme = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let space = &piece[word.len()..];
        if word.is_empty() {
            out.push_str(space);
            continue;
        }
        if after_scheme {
            out.push_str(HIDDEN);
        } else {
            out.push_str(&redact_word(word));
        }
        let bare = word
            .trim_matches(|c: char| !c.is_ascii_alphanumeric())
            .to_ascii_lowercase();
        after_scheme = !after_scheme && matches!(bare.as_str(), "bearer" | "basic");
        out.push_str(space);
    }
    out
}

fn redact_word(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + "://".len());
        out.push_str(before);
        let end = after
            .find(['"', '\'', '`', '<', '>', ')', ']', ','])
            .unwrap_or(after.len());
        let (url, next) = after.split_at(end);
        out.push_str(&redact_url(url));
        rest = next;
    }
    let lower = rest.to_ascii_lowercase();
    let secret = ["auth", "token", "password", "passwd", "secret"];
    match rest.find('=') {
        Some(equals) if secret.iter().any(|name| lower[..equals].contains(name)) => {
            out.push_str(&rest[..=equals]);
            out.push_str(HIDDEN);
        }
        _ => out.push_str(rest),
    }
    out
}

/// A URL without its scheme.
fn redact_url(url: &str) -> String {
    let (url, query) = url
        .split_once('?')
        .map_or((url, false), |(url, _)| (url, true));
    // A password may hold a `/` that should have been escaped, so the last `@` counts, unless a
    // path follows in which npm writes `/@scope/name`.
    let authority_end = url.find("/@").unwrap_or(url.len());
    let hidden = url[..authority_end].rfind('@').map_or(0, |i| i + 1);
    let mut out = String::new();
    if hidden > 0 {
        out.push_str(HIDDEN);
        out.push('@');
    }
    out.push_str(&url[hidden..]);
    if query {
        out.push('?');
        out.push_str(HIDDEN);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[track_caller]
    fn check(input: &str, expect: &str) {
        assert_eq!(redact(input), expect);
    }

    #[test]
    fn users_and_passwords_of_urls_are_hidden() {
        check(
            "Looking in https://me:pa55@mirror.test/simple ok",
            "Looking in https://***@mirror.test/simple ok",
        );
        check("'http://tok@h:8080/x'", "'http://***@h:8080/x'");
        check("https://me:p/a@ss@h/x", "https://***@h/x");
        check(
            "(https://a:b@h/x),(https://c:d@i/y)",
            "(https://***@h/x),(https://***@i/y)",
        );
    }

    #[test]
    fn queries_of_urls_are_hidden() {
        check(
            "GET https://h/f.whl?sig=abc&x=1: 403",
            "GET https://h/f.whl?*** 403",
        );
    }

    #[test]
    fn named_secrets_are_hidden() {
        check("//h/:_authToken=npm_abc", "//h/:_authToken=***");
        check("PASSWORD=x\nnext line", "PASSWORD=***\nnext line");
        check(
            "Authorization: Bearer abc.def then",
            "Authorization: Bearer *** then",
        );
    }

    #[test]
    fn everything_else_stays() {
        let text = "error: no wheel\n  for https://h/@openai/codex (a@b)  --x=1\n\n end ";
        check(text, text);
        check("", "");
    }
}
