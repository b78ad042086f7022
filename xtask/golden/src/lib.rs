//! What the generator makes of small schemas: `schema/NAME.json` gives `src/NAME.rs`.
//!
//! A test of `xtask` compares them; `BLESS=1 cargo test -p xtask golden` writes them anew, to be read
//! in review. Of `messages.json` the files about methods are here as well.

#![allow(
    missing_docs,
    reason = "the schemas say little, so that what is made of them is easy to read"
)]
#![allow(
    rustdoc::redundant_explicit_links,
    reason = "most links could do without their target, but not all: it depends on the module"
)]
#![allow(
    clippy::match_single_binding,
    reason = "none of these methods has a role"
)]

#[rustfmt::skip]
mod blocking_methods;
#[rustfmt::skip]
pub mod keyed_unions;
#[rustfmt::skip]
mod message_enums;
#[rustfmt::skip]
pub mod messages;
#[rustfmt::skip]
pub mod methods;
#[rustfmt::skip]
pub mod names;
#[rustfmt::skip]
pub mod notifications;
#[rustfmt::skip]
pub mod older;
#[rustfmt::skip]
pub mod protocol;
#[rustfmt::skip]
pub mod records;
#[rustfmt::skip]
pub mod recursion;
#[rustfmt::skip]
pub mod strings;
#[rustfmt::skip]
pub mod tagged_unions;
#[rustfmt::skip]
pub mod texts;
#[rustfmt::skip]
pub mod untagged_unions;

pub use keyed_unions::*;
pub use message_enums::*;
pub use messages::*;
pub use names::*;
pub use older::*;
pub use protocol::PROTOCOL;
pub use records::*;
pub use recursion::*;
pub use strings::*;
pub use tagged_unions::*;
pub use texts::*;
pub use untagged_unions::*;
