//! Values whose shape tells their kind.

use serde::de::{self, DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::JsonObject;

/// The JSON type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Shape {
    /// Whether a value has this shape.
    pub fn fits(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Self::String, Value::String(_))
                | (Self::Number, Value::Number(_))
                | (Self::Boolean, Value::Bool(_))
                | (Self::Array, Value::Array(_))
                | (Self::Object, Value::Object(_))
        )
    }
}

/// An enum whose members have no tag.
pub trait Untagged: Sized {
    /// The Rust name, for error messages.
    const NAME: &'static str;

    /// The first member that the value fits.
    fn from_value(value: &Value) -> Option<Self>;

    /// Keeps what fits none; `None` if the enum is closed.
    fn unrecognized(value: Value) -> Option<Self>;
}

/// Deserializes an untagged union: by shape, then by the first member that takes it.
pub fn deserialize_untagged<'de, T: Untagged, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match T::from_value(&value) {
        Some(found) => Ok(found),
        None => T::unrecognized(value)
            .ok_or_else(|| de::Error::custom(format_args!("no form of {} fits", T::NAME))),
    }
}

/// Tries one member of an untagged union. A `strict` attempt also wants every
/// member of an object to be known: of two objects that differ in an optional
/// member, the one that has it is meant.
pub fn attempt<T: DeserializeOwned + Serialize>(
    shape: Shape,
    value: &Value,
    strict: bool,
) -> Option<T> {
    if !shape.fits(value) {
        return None;
    }
    // As text, so that no second deserializer is instantiated for every type.
    let found: T = serde_json::from_str(&value.to_string()).ok()?;
    if let (true, Value::Object(members)) = (strict, value) {
        let written = serde_json::to_string(&found).ok()?;
        let written: JsonObject = serde_json::from_str(&written).ok()?;
        let known =
            |(name, value): (&String, &Value)| value.is_null() || written.contains_key(name);
        if !members.iter().all(known) {
            return None;
        }
    }
    Some(found)
}

/// Implements an untagged union: `Variant Shape,` a line, tried in order. The `Debug` of one that is
/// not closed tells of what it does not know the names alone.
#[macro_export]
macro_rules! untagged {
    ($name:ident { $($variant:ident $shape:ident,)* }) => {
        $crate::untagged!(@impl $name { $($variant $shape,)* }
            (value) { Some(Self::Unrecognized(value)) }
            (serializer) { Self::Unrecognized(value) => $crate::support::serde::Serialize::serialize(value, serializer), });

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $(Self::$variant(value) => f.debug_tuple(stringify!($variant)).field(value).finish(),)*
                    Self::Unrecognized(value) => $crate::support::outline_unrecognized(value, f),
                }
            }
        }
    };
    ($name:ident closed { $($variant:ident $shape:ident,)* }) => {
        $crate::untagged!(@impl $name { $($variant $shape,)* } (_value) { None } (serializer) { });
    };
    (@impl $name:ident { $($variant:ident $shape:ident,)* }
        ($value:pat) { $unrecognized:expr }
        ($serializer:ident) { $($fallback:tt)* }
    ) => {
        impl $crate::support::Untagged for $name {
            const NAME: &'static str = stringify!($name);

            fn from_value(value: &$crate::support::serde_json::Value) -> Option<Self> {
                for strict in [true, false] {
                    $(
                        let shape = $crate::support::Shape::$shape;
                        if let Some(found) = $crate::support::attempt(shape, value, strict) {
                            return Some(Self::$variant(found));
                        }
                    )*
                }
                None
            }

            fn unrecognized($value: $crate::support::serde_json::Value) -> Option<Self> {
                $unrecognized
            }
        }

        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                $serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => $crate::support::serde::Serialize::serialize(value, $serializer),)*
                    $($fallback)*
                }
            }
        }

        impl<'de> $crate::support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::support::deserialize_untagged(deserializer)
            }
        }
    };
}
