//! What the generated types are written in terms of: table-driven serde.
//!
//! Deriving `Serialize` and `Deserialize` for a thousand types costs more
//! compile time than everything else in the SDK together, nearly all of it in
//! the bodies that a derive writes out for each type. Here those bodies exist
//! once, generic over a table: a generated type says which fields it has with
//! one line each ([`record!`](crate::record)), and these modules do the rest.
//!
//! | macro | JSON | unknown input |
//! |---|---|---|
//! | [`record!`](crate::record) | an object | extra members are ignored, or kept if the schema leaves it open |
//! | [`string_enum!`](crate::string_enum) | a string out of a list | kept in `Unrecognized` |
//! | [`tagged!`](crate::tagged) | an object with a member that names its kind | kept in `Unrecognized` |
//! | [`keyed!`](crate::keyed) | a string, or an object whose one key names its kind | kept in `Unrecognized` |
//! | [`untagged!`](crate::untagged) | a value whose shape tells its kind | kept in `Unrecognized` |
//!
//! [`messages!`](crate::messages) adds an enum over methods, and
//! [`no_params!`](crate::no_params) the params of a method that has none.
//! [`outline!`](crate::outline) is `Debug` for what may hold secrets.
//!
//! Callers do not need any of it; it is public for the generated crate.

mod keyed;
mod outline;
mod record;
mod string_enum;
mod tagged;
mod untagged;

pub use keyed::{Keyed, deserialize_keyed, serialize_key};
pub use outline::{Outline, Outlined, outline_unrecognized};
pub use record::{Entries, JsonObject, Record, Writer, deserialize_record, serialize_record};
pub use string_enum::{StringEnum, deserialize_string_enum};
pub use tagged::{Tagged, deserialize_tagged, serialize_tagged, write_unrecognized};
pub use untagged::{Shape, Untagged, attempt, deserialize_untagged};

pub use crate::message::{decode_payload, decode_payload_or_null};
pub use serde;
pub use serde_json;
