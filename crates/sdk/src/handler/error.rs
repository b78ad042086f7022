//! Why a handler or a tool gives no answer.

use std::fmt;

/// Why a [handler](crate::Handlers) or a [tool](crate::Tool) gives no answer.
///
/// Every error type turns into one by `?`; it does not implement
/// [`std::error::Error`] itself. What it says is sent: the runtime logs what a
/// handler's says, and **the model reads what a tool's says**.
///
/// ```
/// use openai_codex::HandlerError;
///
/// fn parse(text: &str) -> Result<u32, HandlerError> {
///     let number: u32 = text.parse()?;
///     match number {
///         0 => Err(HandlerError::new("zero will not do")),
///         number => Ok(number),
///     }
/// }
/// assert_eq!(parse("x").unwrap_err().message(), "invalid digit found in string");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HandlerError {
    message: String,
    declines: bool,
}

impl HandlerError {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            declines: false,
        }
    }

    /// Says that the request is none of this handler's business: it is answered
    /// as if there were no handler.
    pub fn not_handled() -> Self {
        Self {
            message: "not handled".to_owned(),
            declines: true,
        }
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn is_not_handled(&self) -> bool {
        self.declines
    }
}

impl<E: std::error::Error> From<E> for HandlerError {
    /// Says what the error and its sources say.
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(message)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandlerError").field(&self.message).finish()
    }
}
