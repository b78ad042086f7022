//! Logging in.

use std::sync::Arc;

use openai_codex_types::{AccountLoginCompletedNotification, CancelLoginAccountResponse, LoginId};

use super::runtime::Client;
use crate::error::Result;

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            inner: crate::$name,
            client: Arc<Client>,
        }

        impl $name {
            pub(super) fn new(inner: crate::$name, client: Arc<Client>) -> Self {
                Self { inner, client }
            }

            /// The id of the attempt.
            pub fn login_id(&self) -> &LoginId {
                self.inner.login_id()
            }

            /// Waits until the attempt has succeeded, failed or been cancelled.
            ///
            /// # Errors
            ///
            /// `Closed` when the connection is gone.
            pub fn wait(&self) -> Result<AccountLoginCompletedNotification> {
                self.client.wait(self.inner.wait())
            }

            /// Cancels the attempt (`account/login/cancel`).
            ///
            /// # Errors
            ///
            /// As [`Codex::call`](super::Codex::call).
            pub fn cancel(&self) -> Result<CancelLoginAccountResponse> {
                self.client.wait(self.inner.cancel())
            }
        }
    };
}

handle! {
    /// A login in the browser: see [`crate::ChatgptLoginHandle`].
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let login = codex.login_chatgpt()?;
    /// println!("Open {}", login.auth_url());
    /// let completed = login.wait()?;
    /// # Ok(()) }
    /// ```
    ChatgptLoginHandle
}

handle! {
    /// A login with a code: see [`crate::DeviceCodeLoginHandle`].
    ///
    /// ```no_run
    /// # fn example(codex: openai_codex::blocking::Codex) -> openai_codex::Result<()> {
    /// let login = codex.login_chatgpt_device_code()?;
    /// println!("Open {} and type {}", login.verification_url(), login.user_code());
    /// let completed = login.wait()?;
    /// # Ok(()) }
    /// ```
    DeviceCodeLoginHandle
}

impl ChatgptLoginHandle {
    /// The page that the person logs in on. It holds a secret: do not log it.
    pub fn auth_url(&self) -> &str {
        self.inner.auth_url()
    }
}

impl DeviceCodeLoginHandle {
    /// The code that the person types in.
    pub fn user_code(&self) -> &str {
        self.inner.user_code()
    }

    /// The page that the person types it in on.
    pub fn verification_url(&self) -> &str {
        self.inner.verification_url()
    }
}
