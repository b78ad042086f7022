//! A subscriber that keeps every span and event of this process, with where they happened.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) level: Level,
    pub(crate) is_span: bool,
    /// The name of a span, the message and the fields of either.
    pub(crate) text: String,
    /// The spans around it, the outermost first, as text.
    pub(crate) inside: Vec<String>,
}

#[derive(Default)]
struct Capture {
    spans: Mutex<HashMap<u64, Seen>>,
    /// By id, as they came; events have none.
    events: Mutex<Vec<Seen>>,
}

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

static CAPTURE: OnceLock<&'static Capture> = OnceLock::new();

/// Keeps everything from now on.
pub(crate) fn start() {
    CAPTURE.get_or_init(|| {
        let capture: &'static Capture = Box::leak(Box::default());
        tracing::subscriber::set_global_default(capture).unwrap();
        capture
    });
}

/// Everything so far.
pub(crate) fn seen() -> Vec<Seen> {
    let capture = CAPTURE.get().unwrap();
    let spans = capture.spans.lock().unwrap_or_else(PoisonError::into_inner);
    let events = capture
        .events
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let mut seen: Vec<Seen> = spans.values().cloned().collect();
    seen.extend(events.iter().cloned());
    seen
}

impl Capture {
    fn around(&self, parent: Option<&Id>, is_root: bool) -> Vec<String> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match parent {
            Some(parent) => Some(parent.into_u64()),
            None if is_root => None,
            None => ENTERED.with_borrow(|entered| entered.last().copied()),
        };
        let Some(span) = id.and_then(|id| spans.get(&id)) else {
            return Vec::new();
        };
        let mut around = span.inside.clone();
        around.push(span.text.clone());
        around
    }
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }
}

impl Subscriber for &'static Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("openai_codex")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut text = attributes.metadata().name().to_owned();
        attributes.record(&mut Text(&mut text));
        let inside = self.around(attributes.parent(), attributes.is_root());
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let id = spans.len() as u64 + 1;
        let level = *attributes.metadata().level();
        let span = Seen {
            level,
            is_span: true,
            text,
            inside,
        };
        spans.insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, record: &Record<'_>) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(span) = spans.get_mut(&id.into_u64()) {
            record.record(&mut Text(&mut span.text));
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        let seen = Seen {
            level: *event.metadata().level(),
            is_span: false,
            text,
            inside: self.around(event.parent(), event.is_root()),
        };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(seen);
    }

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let at = entered
                .iter()
                .rposition(|entered| *entered == id.into_u64());
            at.map(|at| entered.remove(at));
        });
    }
}
