//! The types against the schema that they come from.
//!
//! The generator checks itself; this does not believe it. It reads
//! `schema/app-server.json` with code of its own, builds a message around
//! every place that the schema describes, and looks at what the types make of it.
#![allow(clippy::unwrap_used)]

mod changed;
mod complete;
#[path = "../support/equal.rs"]
mod equal;
#[path = "../support/kind.rs"]
mod kind;
mod protocol;
mod random;
mod schema;
mod secrets;
mod sites;
mod strict;
