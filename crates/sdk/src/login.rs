//! Logging in: attempts that a person completes elsewhere.

use openai_codex_connection::LoginRef;
use openai_codex_types::{
    AccountLoginCompletedNotification, CancelLoginAccountParams, CancelLoginAccountResponse,
    ChatgptLoginAccountParams, ClientRequest, DecodeError, LoginAccountParams,
    LoginAccountResponse, LoginId, SecretString,
};

use crate::codex::Codex;
use crate::error::{Error, Result};

/// A login in the browser: open [`auth_url`](Self::auth_url), then
/// [`wait`](Self::wait).
///
/// Beginning another login completes this one as failed. Dropping the handle
/// does nothing to the login.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let login = codex.login_chatgpt().await?;
/// println!("Open {}", login.auth_url());
/// let completed = login.wait().await?;
/// assert!(completed.success);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct ChatgptLoginHandle {
    login: Login,
    auth_url: SecretString,
}

/// A login with a code: show [`user_code`](Self::user_code) and
/// [`verification_url`](Self::verification_url), then [`wait`](Self::wait).
///
/// Beginning another login completes this one as failed. Dropping the handle
/// does nothing to the login.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let login = codex.login_chatgpt_device_code().await?;
/// println!("Open {} and type {}", login.verification_url(), login.user_code());
/// let completed = login.wait().await?;
/// println!("{}", if completed.success { "welcome" } else { "that did not work" });
/// # Ok(()) }
/// ```
pub struct DeviceCodeLoginHandle {
    login: Login,
    user_code: String,
    verification_url: String,
}

impl ChatgptLoginHandle {
    pub(crate) async fn start(codex: &Codex) -> Result<Self> {
        const WANTED: &str = "a login in the browser";

        let params = LoginAccountParams::from(ChatgptLoginAccountParams::new());
        match codex.call(params).await? {
            LoginAccountResponse::Chatgpt(answer) => Ok(Self {
                login: Login::new(codex, &answer.login_id),
                auth_url: answer.auth_url,
            }),
            other => Err(unexpected(WANTED, &other)),
        }
    }

    /// The page that the person logs in on. It holds a secret: do not log it.
    pub fn auth_url(&self) -> &str {
        self.auth_url.expose()
    }
}

impl DeviceCodeLoginHandle {
    pub(crate) async fn start(codex: &Codex) -> Result<Self> {
        const WANTED: &str = "a login with a code";

        match codex.call(LoginAccountParams::ChatgptDeviceCode).await? {
            LoginAccountResponse::ChatgptDeviceCode(answer) => Ok(Self {
                login: Login::new(codex, &answer.login_id),
                user_code: answer.user_code.expose().to_owned(),
                verification_url: answer.verification_url,
            }),
            other => Err(unexpected(WANTED, &other)),
        }
    }

    /// The code that the person types in.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// The page that the person types it in on.
    pub fn verification_url(&self) -> &str {
        &self.verification_url
    }
}

/// Without the code, which lets whoever reads it log in as well.
impl std::fmt::Debug for DeviceCodeLoginHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceCodeLoginHandle")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

macro_rules! handle {
    ($name:ident) => {
        impl $name {
            /// The id of the attempt.
            pub fn login_id(&self) -> &LoginId {
                self.login.completion.id()
            }

            /// Waits until the attempt has succeeded, failed or been cancelled:
            /// `success` and `error` tell. It does not matter whether that was
            /// before this call; waiting twice gives the same.
            ///
            /// # Errors
            ///
            /// `Closed` when the connection is gone.
            ///
            /// # Cancel safety
            ///
            /// Cancel safe.
            pub async fn wait(&self) -> Result<AccountLoginCompletedNotification> {
                self.login.wait().await
            }

            /// Cancels the attempt (`account/login/cancel`). It then completes as
            /// failed.
            ///
            /// # Errors
            ///
            /// As [`Codex::call`].
            ///
            /// # Cancel safety
            ///
            /// As [`Codex::call`].
            pub async fn cancel(&self) -> Result<CancelLoginAccountResponse> {
                let params = CancelLoginAccountParams::new(self.login_id());
                self.login.codex.call(params).await
            }
        }
    };
}

handle!(ChatgptLoginHandle);
handle!(DeviceCodeLoginHandle);

/// A login attempt.
struct Login {
    codex: Codex,
    completion: LoginRef,
}

impl Login {
    fn new(codex: &Codex, id: &LoginId) -> Self {
        Self {
            codex: codex.clone(),
            completion: codex.connection().login(id),
        }
    }

    async fn wait(&self) -> Result<AccountLoginCompletedNotification> {
        let event = self.completion.completed().await?;
        openai_codex_wire::decode(event.method(), event.params())
            .map_err(|error| Error::undecodable(event.method().to_owned(), event.params(), error))
            .map_err(|error| error.sent_by(self.codex.runtime_version()))
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.completion.id())
    }
}

fn unexpected(wanted: &str, answer: &LoginAccountResponse) -> Error {
    let reason = format!(
        "asked for {wanted}, and the server began a `{}`",
        answer.kind()
    );
    let method = LoginAccountParams::METHOD;
    Error::undecodable(method, "", DecodeError::new(method, &reason))
}
