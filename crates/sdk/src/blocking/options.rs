//! What the blocking builders have in common.

/// A builder over the async one of the same name, with its setters.
macro_rules! mirror {
    (
        $(#[$doc:meta])*
        $name:ident $(<$T:ident>)? -> $output:ty;
        $($(#[$attr:meta])* $setter:ident($($arg:ident: $ty:ty),*);)*
    ) => {
        $(#[$doc])*
        #[must_use = "nothing happens until this is sent"]
        pub struct $name $(<$T>)? {
            inner: crate::$name $(<$T>)?,
            client: std::sync::Arc<super::runtime::Client>,
        }

        // By hand, because what is derived asks the same of the type of an answer.
        impl $(<$T>)? Clone for $name $(<$T>)? {
            fn clone(&self) -> Self {
                Self::new(self.inner.clone(), std::sync::Arc::clone(&self.client))
            }
        }

        impl $(<$T>)? std::fmt::Debug for $name $(<$T>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.inner.fmt(f)
            }
        }

        impl $(<$T>)? $name $(<$T>)? {
            pub(super) fn new(
                inner: crate::$name $(<$T>)?,
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
