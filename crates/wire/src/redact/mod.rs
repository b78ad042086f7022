//! The one opinion of what a secret is, for errors, logs, recordings and the installer.
//!
//! Pure functions: [`text`] for what people read, [`redact`] for one message, [`Redactor`] for the
//! messages of a session, [`value`] for a JSON value, [`Echo`] for an answer that may repeat what
//! was sent. All take time in proportion to their input and panic on none.
//!
//! Found is
//!
//! - the value behind a [name that says so](is_secret_name): `api_key = …`, `password: …`,
//!   `export TOKEN="…"`, `X-Api-Key: …`, `--password …`, `"token": "…"`, `<password>…</password>`,
//!   parameters of URLs, `{"name": "API_KEY", "value": "…"}`, lists and objects in JSON;
//! - the value behind a name and a space, where a command or a file says so: `setx TOKEN …`,
//!   `ENV TOKEN …`, `npm config set _authToken …`, netrc, `IDENTIFIED BY '…'`;
//! - all of a value in several pieces, `a'b'"c"`, in a block of YAML, or with colours of a terminal
//!   within;
//! - the credentials of an `Authorization`, whatever its scheme, and cookies;
//! - what begins as a well-known token: `sk-`, `ghp_`, `glpat-`, `npm_`, `hf_`, `xoxb-`, `AKIA`,
//!   `ya29.`, `AIza`, JSON web tokens and more;
//! - what is secret of the URLs of webhooks: Slack, Discord, Teams and more;
//! - the user and the password of a URL, and of `user:password@host`;
//! - private keys: PEM, OpenSSH, PGP;
//! - all of it in JSON within strings, percent-encoded or in Base64, also several times.
//!
//! References (`$TOKEN`, `${{ secrets.X }}`), code (`token = get_token()`), counts (`tokens: 1234`),
//! hashes and ids stay. A secret that looks like none and has no name is not found: `hunter2` alone
//! is a word as others are.

mod argument;
mod assign;
mod base64;
mod echo;
mod find;
mod header;
mod keys;
mod layers;
mod message;
mod names;
mod pieces;
mod session;
mod spaced;
mod stream;
mod structure;
mod table;
mod tokens;
mod url;
mod value;

use std::borrow::Cow;

pub use echo::Echo;
pub use message::{redact, value};
pub use names::{is_secret_name, is_secret_path};
pub use session::Redactor;
pub use table::{MethodSecrets, SecretTable};

use self::find::{End, secrets, without};

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// How often a text is gone through. Each time less is left to find; a text that is not done by
/// then was made for it.
const PASSES: usize = 8;

/// A text without its secrets. Doing it twice changes nothing.
///
/// ```
/// use openai_codex_wire::redact::text;
///
/// assert_eq!(text("Error: bad key sk-proj-0123456789abcdef"), "Error: bad key [redacted]");
/// assert_eq!(text("tokens: 1234"), "tokens: 1234");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    let mut found = secrets(text.as_bytes(), End::Final);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut said = text.as_bytes().to_vec();
    for _ in 0..PASSES {
        said = without(&said, &found);
        found = secrets(&said, End::Final);
        if found.is_empty() {
            return match String::from_utf8(said) {
                Ok(said) => Cow::Owned(said),
                Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            };
        }
    }
    Cow::Borrowed(REDACTED)
}
