//! `Debug` that tells what there is, and not what it says.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::record::JsonObject;

/// A value of which `Debug` may tell the names, and no more: configuration, variables, answers.
pub trait Outline {
    /// Writes what may be told.
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// Shows a value in outline.
pub struct Outlined<'a, T>(pub &'a T);

impl<T: Outline> fmt::Debug for Outlined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.outline(f)
    }
}

/// What stands for a value that is there.
struct Something;

impl fmt::Debug for Something {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Outline for JsonObject {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys().map(|name| (name, Something));
        f.debug_map().entries(names).finish()
    }
}

impl<T> Outline for BTreeMap<String, T> {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys().map(|name| (name, Something));
        f.debug_map().entries(names).finish()
    }
}

impl<T> Outline for Vec<T> {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|_| Something))
            .finish()
    }
}

impl Outline for Value {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Object(members) => members.outline(f),
            Self::Array(elements) => elements.outline(f),
            _ => fmt::Debug::fmt(&Something, f),
        }
    }
}

impl Outline for String {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Something, f)
    }
}

impl<T: Outline> Outline for Option<T> {
    fn outline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_ref().map(Outlined), f)
    }
}

/// `Debug` of what is not known: its names, and no more.
pub fn outline_unrecognized(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_tuple("Unrecognized")
        .field(&Outlined(value))
        .finish()
}

/// Implements `Debug` for a struct with a field of which only the names may be told.
///
/// A line is a field, its name and `shown` or `names`.
#[macro_export]
macro_rules! outline {
    ($name:ident { $($field:ident $text:literal $how:ident,)* }) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field($text, $crate::outline!(@$how self.$field)))*
                    .finish()
            }
        }
    };
    (@shown $value:expr) => { &$value };
    (@names $value:expr) => { &$crate::support::Outlined(&$value) };
}
