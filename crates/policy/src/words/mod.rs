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
mod tests;
