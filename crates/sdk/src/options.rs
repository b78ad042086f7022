//! What the builders of threads and turns have in common.
//!
//! Each option is listed by hand, and so is each field that is none, in
//! `schema/options.toml`: a field that the protocol gains does not become an
//! option by itself, and one that it loses fails the generation of the types.
//! Every other field is reached by `params`.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// A path as the protocol wants it.
pub(crate) fn path_text(option: &'static str, path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{option} is not UTF-8, which the protocol cannot carry: {}",
                path.display()
            ),
        )
    })
}

/// The names of the wire fields that params set, for debug texts: their values
/// may be prompts, instructions and configuration.
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn of(params: &impl Serialize) -> Self {
        let params = serde_json::to_value(params).unwrap_or_default();
        let fields = params.as_object().into_iter().flatten();
        Self(fields.map(|(name, _)| name.clone()).collect())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}

/// Shows a builder by the names of what its params set, and by those of its own
/// fields that hold nothing of the user's.
macro_rules! debug_by_names {
    ($builder:ident: $($field:ident)*) => {
        impl std::fmt::Debug for $builder {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($builder))
                    .field("set", &crate::options::Names::of(&self.params))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Setters over the generated params, which a builder lends by its `draft`.
///
/// `opt` sets a field from whatever converts into it, `val` from the value
/// itself (so that a bare number infers), `list` and `map` from anything that iterates,
/// `dbl` sets one that tells null from absent, `path` takes any path.
macro_rules! setters {
    ($($kind:ident $name:ident: $ty:ty $(=> $field:ident)?, $doc:literal;)*) => {
        $(crate::options::setters!(@$kind $name, $ty, ($($field)? $name), $doc);)*

        /// Changes any field of the wire params, for what has no setter here.
        pub fn params(mut self, change: impl FnOnce(Params) -> Params) -> Self {
            let (params, _) = self.draft();
            *params = change(params.clone());
            self
        }
    };
    (@opt $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name(mut self, $name: impl Into<$ty>) -> Self {
            self.draft().0.$field = Some($name.into());
            self
        }
    };
    (@val $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name(mut self, $name: $ty) -> Self {
            self.draft().0.$field = Some($name);
            self
        }
    };
    (@list $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name<I>(mut self, $name: I) -> Self
        where
            I: IntoIterator,
            I::Item: Into<$ty>,
        {
            let values = $name.into_iter().map(Into::into).collect();
            self.draft().0.$field = Some(values);
            self
        }
    };
    (@map $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name(
            mut self,
            $name: impl IntoIterator<Item = (impl Into<String>, impl Into<$ty>)>,
        ) -> Self {
            let entries = $name.into_iter().map(|(key, value)| (key.into(), value.into()));
            self.draft().0.$field = Some(entries.collect());
            self
        }
    };
    (@dbl $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name(mut self, $name: impl Into<$ty>) -> Self {
            self.draft().0.$field = Some(Some($name.into()));
            self
        }
    };
    (@path $name:ident, $ty:ty, ($field:ident $($rest:ident)?), $doc:literal) => {
        #[doc = $doc]
        pub fn $name(mut self, $name: impl AsRef<std::path::Path>) -> Self {
            let text = crate::options::path_text(stringify!($name), $name.as_ref());
            let (params, invalid) = self.draft();
            match text {
                Ok(text) => params.$field = Some(text),
                Err(error) => {
                    invalid.get_or_insert(error);
                }
            }
            self
        }
    };
}

/// Makes a builder awaitable: `.await` is `.send().await`.
macro_rules! awaitable {
    ($builder:ty, $output:ty) => {
        impl IntoFuture for $builder {
            type Output = crate::error::Result<$output>;
            type IntoFuture =
                std::pin::Pin<Box<dyn Future<Output = crate::error::Result<$output>> + Send>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }
    };
}

pub(crate) use {awaitable, debug_by_names, setters};
