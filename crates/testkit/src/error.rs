//! The one error of the kit.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// Why the kit could not set something up.
///
/// A test that cannot be set up is not a test that failed: these are `Result`s, while an
/// expectation that a test did not meet panics.
///
/// `Debug` is the message with all its causes: it is what `unwrap` in a test prints.
pub struct Error(Box<Inner>);

struct Inner {
    what: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the kit's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner {
            what: what.into(),
            source: None,
        }))
    }

    pub(crate) fn caused(
        what: impl Into<Cow<'static, str>>,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Error(Box::new(Inner {
            what: what.into(),
            source: Some(Box::new(source)),
        }))
    }

    /// For `map_err`: an I/O error with what was being done.
    pub(crate) fn io(what: impl Into<Cow<'static, str>>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Error::caused(what, source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
