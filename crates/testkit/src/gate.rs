//! Gates: points of a scripted reply at which the model waits for the test.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::monitor::{Monitor, PATIENCE};

/// Holds the model at one point of its reply until the test opens it.
///
/// Put it into a reply with [`Reply::waits_for`](crate::Reply::waits_for). While the model holds
/// there, everything said before is on its way and nothing after: the test knows exactly how far
/// the turn is, without sleeping. Once open, a gate stays open. Clones are the same gate.
///
/// # Examples
/// ```
/// use openai_codex_testkit::{Gate, MockModel};
///
/// # fn main() -> Result<(), openai_codex_testkit::Error> {
/// let model = MockModel::start()?;
/// let gate = Gate::new();
/// model.deltas(["half ", "of it"]).waits_for(&gate).deltas([", and the rest"]);
/// // … start a turn; `gate.reached().await` returns when "half of it" is on its way …
/// gate.open();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gate(Arc<Monitor<State>>);

#[derive(Default)]
struct State {
    open: bool,
    arrivals: usize,
}

impl Gate {
    /// Makes a closed gate.
    pub fn new() -> Self {
        Gate(Arc::new(Monitor::new(State::default())))
    }

    /// Lets the model pass, now and whenever it comes by again.
    pub fn open(&self) {
        self.0.update(|state| state.open = true);
    }

    /// Whether [`open`](Self::open) was called.
    pub fn is_open(&self) -> bool {
        self.0.read(|state| state.open)
    }

    /// Waits until the model has come to this gate.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`]; the message names the line that waited.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future forgets the wait and nothing else.
    #[track_caller]
    pub fn reached(&self) -> impl Future<Output = ()> + Send + use<> {
        let (gate, at) = (self.clone(), Location::caller());
        async move {
            if gate.0.until(PATIENCE, State::reached).await.is_none() {
                never_reached(at);
            }
        }
    }

    /// Waits until the model has come to this gate, blocking the thread.
    ///
    /// # Panics
    /// When it has not within [`PATIENCE`].
    #[track_caller]
    pub fn blocking_reached(&self) {
        if self.0.wait(PATIENCE, State::reached).is_none() {
            never_reached(Location::caller());
        }
    }

    /// The model has come to the gate.
    pub(crate) fn arrive(&self) {
        self.0.update(|state| state.arrivals += 1);
    }

    /// Ready once the gate is open.
    pub(crate) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_until(cx, |state| state.open.then_some(()))
    }
}

impl State {
    fn reached(&self) -> Option<()> {
        (self.arrivals > 0).then_some(())
    }
}

#[track_caller]
fn never_reached(at: &Location<'_>) -> ! {
    panic!(
        "the model did not come to the gate within {} s (waited for at {at}): \
         is a reply that waits for it scripted, and was the model asked?",
        PATIENCE.as_secs()
    )
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, arrivals) = self.0.read(|state| (state.open, state.arrivals));
        f.debug_struct("Gate")
            .field("open", &open)
            .field("arrivals", &arrivals)
            .finish()
    }
}
