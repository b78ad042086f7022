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
    fn read<'de, A: MapAccess<'de>>(entries: &mut Entries<'_, 'de, A>) -> Result<Self, A::Error>;

    /// Writes every member that is present.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl<T: Record> Record for Box<T> {
    const NAME: &'static str = T::NAME;
    const FIELDS: &'static [&'static str] = T::FIELDS;

    fn read<'de, A: MapAccess<'de>>(entries: &mut Entries<'_, 'de, A>) -> Result<Self, A::Error> {
        T::read(entries).map(Box::new)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        T::write(self, map)
    }
}

/// The members of an object that is being read.
///
/// The first failure is kept here instead of being returned by each call: a
/// `?` per field is most of what the body of a [`Record::read`] costs to compile.
pub struct Entries<'a, 'de, A: MapAccess<'de>> {
    map: &'a mut A,
    fields: &'static [&'static str],
    /// The member whose value is being read: where a failure happened.
    current: Option<usize>,
    /// The members that there were, a bit each.
    seen: u128,
    failure: Option<A::Error>,
}

impl<'a, 'de, A: MapAccess<'de>> Entries<'a, 'de, A> {
    /// Reads a record from the members that `map` has left.
    ///
    /// # Errors
    /// Names the member in which reading failed, or the required one that is missing.
    pub fn read<T: Record>(map: &'a mut A) -> Result<T, A::Error> {
        const { assert!(T::FIELDS.len() <= 128, "a bit in `seen` for each member") };
        let mut entries = Self {
            map,
            fields: T::FIELDS,
            current: None,
            seen: 0,
            failure: None,
        };
        T::read(&mut entries).map_err(|error| entries.locate(error))
    }

    /// The index of the next known member; unknown ones are skipped. `None`
    /// after the last, or after a failure.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<usize> {
        while self.failure.is_none() {
            self.current = None;
            match self.map.next_key_seed(KnownField(self.fields)) {
                Ok(Some(Some(field))) => return self.found(field),
                Ok(Some(None)) => match self.map.next_value::<IgnoredAny>() {
                    Ok(IgnoredAny) => {}
                    Err(error) => self.failure = Some(error),
                },
                Ok(None) => return None,
                Err(error) => self.failure = Some(error),
            }
        }
        None
    }

    /// As [`next`](Self::next), keeping unknown members in `rest`.
    pub fn next_or_keep(&mut self, rest: &mut JsonObject) -> Option<usize> {
        while self.failure.is_none() {
            self.current = None;
            match self.map.next_key_seed(AnyField(self.fields)) {
                Ok(Some(Ok(field))) => return self.found(field),
                Ok(Some(Err(name))) => match self.map.next_value() {
                    Ok(value) => {
                        rest.insert(name, value);
                    }
                    Err(error) => self.failure = Some(error),
                },
                Ok(None) => return None,
                Err(error) => self.failure = Some(error),
            }
        }
        None
    }

    fn found(&mut self, field: usize) -> Option<usize> {
        self.current = Some(field);
        self.seen |= 1 << field;
        Some(field)
    }

    /// Reads the value of the member that [`next`](Self::next) just named.
    pub fn some<T: Deserialize<'de>>(&mut self, slot: &mut Option<T>) {
        match self.map.next_value() {
            Ok(value) => *slot = Some(value),
            Err(error) => self.failure = Some(error),
        }
    }

    /// The same for a member that may be null.
    pub fn maybe<T: Deserialize<'de>>(&mut self, slot: &mut Option<T>) {
        match self.map.next_value() {
            Ok(value) => *slot = value,
            Err(error) => self.failure = Some(error),
        }
    }

    /// The same for a member under its second name.
    pub fn also<T: Deserialize<'de>>(&mut self, field: usize, slot: &mut Option<T>) {
        self.seen |= 1 << field;
        self.some(slot);
    }

    /// Whether nothing has failed.
    pub fn is_sound(&self) -> bool {
        self.failure.is_none()
    }

    /// What failed; if nothing did, the first required member that is missing.
    #[cold]
    pub fn failure(&mut self, required: &[bool]) -> A::Error {
        self.failure.take().unwrap_or_else(|| {
            let missing = (self.fields.iter().zip(required).enumerate())
                .find(|(index, (_, required))| **required && self.seen & (1 << index) == 0);
            de::Error::missing_field(missing.map_or("", |(_, (name, _))| *name))
        })
    }

    fn locate(&self, error: A::Error) -> A::Error {
        match self.current {
            Some(field) => at(self.fields[field], error),
            None => error,
        }
    }
}

/// Says in which member an error happened.
#[cold]
pub(super) fn at<E: de::Error>(member: &str, error: E) -> E {
    let text = error.to_string();
    E::custom(match text.strip_prefix("at ") {
        Some(inner) => format!("at {member}.{inner}"),
        None => format!("at {member}: {text}"),
    })
}

/// Writes members until one fails. The failure is kept here instead of being
/// returned by each call: a `?` per field is most of what a body costs to compile.
pub struct Writer<'a, M: SerializeMap> {
    map: &'a mut M,
    result: Result<(), M::Error>,
}

impl<'a, M: SerializeMap> Writer<'a, M> {
    /// Writes into `map`.
    pub fn new(map: &'a mut M) -> Self {
        Self {
            map,
            result: Ok(()),
        }
    }

    /// Writes a member.
    pub fn member<T: Serialize>(&mut self, name: &'static str, value: &T) {
        if self.result.is_ok() {
            self.result = self.map.serialize_entry(name, value);
        }
    }

    /// Writes a member unless it is absent.
    pub fn present<T: Serialize>(&mut self, name: &'static str, value: &Option<T>) {
        if let Some(value) = value {
            self.member(name, value);
        }
    }

    /// Writes the members that the schema leaves open.
    pub fn rest(&mut self, rest: &JsonObject) {
        for (name, value) in rest {
            if self.result.is_ok() {
                self.result = self.map.serialize_entry(name, value);
            }
        }
    }

    /// Whether all were written.
    pub fn finish(self) -> Result<(), M::Error> {
        self.result
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

/// Implements the type of the params of a method that has none: nothing, or null, on the wire.
#[macro_export]
macro_rules! no_params {
    ($name:ident) => {
        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit()
            }
        }

        impl<'de> $crate::support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                <$crate::support::serde::de::IgnoredAny as $crate::support::serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self {})
            }
        }
    };
}

/// Implements [`Record`](crate::support::Record), `Serialize` and `Deserialize`
/// for a struct, from a table with one line a field.
///
/// A line is an index counting from 0, the field, its name on the wire and its kind:
///
/// | kind | Rust type | absent | null |
/// |---|---|---|---|
/// | `required` | `T` | an error | whatever `T` says |
/// | `required_or(expr)` | `T` | `expr`: the meaning in runtimes that do not send it | whatever `T` says |
/// | `nullable` | `Option<T>` | `None`: older runtimes leave such members out | `None`; written as null |
/// | `optional` | `Option<T>` | `None` | `None`; not written |
/// | `three_state` | `Option<Option<T>>` | `None`; not written | `Some(None)`; written as null |
/// | `default(expr)` | `T` | `expr`; written | `expr` |
///
/// `keeps rest` at the end collects the members that the schema leaves open in a field `rest`.
/// `also { 4 "otherName" is 0 field, }` gives a required field a second name to be read by.
#[macro_export]
macro_rules! record {
    ($name:ident { $($index:tt $field:ident $wire:literal $kind:ident $(($default:expr))?,)* }
        $(also { $($alias_index:literal $alias:literal is $alias_of:tt $alias_field:ident,)* })?
    ) => {
        impl $crate::support::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($wire,)* $($($alias),*)?];

            #[allow(unused_mut)]
            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                entries: &mut $crate::support::Entries<'_, 'de, A>,
            ) -> Result<Self, A::Error> {
                let mut slots = ($($crate::record!(@empty $field),)*);
                while let Some(field) = entries.next() {
                    match field {
                        $($index => $crate::record!(@read $kind entries slots $index),)*
                        $($($alias_index => entries.also($alias_of, &mut slots.$alias_of),)*)?
                        _ => {}
                    }
                }
                match slots {
                    ($($crate::record!(@full $kind $field),)*) if entries.is_sound() => Ok(Self {
                        $($field: $crate::record!(@value $kind $field $($default)?),)*
                    }),
                    _ => Err(entries.failure(&[$($crate::record!(@required $kind)),*])),
                }
            }

            #[allow(unused_mut)]
            fn write<M: $crate::support::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                let mut writer = $crate::support::Writer::new(map);
                $($crate::record!(@write $kind writer $wire self.$field);)*
                writer.finish()
            }
        }
        $crate::record!(@serde $name);
    };
    ($name:ident { $($index:tt $field:ident $wire:literal $kind:ident $(($default:expr))?,)* } keeps $rest:ident) => {
        impl $crate::support::Record for $name {
            const NAME: &'static str = stringify!($name);
            const FIELDS: &'static [&'static str] = &[$($wire),*];

            #[allow(unused_mut)]
            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                entries: &mut $crate::support::Entries<'_, 'de, A>,
            ) -> Result<Self, A::Error> {
                let mut slots = ($($crate::record!(@empty $field),)*);
                let mut $rest = $crate::support::JsonObject::new();
                while let Some(field) = entries.next_or_keep(&mut $rest) {
                    match field {
                        $($index => $crate::record!(@read $kind entries slots $index),)*
                        _ => {}
                    }
                }
                match slots {
                    ($($crate::record!(@full $kind $field),)*) if entries.is_sound() => Ok(Self {
                        $($field: $crate::record!(@value $kind $field $($default)?),)*
                        $rest,
                    }),
                    _ => Err(entries.failure(&[$($crate::record!(@required $kind)),*])),
                }
            }

            fn write<M: $crate::support::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                let mut writer = $crate::support::Writer::new(map);
                $($crate::record!(@write $kind writer $wire self.$field);)*
                writer.rest(&self.$rest);
                writer.finish()
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

    // A slot for each field, in one tuple: one value to drop where reading ends early.
    (@empty $field:ident) => { None };

    (@read required $entries:ident $slots:ident $index:tt) => { $entries.some(&mut $slots.$index) };
    (@read required_or $entries:ident $slots:ident $index:tt) => { $entries.some(&mut $slots.$index) };
    (@read nullable $entries:ident $slots:ident $index:tt) => { $entries.maybe(&mut $slots.$index) };
    (@read optional $entries:ident $slots:ident $index:tt) => { $entries.maybe(&mut $slots.$index) };
    (@read three_state $entries:ident $slots:ident $index:tt) => { $entries.some(&mut $slots.$index) };
    (@read default $entries:ident $slots:ident $index:tt) => { $entries.maybe(&mut $slots.$index) };

    (@full required $field:ident) => { Some($field) };
    (@full required_or $field:ident) => { $field };
    (@full nullable $field:ident) => { $field };
    (@full optional $field:ident) => { $field };
    (@full three_state $field:ident) => { $field };
    (@full default $field:ident) => { $field };

    (@value required $field:ident) => { $field };
    (@value required_or $field:ident $default:expr) => { $field.unwrap_or_else(|| $default) };
    (@value nullable $field:ident) => { $field };
    (@value optional $field:ident) => { $field };
    (@value three_state $field:ident) => { $field };
    (@value default $field:ident $default:expr) => { $field.unwrap_or_else(|| $default) };

    (@required required) => { true };
    (@required required_or) => { false };
    (@required nullable) => { false };
    (@required optional) => { false };
    (@required three_state) => { false };
    (@required default) => { false };

    (@write required $writer:ident $wire:literal $value:expr) => { $writer.member($wire, &$value) };
    (@write required_or $writer:ident $wire:literal $value:expr) => { $writer.member($wire, &$value) };
    (@write nullable $writer:ident $wire:literal $value:expr) => { $writer.member($wire, &$value) };
    (@write optional $writer:ident $wire:literal $value:expr) => { $writer.present($wire, &$value) };
    (@write three_state $writer:ident $wire:literal $value:expr) => { $writer.present($wire, &$value) };
    (@write default $writer:ident $wire:literal $value:expr) => { $writer.member($wire, &$value) };
}
