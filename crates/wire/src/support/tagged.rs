//! Objects with a member that names their kind.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::record::JsonObject;

/// An enum whose JSON form is an object with a tag.
pub trait Tagged: Sized {
    /// The Rust name, for error messages.
    const NAME: &'static str;
    /// The member that names the kind.
    const TAG: &'static str;
    /// The known kinds, in the order of the indices that [`read`](Self::read) takes.
    const KINDS: &'static [&'static str];

    /// Reads the members after the tag.
    fn read<'de, A: MapAccess<'de>>(kind: usize, map: &mut A) -> Result<Self, A::Error>;

    /// Keeps an object of unknown kind; `None` if the enum is closed.
    fn unrecognized(object: Value) -> Option<Self>;

    /// Writes the tag and then the members.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// Serializes a tagged union, its tag first.
pub fn serialize_tagged<T: Tagged, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    value.write(&mut map)?;
    map.end()
}

/// Writes an object of unknown kind as it came.
pub fn write_unrecognized<M: SerializeMap>(object: &Value, map: &mut M) -> Result<(), M::Error> {
    match object {
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value)),
        // Only reachable when a caller built the variant by hand.
        _ => Err(serde::ser::Error::custom(
            "an unrecognized tagged value must be an object",
        )),
    }
}

/// Deserializes a tagged union: in one pass if the tag comes first, which is
/// how the runtime writes it, and through a copy of the object if not.
pub fn deserialize_tagged<'de, T: Tagged, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(TaggedVisitor(PhantomData))
}

struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged> Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a member `{}` ({})", T::TAG, T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(first) = map.next_key_seed(IsTag(T::TAG))? else {
            return Err(de::Error::missing_field(T::TAG));
        };
        match first {
            None => {
                let kind = map.next_value_seed(Kind(T::KINDS))?;
                match kind {
                    Ok(kind) => T::read(kind, &mut map),
                    Err(unknown) => {
                        let mut members = JsonObject::new();
                        members.insert(T::TAG.to_owned(), Value::String(unknown));
                        collect(&mut map, &mut members)?;
                        keep(members)
                    }
                }
            }
            Some(name) => {
                let mut members = JsonObject::new();
                members.insert(name, map.next_value()?);
                collect(&mut map, &mut members)?;
                reread(members)
            }
        }
    }
}

fn collect<'de, A: MapAccess<'de>>(map: &mut A, members: &mut JsonObject) -> Result<(), A::Error> {
    while let Some((name, value)) = map.next_entry::<String, Value>()? {
        members.insert(name, value);
    }
    Ok(())
}

#[cold]
fn reread<T: Tagged, E: de::Error>(members: JsonObject) -> Result<T, E> {
    match members.get(T::TAG) {
        None => Err(E::missing_field(T::TAG)),
        Some(Value::String(kind)) if T::KINDS.contains(&kind.as_str()) => {
            // As text with the tag first, so that this path instantiates no
            // second deserializer for every type that a union can hold.
            let text = serde_json::to_string(&TagFirst(T::TAG, &members)).map_err(E::custom)?;
            deserialize_tagged(&mut serde_json::Deserializer::from_str(&text)).map_err(E::custom)
        }
        Some(Value::String(_)) => keep(members),
        Some(_) => Err(E::custom(format_args!(
            "the member `{}` of {} must be a string",
            T::TAG,
            T::NAME
        ))),
    }
}

#[cold]
fn keep<T: Tagged, E: de::Error>(members: JsonObject) -> Result<T, E> {
    T::unrecognized(Value::Object(members))
        .ok_or_else(|| E::custom(format_args!("unknown `{}` of {}", T::TAG, T::NAME)))
}

struct TagFirst<'a>(&'static str, &'a JsonObject);

impl Serialize for TagFirst<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.1.len()))?;
        map.serialize_entry(self.0, &self.1.get(self.0))?;
        for (name, value) in self.1 {
            if name != self.0 {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// `None` for the tag, the name for any other member.
struct IsTag(&'static str);

impl<'de> de::DeserializeSeed<'de> for IsTag {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for IsTag {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((name != self.0).then(|| name.to_owned()))
    }
}

/// The index of a known kind, or the text of an unknown one.
struct Kind(&'static [&'static str]);

impl<'de> de::DeserializeSeed<'de> for Kind {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Kind {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string that names a kind")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self
            .0
            .iter()
            .position(|kind| *kind == text)
            .ok_or_else(|| text.to_owned()))
    }
}

/// Implements a tagged union.
///
/// `Variant(Payload) "kind"` carries a record, `Variant "kind"` nothing but its
/// kind. `closed` as in [`string_enum!`](crate::string_enum). One that is not closed has its `Debug`
/// from here, for what it does not know may be a secret.
#[macro_export]
macro_rules! tagged {
    ($name:ident $tag:literal { $($index:literal $variant:ident $wire:literal $($payload:ident)?,)* }) => {
        $crate::tagged!(@impl $name $tag { $($index $variant $wire $($payload)?,)* }
            (object) { Some(Self::Unrecognized(object)) }
            (map) { Self::Unrecognized(object) => $crate::support::write_unrecognized(object, map), });

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    $($crate::tagged!(@pattern $variant payload $($payload)?) => {
                        $crate::tagged!(@debug f $variant payload $($payload)?)
                    })*
                    Self::Unrecognized(object) => $crate::support::outline_unrecognized(object, f),
                }
            }
        }

        impl $name {
            /// The kind, as it stands on the wire under the tag.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant { .. } => $wire,)*
                    Self::Unrecognized(object) => object
                        .get($tag)
                        .and_then($crate::support::serde_json::Value::as_str)
                        .unwrap_or_default(),
                }
            }
        }
    };
    ($name:ident closed $tag:literal { $($index:literal $variant:ident $wire:literal $($payload:ident)?,)* }) => {
        $crate::tagged!(@impl $name $tag { $($index $variant $wire $($payload)?,)* }
            (_object) { None }
            (map) { });
    };
    (@impl $name:ident $tag:literal { $($index:literal $variant:ident $wire:literal $($payload:ident)?,)* }
        ($object:pat) { $unrecognized:expr }
        ($map:ident) { $($fallback:tt)* }
    ) => {
        impl $crate::support::Tagged for $name {
            const NAME: &'static str = stringify!($name);
            const TAG: &'static str = $tag;
            const KINDS: &'static [&'static str] = &[$($wire),*];

            fn read<'de, A: $crate::support::serde::de::MapAccess<'de>>(
                kind: usize,
                map: &mut A,
            ) -> Result<Self, A::Error> {
                match kind {
                    $($index => $crate::tagged!(@read $variant map $($payload)?),)*
                    _ => Err($crate::support::serde::de::Error::custom("no such kind")),
                }
            }

            fn unrecognized($object: $crate::support::serde_json::Value) -> Option<Self> {
                $unrecognized
            }

            fn write<M: $crate::support::serde::ser::SerializeMap>(
                &self,
                $map: &mut M,
            ) -> Result<(), M::Error> {
                match self {
                    $($crate::tagged!(@pattern $variant payload $($payload)?) => {
                        $map.serialize_entry($tag, $wire)?;
                        $crate::tagged!(@write $map payload $($payload)?)
                    })*
                    $($fallback)*
                }
            }
        }

        impl $crate::support::serde::Serialize for $name {
            fn serialize<S: $crate::support::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $crate::support::serialize_tagged(self, serializer)
            }
        }

        impl<'de> $crate::support::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::support::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::support::deserialize_tagged(deserializer)
            }
        }
    };

    (@read $variant:ident $map:ident) => {{
        while $map
            .next_entry::<$crate::support::serde::de::IgnoredAny, $crate::support::serde::de::IgnoredAny>()?
            .is_some()
        {}
        Ok(Self::$variant)
    }};
    (@read $variant:ident $map:ident $payload:ident) => {
        $crate::support::Entries::read($map).map(Self::$variant)
    };
    (@pattern $variant:ident $binding:ident) => { Self::$variant };
    (@pattern $variant:ident $binding:ident $payload:ident) => { Self::$variant($binding) };
    (@debug $f:ident $variant:ident $binding:ident) => { $f.write_str(stringify!($variant)) };
    (@debug $f:ident $variant:ident $binding:ident $payload:ident) => {
        $f.debug_tuple(stringify!($variant)).field($binding).finish()
    };
    (@write $map:ident $binding:ident) => { Ok(()) };
    (@write $map:ident $binding:ident $payload:ident) => {
        $crate::support::Record::write($binding, $map)
    };
}
