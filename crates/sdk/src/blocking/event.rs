//! Events, as iterators.

use std::fmt;
use std::sync::Arc;

use super::runtime::Client;
use crate::error::Result;
use crate::event::Event;

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name {
            inner: crate::$name,
            client: Arc<Client>,
            /// Whether waiting is refused here: there is nothing after that.
            refused: bool,
        }

        impl $name {
            pub(super) fn new(inner: crate::$name, client: Arc<Client>) -> Self {
                Self {
                    inner,
                    client,
                    refused: false,
                }
            }

            #[doc = concat!("As [`", stringify!($name), "::lag_as_errors`](crate::", stringify!($name), "::lag_as_errors).")]
            #[must_use]
            pub fn lag_as_errors(mut self) -> Self {
                self.inner = self.inner.lag_as_errors();
                self
            }
        }

        impl Iterator for $name {
            type Item = Result<Event>;

            fn next(&mut self) -> Option<Self::Item> {
                if self.refused {
                    return None;
                }
                match self.client.block_on(self.inner.next()) {
                    Ok(item) => item,
                    Err(refused) => {
                        self.refused = true;
                        Some(Err(refused))
                    }
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    };
}

iterator! {
    /// The events of a thread or of the whole connection, one by one as they come:
    /// see [`crate::EventStream`]. It keeps the connection open.
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// for event in codex.events() {
    ///     println!("{}", event?.method());
    /// }
    /// # Ok(()) }
    /// ```
    EventStream
}

iterator! {
    /// The events of one turn, up to and including `turn/completed`: see
    /// [`crate::TurnStream`].
    ///
    /// ```no_run
    /// # fn example(thread: openai_codex::blocking::Thread) -> openai_codex::Result<()> {
    /// let turn = thread.turn("Explain the build.").send()?;
    /// for event in turn.stream() {
    ///     print!("{}", event?.text_delta().unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    TurnStream
}
