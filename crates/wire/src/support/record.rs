//! Objects with named members.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// A JSON object whose members the schema does not describe.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// A type whose JSON form is an object with known members.
pub trait Record: Sized {
    /// The Rust name, for error messages.
    const NAME: &'static str;
    /// The members' names, in the order of the indices that [`Entries::next`] returns.
    const FIELDS: &'static [&'static str];

    /// Reads the remaining members of an object.
    fn read<'de, A: MapAccess<'de>>(entries: &mut Entries<'_, A>) -> Result<Self, A::Error>;

    /// Writes every member that is present.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl<T: Record> Record for Box<T> {
    const NAME: &'static str = T::NAME;
    const FIELDS: &'static [&'static str] = T::FIELDS;

    fn read<'de, A: MapAccess<'de>>(entries: &mut Entries<'_, A>) -> Result<Self, A::Error> {
        T::read(entries).map(Box::new)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        T::write(self, map)
    }
}

/// The members of an object that is being read.
pub struct Entries<'a, A> {
    map: &'a mut A,
    fields: &'static [&'static str],
    /// The member whose value is being read: where an error happened.
    current: Option<usize>,
}

impl<'a, 'de, A: MapAccess<'de>> Entries<'a, A> {
    /// Reads a record from the members that `map` has left.
    ///
    /// # Errors
    /// Names the member in which reading failed, or the required one that is missing.
    pub fn read<T: Record>(map: &'a mut A) -> Result<T, A::Error> {
        let mut entries = Self {
            map,
            fields: T::FIELDS,
            current: None,
        };
        T::read(&mut entries).map_err(|error| entries.locate(error))
    }

    /// The index of the next known member; unknown ones are skipped.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<usize>, A::Error> {
        loop {
            self.current = None;
            match self.map.next_key_seed(KnownField(self.fields))? {
                Some(Some(field)) => {
                    self.current = Some(field);
                    return Ok(Some(field));
                }
                Some(None) => {
                    self.map.next_value::<IgnoredAny>()?;
                }
                None => return Ok(None),
            }
        }
    }

    /// As [`next`](Self::next), keeping unknown members in `rest`.
    pub fn next_or_keep(&mut self, rest: &mut JsonObject) -> Result<Option<usize>, A::Error> {
        loop {
            self.current = None;
            match self.map.next_key_seed(AnyField(self.fields))? {
                Some(Ok(field)) => {
                    self.current = Some(field);
                    return Ok(Some(field));
                }
                Some(Err(name)) => {
                    rest.insert(name, self.map.next_value()?);
                }
                None => return Ok(None),
            }
        }
    }

    /// The value of the member that [`next`](Self::next) just named.
    pub fn value<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
        self.map.next_value()
    }

    #[cold]
    fn locate(&self, error: A::Error) -> A::Error {
        let Some(field) = self.current else {
            return error;
        };
        let field = self.fields[field];
        let text = error.to_string();
        de::Error::custom(match text.strip_prefix("at ") {
            Some(inner) => format!("at {field}.{inner}"),
            None => format!("at {field}: {text}"),
        })
    }
}

/// The value of a required member, or the error that names it.
pub fn required<T, E: de::Error>(slot: Option<T>, name: &'static str) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(name))
}

/// The value of a member that has a default.
pub fn default<T>(slot: Option<T>, default: impl FnOnce() -> T) -> T {
    slot.unwrap_or_else(default)
}

/// Writes a member unless it is absent.
pub fn write<M: SerializeMap, T: Serialize>(
    map: &mut M,
    name: &'static str,
    value: &Option<T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

/// Serializes a record as a map.
pub fn serialize_record<T: Record, S: Serializer>(
    record: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    record.write(&mut map)?;
    map.end()
}

/// Deserializes a record from an object.
pub fn deserialize_record<'de, T: Record, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(RecordVisitor(PhantomData))
}

struct RecordVisitor<T>(PhantomData<T>);

impl<'de, T: Record> Visitor<'de> for RecordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        Entries::read(&mut map)
    }
}

struct KnownField(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for KnownField {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KnownField {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(position(self.0, name))
    }
}

struct AnyField(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for AnyField {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for AnyField {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(position(self.0, name).ok_or_else(|| name.to_owned()))
    }
}

fn position(fields: &[&str], name: &str) -> Option<usize> {
    fields.iter().position(|field| *field == name)
}

/// Implements [`Record`](crate::support::Record), `Serialize` and `Deserialize`
/// for a struct, from a table with one line a field.
///
/// A line is an index counting from 0, the field, its name on the wire and its kind:
///
/// | kind | Rust type | absent | null |
/// |---|---|---|---|
/// | `req` | `T` | an error | whatever `T` says |
/// | `nul` | `Option<T>` | an error | `None` |
/// | `opt` | `Option<T>` | `None` | `None`; not written |
/// | `dbl` | `Option<Option<T>>` | `None`; not written | `Some(None)`; written as null |
/// | `def(expr)` | `T` | `expr` | `expr` |
///
/// `rest field` at the end collects the members that the schema leaves open.
#[macro_export]
macro_rules! record {
    ($name:ident { $($index:literal $field:ident $wire:literal $kind:ident $(($default:expr))?,)* }) => {
        impl $crate::support::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($wire),*];

            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                entries: &mut $crate::support::Entries<'_, A>,
            ) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                while let Some(field) = entries.next()? {
                    match field {
                        $($index => $crate::record!(@read $kind $field entries),)*
                        _ => {}
                    }
                }
                Ok(Self { $($field: $crate::record!(@take $kind $field $wire $($default)?),)* })
            }

            #[allow(unused_variables)]
            fn write<M: $crate::support::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $($crate::record!(@write $kind map $wire self.$field)?;)*
                Ok(())
            }
        }
        $crate::record!(@serde $name);
    };
    ($name:ident { $($index:literal $field:ident $wire:literal $kind:ident $(($default:expr))?,)* rest $rest:ident }) => {
        impl $crate::support::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($wire),*];

            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                entries: &mut $crate::support::Entries<'_, A>,
            ) -> Result<Self, A::Error> {
                $(let mut $field = None;)*
                let mut $rest = $crate::support::JsonObject::new();
                while let Some(field) = entries.next_or_keep(&mut $rest)? {
                    match field {
                        $($index => $crate::record!(@read $kind $field entries),)*
                        _ => {}
                    }
                }
                Ok(Self { $($field: $crate::record!(@take $kind $field $wire $($default)?),)* $rest })
            }

            fn write<M: $crate::support::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $($crate::record!(@write $kind map $wire self.$field)?;)*
                for (name, value) in &self.$rest {
                    map.serialize_entry(name, value)?;
                }
                Ok(())
            }
        }
        $crate::record!(@serde $name);
    };

    (@serde $name:ident) => {
        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $crate::support::serialize_record(self, serializer)
            }
        }

        impl<'de> $crate::support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::support::deserialize_record(deserializer)
            }
        }
    };

    (@read req $slot:ident $entries:ident) => { $slot = Some($entries.value()?) };
    (@read nul $slot:ident $entries:ident) => { $slot = Some($entries.value()?) };
    (@read opt $slot:ident $entries:ident) => { $slot = $entries.value()? };
    (@read dbl $slot:ident $entries:ident) => { $slot = Some($entries.value()?) };
    (@read def $slot:ident $entries:ident) => { $slot = $entries.value()? };

    (@take req $slot:ident $wire:literal) => { $crate::support::required($slot, $wire)? };
    (@take nul $slot:ident $wire:literal) => { $crate::support::required($slot, $wire)? };
    (@take opt $slot:ident $wire:literal) => { $slot };
    (@take dbl $slot:ident $wire:literal) => { $slot };
    (@take def $slot:ident $wire:literal $default:expr) => {
        $crate::support::default($slot, || $default)
    };

    (@write req $map:ident $wire:literal $value:expr) => { $map.serialize_entry($wire, &$value) };
    (@write nul $map:ident $wire:literal $value:expr) => { $map.serialize_entry($wire, &$value) };
    (@write opt $map:ident $wire:literal $value:expr) => { $crate::support::write($map, $wire, &$value) };
    (@write dbl $map:ident $wire:literal $value:expr) => { $crate::support::write($map, $wire, &$value) };
    (@write def $map:ident $wire:literal $value:expr) => { $map.serialize_entry($wire, &$value) };
}
