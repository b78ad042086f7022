//! What the protocol itself says of secrets.

/// The methods that carry secrets, and their members that are secret though their names do not say
/// so. What has a telling name needs no entry.
///
/// ```
/// use openai_codex_wire::Direction;
/// use openai_codex_wire::redact::{MethodSecrets, Redactor, SecretTable};
///
/// static METHODS: [MethodSecrets<'static>; 1] = [MethodSecrets {
///     method: "account/login/start",
///     members: &["pin"],
/// }];
/// let mut redactor = Redactor::with_table(SecretTable { methods: &METHODS });
/// let message = r#"{"id":1,"method":"account/login/start","params":{"pin":"1234"}}"#;
/// let redacted = redactor.redact(Direction::ToServer, message).unwrap();
/// assert!(!redacted.contains("1234"));
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

impl<'a> SecretTable<'a> {
    /// The members that are secret in the messages of a method.
    pub(super) fn members(&self, method: &str) -> &'a [&'a str] {
        let entry = self.methods.iter().find(|it| it.method == method);
        entry.map_or(&[], |it| it.members)
    }
}
