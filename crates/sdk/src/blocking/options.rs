//! What the blocking builders have in common.

/// A builder over the async one of the same name, with its setters.
macro_rules! mirror {
    (
        $(#[$doc:meta])*
        $name:ident -> $output:ty;
        $($(#[$attr:meta])* $setter:ident($($arg:ident: $ty:ty),*);)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "nothing happens until this is sent"]
        pub struct $name {
            inner: crate::$name,
            client: std::sync::Arc<super::runtime::Client>,
        }

        impl $name {
            pub(super) fn new(
                inner: crate::$name,
                client: std::sync::Arc<super::runtime::Client>,
            ) -> Self {
                Self { inner, client }
            }

            $(
                #[doc = concat!(
                    "As [`", stringify!($setter), "`](crate::", stringify!($name), "::",
                    stringify!($setter), ") of the async one."
                )]
                $(#[$attr])*
                pub fn $setter(mut self, $($arg: $ty),*) -> Self {
                    self.inner = self.inner.$setter($($arg),*);
                    self
                }
            )*
        }
    };
}

pub(super) use mirror;
