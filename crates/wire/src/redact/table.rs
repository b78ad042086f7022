//! What the protocol itself says of secrets.

/// The methods that carry secrets, and their members that are secret though their names do not say
/// so. What has a telling name needs no entry.
///
/// ```
/// use openai_codex_wire::redact::{MethodSecrets, SecretTable};
///
/// static METHODS: [MethodSecrets<'static>; 1] = [MethodSecrets {
///     method: "account/login/start",
///     members: &["pin"],
/// }];
/// let table = SecretTable { methods: &METHODS };
/// assert!(table.holds_secrets("account/login/start") && !table.holds_secrets("turn/start"));
/// // A method that the table does not know is judged by its words.
/// assert!(table.holds_secrets("account/apiToken/renew"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretTable<'a> {
    /// One entry a method; for requests it is about the params and the result.
    pub methods: &'a [MethodSecrets<'a>],
}

/// What is secret in the messages of a method.
#[derive(Clone, Copy, Debug)]
pub struct MethodSecrets<'a> {
    /// The method on the wire.
    pub method: &'a str,
    /// Members that are secret, wherever they stand in the params or the result.
    pub members: &'a [&'a str],
}

/// Words of methods that are about secrets.
const WORDS: [&str; 8] = [
    "login",
    "auth",
    "token",
    "secret",
    "attestation",
    "pairing",
    "userverification",
    "environment/add",
];

impl<'a> SecretTable<'a> {
    /// Whether a method carries secrets, so that its payloads are no evidence to be kept.
    pub fn holds_secrets(&self, method: &str) -> bool {
        let is_listed = self.methods.iter().any(|it| it.method == method);
        is_listed || {
            let method = method.to_ascii_lowercase();
            WORDS.iter().any(|word| method.contains(word))
        }
    }

    /// The members that are secret in the messages of a method.
    pub(super) fn members(&self, method: &str) -> &'a [&'a str] {
        let entry = self.methods.iter().find(|it| it.method == method);
        entry.map_or(&[], |it| it.members)
    }
}
