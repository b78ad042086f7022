//! Which words fit the patterns of a rule.

use crate::CommandLine;

/// Whether the words of a command fit. The first one is the program, as it is
/// written; `**` as the last pattern stands for any further words, names of files
/// that the shell puts in included.
pub(crate) fn words_match(patterns: &[String], command: &CommandLine) -> bool {
    let words = command.texts();
    let (patterns, further) = match patterns.split_last() {
        Some((last, before)) if last == "**" => (before, true),
        _ => (patterns, false),
    };
    let fits = if further {
        words.len() >= patterns.len()
    } else {
        words.len() == patterns.len()
    };
    let Some((program, patterns)) = patterns.split_first() else {
        return false;
    };
    fits && *program == words[0]
        && command.begins_literally(patterns.len() + 1)
        && (patterns.iter().zip(&words[1..])).all(|(pattern, word)| word_matches(pattern, word))
}

/// Whether a word fits, and is no more than what it was left open for: whoever
/// writes `*` for a value does not mean `--upload-pack=…`, `@options`, `SHELL=…`
/// or `../..`.
fn word_matches(pattern: &str, word: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == word;
    };
    let Some(open) = word.strip_prefix(begin) else {
        return false;
    };
    (is_assigned(pattern) || !is_assigned(word))
        && climbs(word) == climbs(pattern)
        && rest_matches(begin, rest, open)
}

/// Whether what stands in the place of a `*` is not something that a
/// program takes for more than a value: an option, a file of options.
fn is_value(begin: &str, open: &str) -> bool {
    let special = match begin.chars().next_back() {
        None => ['-', '+', '@'].as_slice(),
        // The value of an option, and of what else is written before one.
        Some('=' | ':' | ',') => &['@'],
        // `-d*`: the value follows at once.
        Some(_) if begin.starts_with('-') && !begin.starts_with("--") => &['@'],
        Some(_) => &[],
    };
    !open.starts_with(special)
}

/// Whether a word sets something: `NAME=value`, as make and env take it, also
/// `NAME := value`, `NAME+=value` and the like. No name has a blank in it.
fn is_assigned(word: &str) -> bool {
    let blanks = [' ', '\t'];
    word.split_once('=')
        .is_some_and(|(name, _)| !name.trim_matches(blanks).contains(blanks))
}

/// How many folders a word climbs up.
fn climbs(word: &str) -> usize {
    let parts = word.split(['/', '\\', '=', ':', ',', '@']);
    // `-I../x`: a value that follows a letter.
    let letters = word.starts_with('-') && !word.starts_with("--");
    let is_climb = |part: &str| part == ".." || letters && part.ends_with("..");
    parts.filter(|part| is_climb(part)).count()
}

/// Whether a word goes on with the parts between the stars: each one as early as
/// it can be, and the last one at the end.
fn rest_matches(begin: &str, rest: &str, mut word: &str) -> bool {
    let mut parts = rest.split('*');
    let end = parts.next_back().unwrap_or_default();
    let mut before = begin;
    for part in parts {
        match word.split_once(part) {
            Some((_, after)) if is_value(before, word) => (before, word) = (part, after),
            _ => return false,
        }
    }
    is_value(before, word) && word.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, word) in [
            ("*", "a"),
            ("*", ""),
            ("*", "a b=c"),
            ("*", "HEAD~3..HEAD"),
            ("*.rs", "src/a.rs"),
            ("a*b*c", "a-b-b-c"),
            ("--format=*", "--format=%h=%s"),
            ("--*=a*b", "--x=a==b"),
            ("-*", "-v"),
            ("../*", "../a"),
            ("@*", "@scope/name"),
            ("V=*", "V=1"),
            ("*=*", "V=1"),
            ("src/*", "src/@a"),
            ("src/*", "src/-a"),
            ("src/*", "src/a..b"),
        ] {
            assert!(word_matches(pattern, word), "{pattern} {word}");
        }
        for (pattern, word) in [
            ("a*b", "ab-"),
            ("a*ab", "ab"),
            ("*.rs", "rs"),
            ("a*b*c", "abb"),
        ] {
            assert!(!word_matches(pattern, word), "{pattern} {word}");
        }
    }

    #[test]
    fn a_star_is_no_option() {
        for word in ["-x", "--x", "-", "--upload-pack=evil", "+x", "+!evil"] {
            assert!(!word_matches("*", word), "{word}");
            assert!(!word_matches(&format!("*{}", &word[1..]), word), "{word}");
        }
    }

    #[test]
    fn a_star_is_no_file_of_options() {
        for (pattern, word) in [
            ("*", "@x"),
            ("*.rs", "@evil.rs"),
            ("*.c", "@x.c"),
            ("--data=*", "--data=@/etc/passwd"),
            ("-d*", "-d@secret"),
            ("-Wl,*", "-Wl,@x"),
            ("--*=*", "--data=@x"),
        ] {
            assert!(!word_matches(pattern, word), "{pattern} {word}");
        }
    }

    #[test]
    fn a_star_sets_nothing() {
        for (pattern, word) in [
            ("*", "SHELL=./evil"),
            ("*", "SHELL:=./evil"),
            ("*", "SHELL+=./evil"),
            ("*", "X!=./evil"),
            ("*", "SHELL = ./evil"),
            ("*", " SHELL=./evil"),
            ("*", "a.b/c=d"),
            ("S*", "SHELL=./evil"),
            ("*evil", "SHELL=./evil"),
        ] {
            assert!(!word_matches(pattern, word), "{pattern} {word}");
        }
    }

    #[test]
    fn a_star_does_not_climb() {
        for (pattern, word) in [
            ("src/*", "src/../../secret"),
            ("src/*", "src/.."),
            ("src/*.rs", "src/../a.rs"),
            ("src*", "src/.."),
            ("src/*", "src\\..\\secret"),
            ("*", ".."),
            ("*", "../x"),
            ("--file=*", "--file=../x"),
            ("-I*", "-I../x"),
            ("../*", "../../x"),
            (".*", "../x"),
        ] {
            assert!(!word_matches(pattern, word), "{pattern} {word}");
        }
    }
}
