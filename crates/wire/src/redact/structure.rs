//! JSON in texts: lists and objects that are secrets, and pairs of a name and a value.

use std::ops::Range;

use super::find::{Found, run};
use super::names::{Fate, is_secret_name, is_value, names_another};

/// How deep JSON is followed.
const DEPTH: usize = 64;

/// An object or a list that has begun.
#[derive(Default)]
struct Frame {
    is_list: bool,
    /// What becomes of all that is in it.
    fate: Option<Fate>,
    /// The member that is read.
    member: Option<Range<usize>>,
    /// It says by a name that its value is a secret.
    is_named: bool,
    /// Its value, which may come before its name.
    value: Option<Range<usize>>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Member,
    Colon,
    Value,
    Comma,
}

/// Texts that are secrets by where they stand. Also in JSON that breaks off.
pub(super) fn find(text: &[u8], found: &mut Found) {
    let mut at = 0;
    while at < text.len() {
        at += run(&text[at..], |byte| !matches!(byte, b'{' | b'['));
        if at < text.len() {
            at = json(text, at, found).max(at + 1);
        }
    }
}

/// Reads JSON from here to its end, or to where it is none.
fn json(text: &[u8], begin: usize, found: &mut Found) -> usize {
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = Next::Value;
    let mut at = begin;
    loop {
        at += run(&text[at..], |byte| byte.is_ascii_whitespace());
        let Some(byte) = text.get(at) else { return at };
        match (next, byte) {
            (Next::Value, b'{' | b'[') => {
                if frames.len() == DEPTH {
                    return at;
                }
                let fate = frames.last().map(|frame| frame.fate_of_value(text));
                let is_list = *byte == b'[';
                frames.push(Frame {
                    is_list,
                    fate,
                    ..Frame::default()
                });
                next = if is_list { Next::Value } else { Next::Member };
                at += 1;
            }
            (Next::Member | Next::Value | Next::Comma, b'}' | b']') => {
                match frames.pop() {
                    Some(frame) if frame.is_list == (*byte == b']') => {}
                    _ => return at + 1,
                }
                next = Next::Comma;
                at += 1;
                if frames.is_empty() {
                    return at;
                }
            }
            (Next::Member, b'"') => {
                let Some((member, after)) = string(text, at) else {
                    return at + 1;
                };
                if let Some(frame) = frames.last_mut() {
                    frame.member = Some(member);
                }
                (next, at) = (Next::Colon, after);
            }
            (Next::Colon, b':') => (next, at) = (Next::Value, at + 1),
            (Next::Value, b'"') => {
                let Some((value, after)) = string(text, at) else {
                    return at + 1;
                };
                if let Some(frame) = frames.last_mut() {
                    frame.take_in(text, value, found);
                }
                (next, at) = (Next::Comma, after);
            }
            (Next::Value, b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
                at += run(&text[at..], literal).max(1);
                next = Next::Comma;
            }
            (Next::Comma, b',') => {
                let is_list = frames.last().is_some_and(|frame| frame.is_list);
                next = if is_list { Next::Value } else { Next::Member };
                at += 1;
            }
            _ => return at,
        }
    }
}

impl Frame {
    /// What becomes of the value that is read.
    fn fate_of_value(&self, text: &[u8]) -> Fate {
        let fate = self.fate.unwrap_or(Fate::Keep);
        match &self.member {
            Some(member) if !self.is_list => fate.at(&name(text, member)),
            _ => fate,
        }
    }

    fn take_in(&mut self, text: &[u8], value: Range<usize>, found: &mut Found) {
        let said = &text[value.clone()];
        if self.fate_of_value(text).hides(said) {
            found.push(value);
            return;
        }
        let Some(member) = self.member.as_ref().map(|member| name(text, member)) else {
            return;
        };
        if is_value(&member) {
            if self.is_named {
                found.push(value);
            } else {
                self.value = Some(value);
            }
        } else if names_another(&member) && is_secret_name(&name(text, &value)) {
            self.is_named = true;
            found.extend(self.value.take());
        }
    }
}

fn name(text: &[u8], range: &Range<usize>) -> String {
    // A longer one names nothing.
    let end = range.end.min(range.start + 128);
    String::from_utf8_lossy(&text[range.start..end]).into_owned()
}

/// A string that begins here: what it says, and where it is over. One that breaks off says all the
/// rest.
fn string(text: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let begin = at + 1;
    let mut end = begin;
    while let Some(byte) = text.get(end) {
        match byte {
            b'"' => return Some((begin..end, end + 1)),
            b'\\' => end += 2,
            b'\n' => return None,
            _ => end += 1,
        }
    }
    let end = text.len();
    Some((begin.min(end)..end, end))
}
