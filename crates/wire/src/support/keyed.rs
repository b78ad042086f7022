//! A string, or an object whose one key names its kind.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Number, Value};

use super::record::{JsonObject, at};

/// An enum of which some values are strings and some are one-key objects.
pub trait Keyed: Sized {
    /// The Rust name, for error messages.
    const NAME: &'static str;
    /// The known keys, in the order of the indices that [`read`](Self::read) takes.
    const KEYS: &'static [&'static str];

    /// The value for a string of the wire, if it is known.
    fn from_wire(text: &str) -> Option<Self>;

    /// Reads the value of a known key.
    fn read<'de, A: MapAccess<'de>>(key: usize, map: &mut A) -> Result<Self, A::Error>;

    /// Keeps what is not known.
    fn unrecognized(value: Value) -> Self;
}

/// Serializes a one-key object.
pub fn serialize_key<T: Serialize, S: Serializer>(
    key: &'static str,
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// Deserializes a keyed union.
pub fn deserialize_keyed<'de, T: Keyed, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(KeyedVisitor(PhantomData))
}

struct KeyedVisitor<T>(PhantomData<T>);

impl<'de, T: Keyed> Visitor<'de> for KeyedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a string or an object with one member ({})", T::NAME)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from_wire(text).unwrap_or_else(|| T::unrecognized(Value::String(text.to_owned()))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(key) = map.next_key_seed(Key(T::KEYS))? else {
            return Ok(T::unrecognized(Value::Object(JsonObject::new())));
        };
        match key {
            Ok(key) => {
                let value = T::read(key, &mut map).map_err(|error| at(T::KEYS[key], error))?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(value)
            }
            Err(name) => {
                let mut members = JsonObject::new();
                members.insert(name, map.next_value()?);
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    members.insert(name, value);
                }
                Ok(T::unrecognized(Value::Object(members)))
            }
        }
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        Ok(T::unrecognized(Value::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        Ok(T::unrecognized(Value::Number(value.into())))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        Ok(T::unrecognized(Value::Number(value.into())))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        Ok(T::unrecognized(
            Number::from_f64(value).map_or(Value::Null, Value::Number),
        ))
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::unrecognized(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(T::unrecognized(Value::Array(values)))
    }
}

struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self
            .0
            .iter()
            .position(|key| *key == name)
            .ok_or_else(|| name.to_owned()))
    }
}

/// Implements a union of strings (`Variant "text"`) and one-key objects
/// (`Variant(Payload) "key"`). Its `Debug` tells of what it does not know the names alone.
#[macro_export]
macro_rules! keyed {
    ($name:ident { $($unit:ident $text:literal,)* } { $($index:literal $variant:ident $key:literal,)* }) => {
        impl $crate::support::Keyed for $name {
            const NAME: &'static str = stringify!($name);
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn from_wire(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$unit),)*
                    _ => None,
                }
            }

            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                key: usize,
                map: &mut A,
            ) -> Result<Self, A::Error> {
                match key {
                    $($index => map.next_value().map(Self::$variant),)*
                    _ => Err($crate::support::serde::de::Error::custom("no such key")),
                }
            }

            fn unrecognized(value: $crate::support::serde_json::Value) -> Self {
                Self::Unrecognized(value)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $(Self::$unit => f.write_str(stringify!($unit)),)*
                    $(Self::$variant(value) => f.debug_tuple(stringify!($variant)).field(value).finish(),)*
                    Self::Unrecognized(value) => $crate::support::outline_unrecognized(value, f),
                }
            }
        }

        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$unit => serializer.serialize_str($text),)*
                    $(Self::$variant(value) => $crate::support::serialize_key($key, value, serializer),)*
                    Self::Unrecognized(value) => $crate::support::serde::Serialize::serialize(value, serializer),
                }
            }
        }

        impl<'de> $crate::support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::support::deserialize_keyed(deserializer)
            }
        }
    };
}
