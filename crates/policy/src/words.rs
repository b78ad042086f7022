//! The words of a line, as the shell that reads it takes them.

use std::iter::Peekable;
use std::str::Chars;

use crate::Shell;
use crate::glob::is_harmless;

/// Signs that stand for themselves in every shell, wherever they are.
const PLAIN: &str = "_-./:,@%+";

/// Signs that a backslash makes plain in every shell.
const ESCAPED: &str = "()[]{}.*?+$^;|&<>'\"# ";

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word(Word),
    /// `|`, `;`, `&&` or `||`.
    Operator(Operator),
    /// A redirection that neither reads nor writes a file.
    Redirection(Redirection),
}

/// A word, and how it is to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Whether the shell puts the names of files in its place, as many as there are.
    pub(crate) is_pattern: bool,
    /// The text with the backslashes in it, which are a part of it on Windows.
    pub(crate) with_backslashes: Option<String>,
}

/// What stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Pipe,
    Then,
    And,
    Or,
}

/// Where a harmless redirection leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redirection {
    /// Standard output goes to `/dev/null`.
    DropsOutput,
    /// Standard output goes to where standard error goes.
    ToError,
    /// Another one: of standard error, or of the input.
    Other,
}

/// The words of a line that is quoted as for a shell, and has nothing but words.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let words = tokens(line, None)?.into_iter().map(|token| match token {
        Token::Word(word) if word.with_backslashes.is_none() => Some(word.text),
        _ => None,
    });
    words.collect()
}

/// The pieces of a line, if the shell is sure to split it in this way and to take
/// every word literally, with whatever options the user's start-up files set.
/// Without a shell: those of a line that is quoted as for one. `None` for every
/// other line.
pub(crate) fn tokens(line: &str, shell: Option<Shell>) -> Option<Vec<Token>> {
    tokens_on(cfg!(windows), line, shell)
}

fn tokens_on(is_windows: bool, line: &str, shell: Option<Shell>) -> Option<Vec<Token>> {
    let mut reader = Reader {
        is_windows,
        shell,
        chars: line.chars().peekable(),
    };
    let mut tokens = Vec::new();
    while let Some(char) = reader.chars.peek() {
        tokens.push(match char {
            ' ' => {
                reader.chars.next();
                continue;
            }
            ';' | '|' | '&' | '<' | '>' if shell.is_none() => return None,
            ';' | '|' | '&' => reader.operator()?,
            '<' | '>' => Token::Redirection(reader.redirection(None)?),
            _ => match reader.descriptor() {
                Some(descriptor) => Token::Redirection(reader.redirection(Some(descriptor))?),
                None => Token::Word(reader.word()?),
            },
        });
    }
    Some(tokens)
}

struct Reader<'a> {
    is_windows: bool,
    shell: Option<Shell>,
    chars: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn operator(&mut self) -> Option<Token> {
        let char = self.chars.next()?;
        let is_double = self.chars.next_if_eq(&char).is_some();
        let operator = match (char, is_double) {
            ('|', false) => Operator::Pipe,
            ('|', true) => Operator::Or,
            ('&', true) => Operator::And,
            (';', false) => Operator::Then,
            // `&>/dev/null`, which sh reads as `& >/dev/null`.
            ('&', false) if self.shell != Some(Shell::Sh) => {
                self.chars.next_if_eq(&'>')?;
                self.null()?;
                return Some(Token::Redirection(Redirection::DropsOutput));
            }
            _ => return None,
        };
        Some(Token::Operator(operator))
    }

    /// The number before a redirection.
    fn descriptor(&mut self) -> Option<char> {
        let mut ahead = self.chars.clone();
        let descriptor = ahead.next().filter(char::is_ascii_digit)?;
        matches!(ahead.next(), Some('<' | '>')).then(|| {
            self.chars.next();
            descriptor
        })
    }

    /// Reads `>/dev/null`, `2>/dev/null`, `2>&1`, `>&2`, `</dev/null` and the like,
    /// and no other: what else there is reads, makes, empties or closes something.
    fn redirection(&mut self, descriptor: Option<char>) -> Option<Redirection> {
        if self.chars.next()? == '<' {
            self.null()?;
            return matches!(descriptor, None | Some('0')).then_some(Redirection::Other);
        }
        let is_error = match descriptor {
            None | Some('1') => false,
            Some('2') => true,
            Some(_) => return None,
        };
        if self.chars.next_if_eq(&'&').is_some() {
            let to = self.chars.next_if(|char| matches!(char, '1' | '2'))?;
            return self.is_at_end().then_some(match (is_error, to) {
                (false, '2') => Redirection::ToError,
                _ => Redirection::Other,
            });
        }
        self.chars.next_if_eq(&'>');
        self.null()?;
        Some(match is_error {
            true => Redirection::Other,
            false => Redirection::DropsOutput,
        })
    }

    /// `/dev/null`, as a word of its own.
    fn null(&mut self) -> Option<()> {
        while self.chars.next_if_eq(&' ').is_some() {}
        for char in "/dev/null".chars() {
            self.chars.next_if_eq(&char)?;
        }
        self.is_at_end().then_some(())
    }

    /// Whether a word ends here.
    fn is_at_end(&mut self) -> bool {
        matches!(self.chars.peek(), None | Some(' ' | ';' | '|' | '&'))
    }

    fn word(&mut self) -> Option<Word> {
        let mut word = Word::default();
        let mut with_backslashes = String::new();
        let mut is_quoted = false;
        while let Some(char) = self.chars.next_if(|char| !" ;|&<>".contains(*char)) {
            let from = word.text.len();
            match char {
                '\'' => self.single_quoted(&mut word.text)?,
                '"' => self.double_quoted(&mut word.text)?,
                '\\' => {
                    let char = self.chars.next().filter(|char| self.is_escaped(*char))?;
                    word.text.push(char);
                    with_backslashes.push('\\');
                }
                '*' | '?' if self.shell.is_some() => {
                    word.is_pattern = true;
                    word.text.push(char);
                }
                char if self.is_plain(char, &word.text, is_quoted) => word.text.push(char),
                _ => return None,
            }
            is_quoted |= matches!(char, '\'' | '"' | '\\');
            with_backslashes.push_str(&word.text[from..]);
        }
        if self.is_windows && with_backslashes != word.text {
            word.with_backslashes = Some(with_backslashes);
        }
        // What is quoted in it is no part of the pattern.
        if word.is_pattern && (is_quoted || !is_harmless(&word.text)) {
            return None;
        }
        // A number there belongs to the redirection, in some shells also a longer one.
        let is_descriptor = matches!(self.chars.peek(), Some('<' | '>'))
            && !is_quoted
            && word.text.chars().all(|char| char.is_ascii_digit());
        (!is_descriptor).then_some(word)
    }

    /// Whether a backslash makes this plain. A path of Windows is full of them: what a
    /// shell drops there, a program may have been given all the same.
    fn is_escaped(&self, char: char) -> bool {
        ESCAPED.contains(char)
            || self.is_windows && (char.is_alphanumeric() || "\\_-".contains(char))
    }

    fn single_quoted(&mut self, text: &mut String) -> Option<()> {
        loop {
            match self.chars.next()? {
                '\'' => break,
                char if char.is_control() => return None,
                char => text.push(char),
            }
        }
        // zsh can be set to take two for one of the text (`rc_quotes`).
        let is_one = self.shell != Some(Shell::Bash) && self.chars.peek() == Some(&'\'');
        (!is_one).then_some(())
    }

    fn double_quoted(&mut self, text: &mut String) -> Option<()> {
        loop {
            match self.chars.next()? {
                '"' => return Some(()),
                '\\' => match self.chars.next()? {
                    // zsh can be set to expand them all the same (`csh_junkie_quotes`).
                    '"' | '\\' | '$' | '`' if self.shell == Some(Shell::Zsh) => return None,
                    char @ ('"' | '\\' | '$' | '`') => text.push(char),
                    char if char.is_ascii_graphic() && char != '!' => {
                        text.push('\\');
                        text.push(char);
                    }
                    _ => return None,
                },
                // With nothing behind it, it stands for itself.
                '$' if self.chars.peek() == Some(&'"') => text.push('$'),
                // Expansions, also those of history.
                '$' | '`' | '!' => return None,
                char if char.is_control() => return None,
                char => text.push(char),
            }
        }
    }

    /// Whether an unquoted character stands for itself at this place of a word.
    fn is_plain(&self, char: char, text: &str, is_quoted: bool) -> bool {
        let before = text.chars().next_back();
        match char {
            '=' => {
                // `=ls` is the path of a program to zsh: at the beginning of a word, and
                // behind `=` and `:` where it is set to look there (`magic_equal_subst`).
                let is_path = match before {
                    None => true,
                    Some('=' | ':') => matches!(self.shell, Some(Shell::Sh | Shell::Zsh)),
                    Some(_) => false,
                };
                // `bash -k` takes an assignment out of the words, wherever it stands.
                let is_assignment = !is_quoted && is_assigned(text);
                let takes_it_out = matches!(self.shell, Some(Shell::Bash | Shell::Sh));
                !(is_path || takes_it_out && is_assignment)
            }
            // Homes are at the beginning; in zsh, it may make a pattern anywhere.
            '~' => {
                matches!(self.shell, Some(Shell::Bash | Shell::Sh))
                    && before.is_some_and(|char| char.is_ascii_alphanumeric())
            }
            '^' => {
                self.shell == Some(Shell::Bash)
                    && before.is_some_and(|char| char.is_ascii_alphanumeric() || char == '^')
            }
            char if char.is_ascii() => char.is_ascii_alphanumeric() || PLAIN.contains(char),
            char => is_letter(char),
        }
    }
}

/// Whether this can stand before the `=` of an assignment.
fn is_assigned(text: &str) -> bool {
    let name = text.strip_suffix('+').unwrap_or(text);
    !name.is_empty()
        && !name.starts_with(|char: char| char.is_ascii_digit())
        && (name.chars()).all(|char| char == '_' || char.is_alphanumeric())
}

/// Whether every shell in every locale takes this for a letter. Some systems take
/// the bytes 0x85 and 0xa0 for blanks, also inside of a character.
fn is_letter(char: char) -> bool {
    let mut bytes = [0; 4];
    let bytes = char.encode_utf8(&mut bytes).as_bytes();
    char.is_alphabetic() && !bytes.iter().any(|byte| matches!(byte, 0x85 | 0xa0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What bash, sh and zsh take for the words, `-` where it is not sure.
    #[track_caller]
    fn reads(line: &str, expected: [&str; 3]) {
        let shells = [Shell::Bash, Shell::Sh, Shell::Zsh];
        for (shell, expected) in shells.into_iter().zip(expected) {
            let words = tokens_on(false, line, Some(shell)).map(|tokens| {
                let words = tokens.into_iter().map(|token| match token {
                    Token::Word(word) if word.is_pattern => format!("<{}>", word.text),
                    Token::Word(word) => word.text,
                    token => format!("{token:?}"),
                });
                words.collect::<Vec<_>>().join("|")
            });
            let words = words.unwrap_or_else(|| "-".to_owned());
            assert_eq!(words, expected, "{shell:?} {line:?}");
        }
    }

    #[test]
    fn each_shell_reads_in_its_way() {
        // The path of a program, or a part of a word.
        reads("''=ls", ["-"; 3]);
        reads("\"\"=ls", ["-"; 3]);
        reads("''''=ls", ["-"; 3]);
        reads("--file==ls", ["--file==ls", "-", "-"]);
        reads("--file=a:=ls", ["--file=a:=ls", "-", "-"]);
        reads("--file=ls", ["--file=ls"; 3]);
        reads("'=ls'", ["=ls"; 3]);
        // An assignment, or a word.
        reads("PATH=.", ["-", "-", "PATH=."]);
        reads("a_1+=x", ["-", "-", "a_1+=x"]);
        reads("é=x", ["-", "-", "é=x"]);
        reads("'A=b'", ["A=b"; 3]);
        reads("A'=b'", ["A=b"; 3]);
        reads("'A'=b", ["A=b"; 3]);
        reads("1=b", ["1=b"; 3]);
        // A quote of the text, or the end of the text and another beginning.
        reads("'a''b'", ["ab", "-", "-"]);
        reads("'a'\\''b'", ["a'b"; 3]);
        reads("\"a\\\"b\"", ["a\"b", "a\"b", "-"]);
        reads("HEAD~1", ["HEAD~1", "HEAD~1", "-"]);
        reads("HEAD^^", ["HEAD^^", "-", "-"]);
        reads("a=~", ["-"; 3]);
        reads("--a=~", ["-"; 3]);
        reads("~", ["-"; 3]);
    }

    #[test]
    fn what_is_escaped_is_plain() {
        reads("\\( a\\ b \\;", ["(|a b|;"; 3]);
        reads("\\a", ["-"; 3]);
        reads("\\", ["-"; 3]);
        reads("\\=ls", ["-"; 3]);
        reads("\"a\\|b\\.c\"", ["a\\|b\\.c"; 3]);
        reads("\"a\\", ["-"; 3]);
        reads("\"a\\!b\"", ["-"; 3]);
        reads("\"a$\"", ["a$"; 3]);
        reads("\"$\"a\"\"", ["$a"; 3]);
        reads("\"a$b\"", ["-"; 3]);
        reads("a$", ["-"; 3]);
    }

    #[test]
    fn redirections_that_touch_no_file_are_understood() {
        for line in [
            "a 2>/dev/null",
            "a 2> /dev/null",
            "a 2>>/dev/null",
            "a >/dev/null",
            "a 1>/dev/null 2>&1",
            "a 2>&1 >/dev/null",
            "a >&2",
            "a 1>&2",
            "a </dev/null",
            "a 0< /dev/null",
            "a>/dev/null",
            "a 2>/dev/null b",
        ] {
            let tokens = tokens(line, Some(Shell::Sh)).unwrap_or_default();
            let is_last = |token: &&Token| matches!(token, Token::Redirection(_));
            assert!(
                tokens.iter().any(|token| is_last(&token)),
                "{line}: {tokens:?}"
            );
        }
        reads(
            "a &>/dev/null",
            [
                "a|Redirection(DropsOutput)",
                "-",
                "a|Redirection(DropsOutput)",
            ],
        );
        for line in [
            "a >x",
            "a > x",
            "a >>x",
            "a <x",
            "a <<x",
            "a <<<x",
            "a >|/dev/null",
            "a <>/dev/null",
            "a >/dev/nullx",
            "a >/dev/null/../x",
            "a >'/dev/null'x",
            "a >/dev/null'x'",
            "a >/dev/null>x",
            "a >//dev/null",
            "a >/dev/tty",
            "a >&x",
            "a >&",
            "a >&-",
            "a 2>&-",
            "a 2>&3",
            "a 2>&1x",
            "a 2>&11",
            "a 3>/dev/null",
            "a 12>/dev/null",
            "a 1</dev/null",
            "a 12</dev/null",
            "a <&1",
            "a >(b)",
            "a <(b)",
            "a &>x",
            "a &>&1",
            "a {fd}>/dev/null",
            "a 2>$x",
        ] {
            reads(line, ["-"; 3]);
        }
        // A word and a redirection, and not a descriptor.
        reads("a b2>/dev/null", ["a|b2|Redirection(DropsOutput)"; 3]);
        reads("a '2'>/dev/null", ["a|2|Redirection(DropsOutput)"; 3]);
        reads("a 2 >/dev/null", ["a|2|Redirection(DropsOutput)"; 3]);
    }

    #[test]
    fn backslashes_of_windows_are_read_in_both_ways() {
        let read = |line| {
            let tokens = tokens_on(true, line, Some(Shell::Bash))?;
            tokens
                .into_iter()
                .map(|token| match token {
                    Token::Word(word) => Some((word.text, word.with_backslashes)),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
        };
        let word = |text: &str, other: Option<&str>| (text.to_owned(), other.map(str::to_owned));
        assert_eq!(
            read(r"cat C:\a\.b/c 'C:\a'").unwrap(),
            [
                word("cat", None),
                word("C:a.b/c", Some(r"C:\a\.b/c")),
                word(r"C:\a", None),
            ]
        );
        assert_eq!(
            read(r"cat --x=C:\a").unwrap()[1],
            word("--x=C:a", Some(r"--x=C:\a"))
        );
        assert_eq!(
            read(r"cat C:\$x"),
            Some(vec![word("cat", None), word("C:$x", Some(r"C:\$x"))])
        );
        assert_eq!(read("cat C:\\\n"), None);
        assert_eq!(tokens_on(false, r"cat C:\a", Some(Shell::Bash)), None);
    }

    #[test]
    fn patterns_are_told_from_words() {
        reads("wc src/*.rs", ["wc|<src/*.rs>"; 3]);
        reads("a 'src/*.rs'", ["a|src/*.rs"; 3]);
        reads("a src/\\*.rs", ["a|src/*.rs"; 3]);
        for line in [
            "a *",
            "a *.rs",
            "a ?",
            "a -*",
            "a @*",
            "a --x=*",
            "a 'src'/*",
            "a src/\"a\"*",
            "a src/\\**",
            "a src/**",
            "a .*",
            "a src/.*",
            "a src/[a]",
            "a src/*(.)",
            "a ~/*",
        ] {
            reads(line, ["-"; 3]);
        }
        assert_eq!(words("a src/*"), None);
    }

    #[test]
    fn letters_of_all_languages_are_letters() {
        reads("src/é.rs", ["src/é.rs"; 3]);
        reads("日本 ж", ["日本|ж"; 3]);
        // One of the bytes is a blank on some systems.
        reads("à", ["-"; 3]);
        for sign in [
            "\u{a0}", "\u{2003}", "\u{3000}", "\u{200b}", "\u{202e}", "\u{feff}", "−", "；", "´",
        ] {
            reads(&format!("a{sign}b"), ["-"; 3]);
        }
    }
}
