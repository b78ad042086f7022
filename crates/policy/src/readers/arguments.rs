//! The arguments of a program whose options are known.

use super::Argument;
use super::Argument::{Path, Text};

/// A program, and the options with which it only reads.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Letters that are options.
    pub(crate) flags: &'static str,
    /// Letters that are options with a value, which is no name of a file.
    pub(crate) valued: &'static str,
    /// Long options, without the dashes; with `=` at the end, they have such a value.
    pub(crate) long: &'static [&'static str],
    /// Whether `-5` is an option.
    pub(crate) numbers: bool,
    pub(crate) operands: Operands,
}

/// What is left without the options.
#[derive(Clone, Copy)]
pub(crate) enum Operands {
    /// Names of files, no more than so many.
    Paths(usize),
    /// A pattern, then names of files; without the pattern if one of these options is
    /// there.
    PatternThenPaths(&'static [&'static str]),
    /// Texts alone.
    Texts,
    /// Texts that begin with `+`.
    Formats,
}

/// Reads words that are arguments; whether they are patterns for names of files stands
/// beside them.
struct Reading<'a> {
    words: &'a [(&'a str, bool)],
    taken: Vec<Argument>,
    operands: Vec<usize>,
    has_pattern: bool,
}

impl Program {
    /// How each argument is taken. `None` if there is an option that is not known.
    pub(crate) fn arguments(&self, words: &[(&str, bool)]) -> Option<Vec<Argument>> {
        let mut reading = Reading {
            words,
            taken: Vec::new(),
            operands: Vec::new(),
            has_pattern: false,
        };
        let mut only_operands = false;
        while let Some((word, is_pattern)) = words.get(reading.taken.len()) {
            if only_operands || *is_pattern || *word == "-" || !word.starts_with('-') {
                reading.operands.push(reading.taken.len());
                reading.taken.push(Path);
            } else if *word == "--" {
                only_operands = true;
                reading.take(Text);
            } else if let Some(long) = word.strip_prefix("--") {
                self.long_option(long, &mut reading)?;
            } else {
                self.letters(&word[1..], &mut reading)?;
            }
        }
        let Reading {
            mut taken,
            operands,
            has_pattern,
            ..
        } = reading;
        match self.operands {
            Operands::Paths(usize::MAX) => {}
            // A pattern may stand for more files than one.
            Operands::Paths(most)
                if operands.len() > most || operands.iter().any(|at| words[*at].1) =>
            {
                return None;
            }
            Operands::Paths(_) => {}
            Operands::PatternThenPaths(_) => match operands.first() {
                Some(first) if !has_pattern && !words[*first].1 => taken[*first] = Text,
                // A list of files in the place of the pattern.
                Some(_) if !has_pattern => return None,
                _ => {}
            },
            Operands::Formats if operands.iter().any(|at| !words[*at].0.starts_with('+')) => {
                return None;
            }
            Operands::Formats | Operands::Texts => operands.iter().for_each(|at| taken[*at] = Text),
        }
        Some(taken)
    }

    fn long_option(&self, option: &str, reading: &mut Reading<'_>) -> Option<()> {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, None),
        };
        reading.has_pattern |= self.gives_pattern(&format!("--{name}"));
        let has = |form: &str| self.long.contains(&form);
        let is_valued = self
            .long
            .iter()
            .any(|long| long.strip_suffix('=') == Some(name));
        match value {
            None if has(name) => reading.take(Text),
            Some(_) if is_valued => reading.take(Text),
            None if is_valued => {
                reading.take(Text);
                reading.take_value(matches!(name, "regexp" | "glob" | "iglob"))?;
            }
            _ => return None,
        }
        Some(())
    }

    fn letters(&self, letters: &str, reading: &mut Reading<'_>) -> Option<()> {
        if self.numbers && letters.chars().all(|char| char.is_ascii_digit()) {
            reading.take(Text);
            return Some(());
        }
        for (at, letter) in letters.char_indices() {
            reading.has_pattern |= self.gives_pattern(&format!("-{letter}"));
            if self.valued.contains(letter) {
                reading.take(Text);
                if at + letter.len_utf8() == letters.len() {
                    reading.take_value(matches!(letter, 'e' | 'g'))?;
                }
                return Some(());
            }
            if !self.flags.contains(letter) {
                return None;
            }
        }
        reading.take(Text);
        Some(())
    }

    fn gives_pattern(&self, option: &str) -> bool {
        match self.operands {
            Operands::PatternThenPaths(options) => options.contains(&option),
            _ => false,
        }
    }
}

impl Reading<'_> {
    /// Takes the next word. Behind the first operand, some systems take options for
    /// names of files.
    fn take(&mut self, argument: Argument) {
        let is_sure = self.operands.is_empty();
        self.taken.push(if is_sure { argument } else { Path });
    }

    /// Takes the next word for the value of the option before it, if it cannot be an
    /// option for a program of another age. What is a list of files could make more
    /// words than one, or none. Unless it is a pattern, for which the option is the
    /// same everywhere, it may be an operand on another system.
    fn take_value(&mut self, is_text: bool) -> Option<()> {
        let (word, is_pattern) = self.words.get(self.taken.len())?;
        let argument = if is_text { Text } else { Path };
        (!is_pattern && !word.starts_with('-')).then(|| self.take(argument))
    }
}
