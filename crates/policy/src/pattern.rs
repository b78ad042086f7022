//! Which words fit the patterns of a rule.

pub(crate) fn words_match(patterns: &[String], words: &[String]) -> bool {
    let (patterns, further) = match patterns.split_last() {
        Some((last, before)) if last == "**" => (before, true),
        _ => (patterns, false),
    };
    let fits = match further {
        true => words.len() >= patterns.len(),
        false => words.len() == patterns.len(),
    };
    let Some((program, patterns)) = patterns.split_first() else {
        return false;
    };
    fits && *program == words[0]
        && (patterns.iter().zip(&words[1..])).all(|(pattern, word)| word_matches(pattern, word))
}

fn word_matches(pattern: &str, word: &str) -> bool {
    // Whoever leaves a value open does not mean `--upload-pack=…`.
    if pattern.starts_with('*') && word.starts_with('-') {
        return false;
    }
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(mut word) = word.strip_prefix(begin) else {
        return false;
    };
    let mut parts = rest.split('*');
    // Each part as early as it can be, and the last one at the end.
    let end = parts.next_back().unwrap_or_default();
    for part in parts {
        match word.split_once(part) {
            Some((_, after)) => word = after,
            None => return false,
        }
    }
    word.ends_with(end)
}
