//! What the redaction takes out, and what it keeps.
#![allow(clippy::unwrap_used)]

mod kinds;
mod messages;
mod pieces;
mod samples;
