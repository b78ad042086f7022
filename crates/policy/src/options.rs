//! Options that a command must not have.

/// Whether a word may be this option, however it is written: with a value behind it,
/// shortened (`--outp`), or among other letters (`-xo`).
pub(crate) fn may_be(word: &str, option: &str) -> bool {
    let option = option.trim_end_matches('=');
    if word == option || (word.split_once('=')).is_some_and(|(name, _)| name == option) {
        return true;
    }
    if let Some(long) = option.strip_prefix("--") {
        // Programs take as much of a name as is enough to tell it from others, and some of them
        // one dash for two.
        let Some(given) = word.strip_prefix('-') else {
            return false;
        };
        let given = given.strip_prefix('-').unwrap_or(given);
        let name = given.split('=').next().unwrap_or(given);
        return !name.is_empty()
            && long.starts_with(name)
            && (word.starts_with("--") || name == long);
    }
    let Some(sign) = option
        .chars()
        .next()
        .filter(|sign| matches!(sign, '-' | '+'))
    else {
        return false;
    };
    let name = &option[1..];
    let Some(given) = word.strip_prefix(sign).filter(|_| !word.starts_with("--")) else {
        return false;
    };
    if name.chars().count() == 1 {
        // A letter among others, or with its value.
        given.contains(name)
    } else {
        // `-exec` and `-execdir`, `-exe`.
        given.starts_with(name) || given.chars().count() > 1 && name.starts_with(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_known_in_every_form() {
        for (option, word) in [
            ("--output", "--output"),
            ("--output", "--output=x"),
            ("--output", "--outp=x"),
            ("--output", "--o"),
            ("--output", "-output=x"),
            ("--output=", "--output=x"),
            ("SHELL=", "SHELL=./evil"),
            ("-o", "-o"),
            ("-o", "-ox"),
            ("-o", "-xo"),
            ("-o", "-o=x"),
            ("-exec", "-exec"),
            ("-exec", "-execdir"),
            ("-exec", "-exe"),
            ("-delete", "-delete"),
            ("+x", "+x"),
            ("SHELL", "SHELL=./evil"),
            ("install", "install"),
        ] {
            assert!(may_be(word, option), "{word} {option}");
        }
        for (option, word) in [
            ("--output", "--outer"),
            ("--output", "--outputs"),
            ("--output", "output"),
            ("--output", "-o"),
            ("--output", "--"),
            ("--output", "-"),
            ("-o", "o"),
            ("-o", "--no"),
            ("-o", "-"),
            ("-exec", "-e"),
            ("-exec", "--exec"),
            ("+x", "-x"),
            ("SHELL", "SHELLS=1"),
            ("install", "--install"),
            ("", "x"),
        ] {
            assert!(!may_be(word, option), "{word} {option}");
        }
    }
}
