//! A session as the page tells it, within bounds.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::card::{Card, Kind};
use super::clock::Clock;
use super::text::Text;

/// How many cards there are at most, besides those of problems and approvals.
const CARDS: usize = 4_000;
/// How much text they have.
const BYTES: usize = 4 * 1024 * 1024;
/// How many cards of problems and approvals there are once the others have used up the room.
const MARKS: usize = 2_000;
const TURNS: usize = 2_000;
const THREADS: usize = 2_000;
const USAGES: usize = 5_000;
const METHODS: usize = 200;

#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) by: Option<String>,
    pub(super) runtime: Option<String>,
    /// Who hung up first.
    pub(super) ended: Option<&'static str>,
    pub(super) cut: Option<String>,
    pub(super) last: Duration,
    pub(super) messages: u64,
    pub(super) turns: Vec<Turn>,
    /// What belongs to no turn.
    pub(super) outside: Vec<Card>,
    pub(super) usages: Vec<Usage>,
    /// The messages that no card tells of, by method.
    pub(super) untold: BTreeMap<String, u64>,
    pub(super) left_out: LeftOut,
    threads: Vec<String>,
    turn_by_id: HashMap<String, usize>,
    cards: usize,
    marks: usize,
    bytes: usize,
}

/// What there was no room for.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) cards: u64,
    pub(super) since: Option<Duration>,
    pub(super) turns: u64,
    pub(super) usages: u64,
    pub(super) long_lines: u64,
    pub(super) long_bytes: u64,
}

#[derive(Debug)]
pub(super) struct Turn {
    pub(super) thread: usize,
    pub(super) from: Duration,
    pub(super) to: Option<Duration>,
    pub(super) status: String,
    pub(super) clock: Clock,
    pub(super) cards: Vec<Card>,
    pub(super) left_out: u64,
    /// All that it changed, as the runtime said last.
    pub(super) diff: Option<Text>,
}

/// What a request to the model cost.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) at: Duration,
    pub(super) turn: Option<usize>,
    pub(super) cached: u64,
    pub(super) input: u64,
    pub(super) reasoning: u64,
    pub(super) output: u64,
}

/// Where a card is: in a turn, or outside of all; and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) turn: Option<usize>,
    pub(super) card: usize,
}

impl Session {
    /// The turn of this id, which begins now if it was unknown. `None` if there is no room.
    pub(super) fn turn(&mut self, id: &str, thread: &str, at: Duration) -> Option<usize> {
        if let Some(turn) = self.turn_by_id.get(id) {
            return Some(*turn);
        }
        if self.turns.len() >= TURNS {
            return None;
        }
        let turn = self.turns.len();
        let thread = self.thread(thread);
        self.turns.push(Turn {
            thread,
            from: at,
            to: None,
            status: "inProgress".to_owned(),
            clock: Clock::new(at),
            cards: Vec::new(),
            left_out: 0,
            diff: None,
        });
        self.turn_by_id.insert(id.to_owned(), turn);
        Some(turn)
    }

    pub(super) fn known_turn(&self, id: &str) -> Option<usize> {
        self.turn_by_id.get(id).copied()
    }

    /// Puts a card where it belongs, if there is room.
    pub(super) fn add(&mut self, turn: Option<usize>, card: Card) -> Option<Place> {
        let is_mark = matches!(card.kind, Kind::Problem | Kind::Approval);
        if self.is_full() && !(is_mark && self.marks < MARKS) {
            self.left_out.cards += 1;
            self.left_out.since.get_or_insert(card.at);
            if let Some(turn) = turn {
                self.turns[turn].left_out += 1;
            }
            return None;
        }
        if self.is_full() {
            self.marks += 1;
        }
        self.cards += 1;
        self.bytes += card.size();
        let cards = match turn {
            Some(turn) => &mut self.turns[turn].cards,
            None => &mut self.outside,
        };
        cards.push(card);
        Some(Place {
            turn,
            card: cards.len() - 1,
        })
    }

    /// Changes a card, and counts what it takes then.
    pub(super) fn change(&mut self, place: Place, change: impl FnOnce(&mut Card)) {
        let cards = match place.turn {
            Some(turn) => &mut self.turns[turn].cards,
            None => &mut self.outside,
        };
        if let Some(card) = cards.get_mut(place.card) {
            let before = card.size();
            change(card);
            self.bytes = self.bytes + card.size() - before;
        }
    }

    pub(super) fn use_tokens(&mut self, usage: Usage) {
        if self.usages.len() < USAGES {
            self.usages.push(usage);
        } else {
            self.left_out.usages += 1;
        }
    }

    /// Counts a message that no card tells of.
    pub(super) fn untold(&mut self, method: &str) {
        let known = self.untold.len() < METHODS || self.untold.contains_key(method);
        let method = if known { method } else { "others" };
        *self.untold.entry(super::card::short(method)).or_default() += 1;
    }

    pub(super) fn threads(&self) -> &[String] {
        &self.threads
    }

    fn is_full(&self) -> bool {
        self.cards >= CARDS || self.bytes >= BYTES
    }

    /// The number of a thread. What is too much shares the last one.
    fn thread(&mut self, id: &str) -> usize {
        let known = self.threads.iter().position(|known| known == id);
        known.unwrap_or_else(|| {
            if self.threads.len() < THREADS {
                self.threads.push(super::card::short(id));
            }
            self.threads.len() - 1
        })
    }
}

impl Turn {
    /// It was asked for at this time, before anything else was heard of it.
    pub(super) fn begins(&mut self, at: Duration) {
        if at < self.from {
            self.from = at;
            self.clock.begins(at);
        }
    }
}
